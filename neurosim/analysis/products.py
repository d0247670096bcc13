"""Products of columns and distances of rows, by the triangle of a matrix product and without losing digits.

A symmetric product (BLAS ``syrk``) costs half of a general one. Means are taken off afterwards where that costs no
digits, so that large arrays are not copied for it; counts of spikes are multiplied in single precision where it holds
all sums exactly.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.compiled import Compiled

Floats = NDArray[np.float64]

#: Whole numbers up to this are exact in single precision, and so are their sums.
_EXACT = 2.0**24
#: Into how many parts rows are dealt at most, so that sums over each stay below that.
_MOST_PARTS = 8
#: The share of entries that are not 0 up to which sums go over these alone.
_SPARSE = 0.1
#: The least share of a sum of squares that is left when the mean is taken off afterwards: a digit is lost at most.
_LEAST_LEFT = 0.1
#: Squared distances below this part of the squared lengths are summed anew, from differences.
_CLOSE = 1e-6
#: How many rows are looked at to see whether the mean should be taken off, and which part of theirs it then exceeds.
_SAMPLED, _SHARED = 8, 0.1
#: From so many pairs of entries on, their products are worth a loop that is compiled.
_MANY_PAIRS = 2_000_000
_BLOCK = 256  # rows, or columns, that are gone through at a time
_MOST_ENTRIES = 2**20  # of differences that are held at a time


def scatter(values: Floats) -> Floats:
    """Return the sums over rows of the products of each two columns, both without their means.

    Parameters
    ----------
    values : numpy.ndarray, shape (row, column)
        Finite.

    Returns
    -------
    numpy.ndarray, shape (column, column)
        Symmetric; of whole numbers exact but for the last division, 0 of columns that never change. Else each entry is
        off by some units in the last place of the product of both columns' lengths.
    """
    if not values.size:
        return np.zeros((values.shape[1], values.shape[1]))
    if np.count_nonzero(values[:: max(1, len(values) // _BLOCK)]) <= _SPARSE * _BLOCK * values.shape[1]:
        found = _of_few(values)
        if found is not None:
            return found
    squares = np.einsum("mn,mn->n", values, values)
    total = np.ones(len(values)) @ values
    found = _of_whole_numbers(values, squares)
    if found is not None:
        return _without_means(found, total, len(values))
    from scipy.linalg.blas import dsyrk

    if (squares - total**2 / len(values) >= _LEAST_LEFT * squares).all():
        product = dsyrk(1.0, values.T).T
        product -= np.multiply.outer(total, total / len(values))
    else:
        moved = values - total / len(values)
        moved[:, (values == values[0]).all(axis=0)] = 0.0  # a mean of equal values may be off in its last bit
        product = dsyrk(1.0, moved.T).T
    return _mirrored(product)


def pair_distances(values: Floats) -> Floats:
    """Return the squared Euclidean distances of all pairs of rows, in the order (0, 1), (0, 2), ..., (1, 2), ...

    They are sums of squared differences to a relative error of 1e-9: those of rows that are much closer to each other
    than to the origin (the mean, where all are far from it) are summed anew.

    Parameters
    ----------
    values : numpy.ndarray, shape (row, column)
        Finite.
    """
    far = _far(values[:: max(1, len(values) // _SAMPLED)])
    squares, close = _by_products(values - values.mean(axis=0) if far else values)
    if not far and close.size > len(values):  # the rows that were looked at may not have shown it
        squares, close = _by_products(values - values.mean(axis=0))
    rows, columns, _ = _pairs(len(values))
    step = max(1, _MOST_ENTRIES // max(values.shape[1], 1))
    for first in range(0, close.size, step):
        chosen = close[first : first + step]
        apart = values[rows[chosen]] - values[columns[chosen]]
        squares[chosen] = np.einsum("pn,pn->p", apart, apart)
    return squares


def _by_products(values: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Return the squared distances of pairs by products of rows, and which pairs are too close for that."""
    from scipy.linalg.blas import dsyrk

    product = dsyrk(1.0, values.T, trans=1).T  # below the diagonal
    rows, columns, below = _pairs(len(values))
    lengths = product.diagonal().copy()
    squares = lengths.take(rows)
    squares += lengths.take(columns)
    closest = _CLOSE * squares
    products = product.reshape(-1).take(below)
    products *= 2.0
    squares -= products
    return squares, np.flatnonzero(squares < closest)


def _far(rows: Floats) -> bool:
    """Tell whether rows are nearer to each other than to the origin, so that their mean should be taken off."""
    mean = rows.mean(axis=0)
    return bool(np.square(rows - mean).sum() < _SHARED * len(rows) * (mean @ mean))


@lru_cache(maxsize=8)
def _pairs(number: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows and columns of pairs, and where they stand below the diagonal of a matrix row after row."""
    rows, columns = np.triu_indices(number, 1)
    return rows, columns, columns * number + rows


def _of_whole_numbers(values: Floats, squares: Floats) -> Floats | None:
    """Return the products of columns, if all are whole numbers whose sums are exact."""
    if not _exact(squares, len(values)) or squares.max() > _MOST_PARTS * _EXACT:
        return None
    from scipy.linalg.blas import ssyrk

    single = np.empty(values.shape, dtype=np.float32)
    for first in range(0, len(values), _BLOCK):
        block = values[first : first + _BLOCK]
        if not (np.rint(block) == block).all():
            return None
        single[first : first + _BLOCK] = block
    if squares.max() <= _EXACT:
        return _mirrored(ssyrk(1.0, single.T).T.astype(np.float64))
    found = np.zeros((values.shape[1], values.shape[1]))
    for part in np.array_split(single, 2 * _MOST_PARTS):
        if np.einsum("mn,mn->n", part, part, dtype=np.float64).max() > _EXACT:
            return None
        found += ssyrk(1.0, part.T).T
    return _mirrored(found)


def _of_few(values: Floats) -> Floats | None:
    """Return what `scatter` does, if few entries are not 0, and all are whole numbers whose sums are exact."""
    flat = np.flatnonzero(values != 0)
    if flat.size > _SPARSE * values.size:
        return None
    entries = values.reshape(-1)[flat]
    rows, columns = np.divmod(flat, values.shape[1])
    sums = [np.bincount(columns, one, minlength=values.shape[1]).astype(np.float64) for one in (entries, entries**2)]
    if not (entries == np.rint(entries)).all() or not _exact(sums[1], len(values)):
        return None
    number = np.bincount(rows, minlength=len(values))
    ends = np.concatenate([[0], np.cumsum(number)])
    if (number * number).sum() >= _MANY_PAIRS:
        found = np.zeros((values.shape[1], values.shape[1]))
        _add_products(entries, columns, ends, found)
        _mirrored(found)
    else:
        from scipy.sparse import csr_array

        few = csr_array((entries, columns, ends), shape=values.shape)
        found = (few.T @ few).toarray()
    return _without_means(found, sums[0], len(values))


def _exact(squares: Floats, rows: int) -> bool:
    """Tell whether so many rows times sums of whole numbers are exact, where these are the sums of their squares."""
    return bool(squares.max() * rows <= 2.0**53)


def _without_means(product: Floats, total: Floats, rows: int) -> Floats:
    """Return the products without the means, in place: rows times sums are whole numbers, their difference is exact."""
    product *= rows
    product -= np.multiply.outer(total, total)
    product /= rows
    return product


def _add_products_of(entries: Floats, columns: NDArray[np.int64], ends: NDArray[np.int64], found: Floats) -> None:
    """Add the products of the entries of each row below the diagonal; columns ascend in each row."""
    for row in range(ends.size - 1):
        for one in range(ends[row], ends[row + 1]):
            for other in range(ends[row], one + 1):
                found[columns[one], columns[other]] += entries[one] * entries[other]


_add_products = Compiled(_add_products_of)


def _mirrored(product: Floats) -> Floats:
    """Return a square matrix with what lies below its diagonal above it as well; the same array."""
    for first in range(0, len(product), _BLOCK):
        last = first + _BLOCK
        corner = product[first:last, first:last]
        corner[...] = np.tril(corner) + np.tril(corner, -1).T
        product[first:last, last:] = product[last:, first:last].T
    return product
