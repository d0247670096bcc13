"""Where the rows of an array are not 0: spikes as lists, in compiled loops."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.bits import count_bits, find_bits, note_rows, take_values
from neurosim.backends.snntorch.threads import in_parts
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
    bits = workspace.empty((len(rows), (rows.shape[1] + 7) // 8), np.uint8)
    counts = np.empty((len(rows), 2), np.int64)
    in_parts(note_rows, len(rows), threads, rows, bits, counts)
    total, others = counts.sum(0)
    if total > at_most * rows.size:
        return None
    events = _listed(bits, counts[:, 0], rows.dtype, threads, workspace)
    if others:
        in_parts(take_values, len(rows), threads, rows, *events.arrays)
    return events


def events_of_bits(bits: Array, dtype: Any, threads: int, workspace: Workspace) -> RowEvents:
    """Return the events of an array that is kept as bits; each has the value 1.

    Parameters
    ----------
    bits
        (row, byte), 8 columns to a byte, the first lowest.
    dtype
        Of the values.
    threads
        How many share the work.
    workspace
        Lends the arrays.
    """
    counts = np.empty(len(bits), np.int64)
    in_parts(count_bits, len(bits), threads, bits, counts)
    return _listed(bits, counts, dtype, threads, workspace)


def _listed(bits: Array, counts: Array, dtype: Any, threads: int, workspace: Workspace) -> RowEvents:
    start = np.zeros(len(bits) + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    column, value = (workspace.empty((int(start[-1]),), kind) for kind in (np.int32, dtype))
    value.fill(1)
    in_parts(find_bits, len(bits), threads, bits, start, column)
    return RowEvents(start, column, value)
