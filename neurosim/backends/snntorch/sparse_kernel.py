"""A weight matrix times spikes in compiled loops: only the rows of inputs that are active are touched.

A sum stays in registers while rows are added to it, one after the other, so that every sum keeps its order: that of the
events. No result depends on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.bits import list_bits
from neurosim.backends.snntorch.threads import kept_on_disk
from neurosim.backends.snntorch.vectors import (
    ROOM,
    quarter_weighted_line_sums,
    small_weighted_line_sums,
    weighted_line_sums,
)

Array = NDArray[Any]


@kept_on_disk()
def sum_of_lines(row: Array, first: int, last: int, index: Array, value: Array, lines: Array) -> None:
    """Write to `row` the sum of the `lines` (line, column) that some events name."""
    width, place = row.shape[0], 0
    room = ROOM // row.itemsize
    while place + room <= width:
        weighted_line_sums(row, place, False, first, last, index, lines, value)
        place += room
    while place + room // 4 <= width:
        quarter_weighted_line_sums(row, place, False, first, last, index, lines, value)
        place += room // 4
    while place + room // 16 <= width:
        small_weighted_line_sums(row, place, False, first, last, index, lines, value)
        place += room // 16
    for column in range(place, width):
        total = row.dtype.type(0)
        for event in range(first, last):
            total += value[event] * lines[index[event], column]
        row[column] = total


@kept_on_disk()
def sums_of_lines(first: int, last: int, y: Array, start: Array, index: Array, value: Array, lines: Array) -> None:
    """Write to each row of `y` (row, column) the sum of the `lines` (line, column) that its events name."""
    for place in range(first, last):
        sum_of_lines(y[place], start[place], start[place + 1], index, value, lines)


@kept_on_disk()
def count_by_column(first: int, last: int, edges: Array, start: Array, column: Array, counts: Array) -> None:
    """Write how many events of each block of rows lie in each column, (block, column); `edges` bounds the blocks."""
    for block in range(first, last):
        row = counts[block]
        row[:] = 0
        for event in range(start[edges[block]], start[edges[block + 1]]):
            row[column[event]] += 1


@kept_on_disk()
def sort_by_column(
    first: int, last: int, edges: Array, start: Array, column: Array, value: Array, places: Array, rows: Array,
    values: Array,
) -> None:  # fmt: skip
    """Write the row and value of every event, column after column, each in the order of the rows.

    ``places[block, column]`` is where the first one of a block goes; it is moved on.
    """
    for block in range(first, last):
        place = places[block]
        for row in range(edges[block], edges[block + 1]):
            for event in range(start[row], start[row + 1]):
                into = place[column[event]]
                rows[into] = row
                values[into] = value[event]
                place[column[event]] = into + 1


@kept_on_disk(fastmath={"contract", "reassoc", "nsz"})
def add_felt_products(y: Array, row: Array, felt: Array, lines: Array) -> None:
    """Add to `y` (line,) the products of a `row` with those of the `lines` (line, column) that bits in `felt` name."""
    width = row.shape[0]
    where = np.empty(y.shape[0], np.int32)
    found = list_bits(felt, where)
    event = 0
    while event + 4 <= found:
        a, b = lines[where[event]], lines[where[event + 1]]
        c, d = lines[where[event + 2]], lines[where[event + 3]]
        of_a = of_b = of_c = of_d = y.dtype.type(0)
        for column in range(width):
            factor = row[column]
            of_a += factor * a[column]
            of_b += factor * b[column]
            of_c += factor * c[column]
            of_d += factor * d[column]
        y[where[event]] += of_a
        y[where[event + 1]] += of_b
        y[where[event + 2]] += of_c
        y[where[event + 3]] += of_d
        event += 4
    while event < found:
        a, of_a = lines[where[event]], y.dtype.type(0)
        for column in range(width):
            of_a += row[column] * a[column]
        y[where[event]] += of_a
        event += 1


@kept_on_disk()
def felt_products(first: int, last: int, y: Array, rows: Array, felt: Array, lines: Array) -> None:
    """Write to `y` (row, line) the products of `rows` and `lines` that are felt, as bits (row, byte), and 0."""
    for place in range(first, last):
        y[place] = 0
        add_felt_products(y[place], rows[place], felt[place], lines)


@kept_on_disk(fastmath={"contract"})
def rows_times_matrix(first: int, last: int, y: Array, rows: Array, matrix: Array) -> None:
    """Write ``y = rows @ matrix``, (row, column), for matrices that stay in the processor's cache."""
    for low in range(first, last, 4):
        high = min(low + 4, last)
        for row in range(low, high):
            y[row] = 0
        add_rows_times_matrix(y[low:high], rows[low:high], matrix)


@kept_on_disk(fastmath={"contract"})
def add_rows_times_matrix(y: Array, rows: Array, matrix: Array) -> None:
    """Add ``rows @ matrix`` to `y`, (row, column), for few rows: four of them share what is read of the matrix."""
    count, (depth, width) = rows.shape[0], matrix.shape
    whole = depth - depth % 4
    place = 0
    while place < count:
        together = place + 4 <= count
        for k in range(0, whole, 4):
            m0, m1, m2, m3 = matrix[k], matrix[k + 1], matrix[k + 2], matrix[k + 3]
            y0, r0 = y[place], rows[place]
            a0, a1, a2, a3 = r0[k], r0[k + 1], r0[k + 2], r0[k + 3]
            if together:
                y1, y2, y3 = y[place + 1], y[place + 2], y[place + 3]
                r1, r2, r3 = rows[place + 1], rows[place + 2], rows[place + 3]
                b0, b1, b2, b3 = r1[k], r1[k + 1], r1[k + 2], r1[k + 3]
                c0, c1, c2, c3 = r2[k], r2[k + 1], r2[k + 2], r2[k + 3]
                d0, d1, d2, d3 = r3[k], r3[k + 1], r3[k + 2], r3[k + 3]
                for column in range(width):
                    x0, x1, x2, x3 = m0[column], m1[column], m2[column], m3[column]
                    y0[column] = y0[column] + a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
                    y1[column] = y1[column] + b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
                    y2[column] = y2[column] + c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
                    y3[column] = y3[column] + d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3
            else:
                for column in range(width):
                    y0[column] = y0[column] + a0 * m0[column] + a1 * m1[column] + a2 * m2[column] + a3 * m3[column]
        for row in range(place, place + 4 if together else place + 1):
            line = y[row]
            for k in range(whole, depth):
                factor, m0 = rows[row, k], matrix[k]
                for column in range(width):
                    line[column] = line[column] + factor * m0[column]
        place += 4 if together else 1
