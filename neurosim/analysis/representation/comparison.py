"""How alike two representational dissimilarity matrices are.

Nili et al. (2014), PLoS Comput Biol 10:e1003553; rho-a and whitened measures: Schütt et al. (2023), eLife 12:e82566;
Diedrichsen et al. (2021), Neurons, Behavior, Data analysis, and Theory 5(3).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from neurosim.analysis.representation.arrays import Array, alike, is_tensor, library, like, numpy_of
from neurosim.analysis.representation.dissimilarity import rdm, rdm_vectors, symmetric
from neurosim.analysis.representation.ordering import mean_ranks, tau_a
from neurosim.errors import AnalysisError, nearest

Method = Literal["pearson", "spearman", "tau_a", "rho_a", "cosine", "whitened_cosine", "whitened_correlation", "bures"]
METHODS = ("pearson", "spearman", "tau_a", "rho_a", "cosine", "whitened_cosine", "whitened_correlation", "bures")


def compare_rdms(a: Any, b: Any, method: Method = "cosine") -> Array:
    """Return the similarity of dissimilarity matrices.

    Parameters
    ----------
    a, b : array_like, shape (pair,) or (rdm, pair)
        Dissimilarities as `rdm` returns them.
    method
        ``"pearson"``, ``"spearman"``, ``"cosine"``; ``"tau_a"`` (Kendall's tau-a) and ``"rho_a"`` (Spearman's rho as
        expected if ties are broken at random), which do not favour models that predict ties
        (what differs by no more than rounding is a tie); ``"whitened_cosine"`` and
        ``"whitened_correlation"``, which allow for the dependence of dissimilarities that share a condition (the first,
        of squared Euclidean distances, is linear centred kernel alignment); ``"bures"``, the cosine of the Bures angle
        of the centred Gram matrices. Those of ranks carry no gradient.

    Returns
    -------
    float, tensor or array
        One number for two vectors; else shape (rdms of a, rdms of b), without the axis of a side that is a vector.
    """
    check_method(method)
    first, second = alike(rdm_vectors(a, "a"), rdm_vectors(b, "b"))
    if first.shape[1] != second.shape[1]:
        raise AnalysisError(
            f"a has {first.shape[1]} pairs of conditions and b {second.shape[1]}; they must be the same."
        )
    if method == "tau_a":
        found = like(tau_a(numpy_of(first), numpy_of(second)), first)
    elif method == "bures":
        stack = library(first).stack
        found = stack([stack([bures_similarity(one, other) for other in second]) for one in first])
    else:
        found = prepared(first, method) @ prepared(second, method).T
    for axis, given in ((1, b), (0, a)):
        if np.ndim(given) == 1:
            found = found[:, 0] if axis == 1 else found[0]
    return found if is_tensor(found) or found.ndim else float(found)


def ssm_similarity(x: Any, y: Any) -> float:
    """Return how alike the similarity matrices of the conditions are: Spearman's rho of their pairwise correlations.

    Parameters
    ----------
    x, y : array_like, shape (condition, unit)
        Two representations of the same conditions. Shi et al. (2019), NeurIPS 32:5764.
    """
    return float(compare_rdms(rdm(x, "correlation"), rdm(y, "correlation"), "spearman"))


def check_method(method: str) -> None:
    """Refuse a comparison that does not exist."""
    if method not in METHODS:
        raise AnalysisError(f"there is no comparison {method!r} of dissimilarities.{nearest(method, METHODS)}")


def prepared(vectors: Array, method: str) -> Array:
    """Return rows whose inner products are the similarities, for the methods that have such.

    Parameters
    ----------
    vectors : array, shape (rdm, pair)
        Dissimilarities.
    """
    values = centred_for(vectors, method)
    if method == "rho_a":  # against the largest that distinct ranks can reach, whatever the ties
        k = vectors.shape[1]
        if k < 2:
            raise AnalysisError("rho_a needs at least two pairs of conditions.")
        return values / ((k**3 - k) / 12) ** 0.5
    lengths = (values * values).sum(1)
    if not bool((lengths > 0).all()):
        raise AnalysisError(f"the dissimilarities of an RDM are all the same; it has no {method} with others.")
    return values / library(values).sqrt(lengths)[:, None]


def centred_for(vectors: Array, method: str) -> Array:
    """Return rows in the space in which the method is a cosine."""
    if method in ("spearman", "rho_a"):
        vectors = ranks(vectors)
    if method in ("pearson", "spearman", "rho_a", "whitened_correlation"):
        means = vectors.mean(1)[:, None]
        spread = abs(vectors - means)
        negligible = spread <= 1e-13 * abs(means)  # what rounding leaves of a constant
        vectors = (vectors - means) * like(~numpy_of(negligible), vectors)
    if method in ("whitened_cosine", "whitened_correlation"):
        return library(vectors).stack([grams_of(row).reshape(-1) for row in vectors])
    return vectors


def ranks(vectors: Array) -> Array:
    """Return the ranks in each row, from 1 on, ties at their mean; of a tensor, without gradient."""
    return like(mean_ranks(numpy_of(vectors)), vectors)


def grams_of(vector: Array) -> Array:
    """Return the centred inner products of the conditions whose squared distances these are."""
    distances = symmetric(vector)
    rows = distances.mean(0)
    return -(distances - rows[None, :] - rows[:, None] + rows.mean()) / 2


def bures_similarity(a: Array, b: Array) -> Array:
    """Return the normalised fidelity of the centred Gram matrices of two vectors of squared distances."""
    roots = [_root(grams_of(vector)) for vector in (a, b)]
    norm = library(a).sqrt((roots[0] ** 2).sum() * (roots[1] ** 2).sum())
    if not bool(norm > 0):
        raise AnalysisError("the dissimilarities of an RDM are all 0; it has no Bures similarity with others.")
    return library(a).linalg.svdvals(roots[0] @ roots[1]).sum() / norm


def _root(gram: Array) -> Array:
    """Return the square root of a Gram matrix; what is negative in it (no squared distances have such) counts as 0."""
    values, vectors = library(gram).linalg.eigh(gram)
    known = numpy_of(values)
    kept = known > known.size * np.finfo(known.dtype).eps * max(known[-1], 0.0)  # the root would magnify rounding
    vectors = vectors[:, kept]
    return (vectors * library(gram).sqrt(values[kept])) @ vectors.T
