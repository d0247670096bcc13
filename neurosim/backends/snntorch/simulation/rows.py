"""The edges of a projection by presynaptic neuron, as compiled deliveries read them.

An edge is four bytes, its target, eight more where it has a weight of its own, and two where delays differ. Within a
row edges are in the order of the part that holds the target, then delay, then target, then as they were given. A target
gets its arrivals one after another as the step contract says; what goes to different targets may go in any order, and
ascending targets are found in the cache. Edges that a circuit has in this order stay where they are, with their
weights; so all that a simulation adds to them is where the rows, and the parts of each, begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.simulation.operating import compiled_function
from neurosim.circuit.realised_edges import EdgeTable, as_int32, edge_blocks
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
    targets
        Neuron behind each edge, int32, (edge,).
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
    targets: NDArray[np.int32]
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


def _in_order(edges: EdgeTable, delay: NDArray[Any] | None, part: NDArray[Any], n_post: int) -> bool:
    """Tell whether edges ascend by their row, then part, delay (``None``: one for all) and target."""
    if edges.starts is None and np.any(np.diff(edges.pre) < 0):
        return False
    begins = np.zeros(edges.n, dtype=bool)
    rows = _beginnings(edges.pre, int(edges.pre.max(initial=-1)) + 1) if edges.starts is None else edges.starts
    begins[rows[rows < edges.n]] = True
    for some in edge_blocks(edges.n - 1):
        both = slice(some.start, some.stop + 1)
        post = edges.post[both]
        # Parts are of neurons that follow each other: where all delays are one, targets say what part they are of.
        place = post if delay is None else (part[post] * np.int64(LONGEST + 1) + delay[both]) * n_post + post
        if np.any((place[1:] < place[:-1]) & ~begins[some.start + 1 : some.stop + 1]):
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


_sort, _reaches_all, _find_cuts = (compiled_function(item) for item in (_sorted_by, _every_target, _cut))


def stable(order: NDArray[Any], keys: NDArray[Any], size: int) -> NDArray[Any]:
    """Return edges sorted by their key, 0 to size - 1."""
    result = np.empty_like(order)
    _sort(order, keys, _beginnings(keys, size), result)
    return result


def _beginnings(keys: NDArray[Any], size: int) -> NDArray[np.int64]:
    """Return where each key, 0 to size - 1, begins among sorted ones, and their number at the end, (size + 1,)."""
    first = np.zeros(size + 1, dtype=np.int64)
    # numpy makes whole numbers of eight bytes of what it counts: not of all at once.
    for begin in range(0, len(keys), max(size, AT_ONCE)):
        first[1:] += np.bincount(keys[begin : begin + max(size, AT_ONCE)], minlength=size)
    return np.cumsum(first, out=first)


def make_rows(
    edges: EdgeTable, delay: NDArray[Any], n_pre: int, n_post: int, room: int, bounds: NDArray[np.int64]
) -> Rows:
    """Sort the edges of a projection.

    Parameters
    ----------
    edges
        In the order of the circuit.
    delay
        Of each edge, in steps.
    n_pre, n_post
        Sizes of the populations.
    room
        Numbers that the postsynaptic population takes in memory.
    bounds
        First neuron of each part of the targets, and their number at the end.

    Raises
    ------
    Uncovered
        If a delay or the memory is too long for the numbers that hold them.
    """
    longest, shortest = (int(delay.max()), int(delay.min())) if edges.n else (0, 0)
    if longest > LONGEST or room > LARGEST or edges.n > LARGEST:
        raise Uncovered("networks as large as this")
    shared, parts, post = longest == shortest, len(bounds) - 1, edges.post
    part = np.repeat(np.arange(parts, dtype=np.int32), np.diff(bounds))
    order: NDArray[np.uint32] | slice = slice(None)
    if not _in_order(edges, None if shared else delay, part, n_post):
        order = stable(np.arange(edges.n, dtype=np.uint32), post, n_post)
        if not shared:
            order = stable(order, as_int32(delay), longest + 1)
            if parts > 1:
                order = stable(order, part[post], parts)
        order = stable(order, edges.pre, n_pre)
    starts = _beginnings(edges.pre, n_pre) if edges.starts is None else edges.starts
    targets = np.ascontiguousarray(post[order])
    cuts = np.zeros((parts - 1, n_pre), dtype=np.int64)
    if parts > 1:
        _find_cuts(starts, targets, part, cuts)
    everywhere = shared and edges.n == n_pre * n_post and _reaches_all(targets, n_post)
    steps = longest if shared else delay[order].astype(np.uint16)
    return Rows(order, starts, cuts, targets, steps, longest, shortest, everywhere)
