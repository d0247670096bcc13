"""What the loops call: spikes along rows of weights, and gradients back along them.

Generated modules are compiled with these functions inside. They carry :data:`DIGEST`, so that what is kept on disk
never holds a text that has changed since.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from neurosim.backends.snntorch import bits, sparse_kernel, vectors
from neurosim.backends.snntorch.bits import note_bits, note_events, read_bits
from neurosim.backends.snntorch.sparse_kernel import add_felt_products, add_lines, add_row, add_rows_times_matrix
from neurosim.backends.snntorch.threads import kept_on_disk

__all__ = [
    "add_edges",
    "add_felt_products",
    "add_lines",
    "add_row",
    "edges_back",
    "note_bits",
    "note_events",
    "products_back",
    "read_bits",
]

Array = NDArray[Any]
#: Of the texts of these functions.
_TEXTS = (__file__, *(str(module.__file__) for module in (sparse_kernel, bits, vectors)))
DIGEST = hashlib.sha256(b"".join(Path(text).read_bytes() for text in _TEXTS)).hexdigest()[:24]
#: Adding a product in one rounding is all that is allowed here.
CONTRACTED = {"contract"}
#: Trials that go back in time together: a row of weights is then read once for all of them.
TOGETHER = 8


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
