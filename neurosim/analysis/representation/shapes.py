"""Distances between shapes: what is left after the best rotation, with or without whitening.

Williams et al. (2021), NeurIPS 34:4738.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neurosim.analysis.representation.arrays import (
    Array,
    Number,
    basis,
    centred,
    detached,
    library,
    like,
    matrices,
    scalar,
)
from neurosim.analysis.representation.kernels import Kernel, cka
from neurosim.errors import AnalysisError


def procrustes_distance(x: Any, y: Any) -> Number:
    """Return the Euclidean distance that the best rotation (or reflection) of y leaves to x; a metric.

    Parameters
    ----------
    x, y : array_like, shape (condition, unit)
        Two representations of the same conditions; the one with fewer units is padded with silent ones.
    """
    first, second = (centred(side) for side in matrices(x, y))
    first, second = _padded(first, second)
    return scalar(library(first).linalg.norm(first - second @ _rotation(first, second)))


def angular_distance(x: Any, y: Any, *, alpha: float = 1.0) -> Number:
    """Return the angle in radians between two shapes at the best rotation; a metric.

    Parameters
    ----------
    x, y : array_like, shape (condition, unit)
        Two representations of the same conditions.
    alpha
        1 leaves each side as it is, so that rotations, shifts and scales change nothing; 0 whitens both, so that no
        invertible linear map does; between, partly.
    """
    if not 0 <= alpha <= 1:
        raise AnalysisError(f"alpha lies between 0 (whitened) and 1 (as it is), got {alpha:g}.")
    first, second = _padded(*(_unit(_whitened(centred(side), alpha)) for side in matrices(x, y)))
    # By the chord: the arc cosine of the overlap would lose half of the digits of a small angle.
    chord = library(first).linalg.norm(first - second @ _rotation(first, second))
    return scalar(2 * _arcsin(chord / 2))


def nuclear_cosine(x: Any, y: Any) -> Number:
    """Return the cosine of the angle of `angular_distance` at alpha = 1: the nuclear norm of x'y, normalised."""
    first, second = (_unit(centred(side)) for side in matrices(x, y))
    return scalar(library(first).linalg.svdvals(first.T @ second).sum())


def angular_cka(x: Any, y: Any, *, debiased: bool = False, kernel: Kernel = "linear", bandwidth: float = 1.0) -> Number:
    """Return the arc cosine of `cka`, in radians; plain and linear it is a metric."""
    similarity = cka(x, y, debiased=debiased, kernel=kernel, bandwidth=bandwidth)
    if isinstance(similarity, float):
        return math.acos(min(1.0, max(-1.0, similarity)))
    return library(similarity).arccos(similarity.clip(-1, 1))


def _unit(x: Array) -> Array:
    basis(x)  # refuses what does not vary
    return x / library(x).linalg.norm(x)


def _whitened(x: Array, alpha: float) -> Array:
    if alpha == 1:
        return x
    u, s, vh = basis(x)
    return (u * (alpha * s + (1 - alpha))) @ vh


def _padded(x: Array, y: Array) -> tuple[Array, Array]:
    width = max(x.shape[1], y.shape[1])
    sides = []
    for side in (x, y):
        lacking = width - side.shape[1]
        blank = like(np.zeros((side.shape[0], lacking)), side)
        sides.append(library(side).concatenate([side, blank], 1) if lacking else side)
    return sides[0], sides[1]


def _rotation(x: Array, y: Array) -> Array:
    """Return the rotation of y that brings it closest to x.

    It carries no gradient: at the optimum, a small change of the rotation changes nothing of the distance.
    """
    u, _, vh = library(x).linalg.svd(detached(y).T @ detached(x), full_matrices=False)
    return u @ vh


def _arcsin(value: Array) -> Array:
    return library(value).arcsin(library(value).clip(value, None, 1))
