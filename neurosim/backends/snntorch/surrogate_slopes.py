"""The derivatives of snnTorch's surrogates as the text of a loop; of any other function, torch is asked."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

#: By the factory's name in `snntorch.surrogate`, from the constants that it was called with.
_SLOPES: dict[str, Callable[[dict[str, Any]], str]] = {
    "atan": lambda given: _atan(float(given["alpha"])),
    "fast_sigmoid": lambda given: _fast_sigmoid(float(given["slope"])),
    "straight_through_estimator": lambda _: "real(1.0)",
}


def slope_text(surrogate: Any) -> str | None:
    """Return a surrogate's derivative by ``distance``, or ``None`` where only the function itself knows it."""
    if getattr(surrogate, "__module__", None) != "snntorch.surrogate":
        return None
    factory = surrogate.__qualname__.partition(".")[0]
    if factory not in _SLOPES or not inspect.isfunction(surrogate):
        return None
    return _SLOPES[factory](dict(inspect.getclosurevars(surrogate).nonlocals))


def _atan(alpha: float) -> str:
    scaled = f"(real({math.pi / 2 * alpha!r}) * distance)"
    return f"real({alpha / 2!r}) / (real(1.0) + {scaled} * {scaled})"


def _fast_sigmoid(slope: float) -> str:
    root = f"(real({slope!r}) * abs(distance) + real(1.0))"
    return f"real(1.0) / ({root} * {root})"
