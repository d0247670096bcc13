"""What a measurement of a response in frequency is: gain, phase, coherence, and the numbers that sum them up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import AnalysisError
from neurosim.units import to_si, unit_of

Floats = NDArray[np.float64]
Band = tuple[Any, Any]
#: What a response is: spikes as they are, the membrane, what a filter behind the spikes makes of them, or any numbers.
Stage = Literal["spikes", "membrane", "filtered", "values"]


@dataclass(frozen=True)
class Facts:
    """What a measurement was made of, without which its numbers mean little.

    Parameters
    ----------
    axis
        ``"temporal"``: frequencies are per second. (Spatial spectra are :class:`SpatialSpectrum`.)
    method
        ``"welch"`` (averaged segments) or ``"lines"`` (a sum of sines).
    dt, n_samples, n_trials
        Step in seconds, samples of a trial that were used, number of trials.
    n_cells, rate
        How many cells the response is a mean of, and their spikes per second; None where that is not known.
    segment, window, overlap, n_segments, effective_segments
        Samples of a segment, the name of its window, the part that neighbours share, how many segments there are in all
        trials, and how many independent ones they are worth.
    confidence
        Of the level of the coherence.
    deviation
        Standard deviation of the input.
    input, response, stage
        Names of both sides, and what the response is (see :data:`Stage`).
    """

    method: str
    dt: float
    n_samples: int
    n_trials: int
    n_cells: int | None
    rate: float | None
    segment: int
    window: str
    overlap: float
    n_segments: int
    effective_segments: float
    confidence: float
    deviation: float
    input: str
    response: str
    stage: Stage
    axis: Literal["temporal"] = "temporal"


@dataclass(frozen=True, eq=False)
class TransferFunction:
    """How a response follows an input, at each temporal frequency.

    Parameters
    ----------
    frequency
        Shape (frequency,), hertz, without 0.
    response
        Complex, shape (frequency,): how much comes out for a sine that goes in, and how late, in units of the output by
        those of the input.
    error
        Standard error of the gain, shape (frequency,).
    coherence
        The part of the output's power that follows the input linearly, shape (frequency,), between 0 and 1; None where
        a sum of sines was the input, whose lines are no density.
    level
        Coherence that an unrelated output stays below, with the confidence in `facts`; NaN without coherence.
    input_power, output_power
        Power, shape (frequency,): densities per hertz (one-sided), or of a sum of sines the squared amplitudes.
    distortion
        Of a sum of sines: the amplitude at twice each frequency by that at the frequency, shape (frequency,); else
        None.
    facts
        What the measurement was made of.
    """

    frequency: Floats
    response: NDArray[np.complex128]
    error: Floats
    coherence: Floats | None
    level: float
    input_power: Floats
    output_power: Floats
    distortion: Floats | None
    facts: Facts

    @property
    def axis(self) -> str:
        """``"temporal"``."""
        return self.facts.axis

    @property
    def gain(self) -> Floats:
        """Magnitude of the response, shape (frequency,)."""
        gain: Floats = np.abs(self.response)
        return gain

    @property
    def phase(self) -> Floats:
        """Phase in radians, shape (frequency,), without jumps; negative where the output is late."""
        return np.asarray(np.unwrap(np.angle(self.response)), dtype=np.float64)

    @property
    def significant(self) -> NDArray[np.bool_]:
        """Where the coherence is above its level, shape (frequency,); everywhere for a sum of sines."""
        return np.ones(self.frequency.shape, dtype=bool) if self.coherence is None else self.coherence > self.level

    @property
    def snr(self) -> Floats:
        r"""Power that follows the input by power that does not, shape (frequency,), free of the estimator's bias.

        :math:`C/(1 - C)` is too large by chance; with K independent segments of normal signals
        :math:`((K - 2)\,C/(1 - C) - 1)/K` has the true ratio for its mean.
        """
        measured = self._coherence("the signal-to-noise ratio")
        count = self.facts.effective_segments
        if count <= 2:
            raise AnalysisError(f"snr: {count:.3g} independent segments; it takes more than 2. Use shorter segments.")
        ratio: Floats = ((count - 2) * measured / np.maximum(1 - measured, 1e-300) - 1) / count
        return ratio

    def information(self, band: Band | None = None) -> float:
        r"""Return a lower bound of the information about a normal input, in bits per second.

        .. math:: I = -\int \log_2\bigl(1 - C(f)\bigr)\,df

        The mean of :math:`-\ln(1 - \hat C)` lies above that of the true coherence by 1/(K - 1), whatever it is, with K
        independent segments; this is subtracted.

        Parameters
        ----------
        band
            Lowest and highest frequency; by default all.

        References
        ----------
        W. Bialek, F. Rieke, R. R. de Ruyter van Steveninck, D. Warland: Reading a neural code. Science 252 (1991) 1854,
        doi:10.1126/science.2063199.
        """
        measured = self._coherence("the information")
        inside = self.inside(band, "information") if band is not None else np.ones(self.frequency.shape, dtype=bool)
        nats = -np.log(np.maximum(1 - measured, 1e-300)) - 1 / (self.facts.effective_segments - 1)
        width = np.full(self.frequency.size, self.frequency[0])
        width[0] *= 1.5  # down to 0, where the mean was taken away and nothing was measured
        if self.facts.segment % 2 == 0:
            width[-1] /= 2  # half of the last bin lies beyond half the sampling rate
        return float(np.sum((nats * width)[inside]) / np.log(2))

    def cut_off(self, low: Band) -> float:
        """Return where the gain has fallen to 1/sqrt(2) of its mean over a low band, in hertz; NaN if it never does.

        Parameters
        ----------
        low
            Lowest and highest frequency of the band that is compared with.
        """
        return self._falls(self.gain, np.sqrt(0.5), low, "cut_off")

    def coherence_cut(self, low: Band) -> float:
        """Return where the coherence has fallen to half of its mean over a low band, in hertz; NaN if it never does."""
        return self._falls(self._coherence("coherence_cut"), 0.5, low, "coherence_cut")

    def peak(self, low: Band) -> tuple[float, float]:
        """Return the frequency of the largest gain in hertz, and that gain by the mean over a low band."""
        place = int(np.argmax(self.gain))
        return float(self.frequency[place]), float(self.gain[place] / self._mean(self.gain, low, "peak"))

    def slope(self, band: Band) -> float:
        """Return the slope of log power gain over log frequency in a band: -2 for a filter of first order.

        Frequencies count as they are spaced in their logarithm; those whose coherence is not above its level do not
        count. NaN if fewer than three are left.
        """
        used = self.inside(band, "slope") & self.significant & (self.gain > 0)
        if np.count_nonzero(used) < 3:
            return float("nan")
        x, y = np.log10(self.frequency[used]), 2 * np.log10(self.gain[used])
        weight = np.gradient(x)
        x, y = x - np.average(x, weights=weight), y - np.average(y, weights=weight)
        return float(np.sum(weight * x * y) / np.sum(weight * x * x))

    def high_frequency_ratio(self, above: Any) -> float:
        """Return the part of the output's power that lies at and above a frequency; the mean does not count."""
        first = hertz(above, "high_frequency_ratio")
        high = self.frequency >= first
        if not high.any() or high.all():
            raise AnalysisError(
                f"high_frequency_ratio: {first:g} Hz does not part the measured frequencies, "
                f"{self.frequency[0]:g} to {self.frequency[-1]:g} Hz."
            )
        return float(self.output_power[high].sum() / self.output_power.sum())

    def bias_db(self, low: Band, high: Band) -> float:
        """Return by how much a high band is preferred to a low one, in decibel: 20 log10 of the mean gains' ratio.

        Gain alone says little of spikes: one sharp spike has all frequencies. Look at the stage behind the spikes, and
        at the coherence beside it.
        """
        ratio = self._mean(self.gain, high, "bias_db") / self._mean(self.gain, low, "bias_db")
        return float(20 * np.log10(ratio))

    def _coherence(self, what: str) -> Floats:
        if self.coherence is None:
            raise AnalysisError(f"{what} needs the coherence, which a sum of sines does not give: use broadband noise.")
        return self.coherence

    def inside(self, band: Band, what: str = "band") -> NDArray[np.bool_]:
        """Return which frequencies lie in a band (from, to, both included), shape (frequency,).

        Raises
        ------
        AnalysisError
            If none does, or they are lower than the measurement resolves; `what` says for what they were asked.
        """
        low, high = hertz(band[0], what), hertz(band[1], what)
        lowest = 1 / (self.facts.segment * self.facts.dt)
        inside: NDArray[np.bool_] = (self.frequency >= low * (1 - 1e-9)) & (self.frequency <= high * (1 + 1e-9))
        if not low <= high or high < lowest * (1 - 1e-9) or not inside.any():
            raise AnalysisError(
                f"{what}: nothing was measured between {low:g} and {high:g} Hz: frequencies go from "
                f"{self.frequency[0]:g} to {self.frequency[-1]:g} Hz, and {self.facts.segment} steps of "
                f"{self.facts.dt:g} s resolve {lowest:g} Hz."
            )
        return inside

    def _mean(self, values: Floats, band: Band, what: str) -> float:
        return float(values[self.inside(band, what)].mean())

    def _falls(self, values: Floats, part: float, low: Band, what: str) -> float:
        level = part * self._mean(values, low, what)
        later = np.flatnonzero((self.frequency > hertz(low[1], what)) & (values <= level))
        if not later.size:
            return float("nan")
        after = int(later[0])
        while after > 0 and values[after - 1] <= level:
            after -= 1  # it fell within the band already
        before = after - 1
        if before < 0 or values[after] <= 0:
            return float(self.frequency[after])
        share = np.log(values[before] / level) / np.log(values[before] / values[after])
        return float(self.frequency[before] * (self.frequency[after] / self.frequency[before]) ** share)


def hertz(value: Any, where: str) -> float:
    """Return one frequency in hertz; plain numbers are in hertz."""
    number = to_si(value, "hertz" if unit_of(value) != "1" else "1", where)
    if not isinstance(number, float) or not np.isfinite(number) or number < 0:
        raise AnalysisError(f"{where}: a frequency must be one finite value, not negative, got {value}.")
    return number
