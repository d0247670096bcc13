"""Neurons that do not spike, with graded synapses and gap junctions, in plain Brian2. Imports only brian2 and numpy.

Summed variables are computed before the integration, from the state at the end of the step before.
"""

from __future__ import annotations

import brian2 as b2
import numpy as np

EQUATIONS = """
dv/dt = (G*(El - v) + (ie - ge*v) + (ii - gi*v) + (ij - gj*v) + I)/C : volt
ds/dt = ar*(1 - s)/(1 + exp(-beta*(v - Vh))) - ad*s : 1
ge : siemens
ie : amp
gi : siemens
ii : amp
gj : siemens
ij : amp
I : amp
"""
EXCITATION = """
w : siemens
ge_post = w*s_pre : siemens (summed)
ie_post = w*s_pre*(0*mV) : amp (summed)
"""
INHIBITION = """
w : siemens
gi_post = w*s_pre : siemens (summed)
ii_post = w*s_pre*(-48*mV) : amp (summed)
"""
GAP = """
w : siemens
gj_post = w : siemens (summed)
ij_post = w*v_pre : amp (summed)
"""
CONSTANTS = {
    "C": 1 * b2.pF, "G": 10 * b2.psiemens, "El": -35 * b2.mV, "Vh": -35 * b2.mV, "beta": 0.125 / b2.mV,
    "ar": 100 * b2.Hz, "ad": 50 * b2.Hz,
}  # fmt: skip


def run(
    dt: float,
    steps: int,
    initial: dict[str, np.ndarray],
    current: np.ndarray,
    edges: dict[str, tuple[np.ndarray, ...]],
) -> dict:
    """Simulate.

    Parameters
    ----------
    dt, steps
        Time step in seconds, number of steps.
    initial
        v in volt and s, each (neuron,).
    current
        Injected current in ampere, (step, neuron).
    edges
        ``"excitation"``, ``"inhibition"`` and ``"gap"``: pre, post, weight in siemens, each (edge,).
    """
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = dt * b2.second

    cells = b2.NeuronGroup(
        len(initial["v"]), EQUATIONS, method="exponential_euler", name="cells",
        namespace={**CONSTANTS, "injected": b2.TimedArray(current * b2.amp, dt=dt * b2.second)},
    )  # fmt: skip
    cells.v = initial["v"] * b2.volt
    cells.s = initial["s"]
    cells.run_regularly("I = injected(t, i)", when="start")

    synapses = []
    for name, equations in {"excitation": EXCITATION, "inhibition": INHIBITION, "gap": GAP}.items():
        pre, post, weight, _ = edges[name]
        connection = b2.Synapses(cells, cells, equations, name=name)
        connection.connect(i=pre, j=post)
        connection.w = weight * b2.siemens
        synapses.append(connection)

    monitor = b2.StateMonitor(cells, "v", record=True, when="end")
    network = b2.Network(cells, *synapses, monitor)
    network.run(steps * dt * b2.second, namespace={})
    return {
        "spikes": {},
        "state": {"cells": {"v": np.array(cells.v), "s": np.array(cells.s)}},
        "traces": {"cells": {"v": np.array(monitor.v).T}},
    }
