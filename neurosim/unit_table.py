"""The units of Brian2 by name, as numbers and exponents: a circuit can be described without loading Brian2.

Tests hold every entry, and what is computed from them, against Brian2 itself. What is not found here is asked of Brian2
(:mod:`neurosim.units`), which has the last word and the better messages.
"""

from __future__ import annotations

import ast
from functools import cache

#: Exponents of metre, kilogram, second, amp, kelvin, mole and candle.
Dimension = tuple[float, ...]
NONE: Dimension = (0.0,) * 7

_PREFIXES = {
    "": 0, "y": -24, "z": -21, "a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12,
    "P": 15, "E": 18, "Z": 21, "Y": 24,
}  # fmt: skip
_SMALL_STEPS = {"c": -2, "d": -1, "da": 1, "h": 2}
#: Exponents of each unit that has a name; of several with the same, that by which neurosim calls them comes first.
_EXPONENTS: dict[str, tuple[int, ...]] = {
    "metre": (1, 0, 0, 0, 0, 0, 0), "meter": (1, 0, 0, 0, 0, 0, 0), "second": (0, 0, 1, 0, 0, 0, 0),
    "amp": (0, 0, 0, 1, 0, 0, 0), "ampere": (0, 0, 0, 1, 0, 0, 0), "kelvin": (0, 0, 0, 0, 1, 0, 0),
    "mole": (0, 0, 0, 0, 0, 1, 0), "mol": (0, 0, 0, 0, 0, 1, 0), "candle": (0, 0, 0, 0, 0, 0, 1),
    "radian": (0, 0, 0, 0, 0, 0, 0), "steradian": (0, 0, 0, 0, 0, 0, 0), "hertz": (0, 0, -1, 0, 0, 0, 0),
    "newton": (1, 1, -2, 0, 0, 0, 0), "pascal": (-1, 1, -2, 0, 0, 0, 0), "joule": (2, 1, -2, 0, 0, 0, 0),
    "watt": (2, 1, -3, 0, 0, 0, 0), "coulomb": (0, 0, 1, 1, 0, 0, 0), "volt": (2, 1, -3, -1, 0, 0, 0),
    "farad": (-2, -1, 4, 2, 0, 0, 0), "ohm": (2, 1, -3, -2, 0, 0, 0), "siemens": (-2, -1, 3, 2, 0, 0, 0),
    "weber": (2, 1, -2, -1, 0, 0, 0), "tesla": (0, 1, -2, -1, 0, 0, 0), "henry": (2, 1, -2, -2, 0, 0, 0),
    "lumen": (0, 0, 0, 0, 0, 0, 1), "lux": (-2, 0, 0, 0, 0, 0, 1), "becquerel": (0, 0, -1, 0, 0, 0, 0),
    "gray": (2, 0, -2, 0, 0, 0, 0), "sievert": (2, 0, -2, 0, 0, 0, 0), "katal": (0, 0, -1, 0, 0, 1, 0),
    "gram": (0, 1, 0, 0, 0, 0, 0), "gramme": (0, 1, 0, 0, 0, 0, 0), "molar": (-3, 0, 0, 0, 0, 1, 0),
}  # fmt: skip
#: Powers of ten in SI of a unit without prefix.
_OWN_SCALE = {"gram": -3, "gramme": -3, "molar": 3}
_SHORT = {
    "volt": "mV", "amp": "mA uA nA pA", "farad": "uF nF pF", "siemens": "uS nS", "hertz": "Hz kHz MHz",
    "molar": "mM uM nM", "second": "ms us",
}  # fmt: skip


@cache
def units() -> dict[str, tuple[int, Dimension]]:
    """Return the power of ten in SI and the dimension of every unit, by name: ``"mV"``, ``"cm2"``, ..."""
    found: dict[str, tuple[int, Dimension]] = {}

    def add(name: str, scale: int, exponents: tuple[int, ...], powers: tuple[int, ...] = (1, 2, 3)) -> None:
        for power in powers:
            dimension = tuple(float(power * exponent) for exponent in exponents)
            found[name if power == 1 else f"{name}{power}"] = scale * power, dimension

    for base, exponents in _EXPONENTS.items():
        own = _OWN_SCALE.get(base, 0)
        for prefix, scale in _PREFIXES.items() if base != "kelvin" else [("", 0)]:
            add(prefix + base, own + scale, exponents)
    mass, length = _EXPONENTS["gram"], _EXPONENTS["metre"]
    for name in ("kilogram", "kilogramme"):
        add(name, 0, mass)
    for name, scale in (("cm", -2), ("mm", -3), ("um", -6)):
        add(name, scale, length)
    volume = tuple(3 * exponent for exponent in length)
    for prefix, scale in {**_PREFIXES, **_SMALL_STEPS}.items():
        for name in ("liter", "litre"):
            add(prefix + name, scale - 3, volume, (1,))
    for base, names in _SHORT.items():
        for name in names.split():
            prefix = "" if name == "Hz" else name[0]
            add(name, _OWN_SCALE.get(base, 0) + _PREFIXES[prefix], _EXPONENTS[base], (1,))
    return found


@cache
def names_of_dimensions() -> dict[Dimension, str]:
    """Return the text of each dimension that has a unit of its own."""
    found = {NONE: "1"}
    for name, exponents in _EXPONENTS.items():
        text = {"gram": "kilogram", "molar": "mmolar"}.get(name, name)
        found.setdefault(tuple(map(float, exponents)), text)
    return found


@cache
def _readable() -> dict[str, Dimension]:
    """Return what Brian2 takes for the text of a unit: unscaled ones, without their powers."""
    return {
        name: dimension
        for name, (scale, dimension) in units().items()
        if scale == 0 and name[-1] not in "23"
    }  # fmt: skip


def dimension_by_table(tree: ast.expr) -> Dimension | None:
    """Return the dimension of the tree of a unit's text, ``None`` where this is not certain."""
    if isinstance(tree, ast.Name):
        return _readable().get(tree.id)
    if isinstance(tree, ast.Constant):
        return NONE if tree.value == 1 else None
    found = _of_operation(tree) if isinstance(tree, ast.BinOp) else None
    return None if found == NONE else found


def _of_operation(tree: ast.BinOp) -> Dimension | None:
    left = dimension_by_table(tree.left)
    if left is None:
        return None
    # Brian2 takes 1/second for a unit, but 1*second for a quantity.
    over_one = isinstance(tree.left, ast.Constant) and isinstance(tree.op, ast.Div)
    if isinstance(tree.right, ast.Constant if not isinstance(tree.op, ast.Pow) else ()) or (
        isinstance(tree.left, ast.Constant) and not over_one
    ):
        return None
    if isinstance(tree.op, ast.Pow):
        exponent = plain_number(tree.right)
        return raised(left, exponent) if exponent else None
    right = dimension_by_table(tree.right)
    if right is None or not isinstance(tree.op, (ast.Mult, ast.Div)):
        return None
    return multiplied(left, right, 1 if isinstance(tree.op, ast.Mult) else -1)


def plain_number(tree: ast.expr) -> float | None:
    """Return the number that a tree is, with its sign."""
    sign = 1.0
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        sign, tree = -1.0, tree.operand
    if isinstance(tree, ast.Constant) and type(tree.value) in (int, float):
        return sign * float(tree.value)  # type: ignore[arg-type]
    return None


def multiplied(left: Dimension, right: Dimension, power: int) -> Dimension:
    """Return the dimension of ``left * right**power``."""
    return tuple(one + power * other for one, other in zip(left, right, strict=True))


def raised(dimension: Dimension, exponent: float) -> Dimension:
    """Return a dimension to a power."""
    return tuple(exponent * one + 0.0 for one in dimension)
