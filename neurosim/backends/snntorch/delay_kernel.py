r"""Delayed sums in compiled loops over contiguous rows: what arrives at each neuron in each step, and its gradients.

Spike trains are kept as (neuron, time, trial), so that a delay is an offset into a row and every edge is a run over
neighbouring numbers: cost does not grow with the longest delay. With :math:`f = \lfloor d \rfloor` and
:math:`r = d - f`

.. math:: y_m[t] = \sum_n w_{mn} \left((1 - r)\, x_n[t - f] + r\, x_n[t - f - 1]\right).

Rows that are mostly 0, as spikes are, are visited at their events only. Each thread owns whole rows of the result, and
every sum runs in one fixed order, so that no result depends on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
#: Adding a product in one rounding, and summing a row in several lanes, is all that is allowed here.
_LANES = {"contract", "reassoc", "nsz"}


def kept_on_disk(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function with numba, without Python's lock, and keep the result on disk where that can be done."""

    def compile_it(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(function, cache=True, nogil=True, **options)
        except RuntimeError:  # no folder to keep it in
            return numba.njit(function, nogil=True, **options)

    return compile_it


def in_parts(kernel: Callable[..., None], rows: int, threads: int, *arguments: Any) -> None:
    """Run ``kernel(first, last, ...)`` over all rows, on several threads that end with the call."""
    parts = max(1, min(threads, rows))
    if parts == 1:
        kernel(0, rows, *arguments)
        return
    edges = [rows * part // parts for part in range(parts + 1)]
    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(lambda first, last: kernel(first, last, *arguments), edges[:-1], edges[1:]))


@kept_on_disk()
def count_events(first: int, last: int, x: Array, counts: Array) -> None:
    """Write how many numbers of each row are not 0, (row,)."""
    for row in range(first, last):
        found = 0
        for column in range(x.shape[1]):
            found += x[row, column] != 0
        counts[row] = found


@kept_on_disk()
def find_events(first: int, last: int, x: Array, start: Array, position: Array, value: Array) -> None:
    """Write where each row is not 0: `start` (n + 1,), `position` and `value` (events,)."""
    for row in range(first, last):
        place = start[row]
        for column in range(x.shape[1]):
            if x[row, column] != 0:
                position[place] = column
                value[place] = x[row, column]
                place += 1


@kept_on_disk(inline="always")
def _first_from(position: Array, low: Any, high: Any, place: Any) -> Any:
    """Return the first event in [low, high) at a place or after it, or `high`: positions ascend."""
    while low < high:
        middle = (low + high) >> 1
        if position[middle] < place:
            low = middle + 1
        else:
            high = middle
    return low


@kept_on_disk()
def add_events(
    first: int, last: int, y: Array, starts: Array, edges: Array, pre: Array, whole: Array, part: Array, weight: Array,
    start: Array, position: Array, value: Array, origin: int, batch: int,
) -> None:  # fmt: skip
    """Add to the rows of `y` (post, time * trial) what the events of their edges bring."""
    length = y.shape[1]
    for post in range(first, last):
        row = y[post]
        for index in range(starts[post], starts[post + 1]):
            edge = edges[index]
            near, far = weight[edge] * (1 - part[edge]), weight[edge] * part[edge]
            offset = origin - whole[edge] * batch
            neuron = pre[edge]
            # First the events of which only the far tap is in time, then both, then only the near one.
            begin = _first_from(position, start[neuron], start[neuron + 1], offset - batch)
            both = _first_from(position, begin, start[neuron + 1], offset)
            late = _first_from(position, both, start[neuron + 1], offset + length - batch)
            end = _first_from(position, late, start[neuron + 1], offset + length)
            for event in range(begin, both):
                row[position[event] - offset + batch] += far * value[event]
            for event in range(both, late):
                place = np.uint64(position[event] - offset)  # unsigned: nothing looks for negative indices
                row[place] += near * value[event]
                row[place + np.uint64(batch)] += far * value[event]
            for event in range(late, end):
                row[position[event] - offset] += near * value[event]


@kept_on_disk(fastmath=_LANES)
def edge_gradients_of_events(
    first: int, last: int, g: Array, starts: Array, edges: Array, pre: Array, whole: Array, part: Array, weight: Array,
    start: Array, position: Array, value: Array, origin: int, batch: int, d_weight: Array, d_delay: Array,
) -> None:  # fmt: skip
    """Write the gradients of weights and delays, (edge,), from `g` (post, time * trial), at events."""
    length = g.shape[1]
    for post in range(first, last):
        row = g[post]
        for index in range(starts[post], starts[post + 1]):
            edge = edges[index]
            offset = origin - whole[edge] * batch
            neuron = pre[edge]
            begin = _first_from(position, start[neuron], start[neuron + 1], offset - batch)
            both = _first_from(position, begin, start[neuron + 1], offset)
            late = _first_from(position, both, start[neuron + 1], offset + length - batch)
            end = _first_from(position, late, start[neuron + 1], offset + length)
            near = far = row[0] * 0
            for event in range(begin, both):
                far += row[position[event] - offset + batch] * value[event]
            for event in range(both, late):
                place = np.uint64(position[event] - offset)
                near += row[place] * value[event]
                far += row[place + np.uint64(batch)] * value[event]
            for event in range(late, end):
                near += row[position[event] - offset] * value[event]
            d_weight[edge] = near + part[edge] * (far - near)
            d_delay[edge] = weight[edge] * (far - near)


@kept_on_disk(fastmath={"contract"})
def add_rows(
    first: int, last: int, y: Array, starts: Array, edges: Array, pre: Array, whole: Array, part: Array, weight: Array,
    x: Array, origin: int, batch: int,
) -> None:  # fmt: skip
    """Add to the rows of `y` (post, time * trial) what whole rows of `x` bring."""
    length = y.shape[1]
    for post in range(first, last):
        row = y[post]
        for index in range(starts[post], starts[post + 1]):
            edge = edges[index]
            near, far = weight[edge] * (1 - part[edge]), weight[edge] * part[edge]
            offset = origin - whole[edge] * batch
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
            offset = origin - whole[edge] * batch
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
    """Add to the rows of `d_x` (pre, time * trial) the gradients of their edges; `edges` go by presynaptic neuron."""
    length = g.shape[1]
    for pre in range(first, last):
        for index in range(starts[pre], starts[pre + 1]):
            edge = edges[index]
            near, far = weight[edge] * (1 - part[edge]), weight[edge] * part[edge]
            offset = origin - whole[edge] * batch
            row = g[post[edge]]
            both = max(length - batch, 0)
            young, now, later = d_x[pre, offset : offset + both], row[:both], row[batch : batch + both]
            for place in range(both):
                young[place] += near * now[place] + far * later[place]
            last_step, now = d_x[pre, offset + both : offset + length], row[both:length]
            for place in range(length - both):
                last_step[place] += near * now[place]
            old = d_x[pre, offset - batch : offset]
            for place in range(min(batch, length)):
                old[place] += far * row[place]
