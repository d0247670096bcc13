"""Intervals and ceilings: what a statistic would have been had other neurons, or another time, been recorded.

Neurons are drawn anew where there are enough of them, else pieces of the observed time; of spectra, the stretches that
they are averaged over.

References
----------
B. Efron: Bootstrap methods: another look at the jackknife. Ann. Statist. 7:1 (1979). H. R. Künsch: The jackknife and
the bootstrap for general stationary observations. Ann. Statist. 17:1217 (1989), pieces of a series.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.comparison.statistics import Settings, Statistic
from neurosim.analysis.comparison.surrogates import observed
from neurosim.errors import AnalysisError
from neurosim.recording import SpikeTrains, Support

Floats = NDArray[np.float64]

#: With fewer neurons than this, time is drawn instead of neurons.
LEAST_NEURONS = 5
#: Into how many pieces the observed time is cut at most, and into how many at least.
MOST_PIECES, LEAST_PIECES = 20, 4


@dataclass(frozen=True)
class Estimate:
    """A value, and where it lies with the given confidence; NaN where that cannot be said."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "-"
        if math.isnan(self.low):
            return f"{self.value:.3g}"
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


class Parts(Protocol):
    """A recording in parts, pieces of time or trials, that can be drawn anew."""

    @property
    def enough(self) -> bool:
        """Whether there are enough to be drawn from, and to be dealt into halves."""

    def resampled(self, number: int, draw: np.random.Generator) -> list[Any]:
        """Return so many recordings of as many parts."""

    def halves(self, draw: np.random.Generator) -> tuple[Any, Any]:
        """Return recordings of two random halves of the parts."""


@dataclass(frozen=True, eq=False)
class Side:
    """One population and a statistic of it.

    Parameters
    ----------
    source
        Its spikes or responses.
    statistic, settings
        What is measured, and how.
    measured : numpy.ndarray
        As `statistic.measure` gives it.
    parts
        The same spikes in pieces of time, the same responses in trials.
    """

    source: Any
    statistic: Statistic
    settings: Settings
    measured: Floats
    parts: Parts

    @classmethod
    def of(cls, source: Any, statistic: Statistic, settings: Settings, parts: Parts) -> Side:
        """Measure.

        Parameters
        ----------
        source, statistic, settings
            What and how.
        parts
            Of the source: what is drawn from them is drawn once for all statistics.

        Raises
        ------
        AnalysisError
            If the statistic is not defined here, for instance correlations of a single neuron.
        """
        measured = statistic.measure(source, settings)
        if not statistic.values(measured).size:
            what = "pair of neurons" if statistic.kind == "pair" else "neuron"
            raise AnalysisError(f"there is no {what} with enough spikes.")
        return cls(source, statistic, settings, measured, parts)

    @property
    def values(self) -> Floats:
        """What is compared, shape (neuron or pair or column,)."""
        return self.statistic.values(self.measured)

    @property
    def described(self) -> float:
        """The number that describes this side."""
        return self.statistic.described(self.measured, self.settings)

    @property
    def by_rows(self) -> bool:
        """Whether neurons (or stretches of a spectrum) are drawn anew; else parts of the recording are."""
        return self.statistic.rows == "stretch" or len(self.measured) >= LEAST_NEURONS

    def resampled(self, number: int, draw: np.random.Generator) -> Floats:
        """Return what describes so many resamples, shape (resample,); empty where nothing can be drawn."""
        if self.by_rows:
            rows = len(self.measured)
            if rows < 2:
                return np.empty(0)
            if self.statistic.kind == "pair":
                means = _pair_means(self.measured, draw.integers(0, rows, (number, rows)))
                return np.array([self.statistic.of_mean(mean, self.settings) for mean in means])
            taken = (self.statistic.take(self.measured, draw.integers(0, rows, rows)) for _ in range(number))
            return np.array([self.statistic.described(one, self.settings) for one in taken])
        if not self.parts.enough:
            return np.empty(0)
        found = np.array([self._described(one) for one in self.parts.resampled(number, draw)])
        # What spans two pieces is lost in all of them alike; their spread is what is asked for.
        centre = np.nanmean(found) if not np.isnan(found).all() else np.nan
        if self.statistic.summary is not None:  # times and numbers of dimensions, which are positive
            return np.asarray(found * (self.described / centre))
        return np.asarray(found - centre + self.described)

    def half_distances(self, number: int, draw: np.random.Generator) -> Floats:
        """Return how far random halves of the neurons (or the time, the trials) lie apart, shape (split,)."""
        rows = len(self.measured)
        if self.by_rows and rows >= (4 if self.statistic.rows == "stretch" else 2 * LEAST_NEURONS):
            halves = [_halves(rows, draw) for _ in range(number)]
            take = self.statistic.take
            return np.array([self._apart(take(self.measured, one), take(self.measured, two)) for one, two in halves])
        if not self.parts.enough:
            return np.empty(0)
        found = []
        for _ in range(number):
            two = [self._measure(half) for half in self.parts.halves(draw)]
            found.append(self._apart(*two) if all(one is not None for one in two) else float("nan"))
        return np.array(found)

    def surrogate_distance(self, draw: np.random.Generator) -> float:
        """Return how far a surrogate lies from this side."""
        other = self._measure(self.statistic.surrogate(self.source, draw))
        return self._apart(other, self.measured)

    def _apart(self, one: Floats | None, other: Floats | None) -> float:
        if one is None or other is None:
            return float("nan")
        return self.statistic.distance(self.statistic.values(one), self.statistic.values(other), self.settings)

    def _measure(self, source: Any) -> Floats | None:
        try:
            return self.statistic.measure(source, self.settings)
        except AnalysisError:  # pieces without spikes: there is no value
            return None

    def _described(self, source: Any) -> float:
        measured = self._measure(source)
        return float("nan") if measured is None else self.statistic.described(measured, self.settings)


class Pieces:
    """Spike trains in pieces of time.

    Parameters
    ----------
    trains
        Which.
    places : numpy.ndarray, shape (piece, 3)
        Trial, start and stop (s) of each piece.
    """

    def __init__(self, trains: SpikeTrains, places: Floats) -> None:
        self._n = trains.n
        self._lengths = places[:, 2] - places[:, 1]
        self._spikes: list[tuple[Floats, NDArray[np.int64]]] = []
        self._drawn: list[SpikeTrains] = []
        for trial, start, stop in places:
            first, last = np.searchsorted(trains.trials, (trial, trial + 1))
            low, high = first + np.searchsorted(trains.times[first:last], (start - 1e-9, stop - 1e-9))
            times = np.clip(trains.times[low:high] - start, 0.0, None)
            self._spikes.append((times, trains.neurons[low:high]))

    def __len__(self) -> int:
        return self._lengths.size

    def joined(self, chosen: NDArray[np.int64]) -> SpikeTrains:
        """Return spike trains with a trial for each piece that was chosen."""
        parts = [self._spikes[place] for place in chosen]
        lengths = self._lengths[chosen]
        trials = np.repeat(np.arange(lengths.size), [times.size for times, _ in parts])
        support = Support(np.zeros(lengths.size), lengths, np.arange(lengths.size), lengths.size)
        times, neurons = (np.concatenate([part[column] for part in parts]) for column in range(2))
        return SpikeTrains(times, neurons, self._n, trials, lengths.size, support=support)

    @property
    def enough(self) -> bool:
        """Whether there are four of them."""
        return len(self) >= LEAST_PIECES

    def halves(self, draw: np.random.Generator) -> tuple[SpikeTrains, SpikeTrains]:
        """Return spike trains of two random halves of the pieces."""
        one, other = _halves(len(self), draw)
        return self.joined(one), self.joined(other)

    def resampled(self, number: int, draw: np.random.Generator) -> list[SpikeTrains]:
        """Return so many resamples of as many pieces; those that were drawn before first."""
        while len(self._drawn) < number:
            self._drawn.append(self.joined(draw.integers(0, len(self), len(self))))
        return self._drawn[:number]


def cut(trains: SpikeTrains, least: float) -> Pieces:
    """Cut the observed time into pieces of about the same length.

    Parameters
    ----------
    trains
        Whose.
    least
        No piece is shorter (s), unless a stretch is.
    """
    support = observed(trains)
    length = max(float(support.observed.sum()) / MOST_PIECES, least)
    places = []
    for trial, start, stop in zip(support.trials, support.starts, support.stops, strict=True):
        number = max(1, int((stop - start) / length + 1e-9))
        edges = np.linspace(start, stop, number + 1)
        places += [(float(trial), first, last) for first, last in pairwise(edges.tolist())]
    return Pieces(trains, np.array(places))


def interval(value: float, draws: Floats, confidence: float) -> Estimate:
    """Return a value with the range that holds the given part of what was drawn."""
    known = draws[~np.isnan(draws)]
    if known.size < 2 or math.isnan(value):
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(value, float(low), float(high))


def centre(draws: Floats, confidence: float) -> Estimate:
    """Return the mean of what was drawn, and the range."""
    known = draws[~np.isnan(draws)]
    return interval(float(known.mean()) if known.size else float("nan"), known, confidence)


def _pair_means(measured: Floats, drawn: NDArray[np.int64]) -> Floats:
    """Return the mean over pairs of different neurons in each draw, of which none is copied, shape (draw,).

    Parameters
    ----------
    measured : numpy.ndarray, shape (neuron, neuron)
        A value for each pair; NaN where there is none.
    drawn : numpy.ndarray of int, shape (draw, neuron)
        Which neurons.
    """
    rows = len(measured)
    often = np.stack([np.bincount(one, minlength=rows) for one in drawn]).astype(np.float64)
    known = ~np.isnan(measured)
    np.fill_diagonal(known, val=False)
    total = np.einsum("dn,dn->d", often @ np.where(known, measured, 0.0), often)
    number = np.einsum("dn,dn->d", often @ known, often)
    return np.asarray(np.divide(total, number, out=np.full(len(drawn), np.nan), where=number > 0))


def _halves(rows: int, draw: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = draw.permutation(rows)
    return order[: rows // 2], order[rows // 2 : 2 * (rows // 2)]
