"""Random choices of edges in time and memory that go with the edges chosen, never with the pairs possible."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from neurosim.random import Stream, integers_from_bits

Indices: TypeAlias = NDArray[np.int64]
EdgeArrays: TypeAlias = tuple[Indices, Indices]

# Draws handled at once; the edges do not depend on it.
_CHUNK = 1 << 16


def divide(cells: Indices, n: int) -> EdgeArrays:
    """Return row and column of cells numbered row by row in a table with n columns; the columns overwrite the cells."""
    if not cells.size:
        return cells, cells.copy()
    rows = cells // n
    for first in range(0, cells.size, _CHUNK):
        part = slice(first, first + _CHUNK)
        cells[part] -= rows[part] * n
    return rows, cells


def cells_with_probability(n_cells: int, p: float, stream: Stream) -> Indices:
    """Choose each of 0 .. n_cells - 1 with probability p; draw i of the stream is the gap before the i-th chosen."""
    if p == 0 or n_cells == 0:
        return np.empty(0, dtype=np.int64)
    if p == 1:
        return np.arange(n_cells)
    rate = -math.log1p(-p)
    past_end = math.nextafter(n_cells, math.inf)  # float(n_cells) alone may be rounded down, to a cell that exists
    # The sum of a chunk's gaps, each at most past_end, stays below 2**63.
    n_draws = max(1, min(_CHUNK, 64 + int(1.1 * p * n_cells), 2**61 // n_cells))
    parts, last, n_drawn = [], -1, 0
    while last < n_cells:
        with np.errstate(over="ignore"):  # a tiny p: the gap is infinite, which is past the end
            gaps = np.minimum(stream.exponential(n_draws, offset=n_drawn) / rate, past_end).astype(np.int64)
        parts.append(last + np.cumsum(gaps + 1))
        last, n_drawn = int(parts[-1][-1]), n_drawn + n_draws
    parts[-1] = parts[-1][: np.searchsorted(parts[-1], n_cells)]
    return np.concatenate(parts)


def distinct_partners(n_post: int, n_partners: int, k: int, stream: Stream) -> EdgeArrays:
    """Choose k of n_partners for each postsynaptic neuron; returns (post, partner), sorted by post."""
    n_drawn = min(k, n_partners - k)  # where more than half is chosen, draw those left out
    n_at_once = max(1, _CHUNK // max(k, 1))
    parts = [np.empty(0, dtype=np.int64)]
    for first in range(0, n_post, n_at_once):
        n = min(n_at_once, n_post - first)
        keys = _distinct_keys(first, n, n_partners, n_drawn, stream)
        if n_drawn < k:
            kept = np.ones(n * n_partners, dtype=bool)
            kept[keys] = False
            keys = np.flatnonzero(kept)
        parts.append(keys + first * n_partners)
    return divide(np.concatenate(parts), n_partners)


def _distinct_keys(first: int, n: int, n_partners: int, k: int, stream: Stream) -> Indices:
    """Return row * n_partners + partner, k distinct partners in each of n rows, sorted.

    Partners are drawn with replacement and duplicates drawn again, which makes all sets equally likely. In each round
    draw i of a postsynaptic neuron has its own place in the round's stream, whatever the other neurons need.
    """
    keys = np.empty(0, dtype=np.int64)
    missing = np.full(n, k)
    n_rounds = 0
    while missing.any():
        rows = np.repeat(np.arange(n), missing)
        draw = np.arange(rows.size) - np.repeat(np.cumsum(missing) - missing, missing)
        bits = stream.child(f"round{n_rounds}").bits_at((first + rows) * k + draw)
        new_keys = np.sort(rows * n_partners + integers_from_bits(bits, n_partners))
        keys = np.sort(np.concatenate([keys, new_keys]), kind="stable")  # merges two sorted runs in linear time
        keys = keys[np.diff(keys, prepend=-1) > 0]
        missing = k - np.diff(np.searchsorted(keys, np.arange(n + 1) * n_partners))
        n_rounds += 1
    return keys


def distinct_cells(n_rows: int, n_columns: int, n: int, stream: Stream) -> Indices:
    """Choose n distinct cells of a table, all sets of n equally likely; returns them sorted, numbered row by row.

    Cells are drawn with replacement and duplicates drawn again; where more than half is chosen, those left out are.
    """
    n_cells = n_rows * n_columns
    n_drawn = min(n, n_cells - n)
    cells = np.empty(0, dtype=np.int64)
    n_rounds = 0
    while cells.size < n_drawn:
        draws = stream.child(f"round{n_rounds}")
        new = draws.child("row").integers(n_rows, n_drawn - cells.size) * n_columns
        new += draws.child("column").integers(n_columns, new.size)
        cells = np.concatenate([cells, new])
        del new
        cells.sort()
        different = np.ones(cells.size, dtype=bool)
        np.not_equal(cells[1:], cells[:-1], out=different[1:])
        cells = cells[different]
        n_rounds += 1
    if n_drawn == n:
        return cells
    kept = np.ones(n_cells, dtype=bool)
    kept[cells] = False
    return np.flatnonzero(kept)
