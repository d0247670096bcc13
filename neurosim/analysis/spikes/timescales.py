"""How long activity stays what it is: the autocorrelation of counts, and the time in which it decays.

References
----------
J. D. Murray et al.: A hierarchy of intrinsic timescales across primate cortex. Nat. Neurosci. 17:1661 (2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.binning import Bins, binned_counts
from neurosim.analysis.features import Features
from neurosim.analysis.spikes.intervals import spike_counts
from neurosim.analysis.spikes.trains import spike_trains, warn_if_counted
from neurosim.errors import AnalysisError
from neurosim.recording.times import one_time

Floats = NDArray[np.float64]

#: How many times are tried between the shortest and the longest that a decay could have, before the best is refined.
_TRIED = 120
#: Relative to the first lag, below which values are rounding, and no decay.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Autocorrelation:
    """Autocorrelation of counts.

    Parameters
    ----------
    lags : numpy.ndarray, shape (lag,)
        Seconds, from one bin on: at lag 0, where a spike meets itself, it is 1.
    values : numpy.ndarray, shape (neuron, lag)
        Relative to the variance of the counts; NaN of neurons whose count never changes.
    """

    lags: Floats
    values: Floats

    def timescale(self) -> float:
        """Return the time constant of the mean over neurons (see `decay_time`)."""
        known = self.values[~np.isnan(self.values).any(axis=1)]
        return decay_time(self.lags, known.mean(axis=0)) if len(known) else float("nan")


def autocorrelation(source: Any, population: str | None = None, *, bin: Any, reach: Any) -> Autocorrelation:
    """Return how counts of spikes go with those some time later, for each neuron.

    Parameters
    ----------
    source, population
        As of :func:`neurosim.analysis.spikes.spike_trains`, with a known observed time; or counts (bin, neuron) without
        a gap. Pairs of bins lie in one trial and one observed stretch.
    bin
        In which spikes are counted.
    reach
        The longest lag, rounded to whole bins.

    Raises
    ------
    AnalysisError
        If reach is shorter than a bin, or no two bins lie so far apart.
    """
    width, far = one_time(bin, "bin"), one_time(reach, "reach")
    if not 0 < width <= far:
        raise AnalysisError(f"autocorrelation: bin must be above 0 and not above reach, got {width:g} and {far:g} s.")
    if isinstance(source, np.ndarray | Features):
        counts = spike_counts(source)
        runs = [(0, len(counts))]
    else:
        warn_if_counted(source, population, "autocorrelation", width)
        bins = binned_counts(spike_trains(source, population), width)
        counts, runs = bins.values, contiguous(bins, width)
    number = round(far / width)
    longest = max((last - first for first, last in runs), default=0)
    if longest <= number:
        raise AnalysisError(
            f"autocorrelation: a lag of {far:g} s is as long as what was observed at a stretch ({longest * width:g} s)."
        )
    return Autocorrelation(np.asarray(np.arange(1, number + 1) * width, dtype=np.float64), lagged(counts, runs, number))


def lagged(values: Floats, runs: list[tuple[int, int]], number: int) -> Floats:
    """Return how values go with those some rows later, relative to their variance.

    Parameters
    ----------
    values : numpy.ndarray, shape (row, neuron)
        Finite.
    runs
        From which row to which rows follow each other: pairs lie in one of them. One is longer than `number`.
    number
        The longest lag in rows.

    Returns
    -------
    numpy.ndarray, shape (neuron, lag)
        NaN of neurons that never change.
    """
    moved = values - values.mean(axis=0)
    moved[:, (values == values[0]).all(axis=0)] = 0.0
    variance = np.square(moved).mean(axis=0)
    found = np.full((values.shape[1], number), np.nan)
    varying = variance > 0
    run = np.repeat(np.arange(len(runs)), [last - first for first, last in runs])
    for lag in range(1, number + 1):
        together = (run[lag:] == run[:-lag]).astype(np.float64)
        total = np.einsum("b,bn,bn->n", together, moved[:-lag], moved[lag:])
        found[varying, lag - 1] = total[varying] / together.sum() / variance[varying]
    return found


def contiguous(bins: Bins, width: float) -> list[tuple[int, int]]:
    """Return from which row to which bins of a width (s) follow each other in one trial."""
    broken = (np.diff(bins.trials) != 0) | (np.diff(bins.times) > 1.5 * width)
    edges = [0, *(np.flatnonzero(broken) + 1).tolist(), bins.times.size]
    return [(edges[place], edges[place + 1]) for place in range(len(edges) - 1)]


def decay_time(lags: Floats, values: Floats) -> float:
    r"""Return the time constant of the exponential that fits best, :math:`A e^{-t/\tau} + B` with :math:`A > 0`.

    Parameters
    ----------
    lags, values : numpy.ndarray, shape (lag,)
        Four or more, lags in seconds, ascending and positive.

    Returns
    -------
    float
        Seconds; NaN where nothing decays, or no faster than a straight line does over these lags.
    """
    from scipy.optimize import minimize_scalar

    lags, values = np.asarray(lags, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if lags.shape != values.shape or lags.ndim != 1 or lags.size < 4 or not (np.diff(lags) > 0).all() or lags[0] <= 0:
        raise AnalysisError(
            f"decay_time: four ascending lags and their values, got shapes {lags.shape}, {values.shape}."
        )
    if not np.isfinite(values).all() or np.ptp(values) <= _ROUNDING * np.abs(values).max():
        return float("nan")
    moved = values - values.mean()

    def gains(logarithms: Floats) -> Floats:
        """Return what each time constant explains: of those whose fit rises instead of falling, nothing."""
        shapes = np.exp(-lags / np.exp(logarithms)[:, np.newaxis])
        shapes -= shapes.mean(axis=1, keepdims=True)
        lengths = np.sqrt(np.square(shapes).sum(axis=1))
        along = np.divide(shapes @ moved, lengths, out=np.zeros(lengths.size), where=lengths > 0)
        return np.asarray(np.square(np.maximum(along, 0.0)))

    tried = np.linspace(np.log(lags[0] / 4), np.log(4 * lags[-1]), _TRIED)
    found = gains(tried)
    best = int(found.argmax())
    if not 0 < best < _TRIED - 1:
        return float("nan")
    refined = minimize_scalar(
        lambda at: -float(gains(np.array([at]))[0]), bounds=(tried[best - 1], tried[best + 1]), method="bounded",
        options={"xatol": 1e-10},
    )  # fmt: skip
    return float(np.exp(refined.x))
