"""The edges of a projection as realised: arrays that hold each number once, in as few bytes as it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from neurosim.errors import CircuitError

#: Edges handled at once, where something is computed for each.
EDGES_AT_ONCE = 1 << 16


class EdgeTable(Sequence[np.ndarray]):
    """Edges of one projection; ``pre, post, weight, delay = circuit.edges(name)``.

    Parameters
    ----------
    pre, post
        Neurons of the whole populations, int32, shape (edge,).
    weights
        SI, shape (edge,); where edges share weights, one value for each that is shared, in any shape.
    steps
        Delays in steps, int32, shape (edge,).
    dt
        Length of a step in seconds.
    element
        Where edges share weights: which of `weights` (counted through its flat order) an edge has, shape (edge,).

    Notes
    -----
    All arrays are read-only: a circuit keeps the table for whoever asks next. What is computed from another column
    (`delay`, and `weight` where it is shared) is computed anew at each call and not kept.
    """

    def __init__(
        self,
        pre: np.ndarray,
        post: np.ndarray,
        weights: np.ndarray,
        steps: np.ndarray,
        dt: float,
        element: np.ndarray | None = None,
    ) -> None:
        self.pre, self.post, self.weights, self.steps, self.element = pre, post, weights, steps, element
        self.dt = dt
        for column in (pre, post, weights, steps, *(() if element is None else (element,))):
            column.flags.writeable = False

    @property
    def weight(self) -> np.ndarray:
        """Weights in SI, float64, shape (edge,)."""
        return self.weights if self.element is None else _read_only(self.weights.reshape(-1)[self.element])

    @property
    def delay(self) -> np.ndarray:
        """Delays in seconds, float64, shape (edge,): whole steps times dt."""
        if self.steps.size and self.steps.strides == (0,):
            return np.broadcast_to(self.steps[0] * self.dt, self.steps.shape)
        return _read_only(self.steps * self.dt)

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
        return f"EdgeTable(<{self.pre.size} edges>)"


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
    return values.astype(np.int32)


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
