"""Populations that are known: drawn from random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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


#: In degrees; a bar that is turned by 180 looks the same.
ANGLES = (0, 30, 60, 90, 120, 150)


def tuned(n: int, *, seed: int = 0, gain: float = 30.0, angles: Sequence[Any] = ANGLES, repeats: int = 10) -> Recording:
    """Return Poisson neurons with preferred angles, in a session with a flash of each angle twice a second."""
    draw = np.random.default_rng(seed)
    shown = draw.permutation(np.repeat(np.arange(len(angles)), repeats))
    onsets = 0.5 + 0.5 * np.arange(shown.size)
    preferred = (np.arange(n) + draw.random()) * np.pi / n
    tuning = np.exp(2 * (np.cos(2 * (np.pi * np.arange(len(angles))[:, np.newaxis] / len(angles) - preferred)) - 1))
    seconds = float(onsets[-1]) + 1.0
    times = np.arange(0.0, seconds, 5e-3)
    rates = np.full((times.size, n), 6.0)
    for onset, angle in zip(onsets, shown, strict=True):
        lag = times - onset
        rates += gain * ((lag > 0) * np.exp(-lag.clip(0) / 0.1))[:, np.newaxis] * tuning[angle]
    steps, neurons = np.nonzero(draw.random(rates.shape) < 5e-3 * rates)
    trains = SpikeTrains(times[steps] + 2e-3, neurons, n, duration=seconds)
    table = {"time": onsets, "angle": [angles[number] for number in shown]}
    return Recording({"cells": trains}, events={"flash": table})
