"""Eligibility traces: what each edge has done to the state of its neuron, carried forward in time."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from neurosim.program.step_program import ProjectionProgram
from neurosim.training.local.local_step import Derivatives

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule


class EdgeLayout:
    """How values of neurons spread over the edges of a projection.

    All pairs with one delay are a matrix (batch, pre, post), which needs no index; other edges are (batch, edge).
    """

    def __init__(self, module: CircuitModule, item: ProjectionProgram) -> None:
        part = module.part(item.name)
        self.pre, self.post = part.pre_edges, part.post_edges
        self.delays = torch.tensor(item.delay, dtype=torch.int64, device=module.device)
        self.max_delay = item.max_delay
        self.dense = bool(part.all_pairs) and int(item.delay.min()) == item.max_delay
        n_pre, n_post = module.program.populations[item.pre].n, module.program.populations[item.post].n
        self.shape = (n_pre, n_post) if self.dense else (item.n,)

    def at_post(self, values: Tensor) -> Tensor:
        """Return a value per postsynaptic neuron, (batch, post), for every edge."""
        return values[:, None, :] if self.dense else values.index_select(1, self.post)

    def arriving(self, past: list[Tensor]) -> Tensor:
        """Return the spike that reaches each edge's end in this step, from spikes by age, each (batch, pre)."""
        if self.dense:
            return past[self.max_delay][:, :, None]
        return torch.stack(past)[self.delays, :, self.pre].T


class Eligibility:
    r"""The eligibility of the edges of one projection.

    .. math::

        \epsilon^t_k = \sum_l \frac{\partial h^t_k}{\partial h^{t-1}_l}\,\epsilon^{t-1}_l
        + \frac{\partial h^t_k}{\partial a^t}\, z^t, \qquad
        e^t = \sum_l \frac{\partial s^t}{\partial h^{t-1}_l}\,\epsilon^{t-1}_l

    with the variables h of the postsynaptic neuron, what arrives a, the presynaptic spike z as it arrives, and the
    postsynaptic spike s.

    Parameters
    ----------
    module
        The compiled circuit.
    item
        A projection whose pulses add their weight to one variable.
    """

    def __init__(self, module: CircuitModule, item: ProjectionProgram) -> None:
        self.layout = EdgeLayout(module, item)
        self.target = item.additions[0].target
        self.pre = item.pre
        self._traces: dict[str, Tensor] = {}

    def of_spike(self, slopes: Derivatives) -> Tensor | None:
        """Return what the weights did to this step's spikes, before :meth:`advance`; ``None`` for nothing yet."""
        return self._sum(slopes.spike)

    def advance(self, slopes: Derivatives, past: list[Tensor]) -> None:
        """Take a step in, with the presynaptic spikes by age."""
        arriving = self.layout.arriving(past)
        new: dict[str, Tensor] = {}
        for variable in {key for key, _ in (*slopes.state, *slopes.arrival)}:
            carried = self._sum({other: slope for (key, other), slope in slopes.state.items() if key == variable})
            direct = slopes.arrival.get((variable, self.target))
            if direct is not None:
                added = self.layout.at_post(direct) * arriving
                carried = added if carried is None else carried + added
            if carried is not None:
                new[variable] = carried
        self._traces = new

    def of_variable(self, variable: str) -> Tensor | None:
        """Return what the weights did to a variable of their neuron by the end of the step."""
        return self._traces.get(variable)

    def _sum(self, slopes: Mapping[str, Tensor]) -> Tensor | None:
        total: Tensor | None = None
        for variable, slope in slopes.items():
            if variable in self._traces:
                term = self.layout.at_post(slope) * self._traces[variable]
                total = term if total is None else total + term
        return total


class ReadoutFilter:
    """What the readout makes of pulses that its weights multiply by 1: the same for all its neurons.

    Parameters
    ----------
    matrix
        Of one step, (variable, variable).
    target
        The variable that pulses add to.
    shown
        The variable that is read.
    delay
        Of the pulses, in steps.
    """

    def __init__(self, matrix: Tensor, target: int, shown: int, delay: int) -> None:
        self._matrix, self._target, self._shown = matrix.tolist(), target, shown
        self._state: list[Tensor | None] = [None] * len(matrix)
        self._under_way: deque[Tensor | None] = deque([None] * delay)

    def advance(self, pulses: Tensor | None) -> Tensor | None:
        """Take the pulses of a step in; return what the variable shows after it, ``None`` for nothing yet."""
        self._under_way.append(pulses)
        new: list[Tensor | None] = []
        for row in self._matrix:
            total: Tensor | None = None
            for slope, value in zip(row, self._state, strict=True):
                if value is not None and slope:
                    total = slope * value if total is None else total + slope * value
            new.append(total)
        arriving = self._under_way.popleft()
        if arriving is not None:
            before = new[self._target]
            new[self._target] = arriving if before is None else before + arriving
        self._state = new
        return new[self._shown]
