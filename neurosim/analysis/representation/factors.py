"""Non-negative parts of a tensor: canonical polyadic factors by hierarchical alternating least squares.

Cichocki and Phan (2009), IEICE Trans Fundam E92-A:708. Every step is an exact minimisation, so the error never grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.representation.arrays import finite, numpy_of
from neurosim.errors import AnalysisError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Factors:
    """A sum of components, each an outer product of a vector for each axis.

    Parameters
    ----------
    weights : numpy.ndarray, shape (component,)
        The size of each, largest first; the vectors have length 1.
    modes : tuple of numpy.ndarray, shape (size of the axis, component)
        None of their entries negative.
    errors : numpy.ndarray, shape (iteration,)
        Distance to the tensor, relative to its own length.
    """

    weights: Floats
    modes: tuple[Floats, ...]
    errors: Floats = field(repr=False)

    @property
    def error(self) -> float:
        """The relative error at the end."""
        return float(self.errors[-1])

    def tensor(self) -> Floats:
        """Return the sum of the components."""
        shape = tuple(mode.shape[0] for mode in self.modes)
        first = self.modes[0] * self.weights
        return np.asarray((first @ _product(self.modes[1:]).T).reshape(shape))


def nonnegative_factors(
    tensor: Any, rank: int, *, iterations: int = 500, tolerance: float = 1e-8, restarts: int = 4, seed: int = 0
) -> Factors:
    """Return the non-negative components whose sum is closest to a tensor.

    Parameters
    ----------
    tensor : array_like
        Of two axes or more, nothing negative in it: time x animal x pair of neurons, for instance.
    rank
        How many components. The error by rank has an elbow at the true one.
    iterations, tolerance
        A descent ends after so many, or when the relative error falls by less than this.
    restarts
        How many starting points; the best end counts.
    seed
        Of the starting points.
    """
    values = numpy_of(tensor).astype(np.float64)
    if values.ndim < 2 or not values.size:
        raise AnalysisError(f"a tensor has two axes or more and something in it; got shape {values.shape}.")
    finite(values.reshape(values.shape[0], -1), "tensor")
    if values.min() < 0 or not values.any():
        raise AnalysisError("tensor: nothing may be negative, and not all may be 0.")
    if rank < 1 or iterations < 1 or restarts < 1:
        raise AnalysisError("rank, iterations and restarts must be at least 1.")
    draw = np.random.default_rng(seed)
    ends = [_descend(values, rank, iterations, tolerance, draw) for _ in range(restarts)]
    return min(ends, key=lambda end: end.error)


def factor_match(first: Factors, second: Factors) -> float:
    """Return how alike two sets of components are: 1 if they are equal up to their order.

    The mean, over the pairs of the best assignment, of the products of the cosines on all axes.
    """
    from scipy.optimize import linear_sum_assignment

    if [mode.shape for mode in first.modes] != [mode.shape for mode in second.modes]:
        raise AnalysisError("factor_match: both need the same axes and the same rank.")
    cosines = np.ones((first.weights.size, second.weights.size))
    for one, other in zip(first.modes, second.modes, strict=True):
        cosines *= one.T @ other
    rows, columns = linear_sum_assignment(cosines, maximize=True)
    return float(cosines[rows, columns].mean())


def error_by_rank(tensor: Any, ranks: Sequence[int], **options: Any) -> dict[int, float]:
    """Return the relative error of `nonnegative_factors` for several ranks."""
    return {rank: nonnegative_factors(tensor, rank, **options).error for rank in ranks}


def _descend(values: Floats, rank: int, iterations: int, tolerance: float, draw: np.random.Generator) -> Factors:
    axes = range(values.ndim)
    length = float(np.linalg.norm(values))
    unfolded = [np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1) for axis in axes]
    modes = [draw.random((size, rank)) for size in values.shape]
    start = Factors(np.ones(rank), tuple(modes), np.zeros(1)).tensor()
    # As large as the tensor: the best multiple of a random sum.
    modes[0] *= max(float(np.sum(start * values)) / float(np.sum(start**2)), 1e-300)
    grams = [mode.T @ mode for mode in modes]
    errors: list[float] = []
    for _ in range(iterations):
        for axis in axes:
            others = [modes[other] for other in axes if other != axis]
            wanted = unfolded[axis] @ _product(others)
            shared = np.prod([grams[other] for other in axes if other != axis], axis=0)
            for one in range(rank):
                if shared[one, one] > 0:
                    step = (wanted[:, one] - modes[axis] @ shared[:, one]) / shared[one, one]
                    modes[axis][:, one] = np.maximum(0, modes[axis][:, one] + step)
            grams[axis] = modes[axis].T @ modes[axis]
            _level(modes, grams, axis)
        last = len(modes) - 1
        inside = float(np.sum(modes[last] * (unfolded[last] @ _product(modes[:last]))))
        squares = length**2 - 2 * inside + float(np.prod(grams, axis=0).sum())
        errors.append(float(np.sqrt(max(squares, 0.0))) / length)
        if len(errors) > 1 and errors[-2] - errors[-1] < tolerance:
            break
    return _normalised(modes, errors)


def _level(modes: list[Floats], grams: list[Floats], axis: int) -> None:
    """Give the lengths of an axis' vectors to the next axis, so that none runs away; the sum stays as it is."""
    other = (axis + 1) % len(modes)
    lengths = np.sqrt(np.diag(grams[axis]))
    lengths = np.where(lengths > 0, lengths, 1.0)
    modes[axis] /= lengths
    modes[other] *= lengths
    grams[axis] = modes[axis].T @ modes[axis]
    grams[other] = modes[other].T @ modes[other]


def _normalised(modes: list[Floats], errors: list[float]) -> Factors:
    lengths = [np.linalg.norm(mode, axis=0) for mode in modes]
    weights = np.prod(lengths, axis=0)
    order = np.argsort(-weights)
    unit = tuple((mode / np.where(one > 0, one, 1.0))[:, order] for mode, one in zip(modes, lengths, strict=True))
    return Factors(weights[order], unit, np.array(errors))


def _product(modes: Sequence[Floats]) -> Floats:
    """Return the Khatri-Rao product: the outer products of the columns, the last axis changing fastest."""
    result = modes[0]
    for mode in modes[1:]:
        result = (result[:, np.newaxis] * mode[np.newaxis]).reshape(-1, mode.shape[1])
    return result
