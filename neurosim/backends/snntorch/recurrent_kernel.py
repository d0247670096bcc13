"""What the loops of recurrent components call: spikes along rows of weights, and gradients back along them.

Generated modules are compiled with these functions inside. They carry :data:`DIGEST`, so that what is kept on disk
never holds a text that has changed since.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.threads import kept_on_disk

Array = NDArray[Any]
#: Of the text of this file.
DIGEST = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:24]
#: Adding a product in one rounding is all that is allowed here.
CONTRACTED = {"contract"}
#: Trials that go back in time together: a row of weights is then read once for all of them.
TOGETHER = 8


@kept_on_disk()
def note_spikes(spikes: Array, events: Array, bits: Array) -> int:
    """Write which neurons spiked, as a list and as bits (8 to a byte, the first lowest); return how many."""
    found = 0
    n = spikes.shape[0]
    for byte in range(bits.shape[0]):
        word = 0
        for place in range(8 * byte, min(8 * byte + 8, n)):
            if spikes[place] != 0:
                events[found] = place
                found += 1
                word |= 1 << (place - 8 * byte)
        bits[byte] = word
    return found


@kept_on_disk()
def note_flags(flags: Array, bits: Array) -> None:
    """Write flags as bits."""
    n = flags.shape[0]
    for byte in range(bits.shape[0]):
        word = 0
        for place in range(8 * byte, min(8 * byte + 8, n)):
            if flags[place]:
                word |= 1 << (place - 8 * byte)
        bits[byte] = word


@kept_on_disk()
def read_bits(bits: Array, flags: Array) -> None:
    """Write bits as flags."""
    n = flags.shape[0]
    for byte in range(bits.shape[0]):
        word = bits[byte]
        for place in range(8 * byte, min(8 * byte + 8, n)):
            flags[place] = (word >> (place - 8 * byte)) & 1 != 0


@kept_on_disk()
def add_lines(total: Array, events: Array, count: int, lines: Array) -> None:
    """Write the sum of the lines of `lines` (pre, post) that the events name, one after another."""
    for post in range(total.shape[0]):
        total[post] = 0
    whole = count - count % 2
    for event in range(0, whole, 2):
        first, second = lines[events[event]], lines[events[event + 1]]
        for post in range(total.shape[0]):
            total[post] = (total[post] + first[post]) + second[post]
    for event in range(whole, count):
        first = lines[events[event]]
        for post in range(total.shape[0]):
            total[post] += first[post]


@kept_on_disk()
def add_edges(
    value: Array, free: Array, events: Array, count: int, starts: Array, begin: int, posts: Array, amounts: Array
) -> None:
    """Add to the neurons that are free what the edges of the events bring, one after another."""
    for event in range(count):
        key = begin + events[event]
        for edge in range(starts[key], starts[key + 1]):
            if free[posts[edge]]:
                value[posts[edge]] += amounts[edge]


@kept_on_disk(fastmath=CONTRACTED)
def products_back(total: Array, g: Array, low: int, high: int, weight: Array) -> None:
    """Add ``g @ weight`` to the rows of `total`: `g` (batch, post) from row `low` to `high`, `weight` (post, pre)."""
    n_post, n_pre = weight.shape
    whole = n_post - n_post % 4
    for post in range(0, whole, 4):
        w0, w1, w2, w3 = weight[post], weight[post + 1], weight[post + 2], weight[post + 3]
        for row in range(low, high):
            g0, g1, g2, g3 = g[row, post], g[row, post + 1], g[row, post + 2], g[row, post + 3]
            line = total[row - low]
            for pre in range(n_pre):
                line[pre] += (g0 * w0[pre] + g1 * w1[pre]) + (g2 * w2[pre] + g3 * w3[pre])
    for post in range(whole, n_post):
        w0 = weight[post]
        for row in range(low, high):
            g0 = g[row, post]
            line = total[row - low]
            for pre in range(n_pre):
                line[pre] += g0 * w0[pre]


@kept_on_disk(fastmath=CONTRACTED)
def edges_back(
    total: Array, g: Array, step: int, row: int, starts: Array, posts: Array, delays: Array, amounts: Array
) -> None:
    """Add to each neuron the gradients that its edges lead to: `g` (time, batch, post), of spikes of a step."""
    steps = g.shape[0]
    for pre in range(total.shape[0]):
        found = total[pre]
        for edge in range(starts[pre], starts[pre + 1]):
            later = step + delays[edge]
            if 0 <= later < steps:
                found += amounts[edge] * g[later, row, posts[edge]]
        total[pre] = found


@kept_on_disk()
def count_spikes(bits: Array, counts: Array) -> None:
    """Write how often each neuron spiked: `bits` (sample, byte), `counts` (neuron,)."""
    n = counts.shape[0]
    for sample in range(bits.shape[0]):
        for byte in range(bits.shape[1]):
            word = bits[sample, byte]
            if word:
                for place in range(8 * byte, min(8 * byte + 8, n)):
                    counts[place] += (word >> (place - 8 * byte)) & 1


@kept_on_disk()
def list_spikes(bits: Array, next_place: Array, samples: Array) -> None:
    """Write the samples in which each neuron spiked, in order; `next_place` (neuron,) is moved on by it."""
    n = next_place.shape[0]
    for sample in range(bits.shape[0]):
        for byte in range(bits.shape[1]):
            word = bits[sample, byte]
            if word:
                for place in range(8 * byte, min(8 * byte + 8, n)):
                    if (word >> (place - 8 * byte)) & 1:
                        samples[next_place[place]] = sample
                        next_place[place] += 1


@kept_on_disk()
def line_gradients(first: int, last: int, d_lines: Array, starts: Array, samples: Array, g: Array) -> None:
    """Add to each line of `d_lines` (pre, post) the rows of `g` (sample, post) that its neuron's spikes led to."""
    for pre in range(first, last):
        line = d_lines[pre]
        for event in range(starts[pre], starts[pre + 1]):
            row = g[samples[event]]
            for post in range(line.shape[0]):
                line[post] += row[post]


@kept_on_disk()
def edge_gradients(
    first: int, last: int, d_amounts: Array, pres: Array, posts: Array, delays: Array, starts: Array, samples: Array,
    g: Array, batch: int, early: int,
) -> None:  # fmt: skip
    """Write for each edge the sum of `g` (time * batch, post) over the arrivals of its neuron's spikes.

    `samples` count from `early` steps before the first step.
    """
    n_samples = g.shape[0]
    for edge in range(first, last):
        total = d_amounts[edge]
        offset = (delays[edge] - early) * batch
        for event in range(starts[pres[edge]], starts[pres[edge] + 1]):
            arrival = samples[event] + offset
            if 0 <= arrival < n_samples:
                total += g[arrival, posts[edge]]
        d_amounts[edge] = total


def by_neuron(bits: Array, n: int) -> tuple[Array, Array]:
    """Return the spikes of `bits` (sample, byte) by neuron: where those of each begin, and their samples."""
    counts = np.zeros(n, np.int64)
    count_spikes(bits, counts)
    starts = np.concatenate([[0], np.cumsum(counts)])
    samples = np.empty(starts[-1], np.int64)
    list_spikes(bits, starts[:-1].copy(), samples)
    return starts, samples
