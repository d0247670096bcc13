"""Ranks, and Kendall's tau-a by counting inversions.

Dissimilarities that are equal by their meaning come out of sums in different orders, and so differ in their last
digits. Entries are therefore tied where they differ by no more than rounding can leave.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.compiled import Compiled
from neurosim.errors import AnalysisError

Floats = NDArray[np.float64]

#: Relative to the largest entry, what rounding may leave between equal ones: of sums in double precision; of others, in
#: units of their last place.
_ROUNDING, _LAST_PLACES = 1e-12, 4


def mean_ranks(values: NDArray[Any]) -> Floats:
    """Return the ranks in each row, from 1 on, ties at their mean; shape (row, entry)."""
    result = np.empty(values.shape)
    for row, ranks in zip(values, result, strict=True):
        order = np.argsort(row)
        edges = _edges(new_value(row[order]))
        # Entries from one edge to the next are equal: the mean of the ranks edge + 1, ..., next edge.
        ranks[order] = np.repeat((edges[:-1] + edges[1:] + 1) / 2, np.diff(edges))
    return result


def tau_a(first: NDArray[Any], second: NDArray[Any]) -> Floats:
    """Return Kendall's tau-a of rows: concordant minus discordant pairs of entries, out of all pairs.

    Parameters
    ----------
    first : numpy.ndarray, shape (row, entry)
        Values.
    second : numpy.ndarray, shape (other row, entry)
        Values.

    Returns
    -------
    numpy.ndarray, shape (row, other row)
    """
    n = first.shape[1]
    if n < 2:
        raise AnalysisError("tau_a needs at least two pairs of conditions.")
    every = n * (n - 1) // 2
    sides = [[_places(row) for row in rows] for rows in (first, second)]
    found = np.empty((first.shape[0], second.shape[0]))
    for one, (place, tied) in enumerate(sides[0]):
        for other, (place_of_other, tied_in_other) in enumerate(sides[1]):
            # In the order of the first, its ties in the order of the second, so that they are no inversions.
            both = np.sort(place * n + place_of_other)
            shared = _ties(_edges(both[1:] != both[:-1])) if tied and tied_in_other else 0
            untied = every - tied - tied_in_other + shared
            found[one, other] = (untied - 2 * _inversions(both % n)) / every
    return found


def _places(row: NDArray[Any]) -> tuple[NDArray[np.int64], int]:
    """Return where each entry stands in order, equal ones in one place, and how many pairs are equal."""
    order = np.argsort(row)
    edges = _edges(new_value(row[order]))
    place = np.empty(row.size, dtype=np.int64)
    place[order] = np.repeat(edges[:-1], np.diff(edges))
    return place, _ties(edges)


def new_value(ordered: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell of each entry but the first whether it is larger than the one before, by more than rounding.

    Parameters
    ----------
    ordered : numpy.ndarray, shape (..., entry)
        Ascending along the last axis.

    Returns
    -------
    numpy.ndarray, shape (..., entry - 1)
    """
    if ordered.dtype.kind != "f":
        return np.asarray(ordered[..., 1:] != ordered[..., :-1])
    part = _ROUNDING if ordered.dtype == np.float64 else _LAST_PLACES * float(np.finfo(ordered.dtype).eps)
    largest = np.abs(ordered[..., [0, -1]]).max(axis=-1, keepdims=True)
    return np.asarray(np.diff(ordered, axis=-1) > part * largest)


def _edges(news: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return where runs of equal entries begin, and the end."""
    return np.concatenate([[0], np.flatnonzero(news) + 1, [news.size + 1]])


def _ties(edges: NDArray[np.int64]) -> int:
    number = np.diff(edges)
    return int((number * (number - 1) // 2).sum())


def _inversions_of(values: NDArray[np.int64]) -> int:
    """Return how many pairs stand in falling order, by merging ever longer sorted runs (which sorts the values)."""
    size, width, found = values.size, 1, 0
    source, target = values, np.empty_like(values)
    while width < size:
        for begin in range(0, size, 2 * width):
            middle, end = min(begin + width, size), min(begin + 2 * width, size)
            left, right = begin, middle
            for place in range(begin, end):
                if left < middle and (right >= end or source[left] <= source[right]):
                    target[place] = source[left]
                    left += 1
                else:
                    target[place] = source[right]
                    right += 1
                    found += middle - left
        source, target = target, source
        width *= 2
    return found


_inversions = Compiled(_inversions_of)
