"""Operations on edges: all of them in every step, or those that a spike reaches from either side.

Some variables of edges are kept once for a neuron (see :mod:`edge_levels`), and have operations of their own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.backends.snntorch.simulation.operating import FIELDS, carray, compiled_function
from neurosim.backends.snntorch.simulation.pointers import address_at, at_address, float_bits, run_edges

#: How the edges of presynaptic spikes are found: all at once, as each spike remembers which are next, by a table.
AT_ONCE, LATE, IN_TURN = range(3)


def _run_on(op: Any, memory: int, chosen: int, count: int, time: float) -> Any:
    """Run the program of an operation on all of something, or on what is chosen."""
    return run_edges(op[1], memory, op[2], op[3], op[4], op[5], op[6], op[7], chosen, op[8], count, time)


run_on = compiled_function(_run_on)


def every_edge(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Run a program on every edge."""
    op = carray(line, FIELDS)
    run_on(op, address_at(home), 0, op[8], time)


def settle(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Run a program on every edge, unless it would leave all of them as they are.

    It would if it did so in the step before, no spike has brought an edge out of that since, and what all edges compute
    alike is the same.
    """
    op = carray(line, FIELDS)
    head = carray(at_address(op[2]), op[9] + 2 * op[10] + 1, np.float64)
    unsettled, numbers, count = op[9] - 1, op[9], op[10]
    changed = head[unsettled] != 0.0
    if op[11]:
        for place in range(numbers, numbers + count):
            head[place + count] = head[place]
        run_edges(op[11], address_at(home), op[2], op[12], op[13], op[14], op[6], op[7], 0, 1, 1, time)
        for place in range(numbers, numbers + count):
            if float_bits(head[place]) != float_bits(head[place + count]):
                changed = True
    if changed:
        hits = run_on(op, address_at(home), 0, op[8], time)
        head[unsettled] = np.float64(hits)


def _next_past(op: Any) -> None:
    """Make room for what is kept for presynaptic neurons in the next step, and say where it begins.

    Behind the head there are, for each variable, as many steps of it as it stood after integration, then as many as it
    stood after the spikes; the oldest steps are dropped where there is no more room. The former are used for marked
    variables only: others stand as they will after the spikes, or nobody looks.
    """
    first, count, ahead, steps, delay, n, begin = op[9], op[10], op[11], op[12], op[13], op[8], op[14]
    values = carray(at_address(op[2]), begin + 2 * count * steps * n, np.float64)
    marked = carray(at_address(op[15]), count, np.int64)
    now = np.int64(values[ahead + 1])
    if now + 1 == steps:
        for row in range(2 * count):
            if row % 2 == 0 and not marked[row // 2]:
                continue
            place = begin + row * steps * n
            for index in range((delay + 1) * n):
                values[place + index] = values[place + (now - delay) * n + index]
        now = delay
    now += 1
    values[ahead + 1] = now
    for variable in range(count):
        integrated = begin + 2 * variable * steps * n + (now - delay) * n
        latest = integrated + steps * n
        values[3 * (first + variable)] = latest - n
        values[3 * (first + variable) + 1] = integrated if marked[variable] else latest
        values[3 * (first + variable) + 2] = latest


next_past = compiled_function(_next_past)


def advance_sources(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Advance what is kept for presynaptic neurons."""
    op = carray(line, FIELDS)
    next_past(op)
    run_on(op, address_at(home), 0, op[8], time)


def _replay(advance: Any, event: Any, known: Any, told: Any, bounds: Any, wrong: Any) -> None:
    """Fill in the past of presynaptic neurons up to now, from the oldest step that an edge tells of on.

    `known` is what edges tell, (variable, step and neuron), where `told`; `bounds` are those of the spikes of each step
    after the oldest. Variables are wrong where edges tell something else than follows.
    """
    count, steps, delay, n, begin = advance[10], advance[12], advance[13], advance[8], advance[14]
    values = carray(at_address(advance[2]), begin + 2 * count * steps * n, np.float64)
    started = np.zeros(n, dtype=np.bool_)
    for step in range(delay + 1):
        if step:
            next_past(advance)
            run_on(advance, 0, 0, n, 0.0)
            first, last = bounds[step - 1], bounds[step]
            if event[1] and last > first:
                run_on(event, 0, event[9] + 4 * first, last - first, 0.0)
        for variable in range(count):
            row = begin + (2 * variable + 1) * steps * n + step * n
            for neuron in range(n):
                if told[step * n + neuron]:
                    value = known[variable, step * n + neuron]
                    if started[neuron]:
                        if float_bits(values[row + neuron]) != float_bits(value):
                            wrong[variable] = True
                    values[row + neuron] = value
        for neuron in range(n):
            started[neuron] |= told[step * n + neuron]


replay = compiled_function(_replay)


def act(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Run a program on what is kept for the neurons that spiked some steps ago."""
    op = carray(line, FIELDS)
    bounds = carray(at_address(op[10]), column + 2, np.int64)
    first, last = bounds[column - op[11]], bounds[column - op[11] + 1]
    if last > first:
        run_on(op, address_at(home), op[9] + 4 * first, last - first, time)


def _due_at_once(op: Any, column: int, chosen: Any) -> int:
    """Gather the edges of the spikes of one delay ago."""
    capacity, columns, parts = op[2], op[4], op[5]
    spikes = carray(at_address(op[1]), (parts, capacity), np.int32)
    bounds = carray(at_address(op[3]), (parts, columns), np.int64)
    starts = carray(at_address(op[6]), op[12] + 1, np.int64)
    emitted, count = column - op[14], 0
    for part in range(parts):
        for place in range(bounds[part, emitted], bounds[part, emitted + 1]):
            neuron = spikes[part, place]
            for edge in range(starts[neuron], starts[neuron + 1]):
                chosen[count] = edge
                count += 1
    return count


def _due_late(op: Any, column: int, chosen: Any) -> int:
    """Gather the edges whose spike arrives now where delays differ (see :func:`deliveries.deliver_late`)."""
    capacity, columns, parts, longest = op[2], op[4], op[5], op[14]
    spikes = carray(at_address(op[1]), (parts, capacity), np.int32)
    bounds = carray(at_address(op[3]), (parts, columns), np.int64)
    starts = carray(at_address(op[6]), op[12] + 1, np.int64)
    delay = carray(at_address(op[15]), op[13], np.uint16)
    reached = carray(at_address(op[16]), (parts, capacity), np.int64)
    due = carray(at_address(op[17]), (parts, capacity), np.int32)
    for part in range(parts):
        for place in range(bounds[part, column], bounds[part, column + 1]):
            neuron = spikes[part, place]
            reached[part, place] = starts[neuron]
            more = starts[neuron] < starts[neuron + 1]
            due[part, place] = column + delay[starts[neuron]] if more else -1
    count = 0
    for emitted in range(column - longest, column + 1):
        for part in range(parts):
            for place in range(bounds[part, emitted], bounds[part, emitted + 1]):
                if due[part, place] != column:
                    continue
                edge, last = reached[part, place], starts[spikes[part, place] + 1]
                while edge < last and delay[edge] == column - emitted:
                    chosen[count] = edge
                    count += 1
                    edge += 1
                reached[part, place] = edge
                due[part, place] = emitted + delay[edge] if edge < last else -1
    return count


def _due_in_turn(op: Any, column: int, chosen: Any) -> int:
    """Gather the edges whose spike arrives now, where a table says which those of each delay are."""
    ages = op[14] + 1
    spikes, bounds = carray(at_address(op[1]), op[2], np.int32), carray(at_address(op[3]), op[4], np.int64)
    turns = carray(at_address(op[15]), op[12] * ages + 1, np.uint32)
    count = 0
    for age in range(ages - 1, -1, -1):
        for place in range(bounds[column - age], bounds[column - age + 1]):
            turn = spikes[place] * ages + age
            for edge in range(turns[turn], turns[turn + 1]):
                chosen[count] = edge
                count += 1
    return count


def _run_chosen(op: Any, place: int, count: int, time: float) -> None:
    hits = run_edges(op[7], place, op[8], op[9], op[10], op[11], op[18], op[19], op[20], op[13], count, time)
    if hits:
        unsettled = carray(at_address(op[22]), 1, np.float64)
        unsettled[0] = 1.0


due_at_once, due_late, due_in_turn = (compiled_function(item) for item in (_due_at_once, _due_late, _due_in_turn))
run_chosen = compiled_function(_run_chosen)


def arrive(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Run a program on the edges that presynaptic spikes reach now."""
    op = carray(line, FIELDS)
    chosen = carray(at_address(op[20]), op[13], np.uint32)
    if op[21] == IN_TURN:
        count = due_in_turn(op, column, chosen)
    else:
        count = due_late(op, column, chosen) if op[21] == LATE else due_at_once(op, column, chosen)
    if count:
        run_chosen(op, address_at(home), count, time)


def answer(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Run a program on the edges onto neurons that spiked."""
    op = carray(line, FIELDS)
    capacity, columns, edges, emitted, width = op[2], op[4], op[13], column - op[14], op[21]
    spikes, bounds = carray(at_address(op[1]), capacity, np.int32), carray(at_address(op[3]), columns, np.int64)
    starts, places = carray(at_address(op[6]), op[12] + 1, np.int64), carray(at_address(op[15]), edges, np.uint32)
    chosen = carray(at_address(op[20]), edges, np.uint32)
    given = carray(at_address(op[16]), width * edges, np.uint32)  # what is told of presynaptic neurons
    told = carray(at_address(op[18]), width * edges, np.uint32)
    count = 0
    for place in range(bounds[emitted], bounds[emitted + 1]):
        first, last = starts[spikes[place]], starts[spikes[place] + 1]
        chosen[count : count + last - first] = places[first:last]
        if width:
            told[width * count : width * (count + last - first)] = given[width * first : width * last]
        count += last - first
    if count:
        run_chosen(op, address_at(home), count, time)
