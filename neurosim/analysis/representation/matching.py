"""Units of two systems that do alike: the best partner of each, or pairs of one with one.

Li et al. (2016), ICLR, arXiv:1511.07543.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.products import scatter
from neurosim.analysis.representation.arrays import Array, Number, is_tensor, library, matrices, numpy_of, scalar
from neurosim.errors import AnalysisError


@dataclass(frozen=True, eq=False)
class UnitMatch:
    """Partners of units.

    Parameters
    ----------
    units, partners : numpy.ndarray of int, shape (pair,)
        Columns of x and of y.
    correlations : array, shape (pair,)
        Of each pair, on the conditions that are scored.
    """

    units: NDArray[np.int64]
    partners: NDArray[np.int64]
    correlations: Array

    @property
    def mean(self) -> Number:
        """The mean correlation of the pairs."""
        return scalar(self.correlations.mean())


def unit_correlations(x: Any, y: Any) -> Array:
    """Return the correlation of every unit of x with every unit of y over conditions, shape (n, p).

    A unit that never changes has none with any other: 0.

    Parameters
    ----------
    x, y : array_like, shape (condition, unit)
        Two systems under the same conditions.
    """
    first, second = matrices(x, y)
    if second is first and not is_tensor(first):
        return _own(first)
    # The lengths divide the products, not the columns: these are many more.
    one, lengths = _moved(first)
    other, widths = (one, lengths) if second is first else _moved(second)
    return (one.T @ other) / lengths[:, None] / widths[None, :]


def match_units(
    x: Any, y: Any, *, one_to_one: bool = True, absolute: bool = False, held_out: bool = False, seed: int = 0
) -> UnitMatch:
    """Pair the units of two systems by their correlations.

    Parameters
    ----------
    x, y : array_like, shape (condition, unit)
        Two systems under the same conditions.
    one_to_one
        Each unit has one partner at most, and the sum of the correlations is the largest (the Hungarian method); else
        every unit of x takes its best partner, whoever else did. A large gap between the two says that several units
        share a partner.
    absolute
        A correlation of -1 is as good as one of 1.
    held_out
        Choose partners on one half of the conditions, drawn at random, and score on the other, so that chance scores 0;
        else both on all, where chance is well above it.
    seed
        Of the halves.
    """
    from scipy.optimize import linear_sum_assignment

    first, second = matrices(x, y)
    if held_out:
        if first.shape[0] < 4:
            raise AnalysisError("match_units: held_out needs at least four conditions.")
        order = np.random.default_rng(seed).permutation(first.shape[0])
        chosen, scored = np.array_split(order, 2)
    else:
        chosen = scored = np.arange(first.shape[0])
    found = numpy_of(unit_correlations(first[chosen], second[chosen]))
    value = np.abs(found) if absolute else found
    if one_to_one:
        units, partners = linear_sum_assignment(value, maximize=True)
    else:
        units, partners = np.arange(value.shape[0]), value.argmax(1)
    correlations = (_directions(first[scored])[:, units] * _directions(second[scored])[:, partners]).sum(0)
    return UnitMatch(units, partners, abs(correlations) if absolute else correlations)


def _own(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the correlations of the units of one system with each other."""
    found = scatter(x)
    lengths = np.sqrt(np.diag(found))
    lengths[lengths == 0] = np.inf
    found /= np.multiply.outer(lengths, lengths)
    return found


def _directions(x: Array) -> Array:
    """Return every column without its mean and of length 1, or 0 where it never changes."""
    moved, lengths = _moved(x)
    return moved / lengths[None, :]


def _moved(x: Array) -> tuple[Array, Array]:
    """Return the columns without their means, and their lengths: infinite where a column never changes."""
    xp = library(x)
    mean = x.mean(0)
    moved = x - mean
    squares = xp.einsum("mn,mn->n", moved, moved)
    fixed = squares <= 1e-28 * x.shape[0] * mean * mean
    ones = xp.ones_like(squares)
    return moved, xp.where(fixed, ones * float("inf"), xp.sqrt(xp.where(fixed, ones, squares)))
