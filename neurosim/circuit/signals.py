"""Analogue signals given as values: sampled on the steps of a run, at the time that each step starts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.circuit.values import value_from_dict, value_to_dict
from neurosim.errors import CircuitError, FileFormatError, nearest
from neurosim.units import quantity, seconds, to_si, unit_of


class AnalogueSignal(ABC):
    """Base of signals: a unit and a value for any step."""

    unit: str

    @abstractmethod
    def sample(self, steps: np.ndarray, dt: float, n: int) -> np.ndarray:
        """Return the SI values at `steps`, shape (time, n)."""

    @abstractmethod
    def to_dict(self, arrays: dict[str, np.ndarray], key: str) -> dict[str, Any]:
        """Return a JSON form; arrays go to `arrays` under `key`."""


@dataclass(frozen=True, eq=False, init=False)
class Step(AnalogueSignal):
    """A constant that is on between two times: `amplitude` where ``start <= t < stop``, else 0.

    Parameters
    ----------
    amplitude
        Quantity or number, one or one per neuron.
    start, stop
        Times; from the beginning and to the end by default.
    """

    amplitude: float | np.ndarray
    start: float
    stop: float
    unit: str

    def __init__(self, amplitude: Any, *, start: Any = None, stop: Any = None) -> None:
        unit = unit_of(amplitude)
        object.__setattr__(self, "unit", unit)
        value = to_si(amplitude, unit, "Step: amplitude")
        if np.ndim(value) > 1 or not np.all(np.isfinite(value)):
            raise CircuitError(f"Step: amplitude must be finite, one or one per neuron, got {amplitude}.")
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
        object.__setattr__(self, "amplitude", value)
        object.__setattr__(self, "start", 0.0 if start is None else seconds(start, "Step: start"))
        object.__setattr__(self, "stop", float("inf") if stop is None else seconds(stop, "Step: stop"))
        if self.stop < self.start:
            raise CircuitError(f"Step: stop ({self.stop} s) lies before start ({self.start} s).")

    def sample(self, steps: np.ndarray, dt: float, n: int) -> np.ndarray:
        """Return the SI values at `steps`, shape (time, n)."""
        amplitude = np.asarray(self.amplitude, dtype=np.float64)
        if amplitude.shape not in ((), (n,)):
            raise CircuitError(f"Step: the amplitude has {amplitude.size} values, the target has {n} neurons.")
        # Compared in steps, so that a start on the grid is exact whatever k*dt rounds to.
        first = np.ceil(self.start / dt - 1e-6)
        last = np.ceil(self.stop / dt - 1e-6)
        active = (steps >= first) & (steps < last)
        values: np.ndarray = active[:, None] * np.broadcast_to(amplitude, (n,))
        return values

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Step)
            and (self.start, self.stop, self.unit) == (other.start, other.stop, other.unit)
            and np.array_equal(self.amplitude, other.amplitude)
        )

    def __hash__(self) -> int:
        return hash((self.start, self.stop, self.unit))

    def to_dict(self, arrays: dict[str, np.ndarray], key: str) -> dict[str, Any]:
        """Return a JSON form; arrays go to `arrays` under `key`."""
        return {
            "signal": "Step", "amplitude": value_to_dict(self.amplitude, arrays, key), "unit": self.unit,
            "start": self.start, "stop": self.stop,
        }  # fmt: skip


@dataclass(frozen=True, eq=False, init=False)
class Signal(AnalogueSignal):
    """Sampled values, held between samples; 0 after the last one.

    Parameters
    ----------
    values
        Shape (time,) or (time, neuron), quantity or numbers.
    every
        Time between samples.
    start
        Time of the first sample.
    """

    values: np.ndarray
    every: float
    start: float
    unit: str

    def __init__(self, values: Any, every: Any, *, start: Any = None) -> None:
        unit = unit_of(values)
        array = np.atleast_1d(to_si(values, unit, "Signal: values"))
        if array.ndim > 2 or not np.all(np.isfinite(array)):
            raise CircuitError(f"Signal: values must be finite, (time,) or (time, neuron), got shape {array.shape}.")
        array.flags.writeable = False
        object.__setattr__(self, "values", array)
        object.__setattr__(self, "unit", unit)
        object.__setattr__(self, "every", seconds(every, "Signal: every"))
        object.__setattr__(self, "start", 0.0 if start is None else seconds(start, "Signal: start"))
        if self.every <= 0:
            raise CircuitError(f"Signal: every must be positive, got {self.every} s.")

    def sample(self, steps: np.ndarray, dt: float, n: int) -> np.ndarray:
        """Return the SI values at `steps`, shape (time, n)."""
        if self.values.ndim == 2 and self.values.shape[1] != n:
            raise CircuitError(f"Signal: values have {self.values.shape[1]} columns, the target has {n} neurons.")
        index = np.floor((steps * dt - self.start) / self.every + 1e-6).astype(np.int64)
        inside = (index >= 0) & (index < len(self.values))
        rows = self.values[np.clip(index, 0, len(self.values) - 1)]
        rows = rows[:, None] if rows.ndim == 1 else rows
        return np.where(inside[:, None], np.broadcast_to(rows, (len(steps), n)), 0.0)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Signal)
            and (self.every, self.start, self.unit) == (other.every, other.start, other.unit)
            and np.array_equal(self.values, other.values)
        )

    def __hash__(self) -> int:
        return hash((self.every, self.start, self.unit, self.values.shape))

    def to_dict(self, arrays: dict[str, np.ndarray], key: str) -> dict[str, Any]:
        """Return a JSON form; arrays go to `arrays` under `key`."""
        return {
            "signal": "Signal", "values": value_to_dict(self.values, arrays, key), "unit": self.unit,
            "every": self.every, "start": self.start,
        }  # fmt: skip


def signal_from_dict(data: dict[str, Any], arrays: dict[str, np.ndarray]) -> AnalogueSignal:
    """Read what ``to_dict`` wrote.

    Raises
    ------
    FileFormatError
        If the kind of signal is unknown or an array is missing.
    """
    second = quantity(1.0, "second")
    if data["signal"] == "Step":
        amplitude = quantity(value_from_dict(data["amplitude"], arrays), data["unit"])
        stop = None if data["stop"] == float("inf") else data["stop"] * second
        return Step(amplitude, start=data["start"] * second, stop=stop)
    if data["signal"] == "Signal":
        values = quantity(value_from_dict(data["values"], arrays), data["unit"])
        return Signal(values, data["every"] * second, start=data["start"] * second)
    raise FileFormatError(f"unknown signal {data['signal']!r}.{nearest(str(data['signal']), ('Step', 'Signal'))}")
