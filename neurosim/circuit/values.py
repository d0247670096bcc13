"""What may stand for a number in a circuit: a number, an array, a distribution, or a trainable one of these.

Values are converted to SI once, where they enter (:func:`as_value`); a distribution is drawn when the circuit is
realised, each value from the stream that carries its own address, so that nothing depends on the order of drawing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

import numpy as np

from neurosim.errors import CircuitError, FileFormatError, UnitError, nearest
from neurosim.random import Stream
from neurosim.units import DIMENSIONLESS, is_quantity, quantity, same_unit, to_si, unit_of


@dataclass(frozen=True)
class Distribution(ABC):
    """A random value; parameters given as quantities become SI floats with the unit text beside them."""

    registry: ClassVar[dict[str, type[Distribution]]] = {}

    def __init_subclass__(cls) -> None:
        Distribution.registry[cls.__name__] = cls

    @property
    @abstractmethod
    def unit(self) -> str:
        """Unit text of the values drawn."""

    @abstractmethod
    def draw(self, n: int, stream: Stream, offset: int = 0) -> np.ndarray:
        """Draw the `n` SI values from number `offset` on, a pure function of the stream."""

    @abstractmethod
    def with_unit(self, unit: str, where: str) -> Distribution:
        """Return the distribution checked against a unit."""

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters with the name of the distribution."""
        return {
            "distribution": type(self).__name__,
            **{field.name: getattr(self, field.name) for field in fields(self)},
        }


def _to_floats(distribution: Any, names: tuple[str, ...], title: str) -> None:
    """Replace quantities given as parameters by SI floats, in a frozen dataclass under construction."""
    values = [getattr(distribution, name) for name in names]
    given = {unit_of(value) for value in values if is_quantity(value)}
    unit = distribution.unit_text or (given.pop() if given else DIMENSIONLESS)
    for name, value in zip(names, values, strict=True):
        if value is None:
            continue
        number = value if distribution.unit_text else to_si(value, unit, f"{title}: {name}")
        limit = name in ("low", "high") and title == "Normal"
        if not isinstance(number, (int, float)) or np.isnan(number) or (np.isinf(number) and not limit):
            raise CircuitError(f"{title}: {name} must be one finite number, got {value}.")
        object.__setattr__(distribution, name, float(number))
    object.__setattr__(distribution, "unit_text", unit)


@dataclass(frozen=True)
class Uniform(Distribution):
    """Values equally likely between `low` and `high` (``low <= x < high``).

    Parameters
    ----------
    low, high
        Bounds, quantities of one dimension or plain numbers.
    """

    low: float
    high: float
    unit_text: str = ""

    def __post_init__(self) -> None:
        _to_floats(self, ("low", "high"), "Uniform")
        if self.low > self.high:
            raise CircuitError(f"Uniform: low ({self.low}) is above high ({self.high}); swap them.")

    @property
    def unit(self) -> str:
        """Unit text of the values drawn."""
        return self.unit_text

    def draw(self, n: int, stream: Stream, offset: int = 0) -> np.ndarray:
        """Draw the `n` SI values from number `offset` on, a pure function of the stream."""
        return self.low + (self.high - self.low) * stream.uniform(n, offset)

    def with_unit(self, unit: str, where: str) -> Uniform:
        """Return the distribution checked against a unit."""
        _require_unit(self.unit_text, unit, where, "Uniform")
        return self


@dataclass(frozen=True)
class Normal(Distribution):
    """Normally distributed values, optionally cut to an interval by clipping.

    Parameters
    ----------
    mean, std
        Mean and standard deviation, quantities of one dimension or plain numbers.
    low, high
        Values beyond are set to the bound; ``None`` for none.
    """

    mean: float
    std: float
    low: float | None = None
    high: float | None = None
    unit_text: str = ""

    def __post_init__(self) -> None:
        _to_floats(self, ("mean", "std", "low", "high"), "Normal")
        if self.std < 0:
            raise CircuitError(f"Normal: std must not be negative, got {self.std}.")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise CircuitError(f"Normal: low ({self.low}) is above high ({self.high}); swap them.")

    @property
    def unit(self) -> str:
        """Unit text of the values drawn."""
        return self.unit_text

    def draw(self, n: int, stream: Stream, offset: int = 0) -> np.ndarray:
        """Draw the `n` SI values from number `offset` on, a pure function of the stream."""
        values = self.mean + self.std * stream.normal(n, offset)
        if self.low is None and self.high is None:
            return values
        return np.clip(values, self.low, self.high)

    def with_unit(self, unit: str, where: str) -> Normal:
        """Return the distribution checked against a unit."""
        _require_unit(self.unit_text, unit, where, "Normal")
        return self


def _require_unit(given: str, unit: str, where: str, title: str) -> None:
    if not same_unit(given, unit):
        raise UnitError(f"{where} must be in {unit}, but its {title} distribution is in {given}.")


Sharing = Literal["edge", "neuron", "pre", "post", "all"]


@dataclass(frozen=True, eq=False)
class Trainable:
    """Marks a number of a circuit as trainable.

    Parameters
    ----------
    initial
        Starting value: number, quantity, array or distribution; ``None`` keeps what the circuit holds.
    bounds
        ``(low, high)``, either may be ``None``; held by projection after each optimiser step.
    sign
        +1 or -1: values keep this sign (Dale's law); ``None`` for free.
    per
        What has a value of its own: every ``"edge"`` or ``"neuron"``, one for each ``"pre"`` or ``"post"`` neuron of
        a projection, or one for ``"all"``. ``None`` takes the natural one: per edge in a projection, one for all in
        a population (per neuron where an array or a distribution is given).
    tie
        Name shared by values that are trained as one.
    """

    initial: Any = None
    bounds: tuple[Any, Any] | None = None
    sign: int | None = None
    per: Sharing | None = None
    tie: str | None = None

    def __init__(
        self,
        initial: Any = None,
        *,
        bounds: tuple[Any, Any] | None = None,
        sign: int | None = None,
        per: Sharing | None = None,
        tie: str | None = None,
    ) -> None:
        if sign is not None and (isinstance(sign, bool) or sign not in (1, -1)):
            raise CircuitError(f"Trainable: sign must be +1, -1 or None, got {sign!r}.")
        if per not in (None, "edge", "neuron", "pre", "post", "all"):
            raise CircuitError(f"Trainable: per={per!r} is unknown.{nearest(str(per), Sharing.__args__)}")  # type: ignore[attr-defined]
        pair: Any = bounds
        if pair is not None and (not isinstance(pair, (tuple, list)) or len(pair) != 2):
            raise CircuitError("Trainable: bounds must be a pair (low, high); use None for an open end.")
        if isinstance(initial, Trainable):
            raise CircuitError("Trainable: the initial value is itself a Trainable; write it once.")
        if tie is not None and not isinstance(tie, str):
            raise CircuitError(f"Trainable: tie must be a name, got {tie!r}.")
        object.__setattr__(self, "initial", initial)
        object.__setattr__(self, "bounds", None if pair is None else tuple(pair))
        object.__setattr__(self, "sign", None if sign is None else int(sign))
        object.__setattr__(self, "per", per)
        object.__setattr__(self, "tie", tie)

    def with_initial(self, initial: Any) -> Trainable:
        """Return the same mark on another initial value."""
        return Trainable(initial, bounds=self.bounds, sign=self.sign, per=self.per, tie=self.tie)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Trainable)
            and values_equal(self.initial, other.initial)
            and (self.bounds, self.sign, self.per, self.tie) == (other.bounds, other.sign, other.per, other.tie)
        )

    def __hash__(self) -> int:
        return hash((self.sign, self.per, self.tie))


Value = float | np.ndarray | Distribution | Trainable


def as_value(value: Any, unit: str, where: str) -> Value:
    """Convert what a user gave to a checked SI value.

    Parameters
    ----------
    value
        Number, quantity, array, distribution or :class:`Trainable`.
    unit
        Unit text that is expected.
    where
        Address for error messages.

    Raises
    ------
    UnitError
        If the dimension is wrong.
    CircuitError
        If a number is NaN.
    """
    if isinstance(value, Trainable):
        initial = None if value.initial is None else as_value(value.initial, unit, where)
        bounds = None
        if value.bounds is not None:
            bounds = _checked_bounds(value.bounds, unit, where)
        return Trainable(initial, bounds=bounds, sign=value.sign, per=value.per, tie=value.tie)
    if isinstance(value, Distribution):
        return value.with_unit(unit, where)
    number = to_si(value, unit, where)
    if np.any(np.isnan(number)):
        count = int(np.isnan(number).sum())
        raise CircuitError(f"{where} holds NaN ({count} of {np.size(number)} values); every value must be a number.")
    if isinstance(number, np.ndarray):
        number.flags.writeable = False
    return number


def _checked_bounds(bounds: tuple[Any, Any], unit: str, where: str) -> tuple[float | None, float | None]:
    checked: list[float | None] = []
    for bound in bounds:
        number = None if bound is None else to_si(bound, unit, f"{where}: bound")
        if isinstance(number, np.ndarray) or (number is not None and np.isnan(number)):
            raise CircuitError(f"{where}: a bound must be one number, got {bound}.")
        checked.append(number)
    low, high = checked
    if low is not None and high is not None and low > high:
        raise CircuitError(f"{where}: the lower bound {bounds[0]} is above the upper bound {bounds[1]}.")
    return low, high


def as_given(value: Value, unit: str) -> Any:
    """Return a stored value as a user would write it, with its unit: the inverse of :func:`as_value`."""
    if isinstance(value, Trainable):
        low, high = (None, None) if value.bounds is None else value.bounds
        return Trainable(
            None if value.initial is None else as_given(value.initial, unit),
            bounds=None if value.bounds is None else (_with_unit(low, unit), _with_unit(high, unit)),
            sign=value.sign,
            per=value.per,
            tie=value.tie,
        )
    return value if isinstance(value, Distribution) else _with_unit(value, unit)


def _with_unit(value: float | np.ndarray | None, unit: str) -> Any:
    return None if value is None else quantity(value, unit)


def plain(value: Value) -> float | np.ndarray | Distribution:
    """Return the value below a :class:`Trainable`, or the value itself."""
    return value.initial if isinstance(value, Trainable) else value


def realise(value: Value, n: int, stream: Stream) -> float | np.ndarray:
    """Return the SI number behind a value: a float where all share one, else an array of `n`."""
    inner = plain(value)
    if not isinstance(inner, Distribution):
        return inner
    if isinstance(value, Trainable) and value.per == "all":
        return float(inner.draw(1, stream)[0])
    return inner.draw(n, stream)


def values_equal(first: Any, second: Any) -> bool:
    """Compare two values by content."""
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        return (
            isinstance(first, np.ndarray)
            and isinstance(second, np.ndarray)
            and first.shape == second.shape
            and bool(np.array_equal(first, second))
        )
    return type(first) is type(second) and first == second


def value_to_dict(value: Value | str, arrays: dict[str, np.ndarray], key: str) -> Any:
    """Return a JSON form of a value; arrays go to `arrays` under `key`."""
    if isinstance(value, Trainable):
        inner = None if value.initial is None else value_to_dict(value.initial, arrays, key)
        return {
            "trainable": inner,
            "bounds": list(value.bounds) if value.bounds is not None else None,
            "sign": value.sign,
            "per": value.per,
            "tie": value.tie,
        }
    if isinstance(value, Distribution):
        return value.to_dict()
    if isinstance(value, np.ndarray):
        arrays[key] = value
        return {"array": key}
    return value


def value_from_dict(data: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Read what :func:`value_to_dict` wrote.

    Raises
    ------
    FileFormatError
        If the form is unknown or an array is missing.
    """
    if not isinstance(data, dict):
        return data
    if "trainable" in data:
        inner = value_from_dict(data["trainable"], arrays)
        bounds = tuple(data["bounds"]) if data["bounds"] is not None else None
        return Trainable(inner, bounds=bounds, sign=data["sign"], per=data["per"], tie=data["tie"])
    if "array" in data:
        if data["array"] not in arrays:
            raise FileFormatError(f"the array {data['array']!r} is missing from the file of arrays.")
        array = np.array(arrays[data["array"]])
        array.flags.writeable = False
        return array
    if "distribution" in data:
        name = data["distribution"]
        if name not in Distribution.registry:
            raise FileFormatError(f"unknown distribution {name!r}.{nearest(name, Distribution.registry)}")
        return Distribution.registry[name](**{k: v for k, v in data.items() if k != "distribution"})
    raise FileFormatError(f"cannot read the value {data!r}.")
