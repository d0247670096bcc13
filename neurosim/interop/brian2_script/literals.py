"""Values, names and texts as they stand in Python source: whatever they hold, they stay values.

Every text of a circuit enters a script through :func:`quoted`, :func:`block` or :func:`comment`, so that none becomes
code.
"""

from __future__ import annotations

import ast
import math
import re
from functools import lru_cache

import numpy as np

from neurosim.units import DIMENSIONLESS

#: Units tried for a value, the unscaled one first; the first with the shortest number is taken.
_SCALED = {
    "second": ("second", "ms", "us"),
    "volt": ("volt", "mV", "uvolt"),
    "amp": ("amp", "mA", "uA", "nA", "pA"),
    "siemens": ("siemens", "mS", "uS", "nS", "psiemens"),
    "ohm": ("ohm", "kohm", "Mohm", "Gohm"),
    "farad": ("farad", "uF", "nF", "pF"),
    "hertz": ("Hz", "kHz"),
}
_PLAIN = re.compile(r"[ -!#-\[\]-~]*\Z")  # printable ASCII but quotes and backslashes
_LONGEST_COMMENT = 110


def number(value: float) -> str:
    """Return a number as source that gives the same bits."""
    value = float(value)
    if not math.isfinite(value):
        return f'float("{value}")'
    text = repr(value)
    return text.removesuffix(".0") if abs(value) < 1e6 and (value or math.copysign(1, value) > 0) else text


def quoted(text: str) -> str:
    """Return a text as one literal on one line."""
    return f'"{text}"' if _PLAIN.match(text) else ascii(text)


def block(text: str, indent: str) -> str:
    """Return a text as a literal, over several lines where it has several; Brian2 takes off the indentation."""
    lines = text.splitlines()
    if len(lines) < 2 or not all(_PLAIN.match(line) for line in lines):
        return quoted(text)
    return "\n".join(['"""', *(f"{indent}    {line}" for line in lines), f'{indent}"""'])


def comment(text: str) -> str:
    """Return a text as one line of comment."""
    shown = ascii(text)[1:-1]
    return f"# {shown if len(shown) <= _LONGEST_COMMENT else shown[: _LONGEST_COMMENT - 3] + '...'}"


def unit(text: str) -> str:
    """Return a unit text, such as ``"siemens/metre**2"``, as source; ``""`` for none."""
    if text == DIMENSIONLESS:
        return ""
    tree = ast.parse(text, mode="eval").body
    names = sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)})
    found = ast.unparse(tree)
    for name in names:
        found = re.sub(rf"\b{name}\b", _where(name), found)
    return found if isinstance(tree, ast.Name) else f"({found})"


@lru_cache(maxsize=256)
def _where(name: str) -> str:
    """Return where Brian2 keeps a unit: not all are offered at its top."""
    import brian2

    return f"b2.{name}" if hasattr(brian2, name) else f"b2.units.allunits.{name}"


def quantity(value: float, text: str) -> str:
    """Return an SI value and its unit as source that gives the same bits, in the unit that makes it short.

    Examples
    --------
    >>> quantity(0.02, "second"), quantity(-0.0601, "volt"), quantity(1e-9, "siemens"), quantity(3.0, "1")
    ('20 * b2.ms', '-60.1 * b2.mV', '1 * b2.nS', '3')
    """
    if text == DIMENSIONLESS:
        return number(value)
    if not math.isfinite(value) or value == 0 or text not in _SCALED:
        return f"{number(value)} * {unit(text)}"
    import brian2

    found = []
    for name in _SCALED[text]:
        scale = float(getattr(brian2, name))
        given = float(f"{value / scale:.15g}")
        if given * scale == value:
            found.append(f"{number(given)} * b2.{name}")
    found.sort(key=len)
    return found[0] if found else f"{number(value)} * {unit(text)}"


def same(values: np.ndarray) -> float | None:
    """Return the value that all share, or None."""
    flat = np.ravel(values)
    return float(flat[0]) if flat.size and np.all(flat == flat[0]) else None
