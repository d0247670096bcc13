"""A weight matrix times spikes, at a cost that goes with the number of spikes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

#: Above this part of inputs that are not 0 a dense product is quicker.
DENSE = 0.15
#: Below this many numbers a dense product is over before anything is looked for.
WORTH_IT = 2**14


def sparse_linear(spikes: Tensor, weight: Tensor) -> Tensor:
    """Return ``spikes @ weight.T``, (time, batch, n_post), going through the spikes only where they are few.

    Parameters
    ----------
    spikes
        (time, batch, n_pre).
    weight
        (n_post, n_pre).
    """
    if spikes.device.type != "cpu" or spikes.numel() < WORTH_IT:
        return linear(spikes, weight)
    from neurosim.backends.snntorch import delay_kernel

    rows = np.ascontiguousarray(spikes.detach().reshape(-1, spikes.shape[-1]).numpy())
    counts = np.empty(len(rows), np.int64)
    delay_kernel.in_parts(delay_kernel.count_events, len(rows), torch.get_num_threads(), rows, counts)
    if counts.sum() > DENSE * rows.size:
        return linear(spikes, weight)
    result: Tensor = _SparseLinear.apply(spikes, weight, rows, counts)  # type: ignore[no-untyped-call]
    return result


class _SparseLinear(torch.autograd.Function):
    """The compiled loops, forward and backward."""

    @staticmethod
    def forward(ctx: Any, spikes: Tensor, weight: Tensor, rows: np.ndarray, counts: np.ndarray) -> Tensor:
        """Add the rows of the weights that spikes name."""
        from neurosim.backends.snntorch import delay_kernel, sparse_kernel

        n_post = len(weight)
        threads = torch.get_num_threads()
        start = np.concatenate([[0], np.cumsum(counts)])
        events = (start, np.empty(start[-1], np.int64), np.empty(start[-1], rows.dtype))
        delay_kernel.in_parts(delay_kernel.find_events, len(rows), threads, rows, *events)
        result = np.zeros((len(rows), n_post), rows.dtype)
        lines = np.ascontiguousarray(weight.detach().numpy().T)
        delay_kernel.in_parts(sparse_kernel.add_rows_of_events, len(rows), threads, result, *events, lines)
        ctx.events = events
        ctx.save_for_backward(weight)
        return torch.from_numpy(result).reshape(*spikes.shape[:-1], n_post)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of spikes and weights that are asked for."""
        from neurosim.backends.snntorch import delay_kernel, sparse_kernel

        (weight,) = ctx.saved_tensors
        n_post, n_pre = weight.shape
        upstream = gradients[0]
        d_spikes = upstream @ weight if ctx.needs_input_grad[0] else None
        if not ctx.needs_input_grad[1]:
            return d_spikes, None, None, None
        start, index, value = ctx.events
        g = np.ascontiguousarray(upstream.reshape(-1, n_post).numpy())
        starts = np.concatenate([[0], np.cumsum(np.bincount(index, minlength=n_pre))])
        samples, values = np.empty(len(index), np.int64), np.empty(len(index), value.dtype)
        sparse_kernel.sort_events(start, index, value, starts[:-1].copy(), samples, values)
        d_lines = np.zeros((n_pre, n_post), g.dtype)
        threads = torch.get_num_threads()
        delay_kernel.in_parts(sparse_kernel.weight_gradients, n_pre, threads, d_lines, starts, samples, values, g)
        return d_spikes, torch.from_numpy(d_lines).T, None, None
