"""Physical units: Brian2's, and the one door from quantities to SI floats.

Every unit of Brian2 is importable from here (``from neurosim.units import mV, ms``). Inside neurosim a value is a
plain SI float or array beside the text of its unit (``"volt"``, ``"siemens/metre**2"``, ``"1"``), so that circuits
stay data: :func:`to_si` is where a quantity comes in, :func:`quantity` where it goes out.

Brian2 takes longer to load than most circuits to simulate. Until something loads it, units and single quantities are
:class:`~neurosim.light_quantity.LightQuantity`: numbers times units, which become Brian2's own as soon as anything else
is asked of them.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Any

import numpy as np

from neurosim.errors import EquationError, UnitError
from neurosim.light_quantity import LightQuantity, brian2_is_loaded, light_unit
from neurosim.unit_table import Dimension, dimension_by_table, names_of_dimensions, units

DIMENSIONLESS = "1"


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    known = units().get(name)
    if known is not None and not brian2_is_loaded():
        return light_unit(*known, name)
    unit = _equation_units().get(name) if known is not None or name.isidentifier() else None
    if unit is None:
        raise AttributeError(f"module 'neurosim.units' has no unit {name!r}; it offers every unit of brian2.units")
    return unit


def is_quantity(value: object) -> bool:
    """Tell whether `value` carries a dimension (no import needed to ask)."""
    return isinstance(value, LightQuantity) or (hasattr(value, "dim") and hasattr(value, "has_same_dimensions"))


@lru_cache(maxsize=512)
def dimension_of(unit: str) -> Dimension:
    """Return the exponents of metre, kilogram, ... of a unit text such as ``"volt"`` or ``"1"``.

    Raises
    ------
    UnitError
        If the text is not an unscaled unit.
    """
    if not _is_product_of_powers(unit):
        raise UnitError(f"{unit!r} is not a unit; use base units such as volt, amp, siemens/metre**2 or 1.")
    found = dimension_by_table(ast.parse(unit.strip(), mode="eval").body)
    if found is not None:
        return found
    from brian2.equations.equations import dimensions_and_type_from_string

    try:
        dimension, _ = dimensions_and_type_from_string(unit)
    except ValueError as error:
        reason = str(error).rstrip(".")
        raise UnitError(f"{unit!r} is not a unit: {reason}. Use base units such as volt, amp, siemens or 1.") from None
    return _exponents(dimension)


def _exponents(dimension: Any) -> Dimension:
    """Return the exponents of a ``Dimension`` of Brian2."""
    return tuple(float(power) for power in dimension._dims)


def _brian2_dimension(dimension: Dimension) -> Any:
    """Return Brian2's ``Dimension`` of exponents."""
    from brian2.units.fundamentalunits import get_or_create_dimension

    return get_or_create_dimension(dimension)


def _is_product_of_powers(unit: str) -> bool:
    """Tell whether a text is names, ``*``, ``/``, small powers and 1: Brian2 computes it, so nothing else may pass."""
    try:
        tree = ast.parse(unit.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    exponents: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            power = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
            if not isinstance(power, ast.Constant):
                return False
            exponents.add(id(power))
        if isinstance(node, ast.Constant):
            number = node.value
            if not isinstance(number, (int, float)) or abs(number) > 100 or (number != 1 and id(node) not in exponents):
                return False
        elif not isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Name, ast.Load, ast.Mult, ast.Div, ast.Pow, ast.USub)):
            return False
    return True


@lru_cache(maxsize=512)
def text_of_dimension(dimension: Any) -> str:
    """Return the one unit text that neurosim uses for a dimension: exponents, or a ``Dimension`` of Brian2."""
    exponents = dimension if isinstance(dimension, tuple) else _exponents(dimension)
    named = names_of_dimensions().get(exponents)
    if named is not None:
        return named
    for text in _compound_units():
        if dimension_of(text) == exponents:
            return text
    names = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")
    return " * ".join(
        name if power == 1 else f"{name}**{int(power) if power == int(power) else power!r}"
        for name, power in zip(names, exponents, strict=True)
        if power
    )


@lru_cache(maxsize=1)
def _compound_units() -> tuple[str, ...]:
    """Return the texts tried for a unit without a name of its own: ``1/volt``, ``siemens/metre**2``."""
    units = ("volt", "amp", "siemens", "farad", "coulomb", "second", "metre", "metre**2")
    quotients = [f"{first}/{second}" for first in units for second in units if first != second]
    powers = [f"{unit}**2" for unit in units if "**" not in unit] + ["second**-0.5"]
    return (*(f"1/{unit}" for unit in units), *quotients, *powers)


def unit_of(value: object) -> str:
    """Return the unit text of a value: ``"1"`` for anything without a dimension."""
    value = _gathered(value)
    if isinstance(value, LightQuantity):
        return text_of_dimension(value.exponents)
    return text_of_dimension(value.dim) if is_quantity(value) else DIMENSIONLESS  # type: ignore[attr-defined]


def _gathered(value: object) -> object:
    """Return a list of quantities as one quantity; numpy would drop their units."""
    if not isinstance(value, (list, tuple)) or not any(is_quantity(item) for item in value):
        return value
    from brian2.units.fundamentalunits import DimensionMismatchError, Quantity

    try:
        return Quantity([item.full if isinstance(item, LightQuantity) else item for item in value])
    except (DimensionMismatchError, TypeError, ValueError):
        raise UnitError(f"the values of {_short(value)} must all have the same unit.") from None


def canonical(unit: str) -> str:
    """Return the one spelling that neurosim stores for a unit text (``"1"``, ``"volt"``, ...)."""
    return (
        DIMENSIONLESS if unit.strip() in ("1", "boolean", "integer") else text_of_dimension(dimension_of(unit.strip()))
    )


def same_unit(first: str, second: str) -> bool:
    """Tell whether two unit texts have the same dimension."""
    return first == second or dimension_of(first) == dimension_of(second)


def to_si(value: object, unit: str, where: str) -> float | np.ndarray:
    """Convert a quantity (or a plain number where the unit is ``"1"``) to SI.

    Parameters
    ----------
    value
        Number, array, Brian2 quantity, or a list of these.
    unit
        The unit text that is expected.
    where
        How the value is called in the error message.

    Returns
    -------
    float or numpy.ndarray
        The value in SI units: a float for a scalar, else a new float64 array.

    Raises
    ------
    UnitError
        If the dimension differs; a plain number for a dimensional quantity is shown with both readings.
    """
    value = _gathered(value)
    given = unit_of(value)
    try:
        array = np.asarray(value.value if isinstance(value, LightQuantity) else value)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise UnitError(f"{where} must be a number, an array or a quantity, got {type(value).__name__}.")
    if not same_unit(given, unit):
        shown = _short(value)
        if given == DIMENSIONLESS:
            prefixed = f"{shown}*m{unit} or " if unit in ("volt", "second", "amp", "siemens") else ""
            raise UnitError(
                f"{where} needs a unit ({unit}), got the plain number {shown}. Write {prefixed}{shown}*{unit}."
            )
        expected = "a plain number" if unit == DIMENSIONLESS else f"in {unit}"
        raise UnitError(f"{where} must be {expected}, got {shown} ({given}).")
    return float(array) if array.ndim == 0 else np.array(array, dtype=np.float64)


def seconds(value: object, where: str) -> float:
    """Convert one time to seconds; a plain number is refused (see :func:`to_si`)."""
    result = to_si(value, "second", where)
    if not isinstance(result, float) or not np.isfinite(result):
        raise UnitError(f"{where} must be one finite time, got {_short(value)}.")
    return result


def quantity(value: float | np.ndarray, unit: str) -> Any:
    """Return the quantity of an SI value (the bare value where the unit is ``"1"``)."""
    if unit == DIMENSIONLESS:
        return value
    if isinstance(value, (int, float)) and not brian2_is_loaded():
        return LightQuantity(float(value), dimension_of(unit))
    from brian2.units.fundamentalunits import Quantity

    return Quantity(value, dim=_brian2_dimension(dimension_of(unit)))


_SYMBOLS = {
    "amp": "A", "coulomb": "C", "farad": "F", "hertz": "Hz", "metre": "m", "ohm": "ohm", "second": "s", "siemens": "S",
    "volt": "V",
}  # fmt: skip
_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}


def readable(value: float, unit: str) -> str:
    """Return an SI value as a person would write it.

    Examples
    --------
    >>> readable(-0.06, "volt"), readable(1e8, "ohm"), readable(0.5, "1")
    ('-60 mV', '100 Mohm', '0.5')
    """
    if unit not in _SYMBOLS:
        return f"{value:.6g}" if unit == DIMENSIONLESS else f"{value:.6g} {unit}"
    exponent = 0
    if value and np.isfinite(value):
        exponent = min(max(3 * int(np.floor(np.log10(abs(value) * (1 + 1e-9)) / 3)), -15), 9)
    return f"{value / 10.0**exponent:.6g} {_PREFIXES[exponent]}{_SYMBOLS[unit]}"


def unit_names() -> frozenset[str]:
    """Return every unit name that may stand in an equation (``mV``, ``ms``, ``siemens``, ...)."""
    return frozenset(units())


def unit_value(name: str) -> tuple[float, str]:
    """Return ``(SI value, unit text)`` of a unit that stands in an equation by name."""
    scale, dimension = units()[name]
    return 10.0**scale, text_of_dimension(dimension)


@lru_cache(maxsize=1)
def _equation_units() -> dict[str, Any]:
    from brian2.core.namespace import DEFAULT_UNITS

    return dict(DEFAULT_UNITS)


def expression_functions() -> dict[str, Any]:
    """Return what Brian2's expression parser knows by default: its functions, by name."""
    from brian2.core.functions import DEFAULT_FUNCTIONS

    return dict(DEFAULT_FUNCTIONS)


def expression_variable(name: str, *, unit: str = DIMENSIONLESS, dimension: Dimension | None = None) -> Any:
    """Return a variable for Brian2's expression parser: of a unit text (``"boolean"`` for a condition) or dimension."""
    from brian2.core.variables import Variable

    if unit == "boolean":
        return Variable(name, dtype=np.bool_)
    return Variable(name, dimensions=_brian2_dimension(dimension_of(unit) if dimension is None else dimension))


def dimension_of_expression(expression: str, variables: dict[str, Any], where: str) -> Dimension:
    """Return the dimension of an expression, as Brian2 finds it.

    Raises
    ------
    UnitError
        If the units inside do not agree.
    EquationError
        If Brian2 cannot read it.
    """
    from brian2.parsing.expressions import parse_expression_dimensions
    from brian2.units.fundamentalunits import DimensionMismatchError

    try:
        return _exponents(parse_expression_dimensions(expression, variables))
    except DimensionMismatchError as error:
        raise UnitError(f"{where}: the units in {expression!r} do not agree: {error}") from None
    except (TypeError, SyntaxError, ValueError) as error:
        raise EquationError(f"{where}: {expression!r}: {error}") from None


def is_condition(expression: str, variables: dict[str, Any]) -> bool:
    """Tell whether an expression is true or false, rather than a number or a mixture of both (``v and w > 1``)."""
    from brian2.parsing.expressions import is_boolean_expression

    try:
        return bool(is_boolean_expression(expression, variables))
    except SyntaxError:
        return False


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
