"""What the rules of plasticity share: bounds of the weight, how far it may still go, traces of spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.circuit.neuron_model import value_unit
from neurosim.circuit.values import as_value
from neurosim.errors import CircuitError, nearest
from neurosim.models.arguments import checked_arguments
from neurosim.units import DIMENSIONLESS, quantity

AMPLITUDES = ("absolute", "relative")
PAIRINGS = ("all", "nearest")
TRANSMIT = ("before", "after")
_DEPENDENCE = {"additive": 0.0, "multiplicative": 1.0}

Parameters = dict[str, Any]


def chosen(value: str, known: tuple[str, ...], what: str, where: str) -> str:
    """Return one of the named options.

    Raises
    ------
    CircuitError
        If it is none of them.
    """
    if value not in known:
        raise CircuitError(f"{where}: {what}={value!r} is unknown.{nearest(str(value), known)}")
    return value


def bounds(w_min: Any, w_max: Any, where: str) -> tuple[str, Parameters]:
    """Return the unit of the weight and its bounds as parameters; a plain 0 is a bound in any unit."""
    unit = value_unit(w_max)
    if isinstance(w_min, (int, float)) and w_min == 0:
        w_min = quantity(0.0, unit)
    return unit, checked_arguments({"w_min": (w_min, unit), "w_max": (w_max, unit)}, where)


def amplitudes(given: Mapping[str, Any], amplitude: str, unit: str, where: str) -> tuple[str, Parameters]:
    """Return what an amplitude is multiplied by in the equations, and the amplitudes as parameters.

    Raises
    ------
    UnitError
        If an absolute amplitude is not in the unit of the weight, or a relative one is no plain number.
    """
    chosen(amplitude, AMPLITUDES, "amplitude", where)
    expected = unit if amplitude == "absolute" else DIMENSIONLESS
    for name, value in given.items():
        as_value(value, expected, f"{where}: {name} ({amplitude})")
    return ("*w_max" if amplitude == "relative" else ""), dict(given)


def room(dependence: Any, where: str) -> tuple[str, str, Parameters]:
    """Return the factors of potentiation and depression by the weight, and their exponents as parameters.

    Raises
    ------
    CircuitError
        If the dependence is neither named, a number, nor two.
    """
    if isinstance(dependence, str):
        up = down = _DEPENDENCE[chosen(dependence, tuple(_DEPENDENCE), "dependence", where)]
    elif isinstance(dependence, tuple) and len(dependence) == 2:
        up, down = (float(value) for value in dependence)
    elif isinstance(dependence, (int, float)) and not isinstance(dependence, bool):
        up = down = float(dependence)
    else:
        raise CircuitError(
            f"{where}: dependence= is 'additive', 'multiplicative', an exponent, or two (up, down); got {dependence!r}."
        )
    if up < 0 or down < 0:
        raise CircuitError(f"{where}: dependence={dependence!r}: exponents must not be negative.")
    parameters: Parameters = {}
    factors = []
    for name, exponent, distance in (("mu_plus", up, "w_max - w"), ("mu_minus", down, "w - w_min")):
        factor = ""
        if exponent:
            fraction = f"(({distance})/(w_max - w_min))"
            factor = f"*{fraction}"
            if exponent != 1:
                factor = f"*{fraction}**{name}"
                parameters[name] = exponent
        factors.append(factor)
    return factors[0], factors[1], parameters


def count_spike(trace: str, pairing: str) -> str:
    """Return the statement by which a trace takes a spike: all spikes add up, or the nearest alone counts."""
    return f"{trace} += 1" if pairing == "all" else f"{trace} = 1"


def clipped(change: str) -> str:
    """Return the statement that changes the weight within its bounds."""
    return f"w = clip(w {change}, w_min, w_max)"
