"""A thousand simple neurons with delays of up to 20 ms, as the program ``spnet`` of Izhikevich (2006) sets them up.

Weights stay where the program starts them, or learn as in the program (``plastic=True``).
"""

from __future__ import annotations

import numpy as np

from neurosim import models
from neurosim.circuit import AllToAll, Circuit, Edges, NeuronModel, SynapseModel
from neurosim.errors import CircuitError
from neurosim.random import Stream
from neurosim.units import ms

NAME = "polychronous"
SIZES = {"exc": 800, "inh": 200}
OUTPUTS = 100
LONGEST = 20
WEIGHTS = {"exc": 6.0, "inh": -5.0}
THALAMUS = 20.0


def build(*, plastic: bool = False, scale: float = 1.0, seed: int = 0) -> Circuit:
    """Build the circuit.

    Parameters
    ----------
    plastic
        Whether excitatory edges learn by the timing of spikes.
    scale
        Factor of the number of neurons. Each keeps sending to a hundred as long as there are so many.
    seed
        Of the edges and of their delays.

    Returns
    -------
    Circuit
        Population ``"cells"``, the first four fifths excitatory; ``"thalamus"``, whose only variable is the number of
        the neuron that is driven in this step; projections ``"excitation"``, ``"inhibition"`` (onto excitatory neurons
        only) and ``"drive"``.

    Raises
    ------
    CircuitError
        If fewer than 25 neurons remain.

    Notes
    -----
    In the program a spike is found at the start of the step after the one in which v passed 30, and a delay of D ms is
    over D - 1 steps after that. Here the spike is stamped one step earlier, so the delay is D - 1 ms and what follows
    is the same: delays are 0 to 19 ms from excitatory neurons, five edges of each, and 0 from inhibitory ones.

    Every millisecond one neuron, drawn anew from all, receives an input of 20.

    A plastic edge has a trace ``r`` that an arrival sets to 0.1 and a trace ``o`` that a spike of its target sets to
    0.1; both lose a twentieth in a millisecond. A spike of the target adds r to the tendency ``sd``, an arrival takes
    1.2 times o from it, in a common step the spike of the target first. Once a second the weight changes by 0.01 + sd,
    within 0 and 10, and sd loses a tenth. After hours of this the paper finds polychronous groups, which is more than
    is tested here.

    References
    ----------
    E. M. Izhikevich: Polychronization: computation with spikes. Neural Computation 18, 245-282 (2006),
    doi:10.1162/089976606775093882.
    """
    sizes = {name: round(scale * n) if scale > 0 else 0 for name, n in SIZES.items()}
    n = sum(sizes.values())
    if n < 25:
        raise CircuitError(f"{NAME}: scale={scale!r} leaves {n} neurons; give at least {25 / sum(SIZES.values())}.")
    split = sizes["exc"]
    excitatory = np.arange(n) < split
    circuit = Circuit(NAME, dt=1 * ms, seed=seed)
    cell = models.izhikevich_map(a=0.02, b=0.2, c=-65.0, d=8.0)
    cells = circuit.population(
        "cells", n, cell, parameters={"a": np.where(excitatory, 0.02, 0.1), "d": np.where(excitatory, 8.0, 2.0)}
    )
    outputs = min(OUTPUTS, split - 1)
    pre, post = _partners(Stream(circuit.seed, f"{NAME}/excitation"), np.arange(split), n, outputs)
    circuit.connect(
        cells, cells, Edges(pre, post), receptor="i_syn", weight=WEIGHTS["exc"],
        delay=np.tile(np.arange(outputs) % LONGEST, split) * ms, synapse=_LEARNING if plastic else None,
        name="excitation",
    )  # fmt: skip
    pre, post = _partners(Stream(circuit.seed, f"{NAME}/inhibition"), np.arange(split, n), split, outputs)
    circuit.connect(cells, cells, Edges(pre, post), receptor="i_syn", weight=WEIGHTS["inh"], name="inhibition")
    circuit.population("thalamus", 1, _thalamus(n))
    circuit.connect(
        "thalamus", cells, AllToAll(), synapse=_DRIVE, weight=THALAMUS, parameters={"number": np.arange(float(n))},
        name="drive",
    )  # fmt: skip
    return circuit


#: A spike of the target in the step of an arrival comes too early to be caused by it, and acts first. It reads the
#: trace of the step before, which the program has not yet let decay when it looks for spikes.
_LEARNING = SynapseModel(
    "r : 1\no : 1\nseen : 1\nsd : 1",
    on_pre="receptor_post += w; sd -= 1.2*o; r = 0.1",
    on_post="sd += seen; o = 0.1",
    update="seen = r; r = 0.95*r; o = 0.95*o\n"
    "due = int(timestep(t, dt) % 1000 == 999)\n"
    "w = due*clip(0.01 + w + sd, 0, 10) + (1 - due)*w\n"
    "sd = due*0.9*sd + (1 - due)*sd",
    post_first=True,
    name="learning",
)
#: Number is that of the neuron at the end of the edge.
_DRIVE = SynapseModel("i_ext_post = w*int(number == chosen_pre) : 1 (summed)", parameters={"number": 0.0}, name="drive")


def _thalamus(n: int) -> NeuronModel:
    """Return a unit that draws a number from 0 to n - 1 in every step, for the next one; none for the first."""
    return NeuronModel(
        "chosen : 1",
        update="chosen = floor(n_cells*rand())",
        parameters={"n_cells": float(n)},
        initial={"chosen": -1.0},
        name="thalamus",
    )


def _partners(stream: Stream, senders: np.ndarray, n_receivers: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges from each sender to `k` different receivers, in any order, none of them itself.

    Parameters
    ----------
    stream
        Where they are drawn from.
    senders
        Indices, shape (sender,).
    n_receivers
        The receivers are the neurons 0 to ``n_receivers - 1``.
    k
        Edges of each sender.

    Returns
    -------
    tuple of numpy.ndarray
        Senders and receivers, shape (edge,), by sender; the receivers of one are in the order of drawing.
    """
    keys = stream.uniform(senders.size * n_receivers).reshape(senders.size, n_receivers)
    keys[senders[:, None] == np.arange(n_receivers)] = 2.0  # last
    return np.repeat(senders, k), np.argsort(keys, axis=1, kind="stable")[:, :k].ravel()
