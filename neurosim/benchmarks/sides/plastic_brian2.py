"""The plastic network as a user of Brian2 writes it, on our edges, weights, delays and initial values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import brian2 as b2
import numpy as np

from neurosim.benchmarks.plastic import A_MINUS, A_PLUS, W_MAX, plastic_network
from neurosim.benchmarks.sides.brian2_runs import Runs, choose_target
from neurosim.benchmarks.sides.memory import resident
from neurosim.circuit import Circuit

CONSTANTS = {
    "taum": 20 * b2.ms, "R": 100 * b2.Mohm, "El": -48 * b2.mV, "Vt": -50 * b2.mV, "Vr": -60 * b2.mV, "taus": 5 * b2.ms,
    "tau": 20 * b2.ms, "ap": A_PLUS * b2.pA, "am": A_MINUS * b2.pA, "wmax": W_MAX * b2.pA, "nothing": 0 * b2.pA,
}  # fmt: skip
NEURON = """
dv/dt = (El - v + R*I)/taum : volt (unless refractory)
dI/dt = -I/taus : amp
"""
SYNAPSE = """
w : amp
dapre/dt = -apre/tau : 1 (event-driven)
dapost/dt = -apost/tau : 1 (event-driven)
"""
ON_PRE = """
I_post += w
w = clip(w - am*apost, nothing, wmax)
apre += 1
"""
ON_POST = """
w = clip(w + ap*apre, nothing, wmax)
apost += 1
"""


def network(circuit: Circuit) -> tuple[Any, Any, Any]:
    """Return network, synapses and monitor of spikes."""
    group = b2.NeuronGroup(
        circuit.populations["cells"].n, NEURON, threshold="v > Vt", reset="v = Vr", refractory=2 * b2.ms,
        method="exact", namespace=CONSTANTS,
    )  # fmt: skip
    group.v = circuit.initial("cells", "v") * b2.volt
    synapses = b2.Synapses(group, group, SYNAPSE, on_pre=ON_PRE, on_post=ON_POST, namespace=CONSTANTS)
    edges = circuit.edges("edges")
    synapses.connect(i=edges.pre, j=edges.post)
    synapses.w = edges.weight * b2.amp
    synapses.pre.delay = edges.delay * b2.second
    monitor = b2.SpikeMonitor(group)
    return b2.Network(group, synapses, monitor), synapses, monitor


class Side(Runs):
    """The network."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        choose_target(settings)
        b2.defaultclock.dt = 0.1 * b2.ms
        small, *_ = network(plastic_network(100, 0.02))  # loads everything that is loaded once
        small.run(1 * b2.ms)
        circuit = plastic_network(settings["neurons"], settings["probability"])
        n_edges = circuit.edges("edges").n
        before = resident()
        whole, self.synapses, monitor = network(circuit)
        super().__init__(whole, 0.005, {"cells": monitor}, 1e-4)
        super().run()
        self.bytes = (resident() - before) / n_edges
        self.duration = settings["duration"]

    def result(self) -> dict[str, Any]:
        """Return spikes, weights at the end, and bytes for each synapse."""
        return {**super().result(), "weight": np.asarray(self.synapses.w), "bytes": np.asarray(self.bytes)}
