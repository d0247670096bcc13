"""Spike trains that keep some of what a recording shows and lose the rest: what likenesses are held against.

References
----------
S. Grün: Data-driven significance estimation for precise spike correlation. J. Neurophysiol. 101:1126 (2009), an
overview of surrogates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError
from neurosim.recording import SpikeTrains, Support

Floats = NDArray[np.float64]
#: From spikes or responses to others of the same kind.
Surrogate = Callable[[Any, np.random.Generator], Any]


def dealt(trains: SpikeTrains, draw: np.random.Generator) -> SpikeTrains:
    """Return the same spikes, each of a neuron that is drawn: every neuron has the mean rate."""
    return _with(trains, trains.times, draw.integers(0, max(trains.n, 1), len(trains)))


def at_random(trains: SpikeTrains, draw: np.random.Generator) -> SpikeTrains:
    """Return as many spikes of every neuron in every trial, at times that are drawn from what was observed."""
    times = np.empty(len(trains))
    support = observed(trains)
    for trial in range(trains.n_trials):
        mine = trains.trials == trial
        seconds = support.observed[trial]
        times[mine] = _clock(support, trial, draw.uniform(0.0, seconds, int(mine.sum())))
    return _with(trains, times, trains.neurons)


def shifted(trains: SpikeTrains, draw: np.random.Generator) -> SpikeTrains:
    """Return every neuron's spikes of a trial moved round in time by a part that is drawn for it: nothing is shared."""
    times = np.empty(len(trains))
    support = observed(trains)
    for trial in range(trains.n_trials):
        mine = trains.trials == trial
        starts, stops = support.of_trial(trial)
        if not starts.size:
            continue
        before = np.concatenate([[0.0], np.cumsum(stops - starts)])
        stretch = np.searchsorted(starts, trains.times[mine], side="right").clip(1) - 1
        seen = before[stretch] + trains.times[mine] - starts[stretch]
        by = draw.uniform(0.0, before[-1], trains.n)
        times[mine] = _clock(support, trial, np.mod(seen + by[trains.neurons[mine]], before[-1]))
    return _with(trains, times, trains.neurons)


def observed(trains: SpikeTrains) -> Support:
    """Return what was observed.

    Raises
    ------
    RecordError
        If it is not known, or nothing.
    """
    trains.observed()
    support = trains.support
    if support is None:
        raise RecordError("What was observed is not known: give these SpikeTrains a duration= or support=.")
    return support


def _clock(support: Support, trial: int, seen: Floats) -> Floats:
    """Return the times at which so many seconds of a trial had been observed."""
    starts, stops = support.of_trial(trial)
    if not starts.size:
        return seen
    before = np.concatenate([[0.0], np.cumsum(stops - starts)])
    stretch = np.searchsorted(before, seen, side="right").clip(1, starts.size) - 1
    # A sum may round up to the end, which is no longer observed.
    return np.asarray(np.minimum(starts[stretch] + seen - before[stretch], stops[stretch] - 2e-9))


def _with(trains: SpikeTrains, times: Floats, neurons: NDArray[np.int64]) -> SpikeTrains:
    return SpikeTrains(times, neurons, trains.n, trains.trials, trains.n_trials, support=observed(trains))
