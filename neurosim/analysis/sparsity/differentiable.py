"""The measures of sparseness as functions of tensors, with gradients: for losses and regularisers.

They equal those of :mod:`neurosim.analysis.sparsity.measures` on values of 0 or more that are all numbers. What is
silent has no sparseness; since a NaN would spoil a whole loss, what it counts as is said here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor


def treves_rolls(rates: Tensor, *, dim: int = -1, silent: float = math.nan) -> Tensor:
    """Return the sparseness of Treves and Rolls, from 1/n (one value alone) to 1 (all equal).

    Parameters
    ----------
    rates
        0 or more, of any shape.
    dim
        Along which values are compared; it is what the result lacks.
    silent
        What it is where all values are 0, with a gradient of 0.
    """
    square = rates.square().mean(dim=dim)
    active = square > 0
    return torch.where(active, rates.mean(dim=dim).square() / torch.where(active, square, 1.0), silent)


def vinje_gallant(rates: Tensor, *, dim: int = -1, silent: float = math.nan) -> Tensor:
    """Return the sparseness of Vinje and Gallant, from 0 (all equal) to 1; parameters as of :func:`treves_rolls`."""
    n = rates.shape[dim]
    found = (1.0 - treves_rolls(rates, dim=dim, silent=0.0)) / (1.0 - 1.0 / n if n > 1 else math.nan)
    return torch.where(_active(rates, dim), found, silent)


def hoyer(rates: Tensor, *, dim: int = -1, silent: float = math.nan) -> Tensor:
    """Return the sparseness of Hoyer, from 0 (all equal) to 1; parameters as of :func:`treves_rolls`."""
    n = rates.shape[dim]
    # 1 stands in where nothing is active: the root has no slope at 0
    found = (1.0 - treves_rolls(rates, dim=dim, silent=1.0).sqrt()) / (1.0 - n**-0.5 if n > 1 else math.nan)
    return torch.where(_active(rates, dim), found, silent)


def gini(rates: Tensor, *, dim: int = -1, silent: float = math.nan) -> Tensor:
    """Return the Gini index, from 0 (all equal) to 1 - 1/n; parameters as of :func:`treves_rolls`."""
    ordered = rates.sort(dim=dim).values.movedim(dim, -1)
    n = ordered.shape[-1]
    weights = torch.arange(n, 0, -1, dtype=rates.dtype, device=rates.device) - 0.5
    total = ordered.sum(dim=-1)
    active = total > 0
    return torch.where(
        active, 1.0 - 2.0 * (ordered * weights).sum(dim=-1) / (torch.where(active, total, 1.0) * n), silent
    )


#: Every measure by its name.
DIFFERENTIABLE: Mapping[str, Callable[..., Tensor]] = MappingProxyType(
    {"treves_rolls": treves_rolls, "vinje_gallant": vinje_gallant, "hoyer": hoyer, "gini": gini}
)


def _active(rates: Tensor, dim: int) -> Tensor:
    return (rates > 0).any(dim=dim)
