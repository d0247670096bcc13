"""Spikes counted and traces averaged in bins of time, trial after trial; only bins that were observed as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import AnalysisError
from neurosim.recording.rates import BIN_TOLERANCE
from neurosim.recording.support import EDGE_TOLERANCE, Support

if TYPE_CHECKING:
    import xarray

    from neurosim.recording import SpikeTrains

#: From when to when, in seconds.
Extent = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Bins:
    """Values by bin: `values` (row, unit), and the trial and the start (s) of each row."""

    values: NDArray[np.float64]
    trials: NDArray[np.int64]
    times: NDArray[np.float64]


def binned_counts(trains: SpikeTrains, width: float | None, extent: Extent | None = None) -> Bins:
    """Return the number of spikes of each neuron in each bin.

    Parameters
    ----------
    trains
        Whose observed time must be known.
    width
        Of a bin in seconds; by default each trial is one.
    extent
        From when to when bins lie; by default as long as was observed.
    """
    if trains.support is None:
        trains.observed()  # says what is missing
    start, stop = extent or (trains.start, trains.start + (trains.duration or 0.0))
    edges = _edges(start, stop, width)
    n_bins = edges.size - 1
    column = _column(trains.times, edges)
    inside = (column >= 0) & (column < n_bins)
    place = (trains.trials[inside] * n_bins + column[inside]) * trains.n + trains.neurons[inside]
    counts = np.bincount(place, minlength=trains.n_trials * n_bins * trains.n).astype(np.float64)
    whole = _whole(trains.support, edges, trains.n_trials)
    return _kept(counts.reshape(trains.n_trials, n_bins, trains.n), whole, edges)


def binned_means(
    trace: xarray.DataArray, support: Support | None, width: float | None, extent: Extent | None = None
) -> Bins:
    """Return the mean of the samples in each bin; a bin that holds a missing sample of all neurons is left out.

    Parameters
    ----------
    trace
        Dims (trial, time, neuron).
    support
        What was observed; where it is not known, it is taken to be from the first sample to the last.
    width
        Of a bin in seconds; by default each trial is one.
    extent
        From when to when bins lie; by default as long as was observed.
    """
    times = trace["time"].values
    if not times.size:
        raise AnalysisError("features: a trace without samples has no mean.")
    step = float(times[1] - times[0]) if times.size > 1 else 0.0
    if support is None:
        support = Support(float(times[0]), float(times[-1]) + (step or 1.0), n_trials=trace.sizes["trial"])
    edges = _edges(*(extent or (support.start, support.stop)), width)
    n_bins = edges.size - 1
    column = _column(times, edges)
    inside = (column >= 0) & (column < n_bins)
    number = np.bincount(column[inside], minlength=n_bins)
    samples_of = np.asarray(trace.values[:, inside], dtype=np.float64)
    sums = np.zeros((trace.shape[0], n_bins, trace.shape[2]))
    for trial, rows in enumerate(samples_of):
        np.add.at(sums[trial], column[inside], rows)
    with np.errstate(invalid="ignore"):
        means = sums / np.maximum(number, 1)[:, np.newaxis]
    observed = _whole(support, edges, trace.shape[0]) & (number > 0) & ~np.isnan(means).all(axis=2)
    return _kept(means, observed, edges)


def samples(trace: xarray.DataArray) -> Bins:
    """Return every sample as a row, but for those that are missing of all neurons."""
    values = np.asarray(trace.values, dtype=np.float64)
    trials, times = np.nonzero(~np.isnan(values).all(axis=2))
    return Bins(values[trials, times], trials, trace["time"].values[times])


def _edges(start: float, stop: float, width: float | None) -> NDArray[np.float64]:
    duration = stop - start
    if duration <= 0:
        raise AnalysisError("features: nothing was observed.")
    if width is None:
        return np.array([start, stop])
    if width <= 0:
        raise AnalysisError(f"features: bin must be a positive time, got {width:g} s.")
    n_bins = int(np.floor(duration / width + BIN_TOLERANCE))
    if n_bins < 1:
        raise AnalysisError(f"features: a bin of {width:g} s is longer than the {duration:g} s that were observed.")
    return np.asarray(start + np.arange(n_bins + 1) * width)


def _column(times: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    column: NDArray[np.int64] = np.floor((times - edges[0]) / (edges[1] - edges[0]) + BIN_TOLERANCE).astype(np.int64)
    return column


def _whole(support: Support | None, edges: NDArray[np.float64], trials: int) -> NDArray[np.bool_]:
    """Return which bins were observed from edge to edge, shape (trial, bin)."""
    if support is None:
        return np.ones((trials, edges.size - 1), dtype=np.bool_)
    return np.asarray(np.abs(support.covered(edges) - np.diff(edges)) < EDGE_TOLERANCE * 2)


def _kept(values: NDArray[np.float64], whole: NDArray[np.bool_], edges: NDArray[np.float64]) -> Bins:
    trials, bins = np.nonzero(whole)
    return Bins(values[trials, bins], trials, edges[bins])
