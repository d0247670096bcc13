"""How much of a representation a feature of the input makes up, beside how well it can be read.

Lampinen et al. (2024), arXiv:2405.05847: features that are decoded equally well may differ widely in the variance that
they account for, and measures of similarity see the variance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.representation.arrays import (
    Array,
    Number,
    basis,
    centred,
    like,
    matrix,
    not_zero,
    numpy_of,
    scalar,
)
from neurosim.analysis.representation.classifiers import Kind
from neurosim.analysis.representation.decoding import decode
from neurosim.analysis.representation.value_decoding import decode_values
from neurosim.errors import AnalysisError


@dataclass(frozen=True)
class FeatureStrength:
    """One feature in a representation.

    Parameters
    ----------
    variance : float
        The share of the representation's variance that the feature explains.
    decoding : float
        How well it is read, held out: accuracy over classes, or R2 of a numeric feature.
    units : int
        In how many units the feature explains more than the threshold.
    spread : float
        Over how many units its variance is spread: their participation ratio.
    """

    variance: float
    decoding: float
    units: int
    spread: float


def variance_of_feature(x: Any, feature: Any) -> Number:
    """Return the share of a representation's variance that a linear regression on a feature explains.

    Parameters
    ----------
    x : array_like, shape (row, unit)
        Responses; to inputs that the system was not trained on, if it was trained.
    feature : array_like, shape (row,) or (row, column)
        Numbers; or names, which are classes. Independent features explain parts that add up to 1 at most.
    """
    values = centred(matrix(x))
    return scalar(_explained(values, feature).sum() / not_zero((values * values).sum(), "x"))


def feature_strengths(
    x: Any,
    given: Mapping[str, Any],
    *,
    threshold: float = 0.1,
    folds: int = 5,
    classifier: Kind = "logistic",
    seed: int = 0,
) -> dict[str, FeatureStrength]:
    """Return how strongly each feature is represented, by how many units, and how well it can be read.

    Parameters
    ----------
    x : array_like, shape (row, unit)
        Responses.
    given : mapping of str to array_like, shape (row,)
        Features: whole numbers, truth values and names are classes, other numbers are numeric.
    threshold
        The share of its own variance from which on a unit counts as carrying the feature.
    folds, classifier, seed
        Of the decoding.
    """
    values = centred(numpy_of(matrix(x)).astype(np.float64))
    own = (values**2).sum(0)
    total = float(not_zero(own.sum(), "x"))
    found = {}
    for name, labels in given.items():
        array = numpy_of(labels)
        numeric = array.dtype.kind == "f"
        parts = np.asarray(_explained(values, array if numeric else array.astype(np.str_)))
        share = np.divide(parts, own, out=np.zeros_like(own), where=own > 0)
        if numeric:
            order = np.random.default_rng(seed).permutation(values.shape[0])  # rows are no time series
            read = float(decode_values(values[order], array[order], folds=folds, seed=seed).r2.mean())
        else:
            read = decode(values, array, folds=folds, classifier=classifier, seed=seed).accuracy
        spread = float(parts.sum() ** 2 / (parts**2).sum()) if parts.any() else 0.0
        found[name] = FeatureStrength(float(parts.sum() / total), read, int((share > threshold).sum()), spread)
    return found


def _explained(values: Array, feature: Any) -> Array:
    """Return the sum of squares that the feature explains of each unit, shape (unit,)."""
    columns = _columns(feature, values.shape[0])
    shared = like(basis(centred(columns))[0], values).T @ values
    return (shared * shared).sum(0)


def _columns(feature: Any, rows: int) -> NDArray[np.float64]:
    array = numpy_of(feature)
    if array.ndim < 1 or array.shape[0] != rows or array.ndim > 2:
        raise AnalysisError(f"a feature has an entry for each of the {rows} rows, got shape {array.shape}.")
    if array.dtype.kind in "OSU":
        if array.ndim == 2:
            raise AnalysisError("a feature whose entries are names has one for each row.")
        names, place = np.unique(array.astype(np.str_), return_inverse=True)
        columns = np.zeros((rows, names.size))
        columns[np.arange(rows), place] = 1
    else:
        columns = array.astype(np.float64).reshape(rows, -1)
    numbers = numpy_of(matrix(columns, "feature"))
    if float(np.ptp(numbers, axis=0).max()) == 0:
        raise AnalysisError("a feature is the same in all rows; it explains nothing.")
    return numbers
