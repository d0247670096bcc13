"""Where the rows of an array are not 0: spikes as bits and as lists, in compiled loops."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.bits import count_bits, find_bits, note_rows, take_values, turn_over
from neurosim.backends.snntorch.threads import in_parts
from neurosim.backends.snntorch.vectors import LANES
from neurosim.backends.snntorch.workspace import Workspace
from neurosim.program.frozen import Frozen

Array = NDArray[Any]
#: Bytes of bits that one thread has counted before another begins, which takes some 30 microseconds.
WORTH_SHARING = 2**19


@dataclass(frozen=True, eq=False)
class RowBits(Frozen):
    """Which numbers of each row are not 0: what the way back keeps.

    Parameters
    ----------
    bits
        (row, byte), 8 columns to a byte, the first lowest.
    columns
        How many there are.
    dtype
        Of the numbers.
    rows
        The numbers themselves, (row, column), where any of them is neither 0 nor 1.
    felt
        Whose gradient is needed, as bits, (row, byte), whether there is an event or not; ``None`` for all.
    """

    bits: Array
    columns: int
    dtype: Any
    rows: Array | None = None
    felt: Array | None = None

    @property
    def numbers(self) -> Array:
        """What stands there, (row, column); without rows where that is 1."""
        return np.empty((0, 0), self.dtype) if self.rows is None else self.rows

    def where_felt(self, felt: Array) -> RowBits:
        """Return the same rows of which only some numbers feel a gradient: bits, (row, byte)."""
        return replace(self, felt=felt)

    def by_column(self, threads: int, workspace: Workspace) -> RowBits:
        """Return the same with rows for columns: the numbers of each column that are not 0, which are 1.

        Parameters
        ----------
        threads
            How many share the work.
        workspace
            Lends an array.
        """
        turned = workspace.empty((-(-len(self.bits) // LANES), self.columns), np.uint64)
        in_parts(turn_over, len(turned), threads, self.bits, turned)
        return RowBits(np.ascontiguousarray(turned.T).view(np.uint8), len(self.bits), self.dtype)

    def listed(self, threads: int, workspace: Workspace) -> RowEvents:
        """Return the events as lists.

        Parameters
        ----------
        threads
            How many share the work.
        workspace
            Lends the arrays.
        """
        start = np.zeros(len(self.bits) + 1, np.int64)
        np.cumsum(count_of_rows(self.bits, threads), out=start[1:])
        column, value = (workspace.empty((int(start[-1]),), kind) for kind in (np.int32, self.dtype))
        in_parts(find_bits, len(self.bits), threads, self.bits, start, column)
        if self.rows is None:
            value.fill(1)
        else:
            in_parts(take_values, len(self.bits), threads, self.rows, start, column, value)
        return RowEvents(start, column, value)


class RowEvents(Frozen):
    """The numbers of each row that are not 0, as lists.

    Parameters
    ----------
    start
        Where the events of each row begin, (row + 1,).
    column
        Of each event, ascending within a row, (event,).
    value
        What stands there, (event,).
    """

    def __init__(self, start: Array, column: Array, value: Array) -> None:
        self.start, self.column, self.value = start, column, value

    @property
    def arrays(self) -> tuple[Array, Array, Array]:
        """The three arrays, as the loops take them."""
        return self.start, self.column, self.value


def count_of_rows(bits: Array, threads: int) -> Array:
    """Return how many bits of each row, (row, byte), are set, (row,).

    Parameters
    ----------
    bits
        The bits.
    threads
        How many share the work: none, where one is done before another begins.
    """
    counts = np.empty(len(bits), np.int64)
    in_parts(count_bits, len(bits), threads if bits.size >= WORTH_SHARING else 1, bits, counts)
    return counts


def find_row_bits(rows: Array, at_most: float, threads: int, workspace: Workspace) -> RowBits | None:
    """Return where an array is not 0, or ``None`` where that is more than a part of all its numbers.

    Parameters
    ----------
    rows
        (row, column), contiguous.
    at_most
        The part.
    threads
        How many share the work.
    workspace
        Lends the array.
    """
    bits = workspace.empty((len(rows), (rows.shape[1] + 7) // 8), np.uint8)
    counts = np.empty((2, len(rows)), np.int64)
    in_parts(note_rows, len(rows), threads, rows, bits, counts)
    total, others = counts.sum(1)
    if total > at_most * rows.size:
        return None
    return RowBits(bits, rows.shape[1], rows.dtype, rows if others else None)


def find_row_events(rows: Array, at_most: float, threads: int, workspace: Workspace) -> RowEvents | None:
    """Return the events of an array as lists, or ``None`` where they are more than a part of all its numbers.

    Parameters
    ----------
    rows, at_most, threads, workspace
        As in :func:`find_row_bits`.
    """
    found = find_row_bits(rows, at_most, threads, workspace)
    return None if found is None else found.listed(threads, workspace)
