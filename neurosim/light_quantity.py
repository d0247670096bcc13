"""A number times a unit, before Brian2 is loaded: it becomes Brian2's quantity when more than that is asked of it."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from neurosim.unit_table import NONE, Dimension, multiplied, raised

#: Operations by the names of their methods; arithmetic has them for exchanged operands, too.
_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
_COMPARISONS = ("lt", "le", "eq", "ne", "gt", "ge")

#: What quantities and units of Brian2 have beside what arrays have.
_BRIAN2 = frozenset(
    "_dispname _get_best_unit _latex _latexname _name _repr_latex_ automatically_register_units create "
    "create_scaled_unit dim dimensions dispname get_best_unit has_same_dimensions in_best_unit in_unit "
    "is_dimensionless iscompound latexname matplotlib name set_display_name set_latex_name set_name "
    "use_matplotlib_units_fix with_dimensions".split()
)


class LightQuantity:
    """A quantity of one number.

    Products and quotients, powers of units, and sums of quantities with the same dimension are computed here as Brian2
    computes them. For everything else it gives way to Brian2's quantity, which it is to everyone who asks.

    Parameters
    ----------
    value
        In SI.
    exponents
        Its dimension.
    scale
        The power of ten that a unit is: Brian2 adds those of units that are multiplied, where floats would be rounded.
        ``None`` if it is no unit.
    origin
        Of a unit its name, or an operation and what it was computed from.
    """

    __slots__ = ("_full", "exponents", "origin", "scale", "value")

    def __init__(
        self, value: float, exponents: Dimension, scale: int | None = None, origin: str | tuple[Any, ...] = ""
    ) -> None:
        self.value, self.exponents, self.scale, self.origin = value, exponents, scale, origin
        self._full: Any = None

    @property
    def full(self) -> Any:
        """The quantity or unit of Brian2."""
        if self._full is None:
            from brian2.core.namespace import DEFAULT_UNITS
            from brian2.units.fundamentalunits import Quantity, get_or_create_dimension

            if isinstance(self.origin, tuple):
                operation, one, other = self.origin
                self._full = getattr(operator, operation)(_full(one), _full(other))
            elif self.origin:
                self._full = DEFAULT_UNITS[self.origin]
            else:
                self._full = Quantity(self.value, dim=get_or_create_dimension(self.exponents))
        return self._full

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """The class of Brian2's quantity, as soon as anyone can know it."""
        return type(self.full) if brian2_is_loaded() else LightQuantity

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return LightQuantity, (self.value, self.exponents, self.scale, self.origin)

    def __hash__(self) -> int:
        return hash(self.full)

    def __getattr__(self, name: str) -> Any:
        # Many a value is asked whether it is something else; through numpy's other doors no unit would pass.
        if name.startswith("__array_") or not (name in _BRIAN2 or hasattr(np.ndarray, name)):
            raise AttributeError(f"a quantity has no attribute {name!r}")
        return getattr(self.full, name)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        # Brian2 asks numpy for an array of whatever it is given, and takes the unit from what comes back.
        return np.array(self.full if brian2_is_loaded() else self.value, dtype=dtype, subok=True)

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **named: Any) -> Any:
        return getattr(function, method)(*map(_full, inputs), **named)

    def __array_function__(self, function: Any, types: Any, arguments: Any, named: Any) -> Any:
        return function(*_all_full(arguments), **{key: _all_full(value) for key, value in named.items()})

    def __copy__(self) -> LightQuantity:
        return self  # which never changes

    def __deepcopy__(self, memo: dict[int, Any]) -> LightQuantity:
        return self

    def __float__(self) -> float:
        return float(self.full)  # which refuses what has a dimension, or does not

    def __int__(self) -> int:
        return int(self.full)

    def __bool__(self) -> bool:
        return bool(self.full)

    def __abs__(self) -> Any:
        return abs(self.full)

    def __round__(self, *digits: int) -> Any:
        return round(self.full, *digits)

    def __len__(self) -> int:
        return len(self.full)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.full)

    def __getitem__(self, place: Any) -> Any:
        return self.full[place]

    def __repr__(self) -> str:
        return repr(self.full)

    def __str__(self) -> str:
        return str(self.full)

    def __format__(self, how: str) -> str:
        return format(self.full, how)

    def __neg__(self) -> LightQuantity:
        return LightQuantity(-self.value, self.exponents)

    def __pos__(self) -> LightQuantity:
        return LightQuantity(self.value, self.exponents)


def _plain(value: object) -> bool:
    return type(value) in (int, float)


def brian2_is_loaded() -> bool:
    """Tell whether Brian2 is loaded, and with it all that it needs."""
    return hasattr(sys.modules.get("brian2"), "Quantity")


def light_unit(scale: int, exponents: Dimension, origin: str | tuple[Any, ...]) -> LightQuantity:
    """Return a unit (see :class:`LightQuantity`)."""
    return LightQuantity(10.0**scale, exponents, scale, origin)


def _light(operation: str, one: Any, other: Any) -> Any:
    """Return what Brian2 need not compute, else ``None``."""
    if brian2_is_loaded():
        return None
    if operation == "pow":
        if type(other) is not int or one.scale is None:
            return None
        return light_unit(one.scale * other, raised(one.exponents, other), (operation, one, other))
    if _plain(one) or _plain(other):
        return _scaled(operation, one, other)
    if type(one) is not LightQuantity or type(other) is not LightQuantity:
        return None
    if operation in ("add", "sub"):
        if one.exponents != other.exponents:
            return None
        return LightQuantity(getattr(operator, operation)(one.value, other.value), one.exponents)
    if operation not in ("mul", "truediv"):
        return None
    power = 1 if operation == "mul" else -1
    exponents = multiplied(one.exponents, other.exponents, power)
    if one.scale is not None and other.scale is not None:
        if exponents == NONE:
            return None
        return light_unit(one.scale + power * other.scale, exponents, (operation, one, other))
    if power == -1 and not other.value:
        return None
    value = one.value * other.value if power == 1 else one.value / other.value
    return value if exponents == NONE else LightQuantity(value, exponents)


def _scaled(operation: str, one: Any, other: Any) -> Any:
    """Return a product or quotient with a plain number."""
    if operation == "mul":
        known, number = (other, one) if _plain(one) else (one, other)
        return LightQuantity(number * known.value, known.exponents)
    if operation != "truediv":
        return None
    if _plain(other):
        return LightQuantity(one.value / other, one.exponents) if other else None
    exponents = multiplied(NONE, other.exponents, -1)
    if one == 1 and other.scale is not None:
        return light_unit(-other.scale, exponents, (operation, one, other))
    return LightQuantity(one / other.value, exponents) if other.value else None


def _full(value: Any) -> Any:
    """Return what Brian2 has for a value."""
    return value.full if type(value) is LightQuantity else value


def _all_full(value: Any) -> Any:
    """Return the same for what stands in lists and tuples."""
    return type(value)(map(_all_full, value)) if type(value) in (list, tuple) else _full(value)


def _method(name: str, *, exchanged: bool = False) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(operator, name)

    def method(self: LightQuantity, other: Any) -> Any:
        one, another = (other, self) if exchanged else (self, other)
        found = _light(name, one, another)
        return function(_full(one), _full(another)) if found is None else found

    return method


for _name in (*_ARITHMETIC, *_COMPARISONS):
    setattr(LightQuantity, f"__{_name}__", _method(_name))
for _name in _ARITHMETIC:
    setattr(LightQuantity, f"__r{_name}__", _method(_name, exchanged=True))
