"""Random choices of edges in time and memory that go with the edges chosen, never with the pairs possible."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from neurosim.circuit.realised_edges import Ascending, edge_blocks, index_column
from neurosim.random import Stream, integers_from_bits

Indices: TypeAlias = NDArray[np.int64]
#: Edges as rules give them: (pre, post), whole numbers of any type.
EdgeArrays: TypeAlias = tuple[NDArray[Any] | Ascending, NDArray[Any]]

# Draws handled at once; the edges do not depend on it.
_CHUNK = 1 << 16
#: Of more neurons than this nothing is held that does not go with the edges.
_MOST_COUNTED = 1 << 24


def row_length(n: int, without_self: bool) -> int:
    """Return the number of possible partners of a neuron among n."""
    return n - 1 if without_self and n else n


def edges_of_cells(blocks: Iterable[Indices], n_pre: int, n_post: int, without_self: bool) -> EdgeArrays:
    """Return the edges at some cells of the (pre, post) table.

    Parameters
    ----------
    blocks
        Cells in ascending order, numbered row by row, some at a time.
    n_pre, n_post
        Numbers of neurons on both sides.
    without_self
        The table has no diagonal: its rows are shorter by one.
    """
    n_columns = row_length(n_post, without_self)
    many = n_pre > _MOST_COUNTED
    counts = np.zeros(0 if many else n_pre + 1, dtype=np.int64)
    targets, sources = _Growing(), _Growing()
    for cells in blocks:
        if not cells.size:
            continue
        rows = cells // n_columns
        columns = cells - rows * n_columns
        if without_self:
            columns += columns >= rows
        targets.add(index_column(columns, "neurons"))
        if many:
            sources.add(index_column(rows, "neurons"))
        else:
            first, last = int(rows[0]), int(rows[-1])
            counts[first + 1 : last + 2] += np.bincount(rows - first)
    return sources.whole() if many else Ascending(np.cumsum(counts, out=counts)), targets.whole()


class _Growing:
    """A column that becomes longer: one piece of memory, which the system moves without a copy where it is large."""

    def __init__(self) -> None:
        self._column, self._size = np.empty(0, dtype=np.int32), 0

    def add(self, values: NDArray[np.int32]) -> None:
        """Add values at the end."""
        end = self._size + values.size
        if end > self._column.size:
            self._column.resize(end + end // 8, refcheck=False)
        self._column[self._size : end] = values
        self._size = end

    def whole(self) -> NDArray[np.int32]:
        """Return all values."""
        self._column.resize(self._size, refcheck=False)
        return self._column


def in_blocks(cells: Indices) -> Iterator[Indices]:
    """Yield cells some at a time; let go of all of them after the last."""
    for part in edge_blocks(cells.size):
        yield cells[part]


def numbered(n_cells: int) -> Iterator[Indices]:
    """Yield 0 .. n_cells - 1, some at a time."""
    return (np.arange(part.start, part.stop) for part in edge_blocks(n_cells))


def cells_with_probability(n_cells: int, p: float, stream: Stream) -> Iterator[Indices]:
    """Choose each of 0 .. n_cells - 1 with probability p; draw i of the stream is the gap before the i-th chosen.

    Yields those chosen in ascending order, some at a time.
    """
    if p == 0 or n_cells == 0:
        return
    if p == 1:
        yield from numbered(n_cells)
        return
    rate = -math.log1p(-p)
    past_end = math.nextafter(n_cells, math.inf)  # float(n_cells) alone may be rounded down, to a cell that exists
    # The sum of a chunk's gaps, each at most past_end, stays below 2**63.
    n_draws = max(1, min(_CHUNK, 64 + int(1.1 * p * n_cells), 2**61 // n_cells))
    last, n_drawn = -1, 0
    while last < n_cells:
        with np.errstate(over="ignore"):  # a tiny p: the gap is infinite, which is past the end
            gaps = np.minimum(stream.exponential(n_draws, offset=n_drawn) / rate, past_end).astype(np.int64)
        chosen = last + np.cumsum(gaps + 1)
        last, n_drawn = int(chosen[-1]), n_drawn + n_draws
        yield chosen if last < n_cells else chosen[: np.searchsorted(chosen, n_cells)]


def partners(n: int, n_partners: int, k: int, stream: Stream, *, distinct: bool) -> Iterator[Indices]:
    """Choose k of n_partners for each of n neurons: yield neuron * n_partners + partner, ascending, some at a time."""
    if not k:
        return
    n_drawn = min(k, n_partners - k)  # where more than half is chosen, draw those left out
    n_at_once = max(1, _CHUNK // k)
    for first in range(0, n, n_at_once):
        count = min(n_at_once, n - first)
        if not distinct:
            keys = np.repeat(np.arange(count), k) * n_partners + stream.integers(n_partners, count * k, first * k)
            keys.sort()
        else:
            keys = _distinct_keys(first, count, n_partners, n_drawn, stream)
            if n_drawn < k:
                kept = np.ones(count * n_partners, dtype=bool)
                kept[keys] = False
                keys = np.flatnonzero(kept)
        yield keys + first * n_partners


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


def repeated_cells(n_rows: int, n_columns: int, n: int, rows: Stream, columns: Stream) -> Indices:
    """Draw n cells of a table with replacement, each side from its stream; returns them sorted, row by row."""
    cells = rows.integers(n_rows, n)
    cells *= n_columns
    for part in edge_blocks(n):
        cells[part] += columns.integers(n_columns, part.stop - part.start, part.start)
    cells.sort()
    return cells


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
        new = repeated_cells(n_rows, n_columns, n_drawn - cells.size, draws.child("row"), draws.child("column"))
        cells = np.concatenate([cells, new]) if cells.size else new
        del new
        cells.sort(kind="stable")  # merges two sorted runs in linear time
        different = np.ones(cells.size, dtype=bool)
        np.not_equal(cells[1:], cells[:-1], out=different[1:])
        cells = cells[different]
        n_rounds += 1
    if n_drawn == n:
        return cells
    kept = np.ones(n_cells, dtype=bool)
    kept[cells] = False
    return np.flatnonzero(kept)
