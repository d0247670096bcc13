"""Populations without dynamics: their spikes or values are given when the circuit is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.circuit.values import Trainable, Value, as_value, values_equal
from neurosim.errors import CircuitError
from neurosim.units import canonical, unit_of


@dataclass(frozen=True)
class SpikeSource:
    """`n` neurons that spike when ``inputs=`` says so.

    Parameters
    ----------
    n
        Number of neurons, or a shape.
    """

    n: int | tuple[int, ...]

    spiking = True


@dataclass(frozen=True)
class SignalSource:
    """`n` analogue channels whose values ``inputs=`` gives, sampled once a step.

    Parameters
    ----------
    n
        Number of channels, or a shape.
    unit
        Unit of the values: a unit text (``"amp"``) or a quantity (``pA``); plain numbers by default.
    """

    n: int | tuple[int, ...]
    unit: str = "1"

    spiking = False

    def __init__(self, n: int | tuple[int, ...], unit: Any = "1") -> None:
        object.__setattr__(self, "n", n)
        object.__setattr__(self, "unit", canonical(unit if isinstance(unit, str) else unit_of(unit)))


@dataclass(frozen=True, eq=False, init=False)
class PoissonSource:
    """`n` neurons that spike at random, each step on its own, with probability rate times dt.

    Parameters
    ----------
    n
        Number of neurons, or a shape.
    rate
        Mean rate, in hertz: one value, one per neuron, or a distribution drawn with the structure. ``inputs=`` may give
        another for a run: a value, an array (time, neuron), or a signal such as ``Step(50 * Hz, start=1 * second)``.

    Notes
    -----
    Spikes come from the run's seed: those of a trial and a step are the same on every backend, whatever else is run,
    recorded or split.
    """

    n: int | tuple[int, ...]
    rate: Value

    spiking = True

    def __init__(self, n: int | tuple[int, ...], rate: Any) -> None:
        object.__setattr__(self, "n", n)
        object.__setattr__(self, "rate", checked_rate(rate, "PoissonSource"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PoissonSource) and self.n == other.n and values_equal(self.rate, other.rate)

    def __hash__(self) -> int:
        return hash(self.n)


Source = SpikeSource | PoissonSource | SignalSource
#: The one variable of a :class:`SignalSource`.
SIGNAL = "signal"


def checked_rate(rate: Any, where: str) -> Value:
    """Return a rate in hertz: one value, one per neuron, or a distribution."""
    value = as_value(rate, "hertz", f"{where}: rate")
    if isinstance(value, Trainable):
        raise CircuitError(f"{where}: the rate is not trainable; train the weights that it feeds.")
    if isinstance(value, (float, np.ndarray)) and (np.any(np.asarray(value) < 0) or not np.all(np.isfinite(value))):
        raise CircuitError(f"{where}: rates must be finite and not negative, got {np.min(value)} Hz at least.")
    return value


def checked_shape(n: Any, where: str) -> tuple[int, ...]:
    """Return a population's shape as a tuple of positive integers."""
    shape = n if isinstance(n, tuple) else (n,)
    if not shape or any(isinstance(size, bool) or not hasattr(size, "__index__") or int(size) < 1 for size in shape):
        raise CircuitError(f"{where}: the size must be a positive integer or a tuple of them, got {n!r}.")
    return tuple(int(size) for size in shape)
