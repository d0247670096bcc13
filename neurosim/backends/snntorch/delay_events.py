r"""Delayed sums of spikes, in compiled loops over the spikes of each neuron.

An edge adds to the rows (post, time * trial) at each spike of its neuron, at the spike's place plus an offset:
:math:`w (1 - r)` there, from the near tap, and :math:`w r` a step later, from the far one. Both go to one place here:
two numbers side by side, which are read, added to and written as one; when all edges of a neuron are done, the second
ones are added a step later. On the way back the gradients of both taps stand side by side in the same way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.registers import (
    first_of,
    full_pair,
    load_pair,
    pair,
    plus,
    plus_product,
    second_of,
    store,
)
from neurosim.backends.snntorch.threads import kept_on_disk
from neurosim.backends.snntorch.turning import turn
from neurosim.backends.snntorch.vectors import LANES, eight_not_zero, first_bit, not_zero

Array = NDArray[Any]
#: Rows that are turned over together: a cache line of float32.
GROUP = 16


@kept_on_disk()
def count_spikes(first: int, last: int, train: Array, counts: Array) -> None:
    """Write how many numbers of each column of `train` (time * trial, neuron) are not 0."""
    found = counts[first:last]
    found[:] = 0
    for row in range(train.shape[0]):
        line = train[row, first:last]
        for column in range(last - first):
            found[column] += line[column] != 0


@kept_on_disk()
def list_spikes(
    first: int, last: int, train: Array, batch: int, start: Array, table: Array, position: Array, value: Array
) -> None:
    """Write the spikes of each neuron: where they stand, ``step * batch + trial``, and what.

    In `table` (neuron, time + 1) goes the first spike of each neuron at a step or after it.
    """
    n = train.shape[1]
    numbers, free = train.reshape(-1), start[first:last].copy()
    for row in range(train.shape[0]):
        if row % batch == 0:
            for index in range(last - first):
                table[first + index, row // batch] = free[index]
        column = first
        while column < last:
            place, left = row * n + column, last - column
            if left >= LANES:
                bits, count = not_zero(numbers, place), LANES
            elif left >= 8:
                bits, count = eight_not_zero(numbers, place), 8
            else:
                bits, count = np.uint64(numbers[place] != 0), 1
            while bits:
                found = column + first_bit(bits)
                bits &= bits - np.uint64(1)
                index = free[found - first]
                position[index], value[index] = row, numbers[row * n + found]
                free[found - first] = index + 1
            column += count
    for index in range(last - first):
        table[first + index, -1] = free[index]


@kept_on_disk()
def taps_of(delay: Any, bounds: Array) -> Any:
    """Return the whole steps of a delay and the rest, both as `bounds` are: what whole steps and delays are at most."""
    if not delay > 0:  # what is no number is one in the rest
        return bounds[1] * 0, delay * 0
    seen = min(delay, bounds[1])
    whole = min(np.floor(seen), bounds[0])
    return whole, seen - whole


@kept_on_disk()
def _runs(
    post: int, starts: Array, edges: Array, pre: Array, weight: Array, delay: Array, bounds: Array, table: Array,
    steps: int, batch: int, run: Array, amount: Array,
) -> Any:  # fmt: skip
    """Write of each edge of a neuron the spikes in time, from and to, their offset, and its taps; return how many."""
    one = weight.dtype.type(1)  # a whole number would make all of it float64
    count = starts[post + 1] - starts[post]
    for index in range(count):
        edge = edges[starts[post] + index]
        whole, part = taps_of(delay[edge], bounds)
        step, times = np.int64(bounds[1] - whole), table[pre[edge]]
        run[index, 0], run[index, 1] = times[max(step - 1, 0)], times[step + steps]
        run[index, 2] = (step - 1) * batch
        amount[index, 0], amount[index, 1] = weight[edge] * (one - part), weight[edge] * part
    return count


@kept_on_disk()
def most_edges(first: int, last: int, starts: Array) -> int:
    """Return how many edges a neuron has at most."""
    found = 0
    for neuron in range(first, last):
        found = max(found, starts[neuron + 1] - starts[neuron])
    return found


@kept_on_disk(fastmath={"contract"})
def add_events(
    first: int, last: int, y: Array, starts: Array, edges: Array, pre: Array, weight: Array, delay: Array,
    bounds: Array, table: Array, position: Array, value: Any, batch: int,
) -> None:  # fmt: skip
    """Write to the columns of `y` (time * trial, post) what the spikes of their edges bring.

    Where `value` is ``None`` every spike is a 1.
    """
    length, n_post = y.shape
    most = most_edges(first, last, starts)
    run, amount = np.empty((most, 3), np.int64), np.empty((most, 2), y.dtype)
    pairs = np.empty(2 * (length + batch), y.dtype)  # the near taps of the step before the first are never read
    rows = np.empty(GROUP * length, y.dtype)
    begin = first
    while begin < last:
        end = min(begin + GROUP, last)
        for post in range(begin, end):
            pairs[:] = 0
            count = _runs(post, starts, edges, pre, weight, delay, bounds, table, length // batch, batch, run, amount)
            for index in range(count):
                both, offset = pair(amount[index, 0], amount[index, 1]), run[index, 2]
                for event in range(np.uint64(run[index, 0]), np.uint64(run[index, 1])):
                    at = np.uint64(2 * (position[event] - offset))
                    if value is None:
                        store(pairs, at, plus(load_pair(pairs, at), both))
                    else:
                        store(pairs, at, plus_product(load_pair(pairs, at), both, full_pair(value[event])))
            row = rows[(post - begin) * length : (post - begin + 1) * length]
            for place in range(length):
                row[place] = pairs[2 * (place + batch)] + pairs[2 * place + 1]
        turn(rows, np.int64(0), length, end - begin, length, y.reshape(-1), begin, n_post)
        begin = end


@kept_on_disk(fastmath={"contract"})
def edge_gradients_of_events(
    first: int, last: int, g: Array, starts: Array, edges: Array, pre: Array, weight: Array, delay: Array,
    bounds: Array, table: Array, position: Array, value: Any, batch: int, d_weight: Array, d_delay: Array,
) -> None:  # fmt: skip
    """Write the gradients of weights and delays, (edge,), from rows `g` (post, time * trial), at spikes.

    Where `value` is ``None`` every spike is a 1.
    """
    length = g.shape[1]
    most = most_edges(first, last, starts)
    run, found = np.empty((most, 3), np.int64), np.empty((most, 2), g.dtype)
    pairs = np.zeros(2 * (length + batch), g.dtype)
    zero = g.dtype.type(0)
    one, two, three, four = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    for post in range(first, last):
        row = g[post]
        for place in range(length):
            pairs[2 * (place + batch)] = pairs[2 * place + 1] = row[place]
        count = _runs(post, starts, edges, pre, weight, delay, bounds, table, length // batch, batch, run, found)
        for index in range(count):
            offset = run[index, 2]
            event, end = np.uint64(run[index, 0]), np.uint64(run[index, 1])
            sum_0 = sum_1 = sum_2 = sum_3 = pair(zero, zero)  # four sums that do not wait for each other
            while event + four <= end:
                at_0 = load_pair(pairs, np.uint64(2 * (position[event] - offset)))
                at_1 = load_pair(pairs, np.uint64(2 * (position[event + one] - offset)))
                at_2 = load_pair(pairs, np.uint64(2 * (position[event + two] - offset)))
                at_3 = load_pair(pairs, np.uint64(2 * (position[event + three] - offset)))
                if value is None:
                    sum_0, sum_1, sum_2, sum_3 = (
                        plus(sum_0, at_0),
                        plus(sum_1, at_1),
                        plus(sum_2, at_2),
                        plus(sum_3, at_3),
                    )
                else:
                    sum_0 = plus_product(sum_0, at_0, full_pair(value[event]))
                    sum_1 = plus_product(sum_1, at_1, full_pair(value[event + one]))
                    sum_2 = plus_product(sum_2, at_2, full_pair(value[event + two]))
                    sum_3 = plus_product(sum_3, at_3, full_pair(value[event + three]))
                event += four
            while event < end:
                at_0 = load_pair(pairs, np.uint64(2 * (position[event] - offset)))
                sum_0 = plus(sum_0, at_0) if value is None else plus_product(sum_0, at_0, full_pair(value[event]))
                event += one
            both = plus(plus(sum_0, sum_1), plus(sum_2, sum_3))
            found[index, 0], found[index, 1] = first_of(both), second_of(both)
        for index in range(count):
            edge = edges[starts[post] + index]
            _, part = taps_of(delay[edge], bounds)
            slope = found[index, 1] - found[index, 0]
            d_weight[edge], d_delay[edge] = found[index, 0] + part * slope, weight[edge] * slope
