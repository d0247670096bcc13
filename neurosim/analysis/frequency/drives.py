"""Known courses that are injected into a circuit to see how it answers: broadband noise, and sums of sines.

A drive is the same in every run: it belongs to its seed and not to that of the run, so that what went in is known when
what came out is looked at. :class:`~neurosim.circuit.FilteredNoise`, whose values come from the seed of a run, is for
what shall not be known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.circuit.signals import Signal
from neurosim.errors import AnalysisError
from neurosim.random import Stream
from neurosim.recording.times import one_time
from neurosim.units import quantity, to_si, unit_of

Floats = NDArray[np.float64]

#: The part of the steps in which a modulated rate may fall below zero, where it is cut.
MOST_CUT = 1e-3


@dataclass(frozen=True, eq=False)
class Drive:
    """A course without unit and mean, and what is known of it.

    Parameters
    ----------
    values
        Shape (time,): noise of standard deviation 1, or a sum of sines with `amplitudes`.
    dt
        Step in seconds.
    lead
        How many steps at the beginning are for the circuit to settle; they are left out of every measurement.
    kind
        ``"broadband"`` or ``"lines"``.
    band
        From which to which frequency there is power, in hertz.
    frequencies, amplitudes, phases
        Of the sines, shape (line,), phases in radians at the end of the lead; empty for noise.
    seed
        Of its random numbers.
    """

    values: Floats
    dt: float
    lead: int
    kind: str
    band: tuple[float, float]
    frequencies: Floats
    amplitudes: Floats
    phases: Floats
    seed: int

    @property
    def duration(self) -> float:
        """How long it lasts in seconds, the lead included."""
        return self.values.size * self.dt

    @property
    def measured(self) -> Floats:
        """The values after the lead."""
        return self.values[self.lead :]

    def signal(self, amplitude: Any, mean: Any = None) -> Signal:
        """Return ``mean + amplitude*values`` as the input of an injection or of a :class:`SignalSource`.

        Parameters
        ----------
        amplitude, mean
            Quantities or numbers of one unit; the mean is 0 by default.
        """
        unit = unit_of(amplitude)
        scale = _number(amplitude, unit, "amplitude")
        level = 0.0 if mean is None else _number(mean, unit, "mean")
        values = level + scale * self.values
        return Signal(values if unit == "1" else quantity(values, unit), quantity(self.dt, "second"))

    def rate(self, mean: Any, depth: Any) -> Signal:
        """Return ``mean + depth*values`` as the rate of a :class:`PoissonSource`; below zero it is cut.

        Parameters
        ----------
        mean, depth
            Rates in hertz (quantities).

        Raises
        ------
        AnalysisError
            If the rate falls below zero in more than one of 1,000 steps, where the cut would bend the response.
        """
        values = _number(mean, "hertz", "mean") + _number(depth, "hertz", "depth") * self.values
        below = float(np.mean(values < 0))
        if below > MOST_CUT:
            raise AnalysisError(
                f"rate: mean {mean} and depth {depth} are below zero in {100 * below:.2g} % of the steps; "
                "give a smaller depth or a larger mean."
            )
        return Signal(quantity(np.maximum(values, 0.0), "hertz"), quantity(self.dt, "second"))


def broadband(duration: Any, dt: Any, *, band: tuple[Any, Any] | None = None, lead: Any = 0.0, seed: int = 0) -> Drive:
    """Return normal noise of standard deviation 1, white or within a band.

    Parameters
    ----------
    duration
        How long to measure (a quantity, or seconds).
    dt
        Step of the circuit that it is for.
    band
        Lowest and highest frequency in hertz (quantities or numbers); by default all up to half the sampling rate.
    lead
        How long the circuit is given to settle before; five of its slowest time constants are a good choice.
    seed
        Which noise.

    Returns
    -------
    Drive
        Its standard deviation is 1 in expectation, not in each sample.

    Examples
    --------
    >>> drive = broadband(2.0, 0.001, band=(1, 100), seed=1)
    >>> drive.values.shape, round(float(drive.values.std()), 1)
    ((2000,), 1.0)
    """
    step, first, count = _grid(duration, dt, lead)
    values = Stream(seed, "frequency/broadband").normal(first + count)
    low, high = (0.0, 0.5 / step) if band is None else (_hertz(edge, "band") for edge in band)
    if not 0 <= low < high <= 0.5 / step * (1 + 1e-9):
        raise AnalysisError(
            f"broadband: the band {low:g} to {high:g} Hz must lie between 0 and half the sampling rate, "
            f"{0.5 / step:g} Hz."
        )
    if band is not None:
        spectrum = np.fft.rfft(values)
        frequency = np.arange(spectrum.size) / (values.size * step)
        inside = _between(frequency, low, high)
        if not inside.any():
            raise AnalysisError(
                f"broadband: {values.size * step:g} s hold no period of the band {low:g} to {high:g} Hz."
            )
        # What is left of unit variance is the part of the bins that are kept; this gives it back.
        values = np.fft.irfft(np.where(inside, spectrum, 0.0), values.size) / np.sqrt(inside.mean())
    return _drive(values, step, first, "broadband", (low, high), seed)


def multi_sine(
    frequencies: Sequence[Any] | NDArray[Any],
    duration: Any,
    dt: Any,
    *,
    amplitudes: float | Sequence[float] = 1.0,
    lead: Any = 0.0,
    seed: int = 0,
) -> Drive:
    r"""Return a sum of sines with whole periods: :math:`\sum_k a_k \cos(2\pi f_k t + \varphi_k)`.

    Each sine occupies one line of the spectrum and none leaks into another, so that a gain is read without an error of
    the window.

    Parameters
    ----------
    frequencies
        In hertz, each with a whole number of periods in `duration`; none may be twice or three times another, where the
        distortion of the one would pass for the response to the other. :func:`line_frequencies` chooses some.
    duration, dt, lead
        As of :func:`broadband`; `duration` must be a whole number of steps.
    amplitudes
        One, or one for each frequency.
    seed
        Of the phases, which are random so that the peaks of the sines do not coincide.

    Raises
    ------
    AnalysisError
        If a frequency does not fit, or is a harmonic of another.
    """
    step, first, count = _grid(duration, dt, lead)
    lines = np.atleast_1d(np.asarray(_hertz_array(frequencies)))
    sizes = np.broadcast_to(np.asarray(amplitudes, dtype=np.float64), lines.shape).copy()
    periods = lines * count * step
    whole = np.round(periods)
    if lines.ndim != 1 or not lines.size or np.any(np.abs(periods - whole) > 1e-6 * np.maximum(whole, 1)):
        raise AnalysisError(
            f"multi_sine: frequencies must have whole periods in {count * step:g} s (multiples of "
            f"{1 / (count * step):g} Hz), got {lines.tolist()} Hz."
        )
    if np.any(whole < 1) or np.any(whole * 2 >= count) or len(set(whole.tolist())) != whole.size:
        raise AnalysisError(
            f"multi_sine: frequencies must differ and lie between 0 and {0.5 / step:g} Hz, got {lines.tolist()} Hz."
        )
    for factor in (2, 3):
        harmonic = np.isin(whole * factor, whole)
        if harmonic.any():
            one = lines[harmonic][0]
            raise AnalysisError(
                f"multi_sine: {factor * one:g} Hz is {factor} times {one:g} Hz: the distortion of the one would pass "
                "for the response to the other. Shift it by a line; line_frequencies() chooses frequencies that fit."
            )
    phases = 2 * np.pi * Stream(seed, "frequency/phases").uniform(lines.size)
    # The cycle is computed in whole numbers, so that late in a long run no digit is lost.
    cycle = (np.arange(-first, count)[:, None] * whole.astype(np.int64)) % count
    values = np.cos(2 * np.pi * cycle / count + phases) @ sizes
    band = (float(lines.min()), float(lines.max()))
    return _drive(values, step, first, "lines", band, seed, lines=whole / (count * step), sizes=sizes, phases=phases)


def line_frequencies(low: Any, high: Any, count: int, duration: Any) -> Floats:
    """Return frequencies for :func:`multi_sine`: spaced evenly in their logarithm, none a harmonic of another.

    Parameters
    ----------
    low, high
        In hertz.
    count
        How many.
    duration
        How long will be measured; each frequency has whole periods in it.

    Returns
    -------
    numpy.ndarray
        Shape (count,), hertz. Odd numbers of periods, moved to the next one up where they would be three times another.

    Examples
    --------
    >>> line_frequencies(1, 100, 4, 10.0).tolist()
    [1.1, 4.7, 21.5, 100.1]
    """
    first, last, length = _hertz(low, "low"), _hertz(high, "high"), one_time(duration, "duration")
    if count < 1 or not 0 < first < last or first * length < 1:
        raise AnalysisError(
            f"line_frequencies: {count} frequencies from {first:g} to {last:g} Hz do not fit {length:g} s; the lowest "
            "must be positive and have a period in it."
        )
    chosen: list[int] = []
    for wanted in np.geomspace(first, last, count) * length:
        periods = round(wanted) | 1  # odd: never twice another
        while periods in chosen or (periods % 3 == 0 and periods // 3 in chosen):
            periods += 2
        chosen.append(periods)
    return np.asarray(chosen, dtype=np.float64) / length


def _drive(
    values: Floats,
    dt: float,
    lead: int,
    kind: str,
    band: tuple[float, float],
    seed: int,
    *,
    lines: Floats | None = None,
    sizes: Floats | None = None,
    phases: Floats | None = None,
) -> Drive:
    first, second, third = (np.zeros(0) if array is None else array for array in (lines, sizes, phases))
    for array in (values, first, second, third):
        array.flags.writeable = False
    return Drive(values, dt, lead, kind, band, first, second, third, seed)


def _grid(duration: Any, dt: Any, lead: Any) -> tuple[float, int, int]:
    """Return the step, the steps of the lead and the steps that are measured."""
    step = one_time(dt, "dt")
    if not 0 < step < np.inf:
        raise AnalysisError(f"drive: dt must be a positive time, got {step} s.")
    length, before = one_time(duration, "duration") / step, one_time(lead, "lead") / step
    count, first = round(length), round(before)
    if count < 2 or first < 0 or abs(length - count) > 1e-6 * count or abs(before - first) > 1e-6 * max(first, 1):
        raise AnalysisError(
            f"drive: duration ({duration}) and lead ({lead}) must be whole numbers of steps of {step:g} s, "
            "and the duration at least two."
        )
    return step, first, count


def _between(frequency: Floats, low: float, high: float) -> NDArray[np.bool_]:
    slack = 1e-9 * max(high, 1e-300)
    inside: NDArray[np.bool_] = (frequency > 0) & (frequency >= low - slack) & (frequency <= high + slack)
    return inside


def _number(value: Any, unit: str, where: str) -> float:
    number = to_si(value, unit, where)
    if not isinstance(number, float) or not np.isfinite(number):
        raise AnalysisError(f"drive: {where} must be one finite value, got {value}.")
    return number


def _hertz(value: Any, where: str) -> float:
    number = np.asarray(_hertz_array(value))
    if number.ndim or not np.isfinite(number):
        raise AnalysisError(f"{where} must be finite frequencies in hertz, got {value}.")
    return float(number)


def _hertz_array(value: Any) -> Any:
    return to_si(value, "hertz", "frequency") if unit_of(value) != "1" else np.asarray(value, dtype=np.float64)
