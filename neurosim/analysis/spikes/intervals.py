"""Intervals between the spikes of a neuron, and how irregular they are.

An interval lies within one trial and one stretch of observed time: a gap in a recording is no long interval.

References
----------
G. R. Holt, W. R. Softky, C. Koch, R. J. Douglas: Comparison of discharge variability in vitro and in vivo in cat visual
cortex neurons. J. Neurophysiol. 75:1806 (1996), CV2. S. Shinomoto, K. Shima, J. Tanji: Differences in spiking patterns
among cortical neurons. Neural Comput. 15:2823 (2003), LV. U. Fano: Ionization yield of radiations. Phys. Rev. 72:26
(1947).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.features import Features, features
from neurosim.analysis.spikes.trains import spike_trains, stretch_of, warn_if_counted
from neurosim.errors import AnalysisError
from neurosim.recording import Recording

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Intervals:
    """Intervals in long form, in the order in which each neuron has them.

    Parameters
    ----------
    values : numpy.ndarray, shape (interval,)
        Seconds.
    neurons, trials : numpy.ndarray of int, shape (interval,)
        Whose, and in which trial.
    follows : numpy.ndarray of bool, shape (interval,)
        Whether an interval begins with the spike with which the one before it ends.
    n : int
        Number of neurons.
    """

    values: Floats
    neurons: NDArray[np.int64]
    trials: NDArray[np.int64]
    follows: NDArray[np.bool_]
    n: int


def intervals(source: Any, population: str | None = None) -> Intervals:
    """Return the intervals between spikes.

    Parameters
    ----------
    source, population
        As of :func:`neurosim.analysis.spikes.spike_trains`.

    Examples
    --------
    >>> intervals([[0.1, 0.3, 0.6], [0.2]]).values.round(3).tolist()
    [0.2, 0.3]
    """
    trains = spike_trains(source, population)
    warn_if_counted(source, population, "intervals")
    place = stretch_of(trains)
    order = np.lexsort((trains.times, place, trains.trials, trains.neurons))
    neurons, trials, place, times = (part[order] for part in (trains.neurons, trains.trials, place, trains.times))
    joined = (np.diff(neurons) == 0) & (np.diff(trials) == 0) & (np.diff(place) == 0)
    follows = np.concatenate([[False], joined[1:] & joined[:-1]])[: joined.size]
    return Intervals(np.diff(times)[joined], neurons[1:][joined], trials[1:][joined], follows[joined], trains.n)


def cv(source: Any, population: str | None = None, *, least: int = 2) -> Floats:
    """Return the standard deviation of the intervals of each neuron over their mean: 0 of a clock, 1 of Poisson spikes.

    Parameters
    ----------
    source, population
        As of :func:`neurosim.analysis.spikes.spike_trains`.
    least
        How many intervals a neuron must have, all trials together; of others it is NaN.

    Returns
    -------
    numpy.ndarray, shape (neuron,)
    """
    found = intervals(source, population)
    number, total = _sums(found, np.ones_like(found.values)), _sums(found, found.values)
    mean = _over(total, number)
    squares = _sums(found, np.square(found.values - mean[found.neurons]))
    return np.where(number >= max(least, 1), _over(np.sqrt(_over(squares, number)), mean), np.nan)


def cv2(source: Any, population: str | None = None, *, least: int = 1) -> Floats:
    r"""Return the mean of :math:`2 |I_{i+1} - I_i| / (I_{i+1} + I_i)`, which slow changes of rate do not touch.

    Parameters
    ----------
    source, population
        As of :func:`cv`; 0 of a clock, 1 of Poisson spikes.
    least
        How many pairs of successive intervals a neuron must have.
    """
    return _of_pairs(source, population, least, lambda change: 2.0 * np.abs(change))


def lv(source: Any, population: str | None = None, *, least: int = 1) -> Floats:
    r"""Return the mean of :math:`3 ((I_{i+1} - I_i) / (I_{i+1} + I_i))^2`, the local variation of Shinomoto.

    Parameters
    ----------
    source, population
        As of :func:`cv`; 0 of a clock, 1 of Poisson spikes.
    least
        How many pairs of successive intervals a neuron must have.
    """
    return _of_pairs(source, population, least, lambda change: 3.0 * np.square(change))


def fano(source: Any, population: str | None = None, *, window: Any = None, ddof: int = 1) -> Floats:
    """Return the variance of each neuron's spike counts over their mean: 1 of Poisson spikes.

    Parameters
    ----------
    source, population
        As of :func:`neurosim.analysis.spikes.spike_trains`, with a known observed time; or counts (sample, neuron).
    window
        In which spikes are counted, seconds or a quantity; by default each trial is one.
    ddof
        By how much the number of windows is lowered in the variance.

    Returns
    -------
    numpy.ndarray, shape (neuron,)
        NaN of neurons without spikes.

    Raises
    ------
    AnalysisError
        If there are no more than `ddof` windows.
    """
    counts = spike_counts(source, population, window)
    if len(counts) <= ddof:
        raise AnalysisError(f"fano: a variance needs more than {ddof} windows, there are {len(counts)}.")
    return _over(counts.var(axis=0, ddof=ddof), counts.mean(axis=0))


def spike_counts(source: Any, population: str | None = None, window: Any = None) -> Floats:
    """Return spikes counted in windows, shape (sample, neuron): those of all trials one after another.

    Parameters
    ----------
    source, population, window
        As of :func:`fano`.

    Raises
    ------
    AnalysisError
        If counts are given that are not finite.
    """
    if isinstance(source, np.ndarray | Features):
        return finite_counts(features(source).values)
    return features(Recording({"spikes": spike_trains(source, population)}), bin=window).values


def finite_counts(counts: Floats) -> Floats:
    """Return counts or responses, or say where they are not finite."""
    bad = ~np.isfinite(counts)
    if bad.any():
        rows, columns = np.nonzero(bad)
        raise AnalysisError(
            f"counts hold NaN or infinite values, the first in row {rows[0]} of unit {columns[0]}; leave such rows or "
            "units out."
        )
    return counts


def _of_pairs(source: Any, population: str | None, least: int, price: Callable[[Floats], Floats]) -> Floats:
    found = intervals(source, population)
    second = np.flatnonzero(found.follows)
    first = second - 1
    change = _over(found.values[second] - found.values[first], found.values[second] + found.values[first])
    defined = ~np.isnan(change)  # not where three spikes have the same time
    neurons = found.neurons[second][defined]
    number = np.bincount(neurons, minlength=found.n)
    mean = _over(np.bincount(neurons, price(change[defined]), minlength=found.n), number)
    return np.where(number >= max(least, 1), mean, np.nan)


def _sums(found: Intervals, weights: Floats) -> Floats:
    return np.bincount(found.neurons, weights, minlength=found.n).astype(np.float64)


def _over(over: Any, under: Any) -> Floats:
    below = np.asarray(under, dtype=np.float64)
    quotient = np.full(below.shape, np.nan)
    np.divide(over, below, out=quotient, where=below > 0)
    return quotient
