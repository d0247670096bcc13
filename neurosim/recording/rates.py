"""Counts and rates of spikes, by observed time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError
from neurosim.recording.support import EDGE_TOLERANCE

if TYPE_CHECKING:
    import xarray

    from neurosim.recording.spikes import SpikeTrains

BIN_TOLERANCE = 1e-9  # in bins: a spike this close below an edge belongs to the bin that begins there


def spike_counts(trains: SpikeTrains) -> NDArray[np.int64]:
    """Return the number of spikes of each neuron, shape (trial, neuron)."""
    flat = np.bincount(trains.trials * trains.n + trains.neurons, minlength=trains.n_trials * trains.n)
    return flat.reshape(trains.n_trials, trains.n)


def binned_rate(trains: SpikeTrains, width: float) -> xarray.DataArray:
    """Return the rate per neuron in bins; see `SpikeTrains.population_rate`."""
    if width <= 0:
        raise RecordError(f"bin must be a positive time, got {width:g} s.")
    if trains.n == 0:
        raise RecordError("There are no neurons to average a rate over.")
    trains.observed()  # refuses trains without any
    duration = trains.duration or 0.0
    n_bins = int(np.floor(duration / width + BIN_TOLERANCE))
    if n_bins < 1:
        raise RecordError(f"A bin of {width:g} s is longer than the {duration:g} s that were observed.")
    column = np.floor((trains.times - trains.start) / width + BIN_TOLERANCE).astype(np.int64)
    whole = column < n_bins
    counts = np.bincount(trains.trials[whole] * n_bins + column[whole], minlength=trains.n_trials * n_bins)
    starts = trains.start + np.arange(n_bins) * width
    seconds = np.full((trains.n_trials, n_bins), width)
    support = trains.support
    if support is not None and _has_gaps(trains):
        seconds = support.covered(np.append(starts, trains.start + n_bins * width))
        seconds[np.abs(seconds - width) < EDGE_TOLERANCE] = width
    rates = np.full((trains.n_trials, n_bins), np.nan)
    np.divide(counts.reshape(trains.n_trials, n_bins), trains.n * seconds, out=rates, where=seconds > EDGE_TOLERANCE)
    return rate_array(rates, starts, width)


def whole_bins(rate: xarray.DataArray, width: float) -> xarray.DataArray:
    """Return a recorded rate as one of spikes would be: its whole bins, which must have the width."""
    recorded = float(rate.attrs["bin"])
    if abs(recorded - width) > EDGE_TOLERANCE:
        raise RecordError(
            f"The rate was recorded in bins of {recorded:g} s, not of {width:g} s, and the spikes were not. Use that "
            "width, or record the spikes."
        )
    whole = abs(rate["observed"].values - recorded) < EDGE_TOLERANCE
    return rate_array(rate.values[:, whole], rate["time"].values[whole], recorded)


def rate_array(rates: np.ndarray, starts: np.ndarray, width: float) -> xarray.DataArray:
    """Return rates of bins with their labels, shape (trial, time)."""
    import xarray

    return xarray.DataArray(
        rates,
        dims=("trial", "time"),
        coords={"trial": np.arange(rates.shape[0]), "time": ("time", starts, {"units": "second"})},
        name="population_rate",
        attrs={"units": "hertz", "bin": width},
    )


def _has_gaps(trains: SpikeTrains) -> bool:
    whole = (trains.duration or 0.0) * trains.n_trials
    return bool(abs(float(trains.observed().sum()) - whole) > EDGE_TOLERANCE)
