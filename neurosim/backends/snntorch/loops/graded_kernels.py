"""Matrix products of the graded stage: few rows at a time, every sum in the order of the matrix's lines."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from neurosim.backends.snntorch.threads import in_parts, kept_on_disk

Array = NDArray[Any]
#: Of the text of these functions (see :mod:`neurosim.backends.snntorch.loops.kernels`).
DIGEST = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:24]
#: Lines of a matrix of gradients that are one piece of work, whatever the number of threads.
PIECE = 32


@kept_on_disk()
def products(total: Array, y: Array, low: int, high: int, matrix: Array) -> None:
    """Write ``y @ matrix`` to `total`, (row, post): `y` (batch, pre) from row `low` to `high`.

    Every product is rounded before it is added, as where edges are added one by one.
    """
    count, (depth, width) = high - low, matrix.shape
    total[:count] = 0
    place = 0
    while place + 4 <= count:
        y0, y1, y2, y3 = total[place], total[place + 1], total[place + 2], total[place + 3]
        r0, r1, r2, r3 = y[low + place], y[low + place + 1], y[low + place + 2], y[low + place + 3]
        for k in range(0, depth - 1, 2):
            m0, m1 = matrix[k], matrix[k + 1]
            a0, a1, b0, b1 = r0[k], r0[k + 1], r1[k], r1[k + 1]
            c0, c1, d0, d1 = r2[k], r2[k + 1], r3[k], r3[k + 1]
            for column in range(width):
                x0, x1 = m0[column], m1[column]
                y0[column] = y0[column] + a0 * x0 + a1 * x1
                y1[column] = y1[column] + b0 * x0 + b1 * x1
                y2[column] = y2[column] + c0 * x0 + c1 * x1
                y3[column] = y3[column] + d0 * x0 + d1 * x1
        place += 4
    for row in range(place):
        line = total[row]
        for k in range(depth - depth % 2, depth):
            factor, m0 = y[low + row, k], matrix[k]
            for column in range(width):
                line[column] = line[column] + factor * m0[column]
    for row in range(place, count):
        line = total[row]
        for k in range(depth):
            factor, m0 = y[low + row, k], matrix[k]
            for column in range(width):
                line[column] = line[column] + factor * m0[column]


def outer_products(g: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return ``g.T @ y`` of g (row, post) and y (row, pre), the same for every number of threads.

    Each piece of the result is one product on one thread.
    """
    found = torch.empty((g.shape[1], y.shape[1]), dtype=g.dtype)

    def piece(first: int, last: int) -> None:
        for number in range(first, last):
            lines = slice(number * PIECE, (number + 1) * PIECE)
            torch.mm(g[:, lines].T, y, out=found[lines])

    in_parts(piece, -(-g.shape[1] // PIECE), torch.get_num_threads())
    return found
