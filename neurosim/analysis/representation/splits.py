"""Which rows a decoder learns from and which it is tested on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import AnalysisError

#: Rows to learn from, rows to test on.
Split = tuple[NDArray[np.int64], NDArray[np.int64]]


def block_splits(rows: int, folds: int = 5, *, gap: int = 0) -> list[Split]:
    """Return splits of a time series: contiguous blocks are tested in turn, and rows within `gap` of them are left out.

    Parameters
    ----------
    rows
        How many there are, in the order of time.
    folds
        How many blocks.
    gap
        How many rows on either side of a block nothing is learned from: as far as neighbours are alike.
    """
    if not 2 <= folds <= rows or gap < 0:
        raise AnalysisError(f"{rows} rows cannot be split into {folds} blocks with a gap of {gap}.")
    places = np.arange(rows)
    splits = []
    for test in np.array_split(places, folds):
        train = places[(places < test[0] - gap) | (places > test[-1] + gap)]
        if not train.size:
            raise AnalysisError(f"a gap of {gap} rows leaves nothing to learn from; choose a smaller one.")
        splits.append((train, test))
    return splits


def group_splits(groups: ArrayLike, folds: int = 5, *, seed: int = 0) -> list[Split]:
    """Return random splits in which all rows of a group (a trial, a session) are tested together."""
    array = np.asarray(groups)
    names = np.unique(array)
    if not 2 <= folds <= names.size:
        raise AnalysisError(f"{names.size} groups cannot be split into {folds} folds.")
    parts = np.array_split(np.random.default_rng(seed).permutation(names), folds)
    return [(np.flatnonzero(~(inside := np.isin(array, part))), np.flatnonzero(inside)) for part in parts]


def label_splits(labels: ArrayLike, folds: int = 5, *, seed: int = 0) -> list[Split]:
    """Return random splits in which every label has nearly the same share in every fold."""
    array = np.asarray(labels)
    _, place, number = np.unique(array, return_inverse=True, return_counts=True)
    if not 2 <= folds <= number.min():
        raise AnalysisError(
            f"the rarest of the labels has {number.min()} rows, which cannot be split into {folds} folds."
        )
    draw = np.random.default_rng(seed)
    fold = np.empty(array.size, dtype=np.int64)
    begin = 0
    for label in range(number.size):  # going on where the last label ended keeps folds of one size
        rows = draw.permutation(np.flatnonzero(place == label))
        fold[rows] = (begin + np.arange(rows.size)) % folds
        begin += rows.size
    return [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(folds)]


def checked_splits(splits: Sequence[tuple[ArrayLike, ArrayLike]], rows: int) -> list[Split]:
    """Return splits as arrays, or refuse those that test on what they learn from."""
    found = []
    for train, test in splits:
        one, other = (np.asarray(side, dtype=np.int64) for side in (train, test))
        if not one.size or not other.size or min(one.min(), other.min()) < 0 or max(one.max(), other.max()) >= rows:
            raise AnalysisError(f"splits: each has rows to learn from and to test on, of the {rows} that there are.")
        if np.intersect1d(one, other).size:
            raise AnalysisError("splits: a row is in both parts; what is tested must not be learned from.")
        found.append((one, other))
    if not found:
        raise AnalysisError("splits: there is none.")
    return found
