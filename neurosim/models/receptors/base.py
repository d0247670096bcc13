"""What every receptor is: equations of its own, a current into the membrane, a variable that pulses add to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np

from neurosim.circuit.values import Distribution, as_value, plain, values_equal
from neurosim.errors import CircuitError
from neurosim.units import DIMENSIONLESS


class Receptor(ABC):
    """Base of receptors: what a pulse does to the membrane.

    A subclass is a frozen dataclass with `reversal` among its fields: the reversal potential of a conductance, ``None``
    for a current.
    """

    reversal: Any

    @abstractmethod
    def lines(self, name: str, unit: str) -> tuple[str, ...]:
        """Return the equations of the receptor's variables."""

    @abstractmethod
    def parameters(self, name: str) -> dict[str, Any]:
        """Return the constants that the equations name, but for the reversal potential."""

    def target(self, name: str, membrane: str) -> str:
        """Return the variable that a pulse adds to."""
        return name

    def drive(self, name: str, membrane: str, units: ReceptorUnits, where: str) -> str:
        """Return the current into the membrane, empty for none."""
        return name if self.reversal is None else f"{name}*(reversal_{name} - {membrane})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(
            values_equal(value, vars(other)[name]) for name, value in vars(self).items()
        )

    def __hash__(self) -> int:
        return hash(type(self))


def check_time(value: Any, where: str) -> None:
    """Raise a `CircuitError` unless a value is a positive time, or a distribution of times."""
    tau = plain(as_value(value, "second", where))
    if not isinstance(tau, Distribution) and not np.all(np.asarray(tau, dtype=np.float64) > 0):  # None is NaN
        raise CircuitError(f"{where} must be a positive time, got {value}.")


class ReceptorUnits(NamedTuple):
    """Units of the membrane that a receptor acts on."""

    voltage: str
    current: str
    conductance: str


#: Units of neurons in physical units, and of neurons in plain numbers.
PHYSICAL = ReceptorUnits("volt", "amp", "siemens")
PLAIN = ReceptorUnits(DIMENSIONLESS, DIMENSIONLESS, DIMENSIONLESS)
