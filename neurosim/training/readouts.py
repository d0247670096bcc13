r"""From a recorded variable over time to one number for each neuron: what a decision is read from.

Every function takes what a module returns, (time, batch, \*shape), and an optional mask (time, batch) that is 1 where a
step counts and 0 where it is padding. A step that does not count changes no result, whatever stands in it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from neurosim.errors import TrainingError


def spread_mask(trace: Tensor, mask: Tensor | None) -> Tensor | None:
    """Return a mask that broadcasts over a trace, or ``None`` where every step counts.

    Parameters
    ----------
    trace
        (time, batch, ...).
    mask
        (time, batch), of any dtype: 0 where a step does not count.

    Returns
    -------
    Tensor or None
        Of dtype bool, (time, batch, 1, ...).

    Raises
    ------
    TrainingError
        If the mask has another shape, or leaves a sample without any step.
    """
    if mask is None:
        return None
    if tuple(mask.shape) != tuple(trace.shape[:2]):
        raise TrainingError(
            f"mask: it has shape {tuple(mask.shape)}; give (time, batch) = {tuple(trace.shape[:2])}, as the outputs "
            "have."
        )
    counts = mask.to(trace.device) != 0
    if not bool(counts.any(dim=0).all()):
        raise TrainingError("mask: a sample has no step that counts; leave such samples out of the batch.")
    return counts.reshape(*counts.shape, *[1] * (trace.ndim - 2))


def masked(trace: Tensor, mask: Tensor | None) -> Tensor:
    """Return a trace with 0 in steps that do not count."""
    counts = spread_mask(trace, mask)
    return trace if counts is None else torch.where(counts, trace, 0.0)


def steps_that_count(trace: Tensor, mask: Tensor | None) -> Tensor:
    """Return how many steps of each sample count, (batch, 1, ...), in the trace's dtype."""
    counts = spread_mask(trace, mask)
    if counts is None:
        return trace.new_full((1,) * (trace.ndim - 1), float(trace.shape[0]))
    return counts.sum(dim=0).to(trace.dtype)


def spike_count(spikes: Tensor, mask: Tensor | None = None) -> Tensor:
    r"""Return the number of spikes of each neuron, :math:`\sum_t s[t]`.

    Parameters
    ----------
    spikes
        0 or 1, (time, batch, ...).
    mask
        (time, batch), 0 in steps that do not count.

    Returns
    -------
    Tensor
        (batch, ...).
    """
    return masked(spikes, mask).sum(dim=0)


def mean_over_time(trace: Tensor, mask: Tensor | None = None) -> Tensor:
    r"""Return the mean over the steps that count, :math:`\frac{1}{T}\sum_t x[t]`; of spikes, spikes per step.

    Parameters
    ----------
    trace
        (time, batch, ...).
    mask
        (time, batch), 0 in steps that do not count.

    Returns
    -------
    Tensor
        (batch, ...).
    """
    return masked(trace, mask).sum(dim=0) / steps_that_count(trace, mask)


def max_over_time(trace: Tensor, mask: Tensor | None = None) -> Tensor:
    r"""Return the largest value over the steps that count, :math:`\max_t x[t]`.

    Parameters
    ----------
    trace
        (time, batch, ...).
    mask
        (time, batch), 0 in steps that do not count.

    Returns
    -------
    Tensor
        (batch, ...). Where several steps hold the largest value, they share the gradient.
    """
    counts = spread_mask(trace, mask)
    return (trace if counts is None else torch.where(counts, trace, -torch.inf)).amax(dim=0)


def last_value(trace: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the value at the last step that counts.

    Parameters
    ----------
    trace
        (time, batch, ...).
    mask
        (time, batch), 0 in steps that do not count.

    Returns
    -------
    Tensor
        (batch, ...).
    """
    counts = spread_mask(trace, mask)
    if counts is None:
        return trace[-1]
    steps = torch.arange(trace.shape[0], device=trace.device).reshape(-1, *[1] * (trace.ndim - 1))
    last = torch.where(counts, steps, 0).amax(dim=0, keepdim=True)
    return trace.gather(0, last.expand(1, *trace.shape[1:]))[0]


def softmax_over_time(trace: Tensor, mask: Tensor | None = None) -> Tensor:
    r"""Return :math:`m_i = \sum_t \mathrm{softmax}_i(x[t])`: each step votes with one voice, split over the neurons.

    Parameters
    ----------
    trace
        (time, batch, ...).
    mask
        (time, batch), 0 in steps that do not count.

    Returns
    -------
    Tensor
        (batch, ...); sums to the number of steps that count.

    References
    ----------
    Hammouamri, Khalfaoui-Hassani and Masquelier, Learning Delays in Spiking Neural Networks using Dilated Convolutions
    with Learnable Spacings, ICLR 2024, section 4.
    """
    flat = trace.reshape(*trace.shape[:2], -1)
    return masked(torch.softmax(flat, dim=2), mask).sum(dim=0).reshape(trace.shape[1:])


def first_spike(spikes: Tensor, mask: Tensor | None = None) -> Tensor:
    r"""Return the step of the first spike; the number of steps where there is none.

    .. math:: T_1 = \sum_t \prod_{u \le t} (1 - s[u])

    Parameters
    ----------
    spikes
        0 or 1, or between (time, batch, ...).
    mask
        (time, batch), 0 in steps that do not count; a spike there is none, and the step is not counted.

    Returns
    -------
    Tensor
        (batch, ...).

    Notes
    -----
    Of spikes that are 0 or 1 the product is 1 until the first of them, so the sum is its step. Of probabilities it is
    the expected step. It is linear in every single :math:`s[u]`, and its derivative is by how much a spike at `u` moves
    the first one (0 after the first). With the surrogate gradient of the spikes that tells a neuron in which steps to
    fire, also where it has not fired at all.
    """
    return masked((1.0 - masked(spikes, mask)).cumprod(dim=0), mask).sum(dim=0)


def spike_times(spikes: Tensor, count: int, mask: Tensor | None = None) -> Tensor:
    r"""Return the steps of the first `count` spikes; the number of steps for those that are missing.

    .. math::

        q_j[t] = (1 - s[t])\, q_j[t-1] + s[t]\, q_{j-1}[t-1], \qquad T_k = \sum_t \sum_{j < k} q_j[t]

    with :math:`q_0[-1] = 1`: :math:`q_j[t]` is 1 while exactly `j` spikes have been fired.

    Parameters
    ----------
    spikes
        0 or 1, or between (time, batch, ...).
    count
        How many.
    mask
        (time, batch), 0 in steps that do not count.

    Returns
    -------
    Tensor
        (count, batch, ...), in order.

    Notes
    -----
    ``spike_times(spikes, 1)[0]`` is :func:`first_spike`, and the derivatives mean the same: by how much a spike in that
    step moves each of the times.
    """
    if count < 1:
        raise TrainingError(f"spike_times: count must be 1 or more, got {count}.")
    rows, weights = masked(spikes, mask), masked(torch.ones_like(spikes), mask)
    fired = [torch.ones_like(rows[0]), *(torch.zeros_like(rows[0]) for _ in range(count - 1))]
    times = torch.zeros((count, *rows.shape[1:]), dtype=rows.dtype, device=rows.device)
    for row, weight in zip(rows, weights, strict=True):
        stay = [(1.0 - row) * now for now in fired]
        fired = [stay[0], *(stay[j] + row * fired[j - 1] for j in range(1, count))]
        times = times + weight * torch.stack(fired).cumsum(dim=0)
    return times
