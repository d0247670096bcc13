"""Analogue signals given as values: sampled on the steps of a run, at the time that each step starts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from neurosim.circuit.values import value_to_dict
from neurosim.errors import CircuitError
from neurosim.units import seconds, to_si, unit_of

#: Standard normal numbers of a run: takes the first step, the one after the last, and how many of each; gives
#: (time, trial, n).
Normals: TypeAlias = Callable[[int, int, int], np.ndarray]


class AnalogueSignal(ABC):
    """Base of signals: a unit and a value for any step of a run."""

    unit: str

    @abstractmethod
    def rows(self, first: int, last: int, dt: float, n: int, normals: Normals) -> np.ndarray:
        """Return the SI values at steps ``first <= k < last``, shape (time, trial, n), or one trial for all."""

    @abstractmethod
    def check(self, n: int) -> None:
        """Refuse a number of neurons that the signal is not made for."""

    @abstractmethod
    def to_dict(self, arrays: dict[str, np.ndarray], key: str) -> dict[str, Any]:
        """Return a JSON form; arrays go to `arrays` under `key`."""


class SampledSignal(AnalogueSignal):
    """Base of signals that are functions of time alone, the same in every run and trial."""

    @abstractmethod
    def sample(self, steps: np.ndarray, dt: float, n: int) -> np.ndarray:
        """Return the SI values at `steps`, shape (time, n)."""

    def rows(self, first: int, last: int, dt: float, n: int, normals: Normals) -> np.ndarray:
        """Return the SI values at steps ``first <= k < last``, shape (time, 1, n)."""
        return self.sample(np.arange(first, last), dt, n)[:, None]

    def check(self, n: int) -> None:
        """Refuse a number of neurons that the signal is not made for."""
        self.sample(np.arange(1), 1.0, n)


def in_steps(time: float, dt: float) -> float:
    """Return a time in steps: a whole number where it lies on the grid, whatever ``k*dt`` rounds to."""
    steps = time / dt
    return round(steps) if abs(steps) < 2**53 and abs(steps - round(steps)) < 1e-6 else steps


def active(steps: np.ndarray, dt: float, start: float, stop: float) -> np.ndarray:
    """Tell at which steps ``start <= t < stop``, shape (time,)."""
    on: np.ndarray = (steps >= in_steps(start, dt)) & (steps < in_steps(stop, dt))
    return on


def window(start: Any, stop: Any, where: str) -> tuple[float, float]:
    """Return the times, in seconds, between which a signal is on: by default from the beginning and for ever."""
    first = 0.0 if start is None else seconds(start, f"{where}: start")
    last = float("inf") if stop is None else seconds(stop, f"{where}: stop")
    if last < first:
        raise CircuitError(f"{where}: stop ({last} s) lies before start ({first} s).")
    return first, last


def level(value: Any, unit: str, where: str) -> float | np.ndarray:
    """Return a finite SI value, one or one per neuron."""
    number = to_si(value, unit, where)
    if np.ndim(number) > 1 or not np.all(np.isfinite(number)):
        raise CircuitError(f"{where} must be finite, one or one per neuron, got {value}.")
    if isinstance(number, np.ndarray):
        number.flags.writeable = False
    return number


def spread(value: float | np.ndarray, n: int, where: str) -> np.ndarray:
    """Return a level for each of n neurons."""
    array = np.asarray(value, dtype=np.float64)
    if array.shape not in ((), (n,)):
        raise CircuitError(f"{where} has {array.size} values, the target has {n} neurons.")
    return np.broadcast_to(array, (n,))


@dataclass(frozen=True, eq=False, init=False)
class Step(SampledSignal):
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
        object.__setattr__(self, "amplitude", level(amplitude, unit, "Step: amplitude"))
        first, last = window(start, stop, "Step")
        object.__setattr__(self, "start", first)
        object.__setattr__(self, "stop", last)

    def sample(self, steps: np.ndarray, dt: float, n: int) -> np.ndarray:
        """Return the SI values at `steps`, shape (time, n)."""
        values: np.ndarray = active(steps, dt, self.start, self.stop)[:, None] * spread(
            self.amplitude, n, "Step: amplitude"
        )
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
class Signal(SampledSignal):
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
