"""Representational dissimilarity matrices: how unlike the responses to each pair of conditions are.

Kriegeskorte et al. (2008), Front Syst Neurosci 2:4; cross-validated: Walther et al. (2016), NeuroImage 137:188.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.analysis.representation.arrays import (
    Array,
    finite,
    library,
    like,
    matrix,
    numpy_of,
    pair_distances,
    pair_indices,
)
from neurosim.errors import AnalysisError, nearest

Distance = Literal["squared_euclidean", "euclidean", "correlation", "cosine", "mahalanobis", "poisson"]
DISTANCES = ("squared_euclidean", "euclidean", "correlation", "cosine", "mahalanobis", "poisson")


def rdm(
    x: Any,
    distance: Distance = "squared_euclidean",
    *,
    precision: ArrayLike | None = None,
    prior: tuple[float, float] = (1.0, 0.1),
) -> Array:
    """Return the dissimilarity of every pair of conditions.

    Parameters
    ----------
    x : array_like, shape (condition, unit)
        An array, a tensor, `Features` or a recording.
    distance
        ``"squared_euclidean"`` and ``"mahalanobis"`` (divided by the number of units), ``"euclidean"`` (not divided),
        ``"correlation"`` (1 - r across units), ``"cosine"`` (1 - cosine), ``"poisson"`` (the symmetric Kullback-Leibler
        divergence of Poisson counts, divided by the number of units).
    precision : array_like, shape (unit, unit), optional
        The inverse covariance of the noise, for ``"mahalanobis"`` (see `noise_precision`).
    prior : (rate, weight)
        Of ``"poisson"``: rates are pulled towards this one, as if ``weight`` of an observation had shown it.

    Returns
    -------
    array, shape (pair,)
        The pairs (0, 1), (0, 2), ..., (1, 2), ...; `square` makes a matrix of them.

    Raises
    ------
    AnalysisError
        If values are NaN, a pattern has no variance where its correlation is asked for, or counts are negative.
    """
    if distance not in DISTANCES:
        raise AnalysisError(f"rdm: there is no distance {distance!r}.{nearest(distance, DISTANCES)}")
    if (precision is None) == (distance == "mahalanobis"):
        raise AnalysisError("rdm: precision= is for distance='mahalanobis', which needs it.")
    values = matrix(x)
    units = values.shape[1]
    if distance == "poisson":
        return _above(_poisson(values, prior) / units)
    if distance in ("correlation", "cosine"):
        return _above(1 - _cosines(values, distance))
    if distance == "mahalanobis":
        values = values @ like(_root(precision, units), values)
    squares = pair_distances(values)
    return library(squares).sqrt(squares) if distance == "euclidean" else squares / units


def square(vector: Any) -> Array:
    """Return the dissimilarities of all pairs as a symmetric matrix, shape (condition, condition)."""
    if np.ndim(vector) != 1:
        raise AnalysisError(f"square: one vector of dissimilarities, shape (pair,); got shape {np.shape(vector)}.")
    return symmetric(rdm_vectors(vector, "vector")[0])


def crossnobis(
    measurements: Any, conditions: ArrayLike, partitions: ArrayLike, *, precision: ArrayLike | None = None
) -> Array:
    """Return the cross-validated Mahalanobis dissimilarities: 0 on average where nothing differs, and so also negative.

    The difference of two conditions in one partition is multiplied with the difference in another, so that their noise
    does not add up; averaged over all pairs of partitions and divided by the number of units.

    Parameters
    ----------
    measurements : array_like, shape (row, unit)
        One row for each measurement.
    conditions, partitions : array_like, shape (row,)
        The condition and the partition (a run, a session, a repeat) of each row. Every partition needs every condition;
        several rows of one are averaged.
    precision : array_like, shape (unit, unit), optional
        The inverse covariance of the noise (see `noise_precision`); by default the identity.

    Returns
    -------
    array, shape (pair,)
        Conditions in the order of their sorted labels.
    """
    values = matrix(measurements, "measurements")
    if precision is not None:
        values = values @ like(_root(precision, values.shape[1]), values)
    means = cell_means(values, conditions, partitions)
    parts = means.shape[0]
    if parts < 2:
        raise AnalysisError("crossnobis: at least two partitions are needed.")
    total = pair_distances(means.sum(0))
    within = sum(pair_distances(part) for part in means)
    return (total - within) / (parts * (parts - 1) * values.shape[1])


def cell_means(values: Array, conditions: ArrayLike, partitions: ArrayLike) -> Array:
    """Return the mean of the rows of each partition and condition, shape (partition, condition, unit)."""
    _, place = _cells(values.shape[0], conditions, partitions)
    parts, names = place[0].max() + 1, place[1].max() + 1
    cell = place[0] * names + place[1]
    number = np.bincount(cell, minlength=parts * names)
    if not number.all():
        raise AnalysisError("every partition needs a measurement of every condition; leave out what is incomplete.")
    share = np.zeros((parts * names, values.shape[0]))
    share[cell, np.arange(values.shape[0])] = 1 / number[cell]
    return (like(share, values) @ values).reshape(parts, names, values.shape[1])


def noise_precision(
    measurements: Any, conditions: ArrayLike, partitions: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Return the inverse covariance of the noise: what is left of each measurement when its cell's mean is subtracted.

    The covariance is shrunk towards a multiple of the identity by the amount of Ledoit and Wolf (2004), J Multivar Anal
    88:365, so that it can be inverted with fewer measurements than units.

    Parameters
    ----------
    measurements : array_like, shape (row, unit)
        One row for each measurement.
    conditions, partitions : array_like, shape (row,)
        What cells are made of; without partitions, each condition is one.
    """
    values = numpy_of(matrix(measurements, "measurements"))
    groups = np.zeros(values.shape[0], dtype=np.int64) if partitions is None else partitions
    _, place = _cells(values.shape[0], conditions, groups)
    cell = np.unique(place[0] * (place[1].max() + 1) + place[1], return_inverse=True)[1]
    number = np.bincount(cell)
    freedom = values.shape[0] - number.size
    if freedom < 1:
        raise AnalysisError("noise_precision: no condition was measured twice in a partition; the noise is not known.")
    sums = np.zeros((number.size, values.shape[1]))
    np.add.at(sums, cell, values)
    residuals = values - (sums / number[:, np.newaxis])[cell]
    covariance = shrunk_covariance(residuals) * (values.shape[0] / freedom)
    if not np.trace(covariance) > 0:
        raise AnalysisError("noise_precision: repeated measurements are all the same; there is no noise.")
    return np.asarray(np.linalg.inv(covariance))


def shrunk_covariance(residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the covariance of centred rows, shrunk towards a multiple of the identity (Ledoit and Wolf 2004)."""
    m, n = residuals.shape
    sample = residuals.T @ residuals / m
    mean = np.trace(sample) / n
    spread = np.sum(sample**2) - n * mean**2
    squares = residuals**2
    error = (np.sum(squares.T @ squares) / m - np.sum(sample**2)) / m
    share = 0.0 if spread <= 0 else float(min(1.0, max(0.0, error / spread)))
    return np.asarray((1 - share) * sample + share * mean * np.eye(n))


def symmetric(vector: Array) -> Array:
    """Return the pairs of a vector as a symmetric matrix with a diagonal of 0."""
    padded = library(vector).concatenate([library(vector).zeros_like(vector[:1]), vector])
    return padded[_places(conditions_of(vector))]


@lru_cache(maxsize=8)
def _places(conditions: int) -> NDArray[np.int64]:
    """Return where each entry of the matrix stands in the vector, from 1 on; 0 on the diagonal."""
    rows, columns = pair_indices(conditions)
    place = np.zeros((conditions, conditions), dtype=np.int64)
    place[rows, columns] = place[columns, rows] = np.arange(1, rows.size + 1)
    return place


def rdm_vectors(vectors: Any, name: str) -> Array:
    """Return dissimilarities as an array (rdm, pair): one vector becomes one row.

    Raises
    ------
    AnalysisError
        If their length is not that of all pairs of some number of conditions, or they hold NaN.
    """
    values = vectors if hasattr(vectors, "requires_grad") else np.asarray(vectors, dtype=np.float64)
    if values.ndim == 1:
        values = values[None]
    if values.ndim != 2 or not values.shape[0]:
        raise AnalysisError(
            f"{name}: dissimilarities have the shape (pair,) or (rdm, pair), got {tuple(values.shape)}."
        )
    conditions_of(values[0])
    return finite(values, name)


def conditions_of(vector: Array) -> int:
    """Return how many conditions have this number of pairs."""
    pairs = int(vector.shape[0])
    conditions = round(float((1 + (1 + 8 * pairs) ** 0.5) / 2))
    if pairs < 1 or conditions * (conditions - 1) // 2 != pairs:
        raise AnalysisError(f"{pairs} is not the number of pairs of any number of conditions (1, 3, 6, 10, ...).")
    return conditions


def _above(matrix_of_pairs: Array) -> Array:
    return matrix_of_pairs[pair_indices(matrix_of_pairs.shape[0])]


def _cells(rows: int, *labels: ArrayLike) -> tuple[list[Any], list[NDArray[np.int64]]]:
    """Return the names and the numbers of partitions and conditions, in this order."""
    names, places = [], []
    for given, what in zip(reversed(labels), ("partitions", "conditions"), strict=True):
        array = np.asarray(given)
        if array.shape != (rows,):
            raise AnalysisError(f"{what} needs one entry for each of the {rows} rows, got shape {array.shape}.")
        found, place = np.unique(array, return_inverse=True)
        names.append(found)
        places.append(place)
    if names[1].size < 2:
        raise AnalysisError("at least two conditions are needed.")
    return names, places


def _root(precision: ArrayLike | None, units: int) -> NDArray[np.float64]:
    """Return a matrix whose product with its own transpose is the precision."""
    array = finite(np.asarray(precision, dtype=np.float64), "precision")
    if array.shape != (units, units) or not np.allclose(array, array.T):
        raise AnalysisError(f"precision must be a symmetric matrix of {units} x {units}, got shape {array.shape}.")
    try:
        return np.asarray(np.linalg.cholesky(array))
    except np.linalg.LinAlgError:
        raise AnalysisError("precision must be positive definite.") from None


def _cosines(values: Array, distance: str) -> Array:
    xp = library(values)
    if distance == "correlation":
        values = values - values.mean(1)[:, None]
    lengths = xp.sqrt((values * values).sum(1))
    scale = float(np.abs(numpy_of(lengths)).max())
    if scale == 0 or float(numpy_of(lengths).min()) <= 1e-12 * scale:
        raise AnalysisError(f"rdm: a condition's pattern has no length, and so no {distance} with others.")
    directions = values / lengths[:, None]
    return directions @ directions.T


def _poisson(values: Array, prior: tuple[float, float]) -> Array:
    rate, weight = prior
    if float(numpy_of(values).min()) < 0 or rate <= 0 or weight < 0:
        raise AnalysisError("rdm: Poisson counts and their prior cannot be negative.")
    rates = (values + rate * weight) / (1 + weight)
    if float(numpy_of(rates).min()) <= 0:
        raise AnalysisError("rdm: a rate of 0 has no logarithm; give prior= a weight above 0.")
    logs = library(rates).log(rates)
    cross = rates @ logs.T
    own = (rates * logs).sum(1)
    return own[:, None] + own[None, :] - cross - cross.T
