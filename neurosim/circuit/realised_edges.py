"""The edges of a projection as realised: arrays that hold each number once, in as few bytes as it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from neurosim.errors import CircuitError

#: Edges handled at once, where something is computed for each.
EDGES_AT_ONCE = 1 << 16


class Ascending:
    """Neurons of edges that are sorted by them, held as where the edges of each neuron begin.

    Parameters
    ----------
    starts
        First edge of each neuron, and the number of edges at the end, int64, shape (neuron + 1,).
    """

    def __init__(self, starts: np.ndarray) -> None:
        starts.flags.writeable = False
        self.starts = starts

    def column(self) -> np.ndarray:
        """Return the neuron of each edge, int32, shape (edge,)."""
        neurons = np.arange(len(self.starts) - 1, dtype=np.int32)
        return _read_only(np.repeat(neurons, np.diff(self.starts)))


class EdgeTable(Sequence[np.ndarray]):
    """Edges of one projection; ``pre, post, weight, delay = circuit.edges(name)``.

    Parameters
    ----------
    pre
        Presynaptic neurons of the whole population, int32, shape (edge,), or where the edges of each begin.
    post
        Postsynaptic neurons, int32, shape (edge,).
    weights
        SI, shape (edge,); where edges share weights, one value for each that is shared, in any shape.
    step_numbers
        Delays in steps, of any type of whole numbers, shape (edge,).
    dt
        Length of a step in seconds.
    element
        Where edges share weights: which of `weights` (counted through its flat order) an edge has, shape (edge,).

    Notes
    -----
    All arrays are read-only: a circuit keeps the table for whoever asks next. What is computed from what is held
    (`pre` of sorted edges, `steps`, `delay`, and `weight` where it is shared) is computed anew at each call and not
    kept.
    """

    def __init__(
        self,
        pre: np.ndarray | Ascending,
        post: np.ndarray,
        weights: np.ndarray,
        step_numbers: np.ndarray,
        dt: float,
        element: np.ndarray | None = None,
    ) -> None:
        self.post, self.weights, self.step_numbers, self.element = post, weights, step_numbers, element
        self.sources = pre
        self.dt = dt
        for column in (pre, post, weights, step_numbers, element):
            if isinstance(column, np.ndarray):
                column.flags.writeable = False

    @property
    def n(self) -> int:
        """Number of edges."""
        return len(self.post)

    @property
    def pre(self) -> np.ndarray:
        """Presynaptic neurons of the whole population, int32, shape (edge,)."""
        return self.sources.column() if isinstance(self.sources, Ascending) else self.sources

    @property
    def starts(self) -> np.ndarray | None:
        """Where the edges of each presynaptic neuron begin, int64; ``None`` where the table holds `pre` itself."""
        return self.sources.starts if isinstance(self.sources, Ascending) else None

    @property
    def steps(self) -> np.ndarray:
        """Delays in steps, int32, shape (edge,)."""
        return as_int32(self.step_numbers)

    @property
    def weight(self) -> np.ndarray:
        """Weights in SI, float64, shape (edge,)."""
        return self.weights if self.element is None else _read_only(self.weights.reshape(-1)[self.element])

    @property
    def delay(self) -> np.ndarray:
        """Delays in seconds, float64, shape (edge,): whole steps times dt."""
        held = self.step_numbers
        if held.size and held.strides == (0,):
            return np.broadcast_to(held[0] * self.dt, held.shape)
        return _read_only(held * self.dt)

    def __len__(self) -> int:
        """Return the number of columns: pre, post, weight, delay."""
        return 4

    def __getitem__(self, item: Any) -> Any:
        """Return a column, or some of them."""
        return (self.pre, self.post, self.weight, self.delay)[item]

    def __iter__(self) -> Iterator[np.ndarray]:
        """Go through the columns."""
        return iter((self.pre, self.post, self.weight, self.delay))

    def __repr__(self) -> str:
        """Show the number of edges."""
        return f"EdgeTable(<{self.n} edges>)"


def edge_blocks(n: int) -> Iterator[slice]:
    """Return slices that cover n edges, some at a time: temporaries of every edge at once would be large."""
    return (slice(first, min(first + EDGES_AT_ONCE, n)) for first in range(0, n, EDGES_AT_ONCE))


def index_column(values: np.ndarray, what: str) -> np.ndarray:
    """Return whole numbers as int32.

    Raises
    ------
    CircuitError
        If one is too large for it.
    """
    if values.size and values.dtype != np.int32 and int(values.max()) > np.iinfo(np.int32).max:
        raise CircuitError(f"{what} must be less than 2**31, got {int(values.max())}.")
    return values.astype(np.int32, copy=False)


def as_int32(values: np.ndarray) -> np.ndarray:
    """Return whole numbers as int32; what all share, once."""
    if values.size and values.strides == (0,):
        return np.broadcast_to(np.int32(values[0]), values.shape)
    return _read_only(values.astype(np.int32, copy=False))


def shortest(pre: np.ndarray | Ascending, n: int) -> np.ndarray | Ascending:
    """Return neurons below n, (edge,), in the shorter form, if they ascend: each, or where the edges of each begin."""
    if isinstance(pre, Ascending):
        return pre if 2 * len(pre.starts) <= pre.starts[-1] else pre.column()
    if 2 * (n + 1) > pre.size:
        return pre
    if any(np.any(pre[part] > pre[part.start + 1 : part.stop + 1]) for part in edge_blocks(pre.size - 1)):
        return pre
    return Ascending(np.searchsorted(pre, np.arange(n + 1, dtype=pre.dtype)).astype(np.int64, copy=False))


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
