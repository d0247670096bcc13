"""The plastic network that neurosim and plain Brian2 are compared on."""

from __future__ import annotations

from neurosim import models
from neurosim.circuit import Circuit, FixedProbability, Uniform
from neurosim.units import Mohm, ms, mV, pA

#: Largest weight, and the changes at a pair of spikes, pA.
W_MAX, A_PLUS, A_MINUS = 2.0, 0.02, 0.021


def plastic_network(n: int, probability: float) -> Circuit:
    """Return n driven integrate-and-fire neurons, all of whose connections learn by pairs of spikes."""
    circuit = Circuit("plastic", dt=0.1 * ms, seed=1)
    cell = models.lif(
        tau_mem=20 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-48 * mV, tau_ref=2 * ms,
        receptors={"syn": 5 * ms},
    )  # fmt: skip
    cells = circuit.population("cells", n, cell, initial={"v": Uniform(-60 * mV, -50 * mV)})
    rule = models.pair_stdp(a_plus=A_PLUS * pA, a_minus=A_MINUS * pA, w_max=W_MAX * pA, amplitude="absolute")
    circuit.connect(
        cells, cells, FixedProbability(probability, autapses=False), receptor="syn", synapse=rule,
        weight=Uniform(0 * pA, W_MAX * pA), delay=Uniform(0.1 * ms, 10 * ms), name="edges",
    )  # fmt: skip
    return circuit
