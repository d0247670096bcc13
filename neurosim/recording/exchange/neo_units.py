"""Units as Neo has them, in the language of ``quantities``, and as recordings do."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SYMBOLS = {
    "volt": "V", "amp": "A", "siemens": "S", "second": "s", "ohm": "ohm", "hertz": "Hz", "farad": "F", "metre": "m",
    "coulomb": "C", "kilogram": "kg", "kelvin": "K", "mole": "mol", "candle": "cd",
}  # fmt: skip
_NAMES = {symbol: name for name, symbol in _SYMBOLS.items()}
_TEXT = re.compile(rf"(1/)?({'|'.join(_SYMBOLS)}|[\d*/. -])+")


def neo_unit(text: str) -> tuple[str, bool]:
    """Return a unit for ``quantities``, and whether it says what the text did.

    Examples
    --------
    >>> neo_unit("siemens/metre**2"), neo_unit("1"), neo_unit("dF/F")
    (('S/m**2', True), ('dimensionless', True), ('dimensionless', False))
    """
    if text == "1":
        return "dimensionless", True
    if not _TEXT.fullmatch(text):
        return "dimensionless", False
    return re.sub("|".join(sorted(_SYMBOLS, key=len, reverse=True)), lambda name: _SYMBOLS[name[0]], text), True


def in_si(quantity: Any) -> tuple[NDArray[Any], str]:
    """Return the values of a quantity in SI units, and the text of the unit.

    A unit with a name is kept (a volt is no joule per coulomb); what is SI already is not multiplied.
    """
    if quantity.dimensionality.string == "dimensionless":
        return np.asarray(quantity.magnitude), "1"
    for symbol, name in _NAMES.items():
        try:
            same = quantity.units.rescale(symbol)
        except ValueError:
            continue
        factor = float(same.magnitude)
        return np.asarray(quantity.magnitude if factor == 1 else quantity.magnitude * factor), name
    simple = quantity.units.simplified
    text = re.sub("[A-Za-z]+", lambda name: _NAMES.get(name[0], name[0]), simple.dimensionality.string)
    return np.asarray(quantity.magnitude * float(simple.magnitude)), text
