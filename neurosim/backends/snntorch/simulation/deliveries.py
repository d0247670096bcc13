"""Operations that deliver spikes: row after row, in the order of emission, then neuron, then edge."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.backends.snntorch.simulation.operating import ALL, FIELDS, carray, compiled_function
from neurosim.backends.snntorch.simulation.pointers import at_address, bits_as_float, prefetch

#: Edges whose places are on a line of the cache.
LINE = 16


def _add(memory: Any, slots: Any, first: int, last: int, offset: int, weight: float, ahead: int) -> None:
    whole = first + (last - first) // LINE * LINE
    for begin in range(first, whole, LINE):
        prefetch(ahead + 4 * (begin - first))
        for edge in range(begin, begin + LINE):
            memory[np.uint64(slots[edge]) + np.uint64(offset)] += weight
    for edge in range(whole, last):
        memory[np.uint64(slots[edge]) + np.uint64(offset)] += weight


def _add_weighted(
    memory: Any, slots: Any, weights: Any, first: int, last: int, offset: int, ahead: int, weights_ahead: int
) -> None:
    whole = first + (last - first) // LINE * LINE
    for begin in range(first, whole, LINE):
        prefetch(ahead + 4 * (begin - first))
        prefetch(weights_ahead + 8 * (begin - first))
        prefetch(weights_ahead + 8 * (begin - first + LINE // 2))
        for edge in range(begin, begin + LINE):
            memory[np.uint64(slots[edge]) + np.uint64(offset)] += weights[edge]
    for edge in range(whole, last):
        memory[np.uint64(slots[edge]) + np.uint64(offset)] += weights[edge]


def _add_masked(
    memory: Any, slots: Any, weights: Any, first: int, last: int, offset: int, active: int, weight: float, own: bool
) -> None:
    for edge in range(first, last):
        slot = np.uint64(slots[edge])
        if memory[slot + np.uint64(active)] != 0.0:
            memory[slot + np.uint64(offset)] += weights[edge] if own else weight


def _one_row(op: Any, memory: Any, slots: Any, weights: Any, first: int, last: int, plain: bool, later: int) -> None:
    """Add a row, or a part of it, and ask for what is read next: the edges from `later` on."""
    offset, active, own, ahead = op[10], op[11], op[8] != 0, op[7] + 4 * later
    if active >= 0 and not plain:
        add_masked(memory, slots, weights, first, last, offset, active, bits_as_float(op[9]), own)
    elif own:
        add_weighted(memory, slots, weights, first, last, offset, ahead, op[8] + 8 * later)
    else:
        add(memory, slots, first, last, offset, bits_as_float(op[9]), ahead)


def _guard(op: Any, memory: Any, after: int) -> None:
    """Keep the values of a variable, and afterwards put those of neurons that rest back."""
    n, base, stride, width = op[18], op[16], op[19], op[20]
    kept = carray(at_address(op[17]), n, np.float64)
    for block in range((n + width - 1) // width):
        place, begin = base + block * stride, block * width
        values, old = memory[place + op[10] : place + op[10] + width], kept[begin : begin + width]
        active = memory[place + op[11] : place + op[11] + width]
        if after:
            for lane in range(old.size):
                new = values[lane]
                values[lane] = new if active[lane] != 0.0 else old[lane]
        else:
            for lane in range(old.size):
                old[lane] = values[lane]


def _add_everywhere(op: Any, memory: Any, weights: Any, spikes: Any) -> None:
    """Add rows that reach every neuron once, four at a time, so that several are on their way from memory."""
    base, n, stride, width, offset, own = op[16], op[18], op[19], op[20], op[10], op[8] != 0
    apart, origin, weight = op[22], op[23], bits_as_float(op[9])
    for block in range((n + width - 1) // width):
        place, begin = base + block * stride + offset, block * width
        values = memory[place : place + min(width, n - begin)]
        first = 0
        while own and first + 4 <= spikes.size:
            start = origin + begin
            one, two = weights[spikes[first] * apart + start :], weights[spikes[first + 1] * apart + start :]
            three, four = weights[spikes[first + 2] * apart + start :], weights[spikes[first + 3] * apart + start :]
            for lane in range(values.size):
                values[lane] = values[lane] + one[lane] + two[lane] + three[lane] + four[lane]
            first += 4
        for index in range(first, spikes.size):
            if own:
                row = weights[spikes[index] * apart + origin + begin :]
                for lane in range(values.size):
                    values[lane] += row[lane]
            else:
                for lane in range(values.size):
                    values[lane] += weight


add, add_weighted, add_masked = (compiled_function(item) for item in (_add, _add_weighted, _add_masked))
one_row, guard, add_everywhere = (compiled_function(item) for item in (_one_row, _guard, _add_everywhere))


def deliver(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Deliver what was emitted one delay ago."""
    op, memory = carray(line, FIELDS), carray(home, ALL)
    n_pre, edges = op[12], op[13]
    spikes = carray(at_address(op[1]), op[2], np.int32)
    bounds = carray(at_address(op[3]), op[4], np.int64)
    starts, ends = carray(at_address(op[6]), n_pre, np.int64), carray(at_address(op[5]), n_pre, np.int64)
    slots = carray(at_address(op[7]), edges, np.uint32)
    weights = carray(at_address(op[8]), edges, np.float64)
    first, last = bounds[column - op[14]], bounds[column - op[14] + 1]
    if first == last:
        return
    # Where there is much to add, neurons that rest are put back afterwards, instead of being asked at each arrival.
    put_back = op[11] >= 0 and (op[15] != 0 or (last - first) * op[21] > n_pre * op[18])
    if put_back:
        guard(op, memory, 0)
    if op[15]:
        add_everywhere(op, memory, weights, spikes[first:last])
    else:
        for place in range(first, last):
            neuron, later = spikes[place], spikes[min(place + 1, last - 1)]
            one_row(op, memory, slots, weights, starts[neuron], ends[neuron], put_back, starts[later])
    if put_back:
        guard(op, memory, 1)


def deliver_late(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Deliver what arrives now where delays differ: each spike under way knows the edge and the step of its next.

    A spike is taken up when the first of the projection's edges could bring it: within a window it may not be known
    before.
    """
    op, memory = carray(line, FIELDS), carray(home, ALL)
    n_pre, edges = op[12], op[13]
    spikes = carray(at_address(op[1]), op[2], np.int32)
    bounds = carray(at_address(op[3]), op[4], np.int64)
    starts, ends = carray(at_address(op[6]), n_pre, np.int64), carray(at_address(op[5]), n_pre, np.int64)
    slots = carray(at_address(op[7]), edges, np.uint32)
    weights = carray(at_address(op[8]), edges, np.float64)
    delay = carray(at_address(op[15]), edges, np.uint16)
    reached = carray(at_address(op[16]), op[2], np.int64)
    due = carray(at_address(op[17]), op[2], np.int32)
    newest = column - op[18]
    for place in range(bounds[newest], bounds[newest + 1]):
        neuron = spikes[place]
        reached[place] = starts[neuron]
        more = starts[neuron] < ends[neuron]
        due[place] = newest + delay[starts[neuron]] if more else -1
    for place in range(bounds[column - op[14]], bounds[newest + 1]):
        if due[place] != column:
            continue
        edge = reached[place]
        last = ends[spikes[place]]
        age, end = delay[edge], edge + 1
        while end < last and delay[end] == age:
            end += 1
        one_row(op, memory, slots, weights, edge, end, False, end)
        reached[place] = end
        due[place] = column - age + delay[end] if end < last else -1


def _prime(op: Any, column: int, behind: int) -> None:
    """Find, for the spikes that are under way before a column, the edge and the column of their next arrival.

    `behind` is the address of where the rows end.
    """
    n_pre, edges = op[12], op[13]
    spikes = carray(at_address(op[1]), op[2], np.int32)
    bounds = carray(at_address(op[3]), op[4], np.int64)
    starts, ends = carray(at_address(op[6]), n_pre, np.int64), carray(at_address(behind), n_pre, np.int64)
    delay = carray(at_address(op[15]), edges, np.uint16)
    reached = carray(at_address(op[16]), op[2], np.int64)
    due = carray(at_address(op[17]), op[2], np.int32)
    for emitted in range(column):
        for place in range(bounds[emitted], bounds[emitted + 1]):
            neuron = spikes[place]
            edge, last = starts[neuron], ends[neuron]
            while edge < last and emitted + delay[edge] < column:
                edge += 1
            reached[place] = edge
            due[place] = emitted + delay[edge] if edge < last else -1


prime = compiled_function(_prime)
