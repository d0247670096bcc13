"""What tells the regimes of a network apart: rate, irregularity of single neurons, and what they have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.spikes import cv
from neurosim.errors import RecordError
from neurosim.recording import Recording, SpikeTrains
from neurosim.units import ms, seconds

LEAST_INTERVALS = 3
LEAST_SECONDS = 0.2
#: Of the spectrum: width of a bin in seconds, and the lowest frequency in hertz that counts.
BIN = 0.5e-3
LEAST_FREQUENCY = 5.0


@dataclass(frozen=True)
class Activity:
    """What a network does, in numbers.

    Parameters
    ----------
    rate
        Spikes per neuron and second.
    cv
        Standard deviation of the intervals of a neuron relative to their mean, averaged over the neurons with at least
        three intervals: 0 for a clock, 1 for a Poisson process. NaN where no neuron has.
    synchrony
        Standard deviation of the common rate relative to its mean: that of the number of spikes in 1 ms, without the
        part that as many independent Poisson neurons would have. 0 where neurons are independent, 0.71 where their rate
        goes up and down as a sine that touches 0, more where they fire together and are silent in between.
    frequency
        Where the power spectrum of the summed activity is largest, in hertz.
    rhythm
        Correlation of the common rate with itself one period later: the highest that its autocorrelation rises to
        after it first fell below 0. 1 for a clock; noise that makes a network ring leaves little of it.
    """

    rate: float
    cv: float
    synchrony: float
    frequency: float
    rhythm: float

    @property
    def regime(self) -> str:
        """The regime, as `REGIMES` of the circuit calls them.

        Where neurons fire irregularly, a fast oscillation is one that keeps its period; the slow one comes and goes,
        but between two bursts there is silence. All else is asynchronous.
        """
        if self.cv < 0.2:
            return "synchronous-regular"
        if self.frequency > 80:
            return "fast" if self.rhythm > 0.5 else "asynchronous"
        return "slow" if self.synchrony > 1 else "asynchronous"


def measure(recording: Recording, *, start: Any = 200 * ms) -> Activity:
    """Measure the activity of all neurons of a recording with one trial, from `start` on.

    Raises
    ------
    RecordError
        If less than 0.2 s remain, there are several trials, or no neuron spikes.
    """
    begin = seconds(start, "start")
    trains = tuple(recording.spikes.values())
    if any(train.n_trials > 1 for train in trains):
        raise RecordError("activity: several trials; measure each on its own.")
    length = min((train.start + (train.duration or 0.0) for train in trains), default=0.0) - begin
    if length < LEAST_SECONDS - 1e-9:
        raise RecordError(f"activity from {begin:g} s on: {length:g} s remain, {LEAST_SECONDS:g} s are needed.")
    times, neurons, n = _all_spikes(trains, begin)
    if not times.size:
        raise RecordError(f"activity from {begin:g} s on: no neuron spikes.")
    counts = _counts(times, length, 1e-3)
    common = max(0.0, counts.var() - counts.mean())
    return Activity(
        rate=times.size / n / length,
        cv=_irregularity(times, neurons, n),
        synchrony=float(np.sqrt(common) / counts.mean()),
        frequency=_frequency(times, length),
        rhythm=_rhythm(times, length),
    )


def _all_spikes(trains: tuple[SpikeTrains, ...], begin: float) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    """Return times since `begin`, neurons (counted through all populations), and the number of neurons."""
    first = np.cumsum([0, *(train.n for train in trains)])
    kept = [train.times >= begin for train in trains]
    times = [train.times[inside] - begin for train, inside in zip(trains, kept, strict=True)]
    neurons = [train.neurons[inside] + shift for train, inside, shift in zip(trains, kept, first[:-1], strict=True)]
    return np.concatenate(times), np.concatenate(neurons), int(first[-1])


def _counts(times: NDArray[np.float64], length: float, width: float) -> NDArray[np.int64]:
    """Return the number of spikes in successive bins; a time on the edge of two belongs to the later one."""
    n_bins = int(length / width + 1e-6)
    column = (times / width + 1e-6).astype(np.int64)
    return np.bincount(column[column < n_bins], minlength=n_bins)


def _irregularity(times: NDArray[np.float64], neurons: NDArray[np.int64], n: int) -> float:
    """Return the mean coefficient of variation of the intervals."""
    each = cv(SpikeTrains(times, neurons, n), least=LEAST_INTERVALS)
    return float(np.nanmean(each)) if not np.isnan(each).all() else float("nan")


def _frequency(times: NDArray[np.float64], length: float) -> float:
    """Return where the spectrum of the summed activity is largest."""
    from scipy.signal import welch

    counts = _counts(times, length, BIN)
    frequencies, power = welch(counts, fs=1 / BIN, nperseg=min(counts.size, round(0.5 / BIN)), nfft=4000)
    heard = frequencies >= LEAST_FREQUENCY
    return float(frequencies[heard][np.argmax(power[heard])])


def _rhythm(times: NDArray[np.float64], length: float) -> float:
    """Return the height of the first peak of the autocorrelation of the common rate."""
    from scipy.signal import correlate

    counts = _counts(times, length, BIN)
    n_lags = min(counts.size // 2, round(1 / LEAST_FREQUENCY / BIN))
    deviation = counts - counts.mean()
    overlap = counts.size - np.arange(n_lags)
    correlation = correlate(deviation, deviation)[counts.size - 1 :][:n_lags] / overlap
    common = correlation[0] - counts.mean()  # without what independent Poisson neurons would add at lag 0
    if common <= 0 or not (correlation < 0).any():
        return 0.0
    after = int(np.argmax(correlation < 0))
    return float(correlation[after:].max() / common)
