"""Spikes and movements drawn from random numbers, for recordings of our own making."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def smooth_noise(rng: np.random.Generator, n_steps: int, n_columns: int, width: float) -> NDArray[np.float64]:
    """Return columns of Gaussian noise of unit deviation that is smooth over `width` steps, shape (step, column)."""
    from scipy.ndimage import gaussian_filter1d

    noise = gaussian_filter1d(rng.normal(size=(n_steps, n_columns)), width, axis=0, mode="wrap")
    return np.asarray((noise - noise.mean(axis=0)) / noise.std(axis=0))


def tuned_counts(
    rng: np.random.Generator, velocity: NDArray[np.float64], n_units: int, width: float
) -> NDArray[np.uint8]:
    """Return Poisson counts of units that prefer a direction of movement, shape (bin, unit).

    Parameters
    ----------
    velocity
        Shape (bin, 2), of about unit deviation.
    n_units
        How many units; their preferred directions go around the circle.
    width
        Of a bin, in seconds.
    """
    angles = 2 * np.pi * np.arange(n_units) / n_units
    drive = velocity @ np.stack([np.cos(angles), np.sin(angles)])
    rates = rng.uniform(4, 25, n_units) * np.exp(0.5 * drive)
    counts: NDArray[np.uint8] = rng.poisson(rates * width).astype(np.uint8)
    return counts


def renewal_spikes(rng: np.random.Generator, rate: float, duration: float, refractory: float) -> NDArray[np.float64]:
    """Return the spikes of a neuron with an exponential interval after its refractory period, in seconds."""
    n = int(2 * rate * duration) + 20
    gaps = refractory + rng.exponential(1 / rate - refractory, n)
    times = np.cumsum(gaps)
    return times[times < duration]
