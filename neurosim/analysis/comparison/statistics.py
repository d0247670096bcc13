"""What a recording is described by: a number for every neuron, pair of neurons, or stretch and frequency."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.binning import Bins, binned_counts
from neurosim.analysis.comparison.surrogates import Surrogate, at_random, dealt, shifted
from neurosim.analysis.spikes import count_correlation, cv, fano, lv
from neurosim.errors import AnalysisError
from neurosim.recording import SpikeTrains

Floats = NDArray[np.float64]
Kind = Literal["neuron", "pair", "frequency"]

#: Power relative to Poisson spikes below which no difference is made: of a clock there is none at most frequencies.
LEAST_POWER = 1e-3


@dataclass(frozen=True)
class Settings:
    """How counts and spectra are taken: seconds.

    Parameters
    ----------
    window
        In which spikes are counted for the Fano factor and correlations.
    bin
        In which they are counted for spectra.
    segment
        The length of the stretches of which spectra are averaged.
    """

    window: float
    bin: float
    segment: float


@dataclass(frozen=True)
class Statistic:
    """One description of a population.

    Parameters
    ----------
    name, unit
        What it is called, and measured in.
    kind
        Whether `measure` gives a value for each neuron, shape (neuron,); each pair, (neuron, neuron); or the power of
        each stretch at each frequency, (segment, frequency).
    measure
        From spikes and settings to values, NaN where there is none.
    surrogate
        What a recording without this property would be.
    null
        The same in words.
    """

    name: str
    unit: str
    kind: Kind
    measure: Callable[[SpikeTrains, Settings], Floats]
    surrogate: Surrogate
    null: str

    @property
    def label(self) -> str:
        """The name with its unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def values(self, measured: Floats) -> Floats:
        """Return what is compared: of neurons, of different neurons, or of frequencies in decibels; no NaN."""
        if self.kind == "frequency":
            mean = measured.mean(axis=0) if len(measured) else np.empty(0)
            return np.asarray(10 * np.log10(np.maximum(mean, LEAST_POWER)))
        flat = measured[np.triu_indices(len(measured), 1)] if self.kind == "pair" else measured
        return np.asarray(flat[~np.isnan(flat)])

    def mean(self, measured: Floats) -> float:
        """Return the mean of the values; NaN if there is none."""
        values = self.values(measured)
        return float(values.mean()) if values.size else float("nan")

    def distance(self, one: Floats, other: Floats) -> float:
        """Return how far two sets of values lie apart.

        Of frequencies, the mean difference without its sign. Of distributions, the area between the cumulative ones
        (Wasserstein's distance of order 1). Both in the unit of the statistic.
        """
        if not one.size or not other.size:
            return float("nan")
        if self.kind == "frequency":
            return float(np.abs(one - other).mean())
        from scipy.stats import wasserstein_distance

        return float(wasserstein_distance(one, other))

    def take(self, measured: Floats, rows: NDArray[np.int64]) -> Floats:
        """Return some neurons, or stretches, perhaps the same one several times: it is no pair with itself."""
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
    begins = [np.arange(first, last - size + 1, size - size // 2) for first, last in _runs(bins, settings.bin)]
    places = np.concatenate(begins) if begins else np.empty(0, dtype=np.int64)
    if not places.size:
        raise AnalysisError(f"no {settings.segment:g} s were observed without a gap.")
    rows = common[places[:, np.newaxis] + np.arange(size)] / settings.bin
    power = periodogram(rows, 1 / settings.bin, window="hann", detrend="constant", axis=1)[1]
    return np.asarray(power[:, 1 : (size + 1) // 2] / (2 * common.mean() / settings.bin))


def _runs(bins: Bins, width: float) -> list[tuple[int, int]]:
    """Return from which row to which bins follow each other in one trial."""
    broken = (np.diff(bins.trials) != 0) | (np.diff(bins.times) > 1.5 * width)
    edges = [0, *(np.flatnonzero(broken) + 1).tolist(), bins.times.size]
    return [(edges[place], edges[place + 1]) for place in range(len(edges) - 1)]


_ALL = (
    Statistic("rate", "Hz", "neuron", _rates, dealt, "spikes dealt out to neurons at random"),
    Statistic("cv", "", "neuron", lambda trains, _: cv(trains), at_random, "spikes at random times"),
    Statistic("lv", "", "neuron", lambda trains, _: lv(trains), at_random, "spikes at random times"),
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
    Statistic("spectrum", "dB", "frequency", segment_powers, at_random, "spikes at random times"),
)
#: Every statistic by its name.
STATISTICS: Mapping[str, Statistic] = {one.name: one for one in _ALL}
