"""Stimuli of the usual shapes: ramps, sine waves, trains of pulses. The value of step k is that of the time k*dt.

Times are counted in steps, and a time within a millionth of a step of the grid lies on it; so a start, a stop or a
period on the grid is exact whatever the products ``k*dt`` round to.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from neurosim.circuit.signals import AnalogueSignal, SampledSignal, active, in_steps, level, spread, window
from neurosim.circuit.values import value_to_dict, values_equal
from neurosim.errors import CircuitError
from neurosim.units import seconds, to_si, unit_of


@dataclass(frozen=True, eq=False)
class Stimulus(AnalogueSignal):
    """Base of stimuli that are told by a few values: equal by value, written field by field."""

    unit: str

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _on(self, name: str, n: int) -> np.ndarray:
        """Return a level for each of n neurons."""
        return spread(getattr(self, name), n, f"{type(self).__name__}: {name}")

    def __eq__(self, other: object) -> bool:
        names = [field.name for field in fields(self)]
        return type(other) is type(self) and all(
            values_equal(getattr(self, name), getattr(other, name)) for name in names
        )

    def __hash__(self) -> int:
        return hash((type(self), self.unit))

    def to_dict(self, arrays: dict[str, np.ndarray], key: str) -> dict[str, Any]:
        """Return a JSON form; arrays go to `arrays` under names that begin with `key`."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        written = {name: value_to_dict(value, arrays, f"{key}.{name}") for name, value in values.items()}
        return {"signal": type(self).__name__, **written}


@dataclass(frozen=True, eq=False, init=False)
class Ramp(Stimulus, SampledSignal):
    """A straight line from one value to another, held before it starts and after it ends.

    At step k the value is ``(1 - f)*start_value + f*end_value`` with ``f = (k - s)/(e - s)``, cut to 0 and 1, where
    s and e are `start` and `stop` in steps. Both ends are exact.

    Parameters
    ----------
    start_value, end_value
        Quantities or numbers of one unit, one or one per neuron.
    start, stop
        Times between which the value changes; `start` is 0 by default.
    """

    start_value: float | np.ndarray
    end_value: float | np.ndarray
    start: float
    stop: float

    def __init__(self, start_value: Any, end_value: Any, *, start: Any = None, stop: Any) -> None:
        unit = unit_of(end_value)
        first, last = window(start, stop, "Ramp")
        if not first < last < float("inf"):
            raise CircuitError(f"Ramp: give a time stop= after start ({first} s), got {last} s.")
        self._set(
            unit=unit, start_value=level(start_value, unit, "Ramp: start_value"),
            end_value=level(end_value, unit, "Ramp: end_value"), start=first, stop=last,
        )  # fmt: skip

    def sample(self, steps: np.ndarray, dt: float, n: int) -> np.ndarray:
        """Return the SI values at `steps`, shape (time, n)."""
        first, last = in_steps(self.start, dt), in_steps(self.stop, dt)
        part = np.clip((steps - first) / (last - first), 0.0, 1.0)[:, None]
        values: np.ndarray = (1.0 - part) * self._on("start_value", n) + part * self._on("end_value", n)
        return values


@dataclass(frozen=True, eq=False, init=False)
class Sine(Stimulus, SampledSignal):
    """A sine wave between two times: ``offset + amplitude*sin(2*pi*frequency*(t - start) + phase)``, else 0.

    Parameters
    ----------
    amplitude
        Quantity or number, one or one per neuron.
    frequency
        In hertz.
    phase
        At `start`, in radians: one or one per neuron.
    offset
        What the wave swings about, in the unit of the amplitude: one or one per neuron; 0 by default.
    start, stop
        Times; from the beginning and to the end by default.
    """

    amplitude: float | np.ndarray
    frequency: float
    phase: float | np.ndarray
    offset: float | np.ndarray
    start: float
    stop: float

    def __init__(
        self,
        amplitude: Any,
        frequency: Any,
        *,
        phase: Any = 0.0,
        offset: Any = None,
        start: Any = None,
        stop: Any = None,
    ) -> None:
        unit = unit_of(amplitude)
        hertz = to_si(frequency, "hertz", "Sine: frequency")
        if not isinstance(hertz, float) or not 0 <= hertz < float("inf"):
            raise CircuitError(f"Sine: the frequency must be one finite value, not negative, got {frequency}.")
        first, last = window(start, stop, "Sine")
        self._set(
            unit=unit, amplitude=level(amplitude, unit, "Sine: amplitude"), frequency=hertz,
            phase=level(phase, "1", "Sine: phase"),
            offset=0.0 if offset is None else level(offset, unit, "Sine: offset"), start=first, stop=last,
        )  # fmt: skip

    def sample(self, steps: np.ndarray, dt: float, n: int) -> np.ndarray:
        """Return the SI values at `steps`, shape (time, n)."""
        on = active(steps, dt, self.start, self.stop)
        # Periods, of which only the fraction counts: late in a run the sine then loses no digits.
        periods = np.where(on, (steps - in_steps(self.start, dt)) * (dt * self.frequency), 0.0)
        angle = 2 * np.pi * (periods - np.floor(periods))
        wave = self._on("offset", n) + self._on("amplitude", n) * np.sin(angle[:, None] + self._on("phase", n))
        values: np.ndarray = np.where(on[:, None], wave, 0.0)
        return values


@dataclass(frozen=True, eq=False, init=False)
class Pulses(Stimulus, SampledSignal):
    """Rectangular pulses that repeat: `amplitude` during `width` from `start` and after every `period`, else 0.

    Step k belongs to pulse j where ``s + j*p <= k < s + j*p + w``, with start, period and width in steps.

    Parameters
    ----------
    amplitude
        Quantity or number, one or one per neuron.
    width, period
        Of one pulse, and from the start of one to the start of the next.
    start, stop
        Times; from the beginning and to the end by default. A pulse that is on at `stop` ends there.
    """

    amplitude: float | np.ndarray
    width: float
    period: float
    start: float
    stop: float

    def __init__(self, amplitude: Any, *, width: Any, period: Any, start: Any = None, stop: Any = None) -> None:
        unit = unit_of(amplitude)
        lasting, every = seconds(width, "Pulses: width"), seconds(period, "Pulses: period")
        if not 0 < lasting <= every:
            raise CircuitError(f"Pulses: the width ({lasting} s) must be positive and within the period ({every} s).")
        first, last = window(start, stop, "Pulses")
        self._set(
            unit=unit, amplitude=level(amplitude, unit, "Pulses: amplitude"), width=lasting, period=every,
            start=first, stop=last,
        )  # fmt: skip

    def sample(self, steps: np.ndarray, dt: float, n: int) -> np.ndarray:
        """Return the SI values at `steps`, shape (time, n)."""
        on = active(steps, dt, self.start, self.stop)
        since = np.where(on, steps - in_steps(self.start, dt), 0.0)
        period, slack = in_steps(self.period, dt), 1e-6
        into = since - np.floor((since + slack) / period) * period
        values: np.ndarray = (on & (into + slack < in_steps(self.width, dt)))[:, None] * self._on("amplitude", n)
        return values
