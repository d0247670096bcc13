"""Edges with a state of their own in torch: integrated in every step, changed by the spikes from both sides.

Without gradients only the edges that a spike reaches are computed. With gradients every edge is computed in every step,
and the spike chooses between the new value and the old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from weakref import proxy

import torch
from torch import Tensor, nn

from neurosim.backends.snntorch.arrivals import ArrivalOrder
from neurosim.backends.snntorch.events import ArrivalTable
from neurosim.program.frozen import Frozen
from neurosim.program.statements import Statement
from neurosim.program.step_program import ProjectionProgram
from neurosim.program.synapse_dynamics import EventProgram, SynapseDynamics
from neurosim.program.torch_printer import Printed, TorchPrinter

if TYPE_CHECKING:
    from neurosim.backends.snntorch.stepper import Stepper

Side = Literal["pre", "post"]


class PrintedDynamics(Frozen):
    """The programs of the edges of one projection, printed for one mathematics."""

    def __init__(self, dynamics: SynapseDynamics, dtype: torch.dtype, *, exact: bool) -> None:
        printer = TorchPrinter(dtype, exact=exact)
        written = dict.fromkeys(item.target for item in dynamics.integrate if item.target in dynamics.state)
        self.integrate = printer.print(dynamics.integrate, list(written))
        self.events: dict[Side, Printed] = {
            "pre": _event(dynamics.on_pre, printer), "post": _event(dynamics.on_post, printer)
        }  # fmt: skip


def _event(program: EventProgram, printer: TorchPrinter) -> Printed:
    """Print an event: the variables that it writes, then what it adds as ``added_0``, ``added_1``, ..."""
    added = [Statement(f"added_{place}", item.expression) for place, item in enumerate(program.additions)]
    statements = [*program.fresh, *added, *program.copies]
    return printer.print(statements, [*(item.target for item in program.copies), *(item.target for item in added)])


class EdgeDynamics(nn.Module):
    """What a compiled projection holds for its edges' state: the programs, and who reaches which edge when."""

    printed: PrintedDynamics
    exact_printed: PrintedDynamics

    def __init__(self, item: ProjectionProgram, dynamics: SynapseDynamics) -> None:
        super().__init__()
        self.item = item
        self.dynamics = dynamics
        self.after_pre = ArrivalOrder(item.pre_index, item.delay)
        self.after_post = ArrivalOrder(item.post_index, dynamics.post_delay)

    def print_programs(self, dtype: torch.dtype) -> None:
        """Print the programs for a dtype."""
        self.printed = PrintedDynamics(self.dynamics, dtype, exact=False)
        self.exact_printed = PrintedDynamics(self.dynamics, dtype, exact=True)


class EdgeStates:
    """The states of the edges of one projection in a run; they are kept among the values of the stepper.

    Parameters
    ----------
    stepper
        Carries the values of the circuit.
    name
        The projection.
    """

    def __init__(self, stepper: Stepper, name: str) -> None:
        self.stepper, self.name = proxy(stepper), name  # not owned: the stepper owns this
        self.part = stepper.module.part(name).dynamics
        self.item: ProjectionProgram = self.part.item
        self.printed: PrintedDynamics = self.part.exact_printed if stepper.exact else self.part.printed
        self.additions = self.part.dynamics.on_pre.additions
        self._tables: dict[Side, ArrivalTable] = {}
        if stepper.events:
            # Events write in place, so the values must belong to this run alone.
            stepper.values[name] = {key: value.clone() for key, value in stepper.values[name].items()}

    def table(self, side: Side) -> ArrivalTable:
        """Return the edges by the neuron at one end and delay, sorted when they are first asked for."""
        if side not in self._tables:
            item, sizes = self.item, self.stepper.program.populations
            self._tables[side] = (
                ArrivalTable(item.pre_index, item.delay, sizes[item.pre].n)
                if side == "pre"
                else ArrivalTable(item.post_index, self.part.dynamics.post_delay, sizes[item.post].n)
            )
        return self._tables[side]

    def integrate(self) -> None:
        """Advance the clock-driven variables of every edge by a step."""
        program = self.printed.integrate
        if not program.writes:
            return
        reader = self.stepper.reader(self.name)
        shape = (self.stepper.batch, self.item.n)
        new = program({key: reader.read(key, None) for key in program.reads})
        values = self.stepper.values[self.name]
        updated = {
            key: torch.as_tensor(value, dtype=values[key].dtype, device=self.stepper.device).expand(shape)
            for key, value in new.items()
        }
        if self.stepper.events:
            updated = {key: value.clone() for key, value in updated.items()}
        self.stepper.values[self.name] = {**values, **updated}

    def act(self, side: Side) -> None:
        """Let the spikes that arrive from one side in this step change the edges and the postsynaptic neurons."""
        if not self.item.n:
            return
        population = self.item.pre if side == "pre" else self.item.post
        if self.stepper.events:
            self._act_on_events(side, population)
        else:
            self._act_everywhere(side, population)

    def _act_on_events(self, side: Side, population: str) -> None:
        stepper = self.stepper
        due = self.table(side).due(stepper.history[population])
        if due is None:
            return
        edges, trials = (torch.from_numpy(array).to(stepper.device) for array in due)
        program, reader = self.printed.events[side], stepper.reader(self.name)
        new = program({key: reader.read(key, edges, trials) for key in program.reads})
        where = edges if stepper.batch == 1 else trials * self.item.n + edges
        values = stepper.values[self.name]
        for key, value in new.items():
            if key in values:
                value = torch.as_tensor(value, dtype=values[key].dtype, device=stepper.device).expand(edges.shape)
                values[key].view(-1).index_copy_(0, where, value)
        for place, addition in enumerate(self.additions if side == "pre" else ()):
            stepper.delivery.add_arrivals(self.item, addition.target, edges, trials, new[f"added_{place}"])

    def _act_everywhere(self, side: Side, population: str) -> None:
        stepper = self.stepper
        order: ArrivalOrder = self.part.after_pre if side == "pre" else self.part.after_post
        spikes = order.spikes(list(stepper.history[population]))
        program, reader = self.printed.events[side], stepper.reader(self.name)
        new = program({key: reader.read(key, order.order) for key in program.reads})
        values = dict(stepper.values[self.name])
        for place, addition in enumerate(self.additions if side == "pre" else ()):
            stepper.delivery.add_weighted(self.item, addition.target, order, new[f"added_{place}"] * spikes)
        for key, value in new.items():
            if key in values:
                old = values[key]
                value = torch.as_tensor(value, dtype=old.dtype, device=stepper.device).expand(old.shape)
                values[key] = stepper.chosen(_by_edge(spikes, order), _by_edge(value, order), old)
        stepper.values[self.name] = values


def _by_edge(value: Tensor, order: ArrivalOrder) -> Tensor:
    """Return values in the order of arrival, (batch, edge), in the order of the edges."""
    return torch.zeros_like(value).index_copy(1, order.order, value)
