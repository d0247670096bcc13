"""Values as they are typed: numbers, with a unit where they have one."""

from __future__ import annotations

import difflib
import re
from typing import Any

from neurosim.errors import CircuitError, UnitError

_NUMBER = re.compile(r"(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*\*?\s*(?P<unit>.*)", re.DOTALL)
_FACTOR = re.compile(r"(?P<operator>[*/]?)\s*(?P<name>[A-Za-z]\w*)\s*(?:(?:\*\*|\^)\s*(?P<power>[-+]?\d+))?\s*")

#: Symbols of units that Brian2 spells out, because a variable may have their name; on the command line none does.
SYMBOLS = {"s": "second", "V": "volt", "A": "amp", "S": "siemens", "F": "farad", "m": "metre"}


def parse_value(text: str, where: str) -> Any:
    """Return a typed value.

    Parameters
    ----------
    text
        ``"3"``, ``"0.02"``, ``"10ms"``, ``"-65 mV"``, ``"0.7*nS/mV"``, ``"true"``; anything else stays text.
    where
        What the value is for, for error messages.

    Returns
    -------
    int, float, bool, str or quantity

    Raises
    ------
    UnitError
        If a number is followed by something that is no unit.

    Examples
    --------
    >>> parse_value("12", "n"), parse_value("1e-3", "scale"), parse_value("euler", "scheme")
    (12, 0.001, 'euler')
    >>> parse_value("10ms", "tau_mem")
    10. * msecond
    """
    stripped = text.strip()
    if stripped.lower() in ("true", "false"):
        return stripped.lower() == "true"
    match = _NUMBER.fullmatch(stripped)
    if match is None:
        return stripped
    number = match["number"]
    if not match["unit"]:
        return int(number) if re.fullmatch(r"[-+]?\d+", number) else float(number)
    return float(number) * parse_unit(match["unit"], where)


def parse_unit(text: str, where: str) -> Any:
    """Return the unit that a text names: a product of units and powers of units, such as ``"nS/mV"``.

    Raises
    ------
    UnitError
        If it names none.
    """
    from neurosim import units

    product: Any = 1.0
    position = 0
    while position < len(text):
        match = _FACTOR.match(text, position)
        if match is None or (position == 0 and match["operator"]) or (position > 0 and not match["operator"]):
            raise UnitError(f"{where}: {text!r} is no unit. Write, for instance, ms, mV or nS/mV.")
        name = SYMBOLS.get(match["name"], match["name"])
        if name not in units.unit_names():
            near = difflib.get_close_matches(name, units.unit_names(), n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UnitError(f"{where}: there is no unit {name!r}.{hint}")
        factor = getattr(units, name) ** int(match["power"] or 1)
        product = product / factor if match["operator"] == "/" else product * factor
        position = match.end()
    return product


def parse_time(text: str, where: str) -> Any:
    """Return a typed time as a quantity.

    Raises
    ------
    UnitError
        If it is no time with its unit.
    """
    value = parse_value(text, where)
    if not hasattr(value, "dim"):
        unit = f"; write {text.strip()}ms or {text.strip()}s" if isinstance(value, (int, float)) else ""
        raise UnitError(f"{where} must be a time with its unit, such as 100ms, got {text!r}{unit}.")
    return value


def parse_setting(text: str) -> tuple[str, Any]:
    """Return the address and the value of ``address=value``.

    Raises
    ------
    CircuitError
        If the text is of another form.
    """
    address, equals, value = text.partition("=")
    if not equals or not address.strip() or not value.strip():
        raise CircuitError(f"--set takes ADDRESS=VALUE, such as exc.tau_mem=10ms, got {text!r}.")
    return address.strip(), parse_value(value, f"--set {address.strip()}")
