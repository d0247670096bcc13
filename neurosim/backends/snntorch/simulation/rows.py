"""The edges of a projection by presynaptic neuron, as compiled deliveries read them.

An edge is four bytes, the place of its target in memory, eight more where it has a weight of its own, and two where
delays differ. Within a row edges are in the order of delay, then target, then as they were given. A target gets its
arrivals one after another as the step contract says; what goes to different targets may go in any order, and ascending
targets are found in the cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.simulation.operating import compiled_function
from neurosim.program.straight_line import Uncovered

LONGEST = 2**16 - 1
LARGEST = 2**32 - 1


@dataclass(frozen=True)
class Rows:
    """Edges sorted for delivery.

    Parameters
    ----------
    order
        Edge at each place, (edge,).
    starts
        Where the row of a neuron begins, by part of the targets, shape (part, n_pre + 1).
    slots
        Place of each target in memory, uint32, (edge,).
    delay
        One for all, or (edge,) in steps.
    longest, shortest
        The longest delay, and the shortest; of no edges, 0.
    everywhere
        Whether every row reaches each neuron once, after one delay. Edges are then not divided into parts.
    """

    order: NDArray[Any]
    starts: NDArray[np.int64]
    slots: NDArray[np.uint32]
    delay: int | NDArray[np.uint16]
    longest: int
    shortest: int
    everywhere: bool


def _sorted_by(order: Any, keys: Any, first: Any, result: Any) -> None:
    """Sort edges by a key, those of equal key as they were: `first` is where each key begins."""
    for place in range(order.size):
        edge = order[place]
        key = keys[edge]
        result[first[key]] = edge
        first[key] += 1


def _counted(keys: Any, first: Any) -> None:
    for place in range(keys.size):
        first[keys[place] + 1] += 1
    for key in range(1, first.size):
        first[key] += first[key - 1]


_sort = compiled_function(_sorted_by)
_count = compiled_function(_counted)


def stable(order: NDArray[Any], keys: NDArray[Any], size: int) -> NDArray[Any]:
    """Return edges sorted by their key, 0 to size - 1."""
    first = np.zeros(size + 1, dtype=np.int64)
    _count(keys, first)
    result = np.empty_like(order)
    _sort(order, keys, first, result)
    return result


def make_rows(
    pre: NDArray[Any], post: NDArray[Any], delay: NDArray[Any], n_pre: int, n_post: int, slot: NDArray[np.int64],
    bounds: NDArray[np.int64],
) -> Rows:  # fmt: skip
    """Sort the edges of a projection.

    Parameters
    ----------
    pre, post, delay
        Of each edge, in the order of the circuit.
    n_pre, n_post
        Sizes of the populations.
    slot
        Place of each postsynaptic neuron in memory, (n_post,).
    bounds
        First neuron of each part of the targets, and their number at the end.

    Raises
    ------
    Uncovered
        If a delay or the memory is too long for the numbers that hold them.
    """
    longest = int(delay.max(initial=0))
    if longest > LONGEST or int(slot.max(initial=0)) > LARGEST or len(pre) > LARGEST:
        raise Uncovered("networks as large as this")
    shared = bool(np.all(delay == longest))
    order = np.arange(len(pre), dtype=np.uint32)
    order = stable(order, post, n_post)
    if not shared:
        order = stable(order, delay, longest + 1)
    order = stable(order, pre, n_pre)
    everywhere = shared and len(pre) == n_pre * n_post and np.array_equal(
        post[order].reshape(n_pre, n_post), np.broadcast_to(np.arange(n_post), (n_pre, n_post))
    )  # fmt: skip
    parts = len(bounds) - 1
    starts = np.zeros((parts, n_pre + 1), dtype=np.int64)
    if parts > 1 and not everywhere:
        part = np.repeat(np.arange(parts), np.diff(bounds))[post]
        order = stable(order, part, parts)
        places = np.bincount(part * n_pre + pre, minlength=parts * n_pre).reshape(parts, n_pre).cumsum()
        starts[:, 1:] = places.reshape(parts, n_pre)
        starts[1:, 0] = starts[:-1, -1]
    else:
        starts[:, 1:] = np.cumsum(np.bincount(pre, minlength=n_pre))
    return Rows(
        order, starts, slot[post[order]].astype(np.uint32), longest if shared else delay[order].astype(np.uint16),
        longest, int(delay.min(initial=longest)), everywhere,
    )  # fmt: skip
