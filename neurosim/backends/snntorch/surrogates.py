"""Surrogates whose slope is 0 beyond an interval about the threshold: only neurons within it pass a gradient on.

Where the slope is 0 nothing need be computed on the way back (Perez-Nieves & Goodman 2021,
https://arxiv.org/abs/2105.08810). Any surrogate may say so: its attribute ``support`` is the interval, (low, high), in
units of its argument. Compiled loops then find the gradients of those spikes alone that feel one, where these are few.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from neurosim.backends.snntorch.scanned import slope_of
from neurosim.backends.snntorch.surrogate_slopes import CompactSlope, slope_text, within
from neurosim.errors import BackendError

#: How far beyond its support a surrogate is looked at, in units of its argument.
_BEYOND = (1e-6, 1e-3, 0.1, 1.0, 10.0, 1e3)


class _Step(torch.autograd.Function):
    """1 above 0, with the slope of a surrogate."""

    @staticmethod
    def forward(ctx: Any, argument: Tensor, slope: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the spikes."""
        ctx.save_for_backward(argument)
        ctx.slope = slope
        return (argument > 0).to(argument.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of the argument."""
        (argument,) = ctx.saved_tensors
        return gradients[0] * ctx.slope(argument), None


class CompactSurrogate(CompactSlope):
    """A surrogate of compact support.

    Parameters
    ----------
    support
        Where its slope may differ from 0, (low, high).
    slope
        Returns the slope at an argument.
    text
        The slope by ``distance`` as the text of a loop; ``None`` where only `slope` knows it.
    """

    def __init__(self, support: tuple[float, float], slope: Callable[[Tensor], Tensor], text: str | None) -> None:
        self.support, self.text, self._slope = support, text, slope

    def __call__(self, argument: Tensor) -> Tensor:
        """Return the spikes, 1 above 0, with the surrogate's gradient."""
        result: Tensor = _Step.apply(argument, self._slope)  # type: ignore[no-untyped-call]
        return result


def triangle(width: float = 1.0, height: float = 1.0) -> CompactSurrogate:
    """Return the surrogate whose slope falls from the threshold to both sides: ``height * max(0, 1 - |x| / width)``.

    Bellec et al. 2018 (https://arxiv.org/abs/1803.09574) use a height of 0.3. snnTorch's ``triangular`` is another
    function, whose slope nowhere becomes 0.

    Parameters
    ----------
    width
        Where the slope becomes 0, on both sides.
    height
        The slope at the threshold.

    Raises
    ------
    BackendError
        If `width` is not a positive number.
    """
    _check_width(width)

    def slope(x: Tensor) -> Tensor:
        return torch.where(x.abs() < width, height * (1.0 - x.abs() / width), 0.0)

    inside = f"abs(distance) < real({float(width)!r})"
    value = f"real({float(height)!r}) * (real(1.0) - abs(distance) / real({float(width)!r}))"
    return CompactSurrogate((-width, width), slope, f"({value} if {inside} else real(0.0))")


def boxcar(width: float = 0.5, height: float = 1.0) -> CompactSurrogate:
    """Return the surrogate whose slope is `height` nearer to the threshold than `width`, and 0 elsewhere.

    It is the straight-through estimator of Hubara et al. 2016 (https://arxiv.org/abs/1602.02830) and the rectangle of
    Wu et al. 2018 (https://doi.org/10.3389/fnins.2018.00331).

    Parameters
    ----------
    width
        How far it reaches, on both sides.
    height
        The slope there.

    Raises
    ------
    BackendError
        If `width` is not a positive number.
    """
    _check_width(width)

    def slope(x: Tensor) -> Tensor:
        return torch.where(x.abs() < width, height * torch.ones_like(x), 0.0)

    text = f"(real({float(height)!r}) if abs(distance) < real({float(width)!r}) else real(0.0))"
    return CompactSurrogate((-width, width), slope, text)


def limited(surrogate: Callable[[Tensor], Tensor], low: float = -math.inf, high: float = math.inf) -> CompactSurrogate:
    """Return a surrogate with its slope set to 0 outside an interval.

    Parameters
    ----------
    surrogate
        One of snnTorch's, or any other function with a gradient.
    low, high
        The interval, in units of the surrogate's argument: the threshold is at 0, the reset at -1 (unless
        ``surrogate_width=`` says otherwise).

    Raises
    ------
    BackendError
        If the interval is empty, or all numbers are in it.
    """
    if not low < high or (low, high) == (-math.inf, math.inf):
        raise BackendError(f"limited(low={low!r}, high={high!r}) must leave an interval, and something outside it.")

    def slope(x: Tensor) -> Tensor:
        return torch.where((x > low) & (x < high), slope_of(surrogate, x), 0.0)

    text = slope_text(surrogate)
    limits = None if text is None else f"({text} if {within(low, high)} else real(0.0))"
    return CompactSurrogate((low, high), slope, limits)


def check_support(surrogate: Any) -> None:
    """Refuse a surrogate whose slope is not 0 where it says so.

    Raises
    ------
    BackendError
        If its ``support`` is no interval, or its slope differs from 0 at some argument outside it.
    """
    support = getattr(surrogate, "support", None)
    if support is None:
        return
    try:
        low, high = (float(bound) for bound in support)
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not low < high:
        raise BackendError(f"The support of {surrogate!r} must be an interval (low, high), got {support!r}.")
    outside = [low, high, *(low - by for by in _BEYOND), *(high + by for by in _BEYOND)]
    points = torch.tensor([point for point in outside if math.isfinite(point)], dtype=torch.float64)
    wrong = points[slope_of(surrogate, points) != 0].tolist()
    if wrong:
        raise BackendError(
            f"The slope of {surrogate!r} is not 0 at {wrong[0]:g}, outside its support ({low:g}, {high:g})."
        )


def _check_width(width: float) -> None:
    if not 0 < width < math.inf:
        raise BackendError(f"width must be a positive number, got {width!r}.")
