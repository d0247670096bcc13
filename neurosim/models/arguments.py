"""Checks of what is given to a library model, so that an error names the argument and not the equation it enters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.circuit.neuron_model import value_unit
from neurosim.circuit.values import as_value
from neurosim.errors import UnitError
from neurosim.units import DIMENSIONLESS, same_unit

VOLT = "volt"


def voltage_unit(values: Mapping[str, Any], where: str) -> str:
    """Return the unit that all voltages given to a model share.

    Parameters
    ----------
    values
        Voltages by the name of the argument; ``None`` is left out.
    where
        The model, for error messages.

    Returns
    -------
    str
        ``"volt"``, or ``"1"`` where every value is a plain number.

    Raises
    ------
    UnitError
        If some are plain numbers and some are voltages, or one is neither.
    """
    units = {name: value_unit(value) for name, value in values.items() if value is not None}
    plain = [name for name, unit in units.items() if unit == DIMENSIONLESS]
    volts = [name for name, unit in units.items() if unit != DIMENSIONLESS and same_unit(unit, VOLT)]
    other = [f"{name} ({units[name]})" for name in units if name not in plain and name not in volts]
    if other:
        raise UnitError(f"{where}: {', '.join(other)} must be a voltage or a plain number.")
    if plain and volts:
        raise UnitError(
            f"{where}: {', '.join(volts)} in volt, but {', '.join(plain)} without a unit. Give every voltage a unit, "
            "or none for a dimensionless neuron."
        )
    return VOLT if volts else DIMENSIONLESS


def checked_arguments(values: Mapping[str, tuple[Any, str]], where: str) -> dict[str, Any]:
    """Return parameters by name after holding each against its unit.

    Parameters
    ----------
    values
        Value and unit by name.
    where
        The model, for error messages.

    Raises
    ------
    UnitError
        If a value lacks its unit or has another.
    """
    for name, (value, unit) in values.items():
        as_value(value, unit, f"{where}: {name}")
    return {name: value for name, (value, _) in values.items()}
