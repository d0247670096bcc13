"""Measures of spikes as functions of tensors, with gradients: for losses. Spikes are 0 or 1 (or more), step by step."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neurosim.errors import AnalysisError


def van_rossum_squared(first: Tensor, second: Tensor, *, tau: float) -> Tensor:
    r"""Return the squared distance of van Rossum between spikes, exact at any step.

    Parameters
    ----------
    first, second
        Spikes in each step, shape (time, ...).
    tau
        In steps, above 0.

    Returns
    -------
    Tensor
        Shape (...): that of :func:`neurosim.analysis.spikes.van_rossum`, squared, if a spike of step k is at time k.

    Notes
    -----
    Between two steps the traces only decay, so the integral is a sum without any error of the step, its tail included.
    """
    if not tau > 0:
        raise AnalysisError(f"van_rossum_squared: tau must be above 0, got {tau}.")
    difference = first - second
    decay = math.exp(-1.0 / tau)
    trace = torch.zeros_like(difference[0])
    squares = torch.zeros_like(trace)
    for row in difference:
        trace = decay * trace + row
        squares = squares + trace.square()
    # what one step takes of the integral, and what is left of it after the last
    return 0.5 * (1.0 - decay**2) * squares + 0.5 * decay**2 * trace.square()


def fano(counts: Tensor, *, dim: int = 0) -> Tensor:
    """Return the variance of counts over their mean, 0 where nothing fires, with a gradient of 0.

    Parameters
    ----------
    counts
        0 or more, of any shape.
    dim
        Along which they are compared: at least two values.
    """
    mean = counts.mean(dim=dim)
    active = mean > 0
    return torch.where(active, counts.var(dim=dim) / torch.where(active, mean, 1.0), 0.0)


def poisson_log_likelihood(counts: Tensor, expected: Tensor, *, log: bool = False) -> Tensor:
    r"""Return the logarithm of the probability of each count but for its factorial, which no model changes.

    Parameters
    ----------
    counts
        How many spikes there were, of any shape.
    expected
        How many were expected, of the same shape: above 0, or their logarithms.
    log
        Whether `expected` are logarithms.

    Returns
    -------
    Tensor
        :math:`y \ln\lambda - \lambda`, of the same shape.
    """
    if log:
        return counts * expected - expected.exp()
    return torch.xlogy(counts, expected) - expected
