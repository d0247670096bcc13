"""Weights on a grid of powers of two: then every order of adding them up gives the same sum, to the last bit."""

from __future__ import annotations

import math

import numpy as np

from neurosim.circuit.realised_edges import edge_blocks
from neurosim.errors import CircuitError

#: Grid points between 0 and the scale, as a power of two: 1024.
BITS = 10


def grid_of(weight: float | np.ndarray) -> float:
    """Return the spacing of the grid: 2**-10 of the smallest power of two that no weight exceeds; 0 for no weights.

    Sums of fewer than 2**43 times the scale are exact in float64, of fewer than 2**14 times in float32.

    Raises
    ------
    CircuitError
        If a weight is not finite.
    """
    largest = float(np.maximum(np.max(weight, initial=0.0), -np.min(weight, initial=0.0)))  # NaN stays NaN
    if not math.isfinite(largest):
        raise CircuitError(f"dyadic=True needs finite weights, got {largest}.")
    if not largest:
        return 0.0
    mantissa, exponent = math.frexp(largest)
    return math.ldexp(1.0, exponent - (mantissa == 0.5) - BITS)


def on_grid(weight: float | np.ndarray) -> float | np.ndarray:
    """Return the weights rounded to the nearest points of their grid; a second time changes nothing."""
    spacing = grid_of(weight)
    if not spacing:
        return weight
    if not isinstance(weight, np.ndarray):
        return float(np.rint(weight / spacing) * spacing)
    rounded = np.empty(weight.shape)
    given, result = weight.reshape(-1), rounded.reshape(-1)
    for part in edge_blocks(weight.size):
        result[part] = np.rint(given[part] / spacing) * spacing
    return rounded
