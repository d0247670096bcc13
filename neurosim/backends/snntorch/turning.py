"""Arrays of (time * trial, neuron) as rows of (neuron, time * trial), and back, in compiled loops."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.registers import SQUARE, turn_square
from neurosim.backends.snntorch.threads import kept_on_disk

Array = NDArray[Any]
#: Columns that are read side by side: a cache line of float32.
_BESIDE = 2 * SQUARE


@kept_on_disk()
def turn(source: Array, place: int, stride: int, rows: int, columns: int, into: Array, there: int, step: int) -> None:
    """Write the columns of a part of one array as rows of another; both arrays are flat.

    Parameters
    ----------
    source, place, stride
        What is read: where its first row starts, and how far apart rows are.
    rows, columns
        Of what is read.
    into, there, step
        What is written: where its first row starts, and how far apart rows are.
    """
    size = np.uint64(stride)
    for left in range(0, columns, _BESIDE):
        right = min(left + _BESIDE, columns)
        top = 0
        while top + SQUARE <= rows:
            column = left
            while column + SQUARE <= right:
                turn_square(
                    source, np.uint64(place + top * stride + column), size,
                    into, np.uint64(there + column * step + top), np.uint64(step),
                )  # fmt: skip
                column += SQUARE
            for rest in range(column, right):
                for row in range(top, top + SQUARE):
                    into[there + rest * step + row] = source[place + row * stride + rest]
            top += SQUARE
        for row in range(top, rows):
            for column in range(left, right):
                into[there + column * step + row] = source[place + row * stride + column]
