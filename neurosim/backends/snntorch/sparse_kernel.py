"""A weight matrix times spikes in compiled loops: only the rows of inputs that are active are touched.

A sum stays in registers while rows are added to it, one after the other, so that every sum keeps its order: that of the
events. No result depends on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.bits import list_bits, list_word, turned_square
from neurosim.backends.snntorch.threads import kept_on_disk
from neurosim.backends.snntorch.vectors import (
    LANES,
    ROOM,
    line_sums,
    quarter_line_sums,
    quarter_weighted_line_sums,
    small_line_sums,
    small_weighted_line_sums,
    weighted_line_sums,
)

Array = NDArray[Any]
#: Bytes of the lines that are added together, column after column: a part of the processor's second cache.
KEPT = 2**18


@kept_on_disk(forceinline=True)
def add_lines(total: Array, more: bool, events: Array, count: int, lines: Array) -> None:
    """Write the sum of the lines of `lines` (line, column) that some events name, one after another.

    It goes on from what stands in `total` if there is `more` to come to it, and else begins with 0.
    """
    width, place = total.shape[0], 0
    room = ROOM // total.itemsize
    while place + room <= width:
        line_sums(total, place, more, 0, count, events, lines)
        place += room
    while place + room // 4 <= width:
        quarter_line_sums(total, place, more, 0, count, events, lines)
        place += room // 4
    while place + room // 16 <= width:
        small_line_sums(total, place, more, 0, count, events, lines)
        place += room // 16
    for column in range(place, width):
        found = total[column] if more else total.dtype.type(0)
        for event in range(count):
            found += lines[events[event], column]
        total[column] = found


@kept_on_disk(forceinline=True)
def add_weighted_lines(total: Array, more: bool, events: Array, factors: Array, count: int, lines: Array) -> None:
    """Do the same with a factor for each event."""
    width, place = total.shape[0], 0
    room = ROOM // total.itemsize
    while place + room <= width:
        weighted_line_sums(total, place, more, 0, count, events, lines, factors)
        place += room
    while place + room // 4 <= width:
        quarter_weighted_line_sums(total, place, more, 0, count, events, lines, factors)
        place += room // 4
    while place + room // 16 <= width:
        small_weighted_line_sums(total, place, more, 0, count, events, lines, factors)
        place += room // 16
    for column in range(place, width):
        found = total[column] if more else total.dtype.type(0)
        for event in range(count):
            found += factors[event] * lines[events[event], column]
        total[column] = found


@kept_on_disk(forceinline=True)
def add_row(total: Array, bits: Array, row: int, numbers: Array, lines: Array, places: Array, factors: Array) -> None:
    """Write the sum of the lines that the bits of a row name, one after another.

    Parameters
    ----------
    total
        The sum, (column,).
    bits
        (row, byte).
    row
        Which one.
    numbers
        What the lines are multiplied by, (row, line); without rows, 1.
    lines
        (line, column).
    places, factors
        Room for all lines, and for three more.
    """
    found = list_bits(bits[row], places)
    if numbers.shape[0] == 0:
        add_lines(total, False, places, found, lines)
    else:
        for event in range(found):
            factors[event] = numbers[row, places[event]]
        add_weighted_lines(total, False, places, factors, found, lines)


@kept_on_disk()
def sums_of_rows(first: int, last: int, y: Array, bits: Array, numbers: Array, lines: Array) -> None:
    """Write to each row of `y` (row, column) the sum of the `lines` (line, column) that its bits name."""
    places, factors = np.empty(8 * bits.shape[1] + 3, np.int32), np.empty(8 * bits.shape[1] + 3, y.dtype)
    for row in range(first, last):
        add_row(y[row], bits, row, numbers, lines, places, factors)


@kept_on_disk()
def sums_by_column(first: int, last: int, sums: Array, bits: Array, rows: Array, g: Array) -> None:
    """Write for each column the sum of the lines of `g` (row, post) in whose rows its bit is set, (column, post).

    Parameters
    ----------
    first, last
        Columns.
    sums
        The result.
    bits
        Of each row, (row, byte).
    rows
        What the lines are multiplied by, (row, column); without rows, 1.
    g
        The lines. As many are taken together as stay in the processor's second cache; the next go on from these sums.
    """
    together = max(KEPT // max(g.shape[1] * g.itemsize, 1) // LANES, 1)
    squares = np.empty((together, LANES), np.uint64)
    places = np.empty(together * LANES + 3, np.int32)
    factors = np.empty(together * LANES, g.dtype)
    for column in range(first, last):
        sums[column] = 0
    words = (bits.shape[0] + LANES - 1) // LANES
    for low in range(0, words, together):
        count = min(together, words - low)
        for place in range(first // LANES, (last + LANES - 1) // LANES):
            for word in range(count):
                turned_square(bits, low + word, place, squares[word])
            for column in range(max(first, place * LANES), min(last, (place + 1) * LANES)):
                found = 0
                for word in range(count):
                    found = list_word(squares[word, column % LANES], LANES * (low + word), places, found)
                if rows.shape[0] == 0:
                    add_lines(sums[column], True, places, found, g)
                else:
                    for event in range(found):
                        factors[event] = rows[places[event], column]
                    add_weighted_lines(sums[column], True, places, factors, found, g)


@kept_on_disk(fastmath={"contract", "reassoc", "nsz"})
def add_felt_products(y: Array, row: Array, felt: Array, lines: Array) -> None:
    """Add to `y` (line,) the products of a `row` with those of the `lines` (line, column) that bits in `felt` name."""
    width = row.shape[0]
    where = np.empty(y.shape[0] + 3, np.int32)
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
