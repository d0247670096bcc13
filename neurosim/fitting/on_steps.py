"""Spikes on steps of time as losses read them: smoothed, binned, by their times; with gradients."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def smoothed(values: Tensor, tau: float) -> Tensor:
    """Return values, (time, ...), smoothed by a causal exponential of `tau` steps, whose sum is not normalised."""
    n = len(values)
    kernel = torch.exp(-torch.arange(n, dtype=values.dtype, device=values.device) / tau)
    length = 2 * n
    spectrum = torch.fft.rfft(kernel, length).reshape(-1, *[1] * (values.ndim - 1))
    found: Tensor = torch.fft.irfft(torch.fft.rfft(values, length, dim=0) * spectrum, length, dim=0)
    return found[:n]


def expected_counts(mean: Tensor, width: float, floor: float) -> Tensor:
    """Return mean counts, (bin, ...), smoothed by a Gaussian of `width` bins, no less than a share of their mean."""
    reach = max(1, math.ceil(4 * width))
    offsets = torch.arange(-reach, reach + 1, dtype=mean.dtype, device=mean.device)
    kernel = torch.exp(-0.5 * (offsets / width).square())
    flat = mean.reshape(len(mean), -1).T.unsqueeze(1)
    weights = (kernel / kernel.sum()).reshape(1, 1, -1)
    sums = torch.nn.functional.conv1d(torch.nn.functional.pad(flat, (reach, reach), mode="replicate"), weights)
    spread = sums.squeeze(1).T.reshape(mean.shape)
    least = floor * mean.mean(0, keepdim=True).clamp(min=1e-6)
    return torch.maximum(spread, least)


def times_of_spikes(spikes: Tensor, weights: Tensor, count: int) -> Tensor:
    r"""Return the steps of the first spikes, (count, ...), the number of steps for those that are missing.

    Notes
    -----
    The k-th spike has not come yet while fewer than k have: :math:`T_k = \sum_t \min(1, \max(0, k - N(t)))`. The
    derivative by a spike is how much its absence or presence would move the time, the mean of the two.
    """
    fired = spikes.cumsum(0)
    ranks = torch.arange(1, count + 1, dtype=spikes.dtype, device=spikes.device)
    return torch.stack([(_held(rank - fired) * weights).sum(0) for rank in ranks])


def _held(left: Tensor) -> Tensor:
    """Return 1 where a spike is still to come, 0 where it has; half of the slope on either side of a whole number."""
    held = left.clamp(0.0, 1.0)  # whose slope is 1 at both ends
    return 0.5 * (held + held.detach())


def around(spikes: Tensor, before: int, after: int) -> Tensor:
    """Tell which steps lie around a spike."""
    n = len(spikes)
    edges = torch.zeros((n + 1, *spikes.shape[1:]), dtype=spikes.dtype, device=spikes.device)
    steps, *others = torch.nonzero(spikes > 0, as_tuple=True)
    ones = torch.ones(len(steps), dtype=spikes.dtype, device=spikes.device)
    edges.index_put_(((steps - before).clamp(min=0), *others), ones, accumulate=True)
    edges.index_put_(((steps + after + 1).clamp(max=n), *others), -ones, accumulate=True)
    return edges.cumsum(0)[:n] > 0.5


def summed(values: Tensor, steps: int) -> Tensor:
    """Return values, (time, ...), added up in bins of some steps; the last may be shorter."""
    n = len(values)
    bins = math.ceil(n / steps)
    if bins * steps > n:
        values = torch.cat([values, values.new_zeros((bins * steps - n, *values.shape[1:]))])
    return values.reshape(bins, steps, *values.shape[1:]).sum(1)
