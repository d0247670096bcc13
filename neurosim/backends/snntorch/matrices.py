"""Matrices of weights turned over in compiled loops: from neuron after neuron that receives to the one that sends."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.threads import in_parts, kept_on_disk
from neurosim.backends.snntorch.workspace import Workspace

Array = NDArray[Any]


def turned(matrix: Array, scale: float, threads: int, workspace: Workspace) -> Array:
    """Return ``scale * matrix.T``, contiguous.

    Parameters
    ----------
    matrix
        (row, column).
    scale
        What every number is multiplied by.
    threads
        How many share the work.
    workspace
        Lends the array.
    """
    rows, columns = matrix.shape
    found = workspace.empty((columns, rows), matrix.dtype)
    blocks = -(-columns // BLOCK)
    sharing = threads if matrix.size >= WORTH_SHARING else 1
    in_parts(turn, blocks, sharing, found, np.ascontiguousarray(matrix), matrix.dtype.type(scale))
    return found


#: Numbers of a row that are read one after another, each written to a line of its own.
BLOCK = 4
#: Numbers of a matrix that one thread has turned before another begins, which takes some 30 microseconds.
WORTH_SHARING = 2**17


@kept_on_disk()
def turn(first: int, last: int, found: Array, matrix: Array, scale: Any) -> None:
    """Write to `found` (column, row) some blocks of columns of `matrix` (row, column), multiplied by a number."""
    rows, columns = matrix.shape
    for block in range(first, last):
        low = block * BLOCK
        if low + BLOCK <= columns:
            a, b, c, d = found[low], found[low + 1], found[low + 2], found[low + 3]
            for row in range(rows):
                line = matrix[row]
                a[row], b[row] = line[low] * scale, line[low + 1] * scale
                c[row], d[row] = line[low + 2] * scale, line[low + 3] * scale
        else:
            for column in range(low, columns):
                for row in range(rows):
                    found[column, row] = matrix[row, column] * scale
