"""What the loops call: spikes along rows of weights, and gradients back along them.

Generated modules are compiled with these functions inside. They carry :data:`DIGEST`, so that what is kept on disk
never holds a text that has changed since.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from neurosim.backends.snntorch import sparse_kernel
from neurosim.backends.snntorch.sparse_kernel import add_felt_products, add_rows_times_matrix, sum_of_lines
from neurosim.backends.snntorch.threads import kept_on_disk

__all__ = [
    "add_edges",
    "add_felt_products",
    "add_lines",
    "edges_back",
    "note_bits",
    "note_events",
    "products_back",
    "read_bits",
    "sum_of_lines",
]

Array = NDArray[Any]
#: Of the texts of these functions.
DIGEST = hashlib.sha256(Path(__file__).read_bytes() + Path(sparse_kernel.__file__).read_bytes()).hexdigest()[:24]
#: Adding a product in one rounding is all that is allowed here.
CONTRACTED = {"contract"}
#: Trials that go back in time together: a row of weights is then read once for all of them.
TOGETHER = 8


@kept_on_disk()
def note_events(spikes: Array, events: Array) -> int:
    """Write which neurons spiked, as a list with room for one more; return how many."""
    found = 0
    for place in range(spikes.shape[0]):  # every one is written, and stays if it counts: no branch to guess
        events[found] = place
        found += spikes[place] != 0
    return found


@kept_on_disk()
def note_bits(flags: Array, bits: Array) -> None:
    """Write what is not 0 as bits, 8 to a byte, the first lowest."""
    n = flags.shape[0]
    for byte in range(n // 8):
        place = 8 * byte
        low = (flags[place] != 0) | (flags[place + 1] != 0) << 1 | (flags[place + 2] != 0) << 2
        middle = (flags[place + 3] != 0) << 3 | (flags[place + 4] != 0) << 4 | (flags[place + 5] != 0) << 5
        bits[byte] = low | middle | (flags[place + 6] != 0) << 6 | (flags[place + 7] != 0) << 7
    if n % 8:
        word = 0
        for place in range(n - n % 8, n):
            word |= (flags[place] != 0) << (place % 8)
        bits[n // 8] = word


@kept_on_disk()
def read_bits(bits: Array, flags: Array) -> None:
    """Write bits as flags."""
    n = flags.shape[0]
    for byte in range(n // 8):
        word, place = bits[byte], 8 * byte
        for bit in range(8):
            flags[place + bit] = (word >> bit) & 1
    for place in range(n - n % 8, n):
        flags[place] = (bits[n // 8] >> (place % 8)) & 1


@kept_on_disk()
def add_lines(total: Array, events: Array, count: int, lines: Array) -> None:
    """Write the sum of the lines of `lines` (pre, post) that the events name, one after another."""
    width = total.shape[0]
    for post in range(width):
        total[post] = 0
    whole = count - count % 4
    for event in range(0, whole, 4):
        a, b = lines[events[event]], lines[events[event + 1]]
        c, d = lines[events[event + 2]], lines[events[event + 3]]
        for post in range(width):
            total[post] = (((total[post] + a[post]) + b[post]) + c[post]) + d[post]
    for event in range(whole, count):
        a = lines[events[event]]
        for post in range(width):
            total[post] += a[post]


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


@kept_on_disk()
def products_back(total: Array, g: Array, low: int, high: int, weight: Array) -> None:
    """Add ``g @ weight`` to the rows of `total`: `g` (batch, post) from row `low` to `high`, `weight` (post, pre)."""
    add_rows_times_matrix(total[: high - low], g[low:high], weight)


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
