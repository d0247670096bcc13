"""The loop over steps: windows as short as the least delay, in which the parts of a network do not know each other.

No spike reaches anyone within the least delay. A part of the neurons can therefore be taken through all steps of such a
window with what was emitted before it, while its variables stay in the cache, and several threads can take a part each.
What the parts emitted is put together at the end of a window, in the order of the contract: step, then neuron. Which
thread takes a part, and how many there are, changes no sum.

Threads take the parts of all windows one after another, by counting. A part begins when the window before it is
complete; whoever completes a window puts its spikes together and opens the next. Since every part before one that was
taken has been taken too, nobody waits for a thread that does not run.

A network whose spikes may arrive at once has windows of one step and one part.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.simulation.atomic import fetch_add, give_way, publish, read, yielding
from neurosim.backends.snntorch.simulation.operating import carray, compiled_function
from neurosim.backends.snntorch.simulation.pointers import address_of, at_address, run_operation
from neurosim.backends.snntorch.threads import in_parts

#: Places on the clock, each on a line of the cache of its own: tasks taken and done, the window that is open, its
#: first step and the one behind it.
_TAKEN, _DONE, _OPEN, _FIRST, _BEHIND = 0, 8, 16, 24, 25
_CLOCK = 32
_OVER = 2**62
#: How often a thread looks whether a window is open before it lets others run.
_LOOKS = 256


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


next_window, put_together = compiled_function(_next_window), compiled_function(_put_together)


def _take_parts(
    _first: int, _last: int, table: Any, begins: Any, merges: Any, rooms: Any, clock: Any, memory: Any, start: int,
    begin: int, end: int, before: int, window: int, dt: float, pause: int,
) -> None:  # fmt: skip
    """Take parts of windows until there are no more; any number of threads may do so at a time."""
    home, place, parts = address_of(memory), address_of(clock), begins.size - 1
    while True:
        task = fetch_add(place + 8 * _TAKEN, 1)
        number, part = task // parts, task % parts
        looks = 0
        while read(place + 8 * _OPEN) < number:
            looks += 1
            if looks > _LOOKS and pause:
                give_way(pause)
        if read(place + 8 * _OPEN) != number:
            return
        first, behind = clock[_FIRST], clock[_BEHIND]
        for step in range(first, behind):
            column, time = before + step - begin, step * dt
            for line in range(begins[part], begins[part + 1]):
                run_operation(table[line, 0], address_of(table[line]), home, column, step, start, time)
        if fetch_add(place + 8 * _DONE, 1) + 1 == parts * (number + 1):
            put_together(merges, parts, before + first - begin, before + behind - begin)
            steps = next_window(rooms, before + behind - begin, min(window, end - behind))
            clock[_FIRST], clock[_BEHIND] = behind, behind + steps
            publish(place + 8 * _OPEN, number + 1 if steps else _OVER)


take_parts = compiled_function(_take_parts)


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
    clock = np.zeros(_CLOCK, dtype=np.int64)
    steps = next_window(rooms, before, min(window, last - first))
    clock[_FIRST], clock[_BEHIND] = first, first + steps
    if steps:
        pause = yielding()
        together = min(threads, len(begins) - 1) if pause else 1
        in_parts(
            take_parts, together, together, table, begins, merges, rooms, clock, memory, start, first, last, before,
            window, dt, pause,
        )  # fmt: skip
    return int(clock[_BEHIND])
