"""The compiled loops of delayed sums, put together: over spikes where these are few, over whole rows where not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurosim.backends.snntorch import delay_events, delay_inputs, delay_kernel
from neurosim.backends.snntorch.registers import lanes
from neurosim.backends.snntorch.threads import in_parts
from neurosim.backends.snntorch.workspace import Workspace

if TYPE_CHECKING:
    from neurosim.backends.snntorch.delayed_sum import EdgePlan

Array = NDArray[Any]
#: Above this part of numbers that are not 0, running over whole rows is quicker than looking for them.
DENSE = 0.25
#: A block of postsynaptic neurons has at least so many, however long their rows are: else edges are sorted in vain.
_FEWEST = 8


class DelayLoops:
    """One delayed sum, forward and then back.

    Parameters
    ----------
    plan
        The edges.
    workspace
        Lends the arrays.
    batch
        Number of trials.
    weight, delay
        Of each edge, (edge,).
    highest
        What the whole steps of a delay are at most.
    """

    def __init__(
        self, plan: EdgePlan, workspace: Workspace, batch: int, weight: Tensor, delay: Tensor, highest: int
    ) -> None:
        self.plan, self.workspace, self.batch = plan, workspace, batch
        self.weight, self.delay = (tensor.detach().contiguous().numpy() for tensor in (weight, delay))
        self.bounds = np.array([highest, plan.longest], self.delay.dtype)
        self.threads = torch.get_num_threads()
        self.by_post = (plan.post_starts, plan.by_post, plan.pre)
        self.taps = (self.weight, self.delay, self.bounds)

    def forward(self, train: Array) -> Array:
        """Return what arrives, (time, trial, post), of spikes (longest + time, trial, pre)."""
        self.length = (train.shape[0] - self.plan.longest) * self.batch
        numbers = train.reshape(train.shape[0] * self.batch, self.plan.n_pre)
        self.spikes = self._spikes(numbers)
        result = self.workspace.empty((self.length, self.plan.n_post), train.dtype)
        if self.spikes is not None:
            self._over_posts(delay_events.add_events, result, *self.by_post, *self.taps, *self.spikes, self.batch)
        else:
            # One step more in front: the far tap of the longest delay may look there.
            self.rows = self.workspace.empty((self.plan.n_pre, self.batch + len(numbers)), train.dtype)
            self.rows[:, : self.batch] = 0
            self.rows[:, self.batch :] = numbers.T
            rows = self.workspace.empty((self.plan.n_post, self.length), train.dtype)
            self._over_posts(delay_kernel.add_rows, rows, *self.by_post, *self.taps, self.rows, self.batch)
            result[...] = rows.T
        return result.reshape(-1, self.batch, self.plan.n_post)

    def backward(self, upstream: Array, *, of_edges: bool, of_train: bool) -> tuple[Array | None, ...]:
        """Return the gradients of spikes, weights and delays that are asked for.

        Parameters
        ----------
        upstream
            The gradient of what arrived, (time, trial, post).
        of_edges, of_train
            Whether those of weights and delays are wanted, and those of spikes.
        """
        plan, dtype = self.plan, upstream.dtype
        numbers = upstream.reshape(self.length, plan.n_post)
        wide = lanes(dtype.itemsize)
        pad = delay_inputs.padding(self.batch, wide)
        g = self.workspace.empty((plan.n_post, pad + -(-self.length // wide) * wide + pad), dtype)
        self._over_posts(delay_inputs.turn_rows, numbers, g, pad, self.length)
        d_train = d_weight = d_delay = None
        if of_edges:
            d_weight, d_delay = (np.empty(len(plan.pre), dtype) for _ in range(2))
            rows = g[:, pad : pad + self.length]
            run, found = (
                (delay_kernel.edge_gradients_of_rows, (self.rows,))
                if self.spikes is None
                else (delay_events.edge_gradients_of_events, self.spikes)
            )
            self._over_posts(run, rows, *self.by_post, *self.taps, *found, self.batch, d_weight, d_delay)
        if of_train:
            d_train = self.workspace.empty((plan.longest * self.batch + self.length, plan.n_pre), dtype)
            tile = delay_inputs.TILE * wide
            rows = self.workspace.empty((plan.n_pre, -(-len(d_train) // tile) * tile), dtype)
            block = max(_FEWEST, delay_inputs.BLOCK // (g.shape[1] * dtype.itemsize))
            in_parts(
                delay_inputs.input_gradients, plan.n_pre, self.threads, d_train, rows, plan.pre_starts, plan.by_pre,
                plan.post, *self.taps, g, pad, self.length, self.batch, wide, block,
            )  # fmt: skip
            d_train = d_train.reshape(-1, self.batch, plan.n_pre)
        return d_train, d_weight, d_delay

    def _over_posts(self, kernel: Any, *arguments: Any) -> None:
        in_parts(kernel, self.plan.n_post, self.threads, *arguments)

    def _spikes(self, numbers: Array) -> tuple[Array, Array, Array | None] | None:
        """Return the table of first spikes, where spikes stand and what they are; ``None`` where they are many.

        What they are is ``None`` where all are 1.
        """
        n, steps = self.plan.n_pre, len(numbers) // self.batch
        start = np.zeros(n + 1, np.int64)
        in_parts(delay_events.count_spikes, n, self.threads, numbers, start[1:])
        np.cumsum(start, out=start)
        if start[-1] > DENSE * numbers.size:
            return None
        table = self.workspace.empty((n, steps + 1), np.int64)
        position, value = (self.workspace.empty((int(start[-1]),), kind) for kind in (np.int32, numbers.dtype))
        in_parts(delay_events.list_spikes, n, self.threads, numbers, self.batch, start, table, position, value)
        return table, position, None if bool(np.all(value == 1)) else value
