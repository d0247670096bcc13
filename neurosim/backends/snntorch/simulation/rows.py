"""The edges of a projection by presynaptic neuron, as compiled deliveries read them.

An edge is four bytes, the place of its target in memory, eight more where it has a weight of its own, and two where
delays differ. Within a row edges are in the order of the part that holds the target, then delay, then target, then as
they were given. A target gets its arrivals one after another as the step contract says; what goes to different targets
may go in any order, and ascending targets are found in the cache. Edges that a circuit has in this order stay where
they are, with their weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.simulation.operating import compiled_function
from neurosim.program.straight_line import Uncovered

LONGEST = 2**16 - 1
LARGEST = 2**32 - 1
#: Edges that numpy goes through at once.
AT_ONCE = 2**20


@dataclass(frozen=True)
class Rows:
    """Edges sorted for delivery.

    Parameters
    ----------
    order
        Edge at each place, (edge,), or all of them where they were sorted before.
    starts
        Where the row of a neuron begins, and the number of edges at the end, (n_pre + 1,).
    cuts
        Where the targets of the second and further parts begin in the row of a neuron, (part - 1, n_pre).
    slots
        Place of each target in memory, uint32, (edge,).
    delay
        One for all, or (edge,) in steps.
    longest, shortest
        The longest delay, and the shortest; of no edges, 0.
    everywhere
        Whether every row reaches each neuron once, after one delay.
    """

    order: NDArray[np.uint32] | slice
    starts: NDArray[np.int64]
    cuts: NDArray[np.int64]
    slots: NDArray[np.uint32]
    delay: int | NDArray[np.uint16]
    longest: int
    shortest: int
    everywhere: bool

    def of_part(self, part: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the edges onto a part begin and end in the row of each neuron."""
        first = self.cuts[part - 1] if part else self.starts[:-1]
        return first, self.cuts[part] if part < len(self.cuts) else self.starts[1:]


def _sorted_by(order: Any, keys: Any, first: Any, result: Any) -> None:
    """Sort edges by a key, those of equal key as they were: `first` is where each key begins."""
    for place in range(order.size):
        edge = order[place]
        key = keys[edge]
        result[first[key]] = edge
        first[key] += 1


def _in_order(pre: Any, post: Any, delay: Any, part: Any) -> bool:
    """Tell whether edges ascend by their row, then part, delay and target."""
    for edge in range(1, pre.size):
        row = pre[edge] - pre[edge - 1]
        piece = part[post[edge]] - part[post[edge - 1]]
        age = delay[edge] - delay[edge - 1]
        further = post[edge] - post[edge - 1]
        if row < 0 or (row == 0 and (piece < 0 or (piece == 0 and (age < 0 or (age == 0 and further < 0))))):
            return False
    return True


def _every_target(post: Any, n_post: int) -> bool:
    """Tell whether sorted edges reach one neuron after another, again and again."""
    for edge in range(post.size):
        if post[edge] != edge % n_post:
            return False
    return True


def _cut(starts: Any, post: Any, part: Any, cuts: Any) -> None:
    """Find where in each row the parts begin; `post` are the targets of sorted edges."""
    for neuron in range(starts.size - 1):
        edge = starts[neuron]
        for piece in range(cuts.shape[0]):
            while edge < starts[neuron + 1] and part[post[edge]] <= piece:
                edge += 1
            cuts[piece, neuron] = edge


_sort, _ascends, _reaches_all, _find_cuts = (
    compiled_function(item) for item in (_sorted_by, _in_order, _every_target, _cut)
)


def stable(order: NDArray[Any], keys: NDArray[Any], size: int) -> NDArray[Any]:
    """Return edges sorted by their key, 0 to size - 1."""
    result = np.empty_like(order)
    _sort(order, keys, _beginnings(keys, size), result)
    return result


def _beginnings(keys: NDArray[Any], size: int) -> NDArray[np.int64]:
    """Return where each key, 0 to size - 1, begins among sorted ones, and their number at the end, (size + 1,)."""
    first = np.zeros(size + 1, dtype=np.int64)
    for some in _chunks(len(keys), max(size, AT_ONCE)):
        first[1:] += np.bincount(keys[some], minlength=size)
    return np.cumsum(first, out=first)


def _chunks(number: int, size: int) -> Iterator[slice]:
    """Return slices that follow each other: numpy makes whole numbers of eight bytes of what it takes as indices."""
    return (slice(begin, begin + size) for begin in range(0, number, size))


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
    longest, shortest = int(delay.max(initial=0)), int(delay.min(initial=LONGEST)) if len(delay) else 0
    if longest > LONGEST or int(slot.max(initial=0)) > LARGEST or len(pre) > LARGEST:
        raise Uncovered("networks as large as this")
    shared, parts = longest == shortest, len(bounds) - 1
    part = np.repeat(np.arange(parts), np.diff(bounds))
    order: NDArray[np.uint32] | slice = slice(None)
    if not _ascends(pre, post, delay, part):
        order = stable(np.arange(len(pre), dtype=np.uint32), post, n_post)
        if not shared:
            order = stable(order, delay, longest + 1)
            if parts > 1:
                order = stable(order, part[post], parts)
        order = stable(order, pre, n_pre)
    starts, targets = _beginnings(pre, n_pre), post[order]
    cuts = np.zeros((parts - 1, n_pre), dtype=np.int64)
    if parts > 1:
        _find_cuts(starts, targets, part, cuts)
    slots, places = np.empty(len(pre), dtype=np.uint32), slot.astype(np.uint32)
    for some in _chunks(len(pre), AT_ONCE):
        slots[some] = places[targets[some]]
    everywhere = shared and len(pre) == n_pre * n_post and _reaches_all(targets, n_post)
    return Rows(
        order, starts, cuts, slots, longest if shared else delay[order].astype(np.uint16), longest, shortest, everywhere
    )
