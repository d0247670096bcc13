"""The derivatives of snnTorch's surrogates as the text of a loop; of any other function, torch is asked."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

#: By the factory's name in `snntorch.surrogate`, from the constants that it was called with.
_SLOPES: dict[str, Callable[[dict[str, Any]], str]] = {
    "atan": lambda given: _atan(float(given["alpha"])),
    "fast_sigmoid": lambda given: _fast_sigmoid(float(given["slope"])),
    "straight_through_estimator": lambda _: "real(1.0)",
    "SFS": lambda given: f"({_fast_sigmoid(float(given['slope']))} if {_beyond(float(given['B']))} else real(0.0))",
}
#: Where those are not 0 that are 0 somewhere.
_SUPPORTS: dict[str, Callable[[dict[str, Any]], str]] = {"SFS": lambda given: _beyond(float(given["B"]))}


def slope_text(surrogate: Any) -> str | None:
    """Return a surrogate's derivative by ``distance``, or ``None`` where only the function itself knows it."""
    return _printed(surrogate, _SLOPES)


def support_text(surrogate: Any) -> str | None:
    """Return where a surrogate's derivative by ``distance`` is not 0, or ``None`` where nothing is known of that."""
    return _printed(surrogate, _SUPPORTS)


def _printed(surrogate: Any, texts: Mapping[str, Callable[[dict[str, Any]], str]]) -> str | None:
    if getattr(surrogate, "__module__", None) != "snntorch.surrogate":
        return None
    factory = surrogate.__qualname__.partition(".")[0]
    if factory not in texts or not inspect.isfunction(surrogate):
        return None
    return texts[factory](dict(inspect.getclosurevars(surrogate).nonlocals))


def _beyond(bound: float) -> str:
    return f"distance > real({bound!r})"


def _atan(alpha: float) -> str:
    scaled = f"(real({math.pi / 2 * alpha!r}) * distance)"
    return f"real({alpha / 2!r}) / (real(1.0) + {scaled} * {scaled})"


def _fast_sigmoid(slope: float) -> str:
    root = f"(real({slope!r}) * abs(distance) + real(1.0))"
    return f"real(1.0) / ({root} * {root})"
