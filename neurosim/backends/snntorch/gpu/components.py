"""Which components that reach themselves run in kernels of Triton, and how what drives them reaches the kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from neurosim.backends.snntorch.delays import whole_steps
from neurosim.backends.snntorch.gpu.edge_gather import DelayedEdges, EdgeGather, GatherOn, order_of_arrival
from neurosim.backends.snntorch.gpu.recurrent import RecurrentScan, make_recurrent, run_recurrent
from neurosim.backends.snntorch.gpu.recurrent_source import RecurrentSource, is_at_once, recurrent_source
from neurosim.backends.snntorch.kernel_projection import KernelProjection
from neurosim.backends.snntorch.loops.components import Ahead, arrivals_of, learned_among, member_of
from neurosim.backends.snntorch.loops.exchange import feels, handed_over, last_fired, only_read, taken_back
from neurosim.backends.snntorch.loops.source import Arrival
from neurosim.backends.snntorch.scanned import Scanned
from neurosim.program.components import Component

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule
    from neurosim.backends.snntorch.projection import Projection
    from neurosim.backends.snntorch.stepper import Stepper


def why_projection_not_in_kernels(module: CircuitModule, name: str) -> str | None:
    """Return why a projection inside a component is stepped on a GPU, or ``None`` where kernels know it."""
    if isinstance(module.part(name), KernelProjection):
        return f"{name} convolves"
    return f"{name} is graded" if module.program.projections[name].graded else None


def try_recurrent(module: CircuitModule, component: Component) -> None:
    """Write the kernels of a component as far as they can fail.

    Raises
    ------
    Uncovered
        If a population does something that the kernels do not know.
    """
    members = [member_of(module, name, (), None) for name in component.populations]
    recurrent_source(members, [], [], [0] * len(members), module.torch_dtype, keep=True)


def by_launches(module: CircuitModule, component: Component) -> bool:
    """Tell whether every part of every step of a component is a launch of its own."""
    return not is_at_once([module.program.populations[name].n for name in component.populations])


class RecurrentKernels:
    """The kernels of a module's components, made once, and the edges that they go along.

    Parameters
    ----------
    module
        The module; what it computes in, and where, may change later.
    """

    def __init__(self, module: CircuitModule) -> None:
        self.module = module
        self._sources: dict[tuple[object, ...], RecurrentSource] = {}
        self._edges: dict[tuple[str, int], EdgeGather] = {}
        self._static: dict[tuple[str, torch.device], DelayedEdges] = {}

    def scan(
        self, arrivals: Sequence[tuple[Arrival, str]], learned_edges: Mapping[int, DelayedEdges],
        traced: Mapping[str, Sequence[str]], learned: Mapping[str, frozenset[str]], depths: Sequence[int], *,
        keep: bool,
    ) -> RecurrentScan:  # fmt: skip
        """Return the kernels of a component.

        Parameters
        ----------
        arrivals
            In the order of the contract, each with the name of what it comes by.
        learned_edges
            Of arrivals whose delays are learned, the edges as they are at present.
        traced, learned
            By population: what is recorded, and the values that have gradients.
        depths
            For each population, how many steps before the first its spikes are known from.
        keep
            Whether the way back will be gone.
        """
        module = self.module
        bare = [item for item, _ in arrivals]
        links = [learned_edges.get(place, self._link(*item)) for place, item in enumerate(arrivals)]
        delays = tuple(link if isinstance(link, int) else None for link in links)
        members = [member_of(module, name, keys, learned[name]) for name, keys in traced.items()]
        recorded = tuple((name, tuple(keys)) for name, keys in traced.items())
        slopes = tuple(member.slope for member in members)
        key = (module.torch_dtype, tuple(bare), delays, recorded, tuple(learned.items()), tuple(depths), slopes, keep)
        if key not in self._sources:
            self._sources[key] = recurrent_source(members, bare, delays, depths, module.torch_dtype, keep=keep)
        surrogates = [
            module.part(member.item.name).spike_grad if member.slope is None and member.item.threshold else None
            for member in members
        ]
        return make_recurrent(self._sources[key], bare, links, surrogates, keep=keep)

    def _link(self, arrival: Arrival, name: str) -> int | DelayedEdges | None:
        """Return what an arrival comes by: a delay in steps, edges, or nothing where it is known for all steps."""
        if arrival.kind == "ahead":
            return None
        item, part = self.module.program.projections[name], self.module.part(name)
        if arrival.kind == "lines":
            return item.max_delay
        if part.learns_delays:
            return None  # they are others in every call
        key = (name, self.module.device)
        if key not in self._static:
            order = order_of_arrival(item.pre_index, item.delay)
            edges = EdgeGather(item.pre_index, item.post_index, order, part.n_pre, part.n_post)
            delay = torch.from_numpy(np.ascontiguousarray(item.delay, np.int64)).to(self.module.device)
            self._static[key] = DelayedEdges(edges.on(self.module.device), delay)
        return self._static[key]

    def split(self, part: Projection, delay: Tensor, amount: Tensor) -> tuple[DelayedEdges, Tensor]:
        """Return edges whose delays are learned, as they are at present, and what each adds.

        What :func:`neurosim.backends.snntorch.loops.learned_delays.two_edges` does, without asking the GPU for delays:
        an edge between two steps is two edges, one behind the other, whatever its delay is.
        """
        longest = part.longest
        if not part.training:
            edges = self._of_edges(part, 1)
            return DelayedEdges(edges, whole_steps(delay).clamp(0, longest).detach().to(torch.int64)), amount
        # One that has come to the longest is seen from below, the way it can move.
        below = torch.floor(delay.detach()).clamp(0, max(longest - 1, 0))
        rest = delay - below
        near = below.to(torch.int64)
        steps = torch.cat([near, (near + 1).clamp(max=longest)])
        return DelayedEdges(self._of_edges(part, 2), steps), torch.cat([amount * (1 - rest), amount * rest])

    def _of_edges(self, part: Projection, copies: int) -> GatherOn:
        """Return the edges of a projection, each so many times in a row."""
        item, key = part.item, (part.item.name, copies)
        if key not in self._edges:
            pre, post = (np.tile(index, copies) for index in (item.pre_index, item.post_index))
            order = np.arange(len(pre)).reshape(copies, -1).T.reshape(-1)
            self._edges[key] = EdgeGather(pre, post, order, part.n_pre, part.n_post)
        return self._edges[key].on(self.module.device)


def run_in_recurrent_kernels(
    stepper: Stepper,
    ahead: Ahead,
    rows: Mapping[str, Tensor],
    driven: Mapping[str, Mapping[str, Tensor]],
    traced: Mapping[str, Sequence[str]],
    steps: int,
) -> dict[str, Scanned]:
    """Run all steps of a component in kernels, and leave the stepper in the state after them.

    Parameters
    ----------
    stepper, ahead, rows, driven, traced, steps
        As :func:`neurosim.backends.snntorch.loops.components.run_in_loops` takes them.
    """
    made = stepper.module.paths.recurrent
    arrivals, values, _, tables = arrivals_of(stepper, ahead, rows, made.split)
    inputs = {**handed_over(stepper, driven), **values}
    keep = torch.is_grad_enabled() and any(map(feels, inputs.values()))
    depths = [len(inputs[f"past{place}"]) if f"past{place}" in inputs else 0 for place in range(len(driven))]
    learned = learned_among(list(stepper.populations), None, inputs, keep=keep)
    scan = made.scan(arrivals, tables, traced, learned, depths, keep=keep)
    inputs = only_read(stepper, inputs, scan.source.members)
    found = run_recurrent(scan, inputs, last_fired(stepper), stepper.step_number, stepper.dt, steps)
    return taken_back(stepper, found, steps)
