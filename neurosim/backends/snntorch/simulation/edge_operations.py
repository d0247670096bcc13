"""Operations on edges: all of them in every step, or those that a spike reaches from either side."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.backends.snntorch.simulation.operating import FIELDS, carray, compiled_function
from neurosim.backends.snntorch.simulation.pointers import address_at, at_address, run_edges


def every_edge(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Run a program on every edge."""
    op = carray(line, FIELDS)
    run_edges(op[1], address_at(home), op[2], op[3], op[4], op[5], op[6], op[7], 0, op[8], op[8], time)


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


due_at_once, due_late = compiled_function(_due_at_once), compiled_function(_due_late)


def arrive(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Run a program on the edges that presynaptic spikes reach now."""
    op = carray(line, FIELDS)
    chosen = carray(at_address(op[20]), op[13], np.uint32)
    count = due_late(op, column, chosen) if op[21] else due_at_once(op, column, chosen)
    if count:
        place = address_at(home)
        run_edges(op[7], place, op[8], op[9], op[10], op[11], op[18], op[19], op[20], op[13], count, time)


def answer(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Run a program on the edges onto neurons that spiked."""
    op = carray(line, FIELDS)
    chosen = carray(at_address(op[20]), op[13], np.uint32)
    places = carray(at_address(op[15]), op[13], np.uint32)
    count = due_at_once(op, column, chosen)
    for index in range(count):
        chosen[index] = places[chosen[index]]
    if count:
        place = address_at(home)
        run_edges(op[7], place, op[8], op[9], op[10], op[11], op[18], op[19], op[20], op[13], count, time)
