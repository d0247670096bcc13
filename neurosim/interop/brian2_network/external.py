"""What the names of equations mean that no variable defines: constants around them, functions, arrays over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.circuit.evaluation import evaluate
from neurosim.circuit.language import FUNCTIONS, names_in, parse_expression
from neurosim.errors import EquationError, UnsupportedError
from neurosim.units import (
    DIMENSIONLESS,
    dimension_of_expression,
    expression_functions,
    expression_variable,
    quantity,
    text_of_dimension,
    unit_names,
    unit_value,
)


@dataclass
class Externals:
    """What names outside a group stand for."""

    constants: dict[str, tuple[float, str]] = field(default_factory=dict)  # SI value, unit
    arrays: dict[str, Any] = field(default_factory=dict)  # TimedArray

    def quantities(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Return the constants with their units, under other names."""
        return {names[name]: quantity(value, unit) for name, (value, unit) in self.constants.items()}


def resolve(group: Any, names: Iterable[str], namespace: Mapping[str, Any]) -> Externals:
    """Find what names mean, as Brian2 does: units and functions first, then the group's namespace, then the caller's.

    Raises
    ------
    UnsupportedError
        For names that Brian2 does not find, and for functions that equations of a circuit cannot call.
    """
    from brian2.core.functions import DEFAULT_CONSTANTS, DEFAULT_FUNCTIONS, Function
    from brian2.core.namespace import DEFAULT_UNITS
    from brian2.core.variables import Constant
    from brian2.input.timedarray import TimedArray

    found = Externals()
    wrong = []
    for name in sorted(names):
        if name in DEFAULT_CONSTANTS or name in DEFAULT_UNITS or name in ("True", "False"):
            continue
        try:
            meant = group.resolve_all([name], namespace, user_identifiers=set())[name]
        except KeyError as error:
            wrong.append(str(error.args[0]).rstrip("."))
            continue
        if isinstance(meant, TimedArray):
            found.arrays[name] = meant
        elif isinstance(meant, Function):
            if meant is not DEFAULT_FUNCTIONS.get(name) or name not in FUNCTIONS:
                wrong.append(f"the function {name!r} is not one that equations of a circuit may call")
        elif isinstance(meant, Constant):
            found.constants[name] = (float(np.asarray(meant.get_value())), text_of_dimension(meant.dim))
        else:
            wrong.append(f"{name!r} is a {type(meant).__name__}, not a constant")
    if wrong:
        raise UnsupportedError("; ".join(wrong))
    return found


def value_of(text: str, externals: Externals, where: str) -> tuple[float, str] | None:
    """Return the SI value and unit of an expression of constants, ``None`` where it reads anything else."""
    try:
        tree = parse_expression(text, where)
    except EquationError:
        return None
    names = names_in(tree)
    units = {name: unit_value(name) for name in names & unit_names()}
    known = {**units, **externals.constants}
    if not names <= known.keys() | {"pi", "e", "inf"}:
        return None
    try:
        value = evaluate(tree, {name: number for name, (number, _) in known.items()})
    except EquationError:  # random numbers
        return None
    variables = {name: expression_variable(name, unit=unit) for name, (_, unit) in known.items()}
    variables |= {name: expression_variable(name, unit=DIMENSIONLESS) for name in names - known.keys()}
    dimension = dimension_of_expression(text, {**expression_functions(), **variables}, where)
    return float(value), text_of_dimension(dimension)
