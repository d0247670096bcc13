"""Detecting motion by delays: kernels over polarity, delay and place, and the evidence that they give everywhere.

The evidence for a motion at a place and time is a sum of weights over the events before and around it. What is taken is
the larger of that from the movie and from the movie with ON and OFF exchanged, since a texture is as likely as its
negative. The mean of the evidence over all places decides.

References
----------
A. Grimaldi, L. U. Perrinet: Learning heterogeneous delays in a layer of spiking neurons for fast motion detection.
Biological Cybernetics (2023), doi:10.1007/s00422-023-00975-8.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.datasets.motion import MotionMovies
from neurosim.errors import CircuitError

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]

#: Movies whose evidence is held at once.
_ABREAST = 6


def cone(n_delays: int, width: int) -> Floats:
    """Return where kernels may have weights, shape (delay, y, x), 0 or 1: discs that grow with the delay.

    What is farther away needs longer to come from there, and slow motions are more frequent than fast ones. The first
    disc has a radius of a pixel or so, the last that of the kernel.
    """
    away = np.arange(width) - width // 2
    radius = 1 + (width / 2 - 1) * (np.arange(n_delays) + 1) / n_delays
    return np.asarray(np.hypot(away[:, None], away[None, :]) <= radius[:, None, None], dtype=np.float64)


def trajectory_kernels(velocities: Floats, n_delays: int = 11, width: int = 9, *, spread: float = 0.6) -> Floats:
    """Return kernels made by hand: what moves passes a place along a line.

    Parameters
    ----------
    velocities
        Pixels a step along x and y, shape (class, 2).
    n_delays, width
        Of the kernels, steps and pixels.
    spread
        Standard deviation in pixels of the weights around the line, on each axis.

    Returns
    -------
    numpy.ndarray
        Shape (class, 2, delay, y, x): ON positive, OFF negative, of length 1.
    """
    away = np.arange(width) - width // 2
    passed = velocities[:, :, None] * np.arange(n_delays)  # displacement of what is d steps old
    square = (away - passed[:, 0, :, None, None]) ** 2 + (away[:, None] - passed[:, 1, :, None, None]) ** 2
    weights = np.exp(-square / (2 * spread**2)) * cone(n_delays, width)
    weights /= np.sqrt(2 * (weights**2).sum(axis=(1, 2, 3), keepdims=True))
    return np.stack([weights, -weights], axis=1)


def evidence(kernels: torch.Tensor, bias: torch.Tensor, events: torch.Tensor) -> torch.Tensor:
    """Return the log-odds of every motion at every place and time.

    Parameters
    ----------
    kernels
        Shape (class, 2, delay, y, x).
    bias
        Shape (class,).
    events
        Shape (movie, 2, time, y, x), on a field that closes on itself and is no smaller than the kernels.

    Returns
    -------
    torch.Tensor
        Shape (movie, class, time, y, x).

    Notes
    -----
    With s and d half the sum and half the difference of the kernels of ON and OFF, the larger of both movies' evidence
    is ``s * (on + off) + |d * (on - off)|``. Both convolutions are products of Fourier transforms.
    """
    import torch
    from torch.fft import irfftn, rfftn

    (n_delays, height, width), (steps, *field) = kernels.shape[2:], events.shape[2:]
    if min(field) < max(height, width):
        raise CircuitError(
            f"evidence: a field of {field[0]} x {field[1]} is smaller than the kernels of {height} x {width}."
        )
    sizes = (steps + n_delays, *field)
    parts = torch.stack([kernels.sum(1), kernels[:, 0] - kernels[:, 1]]) / 2
    wrapped = torch.zeros(*parts.shape[:2], *sizes, dtype=parts.dtype, device=parts.device)
    wrapped[:, :, :n_delays, :height, :width] = parts
    wrapped = torch.roll(wrapped, (-(height // 2), -(width // 2)), (3, 4))
    seen = torch.stack([events.sum(1), events[:, 0] - events[:, 1]]).to(parts.dtype)
    seen = torch.nn.functional.pad(seen, (0, 0, 0, 0, 0, n_delays))
    axes = (-3, -2, -1)
    both = irfftn(rfftn(wrapped, dim=axes)[:, None] * rfftn(seen, dim=axes)[:, :, None], s=sizes, dim=axes)
    total: torch.Tensor = both[0, :, :, :steps] + both[1, :, :, :steps].abs() + bias[:, None, None, None]
    return total


def batches(movies: MotionMovies) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield events (movie, 2, time, y, x) and labels (movie, time) of a few movies at a time."""
    import torch

    for first in range(0, movies.labels.shape[1], _ABREAST):
        chosen = slice(first, first + _ABREAST)
        events = np.ascontiguousarray(movies.events[:, chosen].transpose(1, 2, 0, 3, 4))
        yield torch.from_numpy(events).float(), torch.from_numpy(np.ascontiguousarray(movies.labels[:, chosen].T))


def accuracy(kernels: Floats, bias: Floats, movies: MotionMovies, *, after: int = 0) -> float:
    """Return how often the motion with the largest mean evidence over all places is that which is shown.

    Parameters
    ----------
    kernels, bias
        Shapes (class, 2, delay, y, x) and (class,).
    movies
        What is shown.
    after
        Steps at the beginning that are left out, for instance as many as there are delays.
    """
    import torch

    weights, offsets = (torch.from_numpy(np.asarray(part, dtype=np.float32)) for part in (kernels, bias))
    right: list[Any] = []
    with torch.no_grad():
        for events, labels in batches(movies):
            told = evidence(weights, offsets, events).mean((3, 4)).argmax(1)
            right.append((told == labels)[:, after:].numpy())
    return float(np.concatenate(right).mean())


def pruned(kernels: Floats, part: float) -> Floats:
    """Return kernels of which only the largest weights are left.

    Parameters
    ----------
    kernels
        Of any shape.
    part
        Which part of the weights, more than 0 and at most 1.
    """
    if not 0 < part <= 1:
        raise CircuitError(f"pruned: part={part!r} must be more than 0 and at most 1.")
    kept = max(1, round(part * kernels.size))
    least = np.partition(np.abs(kernels), -kept, axis=None)[-kept]
    return np.where(np.abs(kernels) >= least, kernels, 0.0)


def shortened(kernels: Floats, n_delays: int) -> Floats:
    """Return kernels of which only the shortest delays are left, (class, 2, delay, y, x)."""
    if not 1 <= n_delays <= kernels.shape[2]:
        raise CircuitError(f"shortened: n_delays={n_delays} must be 1 to {kernels.shape[2]}.")
    return np.where(np.arange(kernels.shape[2])[:, None, None] < n_delays, kernels, 0.0)
