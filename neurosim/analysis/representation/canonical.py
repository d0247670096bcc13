"""Canonical correlations and the measures made of them.

SVCCA: Raghu et al. (2017), NeurIPS 30:6076. PWCCA: Morcos et al. (2018), NeurIPS 31:5727.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.analysis.representation.arrays import Array, Number, basis, centred, library, matrices, numpy_of, scalar
from neurosim.errors import AnalysisError


def canonical_correlations(x: Any, y: Any) -> Array:
    """Return the correlations between the directions of x and y that go together best, largest first.

    Invertible linear maps of either side change nothing. Chance is high: with as many units as conditions every one of
    them is 1, whatever the data; compare with a shuffled baseline or `held_out_correlations`.

    Parameters
    ----------
    x, y : array_like, shape (condition, unit)
        Two representations of the same conditions.

    Returns
    -------
    array, shape (min of both ranks,)
    """
    first, second = matrices(x, y)
    return _correlations(basis(centred(first))[0], basis(centred(second))[0])


def cca(x: Any, y: Any, *, squared: bool = False) -> Number:
    """Return the mean canonical correlation, or the mean of their squares."""
    found = canonical_correlations(x, y)
    return scalar((found * found if squared else found).mean())


def svcca(x: Any, y: Any, *, variance: float = 0.99) -> Number:
    """Return the mean canonical correlation of the leading singular directions of each side.

    Parameters
    ----------
    x, y : array_like, shape (condition, unit)
        Two representations of the same conditions.
    variance
        How much of each side's variance the directions that are kept hold: the fewest that reach it.
    """
    if not 0 < variance <= 1:
        raise AnalysisError(f"variance is a part of the whole, above 0 and at most 1; got {variance:g}.")
    kept = []
    for side in matrices(x, y):
        u, s, _ = basis(centred(side))
        held = np.cumsum(numpy_of(s) ** 2)
        kept.append(u[:, : int(np.searchsorted(held, variance * held[-1] * (1 - 1e-12))) + 1])
    return scalar(_correlations(*kept).mean())


def pwcca(x: Any, y: Any) -> Number:
    """Return the canonical correlations' mean, weighted by how much of x each of its directions accounts for.

    Not symmetric: the weights are taken from x.
    """
    first, second = matrices(x, y)
    first = centred(first)
    u = basis(first)[0]
    left, rho, _ = library(first).linalg.svd(u.T @ basis(centred(second))[0], full_matrices=False)
    weights = abs((u @ left[:, : rho.shape[0]]).T @ first).sum(1)
    return scalar((weights * _inside(rho)).sum() / weights.sum())


def held_out_correlations(x: Any, y: Any, *, folds: int = 2, seed: int = 0) -> np.ndarray:
    """Return canonical correlations measured on conditions that were not used to find the directions.

    Parameters
    ----------
    x, y : array_like, shape (condition, unit)
        Two representations of the same conditions, more of them than units.
    folds
        Into how many parts the conditions are split at random.
    seed
        Of the split.

    Returns
    -------
    numpy.ndarray, shape (canonical direction,)
        The mean over folds.
    """
    first, second = (numpy_of(side) for side in matrices(x, y))
    m = first.shape[0]
    if not 2 <= folds <= m // 2:
        raise AnalysisError(f"{m} conditions cannot be split into {folds} parts of two or more.")
    order = np.random.default_rng(seed).permutation(m)
    found = []
    for part in np.array_split(order, folds):
        rest = np.setdiff1d(order, part)
        ways = []
        for side in (first, second):
            u, s, vh = basis(centred(side[rest]))
            ways.append((u, vh.T / s, side[part] - side[rest].mean(0)))
        left, _, right = np.linalg.svd(ways[0][0].T @ ways[1][0], full_matrices=False)
        one, other = ways[0][2] @ ways[0][1] @ left, ways[1][2] @ ways[1][1] @ right.T
        one, other = centred(one), centred(other)
        lengths = np.sqrt((one**2).sum(0) * (other**2).sum(0))
        found.append(np.divide((one * other).sum(0), lengths, out=np.zeros_like(lengths), where=lengths > 0))
    directions = min(map(len, found))
    return np.asarray(np.mean([one[:directions] for one in found], axis=0))


def _correlations(u: Array, v: Array) -> Array:
    return _inside(library(u).linalg.svdvals(u.T @ v))


def _inside(rho: Array) -> Array:
    return library(rho).clip(rho, 0, 1)
