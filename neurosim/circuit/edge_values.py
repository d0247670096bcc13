"""Weights and delays of all edges, drawn or given, filled in a part at a time: temporaries of every edge are large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurosim.circuit.realised_edges import Ascending, edge_blocks
from neurosim.circuit.values import Distribution, Trainable, Value, plain
from neurosim.errors import CircuitError
from neurosim.random import Stream

#: How far from a multiple of dt, in steps, a delay may lie and still be that multiple.
GRID_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Ends:
    """The neurons at both ends of all edges of a projection, and the sizes of the populations."""

    pre: np.ndarray | Ascending
    post: np.ndarray
    sizes: tuple[int, int]

    def neurons(self, side: str) -> tuple[np.ndarray, int]:
        """Return the neuron of every edge on one side, and the size of the population."""
        if side == "post":
            return self.post, self.sizes[1]
        return (self.pre.column() if isinstance(self.pre, Ascending) else self.pre), self.sizes[0]


def edge_values(value: Value, stream: Stream, ends: Ends) -> float | np.ndarray:
    """Return a float where all edges share a value, else (edge,): one draw for each edge, or for what shares it."""
    given = plain(value)
    if isinstance(given, np.ndarray):
        return given
    shared = _source(value, stream, ends)
    if isinstance(shared, float):
        return shared
    column = np.empty(len(ends.post))
    for part in edge_blocks(column.size):
        column[part] = shared(part)
    return column


def edge_steps(
    value: Value, stream: Stream, ends: Ends, dt: float, *, rounding: bool, where: str
) -> tuple[np.ndarray, float]:
    """Return delays in steps, shape (edge,), and by how much (s) putting them on the grid moved one at most.

    Steps are whole numbers of the type in which the longest fits.
    """
    n_edges = len(ends.post)
    shared = _source(value, stream, ends)
    if isinstance(shared, float):
        step = delay_steps(shared, dt, rounding=rounding, where=where)
        return np.broadcast_to(step, n_edges), abs(shared - float(step) * dt)
    column, moved = np.empty(n_edges, dtype=np.uint8), 0.0
    for part in edge_blocks(n_edges):
        delay = shared(part)
        steps = delay_steps(delay, dt, rounding=rounding, where=where)
        longest = steps.max()
        if longest > np.iinfo(column.dtype).max:
            column = column.astype(np.uint16 if longest <= np.iinfo(np.uint16).max else np.int32)
        column[part] = steps
        moved = max(moved, float(np.max(np.abs(delay - steps * dt))))
    return column, moved


def _source(value: Value, stream: Stream, ends: Ends) -> float | Callable[[slice], np.ndarray]:
    """Return what all edges share, or else what gives the values of some of them."""
    inner = plain(value)
    if isinstance(inner, np.ndarray):
        values = inner
        return lambda part: values[part]
    if not isinstance(inner, Distribution):
        return inner
    distribution = inner
    sharing = str(value.per) if isinstance(value, Trainable) else ""
    if sharing == "all":
        return float(distribution.draw(1, stream)[0])
    if sharing in ("pre", "post"):
        indices, n_neurons = ends.neurons(sharing)
        by_neuron = distribution.draw(n_neurons, stream)
        return lambda part: by_neuron[indices[part]]
    return lambda part: distribution.draw(part.stop - part.start, stream, part.start)


def delay_steps(delay: float | np.ndarray, dt: float, *, rounding: bool, where: str) -> np.ndarray:
    """Return delays in steps, int32.

    Raises
    ------
    CircuitError
        If one is negative, not finite, (without `rounding`) no multiple of dt, or of more steps than can be counted.
    """
    delay = np.asarray(delay, dtype=np.float64)
    if np.any(~np.isfinite(delay)) or np.any(delay < 0):
        wrong = np.ravel(delay)[np.ravel(~np.isfinite(delay) | (delay < 0))]
        raise CircuitError(f"{where}: delays must be finite and not negative, got {wrong[0]:g} s.")
    exact = delay / dt
    steps = np.floor(exact + 0.5)
    if not rounding:
        off = np.abs(exact - steps) > GRID_TOLERANCE
        if np.any(off):
            value = float(np.ravel(delay)[np.argmax(np.ravel(off))])
            raise CircuitError(
                f"{where}: the delay {value:g} s is no multiple of dt = {dt:g} s (nearest: "
                f"{np.floor(value / dt + 0.5) * dt:g} s). Change it, or pass round_delays=True to the circuit."
            )
    if np.any(steps > np.iinfo(np.int32).max):
        raise CircuitError(f"{where}: the delay {float(np.max(delay)):g} s is longer than 2**31 steps of {dt:g} s.")
    return steps.astype(np.int32)
