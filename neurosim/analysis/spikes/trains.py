"""Spike trains from whatever holds some, and the stretches of time in which they were observed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import AnalysisError, nearest
from neurosim.recording import Recording, SpikeTrains
from neurosim.recording.support import EDGE_TOLERANCE


def spike_trains(source: Any, population: str | None = None) -> SpikeTrains:
    """Return the spikes of one population.

    Parameters
    ----------
    source
        A `Recording`, simulated or measured; `SpikeTrains`; or a list of the times (s) of each neuron, whose observed
        time is then not known.
    population
        Of a recording: which one. By default the only one whose spikes it holds.

    Raises
    ------
    AnalysisError
        If it is none of these, or the population is not there.
    """
    if isinstance(source, SpikeTrains):
        return source
    if isinstance(source, Recording):
        known = list(source.spikes)
        if population is None:
            if len(known) != 1:
                raise AnalysisError(f"say which population= is meant; there are spikes of {known}.")
            return source.spikes[known[0]]
        if population not in known:
            raise AnalysisError(f"there are no spikes of {population!r}.{nearest(population, known)}")
        return source.spikes[population]
    if not isinstance(source, Sequence) or isinstance(source, str):
        raise AnalysisError(
            f"spikes: a Recording, SpikeTrains or a list of arrays of times; got {type(source).__name__}."
        )
    times = [times_of(train) for train in source]
    neurons = np.repeat(np.arange(len(times)), [train.size for train in times])
    return SpikeTrains(np.concatenate(times) if times else [], neurons, len(times))


def times_of(train: Any, name: str = "a spike train") -> NDArray[np.float64]:
    """Return the sorted times of one train in seconds.

    Raises
    ------
    AnalysisError
        If they are no finite numbers, or not one-dimensional.
    """
    if isinstance(train, SpikeTrains):
        if train.n != 1 or train.n_trials != 1:
            raise AnalysisError(f"{name} must be of one neuron in one trial; these are {train.n} in {train.n_trials}.")
        return train.times
    try:
        times = np.asarray(train, dtype=np.float64)
    except (TypeError, ValueError):
        raise AnalysisError(f"{name} must be times in seconds, got {type(train).__name__}.") from None
    if times.ndim != 1 or not np.isfinite(times).all():
        raise AnalysisError(f"{name} must be finite times, one after another; got shape {times.shape}.")
    return np.sort(times)


def stretch_of(trains: SpikeTrains) -> NDArray[np.int64]:
    """Return the stretch of its trial that each spike lies in; all in one where the observed time is not known."""
    place = np.zeros(len(trains), dtype=np.int64)
    support = trains.support
    if support is None:
        return place
    for trial in range(trains.n_trials):
        mine = trains.trials == trial
        place[mine] = np.searchsorted(support.of_trial(trial)[0], trains.times[mine] + EDGE_TOLERANCE, side="right")
    return place
