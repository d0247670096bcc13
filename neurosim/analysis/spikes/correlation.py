"""What neurons have in common: counts that go together, spikes at certain lags, spikes at the same time.

References
----------
M. R. Cohen, A. Kohn: Measuring and interpreting neuronal correlations. Nat. Neurosci. 14:811 (2011). D. H. Perkel, G.
L. Gerstein, G. P. Moore: Neuronal spike trains and stochastic point processes II. Biophys. J. 7:419 (1967). D. Golomb,
J. Rinzel: Clustering in globally coupled inhibitory neurons. Physica D 72:259 (1994). C. S. Cutts, S. J. Eglen:
Detecting pairwise correlations in neural spike trains. J. Neurosci. 34:14288 (2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.products import scatter
from neurosim.analysis.spikes.intervals import spike_counts
from neurosim.analysis.spikes.trains import spike_trains, times_of, warn_if_counted
from neurosim.errors import AnalysisError
from neurosim.recording.times import one_time

Floats = NDArray[np.float64]


def count_correlation(source: Any, population: str | None = None, *, window: Any = None) -> Floats:
    """Return the correlation of the spike counts of each two neurons.

    Parameters
    ----------
    source, population, window
        As of :func:`neurosim.analysis.spikes.fano`.

    Returns
    -------
    numpy.ndarray, shape (neuron, neuron)
        Pearson's, with ones on the diagonal; NaN of neurons whose count never changes.
    """
    counts = spike_counts(source, population, window)
    if len(counts) < 2:
        raise AnalysisError(f"count_correlation: at least 2 windows are needed, there are {len(counts)}.")
    found = scatter(counts)
    variance = np.diag(found).copy()
    spread = np.where(variance > 0, np.sqrt(np.maximum(variance, 0.0)), np.nan)
    found /= np.multiply.outer(spread, spread)
    np.clip(found, -1.0, 1.0, out=found)
    np.fill_diagonal(found, np.where(variance > 0, 1.0, np.nan))
    return found


def mean_correlation(correlations: Floats) -> float:
    """Return the mean over pairs of different neurons, without those of which there is none."""
    pairs = correlations[np.triu_indices(len(correlations), 1)]
    defined = pairs[~np.isnan(pairs)]
    return float(defined.mean()) if defined.size else float("nan")


@dataclass(frozen=True, eq=False)
class Correlogram:
    """Spikes of one neuron around those of another.

    Parameters
    ----------
    lags : numpy.ndarray, shape (lag,)
        The middle of each bin in seconds: the second neuron after the first.
    counts : numpy.ndarray of int, shape (lag,)
        Pairs of spikes.
    rate : numpy.ndarray, shape (lag,)
        Of the second neuron in hertz, given a spike of the first.
    """

    lags: Floats
    counts: NDArray[np.int64]
    rate: Floats


def correlogram(
    source: Any, first: int, second: int, *, reach: Any, bin: Any, population: str | None = None
) -> Correlogram:
    """Return how often one neuron fires at each lag from another, trial by trial.

    Parameters
    ----------
    source, population
        As of :func:`neurosim.analysis.spikes.spike_trains`.
    first, second
        Which neurons; of one with itself, a spike is not its own pair.
    reach
        The largest lag, which is rounded to whole bins: bins are centred on 0.
    bin
        Width of a bin.
    """
    trains = spike_trains(source, population)
    width, far = one_time(bin, "bin"), one_time(reach, "reach")
    warn_if_counted(source, population, "correlogram", width)
    if not 0 < width <= far:
        raise AnalysisError(f"correlogram: bin must be above 0 and not above reach, got {width:g} s and {far:g} s.")
    for number in (first, second):
        if not 0 <= number < trains.n:
            raise AnalysisError(f"correlogram: there is no neuron {number}: there are {trains.n}, numbered from 0.")
    side = round(far / width)
    counts = np.zeros(2 * side + 1, dtype=np.int64)
    total = 0
    for trial in range(trains.n_trials):
        mine = trains.trials == trial
        a, b = (trains.times[mine & (trains.neurons == number)] for number in (first, second))
        total += a.size
        apart = _differences(a, b, (side + 1) * width, first == second)
        column = np.floor(apart / width + 0.5 + 1e-9).astype(np.int64) + side
        counts += np.bincount(column[(column >= 0) & (column <= 2 * side)], minlength=2 * side + 1)
    lags: Floats = np.arange(-side, side + 1, dtype=np.float64) * width
    rate = counts / (total * width) if total else np.full(counts.shape, np.nan)
    return Correlogram(lags, counts, rate)


def _differences(a: Floats, b: Floats, edge: float, same: bool) -> Floats:
    """Return b - a of all pairs that are nearer than the edge."""
    low, high = np.searchsorted(b, a - edge), np.searchsorted(b, a + edge)
    number = high - low
    owner = np.repeat(np.arange(a.size), number)
    place = np.arange(owner.size) - np.repeat(np.cumsum(number) - number, number) + low[owner]
    apart = b[place] - a[owner]
    return np.asarray(apart[owner != place] if same else apart)


def synchrony(source: Any, population: str | None = None, *, window: Any = None) -> float:
    r"""Return how much of what neurons do they do together, :math:`\chi`: 1 where all do the same.

    .. math:: \chi^2 = \mathrm{Var}(\langle c \rangle) \big/ \langle \mathrm{Var}(c) \rangle

    of counts in windows; independent neurons have :math:`1/\sqrt n`.

    Parameters
    ----------
    source, population, window
        As of :func:`neurosim.analysis.spikes.fano`.
    """
    counts = spike_counts(source, population, window)
    if len(counts) < 2:
        raise AnalysisError(f"synchrony: at least 2 windows are needed, there are {len(counts)}.")
    single = float(counts.var(axis=0).mean()) if counts.size else 0.0
    return float(np.sqrt(counts.mean(axis=1).var() / single)) if single > 0 else float("nan")


def tiling_coefficient(first: Any, second: Any, *, lag: Any, start: float, stop: float) -> float:
    r"""Return the spike time tiling coefficient of two trains, which does not go with their rates.

    .. math:: \tfrac12 \left( \frac{P_A - T_B}{1 - P_A T_B} + \frac{P_B - T_A}{1 - P_B T_A} \right)

    with the share of spikes that lie within `lag` of one of the other train, :math:`P`, and the share of time that
    does, :math:`T`.

    Parameters
    ----------
    first, second
        Times in seconds.
    lag
        How near is near.
    start, stop
        The observed time in seconds.

    Returns
    -------
    float
        From -1 to 1; NaN if a train is empty.
    """
    a, b = times_of(first), times_of(second)
    near = one_time(lag, "lag")
    if not near > 0 or not start < stop:
        raise AnalysisError(f"tiling_coefficient: lag={near:g} s must be above 0 and start={start} before stop={stop}.")
    for train in (a, b):
        if train.size and (train[0] < start or train[-1] > stop):
            raise AnalysisError(f"tiling_coefficient: spikes lie outside {start:g} s to {stop:g} s.")
    if not a.size or not b.size:
        return float("nan")
    parts = []
    for one, other in ((a, b), (b, a)):
        share, time = _close(one, other, near), _tiled(other, near, start, stop)
        parts.append(1.0 if share * time == 1 else (share - time) / (1.0 - share * time))
    return float(np.mean(parts))


def _close(one: Floats, other: Floats, near: float) -> float:
    """Return the share of spikes with one of the other train within reach (to a nanosecond)."""
    low = np.searchsorted(other, one - near - 1e-9)
    high = np.searchsorted(other, one + near + 1e-9, side="right")
    return float(np.mean(high > low))


def _tiled(train: Floats, near: float, start: float, stop: float) -> float:
    begin, end = np.maximum(train - near, start), np.minimum(train + near, stop)
    begin[1:] = np.maximum(begin[1:], end[:-1])
    return float((end - begin).sum() / (stop - start))
