"""The operations that printed programs call: torch's, differentiable, and numpy's twins for the exact mode.

numpy and torch differ in the last bit of exp, log, tanh, pow and sqrt, and torch divides a Python number by a tensor
through a reciprocal. Where bits matter, the exact mode (CPU, float64) calls numpy for what is not a single IEEE
operation; where gradients matter, torch's functions are used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor


def divided(numerator: float, denominator: Tensor) -> Tensor:
    """Return ``number / tensor`` as one division (torch would multiply by the reciprocal)."""
    return torch.full_like(denominator, numerator) / denominator


def as_number(value: Tensor, dtype: torch.dtype) -> Tensor:
    """Return ``int(value)``: 0 or 1 of a condition, the whole part of a number, in the compute dtype."""
    return value.to(dtype) if value.dtype == torch.bool else torch.trunc(value)


def timestep(time: Any, dt: Any) -> Any:
    """Return the step that a time falls in, with Brian2's tolerance of a thousandth of a step."""
    return torch.floor(torch.as_tensor((time + 1e-3 * dt) / dt))


def exprel(x: Tensor) -> Tensor:
    """Return ``(exp(x) - 1)/x``, with its limit and a finite gradient at 0."""
    small = x.abs() < 1e-5
    safe = torch.where(small, torch.ones_like(x), x)
    return torch.where(small, 1 + x / 2 + x * x / 6, torch.expm1(safe) / safe)


def clip(value: Tensor, low: Any, high: Any) -> Tensor:
    """Return the value limited to ``low <= value <= high``; bounds may be tensors."""
    low, high = (
        bound if isinstance(bound, Tensor) else torch.full((), bound, dtype=value.dtype, device=value.device)
        for bound in (low, high)
    )
    return torch.minimum(torch.maximum(value, low), high)


def power(base: Any, exponent: Any) -> Any:
    """Return ``base ** exponent``."""
    return torch.pow(base, exponent)


def floor_divided(numerator: Any, denominator: Any) -> Any:
    """Return ``numerator // denominator``: the floor of the exact quotient, not of the rounded one."""
    return torch.div(_beside(numerator, denominator), denominator, rounding_mode="floor")


def remainder(numerator: Any, denominator: Any) -> Any:
    """Return ``numerator % denominator``, with the sign of the denominator."""
    return torch.remainder(_beside(numerator, denominator), denominator)


def _beside(number: Any, other: Any) -> Any:
    """Return a number as a tensor like the other operand; torch's functions want a tensor first."""
    return number if isinstance(number, Tensor) else torch.full_like(other, number)


#: Functions of the equation language, differentiable.
DIFFERENTIABLE: dict[str, Callable[..., Any]] = {
    "abs": torch.abs, "arccos": torch.acos, "arcsin": torch.asin, "arctan": torch.atan, "ceil": torch.ceil,
    "clip": clip, "cos": torch.cos, "cosh": torch.cosh, "exp": torch.exp, "expm1": torch.expm1, "exprel": exprel,
    "floor": torch.floor, "log": torch.log, "log10": torch.log10, "log1p": torch.log1p, "sign": torch.sign,
    "sin": torch.sin, "sinh": torch.sinh, "sqrt": torch.sqrt, "tan": torch.tan, "tanh": torch.tanh,
    "timestep": timestep, "power": power, "floor_divided": floor_divided, "remainder": remainder,
    "minimum": torch.minimum, "maximum": torch.maximum,
}  # fmt: skip


def _numpy_twin(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def twin(*arguments: Any) -> Any:
        arrays = [argument.numpy() if isinstance(argument, Tensor) else argument for argument in arguments]
        with np.errstate(all="ignore"):
            return torch.from_numpy(np.asarray(function(*arrays)))

    twin.__name__ = twin.__qualname__ = f"numpy_{name}"
    return twin


def _exact_functions() -> dict[str, Callable[..., Any]]:
    from neurosim.circuit.evaluation import FUNCTIONS

    functions = {name: _numpy_twin(name, function) for name, function in FUNCTIONS.items() if name != "int"}
    functions["timestep"] = timestep
    functions["power"] = _numpy_twin("power", np.power)
    functions["floor_divided"] = _numpy_twin("floor_divided", np.floor_divide)
    functions |= {"minimum": torch.minimum, "maximum": torch.maximum}
    functions["remainder"] = _numpy_twin("remainder", np.remainder)
    return functions


#: The same functions computed by numpy, without gradients: bit for bit what Brian2's numpy target computes.
EXACT: dict[str, Callable[..., Any]] = _exact_functions()
