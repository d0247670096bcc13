"""Populations without dynamics: their spikes or values are given when the circuit is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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


Source = SpikeSource | SignalSource
#: The one variable of a :class:`SignalSource`.
SIGNAL = "signal"


def checked_shape(n: Any, where: str) -> tuple[int, ...]:
    """Return a population's shape as a tuple of positive integers."""
    shape = n if isinstance(n, tuple) else (n,)
    if not shape or any(isinstance(size, bool) or not hasattr(size, "__index__") or int(size) < 1 for size in shape):
        raise CircuitError(f"{where}: the size must be a positive integer or a tuple of them, got {n!r}.")
    return tuple(int(size) for size in shape)
