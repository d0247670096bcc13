"""Representations told by their similarity with shared anchors, in which systems can be compared without alignment.

Moschella et al. (2023), ICLR, arXiv:2209.15430.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.analysis.representation.arrays import Array, library, like, matrix, numpy_of
from neurosim.errors import AnalysisError


def relative_representation(x: Any, anchors: Any, *, centre: bool = True) -> Array:
    """Return the cosine of every condition's pattern with those of the anchors.

    Rotations and scales of x (with its anchors) change nothing; shifts do, so the anchors' mean is subtracted first.

    Parameters
    ----------
    x : array_like, shape (condition, unit)
        The patterns.
    anchors : array_like
        Which conditions are anchors, as whole numbers; or their patterns, shape (anchor, unit).
    centre
        Subtract the mean of the anchors from all.

    Returns
    -------
    array, shape (condition, anchor)
    """
    values = matrix(x, least_rows=1)
    given = anchors if hasattr(anchors, "requires_grad") else np.asarray(anchors)
    if given.ndim == 1:
        numbers = numpy_of(given)
        if not numbers.size or numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= values.shape[0]:
            raise AnalysisError(f"anchors: numbers of conditions from 0 to {values.shape[0] - 1}, got {anchors!r}.")
        points = values[numbers]
    else:
        points = like(matrix(given, "anchors", least_rows=1), values) if given is not values else values
        if points.shape[1] != values.shape[1]:
            raise AnalysisError(f"anchors have {points.shape[1]} units, x has {values.shape[1]}.")
    if centre:
        middle = points.mean(0)
        values, points = values - middle, points - middle
    ways = _directions(points, "an anchor")
    return _directions(values, "a condition") @ ways.T


def _directions(rows: Array, what: str) -> Array:
    lengths = library(rows).sqrt((rows * rows).sum(1))
    if not bool((lengths > 0).all()):
        hint = " (a single anchor cannot be centred: centre=False)" if rows.shape[0] == 1 else ""
        raise AnalysisError(f"{what} has a pattern of zeros, and so no direction{hint}.")
    return rows / lengths[:, None]
