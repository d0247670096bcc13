"""Operations that deliver spikes: row after row, in the order of emission, then neuron, then edge.

An operation is made for each way to deliver that a circuit needs. What it is made for is no variable in its text, so
that numba leaves everything else away before it begins: a circuit waits for the compilation of what it does, no longer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from neurosim.backends.snntorch.simulation.operating import ALL, FIELDS, carray, compiled_function, written_out
from neurosim.backends.snntorch.simulation.pointers import address_of, at_address, bits_as_float, prefetch
from neurosim.backends.snntorch.simulation.targets import LINE, place_of, places_of_line, shift_of


def _add(
    memory: Any, targets: Any, first: int, last: int, origin: int, shift: int, gap: int, weight: float, ahead: int
) -> None:
    whole, address = first + (last - first) // LINE * LINE, address_of(targets)
    for begin in range(first, whole, LINE):
        prefetch(ahead + 4 * (begin - first))
        places = carray(places_of_line(address + 4 * begin, shift, gap), LINE, np.uint32)
        for lane in range(LINE):
            memory[np.uint64(places[lane]) + np.uint64(origin)] += weight
    for edge in range(whole, last):
        memory[place_of(targets[edge], shift, gap) + np.uint64(origin)] += weight


def _add_weighted(
    memory: Any, targets: Any, weights: Any, first: int, last: int, origin: int, shift: int, gap: int, ahead: int,
    weights_ahead: int,
) -> None:  # fmt: skip
    whole, address = first + (last - first) // LINE * LINE, address_of(targets)
    for begin in range(first, whole, LINE):
        prefetch(ahead + 4 * (begin - first))
        prefetch(weights_ahead + 8 * (begin - first))
        prefetch(weights_ahead + 8 * (begin - first + LINE // 2))
        places = carray(places_of_line(address + 4 * begin, shift, gap), LINE, np.uint32)
        for lane in range(LINE):
            memory[np.uint64(places[lane]) + np.uint64(origin)] += weights[begin + lane]
    for edge in range(whole, last):
        memory[place_of(targets[edge], shift, gap) + np.uint64(origin)] += weights[edge]


def _add_masked(
    memory: Any, targets: Any, weights: Any, first: int, last: int, origin: int, active: int, shift: int, gap: int,
    weight: float, own: bool,
) -> None:  # fmt: skip
    for edge in range(first, last):
        place = place_of(targets[edge], shift, gap)
        if memory[place + np.uint64(active)] != 0.0:
            memory[place + np.uint64(origin)] += weights[edge] if own else weight


def _keep(op: Any, memory: Any) -> None:
    """Keep the values of a variable."""
    n, base, stride, width = op[18], op[16], op[19], op[20]
    kept = carray(at_address(op[17]), n, np.float64)
    for block in range((n + width - 1) // width):
        place, begin = base + block * stride + op[10], block * width
        values, old = memory[place : place + width], kept[begin : begin + width]
        for lane in range(old.size):
            old[lane] = values[lane]


def _put_back(op: Any, memory: Any) -> None:
    """Put back the values that were kept of neurons that rest."""
    n, base, stride, width = op[18], op[16], op[19], op[20]
    kept = carray(at_address(op[17]), n, np.float64)
    for block in range((n + width - 1) // width):
        place, begin = base + block * stride, block * width
        values, old = memory[place + op[10] : place + op[10] + width], kept[begin : begin + width]
        active = memory[place + op[11] : place + op[11] + width]
        for lane in range(old.size):
            new = values[lane]
            values[lane] = new if active[lane] != 0.0 else old[lane]


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


add, add_weighted, add_masked = (written_out(item) for item in (_add, _add_weighted, _add_masked))
keep, put_back, add_everywhere = (written_out(item) for item in (_keep, _put_back, _add_everywhere))


@cache
def deliver(*, own: bool, masked: bool, everywhere: bool) -> Callable[..., None]:
    """Return the operation that delivers what was emitted one delay ago.

    Parameters
    ----------
    own
        Whether each edge has a weight of its own.
    masked
        Whether neurons that rest are not reached.
    everywhere
        Whether every row reaches each neuron once.
    """

    def deliver(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
        op, memory = carray(line, FIELDS), carray(home, ALL)
        n_pre, edges = op[12], op[13]
        spikes = carray(at_address(op[1]), op[2], np.int32)
        bounds = carray(at_address(op[3]), op[4], np.int64)
        weights = carray(at_address(op[8]), edges, np.float64)
        first, last = bounds[column - op[14]], bounds[column - op[14] + 1]
        if first == last:
            return
        if everywhere:
            if masked:
                keep(op, memory)
            add_everywhere(op, memory, weights, spikes[first:last])
            if masked:
                put_back(op, memory)
            return
        starts, ends = carray(at_address(op[6]), n_pre, np.int64), carray(at_address(op[5]), n_pre, np.int64)
        targets = carray(at_address(op[7]), edges, np.uint32)
        shift, gap = shift_of(op[20]), op[19] - op[20]
        if masked:
            # Where there is much to add, neurons that rest are put back afterwards, not asked at each arrival.
            if (last - first) * op[21] <= n_pre * op[18]:
                for place in range(first, last):
                    neuron = spikes[place]
                    begin, end = starts[neuron], ends[neuron]
                    weight = bits_as_float(op[9])
                    add_masked(memory, targets, weights, begin, end, op[10], op[11], shift, gap, weight, own)
                return
            keep(op, memory)
        for place in range(first, last):
            neuron, next_one = spikes[place], spikes[min(place + 1, last - 1)]
            begin, end, later = starts[neuron], ends[neuron], starts[next_one]
            ahead = op[7] + 4 * later
            if own:
                add_weighted(memory, targets, weights, begin, end, op[10], shift, gap, ahead, op[8] + 8 * later)
            else:
                add(memory, targets, begin, end, op[10], shift, gap, bits_as_float(op[9]), ahead)
        if masked:
            put_back(op, memory)

    return deliver


@cache
def deliver_late(*, own: bool, masked: bool) -> Callable[..., None]:
    """Return the operation that delivers what arrives now where delays differ (see :func:`deliver`).

    Each spike under way knows the edge and the step of its next. It is taken up when the first of the projection's
    edges could bring it: within a window it may not be known before.
    """

    def deliver_late(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
        op, memory = carray(line, FIELDS), carray(home, ALL)
        n_pre, edges = op[12], op[13]
        spikes = carray(at_address(op[1]), op[2], np.int32)
        bounds = carray(at_address(op[3]), op[4], np.int64)
        starts, ends = carray(at_address(op[6]), n_pre, np.int64), carray(at_address(op[5]), n_pre, np.int64)
        targets = carray(at_address(op[7]), edges, np.uint32)
        shift, gap = shift_of(op[20]), op[19] - op[20]
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
            if masked:
                weight = bits_as_float(op[9])
                add_masked(memory, targets, weights, edge, end, op[10], op[11], shift, gap, weight, own)
            elif own:
                later, weights_later = op[7] + 4 * end, op[8] + 8 * end
                add_weighted(memory, targets, weights, edge, end, op[10], shift, gap, later, weights_later)
            else:
                add(memory, targets, edge, end, op[10], shift, gap, bits_as_float(op[9]), op[7] + 4 * end)
            reached[place] = end
            due[place] = column - age + delay[end] if end < last else -1

    return deliver_late


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
