"""Traces at a glance: size, spread, missing samples, correlations, time scale, dimensions and rhythm of a variable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.binning import Bins
from neurosim.analysis.comparison.resampling import Estimate, Side, interval
from neurosim.analysis.comparison.statistics import REACH, STATISTICS, STEPS, Settings, Statistic
from neurosim.analysis.spikes import decay_time
from neurosim.analysis.spikes.timescales import contiguous, lagged
from neurosim.errors import AnalysisError
from neurosim.recording.restricting import samples_inside

if TYPE_CHECKING:
    import xarray

    from neurosim.recording import Recording, Support

Floats = NDArray[np.float64]

#: The part of a sample interval by which others may differ from it.
_UNEVEN = 0.1
#: Lags of the autocorrelation reach so many times the time in which it decays, where enough was observed.
_FAR = 3
_LAGS = STEPS * REACH


@dataclass(frozen=True, eq=False)
class Samples:
    """What was observed of a variable.

    Parameters
    ----------
    values : numpy.ndarray, shape (row, neuron)
        The samples of all trials one after another, of neurons that miss none; those that all neurons miss are a gap.
    runs
        From which row to which samples follow each other.
    step : float
        Seconds from one sample to the next; NaN where no two follow each other.
    even
        Whether all follow each other in this interval.
    missing : float
        The share of samples of all neurons that are NaN or infinite.
    columns : int
        How many neurons there are, with those that miss samples.
    """

    values: Floats
    runs: list[tuple[int, int]]
    step: float
    even: bool
    missing: float
    columns: int

    @classmethod
    def of(cls, trace: xarray.DataArray, support: Support | None) -> Samples:
        """Take what was observed of a trace with dims (trial, time) or (trial, time, neuron)."""
        trials, times = trace.shape[:2]
        inside = np.ones((trials, times), dtype=np.bool_) if support is None else samples_inside(trace, support)
        trial, place = np.nonzero(inside)
        columns = trace.shape[2] if trace.ndim == 3 else 1
        values = np.asarray(trace.values.reshape(trials, times, columns)[trial, place], dtype=np.float64)
        finite = np.isfinite(values)
        some = finite.any(axis=1)
        kept = finite[some].all(axis=0)
        at = trace["time"].values[place[some]].astype(np.float64)
        bins = Bins(values[some][:, kept], trial[some], at)
        apart = np.diff(at)[np.diff(bins.trials) == 0]
        step = float(np.median(apart)) if apart.size else float("nan")
        runs = contiguous(bins, step) if apart.size else [(row, row + 1) for row in range(at.size)]
        even = bool(apart.size and np.abs(apart[apart <= 1.5 * step] - step).max() <= _UNEVEN * step)
        return cls(bins.values, runs, step, even, float(1 - finite.mean()) if finite.size else 0.0, columns)

    @property
    def longest(self) -> int:
        """How many samples follow each other at most."""
        return max((last - first for first, last in self.runs), default=0)

    @cached_property
    def changing(self) -> NDArray[np.bool_]:
        """Which neurons do not keep one value, shape (neuron,)."""
        return np.asarray((self.values != self.values[:1]).any(axis=0))

    def means(self, number: int) -> Samples:
        """Return the means of so many samples each that follow each other."""
        if number == 1:
            return self
        parts, runs, row = [], [], 0
        for first, last in self.runs:
            blocks = (last - first) // number
            if blocks:
                taken = self.values[first : first + blocks * number]
                parts.append(taken.reshape(blocks, number, -1).mean(axis=1))
                runs.append((row, row + blocks))
                row += blocks
        return replace(self, values=np.concatenate(parts), runs=runs, step=self.step * number)

    def powers(self, segment: float) -> tuple[Floats, Floats]:
        """Return the spectrum of each neuron that changes, averaged over segments that overlap by half.

        Parameters
        ----------
        segment
            Their length in seconds.

        Returns
        -------
        frequency : numpy.ndarray, shape (frequency,)
            Hertz, without 0.
        power : numpy.ndarray, shape (neuron, frequency)
            Relative to the neuron's variance, per hertz.

        Raises
        ------
        AnalysisError
            If no neuron changes, intervals are uneven, or a segment is too short or too long.
        """
        from scipy.signal import welch

        _even(self)
        size = round(segment / self.step)
        if size < 4 or self.longest < size:
            raise AnalysisError(
                f"a segment of {segment:g} s must hold 4 samples, and be observed without a gap; samples are "
                f"{self.step:g} s apart, {self.longest} at a stretch."
            )
        frequency, total, weights = np.empty(0), 0.0, 0
        for first, last in self.runs:
            if last - first >= size:
                rows = self.values[first:last, self.changing]
                frequency, power = welch(rows, 1 / self.step, nperseg=size, detrend="constant", axis=0)
                weight = 1 + (last - first - size) // (size - size // 2)
                total, weights = total + power * weight, weights + weight
        relative = np.asarray(total) / weights / self.values[:, self.changing].var(axis=0)
        return frequency[1:], relative[1:].T


def trace_names(recording: Recording) -> dict[str, tuple[str, str]]:
    """Return population and variable of each trace by the name ``"population.variable"``."""
    return {
        f"{population}.{variable}": (population, variable)
        for population, group in recording.traces.items()
        for variable in group
    }


def size_of_trace(trace: xarray.DataArray, samples: Samples) -> str:
    """Return how much there is, in words."""
    what = str(trace.attrs.get("reduce", "")) or _count(samples.columns, str(trace.dims[-1]))
    rows = len(samples.values)
    size = f"{what}, {_count(trace.sizes['trial'], 'trial')}, {_count(rows, 'sample')}"
    return size if np.isnan(samples.step) else f"{size} {samples.step:.4g} s apart, {rows * samples.step:.4g} s"


def trace_facts(
    trace: xarray.DataArray, samples: Samples, segment: float | None, resamples: int, confidence: float, seed: int
) -> dict[str, tuple[str, Callable[[], Estimate]]]:
    """Return what computes each number that describes a trace, and its unit.

    Parameters
    ----------
    trace, samples
        The variable, and what was observed of it.
    segment
        For the spectrum, in seconds; by default as of `segment_of`.
    resamples, confidence, seed
        As of :func:`neurosim.analysis.comparison.overview`.
    """
    base = Settings(samples.step, samples.step, segment_of(samples, segment), max(int(samples.changing.sum()), 1))
    # Surrogates are of no use here: one recording is described, and compared with none.
    rate, pairs, profile = STATISTICS["rate"], STATISTICS["correlation"], STATISTICS["timescale"]

    def of(
        statistic: Statistic, check: Callable[[Samples], None], settings: Callable[[], Settings]
    ) -> tuple[str, Callable[[], Estimate]]:
        def estimate() -> Estimate:
            check(samples)
            side = Side.of(samples, statistic, settings(), _Whole())
            value = side.described
            draw = np.random.default_rng([seed, *statistic.name.encode()])
            return interval(value, side.resampled(resamples, draw), confidence)

        return statistic.unit, estimate

    def peak() -> Settings:
        frequency, powers = samples.powers(base.segment)
        if powers.mean(axis=0).argmax() == 0:
            raise AnalysisError(f"there is none: the most power is at the lowest frequency, {frequency[0]:.4g} Hz.")
        return base

    unit = str(trace.attrs["units"])
    unit = "" if unit == "1" else unit
    found = (
        replace(rate, name="mean", unit=unit, measure=lambda one, _: one.values.mean(axis=0)),
        replace(rate, name="standard deviation", unit=unit, measure=lambda one, _: one.values.std(axis=0)),
        replace(pairs, measure=_of_pairs(pairs)),
        replace(profile, measure=_autocorrelation),
        replace(STATISTICS["dimensions"], measure=_of_pairs(STATISTICS["dimensions"])),
        replace(profile, name="spectral peak", unit="Hz", measure=lambda one, used: one.powers(used.segment)[1],
                summary=lambda power, used: float(samples.powers(used.segment)[0][power.argmax()])),
    )  # fmt: skip
    checks = (_any, _several, _pair, _even, _pair, _even)
    settings: Mapping[str, Callable[[], Settings]] = {
        "timescale": lambda: _decaying(samples, base),
        "spectral peak": peak,
    }
    numbers = {
        one.name: of(one, check, settings.get(one.name, lambda: base)) for one, check in zip(found, checks, strict=True)
    }
    if samples.missing:
        numbers["missing samples"] = ("", lambda: Estimate(samples.missing, float("nan"), float("nan")))
    return numbers


def segment_of(samples: Samples, segment: float | None) -> float:
    """Return the length of the stretches of which spectra are averaged: by default a quarter of the longest one."""
    return (samples.longest // 4) * samples.step if segment is None else segment


class _Whole:
    """Parts of a recording in time, of which none are drawn: samples that follow each other depend on each other."""

    enough = False

    def resampled(self, number: int, draw: np.random.Generator) -> list[Any]:
        return []

    def halves(self, draw: np.random.Generator) -> tuple[Any, Any]:
        raise AnalysisError("traces are not dealt into halves.")


def _any(samples: Samples) -> None:
    if not samples.columns:
        raise AnalysisError("there are no neurons.")
    if not len(samples.values):
        raise AnalysisError("there are no samples.")
    if not samples.values.size:
        raise AnalysisError("every neuron misses samples.")


def _several(samples: Samples) -> None:
    _any(samples)
    if len(samples.values) < 2:
        raise AnalysisError("there is one sample.")


def _change(samples: Samples) -> None:
    _several(samples)
    if not samples.changing.any():
        raise AnalysisError("the trace is constant.")


def _pair(samples: Samples) -> None:
    _change(samples)
    if samples.values.shape[1] == 1:
        raise AnalysisError("there is one neuron.")
    if samples.changing.sum() < 2:
        raise AnalysisError("the traces of all neurons but one are constant.")
    if len(samples.values) < 3:
        raise AnalysisError("there are two samples.")


def _even(samples: Samples) -> None:
    _change(samples)
    if not samples.even:
        raise AnalysisError("samples do not follow each other in even intervals.")


def _of_pairs(statistic: Statistic) -> Callable[[Samples, Settings], Floats]:
    """Return a statistic of counts for samples: of neurons that change."""
    return lambda samples, settings: statistic.measure(samples.values[:, samples.changing], settings)


def _autocorrelation(samples: Samples, settings: Settings) -> Floats:
    mean = samples.means(round(settings.window / STEPS / samples.step))
    return lagged(mean.values[:, samples.changing], mean.runs, _LAGS)


def _decaying(samples: Samples, settings: Settings) -> Settings:
    """Return settings whose lags reach far enough: means of 1, 2, 4 ... samples, whose decay is the same."""
    if samples.longest <= 2 * _LAGS:
        raise AnalysisError(f"more than {2 * _LAGS} samples at a stretch are needed; there are {samples.longest}.")
    number = 1
    while samples.longest // number > 2 * _LAGS:
        used = replace(settings, window=number * samples.step * STEPS)
        found = _autocorrelation(samples, used)
        mean = found[~np.isnan(found).any(axis=1)].mean(axis=0) if not np.isnan(found).all() else np.zeros(_LAGS)
        if mean[0] < 2 / np.sqrt(len(samples.values) / number):  # no more than chance would give
            break
        reach = float(used.lags[-1])
        time = decay_time(used.lags, mean)
        last = samples.longest // (2 * number) <= 2 * _LAGS
        if time * (1 if last else _FAR) <= reach:
            return used
        number *= 2
    if number == 1:
        raise AnalysisError(f"it is shorter than the {samples.step:.4g} s from sample to sample.")
    raise AnalysisError(f"the autocorrelation does not decay exponentially within {reach:.4g} s.")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
