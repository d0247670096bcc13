"""Classes told apart by a linear classifier, on rows that it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.analysis.features import Features
from neurosim.analysis.representation.arrays import matrix, numpy_of
from neurosim.analysis.representation.classifiers import Kind, fit_classifier
from neurosim.analysis.representation.splits import (
    Split,
    checked_splits,
    group_splits,
    label_splits,
)
from neurosim.errors import AnalysisError


@dataclass(frozen=True, eq=False)
class Decoding:
    """How well classes were told apart.

    Parameters
    ----------
    accuracy : float
        The share of rows that were classified rightly, averaged over classes: chance is ``1 / classes``.
    null : numpy.ndarray, shape (shuffle,)
        The same with labels shuffled.
    names : numpy.ndarray, shape (class,)
        The classes.
    confusion : numpy.ndarray, shape (class, class)
        How many rows of a class (first axis) were taken for which.
    conditions, units, folds, seed : int
        What it was measured with.
    """

    accuracy: float
    null: NDArray[np.float64] = field(repr=False)
    names: NDArray[Any] = field(repr=False)
    confusion: NDArray[np.int64] = field(repr=False)
    conditions: int
    units: int
    folds: int
    seed: int

    @property
    def chance(self) -> float:
        """One out of the number of classes."""
        return 1 / self.names.size

    @property
    def p_value(self) -> float:
        """The share of shuffles that did as well, the measured one counted among them; 1 without shuffles."""
        return float((1 + (self.null >= self.accuracy).sum()) / (1 + self.null.size))


def decode(
    x: Any,
    labels: ArrayLike | None = None,
    *,
    groups: ArrayLike | None = None,
    folds: int = 5,
    splits: Sequence[tuple[ArrayLike, ArrayLike]] | None = None,
    classifier: Kind = "discriminant",
    penalty: float = 1.0,
    shuffles: int = 0,
    seed: int = 0,
) -> Decoding:
    """Tell classes apart by a linear classifier, on rows that it did not learn from.

    Numbers of units and of rows should be made equal before systems are compared.

    Parameters
    ----------
    x : array_like, shape (row, unit)
        What is read.
    labels : array_like, shape (row,)
        The class of each row; by default those of `Features`.
    groups : array_like, shape (row,), optional
        Rows of a group (a trial, a block) are tested together; by default the trials of `Features`, where these have
        several rows each.
    folds, splits
        How many parts are tested in turn; or (rows to learn from, rows to test on), such as `block_splits` returns.
    classifier, penalty
        See `fit_classifier`.
    shuffles
        How often to repeat with labels shuffled: those of whole groups where a group has one label, else within groups.
    seed
        Of the folds and the shuffles.
    """
    values = numpy_of(matrix(x, least_rows=4))
    classes = _labels(x, labels, values.shape[0])
    names, place = np.unique(classes, return_inverse=True)
    if names.size < 2:
        raise AnalysisError("decode: there is one class only.")
    blocks = _groups(x, groups, values.shape[0])
    if splits is not None:
        parts = checked_splits(splits, values.shape[0])
    elif blocks is not None:
        parts = group_splits(blocks, folds, seed=seed)
    else:
        parts = label_splits(place, folds, seed=seed)
    confusion = _confusion(values, place, parts, classifier, penalty, names.size)
    draw = np.random.default_rng([seed, 1])
    null = [
        _balanced(_confusion(values, _shuffled(place, blocks, draw), parts, classifier, penalty, names.size))
        for _ in range(shuffles)
    ]
    return Decoding(
        _balanced(confusion), np.array(null), names, confusion, values.shape[0], values.shape[1], len(parts), seed
    )


def _labels(x: Any, labels: ArrayLike | None, rows: int) -> NDArray[Any]:
    if labels is None:
        labels = x.labels if isinstance(x, Features) else None
    if labels is None:
        raise AnalysisError("decode: give labels=, one for each row.")
    array = numpy_of(labels)
    if array.shape != (rows,):
        raise AnalysisError(f"labels: one for each of the {rows} rows, got shape {array.shape}.")
    return array


def _groups(x: Any, groups: ArrayLike | None, rows: int) -> NDArray[Any] | None:
    if groups is None:
        held = x.groups if isinstance(x, Features) else None
        number = 0 if held is None else np.unique(held).size
        return held if 1 < number < rows else None  # a recording in one piece has no groups
    array = np.asarray(groups)
    if array.shape != (rows,):
        raise AnalysisError(f"groups: one for each of the {rows} rows, got shape {array.shape}.")
    return array


def _confusion(
    x: NDArray[np.float64], place: NDArray[np.int64], parts: list[Split], kind: Kind, penalty: float, classes: int
) -> NDArray[np.int64]:
    found = np.zeros((classes, classes), dtype=np.int64)
    for train, test in parts:
        if np.unique(place[train]).size < classes:
            raise AnalysisError("a class has no row to learn from in some fold; use fewer folds, or other groups.")
        np.add.at(found, (place[test], fit_classifier(x[train], place[train], kind, penalty).predict(x[test])), 1)
    return found


def _balanced(confusion: NDArray[np.int64]) -> float:
    tested = confusion.sum(1)
    return float(np.mean((np.diag(confusion) / np.maximum(tested, 1))[tested > 0]))


def _shuffled(place: NDArray[np.int64], groups: NDArray[Any] | None, draw: np.random.Generator) -> NDArray[np.int64]:
    if groups is None:
        return draw.permutation(place)
    _, block = np.unique(groups, return_inverse=True)
    first = place[np.unique(block, return_index=True)[1]]
    if np.array_equal(first[block], place):
        return np.asarray(draw.permutation(first)[block])
    mixed = place.copy()
    for one in range(first.size):
        inside = np.flatnonzero(block == one)
        mixed[inside] = draw.permutation(place[inside])
    return mixed
