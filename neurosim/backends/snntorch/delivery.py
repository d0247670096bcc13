"""The fourth part of a step: what arrives is added to the neurons, projection after projection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import proxy

import torch
from torch import Tensor

from neurosim.backends.snntorch.arrivals import ArrivalOrder
from neurosim.backends.snntorch.events import ArrivalTable
from neurosim.backends.snntorch.projection import add_in_order
from neurosim.program.step_program import PoissonProgram, PostPathway, ProjectionProgram

if TYPE_CHECKING:
    from neurosim.backends.snntorch.stepper import Stepper


class Delivery:
    """Adds what arrives in a step to the values that a stepper carries.

    Parameters
    ----------
    stepper
        Carries the values; its populations and projections are known already.
    """

    def __init__(self, stepper: Stepper) -> None:
        # Not owned: a circle would keep all tensors of a call until Python looks for circles.
        self.stepper = proxy(stepper)
        self._tables: dict[str, ArrivalTable] = {}

    def table(self, item: ProjectionProgram) -> ArrivalTable:
        """Return the edges of a projection by neuron and delay, sorted when they are first asked for."""
        if item.name not in self._tables:
            stepper = self.stepper
            delay = stepper.module.part(item.name).whole_delay()
            self._tables[item.name] = ArrivalTable(item.pre_index, delay, stepper.program.populations[item.pre].n)
        return self._tables[item.name]

    def deliver(self) -> None:
        """Let everything arrive that is due in this step, in the order of the contract."""
        stepper = self.stepper
        for item in stepper.deliveries:
            if isinstance(item, PoissonProgram):
                self._add(item.post, item.target, self._pulses(item))
            elif isinstance(item, PostPathway):
                stepper.edge_states[item.projection.name].act("post")
            elif item.dynamics is not None:
                stepper.edge_states[item.name].act("pre")
            elif stepper.events:
                self._deliver_events(item)
            else:
                self._deliver_sums(item)

    def _pulses(self, item: PoissonProgram) -> Tensor:
        """Return a variable after what a Poisson input brings to it."""
        stepper = self.stepper
        drawn = stepper.inputs[item.name] * stepper.background[item.name]
        after: Tensor = stepper.values[item.post][item.target] + stepper.module.part(item.name).pulses(drawn)
        return after

    def _deliver_sums(self, item: ProjectionProgram) -> None:
        """Add all edges of a projection, differentiably."""
        stepper = self.stepper
        part, ahead = stepper.module.part(item.name), stepper.arrivals.get(item.name)
        for target in dict.fromkeys(addition.target for addition in item.additions):
            old = stepper.values[item.post][target]
            if ahead is not None:
                new = old + ahead[target]
            else:
                past, ends = list(stepper.history[item.pre]), stepper.reader(item.name)
                new = part.deliver(past, stepper.edges[item.name], ends, target, old)
            self._add(item.post, target, new)

    def _deliver_events(self, item: ProjectionProgram) -> None:
        """Add the edges of a projection whose spike arrives now."""
        stepper, part = self.stepper, self.stepper.module.part(item.name)
        due = self.table(item).due(stepper.history[item.pre])
        if due is None:
            return
        edges, trials = (torch.from_numpy(array).to(stepper.device) for array in due)
        expressions = part.exact_expressions if stepper.exact else part.expressions
        for target, printed in expressions.terms:
            reader = stepper.reader(item.name)
            amount = printed({key: reader.read(key, edges, trials) for key in printed.reads})["value"]
            self.add_arrivals(item, target, edges, trials, amount)

    def add_arrivals(self, item: ProjectionProgram, target: str, edges: Tensor, trials: Tensor, amount: Any) -> None:
        """Add what some edges bring, one after another: `edges`, `trials` and `amount` are each (arrival,)."""
        stepper = self.stepper
        amount = torch.as_tensor(amount, dtype=stepper.dtype, device=stepper.device).expand(edges.shape)
        posts, where = stepper.module.part(item.name).post_edges.index_select(0, edges), trials
        if target in stepper.populations[item.post].masked:
            active = stepper.active[item.post]
            keep = torch.nonzero(active.reshape(-1).index_select(0, trials * active.shape[1] + posts)).reshape(-1)
            posts, where, amount = (array.index_select(0, keep) for array in (posts, trials, amount))
        value = stepper.values[item.post][target]
        index = posts if stepper.batch == 1 else where * value.shape[1] + posts
        new = value.reshape(-1).index_add(0, index, amount).reshape(value.shape)
        stepper.values[item.post] = {**stepper.values[item.post], target: new}

    def add_weighted(self, item: ProjectionProgram, target: str, order: ArrivalOrder, amount: Tensor) -> None:
        """Add what every edge brings, 0 where no spike arrives: `amount` is (batch, edge) in the order of arrival."""
        posts = self.stepper.module.part(item.name).post_edges.index_select(0, order.order)
        self._add(item.post, target, add_in_order(self.stepper.values[item.post][target], posts, amount))

    def _add(self, name: str, target: str, new: Tensor) -> None:
        """Put the value after an arrival in the place of the old one, but for neurons that rest and do not hear."""
        stepper = self.stepper
        old = stepper.values[name][target]
        if target in stepper.populations[name].masked:
            new = torch.where(stepper.active[name], new, old)
        stepper.values[name] = {**stepper.values[name], target: new}
