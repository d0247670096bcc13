"""What the delayed spikes of one population bring to another in every step, differentiable in everything.

On a CPU the loops of :mod:`neurosim.backends.snntorch.delay_loops` compute it, on a CUDA device the kernels of
:mod:`neurosim.backends.snntorch.gpu.delay_kernels`. Elsewhere, and as the twin that both are held against, torch
gathers and adds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from neurosim.backends.snntorch.gpu.delayed_sum import delayed_sum_of_triton
from neurosim.backends.snntorch.gpu.modules import why_no_triton
from neurosim.backends.snntorch.workspace import Workspace
from neurosim.program.frozen import Frozen


class EdgePlan(Frozen):
    """The edges of a projection, by the neuron at either end.

    Parameters
    ----------
    pre, post
        Of each edge, (edge,).
    n_pre, n_post
        How many neurons there are.
    longest
        No delay is ever longer, in steps.
    """

    def __init__(self, pre: np.ndarray, post: np.ndarray, n_pre: int, n_post: int, longest: int) -> None:
        self.pre, self.post = np.ascontiguousarray(pre, np.int64), np.ascontiguousarray(post, np.int64)
        self.n_pre, self.n_post, self.longest = n_pre, n_post, longest
        self.by_post, self.post_starts = _grouped(self.post, self.pre, n_post)
        self.by_pre, self.pre_starts = _grouped(self.pre, self.post, n_pre)
        self._on: dict[torch.device, EdgesOn] = {}

    def on(self, device: torch.device) -> EdgesOn:
        """Return the edges on a device; they go there once."""
        if device not in self._on:
            arrays = (self.pre, self.post, self.by_post, self.post_starts, self.by_pre, self.pre_starts)
            self._on[device] = EdgesOn(*(torch.from_numpy(array).to(device) for array in arrays))
        return self._on[device]


@dataclass(frozen=True)
class EdgesOn:
    """The arrays of an :class:`EdgePlan` on a device."""

    pre: Tensor
    post: Tensor
    by_post: Tensor
    post_starts: Tensor
    by_pre: Tensor
    pre_starts: Tensor


def _grouped(index: np.ndarray, other: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges by neuron, those of one by the neuron at the other end, and where each's begin, (n + 1,)."""
    order = np.lexsort((other, index))
    return order, np.searchsorted(index[order], np.arange(n + 1))


def delayed_sum(train: Tensor, weight: Tensor, delay: Tensor, plan: EdgePlan, workspace: Workspace) -> Tensor:
    r"""Return what arrives at each neuron in each step, (time, batch, n_post).

    .. math:: y_m[t] = \sum_n w_{mn} \left((1 - r)\, x_n[t - f] + r\, x_n[t - f - 1]\right),
        \quad f = \lfloor d \rfloor,\ r = d - f

    Parameters
    ----------
    train
        Spikes, oldest first, (longest + time, batch, n_pre): as many earlier steps as the longest delay has.
    weight
        What an edge adds for a spike, (edge,).
    delay
        In steps, (edge,); beyond 0 and the longest it counts as these.
    plan
        The edges.
    workspace
        Lends the arrays.

    Notes
    -----
    The derivative of a delay is that of the straight line between the two taps,
    :math:`w \sum_t g[t] (x[t - f - 1] - x[t - f])` (Hammouamri, Khalfaoui-Hassani and Masquelier, ICLR 2024).
    """
    if train.device.type == "cpu":
        result: Tensor = _DelayedSum.apply(train, weight, delay, plan, workspace)  # type: ignore[no-untyped-call]
        return result
    if why_no_triton(train.device) is None:
        return delayed_sum_of_triton(train, weight, delay, plan)
    return delayed_sum_of_torch(train, weight, delay, plan)


def taps(delay: Tensor, longest: int) -> tuple[Tensor, Tensor]:
    """Return the whole steps and the rest of delays, the rest differentiable: (edge,) each.

    A delay that is trained and has come to its longest is seen from below, as one step less and a rest of 1: that is
    the way it can move, and nothing is read that is older than the longest delay.
    """
    whole = torch.floor(delay.detach()).clamp(0, highest_step(delay, longest))
    return whole.to(torch.int64), delay + (delay.detach().clamp(0, longest) - delay.detach()) - whole


def highest_step(delay: Tensor, longest: int) -> int:
    """Return what the whole steps of delays are at most: see :func:`taps`."""
    return max(longest - 1, 0) if delay.requires_grad else longest


def delayed_sum_of_torch(train: Tensor, weight: Tensor, delay: Tensor, plan: EdgePlan, at_once: int = 2**22) -> Tensor:
    """Compute :func:`delayed_sum` with torch's own operations; `at_once` numbers are gathered at a time."""
    steps, batch = train.shape[0] - plan.longest, train.shape[1]
    rows = train.permute(2, 0, 1).reshape(-1, batch)  # (n_pre * (longest + time), batch)
    whole, part = taps(delay, plan.longest)
    pre, post = plan.on(train.device).pre, plan.on(train.device).post
    time = torch.arange(steps, device=train.device)
    result = torch.zeros((plan.n_post * steps, batch), dtype=train.dtype, device=train.device)
    chunk = max(1, at_once // max(steps * batch, 1))
    for first in range(0, len(plan.pre), chunk):
        edges = slice(first, first + chunk)
        newest = (pre[edges] * train.shape[0] + plan.longest - whole[edges])[:, None] + time
        reaches = (plan.longest - whole[edges])[:, None] + time > 0
        young = rows.index_select(0, newest.reshape(-1))
        old = rows.index_select(0, (newest - reaches.long()).reshape(-1)) * reaches.reshape(-1, 1)
        near, far = weight[edges] * (1 - part[edges]), weight[edges] * part[edges]
        amount = near.repeat_interleave(steps)[:, None] * young + far.repeat_interleave(steps)[:, None] * old
        result = result.index_add(0, (post[edges][:, None] * steps + time).reshape(-1), amount)
    return result.reshape(plan.n_post, steps, batch).permute(1, 2, 0)


class _DelayedSum(torch.autograd.Function):
    """The compiled loops, forward and backward."""

    @staticmethod
    def forward(ctx: Any, train: Tensor, weight: Tensor, delay: Tensor, plan: EdgePlan, workspace: Workspace) -> Tensor:
        """Run the loops; keep what the way back reads."""
        from neurosim.backends.snntorch.delay_loops import DelayLoops

        ctx.loops = DelayLoops(plan, workspace, train.shape[1], weight, delay, highest_step(delay, plan.longest))
        return torch.from_numpy(ctx.loops.forward(train.detach().contiguous().numpy()))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of spikes, weights and delays that are asked for."""
        of_train, of_weight, of_delay = ctx.needs_input_grad[:3]
        upstream = gradients[0].contiguous().numpy()
        found = ctx.loops.backward(upstream, of_edges=of_weight or of_delay, of_train=of_train)
        return (*(None if array is None else torch.from_numpy(array) for array in found), None, None)
