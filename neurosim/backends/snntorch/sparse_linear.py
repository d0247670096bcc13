"""A weight matrix times spikes, at a cost that goes with the number of spikes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

from neurosim.backends.snntorch.workspace import Workspace

#: Above this part of inputs that are not 0 a dense product is quicker.
DENSE = 0.15
#: Below this many numbers a dense product is over before anything is looked for.
WORTH_IT = 2**14


def sparse_linear(spikes: Tensor, weight: Tensor, workspace: Workspace) -> Tensor:
    """Return ``spikes @ weight.T``, (time, batch, n_post), going through the spikes only where they are few.

    Parameters
    ----------
    spikes
        (time, batch, n_pre).
    weight
        (n_post, n_pre).
    workspace
        Lends the arrays.
    """
    if spikes.device.type != "cpu" or spikes.numel() < WORTH_IT:
        return linear(spikes, weight)
    from neurosim.backends.snntorch.row_events import find_row_events

    rows = np.ascontiguousarray(spikes.detach().reshape(-1, spikes.shape[-1]).numpy())
    events = find_row_events(rows, DENSE, torch.get_num_threads(), workspace)
    if events is None:
        return linear(spikes, weight)
    result: Tensor = _SparseLinear.apply(spikes, weight, events, workspace)  # type: ignore[no-untyped-call]
    return result


class _SparseLinear(torch.autograd.Function):
    """The compiled loops, forward and backward."""

    @staticmethod
    def forward(ctx: Any, spikes: Tensor, weight: Tensor, events: Any, workspace: Workspace) -> Tensor:
        """Add the rows of the weights that spikes name."""
        from neurosim.backends.snntorch.sparse_kernel import sums_of_lines
        from neurosim.backends.snntorch.threads import in_parts

        lines = np.ascontiguousarray(weight.detach().numpy().T)
        result = workspace.empty((len(events.start) - 1, len(weight)), lines.dtype)
        in_parts(sums_of_lines, len(result), torch.get_num_threads(), result, *events.arrays, lines)
        ctx.events, ctx.workspace = events, workspace
        ctx.save_for_backward(weight)
        return torch.from_numpy(result).reshape(*spikes.shape[:-1], len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of spikes and weights that are asked for."""
        from neurosim.backends.snntorch.sparse_kernel import rows_times_matrix, sums_of_lines
        from neurosim.backends.snntorch.threads import in_parts

        (weight,) = ctx.saved_tensors
        n_post, n_pre = weight.shape
        threads, workspace = torch.get_num_threads(), ctx.workspace
        upstream = gradients[0]
        g = np.ascontiguousarray(upstream.reshape(-1, n_post).numpy())
        d_spikes = d_weight = None
        if ctx.needs_input_grad[0]:
            d_rows = workspace.empty((len(g), n_pre), g.dtype)
            in_parts(rows_times_matrix, len(g), threads, d_rows, g, np.ascontiguousarray(weight.detach().numpy()))
            d_spikes = torch.from_numpy(d_rows).reshape(*upstream.shape[:-1], n_pre)
        if ctx.needs_input_grad[1]:
            by_input = ctx.events.by_column(n_pre, threads, workspace)
            d_lines = np.empty((n_pre, n_post), g.dtype)
            in_parts(sums_of_lines, n_pre, threads, d_lines, *by_input.arrays, g)
            d_weight = torch.from_numpy(d_lines).T
        return d_spikes, d_weight, None, None
