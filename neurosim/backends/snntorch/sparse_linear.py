"""A weight matrix times spikes, at a cost that goes with the number of spikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

from neurosim.backends.snntorch.row_events import RowEvents, find_row_events
from neurosim.backends.snntorch.sparse_kernel import rows_times_matrix, sums_of_lines
from neurosim.backends.snntorch.threads import in_parts
from neurosim.backends.snntorch.workspace import Workspace

#: Above this part of inputs that are not 0 a dense product is quicker.
DENSE = 0.15
#: Below this many numbers a dense product is over before anything is looked for.
WORTH_IT = 2**14


@dataclass(frozen=True)
class SparseProduct:
    """A weight matrix times few spikes, not computed yet.

    Parameters
    ----------
    spikes
        (time, batch, n_pre).
    weight
        (n_post, n_pre).
    events
        The spikes as lists, by step and trial.
    """

    spikes: Tensor
    weight: Tensor
    events: RowEvents

    def computed(self, workspace: Workspace) -> Tensor:
        """Return the product, (time, batch, n_post)."""
        result: Tensor = _SparseLinear.apply(self.spikes, self.weight, self.events, workspace)  # type: ignore[no-untyped-call]
        return result


def sparse_product(spikes: Tensor, weight: Tensor, workspace: Workspace) -> SparseProduct | None:
    """Return ``spikes @ weight.T`` as it will be computed along the spikes, or ``None`` where these are too many.

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
        return None
    rows = np.ascontiguousarray(spikes.detach().reshape(-1, spikes.shape[-1]).numpy())
    events = find_row_events(rows, DENSE, torch.get_num_threads(), workspace)
    return None if events is None else SparseProduct(spikes, weight, events)


def sparse_linear(spikes: Tensor, weight: Tensor, workspace: Workspace) -> Tensor:
    """Return ``spikes @ weight.T``, (time, batch, n_post), going through the spikes only where they are few."""
    product = sparse_product(spikes, weight, workspace)
    return linear(spikes, weight) if product is None else product.computed(workspace)


def weight_gradient(events: RowEvents, g: np.ndarray, n_pre: int, workspace: Workspace) -> np.ndarray:
    """Return the gradient of a weight matrix, (post, pre), from that of the product, (row, post)."""
    threads = torch.get_num_threads()
    lines = np.empty((n_pre, g.shape[1]), g.dtype)
    in_parts(sums_of_lines, n_pre, threads, lines, *events.by_column(n_pre, threads, workspace).arrays, g)
    return lines.T


def spike_gradient(g: np.ndarray, weight: np.ndarray, workspace: Workspace) -> np.ndarray:
    """Return the gradient of spikes, (row, pre), from that of the product, (row, post); `weight` is (post, pre)."""
    found = workspace.empty((len(g), weight.shape[1]), g.dtype)
    in_parts(rows_times_matrix, len(g), torch.get_num_threads(), found, g, np.ascontiguousarray(weight))
    return found


class _SparseLinear(torch.autograd.Function):
    """The compiled loops, forward and backward."""

    @staticmethod
    def forward(ctx: Any, spikes: Tensor, weight: Tensor, events: RowEvents, workspace: Workspace) -> Tensor:
        """Add the rows of the weights that spikes name."""
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
        (weight,) = ctx.saved_tensors
        (upstream,) = gradients
        g = np.ascontiguousarray(upstream.reshape(-1, len(weight)).numpy())
        d_spikes = d_weight = None
        if ctx.needs_input_grad[0]:
            shape = (*upstream.shape[:-1], weight.shape[1])
            d_spikes = torch.from_numpy(spike_gradient(g, weight.detach().numpy(), ctx.workspace)).reshape(shape)
        if ctx.needs_input_grad[1]:
            d_weight = torch.from_numpy(weight_gradient(ctx.events, g, weight.shape[1], ctx.workspace))
        return d_spikes, d_weight, None, None
