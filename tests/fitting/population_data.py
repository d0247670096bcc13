"""Populations that are drawn: what is known of them is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.recording import Recording, SpikeTrains
from neurosim.units import ms

BIN = 0.05
STEP = 50 * ms


def trains(counts: np.ndarray, start: float = 0.0, width: float = BIN) -> SpikeTrains:
    """Return spikes of counts (trial, bin, unit), spread over their bins."""
    trial, bin_, unit = np.nonzero(counts)
    number = counts[trial, bin_, unit]
    row = np.repeat(np.arange(number.size), number)
    place = np.arange(row.size) - np.repeat(np.cumsum(number) - number, number)
    times = start + (bin_[row] + (place + 0.5) / number[row]) * width
    n_trials, bins, units = counts.shape
    return SpikeTrains(times, unit[row], units, trial[row], n_trials, duration=bins * width, start=start)


def white(bins: int = 1200, trials: int = 1, start: float = 0.0) -> tuple[Recording, Recording, np.ndarray]:
    """Return six units that are seen, five whose rates follow them in the same bin, and what is expected of those.

    There is no past to know anything from: what is seen is independent from bin to bin.
    """
    draw = np.random.default_rng(7)
    seen = draw.poisson(1.0, (trials, bins, 6))
    mixing = draw.normal(0, 0.8, (6, 5))
    means = 0.5 * np.exp((np.sqrt(seen) - 0.77) @ mixing)
    return recorded(seen, start), recorded(draw.poisson(means), start), means


def slow(bins: int = 1200) -> tuple[Recording, Recording]:
    """Return 24 units that are seen and 8 that are not, all led by two signals that change slowly."""
    draw = np.random.default_rng(5)
    noise = draw.normal(size=(bins, 2))
    latent = np.zeros((bins, 2))
    for k in range(1, bins):
        latent[k] = 0.95 * latent[k - 1] + 0.31 * noise[k]
    means = 0.4 * np.exp(latent @ draw.normal(0, 0.7, (2, 32)))
    counts = draw.poisson(means)[np.newaxis]
    return recorded(counts[..., :24]), recorded(counts[..., 24:])


def recorded(counts: np.ndarray, start: float = 0.0, **parts: Any) -> Recording:
    """Return a recording of counts (trial, bin, unit)."""
    return Recording({"units": trains(counts, start)}, **parts)


def rates(recording: Recording) -> np.ndarray:
    """Return the mean rate of each unit in hertz."""
    return np.asarray(recording.spikes["units"].rates().values.mean(0))
