r"""Gradients of the spikes that delayed sums were formed of, in compiled loops.

Every number of a row (pre, time * trial) gets something from nearly every edge of the neuron, so that nothing can be
left out. What bounds these loops is how often a number is read: a tile of the row is kept in registers while the loop
goes through the edges that reach it, and the neurons behind these are taken in blocks whose rows stay in the second
cache from one presynaptic neuron to the next. The rows have zeros around them, and no edge needs a loop of its own for
where its delay begins or ends.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.delay_events import GROUP, most_edges, taps_of
from neurosim.backends.snntorch.registers import full_wide, load_wide, plus_product, store
from neurosim.backends.snntorch.threads import kept_on_disk
from neurosim.backends.snntorch.turning import turn

Array = NDArray[Any]
#: Vectors of a tile.
TILE = 8
#: Bytes of gradients that are read by one presynaptic neuron after the other: well within the second cache.
BLOCK = 400 * 1024


def padding(batch: int, lanes: int) -> int:
    """Return how many zeros are around a row: what a tile may reach beyond it."""
    return -(-(TILE * lanes + batch) // lanes) * lanes


@kept_on_disk()
def turn_rows(first: int, last: int, source: Array, g: Array, pad: int, length: int) -> None:
    """Write columns of `source` (time * trial, post) to rows of `g` (post, zeros and time * trial)."""
    n = source.shape[1]
    stride = g.shape[1]
    for post in range(first, last):
        g[post, :pad] = 0
        g[post, pad + length :] = 0
    begin = first
    while begin < last:
        end = min(begin + GROUP, last)
        turn(source.reshape(-1), begin, n, length, end - begin, g.reshape(-1), begin * stride + pad, stride)
        begin = end


@kept_on_disk()
def _by_delay(
    begin: int, end: int, edges: Array, post: Array, weight: Array, delay: Array, bounds: Array, counts: Array,
    step: Array, reach: Array, amount: Array, g: Array, pad: int, batch: int,
) -> None:  # fmt: skip
    """Write offset and place in `g` of edges, (edge, 2), and their taps, those with the longest delay first."""
    one = weight.dtype.type(1)  # a whole number would make all of it float64
    counts[:] = 0
    for index in range(begin, end):
        whole, _ = taps_of(delay[edges[index]], bounds)
        step[index - begin] = np.int64(bounds[1] - whole)
        counts[step[index - begin] + 1] += 1
    for later in range(1, len(counts)):
        counts[later] += counts[later - 1]
    for index in range(begin, end):
        edge, now = edges[index], step[index - begin]
        _, part = taps_of(delay[edge], bounds)
        place = counts[now]
        counts[now] += 1
        offset = now * batch
        reach[place, 0], reach[place, 1] = offset, post[edge] * g.shape[1] + pad - offset
        amount[place, 0], amount[place, 1] = weight[edge] * (one - part), weight[edge] * part


@kept_on_disk()
def _tile(
    row: Array, place: int, lanes: int, g: Array, reach: Array, amount: Array, begin: int, end: int, batch: int,
    fresh: bool,
) -> None:  # fmt: skip
    """Add to a tile of a row what edges send back; a fresh one has nothing yet."""
    wide = np.uint64(lanes)
    p0 = np.uint64(place)
    p1 = p0 + wide
    p2 = p1 + wide
    p3 = p2 + wide
    p4 = p3 + wide
    p5 = p4 + wide
    p6 = p5 + wide
    p7 = p6 + wide
    if fresh:
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = full_wide(g.dtype.type(0))
    else:
        s0, s1, s2, s3 = load_wide(row, p0), load_wide(row, p1), load_wide(row, p2), load_wide(row, p3)
        s4, s5, s6, s7 = load_wide(row, p4), load_wide(row, p5), load_wide(row, p6), load_wide(row, p7)
    for index in range(np.uint64(begin), np.uint64(end)):
        at = np.uint64(reach[index, 1] + place)
        for tap in range(2):
            factor = full_wide(amount[index, tap])
            s0 = plus_product(s0, factor, load_wide(g, at))
            s1 = plus_product(s1, factor, load_wide(g, at + wide))
            s2 = plus_product(s2, factor, load_wide(g, at + np.uint64(2) * wide))
            s3 = plus_product(s3, factor, load_wide(g, at + np.uint64(3) * wide))
            s4 = plus_product(s4, factor, load_wide(g, at + np.uint64(4) * wide))
            s5 = plus_product(s5, factor, load_wide(g, at + np.uint64(5) * wide))
            s6 = plus_product(s6, factor, load_wide(g, at + np.uint64(6) * wide))
            s7 = plus_product(s7, factor, load_wide(g, at + np.uint64(7) * wide))
            at += np.uint64(batch)
    store(row, p0, s0)
    store(row, p1, s1)
    store(row, p2, s2)
    store(row, p3, s3)
    store(row, p4, s4)
    store(row, p5, s5)
    store(row, p6, s6)
    store(row, p7, s7)


@kept_on_disk()
def input_gradients(
    first: int, last: int, d_x: Array, rows: Array, starts: Array, edges: Array, post: Array, weight: Array,
    delay: Array, bounds: Array, g: Array, pad: int, length: int, batch: int, lanes: int, block: int,
) -> None:  # fmt: skip
    """Write to the columns of `d_x` (time * trial, pre) the gradients of their edges.

    Parameters
    ----------
    first, last
        Which presynaptic neurons.
    d_x
        What is written.
    rows
        Room for it, (pre, time * trial), whole tiles.
    starts, edges
        The edges by presynaptic neuron, those of one by postsynaptic neuron.
    post, weight, delay, bounds
        Of each edge; what whole steps and delays are at most.
    g
        Gradients, (post, zeros and time * trial).
    pad, length
        Zeros in front, and numbers behind them.
    batch, lanes, block
        Trials; numbers of a vector; postsynaptic neurons of a block.
    """
    most = most_edges(first, last, starts)
    counts, step = np.empty(np.int64(bounds[1]) + 2, np.int64), np.empty(most, np.int64)
    reach, amount = np.empty((most, 2), np.int64), np.empty((most, 2), g.dtype)
    done, flat, size = starts[first:last].copy(), g.reshape(-1), TILE * lanes
    for beyond in range(block, g.shape[0] + block, block):
        for pre in range(first, last):
            begin = end = done[pre - first]
            while end < starts[pre + 1] and post[edges[end]] < beyond:
                end += 1
            done[pre - first] = end
            _by_delay(begin, end, edges, post, weight, delay, bounds, counts, step, reach, amount, g, pad, batch)
            oldest = newest = 0
            for place in range(0, rows.shape[1], size):
                while newest < end - begin and reach[newest, 0] < place + size + batch:
                    newest += 1
                while oldest < newest and reach[oldest, 0] + length <= place:
                    oldest += 1
                _tile(rows[pre], place, lanes, flat, reach, amount, oldest, newest, batch, beyond == block)
    begin = first
    while begin < last:
        end = min(begin + GROUP, last)
        turn(
            rows.reshape(-1), begin * rows.shape[1], rows.shape[1], end - begin, d_x.shape[0], d_x.reshape(-1), begin,
            d_x.shape[1],
        )  # fmt: skip
        begin = end
