"""Spike trains from whatever holds some, and the stretches of time in which they were observed."""

from __future__ import annotations

import warnings
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


def counted_in(source: Any, population: str | None = None) -> float:
    """Return the width (s) of the bins in which spikes were counted, where nothing else was measured; else 0.

    Such a recording says so in its metadata: ``bin``, and ``spike_times``, how spikes were put into the bins.
    """
    if not isinstance(source, Recording) or "spike_times" not in source.metadata:
        return 0.0
    name = population if population is not None or len(source.spikes) != 1 else next(iter(source.spikes))
    if name is None:
        return 0.0
    trace = source.traces[name].get("count") if name in source.traces else None
    width = source.metadata.get("bin", 0.0) if trace is None else trace.attrs.get("bin", 0.0)
    return float(width)


def coarser(width: float, finest: float) -> str | None:
    """Return what is wrong with times in steps of `finest` where spikes were counted in bins of a width (both s)."""
    if finest >= width * (1 - 1e-9):
        return None
    said = "when each came within one" if finest == 0 else f"what they did within one, in steps of {finest:g} s,"
    return f"spikes were counted in bins of {width:g} s; {said} was not measured"


def warn_if_counted(source: Any, population: str | None, what: str, finest: float = 0.0) -> None:
    """Warn where times are looked at that are finer than the bins in which spikes were counted."""
    wrong = coarser(counted_in(source, population), finest)
    if wrong is not None:
        warnings.warn(f"{what}: {wrong}.", stacklevel=3)


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
