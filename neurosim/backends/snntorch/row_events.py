"""Where the rows of an array are not 0: spikes as lists, in compiled loops."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.threads import in_parts, kept_on_disk
from neurosim.backends.snntorch.workspace import Workspace
from neurosim.program.frozen import Frozen

Array = NDArray[Any]
#: Parts of the rows whose events are sorted side by side.
BLOCKS = 8


class RowEvents(Frozen):
    """The numbers of each row that are not 0.

    Parameters
    ----------
    start
        Where the events of each row begin, (row + 1,).
    column
        Of each event, ascending within a row, (event,).
    value
        What stands there, (event,).
    felt
        Whose gradient is needed, as bits, (row, byte), whether there is an event or not; ``None`` for all.
    """

    def __init__(self, start: Array, column: Array, value: Array, felt: Array | None = None) -> None:
        self.start, self.column, self.value, self.felt = start, column, value, felt

    @property
    def arrays(self) -> tuple[Array, Array, Array]:
        """The three arrays, as the loops take them."""
        return self.start, self.column, self.value

    def by_column(self, columns: int, threads: int, workspace: Workspace) -> RowEvents:
        """Return the events of each column, in the order of the rows; their `column` is then the row.

        Parameters
        ----------
        columns
            How many there are.
        threads
            How many share the work.
        workspace
            Lends the arrays.
        """
        from neurosim.backends.snntorch.sparse_kernel import count_by_column, sort_by_column

        edges = np.linspace(0, len(self.start) - 1, BLOCKS + 1).astype(np.int64)
        counts = np.empty((BLOCKS, columns), np.int64)
        in_parts(count_by_column, BLOCKS, threads, edges, self.start, self.column, counts)
        starts = np.concatenate([[0], np.cumsum(counts.sum(0))])
        places = starts[:-1] + np.cumsum(counts, axis=0) - counts
        found = RowEvents(starts, workspace.like(self.column), workspace.like(self.value))
        in_parts(sort_by_column, BLOCKS, threads, edges, *self.arrays, places, found.column, found.value)
        return found


def find_row_events(rows: Array, at_most: float, threads: int, workspace: Workspace) -> RowEvents | None:
    """Return the events of an array, or ``None`` where they are more than a part of all its numbers.

    Parameters
    ----------
    rows
        (row, column), contiguous.
    at_most
        The part.
    threads
        How many share the work.
    workspace
        Lends the arrays.
    """
    start = np.zeros(len(rows) + 1, np.int64)
    in_parts(count_events, len(rows), threads, rows, start[1:])
    np.cumsum(start, out=start)
    if start[-1] > at_most * rows.size:
        return None
    events = RowEvents(
        start, workspace.empty((int(start[-1]),), np.int32), workspace.empty((int(start[-1]),), rows.dtype)
    )
    in_parts(find_events, len(rows), threads, rows, *events.arrays)
    return events


def events_of_bits(bits: Array, columns: int, dtype: Any, threads: int, workspace: Workspace) -> RowEvents:
    """Return the events of an array that is kept as bits; each has the value 1.

    Parameters
    ----------
    bits
        (row, byte), 8 columns to a byte, the first lowest.
    columns
        How many there are.
    dtype
        Of the values.
    threads
        How many share the work.
    workspace
        Lends the arrays.
    """
    start = np.zeros(len(bits) + 1, np.int64)
    in_parts(count_bits, len(bits), threads, bits, start[1:])
    np.cumsum(start, out=start)
    column, value = (workspace.empty((int(start[-1]),), kind) for kind in (np.int32, dtype))
    value.fill(1)
    in_parts(find_bits, len(bits), threads, bits, columns, start, column)
    return RowEvents(start, column, value)


@kept_on_disk()
def count_bits(first: int, last: int, bits: Array, counts: Array) -> None:
    """Write how many bits of each row are set, (row,)."""
    for row in range(first, last):
        found = np.int64(0)
        for byte in range(bits.shape[1]):
            word = np.int64(bits[row, byte])
            pairs = word - ((word >> 1) & 0x55)
            fours = (pairs & 0x33) + ((pairs >> 2) & 0x33)
            found += (fours + (fours >> 4)) & 0x0F
        counts[row] = found


@kept_on_disk()
def find_bits(first: int, last: int, bits: Array, columns: int, start: Array, column: Array) -> None:
    """Write the columns of the bits that are set in each row."""
    where = np.empty(columns + 8, np.int32)
    for row in range(first, last):
        found, place = np.int64(0), start[row]
        for byte in range(bits.shape[1]):
            word = np.int64(bits[row, byte])
            for bit in range(8):
                where[found] = 8 * byte + bit
                found += (word >> bit) & 1
        for index in range(found):
            column[place + index] = where[index]


@kept_on_disk()
def count_events(first: int, last: int, x: Array, counts: Array) -> None:
    """Write how many numbers of each row are not 0, (row,)."""
    for row in range(first, last):
        found = 0
        for column in range(x.shape[1]):
            found += x[row, column] != 0
        counts[row] = found


@kept_on_disk()
def find_events(first: int, last: int, x: Array, start: Array, column: Array, value: Array) -> None:
    """Write the events of each row."""
    n = x.shape[1]
    where = np.empty(n + 1, np.int32)
    for row in range(first, last):
        line, found, place = x[row], 0, start[row]
        for candidate in range(n):  # every one is written, and stays if it counts: a branch would be guessed wrongly
            where[found] = candidate
            found += line[candidate] != 0
        for index in range(found):
            column[place + index] = where[index]
            value[place + index] = line[where[index]]
