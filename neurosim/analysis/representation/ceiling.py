"""How well any model could do: noise ceilings over subjects, and the reliability of repeated measurements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.representation.arrays import finite, numpy_of
from neurosim.analysis.representation.comparison import (
    Method,
    centred_for,
    check_method,
    compare_rdms,
    grams_of,
    prepared,
    ranks,
)
from neurosim.analysis.representation.dissimilarity import rdm_vectors
from neurosim.errors import AnalysisError


@dataclass(frozen=True)
class Ceiling:
    """Between `lower` and `upper` lies the best that a model could do with these subjects."""

    lower: float
    upper: float


def noise_ceiling(rdms: Any, method: Method = "cosine") -> Ceiling:
    """Return the noise ceiling of the dissimilarities of several subjects (Nili et al. 2014).

    Parameters
    ----------
    rdms : array_like, shape (subject, pair)
        One row of dissimilarities for each subject.
    method
        The comparison (see `compare_rdms`).

    Returns
    -------
    Ceiling
        Upper: the mean similarity of each subject with the mean of all, which no model exceeds (of ``"tau_a"`` and
        ``"bures"`` that mean is close to the best, but not proven to be it). Lower: with the mean of the others. The
        mean is that which the method asks for: of standardised values, of ranks, of unit vectors.
    """
    values = numpy_of(rdm_vectors(rdms, "rdms")).astype(np.float64)
    check_method(method)
    subjects = values.shape[0]
    if subjects < 2:
        raise AnalysisError("a noise ceiling needs at least two subjects.")
    pooled = _poolable(values, method)
    total = pooled.sum(0)
    upper = [_similarity(total / subjects, one, method) for one in values]
    others = [(total - own) / (subjects - 1) for own in pooled]
    lower = [_similarity(other, one, method) for other, one in zip(others, values, strict=True)]
    return Ceiling(float(np.mean(lower)), float(np.mean(upper)))


def mean_rdm(rdms: Any, method: Method = "cosine") -> NDArray[np.float64]:
    """Return the mean dissimilarities over subjects that fit all of them best by this method.

    Parameters
    ----------
    rdms : array_like, shape (subject, pair)
        One row of dissimilarities for each subject.
    method
        The comparison (see `compare_rdms`).
    """
    check_method(method)
    return np.asarray(_poolable(numpy_of(rdm_vectors(rdms, "rdms")).astype(np.float64), method).mean(0))


def split_half_reliability(
    repeats: Any, *, splits: int = 100, seed: int = 0, corrected: bool = True
) -> NDArray[np.float64]:
    """Return how well one half of the repeats predicts the other half, for each unit.

    Parameters
    ----------
    repeats : array_like, shape (repeat, condition, unit)
        Responses to the same conditions.
    splits
        How many random splits into halves are averaged.
    seed
        Of the splits.
    corrected
        Step up to the reliability of the mean of all repeats, ``2 r / (1 + r)`` (Spearman-Brown).

    Returns
    -------
    numpy.ndarray, shape (unit,)
        Correlations over conditions; NaN of a unit that is the same in all conditions in a half.
    """
    values = numpy_of(repeats).astype(np.float64)
    if values.ndim != 3 or values.shape[0] < 2 or values.shape[1] < 3:
        raise AnalysisError(
            f"repeats has the shape (repeat, condition, unit) with two repeats and three conditions at least; got "
            f"{values.shape}."
        )
    finite(values.reshape(values.shape[0], -1), "repeats")
    if splits < 1:
        raise AnalysisError(f"splits must be at least 1, got {splits}.")
    draw = np.random.default_rng(seed)
    found = np.zeros((splits, values.shape[2]))
    for number in range(splits):
        order = draw.permutation(values.shape[0])
        half = values.shape[0] // 2
        one, other = (values[part].mean(0) for part in (order[:half], order[half : 2 * half]))
        one, other = one - one.mean(0), other - other.mean(0)
        lengths = np.sqrt((one**2).sum(0) * (other**2).sum(0))
        found[number] = np.divide((one * other).sum(0), lengths, out=np.full_like(lengths, np.nan), where=lengths > 0)
    r = found.mean(0)
    return np.asarray(2 * r / (1 + r) if corrected else r)


def _poolable(values: NDArray[np.float64], method: Method) -> NDArray[np.float64]:
    """Return dissimilarities scaled such that their mean is the best fit to all rows."""
    if method in ("spearman", "rho_a", "tau_a"):
        return np.asarray(ranks(values))
    if method in ("pearson", "cosine"):
        return np.asarray(prepared(values, method))
    if method == "bures":
        lengths = [np.trace(grams_of(row)) for row in values]
    else:
        if method == "whitened_correlation":
            values = values - values.mean(1, keepdims=True)
        lengths = list(np.linalg.norm(centred_for(values, method), axis=1))
    if not min(lengths) > 0:
        raise AnalysisError(f"the dissimilarities of a subject do not vary; they have no {method} with others.")
    return np.asarray(values / np.array(lengths)[:, np.newaxis])


def _similarity(a: NDArray[np.float64], b: NDArray[np.float64], method: Method) -> float:
    return float(compare_rdms(a, b, method))
