"""A layer of neurons with heterogeneous delays, each of which detects one motif (Perrinet 2023)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.circuit import Circuit, Edges, NeuronModel, Signal
from neurosim.circuits.delay_snn.motifs import scores, threshold_for
from neurosim.datasets.motifs import motif_kernels, motif_rasters
from neurosim.errors import CircuitError
from neurosim.units import ms

NAME = "motif-detection"
#: What is fed with a raster, (time, input): which inputs spike in which steps.
RASTER = "raster"
#: Steps from the last spike of a motif to the spike of its detector.
LATENCY = 1


def summing_neuron(*, leak: float = 0.0) -> NeuronModel:
    """Return a neuron whose score is what arrived in the step before, and a part of its last score.

    Parameters
    ----------
    leak
        Which part of the score remains from step to step; 0 for that of one step alone.
    """
    if not 0 <= leak < 1:
        raise CircuitError(f"{NAME}: leak={leak!r} must be at least 0 and less than 1.")
    return NeuronModel(
        "arriving : 1\nscore : 1",
        update="score = leak*score + arriving\narriving = 0",
        threshold="score > theta",
        parameters={"leak": leak, "theta": 0.0},
        name="summing",
    )


def build(
    *,
    kernels: ArrayLike | None = None,
    n_motifs: int = 16,
    n_inputs: int = 128,
    n_delays: int = 31,
    threshold: float | ArrayLike | None = None,
    leak: float = 0.0,
    dt: Any = 1 * ms,
    seed: int = 0,
) -> Circuit:
    """Build the circuit.

    Parameters
    ----------
    kernels
        Shape (motif, input, delay): the weight with which a spike speaks for a motif that began `delay` steps before.
        By default those of :func:`~neurosim.datasets.motifs.motif_kernels` with `n_motifs`, `n_inputs`, `n_delays` and
        `seed`.
    n_motifs, n_inputs, n_delays
        Sizes where no kernels are given.
    threshold
        Of the detectors: one value, or one for each. By default that which makes as many claims as there are onsets
        in rasters drawn for this purpose.
    leak
        See :func:`summing_neuron`.
    dt
        Step of time.
    seed
        Of the circuit, of the kernels where none are given, and of the raster.

    Returns
    -------
    Circuit
        Populations ``"inputs"`` and ``"detectors"``, and the projection ``"delayed"`` between them with an edge for
        each weight that is not zero: several for a pair, each with a delay of its own. The injection ``"raster"`` says
        which inputs spike; by default one raster drawn from the kernels.

    Raises
    ------
    CircuitError
        If the kernels have no three dimensions, or all are zero.

    Notes
    -----
    A spike that comes `delay` steps after the onset is held back for the rest of the motif, ``n_delays - 1 - delay``
    steps, so that all spikes of a motif arrive in the same step. The detector of a motif with onset k spikes in step
    ``k + n_delays - 1 + LATENCY``.

    References
    ----------
    L. U. Perrinet: Accurate detection of spiking motifs in multi-unit raster plots. ICANN (2023),
    arXiv:2307.11555. A. Grimaldi, L. U. Perrinet: Learning heterogeneous delays in a layer of spiking
    neurons for fast motion detection. Biological Cybernetics (2023), doi:10.1007/s00422-023-00975-8.
    """
    if kernels is None:
        weights = motif_kernels(n_motifs, n_inputs, n_delays, seed=seed)
    else:
        weights = np.asarray(kernels, dtype=float)
    if weights.ndim != 3 or not weights.any():
        raise CircuitError(f"{NAME}: kernels of shape {weights.shape} must be (motif, input, delay), and not all zero.")
    drawn = motif_rasters(weights, seed=seed)
    if threshold is None:
        threshold = threshold_for(scores(weights, drawn.spikes), int(drawn.onsets.sum()))
    motifs, inputs, delays = np.nonzero(weights)
    circuit = Circuit(NAME, dt=dt, seed=seed)
    lines = circuit.population(
        "inputs", weights.shape[1], NeuronModel("drive : 1", threshold="drive > 0.5", name="line")
    )
    detectors = circuit.population(
        "detectors", weights.shape[0], summing_neuron(leak=leak), parameters={"theta": threshold}
    )
    circuit.connect(
        lines,
        detectors,
        Edges(inputs, motifs),
        receptor="arriving",
        weight=weights[motifs, inputs, delays],
        delay=(weights.shape[2] - 1 - delays) * dt,
        name="delayed",
    )
    circuit.inject(RASTER, lines, "drive", Signal(drawn.spikes[:, 0].astype(float), dt))
    return circuit
