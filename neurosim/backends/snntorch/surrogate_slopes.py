"""Derivatives of surrogates as the text of a loop, and where they are not 0; of any other function, torch is asked."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from neurosim.program.frozen import Frozen

Found = TypeVar("Found")
#: By the factory's name in `snntorch.surrogate`, from the constants that it was called with.
_SLOPES: dict[str, Callable[[dict[str, Any]], str]] = {
    "atan": lambda given: _atan(float(given["alpha"])),
    "fast_sigmoid": lambda given: _fast_sigmoid(float(given["slope"])),
    "heaviside": lambda _: f"(real(1.0) if {within(0.0, math.inf)} else real(0.0))",
    "straight_through_estimator": lambda _: "real(1.0)",
    "SFS": lambda given: (
        f"({_fast_sigmoid(float(given['slope']))} if {within(float(given['B']), math.inf)} else real(0.0))"
    ),
}
#: Between which arguments those are not 0 that are 0 somewhere.
_SUPPORTS: dict[str, Callable[[dict[str, Any]], tuple[float, float]]] = {
    "heaviside": lambda _: (0.0, math.inf),
    "SFS": lambda given: (float(given["B"]), math.inf),
}


class CompactSlope(Frozen):
    """A surrogate that says where its slope is not 0.

    Attributes
    ----------
    support
        The interval, (low, high).
    text
        The slope by ``distance`` as the text of a loop; ``None`` where it is not known.
    """

    support: tuple[float, float]
    text: str | None


def slope_text(surrogate: Any) -> str | None:
    """Return a surrogate's derivative by ``distance``, or ``None`` where only the function itself knows it."""
    if isinstance(surrogate, CompactSlope):
        return surrogate.text
    return _known(surrogate, _SLOPES)


def support_text(surrogate: Any) -> str | None:
    """Return where a surrogate's derivative by ``distance`` is not 0, or ``None`` where nothing is known of that.

    A surrogate says so itself by its attribute ``support``, (low, high); those of snnTorch are known.
    """
    support = getattr(surrogate, "support", None) or _known(surrogate, _SUPPORTS)
    if support is None or not any(map(math.isfinite, support)):
        return None
    return within(*support)


def within(low: float, high: float) -> str:
    """Return the text that tells whether ``distance`` lies in an open interval with one bound at the least."""
    above = [f"distance > real({float(low)!r})"] if math.isfinite(low) else []
    return " and ".join([*above, *([f"distance < real({float(high)!r})"] if math.isfinite(high) else [])])


def _known(surrogate: Any, of_factory: Mapping[str, Callable[[dict[str, Any]], Found]]) -> Found | None:
    if getattr(surrogate, "__module__", None) != "snntorch.surrogate" or not inspect.isfunction(surrogate):
        return None
    factory = surrogate.__qualname__.partition(".")[0]
    if factory not in of_factory:
        return None
    return of_factory[factory](dict(inspect.getclosurevars(surrogate).nonlocals))


def _atan(alpha: float) -> str:
    scaled = f"(real({math.pi / 2 * alpha!r}) * distance)"
    return f"real({alpha / 2!r}) / (real(1.0) + {scaled} * {scaled})"


def _fast_sigmoid(slope: float) -> str:
    root = f"(real({slope!r}) * abs(distance) + real(1.0))"
    return f"real(1.0) / ({root} * {root})"
