"""Operations that the loop over steps carries out in order in every step: inputs, equations, resets, samples.

A table has a line for each operation: the address of what carries it out, then what that works on, by addresses
whose arrays the owner of the table keeps alive. Fields are whole numbers; a weight that all edges share is kept as the
bits of a float. Everything is compiled once for all circuits, an operation when the first circuit needs it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.backends.snntorch.simulation.neuron_source import GRAIN, TOGETHER
from neurosim.backends.snntorch.simulation.operating import ALL, FIELDS, carray, written_out
from neurosim.backends.snntorch.simulation.pointers import address_of, at_address, prefetch, run_program
from neurosim.backends.snntorch.simulation.targets import LINE
from neurosim.backends.snntorch.vectors import LANES, first_bit, not_zero

#: Edges of a row that are asked for at most: the processor finds out by itself how a row goes on.
ASKED = 128


def fill(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Copy a row of numbers, or the one number of a row, into a variable."""
    op, memory = carray(line, FIELDS), carray(home, ALL)
    base, offset, stride, width, first, last, n = op[3], op[4], op[5], op[6], op[7], op[8], op[9]
    values = carray(at_address(op[1] + 8 * (step - start) * op[2]), n, np.float64)
    for block in range(first, last):
        place, begin = base + block * stride + offset, block * width
        variable = memory[place : place + min(width, n - begin)]
        row = values[begin : begin + variable.size]
        if op[10]:
            for lane in range(variable.size):
                variable[lane] = values[0]
        else:
            for lane in range(variable.size):
                variable[lane] = row[lane]


def _ask_for_rows(rows: int, number: int, neuron: int) -> None:
    """Ask for the edges of a neuron that fired: a row lies anywhere, and there is time until it is delivered."""
    for row in range(number):
        where = carray(at_address(rows + 32 * row), 4, np.int64)
        first = carray(at_address(where[1]), neuron + 1, np.int64)[neuron]
        last = carray(at_address(where[2]), neuron + 1, np.int64)[neuron]
        for edge in range(first, min(last, first + ASKED), LINE):
            prefetch(where[0] + 4 * edge)
            if where[3]:
                prefetch(where[3] + 8 * edge)
                prefetch(where[3] + 8 * (edge + LINE // 2))


ask_for_rows = written_out(_ask_for_rows)


def integrate(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Run the program of a population on its blocks, some at a time, and note who spiked."""
    op, memory = carray(line, FIELDS), carray(home, ALL)
    program, base, stride, width, first, last, n = op[1], op[2], op[3], op[4], op[5], op[6], op[7]
    latest, constants, scratch, functions, marks = op[8], op[9], op[10], op[11], op[12]
    spiking = op[13] != 0
    flags = carray(at_address(marks), TOGETHER * width + LANES, np.uint8)
    spikes = carray(at_address(op[13]), op[15], np.int32)
    bounds = carray(at_address(op[14]), column + 2, np.int64)
    found = bounds[column] if spiking else 0
    for begin in range(first, last, TOGETHER):
        end = min(begin + TOGETHER, last)
        lanes = min((end - begin) * width, (n - begin * width + GRAIN - 1) // GRAIN * GRAIN)
        place = address_of(memory) + 8 * (base + begin * stride)
        hits = run_program(program, place, constants, scratch, functions, marks, lanes, step, time)
        blocks, mark = np.uint64(hits if spiking else 0), -width
        while blocks != 0:
            ahead, mark = first_bit(blocks) * width, mark + width
            blocks &= blocks - np.uint64(1)
            own = min(width, n - begin * width - ahead)
            for some in range(0, own, LANES):
                fired = not_zero(flags, mark + some)
                while fired != 0:
                    lane = some + first_bit(fired)
                    fired &= fired - np.uint64(1)
                    if lane < own:
                        spikes[found] = begin * width + ahead + lane
                        ask_for_rows(op[16], op[17], spikes[found])
                        found += 1
                        if latest >= 0:
                            memory[base + (begin + ahead // width) * stride + latest + lane] = step
    if spiking:
        bounds[column + 1] = found


def add_rows(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Add a row of numbers to a variable, where neurons are not refractory."""
    op, memory = carray(line, FIELDS), carray(home, ALL)
    base, offset, stride, width, first, last, n, active = op[3], op[4], op[5], op[6], op[7], op[8], op[9], op[10]
    values = carray(at_address(op[1] + 8 * (step - start) * op[2]), n, np.float64)
    for block in range(first, last):
        place, begin = base + block * stride, block * width
        variable = memory[place + offset : place + offset + min(width, n - begin)]
        awake = memory[place + max(active, 0) : place + max(active, 0) + width]
        more = values[begin : begin + variable.size]
        for lane in range(variable.size):
            old = variable[lane]
            new = old + more[lane]
            variable[lane] = new if active < 0 or awake[lane] != 0.0 else old


def add_variables(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Put the sum of two variables of a population into a third."""
    op, memory = carray(line, FIELDS), carray(home, ALL)
    base, stride, width = op[1], op[2], op[3]
    for block in range(op[4]):
        place = base + block * stride
        first, second = memory[place + op[5] : place + op[5] + width], memory[place + op[6] : place + op[6] + width]
        total = memory[place + op[7] : place + op[7] + width]
        for lane in range(total.size):
            total[lane] = first[lane] + second[lane]


def reset(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Reset the neurons of a population that spiked."""
    op, memory = carray(line, FIELDS), carray(home, ALL)
    bounds = carray(at_address(op[8]), column + 2, np.int64)
    first, last = bounds[column], bounds[column + 1]
    if last > first:
        place = address_of(memory) + 8 * op[2]
        run_program(op[1], place, op[3], op[4], op[5], op[7] + 4 * first, last - first, step, time)


def sample(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Write values down, where a sample is due."""
    op, memory = carray(line, FIELDS), carray(home, ALL)
    every, chosen, across = op[1], op[3], op[6]
    if step % every:
        return
    row = step // every - (start + every - 1) // every
    slots = carray(at_address(op[2]), chosen, np.int64)
    places = carray(at_address(op[5]), chosen, np.int64)
    values = carray(at_address(op[4] + 8 * row * across), across, np.float64)
    for index in range(chosen):
        values[places[index]] = memory[slots[index]]
