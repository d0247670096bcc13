"""A weight matrix times spikes, at a cost that goes with the number of spikes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

from neurosim.backends.snntorch.matrices import turned
from neurosim.backends.snntorch.row_events import RowBits, count_of_rows, find_row_bits
from neurosim.backends.snntorch.sparse_kernel import felt_products, rows_times_matrix, sums_by_column, sums_of_rows
from neurosim.backends.snntorch.threads import in_parts
from neurosim.backends.snntorch.workspace import Workspace

#: Above this part of inputs that are not 0 a dense product is quicker.
DENSE = 0.15
#: Up to this part of products that are needed they are found one by one, beyond it all at once (a product alone takes
#: twice the time of one among all), ...
FEW = 0.4
#: ... where they are longer than this: looking for those that are needed takes the time of so many numbers of each.
SEARCH = 40
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
    scale
        What the weights are multiplied by.
    bits
        Where spikes are, by step and trial.
    """

    spikes: Tensor
    weight: Tensor
    scale: float
    bits: RowBits

    def where_felt(self, felt: np.ndarray) -> SparseProduct:
        """Return the same product of spikes of which only some feel a gradient: bits, (time, batch, byte)."""
        return replace(self, bits=self.bits.where_felt(felt.reshape(-1, felt.shape[-1])))


def sparse_product(
    spikes: Tensor, weight: Tensor, scale: float, workspace: Workspace, bits: np.ndarray | None = None
) -> SparseProduct | None:
    """Return ``spikes @ (scale * weight).T`` as it is computed along the spikes, or ``None`` where these are too many.

    Parameters
    ----------
    spikes
        (time, batch, n_pre).
    weight
        (n_post, n_pre).
    scale
        What the weights are multiplied by.
    workspace
        Lends the arrays.
    bits
        The spikes as bits, (time, batch, byte), where these are known and each spike is a 1.
    """
    if spikes.device.type != "cpu" or spikes.numel() < WORTH_IT:
        return None
    n, threads, found = spikes.shape[-1], torch.get_num_threads(), None
    if bits is None:
        rows = np.ascontiguousarray(spikes.detach().reshape(-1, n).numpy())
        found = find_row_bits(rows, DENSE, threads, workspace)
    else:
        known = bits.reshape(-1, bits.shape[-1])
        if count_of_rows(known, threads).sum() <= DENSE * spikes.numel():
            found = RowBits(known, n, weight.detach().numpy().dtype)
    return None if found is None else SparseProduct(spikes, weight, scale, found)


def sparse_linear(spikes: Tensor, weight: Tensor, workspace: Workspace) -> Tensor:
    """Return ``spikes @ weight.T``, (time, batch, n_post), going through the spikes only where they are few."""
    product = sparse_product(spikes, weight, 1.0, workspace)
    if product is None:
        return linear(spikes, weight)
    result: Tensor = _SparseLinear.apply(spikes, weight, product.bits, workspace)  # type: ignore[no-untyped-call]
    return result


def weight_gradient(spikes: RowBits, g: np.ndarray, workspace: Workspace, scale: float = 1.0) -> np.ndarray:
    """Return the gradient of a weight matrix, (post, pre), from that of the product, (row, post).

    Parameters
    ----------
    spikes
        Where the factors of the product are not 0, (row, pre).
    g
        The gradient of the product.
    workspace
        Lends the arrays.
    scale
        What the weights were multiplied by.
    """
    threads = torch.get_num_threads()
    lines = workspace.empty((spikes.columns, g.shape[1]), g.dtype)
    in_parts(sums_by_column, spikes.columns, threads, lines, spikes.bits, spikes.numbers, g)
    return turned(lines, scale, threads, workspace)


def spike_gradient(
    g: np.ndarray, weight: np.ndarray, workspace: Workspace, felt: np.ndarray | None = None
) -> np.ndarray:
    """Return the gradient of spikes, (row, pre), from that of the product, (row, post).

    Parameters
    ----------
    g
        The gradient of the product.
    weight
        (post, pre).
    workspace
        Lends the array.
    felt
        Bits of those that are needed, (row, byte): where these are few the others are left at 0. ``None`` for all.
    """
    found = workspace.empty((len(g), weight.shape[1]), g.dtype)
    if felt is not None and is_few(felt, *weight.shape[::-1]):
        lines = turned(weight, 1.0, torch.get_num_threads(), workspace)
        in_parts(felt_products, len(g), torch.get_num_threads(), found, g, felt, lines)
        return found
    in_parts(rows_times_matrix, len(g), torch.get_num_threads(), found, g, np.ascontiguousarray(weight))
    return found


def is_few(felt: np.ndarray, columns: int, length: int) -> bool:
    """Tell whether so few gradients are needed, by their bits (row, byte), that they are found one by one.

    Parameters
    ----------
    felt
        The bits.
    columns
        How many gradients each row has.
    length
        Of the product that each of them is.
    """
    if length <= SEARCH:
        return False
    return (
        int(count_of_rows(felt, torch.get_num_threads()).sum()) * length
        <= FEW * (length - SEARCH) * len(felt) * columns
    )


class _SparseLinear(torch.autograd.Function):
    """The compiled loops, forward and backward."""

    @staticmethod
    def forward(ctx: Any, spikes: Tensor, weight: Tensor, bits: RowBits, workspace: Workspace) -> Tensor:
        """Add the rows of the weights that spikes name."""
        threads = torch.get_num_threads()
        lines = turned(weight.detach().numpy(), 1.0, threads, workspace)
        result = workspace.empty((len(bits.bits), len(weight)), lines.dtype)
        in_parts(sums_of_rows, len(result), threads, result, bits.bits, bits.numbers, lines)
        ctx.bits, ctx.workspace = bits, workspace
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
            d_weight = torch.from_numpy(weight_gradient(ctx.bits, g, ctx.workspace))
        return d_spikes, d_weight, None, None
