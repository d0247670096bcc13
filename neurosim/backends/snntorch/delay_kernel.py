r"""Delayed sums in compiled loops over contiguous rows: what arrives at each neuron in each step, and its gradients.

Spike trains are kept as (neuron, time, trial), so that a delay is an offset into a row and every edge is a run over
neighbouring numbers: cost does not grow with the longest delay. With :math:`f = \lfloor d \rfloor` and
:math:`r = d - f`

.. math:: y_m[t] = \sum_n w_{mn} \left((1 - r)\, x_n[t - f] + r\, x_n[t - f - 1]\right).

Rows that are mostly 0, as spikes are, are visited at their events only. Each thread owns whole rows of the result, and
every sum runs in one fixed order, so that no result depends on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.threads import kept_on_disk

Array = NDArray[Any]
#: Adding a product in one rounding, and summing a row in several lanes, is all that is allowed here.
_LANES = {"contract", "reassoc", "nsz"}


@kept_on_disk()
def first_events(first: int, last: int, start: Array, position: Array, batch: int, table: Array) -> None:
    """Write the first event of each row at a step or after it, (row, step): positions are ``step * batch + trial``."""
    for row in range(first, last):
        event = start[row]
        for step in range(table.shape[1]):
            while event < start[row + 1] and position[event] < step * batch:
                event += 1
            table[row, step] = event


@kept_on_disk()
def add_events(
    first: int, last: int, y: Array, starts: Array, edges: Array, pre: Array, whole: Array, part: Array, weight: Array,
    table: Array, position: Array, value: Array, origin: int, batch: int,
) -> None:  # fmt: skip
    """Write to the rows of `y` (post, time * trial) what the events of their edges bring."""
    one = weight.dtype.type(1)  # a whole number would make all of it float64
    steps = y.shape[1] // batch
    for post in range(first, last):
        row = y[post]
        row[:] = 0
        for index in range(starts[post], starts[post + 1]):
            edge = edges[index]
            near, far = weight[edge] * (one - part[edge]), weight[edge] * part[edge]
            step = origin - whole[edge]
            offset = step * batch
            times = table[pre[edge]]
            # First the events of which only the far tap is in time, then both, then only the near one.
            for event in range(times[step - 1], times[step]):
                row[position[event] - offset + batch] += far * value[event]
            for event in range(times[step], times[step + steps - 1]):
                place = np.uint64(position[event] - offset)  # unsigned: nothing looks for negative indices
                row[place] += near * value[event]
                row[place + np.uint64(batch)] += far * value[event]
            for event in range(times[step + steps - 1], times[step + steps]):
                row[position[event] - offset] += near * value[event]


@kept_on_disk(fastmath={"contract"})
def edge_gradients_of_events(
    first: int, last: int, g: Array, starts: Array, edges: Array, pre: Array, whole: Array, part: Array, weight: Array,
    table: Array, position: Array, value: Array, origin: int, batch: int, d_weight: Array, d_delay: Array,
) -> None:  # fmt: skip
    """Write the gradients of weights and delays, (edge,), from `g` (post, time * trial), at events."""
    steps, later = g.shape[1] // batch, np.uint64(batch)
    for post in range(first, last):
        row = g[post]
        for index in range(starts[post], starts[post + 1]):
            edge = edges[index]
            step = origin - whole[edge]
            offset = step * batch
            times = table[pre[edge]]
            near = far = row.dtype.type(0)
            for event in range(times[step - 1], times[step]):
                far += row[position[event] - offset + batch] * value[event]
            # Four sums that do not wait for each other.
            near_1 = near_2 = near_3 = far_1 = far_2 = far_3 = row.dtype.type(0)
            event, end = times[step], times[step + steps - 1]
            while event + 4 <= end:
                p0, p1 = np.uint64(position[event] - offset), np.uint64(position[event + 1] - offset)
                p2, p3 = np.uint64(position[event + 2] - offset), np.uint64(position[event + 3] - offset)
                near, far = near + row[p0] * value[event], far + row[p0 + later] * value[event]
                near_1, far_1 = near_1 + row[p1] * value[event + 1], far_1 + row[p1 + later] * value[event + 1]
                near_2, far_2 = near_2 + row[p2] * value[event + 2], far_2 + row[p2 + later] * value[event + 2]
                near_3, far_3 = near_3 + row[p3] * value[event + 3], far_3 + row[p3 + later] * value[event + 3]
                event += 4
            while event < end:
                p0 = np.uint64(position[event] - offset)
                near, far = near + row[p0] * value[event], far + row[p0 + later] * value[event]
                event += 1
            for event in range(times[step + steps - 1], times[step + steps]):
                near += row[position[event] - offset] * value[event]
            near, far = (near + near_1) + (near_2 + near_3), (far + far_1) + (far_2 + far_3)
            d_weight[edge] = near + part[edge] * (far - near)
            d_delay[edge] = weight[edge] * (far - near)


@kept_on_disk(fastmath={"contract"})
def add_rows(
    first: int, last: int, y: Array, starts: Array, edges: Array, pre: Array, whole: Array, part: Array, weight: Array,
    x: Array, origin: int, batch: int,
) -> None:  # fmt: skip
    """Write to the rows of `y` (post, time * trial) what whole rows of `x` bring."""
    one = weight.dtype.type(1)  # a whole number would make all of it float64
    length = y.shape[1]
    for post in range(first, last):
        row = y[post]
        row[:] = 0
        for index in range(starts[post], starts[post + 1]):
            edge = edges[index]
            near, far = weight[edge] * (one - part[edge]), weight[edge] * part[edge]
            offset = (origin - whole[edge]) * batch
            young = x[pre[edge], offset : offset + length]
            if far == 0:
                for place in range(length):
                    row[place] += near * young[place]
            else:
                old = x[pre[edge], offset - batch : offset - batch + length]
                for place in range(length):
                    row[place] += near * young[place] + far * old[place]


@kept_on_disk(fastmath=_LANES)
def edge_gradients_of_rows(
    first: int, last: int, g: Array, starts: Array, edges: Array, pre: Array, whole: Array, part: Array, weight: Array,
    x: Array, origin: int, batch: int, d_weight: Array, d_delay: Array,
) -> None:  # fmt: skip
    """Write the gradients of weights and delays, (edge,), from `g` (post, time * trial) and whole rows of `x`."""
    length = g.shape[1]
    for post in range(first, last):
        row = g[post]
        for index in range(starts[post], starts[post + 1]):
            edge = edges[index]
            offset = (origin - whole[edge]) * batch
            young = x[pre[edge], offset : offset + length]
            old = x[pre[edge], offset - batch : offset - batch + length]
            near = far = row[0] * 0
            for place in range(length):
                near += row[place] * young[place]
                far += row[place] * old[place]
            d_weight[edge] = near + part[edge] * (far - near)
            d_delay[edge] = weight[edge] * (far - near)


@kept_on_disk(fastmath={"contract"})
def input_gradients(
    first: int, last: int, d_x: Array, starts: Array, edges: Array, post: Array, whole: Array, part: Array,
    weight: Array, g: Array, origin: int, batch: int,
) -> None:  # fmt: skip
    """Write to the rows of `d_x` (pre, time * trial) the gradients of their edges; `edges` go by presynaptic neuron.

    The edges of a neuron are taken by their delays, so that neighbours overlap in most of their run: there four of them
    share one pass.
    """
    one = weight.dtype.type(1)  # a whole number would make all of it float64
    length = g.shape[1]
    counts = np.empty(origin + 2, np.int64)
    for pre in range(first, last):
        row = d_x[pre]
        row[:] = 0
        sorted_edges = _by_delay(edges[starts[pre] : starts[pre + 1]], whole, counts)
        n = len(sorted_edges)
        place = 0
        while place < n:
            size = min(4, n - place)
            # The longest delay of the four reaches back furthest.
            begin = (origin - whole[sorted_edges[place]]) * batch
            end = (origin - whole[sorted_edges[place + size - 1]]) * batch + length - batch
            together = size == 4 and end > begin
            for index in range(place, place + size):
                edge = sorted_edges[index]
                near, far = weight[edge] * (one - part[edge]), weight[edge] * part[edge]
                offset = (origin - whole[edge]) * batch
                _add_run(
                    row, g[post[edge]], offset, near, far, batch, offset - batch, begin if together else offset + length
                )
                if together:
                    _add_run(row, g[post[edge]], offset, near, far, batch, end, offset + length)
            if together:
                _add_four(row, sorted_edges[place : place + 4], post, whole, part, weight, g, origin, batch, begin, end)
            place += size


@kept_on_disk()
def _by_delay(edges: Array, whole: Array, counts: Array) -> Array:
    """Return edges by delay, the shortest first, each delay's in their order."""
    counts[:] = 0
    for edge in edges:
        counts[whole[edge] + 1] += 1
    for delay in range(1, len(counts)):
        counts[delay] += counts[delay - 1]
    found = np.empty_like(edges)
    for edge in edges:
        found[counts[whole[edge]]] = edge
        counts[whole[edge]] += 1
    return found


@kept_on_disk(fastmath={"contract"})
def _add_run(row: Array, g: Array, offset: int, near: Any, far: Any, batch: int, begin: int, end: int) -> None:
    """Add to ``row[begin:end]`` what one edge sends back: from the near tap, the far tap, or both."""
    length = g.shape[0]
    for place in range(max(begin, offset - batch), min(end, offset)):
        row[place] += far * g[place - offset + batch]
    first, last = max(begin, offset), min(end, offset + length - batch)
    if last > first:
        into, now, later = row[first:last], g[first - offset : last - offset], g[first - offset + batch :]
        for place in range(last - first):
            into[place] += near * now[place] + far * later[place]
    for place in range(max(begin, offset + length - batch, offset), min(end, offset + length)):
        row[place] += near * g[place - offset]


@kept_on_disk(fastmath={"contract"})
def _add_four(
    row: Array, edges: Array, post: Array, whole: Array, part: Array, weight: Array, g: Array, origin: int, batch: int,
    begin: int, end: int,
) -> None:  # fmt: skip
    """Add to ``row[begin:end]`` what four edges send back, where both taps of all of them are in time."""
    one = weight.dtype.type(1)  # a whole number would make all of it float64
    e0, e1, e2, e3 = edges[0], edges[1], edges[2], edges[3]
    n0, n1 = weight[e0] * (one - part[e0]), weight[e1] * (one - part[e1])
    n2, n3 = weight[e2] * (one - part[e2]), weight[e3] * (one - part[e3])
    f0, f1, f2, f3 = weight[e0] * part[e0], weight[e1] * part[e1], weight[e2] * part[e2], weight[e3] * part[e3]
    g0 = g[post[e0], begin - (origin - whole[e0]) * batch :]
    g1 = g[post[e1], begin - (origin - whole[e1]) * batch :]
    g2 = g[post[e2], begin - (origin - whole[e2]) * batch :]
    g3 = g[post[e3], begin - (origin - whole[e3]) * batch :]
    l0, l1, l2, l3 = g0[batch:], g1[batch:], g2[batch:], g3[batch:]
    into = row[begin:end]
    for place in range(end - begin):
        first_two = (n0 * g0[place] + f0 * l0[place]) + (n1 * g1[place] + f1 * l1[place])
        last_two = (n2 * g2[place] + f2 * l2[place]) + (n3 * g3[place] + f3 * l3[place])
        into[place] += first_two + last_two
