"""Networks of 200 neurons, one per model, for holding the two backends against each other.

    neurosim verify examples/model_networks.py:adaptive_exponential --duration 500ms
    neurosim verify examples/model_networks.py:hodgkin_huxley --duration 500ms
    neurosim verify examples/model_networks.py:conductance_lif --duration 500ms

Each is recurrent, with weights and delays that differ from synapse to synapse, and driven by a current step.
"""

from __future__ import annotations

import neurosim as ns
from neurosim.units import Mohm, ms, mV, nA, nS, pA

N = 200


def adaptive_exponential() -> ns.Circuit:
    """Return adaptive exponential neurons with conductance synapses and delays of 1 to 5 ms."""
    circuit = ns.Circuit("adaptive-exponential-network", dt=0.1 * ms, seed=11)
    cell = ns.models.adaptive_exponential(receptors={"ampa": ns.Exponential(3 * ms, reversal=0 * mV)})
    cells = circuit.population("cells", N, cell, initial={"v": ns.Uniform(-70 * mV, -55 * mV)})
    circuit.connect(cells, cells, ns.FixedProbability(0.1, autapses=False), receptor="ampa",
                    weight=ns.Uniform(0 * nS, 2 * nS), delay=ns.Uniform(1 * ms, 5 * ms))  # fmt: skip
    circuit.inject("drive", cells, "i_ext", ns.Step(0.8 * nA, start=20 * ms))
    return circuit


def hodgkin_huxley() -> ns.Circuit:
    """Return Hodgkin-Huxley neurons (Traub and Miles), integrated by exponential Euler, delays of 1 to 5 ms."""
    circuit = ns.Circuit("hodgkin-huxley-network", dt=0.1 * ms, seed=12)
    cell = ns.models.hodgkin_huxley(receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV)})
    cells = circuit.population("cells", N, cell, initial={"v": ns.Uniform(-70 * mV, -60 * mV)})
    circuit.connect(cells, cells, ns.FixedProbability(0.1, autapses=False), receptor="ampa",
                    weight=ns.Uniform(0 * nS, 1 * nS), delay=ns.Uniform(1 * ms, 5 * ms))  # fmt: skip
    circuit.inject("drive", cells[:100], "i_ext", ns.Step(0.12 * nA, start=20 * ms))
    return circuit


def conductance_lif() -> ns.Circuit:
    """Return conductance-based neurons with a refractory period and delays of 1 to 20 ms, excited and inhibited."""
    circuit = ns.Circuit("conductance-network", dt=0.1 * ms, seed=13)
    cell = ns.models.lif(
        tau_mem=20 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV, tau_ref=5 * ms,
        receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV), "gaba": ns.Alpha(10 * ms, reversal=-80 * mV)},
    )  # fmt: skip
    exc = circuit.population("exc", N * 4 // 5, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    inh = circuit.population("inh", N // 5, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    for pre, receptor, weight in ((exc, "ampa", 3 * nS), (inh, "gaba", 12 * nS)):
        for post in (exc, inh):
            circuit.connect(pre, post, ns.FixedProbability(0.1), receptor=receptor,
                            weight=ns.Uniform(0 * nS, weight), delay=ns.Uniform(1 * ms, 20 * ms))  # fmt: skip
    for name, cells in (("drive_exc", exc), ("drive_inh", inh)):
        circuit.inject(name, cells, "i_ext", ns.Step(160 * pA, start=20 * ms))
    return circuit
