"""What neurons answer to: rates around events, tuning to conditions, the average stimulus before a spike.

References
----------
W. E. Skaggs, B. L. McNaughton, K. M. Gothard, E. J. Markus: An information-theoretic approach to deciphering the
hippocampal code. NIPS 5 (1993). E. de Boer, P. Kuyper: Triggered correlation. IEEE Trans. Biomed. Eng. 15:169 (1968).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.analysis.features import features
from neurosim.analysis.spikes.intervals import finite_counts
from neurosim.analysis.spikes.trains import spike_trains
from neurosim.errors import AnalysisError
from neurosim.recording import Recording
from neurosim.recording.times import one_time

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Psth:
    """Rates around events, averaged over trials.

    Parameters
    ----------
    times : numpy.ndarray, shape (bin,)
        Where each bin begins, seconds from the event.
    rate, error : numpy.ndarray, shape (bin, neuron)
        Hertz: the mean over trials and its standard error, NaN of a single trial.
    trials : numpy.ndarray of int, shape (bin,)
        In how many trials a bin was observed as a whole.
    """

    times: Floats
    rate: Floats
    error: Floats
    trials: NDArray[np.int64]


def psth(
    recording: Recording, event: Any = None, *, window: Any = None, bin: Any, population: str | None = None
) -> Psth:
    """Return the firing rate of each neuron around an event.

    Parameters
    ----------
    recording
        Simulated or measured.
    event
        The name of a table of events or intervals, or times (see :meth:`neurosim.recording.Recording.per_trial`). By
        default the recording's own trials are averaged.
    window : (start, stop), optional
        Seconds from the event; needed with one.
    bin
        Width of a bin.
    population
        Which one; by default the only one whose spikes are there.

    Raises
    ------
    AnalysisError
        If the population is not there, or there is no window.
    """
    table = features(recording, population, bin=bin, events=event, window=window)
    width = one_time(bin, "bin")
    times = table.times
    if times is None:
        raise AnalysisError("psth: there are no times.")
    column = np.round((times - times.min()) / width).astype(np.int64)
    n_bins = int(column.max()) + 1
    trials = np.bincount(column, minlength=n_bins)
    rates = table.values / width
    total, squares = np.zeros((n_bins, rates.shape[1])), np.zeros((n_bins, rates.shape[1]))
    np.add.at(total, column, rates)
    number = trials[:, np.newaxis].astype(np.float64)
    mean = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
    np.add.at(squares, column, np.square(rates - mean[column]))
    error = np.full(total.shape, np.nan)
    np.divide(squares, number * (number - 1), out=error, where=number > 1)
    return Psth(times.min() + np.arange(n_bins) * width, mean, np.sqrt(error), trials)


@dataclass(frozen=True, eq=False)
class Tuning:
    """Responses to conditions.

    Parameters
    ----------
    conditions : numpy.ndarray, shape (condition,)
        Their names, sorted.
    mean, error : numpy.ndarray, shape (condition, neuron)
        The mean response and its standard error, NaN of a single sample.
    samples : numpy.ndarray of int, shape (condition,)
        How many there were of each.
    """

    conditions: NDArray[Any]
    mean: Floats
    error: Floats
    samples: NDArray[np.int64]

    @property
    def preferred(self) -> NDArray[Any]:
        """The condition with the largest response of each neuron, shape (neuron,)."""
        return np.asarray(self.conditions[self.mean.argmax(axis=0)])

    @property
    def selectivity(self) -> Floats:
        r"""How much of a neuron's variance is that between conditions, :math:`\omega^2`.

        Shape (neuron,); corrected for chance, so that it is 0 on average where conditions do not matter, and may be
        negative; 1 where nothing else does. NaN where no condition was shown twice, and of neurons that never change.

        Hays (1963), Statistics for Psychologists.
        """
        number = self.samples[:, np.newaxis].astype(np.float64)
        repeated = self.samples > 1
        freedom = int((self.samples - 1).sum())
        if not freedom:
            return np.full(self.mean.shape[1], np.nan)
        within = (np.square(self.error[repeated]) * number[repeated] * (number[repeated] - 1)).sum(axis=0)
        overall = (number * self.mean).sum(axis=0) / number.sum()
        between = (number * np.square(self.mean - overall)).sum(axis=0)
        noise = within / freedom
        whole = between + within + noise
        return np.asarray(
            np.divide(
                between - (len(self.samples) - 1) * noise, whole, out=np.full(whole.shape, np.nan), where=whole > 0
            )
        )

    @property
    def information(self) -> Floats:
        r"""Bits that a spike tells about the condition, :math:`\sum_i p_i \frac{r_i}{r} \log_2 \frac{r_i}{r}`.

        Shape (neuron,), NaN of neurons without spikes. It is biased upwards where there are few samples.
        """
        share = (self.samples / self.samples.sum())[:, np.newaxis]
        overall = (share * self.mean).sum(axis=0)
        relative = np.divide(self.mean, overall, out=np.full(self.mean.shape, np.nan), where=overall > 0)
        logarithm = np.log2(relative, out=np.zeros_like(relative), where=relative > 0)
        return np.asarray((share * relative * logarithm).sum(axis=0))


def tuning(source: Any, labels: ArrayLike | None = None, **where: Any) -> Tuning:
    """Return the mean response of each neuron to each condition.

    Parameters
    ----------
    source
        A `Recording`, `Features` with labels, or responses (sample, neuron), 0 or more.
    labels
        The condition of each sample or trial, unless the source knows it.
    **where
        Of a recording: what :func:`neurosim.analysis.features` takes, such as ``label="orientation"``.
    """
    table = features(source, labels=labels, **where)
    finite_counts(table.values)
    if table.labels is None:
        raise AnalysisError("tuning: give labels=, or of a recording label=.")
    conditions, place = np.unique(table.labels, return_inverse=True)
    samples = np.bincount(place)
    total = np.zeros((conditions.size, table.shape[1]))
    np.add.at(total, place, table.values)
    mean = total / samples[:, np.newaxis]
    squares = np.zeros_like(total)
    np.add.at(squares, place, np.square(table.values - mean[place]))
    number = samples[:, np.newaxis].astype(np.float64)
    error = np.full(total.shape, np.nan)
    np.divide(squares, number * (number - 1), out=error, where=number > 1)
    return Tuning(conditions, mean, np.sqrt(error), samples)


@dataclass(frozen=True, eq=False)
class TriggeredAverage:
    """What a stimulus was like before spikes.

    Parameters
    ----------
    lags : numpy.ndarray, shape (lag,)
        Seconds before the spike, ascending: negative ones are after it.
    average : numpy.ndarray, shape (lag, neuron) or (lag, channel, neuron)
        In the unit of the stimulus; NaN of neurons without spikes that count.
    spikes : numpy.ndarray of int, shape (neuron,)
        How many spikes count: those around which the whole window was shown.
    """

    lags: Floats
    average: Floats
    spikes: NDArray[np.int64]


def spike_triggered_average(
    source: Any,
    stimulus: ArrayLike,
    *,
    every: Any,
    before: Any,
    after: Any = 0.0,
    start: Any = 0.0,
    population: str | None = None,
) -> TriggeredAverage:
    """Return the average stimulus around the spikes of each neuron.

    Parameters
    ----------
    source, population
        As of :func:`neurosim.analysis.spikes.spike_trains`; all trials with the same stimulus.
    stimulus : array_like, shape (sample,) or (sample, channel)
        What was shown.
    every
        Time from one sample to the next.
    before, after
        From how long before a spike to how long after it.
    start
        When the first sample was shown.
    """
    trains = spike_trains(source, population)
    shown = np.asarray(stimulus, dtype=np.float64)
    step = one_time(every, "every")
    if shown.ndim not in (1, 2) or not shown.size or not np.isfinite(shown).all():
        raise AnalysisError(f"spike_triggered_average: a finite stimulus (sample, channel), got shape {shown.shape}.")
    if not step > 0:
        raise AnalysisError(f"spike_triggered_average: every must be above 0, got {step:g} s.")
    past, future = (round(one_time(value, name) / step) for value, name in ((before, "before"), (after, "after")))
    if past + future < 0:
        raise AnalysisError("spike_triggered_average: the window ends before it begins.")
    lags = np.arange(-future, past + 1, dtype=np.int64)
    sample = np.floor((trains.times - one_time(start, "start")) / step + 1e-6).astype(np.int64)
    counts = (sample - past >= 0) & (sample + future < len(shown))
    number = np.bincount(trains.neurons[counts], minlength=trains.n)
    flat = shown.reshape(len(shown), -1)
    average = np.full((lags.size, flat.shape[1], trains.n), np.nan)
    for neuron in np.flatnonzero(number):
        at = np.bincount(sample[counts & (trains.neurons == neuron)], minlength=len(shown))
        fired = np.flatnonzero(at)
        for row, lag in enumerate(lags):
            average[row, :, neuron] = at[fired] @ flat[fired - lag] / number[neuron]
    return TriggeredAverage(lags.astype(np.float64) * step, average[:, 0] if shown.ndim == 1 else average, number)
