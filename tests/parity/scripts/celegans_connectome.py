"""The worm's 302 graded neurons on their wiring in plain Brian2. Imports only brian2 and numpy.

Each cell sums the conductances of its excitatory synapses, its inhibitory synapses and its gap junctions.
"""

from __future__ import annotations

import brian2 as b2
import numpy as np

EQUATIONS = """
dv/dt = (G*(El - v) + ge*(Ee - v) + gi*(Ei - v) + (ij - gj*v) + I)/C : volt
ds/dt = ar*(1 - s)/(1 + exp(-beta*(v - Vth))) - ad*s : 1
Vth : volt
ge : siemens
gi : siemens
gj : siemens
ij : amp
I : amp
"""
CHEMICAL = """
w : siemens
{target}_post = w*s_pre : siemens (summed)
"""
JUNCTIONS = """
w : siemens
gj_post = w : siemens (summed)
ij_post = w*v_pre : amp (summed)
"""
CONSTANTS = {
    "C": 1 * b2.pF, "G": 100 * b2.psiemens, "El": -35 * b2.mV, "Ee": 0 * b2.mV, "Ei": -48 * b2.mV,
    "beta": 0.125 / b2.mV, "ar": 1 / b2.second, "ad": 5 / b2.second,
}  # fmt: skip


def run(
    dt: float, steps: int, threshold: np.ndarray, current: np.ndarray, edges: dict[str, tuple[np.ndarray, ...]]
) -> dict:
    """Simulate, from rest.

    Parameters
    ----------
    dt, steps
        Time step in seconds, number of steps.
    threshold
        Potential of half release of each neuron in volt, which is where it rests, (neuron,).
    current
        Injected current in ampere, (step, neuron).
    edges
        ``"excitatory"``, ``"inhibitory"`` and ``"gap_junctions"``: pre, post, weight in siemens, each (edge,).
    """
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = dt * b2.second

    worm = b2.NeuronGroup(
        len(threshold), EQUATIONS, method="exponential_euler", name="worm",
        namespace={**CONSTANTS, "injected": b2.TimedArray(current * b2.amp, dt=dt * b2.second)},
    )  # fmt: skip
    worm.Vth = worm.v = threshold * b2.volt
    worm.s = 1 / 11  # ar/(ar + 2 ad)
    worm.run_regularly("I = injected(t, i)", when="start")

    excitation, inhibition = CHEMICAL.format(target="ge"), CHEMICAL.format(target="gi")
    models = {"excitatory": excitation, "inhibitory": inhibition, "gap_junctions": JUNCTIONS}
    synapses = []
    for name, equations in models.items():
        pre, post, weight, _ = edges[name]
        connection = b2.Synapses(worm, worm, equations, name=name)
        connection.connect(i=pre, j=post)
        connection.w = weight * b2.siemens
        synapses.append(connection)

    monitor = b2.StateMonitor(worm, "v", record=True, when="end")
    network = b2.Network(worm, *synapses, monitor)
    network.run(steps * dt * b2.second, namespace={})
    return {
        "spikes": {},
        "state": {"worm": {"v": np.array(worm.v), "s": np.array(worm.s)}},
        "traces": {"worm": {"v": np.array(monitor.v).T}},
    }
