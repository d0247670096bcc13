"""Populations that are known: drawn from random numbers."""

from __future__ import annotations

import numpy as np

from neurosim.recording import Recording, SpikeTrains


def poisson(
    n: int, seconds: float, *, rate: float = 10.0, spread: float = 0.0, rhythm: float = 0.0, seed: int = 0
) -> SpikeTrains:
    """Return Poisson neurons of lognormal rates, all modulated by so much at 8 Hz."""
    draw = np.random.default_rng(seed)
    times = np.arange(0.0, seconds, 1e-3)
    rates = rate * np.exp(draw.normal(0, spread, n) - spread**2 / 2)
    common = 1 + rhythm * np.sin(2 * np.pi * 8.0 * times)
    steps, neurons = np.nonzero(draw.random((times.size, n)) < 1e-3 * rates * common[:, np.newaxis])
    return SpikeTrains(times[steps], neurons, n, duration=seconds)


def recording(trains: SpikeTrains, name: str = "cells") -> Recording:
    return Recording({name: trains})
