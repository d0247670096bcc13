"""Activity of a whole population: its spectrum, its strongest rhythm, and how complex it is.

References
----------
P. D. Welch: The use of fast Fourier transform for the estimation of power spectra. IEEE Trans. Audio Electroacoust.
15:70 (1967). A. Lempel, J. Ziv: On the complexity of finite sequences. IEEE Trans. Inf. Theory 22:75 (1976). F. Kaspar,
H. G. Schuster: Easily calculable measure for the complexity of spatiotemporal patterns. Phys. Rev. A 36:842 (1987).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.analysis.binning import binned_counts
from neurosim.analysis.spikes.trains import spike_trains, warn_if_counted
from neurosim.errors import AnalysisError
from neurosim.recording.times import one_time

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PopulationSpectrum:
    """The power spectrum of the spikes of all neurons together.

    Parameters
    ----------
    frequency : numpy.ndarray, shape (frequency,)
        Hertz, without 0.
    power : numpy.ndarray, shape (frequency,)
        Relative to as many spikes at random: 1 of independent Poisson neurons.
    segments
        How many stretches were averaged.
    """

    frequency: Floats
    power: Floats
    segments: int

    def peak(self, low: float = 0.0, high: float = np.inf) -> tuple[float, float]:
        """Return the frequency with the most power in a band, and the power there.

        Raises
        ------
        AnalysisError
            If no frequency lies in the band.
        """
        inside = np.flatnonzero((self.frequency >= low) & (self.frequency <= high))
        if not inside.size:
            raise AnalysisError(f"peak: no frequency lies between {low:g} and {high:g} Hz.")
        best = inside[self.power[inside].argmax()]
        return float(self.frequency[best]), float(self.power[best])


def population_spectrum(
    source: Any, population: str | None = None, *, bin: Any = 1e-3, segment: Any = 1.0
) -> PopulationSpectrum:
    """Return the spectrum of the summed activity, averaged over segments that overlap by half, and over trials.

    Parameters
    ----------
    source, population
        As of :func:`neurosim.analysis.spikes.spike_trains`, with a known observed time and without gaps.
    bin
        In which spikes are counted; the highest frequency is half of its inverse.
    segment
        Length of a segment; its inverse is the resolution.

    Raises
    ------
    AnalysisError
        If a segment is longer than what was observed, or nothing fires.
    """
    from scipy.signal import welch

    trains = spike_trains(source, population)
    width, length = one_time(bin, "bin"), one_time(segment, "segment")
    warn_if_counted(source, population, "population_spectrum", width)
    trains.observed()  # refuses trains without any
    bins = binned_counts(trains, width)
    common = bins.values.sum(axis=1)
    size = round(length / width)
    rows = [common[bins.trials == trial] for trial in range(trains.n_trials)]
    if size < 2 or min(row.size for row in rows) < size:
        raise AnalysisError(
            f"population_spectrum: a segment of {length:g} s needs 2 bins at least, and to be observed in every trial."
        )
    if any((np.diff(bins.times[bins.trials == trial]) > 1.5 * width).any() for trial in range(trains.n_trials)):
        raise AnalysisError("population_spectrum: the observed time has gaps; restrict() the recording to one stretch.")
    if not common.any():
        raise AnalysisError("population_spectrum: no neuron spikes.")
    powers, weights = [], []
    for row in rows:
        frequency, power = welch(row / width, 1.0 / width, nperseg=size, detrend="constant")
        powers.append(power)
        weights.append(1 + (row.size - size) // (size - size // 2))
    poisson = 2.0 * common.mean() / width  # one-sided
    mean = np.average(powers, axis=0, weights=weights) / poisson
    last = -1 if size % 2 == 0 else None  # at half the sampling rate there is one side only
    return PopulationSpectrum(frequency[1:last], mean[1:last], int(sum(weights)))


def lempel_ziv(sequence: ArrayLike, *, normalised: bool = True) -> float:
    r"""Return the complexity of Lempel and Ziv (1976) of a binary sequence: how many new words it takes to write it.

    Parameters
    ----------
    sequence : array_like of bool or 0/1, shape (symbol,)
        Such as the bins in which a neuron fires.
    normalised
        Divide by :math:`n / \log_2 n`, which is what fair coins tend to; slowly: sequences of thousands are somewhat
        above it.

    Examples
    --------
    >>> lempel_ziv([0, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1], normalised=False)
    6.0
    """
    symbols = np.asarray(sequence)
    if symbols.ndim != 1 or not symbols.size or not np.isin(symbols, (0, 1)).all():
        raise AnalysisError(f"lempel_ziv: a sequence of 0 and 1, got {symbols.dtype} of shape {symbols.shape}.")
    text = symbols.astype(np.uint8).tobytes()
    words, begin, n = 0, 0, len(text)
    while begin < n:
        length = place = 0
        # The word may overlap with where it was met before, but for its last symbol; a longer one is met no earlier.
        while begin + length < n and place >= 0:
            length += 1
            place = text.find(text[begin : begin + length], place, begin + length - 1)
        words, begin = words + 1, begin + length
    return float(words * np.log2(n) / n) if normalised and n > 1 else float(words)


def population_complexity(source: Any, population: str | None = None, *, bin: Any) -> float:
    """Return the complexity of which neurons fire in which bins, relative to the same bits in random order.

    Parameters
    ----------
    source, population
        As of :func:`neurosim.analysis.spikes.spike_trains`, with a known observed time.
    bin
        In which a neuron fires or not.

    Returns
    -------
    float
        Near 1 where bits follow no order, less where they do: of the sequence that lists all neurons of the first bin,
        then of the next. NaN where all bits are the same.
    """
    from neurosim.random import Stream

    trains = spike_trains(source, population)
    fired = binned_counts(trains, one_time(bin, "bin")).values.reshape(-1) > 0
    if not fired.size or fired.all() or not fired.any():
        return float("nan")
    mixed = fired[Stream(0, "spikes/complexity").permutation(fired.size)]
    return lempel_ziv(fired) / lempel_ziv(mixed)
