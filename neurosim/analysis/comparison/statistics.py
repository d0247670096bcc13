"""What a recording is described by: a number for every neuron, pair of neurons, or stretch and frequency."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.binning import binned_counts
from neurosim.analysis.comparison.surrogates import Surrogate, at_random, dealt, shifted
from neurosim.analysis.spikes import autocorrelation, count_correlation, cv, decay_time, fano, lv, spike_counts
from neurosim.analysis.spikes.timescales import contiguous
from neurosim.errors import AnalysisError
from neurosim.recording import SpikeTrains

Floats = NDArray[np.float64]
Kind = Literal["neuron", "pair", "profile"]
#: Where each entry of a profile stands, and what that is called.
Places: TypeAlias = tuple[Floats, str]

#: Power relative to Poisson spikes below which no difference is made: of a clock there is none at most frequencies.
LEAST_POWER = 1e-3
#: Autocorrelations are of counts in such a part of a window, up to as many windows.
STEPS, REACH = 5, 5


@dataclass(frozen=True)
class Settings:
    """How counts and spectra are taken: seconds.

    Parameters
    ----------
    window
        In which spikes are counted for the Fano factor, correlations and dimensions; autocorrelations are of counts in
        a fifth of it, over five of them.
    bin
        In which they are counted for spectra.
    segment
        The length of the stretches of which spectra are averaged.
    neurons
        As of how many of them dimensions are counted: those of the smaller side.
    """

    window: float
    bin: float
    segment: float
    neurons: int

    @property
    def lags(self) -> Floats:
        """The lags of autocorrelations in seconds."""
        return np.asarray(np.arange(1, STEPS * REACH + 1) * (self.window / STEPS), dtype=np.float64)


def _windows(settings: Settings) -> float:
    return settings.window


@dataclass(frozen=True)
class Statistic:
    """One description of a population.

    Parameters
    ----------
    name, unit
        What it is called, and measured in.
    kind
        Whether `measure` gives a value for each neuron, shape (neuron,); each pair, (neuron, neuron); or a profile for
        each row, (row, column), of which the mean over rows is compared column by column.
    measure
        From spikes (or responses) and settings to values, NaN where there is none.
    surrogate
        What a recording without this property would be.
    null
        The same in words.
    of
        What it is measured of.
    summary
        The number that describes a side, of the values that are compared; by default their mean. Of pairs it must
        depend on their mean alone.
    by_summary
        Whether the distance is that of the summaries, and not of the values.
    decibel
        Whether profiles are powers, to be compared in decibels.
    rows
        What the rows of a profile are.
    places
        Where the columns of a profile stand, from settings or responses.
    finest
        In which steps of time (s) spikes are looked at; infinite where times do not matter.
    """

    name: str
    unit: str
    kind: Kind
    measure: Callable[[Any, Settings], Floats]
    surrogate: Surrogate
    null: str
    of: Literal["spikes", "responses"] = "spikes"
    summary: Callable[[Floats, Settings], float] | None = None
    by_summary: bool = False
    decibel: bool = False
    rows: Literal["neuron", "stretch"] = "neuron"
    places: Callable[[Any], Places] | None = None
    finest: Callable[[Settings], float] = _windows

    @property
    def label(self) -> str:
        """The name with its unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def values(self, measured: Floats) -> Floats:
        """Return what is compared: of neurons, of different neurons, or the mean of profiles; no NaN."""
        if self.kind == "profile":
            known = measured[~np.isnan(measured).any(axis=1)]
            mean = known.mean(axis=0) if len(known) else np.empty(0)
            return np.asarray(10 * np.log10(np.maximum(mean, LEAST_POWER)) if self.decibel else mean)
        flat = measured[np.triu_indices(len(measured), 1)] if self.kind == "pair" else measured
        return np.asarray(flat[~np.isnan(flat)])

    def described(self, measured: Floats, settings: Settings) -> float:
        """Return the number that describes the values, by default their mean; NaN if there is none."""
        values = self.values(measured)
        if not values.size:
            return float("nan")
        return float(values.mean()) if self.summary is None else self.summary(values, settings)

    def of_mean(self, mean: float, settings: Settings) -> float:
        """Return the number that describes values of which only their mean is known; NaN of NaN."""
        return mean if self.summary is None or math.isnan(mean) else self.summary(np.array([mean]), settings)

    def distance(self, one: Floats, other: Floats, settings: Settings) -> float:
        """Return how far two sets of values lie apart.

        Of profiles, the mean difference without its sign. Of distributions, the area between the cumulative ones
        (Wasserstein's distance of order 1), or the difference of what describes them. In the unit of the statistic.
        """
        if not one.size or not other.size:
            return float("nan")
        if self.by_summary and self.summary is not None:
            return abs(self.summary(one, settings) - self.summary(other, settings))
        if self.kind == "profile":
            return float(np.abs(one - other).mean())
        from scipy.stats import wasserstein_distance

        return float(wasserstein_distance(one, other))

    def take(self, measured: Floats, rows: NDArray[np.int64]) -> Floats:
        """Return some rows, perhaps the same one several times: it is no pair with itself."""
        if self.kind != "pair":
            return np.asarray(measured[rows])
        chosen = measured[np.ix_(rows, rows)]
        return np.where(rows[:, np.newaxis] == rows, np.nan, chosen)


def _rates(trains: SpikeTrains, settings: Settings) -> Floats:
    counts = np.bincount(trains.neurons, minlength=trains.n)
    return np.asarray(counts / float(trains.observed().sum()))


def segment_powers(trains: SpikeTrains, settings: Settings) -> Floats:
    """Return the power of the summed activity in each stretch, relative to as many spikes at random.

    Stretches overlap by half, and lie in what was observed without a gap.

    Returns
    -------
    numpy.ndarray, shape (segment, frequency)
        At the multiples of the inverse of a segment, without 0 and half the sampling rate.
    """
    from scipy.signal import periodogram

    size = round(settings.segment / settings.bin)
    if size < 4:
        raise AnalysisError(f"a segment of {settings.segment:g} s must hold 4 bins of {settings.bin:g} s or more.")
    bins = binned_counts(trains, settings.bin)
    common = bins.values.sum(axis=1)
    if not common.any():
        raise AnalysisError("no neuron spikes.")
    begins = [np.arange(first, last - size + 1, size - size // 2) for first, last in contiguous(bins, settings.bin)]
    places = np.concatenate(begins) if begins else np.empty(0, dtype=np.int64)
    if not places.size:
        raise AnalysisError(f"no {settings.segment:g} s were observed without a gap.")
    rows = common[places[:, np.newaxis] + np.arange(size)] / settings.bin
    power = periodogram(rows, 1 / settings.bin, window="hann", detrend="constant", axis=1)[1]
    return np.asarray(power[:, 1 : (size + 1) // 2] / (2 * common.mean() / settings.bin))


def _frequencies(settings: Settings) -> Places:
    size = round(settings.segment / settings.bin)
    return np.arange(1, (size + 1) // 2) / (size * settings.bin), "frequency (Hz)"


def _lagged(trains: SpikeTrains, settings: Settings) -> Floats:
    step = settings.window / STEPS
    return autocorrelation(trains, bin=step, reach=REACH * settings.window).values


def _shared(trains: SpikeTrains, settings: Settings) -> Floats:
    """Return the squared correlation of each two neurons' counts, less what as many windows would give by chance."""
    counts = spike_counts(trains, None, settings.window)
    if len(counts) < 3:
        raise AnalysisError(f"at least 3 windows of {settings.window:g} s are needed; there are {len(counts)}.")
    squared = np.square(count_correlation(counts))
    # The expected square of independent counts is one over the windows less one.
    return np.asarray(1 - (1 - squared) * (len(counts) - 1) / (len(counts) - 2))


def dimensions(shared: Floats, settings: Settings) -> float:
    """Return the participation ratio of standardised counts, as of `settings.neurons` neurons.

    Of a correlation matrix it follows from the mean squared correlation of different neurons alone, so that it can be
    said of as many neurons as the other side has, and corrected for the number of windows.
    """
    n = settings.neurons
    mean = min(max(float(shared.mean()), 0.0), 1.0)
    return 1.0 / (1.0 / n + (1.0 - 1.0 / n) * mean)


_ALL = (
    Statistic("rate", "Hz", "neuron", _rates, dealt, "spikes dealt out to neurons at random",
              finest=lambda _: math.inf),
    Statistic("cv", "", "neuron", lambda trains, _: cv(trains), at_random, "spikes at random times",
              finest=lambda _: 0.0),
    Statistic("lv", "", "neuron", lambda trains, _: lv(trains), at_random, "spikes at random times",
              finest=lambda _: 0.0),
    Statistic(
        "fano",
        "",
        "neuron",
        lambda trains, settings: fano(trains, window=settings.window),
        at_random,
        "spikes at random times",
    ),
    Statistic(
        "correlation",
        "",
        "pair",
        lambda trains, settings: count_correlation(trains, window=settings.window),
        shifted,
        "neurons shifted in time",
    ),
    Statistic("spectrum", "dB", "profile", segment_powers, at_random, "spikes at random times",
              decibel=True, rows="stretch", places=_frequencies,
              finest=lambda settings: settings.bin),
    Statistic("timescale", "s", "profile", _lagged, at_random, "spikes at random times",
              summary=lambda values, settings: decay_time(settings.lags, values),
              places=lambda settings: (settings.lags, "lag (s)"), finest=lambda settings: settings.window / STEPS),
    Statistic("dimensions", "", "pair", _shared, shifted, "neurons shifted in time",
              summary=dimensions, by_summary=True),
)  # fmt: skip
#: Every statistic of spikes by its name.
STATISTICS: Mapping[str, Statistic] = {one.name: one for one in _ALL}
