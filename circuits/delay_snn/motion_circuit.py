"""A field of neurons with heterogeneous delays that tell which way a texture moves (Grimaldi and Perrinet 2023)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.circuit import Circuit, Edges, NeuronModel, Signal
from neurosim.circuits.delay_snn.motif_circuit import summing_neuron
from neurosim.circuits.delay_snn.motion import pruned, trajectory_kernels
from neurosim.datasets.motion import motion_movies, motion_velocities
from neurosim.errors import CircuitError
from neurosim.units import ms

NAME = "motion-detection"
#: What is fed with events, (time, pixel): pixels are numbered by polarity, y and x.
EVENTS = "events"
Whole = NDArray[np.int64]


def build(
    *,
    kernels: ArrayLike | None = None,
    n_directions: int = 8,
    n_speeds: int = 1,
    n_delays: int = 9,
    width: int = 7,
    kept: float = 0.1,
    size: int = 10,
    threshold: float | ArrayLike = 1.0,
    dt: Any = 1 * ms,
    seed: int = 0,
) -> Circuit:
    """Build the circuit.

    Parameters
    ----------
    kernels
        Shape (motion, 2, delay, y, x). By default those along the trajectories of `n_directions` and `n_speeds`, with
        `n_delays` and `width`, of which `kept` is the part of weights that is not set to 0.
    n_directions, n_speeds, n_delays, width, kept
        Where no kernels are given.
    size
        Of the square field in pixels; it closes on itself.
    threshold
        Of the detectors: one value, or one for each motion.
    dt
        Step of time.
    seed
        Of the circuit, and of the movie that is shown by default.

    Returns
    -------
    Circuit
        Populations ``"pixels"``, shape (2, size, size), and ``"detectors"``, shape (2, motion, size, size): at each
        place one detector for the events as they are and one for them with ON and OFF exchanged. The projection
        ``"delayed"`` has an edge for every weight that is not 0: a detector has several from the same pixel, with
        delays of their own. The injection ``"events"`` says which pixels have an event; by default 200 steps of a
        texture whose motion changes now and then.

    Raises
    ------
    CircuitError
        If the kernels have another shape, are all zero, or are wider than the field.

    Notes
    -----
    The weight at delay d is that of an edge with d steps: an event arrives when it is that old. A detector's spike
    comes in the step after the arrivals that it answers.

    References
    ----------
    A. Grimaldi, L. U. Perrinet: Learning heterogeneous delays in a layer of spiking neurons for fast motion detection.
    Biological Cybernetics (2023), doi:10.1007/s00422-023-00975-8.
    """
    velocities = motion_velocities(n_directions, n_speeds)
    if kernels is None:
        weights = pruned(trajectory_kernels(velocities, n_delays, width), kept)
    else:
        weights = np.asarray(kernels, dtype=float)
    if weights.ndim != 5 or weights.shape[1] != 2 or not weights.any() or max(weights.shape[3:]) > size:
        raise CircuitError(
            f"{NAME}: kernels of shape {weights.shape} must be (motion, 2, delay, y, x), not all zero, and no wider "
            f"than the field of {size} pixels."
        )
    pixels, detectors, values, delays = _edges(weights, size)
    circuit = Circuit(NAME, dt=dt, seed=seed)
    lines = circuit.population(
        "pixels", (2, size, size), NeuronModel("drive : 1", threshold="drive > 0.5", name="line")
    )
    n_motions = len(weights)
    theta = np.broadcast_to(np.asarray(threshold, dtype=float).reshape(-1, 1, 1), (n_motions, size, size))
    cells = circuit.population(
        "detectors",
        (2, n_motions, size, size),
        summing_neuron(),
        parameters={"theta": np.broadcast_to(theta, (2, *theta.shape)).ravel()},
    )
    circuit.connect(
        lines, cells, Edges(pixels, detectors), receptor="arriving", weight=values, delay=delays * dt, name="delayed"
    )
    shown = motion_movies(velocities, n_movies=1, size=size, steps=200, switch=1 / 24, seed=seed).events[:, 0]
    circuit.inject(EVENTS, lines, "drive", Signal(shown.reshape(len(shown), -1).astype(float), dt))
    return circuit


def _edges(weights: NDArray[np.float64], size: int) -> tuple[Whole, Whole, NDArray[np.float64], Whole]:
    """Return the edges: pixels, detectors, weights, delays in steps; each of shape (edge,)."""
    n_motions = len(weights)
    motion, polarity, delay, up, right = np.nonzero(weights)
    values = weights[motion, polarity, delay, up, right]
    exchanged, row, column = (part.ravel() for part in np.indices((2, size, size)))
    here = slice(None), None  # one row for each detector of a motion, one column for each weight
    y = (row[here] - (up - weights.shape[3] // 2)) % size
    x = (column[here] - (right - weights.shape[4] // 2)) % size
    pixels = ((polarity ^ exchanged[here]) * size + y) * size + x
    detectors = ((exchanged[here] * n_motions + motion) * size + row[here]) * size + column[here]
    shape = pixels.shape
    return (
        pixels.ravel(),
        detectors.ravel(),
        np.broadcast_to(values, shape).ravel(),
        np.broadcast_to(delay, shape).ravel(),
    )


def told(spikes: NDArray[np.bool_], n_motions: int, *, memory: int = 8) -> Whole:
    """Return the motion whose detectors spiked most in the last steps.

    Parameters
    ----------
    spikes
        Of all detectors, shape (time, detector).
    n_motions
        Number of motions.
    memory
        Over how many steps spikes are counted.

    Returns
    -------
    numpy.ndarray
        Shape (time,).
    """
    by_motion = spikes.reshape(len(spikes), 2, n_motions, -1).sum(axis=(1, 3))
    counted = np.cumsum(by_motion, axis=0)
    counted[memory:] = counted[memory:] - counted[:-memory]
    return np.asarray(counted.argmax(axis=1))
