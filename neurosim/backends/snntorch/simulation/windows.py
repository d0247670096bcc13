"""The loop over steps: windows as short as the least delay, in which the parts of a network do not know each other.

No spike reaches anyone within the least delay. A part of the neurons can therefore be taken through all steps of such a
window with what was emitted before it, while its variables stay in the cache, and several threads can take a part each.
What the parts emitted is put together at the end of a window, in the order of the contract: step, then neuron. Which
thread takes a part, and how many there are, changes no sum.

Threads take the parts of all windows one after another, by counting. A part begins when the window before it is
complete; whoever completes a window puts its spikes together and opens the next. Since every part before one that was
taken has been taken too, nobody waits for a thread that does not run.

A network of one part has no windows: a loop of its own takes it step after step.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.simulation.atomic import fetch_add, give_way, publish, read, yielding
from neurosim.backends.snntorch.simulation.operating import FIELDS, carray, machine_code, written_out
from neurosim.backends.snntorch.simulation.pointers import LOOP, at_address, bits_as_float, run_operation
from neurosim.backends.snntorch.threads import in_parts

#: Places on the clock, each on a line of the cache of its own: tasks taken and done, the window that is open, its
#: first step and the one behind it.
_TAKEN, _DONE, _OPEN, _FIRST, _BEHIND = 0, 8, 16, 24, 25
_CLOCK = 32
_OVER = 2**62
#: How often a thread looks whether a window is open before it lets others run.
_LOOKS = 256
#: Fields of a task: addresses and numbers of lines of the table, where parts begin, merges and rooms; memory and clock;
#: steps at which numbers begin, the first and the last; columns before; window; bits of dt; who gives way.
_TABLE, _BEGINS, _PARTS, _MERGES, _MERGED, _ROOMS, _LIMITED, _HOME, _PLACE = range(9)
_START, _BEGIN, _END, _BEFORE, _WINDOW, _DT, _PAUSE = range(9, 16)
_TASK = 16
#: Bytes of a line of the table.
_LINE = 8 * FIELDS
_NUMBERS = ctypes.POINTER(ctypes.c_int64)


def _next_window(rooms: Any, column: int, steps: int) -> int:
    """Return how many steps can be taken at once: no more than have room for the spikes of all neurons in each."""
    for line in range(rooms.shape[0]):
        bounds = carray(at_address(rooms[line, 0]), column + 1, np.int64)
        steps = min(steps, (rooms[line, 2] - bounds[column]) // rooms[line, 1])
    return max(steps, 0)


def _put_together(merges: Any, parts: int, first: int, behind: int) -> None:
    """Copy the spikes that the parts found in some columns behind those of the network, step after step."""
    for line in range(merges.shape[0]):
        capacity, columns = merges[line, 2], merges[line, 3]
        spikes = carray(at_address(merges[line, 0]), capacity, np.int32)
        bounds = carray(at_address(merges[line, 1]), columns, np.int64)
        found = carray(at_address(merges[line, 4]), (parts, merges[line, 6]), np.int32)
        marks = carray(at_address(merges[line, 5]), (parts, columns), np.int64)
        place = bounds[first]
        for column in range(first, behind):
            for part in range(parts):
                for index in range(marks[part, column], marks[part, column + 1]):
                    spikes[place] = found[part, index]
                    place += 1
            bounds[column + 1] = place
        for part in range(parts):
            marks[part, behind] = 0


next_window, put_together = written_out(_next_window), written_out(_put_together)


def take_parts(task: Any) -> None:
    """Take parts of windows until there are no more; any number of threads may do so at a time."""
    op = carray(task, _TASK)
    table, place, home, parts = op[_TABLE], op[_PLACE], op[_HOME], op[_PARTS]
    begins = carray(at_address(op[_BEGINS]), parts + 1, np.int64)
    merges = carray(at_address(op[_MERGES]), (op[_MERGED], 7), np.int64)
    rooms = carray(at_address(op[_ROOMS]), (op[_LIMITED], 3), np.int64)
    clock = carray(at_address(place), _CLOCK, np.int64)
    start, end, window, pause = op[_START], op[_END], op[_WINDOW], op[_PAUSE]
    ahead, dt = op[_BEFORE] - op[_BEGIN], bits_as_float(op[_DT])
    while True:
        taken = fetch_add(place + 8 * _TAKEN, 1)
        number, part = taken // parts, taken % parts
        looks = 0
        while read(place + 8 * _OPEN) < number:
            looks += 1
            if looks > _LOOKS and pause:
                give_way(pause)
        if read(place + 8 * _OPEN) != number:
            return
        first, behind = clock[_FIRST], clock[_BEHIND]
        for step in range(first, behind):
            for index in range(begins[part], begins[part + 1]):
                run_operation(table + _LINE * index, home, ahead + step, step, start, step * dt)
        if fetch_add(place + 8 * _DONE, 1) + 1 == parts * (number + 1):
            put_together(merges, parts, ahead + first, ahead + behind)
            steps = next_window(rooms, ahead + behind, min(window, end - behind))
            clock[_FIRST], clock[_BEHIND] = behind, behind + steps
            publish(place + 8 * _OPEN, number + 1 if steps else _OVER)


def take_steps(task: Any) -> None:
    """Take the one part of a network step after step, as long as there is room for its spikes."""
    op = carray(task, _TASK)
    table, home, start = op[_TABLE], op[_HOME], op[_START]
    lines = carray(at_address(op[_BEGINS]), 2, np.int64)[1]
    rooms = carray(at_address(op[_ROOMS]), (op[_LIMITED], 3), np.int64)
    clock = carray(at_address(op[_PLACE]), _CLOCK, np.int64)
    ahead, dt = op[_BEFORE] - op[_BEGIN], bits_as_float(op[_DT])
    for step in range(op[_BEGIN], op[_END]):
        column = ahead + step
        for line in range(rooms.shape[0]):
            if carray(at_address(rooms[line, 0]), column + 1, np.int64)[column] + rooms[line, 1] > rooms[line, 2]:
                return
        for index in range(lines):
            run_operation(table + _LINE * index, home, column, step, start, step * dt)
        clock[_BEHIND] = step + 1


def advance(
    table: NDArray[np.int64], begins: NDArray[np.int64], merges: NDArray[np.int64], rooms: NDArray[np.int64],
    memory: NDArray[np.float64], start: int, first: int, last: int, before: int, window: int, dt: float, threads: int,
) -> int:  # fmt: skip
    """Carry out steps, and return the step before which it stopped: the last, or one without room for its spikes.

    Parameters
    ----------
    table, begins
        Operations, and where those of each part begin, with their number at the end.
    merges
        For each population that spikes: the addresses of its spikes and their bounds, how many of each there are, the
        addresses of what the parts find and of their bounds, and how many spikes each may find.
    rooms
        For each population: the address of its bounds, how many may spike in a step, and how many spikes memory holds.
    memory
        Of the trial.
    start
        Step at which rows of numbers begin.
    first, last
        The steps to carry out; the spikes of the first have the column `before`.
    before
        Steps whose spikes are under way.
    window
        Steps that no spike outlasts.
    dt
        Time step.
    threads
        How many may take parts.
    """
    clock, pause = np.zeros(_CLOCK, dtype=np.int64), yielding()
    clock[_FIRST] = clock[_BEHIND] = first  # the first window is empty: whoever completes it opens the next
    parts = len(begins) - 1
    task = np.array([
        table.ctypes.data, begins.ctypes.data, parts, merges.ctypes.data, len(merges), rooms.ctypes.data, len(rooms),
        memory.ctypes.data, clock.ctypes.data, start, first, last, before, window, np.float64(dt).view(np.int64), pause,
    ])  # fmt: skip
    loop, place = _loop(take_parts if parts > 1 else take_steps), task.ctypes.data_as(_NUMBERS)
    together = min(threads, parts) if pause else 1
    in_parts(lambda _first, _last: loop(place), together, together)
    return int(clock[_BEHIND])


@cache
def _loop(function: Callable[..., None]) -> Callable[..., None]:
    """Return a loop over steps, compiled when it is first asked for; Python's lock is not held while it runs."""
    found: Callable[..., None] = machine_code(function, LOOP).ctypes
    return found
