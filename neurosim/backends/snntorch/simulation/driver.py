"""The loop over steps: a table of operations, carried out in order in every step.

Compiled once for all circuits. What an operation works on is given by addresses, which the owner of the arrays keeps
alive. Fields are whole numbers; a weight that all edges share is kept as the bits of a float.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from neurosim.backends.snntorch.simulation.drawing import count, emit, noise
from neurosim.backends.snntorch.simulation.pointers import address_of, at_address, bits_as_float, run_program
from neurosim.backends.snntorch.simulation.rows import compiled_function

carray: Any = numba.carray  # type: ignore[attr-defined]
#: Numbers of an operation.
FIELDS = 24
FILL, INTEGRATE, DELIVER, DELIVER_LATE, ADD_ROWS, RESET, SAMPLE, NOISE, COUNT, EMIT = range(10)


def _fill(op: Any, memory: Any, row: int) -> None:
    """Copy a row of numbers, or the one number of a row, into a variable."""
    base, offset, stride, width, first, last, n = op[3], op[4], op[5], op[6], op[7], op[8], op[9]
    values = carray(at_address(op[1] + 8 * row * op[2]), n, np.float64)
    for block in range(first, last):
        place, begin = base + block * stride + offset, block * width
        variable = memory[place : place + min(width, n - begin)]
        if op[10]:
            variable[:] = values[0]
        else:
            variable[:] = values[begin : begin + variable.size]


def _integrate(op: Any, memory: Any, column: int, step: int, time: float) -> None:
    """Run the program of a population on each block, and note who spiked."""
    program, base, stride, width, first, last, n = op[1], op[2], op[3], op[4], op[5], op[6], op[7]
    latest, constants, scratch, functions, marks = op[8], op[9], op[10], op[11], op[12]
    home = address_of(memory)
    if op[13] == 0:
        for block in range(first, last):
            place = home + 8 * (base + block * stride)
            run_program(program, place, constants, scratch, functions, marks, 0, step, time)
        return
    flags = carray(at_address(marks), width, np.int32)
    spikes = carray(at_address(op[13]), op[15], np.int32)
    bounds = carray(at_address(op[14]), column + 2, np.int64)
    found = bounds[column]
    for block in range(first, last):
        begin = base + block * stride
        hits = run_program(program, home + 8 * begin, constants, scratch, functions, marks, 0, step, time)
        if hits:
            for lane in range(min(width, n - block * width)):
                if flags[lane]:
                    spikes[found] = block * width + lane
                    found += 1
                    if latest >= 0:
                        memory[begin + latest + lane] = step
    bounds[column + 1] = found


def _add(memory: Any, slots: Any, first: int, last: int, offset: int, weight: float) -> None:
    for edge in range(first, last):
        memory[np.uint64(slots[edge]) + np.uint64(offset)] += weight


def _add_weighted(memory: Any, slots: Any, weights: Any, first: int, last: int, offset: int) -> None:
    for edge in range(first, last):
        memory[np.uint64(slots[edge]) + np.uint64(offset)] += weights[edge]


def _add_masked(
    memory: Any, slots: Any, weights: Any, first: int, last: int, offset: int, active: int, weight: float, own: bool
) -> None:
    for edge in range(first, last):
        slot = np.uint64(slots[edge])
        if memory[slot + np.uint64(active)] != 0.0:
            memory[slot + np.uint64(offset)] += weights[edge] if own else weight


def _one_row(op: Any, memory: Any, slots: Any, weights: Any, first: int, last: int, plain: bool) -> None:
    offset, active, own = op[10], op[11], op[8] != 0
    if active >= 0 and not plain:
        add_masked(memory, slots, weights, first, last, offset, active, bits_as_float(op[9]), own)
    elif own:
        add_weighted(memory, slots, weights, first, last, offset)
    else:
        add(memory, slots, first, last, offset, bits_as_float(op[9]))


def _deliver(op: Any, memory: Any, column: int) -> None:
    """Deliver what was emitted one delay ago."""
    capacity, columns, parts, n_pre, edges = op[2], op[4], op[5], op[12], op[13]
    spikes = carray(at_address(op[1]), (parts, capacity), np.int32)
    bounds = carray(at_address(op[3]), (parts, columns), np.int64)
    starts = carray(at_address(op[6]), n_pre + 1, np.int64)
    slots = carray(at_address(op[7]), edges, np.uint32)
    weights = carray(at_address(op[8]), edges, np.float64)
    emitted, arriving = column - op[14], 0
    for part in range(parts):
        arriving += bounds[part, emitted + 1] - bounds[part, emitted]
    if arriving == 0:
        return
    # Where there is much to add, neurons that rest are put back afterwards, instead of being asked at each arrival.
    put_back = op[11] >= 0 and (op[15] != 0 or arriving * edges > n_pre * op[18])
    if put_back:
        guard(op, memory, 0)
    for part in range(parts):
        for place in range(bounds[part, emitted], bounds[part, emitted + 1]):
            neuron = spikes[part, place]
            if op[15]:
                add_everywhere(op, memory, weights, neuron)
            else:
                one_row(op, memory, slots, weights, starts[neuron], starts[neuron + 1], put_back)
    if put_back:
        guard(op, memory, 1)


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


def _add_everywhere(op: Any, memory: Any, weights: Any, neuron: int) -> None:
    """Add a row that reaches every neuron once."""
    base, n, stride, width, offset, own = op[16], op[18], op[19], op[20], op[10], op[8] != 0
    weight = bits_as_float(op[9])
    for block in range((n + width - 1) // width):
        place, begin = base + block * stride + offset, block * width
        values = memory[place : place + min(width, n - begin)]
        if own:
            row = weights[neuron * n + begin : neuron * n + n]
            for lane in range(values.size):
                values[lane] += row[lane]
        else:
            for lane in range(values.size):
                values[lane] += weight


def _deliver_late(op: Any, memory: Any, column: int) -> None:
    """Deliver what arrives now where delays differ: each spike under way knows the edge and the step of its next."""
    capacity, columns, parts, n_pre, edges, longest = op[2], op[4], op[5], op[12], op[13], op[14]
    spikes = carray(at_address(op[1]), (parts, capacity), np.int32)
    bounds = carray(at_address(op[3]), (parts, columns), np.int64)
    starts = carray(at_address(op[6]), n_pre + 1, np.int64)
    slots = carray(at_address(op[7]), edges, np.uint32)
    weights = carray(at_address(op[8]), edges, np.float64)
    delay = carray(at_address(op[15]), edges, np.uint16)
    reached = carray(at_address(op[16]), (parts, capacity), np.int64)
    due = carray(at_address(op[17]), (parts, capacity), np.int32)
    for part in range(parts):
        for place in range(bounds[part, column], bounds[part, column + 1]):
            neuron = spikes[part, place]
            reached[part, place] = starts[neuron]
            more = starts[neuron] < starts[neuron + 1]
            due[part, place] = column + delay[starts[neuron]] if more else -1
    oldest = column - longest
    first = oldest if parts > 1 else column  # with one part all emissions are one stretch of memory
    for emitted in range(first, column + 1):
        for part in range(parts):
            begin = bounds[part, emitted] if parts > 1 else bounds[part, oldest]
            for place in range(begin, bounds[part, emitted + 1]):
                if due[part, place] != column:
                    continue
                edge = reached[part, place]
                last = starts[spikes[part, place] + 1]
                age, end = delay[edge], edge + 1
                while end < last and delay[end] == age:
                    end += 1
                one_row(op, memory, slots, weights, edge, end, False)
                reached[part, place] = end
                due[part, place] = column - age + delay[end] if end < last else -1


def _prime(op: Any, column: int) -> None:
    """Find, for the spikes that are under way before a column, the edge and the column of their next arrival."""
    capacity, columns, parts, n_pre, edges = op[2], op[4], op[5], op[12], op[13]
    spikes = carray(at_address(op[1]), (parts, capacity), np.int32)
    bounds = carray(at_address(op[3]), (parts, columns), np.int64)
    starts = carray(at_address(op[6]), n_pre + 1, np.int64)
    delay = carray(at_address(op[15]), edges, np.uint16)
    reached = carray(at_address(op[16]), (parts, capacity), np.int64)
    due = carray(at_address(op[17]), (parts, capacity), np.int32)
    for part in range(parts):
        for emitted in range(column):
            for place in range(bounds[part, emitted], bounds[part, emitted + 1]):
                neuron = spikes[part, place]
                edge, last = starts[neuron], starts[neuron + 1]
                while edge < last and emitted + delay[edge] < column:
                    edge += 1
                reached[part, place] = edge
                due[part, place] = emitted + delay[edge] if edge < last else -1


def _add_rows(op: Any, memory: Any, row: int) -> None:
    """Add a row of numbers to a variable, where neurons are not refractory."""
    base, offset, stride, width, first, last, n, active = op[3], op[4], op[5], op[6], op[7], op[8], op[9], op[10]
    values = carray(at_address(op[1] + 8 * row * op[2]), n, np.float64)
    for block in range(first, last):
        place, begin = base + block * stride, block * width
        variable = memory[place + offset : place + offset + min(width, n - begin)]
        awake = memory[place + max(active, 0) : place + max(active, 0) + width]
        row = values[begin : begin + variable.size]
        for lane in range(variable.size):
            old = variable[lane]
            new = old + row[lane]
            variable[lane] = new if active < 0 or awake[lane] != 0.0 else old


def _reset(op: Any, memory: Any, column: int, step: int, time: float) -> None:
    bounds = carray(at_address(op[8]), column + 2, np.int64)
    first, last = bounds[column], bounds[column + 1]
    if last > first:
        home = address_of(memory) + 8 * op[2]
        run_program(op[1], home, op[3], op[4], op[5], op[7] + 4 * first, last - first, step, time)


def _sample(op: Any, memory: Any, step: int, start: int) -> None:
    every, chosen = op[1], op[3]
    if step % every:
        return
    row = step // every - (start + every - 1) // every
    slots = carray(at_address(op[2]), chosen, np.int64)
    values = carray(at_address(op[4] + 8 * row * chosen), chosen, np.float64)
    for index in range(chosen):
        values[index] = memory[slots[index]]


def _room(ops: Any, column: int) -> bool:
    """Tell whether a step's spikes fit into memory, all neurons spiking."""
    for index in range(ops.shape[0]):
        op = ops[index]
        if op[0] == INTEGRATE and op[13] != 0:
            bounds = carray(at_address(op[14]), column + 1, np.int64)
            if bounds[column] + (op[6] - op[5]) * op[4] > op[15]:
                return False
        elif op[0] == EMIT:
            bounds = carray(at_address(op[17]), column + 1, np.int64)
            if bounds[column] + op[9] > op[18]:
                return False
    return True


def _advance(ops: Any, memory: Any, start: int, first: int, last: int, before: int, dt: float) -> int:
    """Carry out steps, and return the step before which it stopped: the last, or one without room for its spikes.

    Rows of numbers begin at the step `start`; the spikes of step `first` have the column `before`.
    """
    for index in range(ops.shape[0]):
        if ops[index, 0] == DELIVER_LATE:
            prime(ops[index], before)
    for step in range(first, last):
        column = before + step - first
        if not room(ops, column):
            return step
        time = step * dt
        for index in range(ops.shape[0]):
            op = ops[index]
            kind = op[0]
            if kind == INTEGRATE:
                integrate(op, memory, column, step, time)
            elif kind == DELIVER:
                deliver(op, memory, column)
            elif kind == DELIVER_LATE:
                deliver_late(op, memory, column)
            elif kind == RESET:
                reset(op, memory, column, step, time)
            elif kind == FILL:
                fill(op, memory, step - start)
            elif kind == ADD_ROWS:
                add_rows(op, memory, step - start)
            elif kind == SAMPLE:
                sample(op, memory, step, start)
            elif kind == NOISE:
                noise(op, memory, step)
            elif kind == COUNT:
                count(op, memory, step)
            elif kind == EMIT:
                emit(op, column, step)
    return last


add, add_weighted, add_masked = (compiled_function(item) for item in (_add, _add_weighted, _add_masked))
one_row, guard, add_everywhere = (compiled_function(item) for item in (_one_row, _guard, _add_everywhere))
fill, integrate, deliver = (compiled_function(item) for item in (_fill, _integrate, _deliver))
deliver_late, prime, add_rows = (compiled_function(item) for item in (_deliver_late, _prime, _add_rows))
reset, sample, room = (compiled_function(item) for item in (_reset, _sample, _room))
advance = compiled_function(_advance)
