"""Dissimilarities between geometry and topology: what lies beyond a near and a far limit says no more.

Lin and Kriegeskorte (2023), arXiv:2309.11028.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.representation.arrays import numpy_of, pair_indices
from neurosim.analysis.representation.comparison import ranks
from neurosim.analysis.representation.dissimilarity import rdm_vectors, symmetric
from neurosim.errors import AnalysisError


def geotopological(rdm: Any, lower: float = 0.2, upper: float = 0.8, *, ranked: bool = True) -> NDArray[np.float64]:
    """Return dissimilarities that are 0 below a quantile, 1 above another, and linear between them.

    Parameters
    ----------
    rdm : array_like, shape (pair,) or (rdm, pair)
        Dissimilarities, each row by itself; it is not changed.
    lower, upper
        The quantiles. 0 and 1 keep the geometry; equal ones leave who is near whom.
    ranked
        Take the ranks, scaled to [0, 1], in place of the dissimilarities; any rising function of those then gives the
        same.

    Returns
    -------
    numpy.ndarray
        Of the same shape.
    """
    if not 0 <= lower <= upper <= 1:
        raise AnalysisError(f"quantiles lie in [0, 1], the lower one first; got {lower:g} and {upper:g}.")
    values = _rows(rdm, ranked)
    low, high = (np.quantile(values, edge, axis=1, keepdims=True) for edge in (lower, upper))
    width = high - low
    inside = np.divide(values - low, width, out=(values > high).astype(np.float64), where=width > 0)
    return np.asarray(np.clip(inside, 0, 1).reshape(np.shape(rdm)))


def sigmoid_transform(rdm: Any, *, steepness: float = 10.0, middle: float = 0.5) -> NDArray[np.float64]:
    """Return a smooth form of `geotopological`: the logistic function of the ranks, scaled to [0, 1].

    Parameters
    ----------
    rdm : array_like, shape (pair,) or (rdm, pair)
        Dissimilarities.
    steepness, middle
        Of ``1 / (1 + exp(-steepness (rank - middle)))``.
    """
    return np.asarray(1 / (1 + np.exp(-steepness * (_rows(rdm, True) - middle)))).reshape(np.shape(rdm))


def geodesic(rdm: Any, quantile: float = 1.0, *, ranked: bool = False) -> NDArray[np.float64]:
    """Return the lengths of the shortest paths between conditions when the longest steps are forbidden.

    Parameters
    ----------
    rdm : array_like, shape (pair,) or (rdm, pair)
        Dissimilarities, each row by itself, scaled to [0, 1] first; it is not changed. The smallest becomes 0, and two
        conditions at 0 are joined, not parted.
    quantile
        Steps above this quantile are forbidden; at 1 only the longest.
    ranked
        Scale the ranks in place of the dissimilarities.

    Returns
    -------
    numpy.ndarray
        Of the same shape.

    Raises
    ------
    AnalysisError
        If the steps that are left do not reach every condition.
    """
    if not 0 < quantile <= 1:
        raise AnalysisError(f"quantile must be above 0 and at most 1, got {quantile:g}.")
    values = _rows(rdm, ranked)
    paths = np.empty_like(values)
    for number, row in enumerate(values):
        limit = np.quantile(row, quantile)
        kept = row < limit if quantile == 1 else row <= limit
        lengths = symmetric(np.where(kept, row, np.inf))
        for through in range(lengths.shape[0]):
            np.minimum(lengths, lengths[:, through, None] + lengths[None, through], out=lengths)
        paths[number] = lengths[pair_indices(lengths.shape[0])]
    if not np.isfinite(paths).all():
        raise AnalysisError("geodesic: without the longest steps some conditions cannot be reached; raise quantile=.")
    return paths.reshape(np.shape(rdm))


def _rows(rdm: Any, ranked: bool) -> NDArray[np.float64]:
    """Return a copy with every row scaled to [0, 1]."""
    values = numpy_of(rdm_vectors(rdm, "rdm")).astype(np.float64)
    if ranked:
        values = np.asarray(ranks(values))
    low, high = values.min(1, keepdims=True), values.max(1, keepdims=True)
    if not bool((high > low).all()):
        raise AnalysisError("the dissimilarities of an RDM are all the same; they have no geometry.")
    return np.asarray((values - low) / (high - low))
