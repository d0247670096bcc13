"""Adaptive exponential neurons with synaptic conductances in plain Brian2. Imports only brian2 and numpy."""

from __future__ import annotations

import brian2 as b2
import numpy as np

EQUATIONS = """
dv/dt = (gL*(EL - v) + gL*DeltaT*exp((v - VT)/DeltaT) - z + ge*(Ee - v) + gi*(Ei - v) + I)/C : volt (unless refractory)
dz/dt = (a*(v - EL) - z)/tau_z : amp
dge/dt = -ge/taue : siemens
dgi/dt = -gi/taui : siemens
I : amp
"""
# Brette and Gerstner (2005)
CONSTANTS = {
    "C": 281 * b2.pF, "gL": 30 * b2.nS, "EL": -70.6 * b2.mV, "VT": -50.4 * b2.mV, "DeltaT": 2 * b2.mV,
    "tau_z": 144 * b2.ms, "a": 4 * b2.nS, "b": 0.0805 * b2.nA, "Vcut": -40.4 * b2.mV, "Vr": -70.6 * b2.mV,
    "taue": 5 * b2.ms, "taui": 10 * b2.ms, "Ee": 0 * b2.mV, "Ei": -80 * b2.mV,
}  # fmt: skip


def run(dt: float, steps: int, v: np.ndarray, current: np.ndarray, edges: dict[str, tuple[np.ndarray, ...]]) -> dict:
    """Simulate.

    Parameters
    ----------
    dt, steps
        Time step in seconds, number of steps.
    v
        Initial potentials in volt, (neuron,).
    current
        Injected current in ampere, (step, neuron).
    edges
        ``"excitation"`` and ``"inhibition"``: pre, post, weight in siemens, delay in seconds, each (edge,).
    """
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = dt * b2.second

    cells = b2.NeuronGroup(
        len(v), EQUATIONS, threshold="v > Vcut", reset="v = Vr; z += b", refractory=2 * b2.ms, method="euler",
        namespace={**CONSTANTS, "injected": b2.TimedArray(current * b2.amp, dt=dt * b2.second)}, name="cells",
    )  # fmt: skip
    cells.v = v * b2.volt
    cells.run_regularly("I = injected(t, i)", when="start")

    synapses = []
    for order, (name, (pre, post, weight, delay)) in enumerate(edges.items()):
        on_pre = {"excitation": "ge_post += w", "inhibition": "gi_post += w"}[name]
        connection = b2.Synapses(cells, cells, "w : siemens", on_pre=on_pre, name=name)
        connection.connect(i=pre, j=post)
        connection.w = weight * b2.siemens
        connection.delay = delay * b2.second
        connection.pre.order = order  # else by name
        synapses.append(connection)

    monitor = b2.SpikeMonitor(cells)
    network = b2.Network(cells, *synapses, monitor)
    network.run(steps * dt * b2.second, namespace={})
    return {
        "spikes": {"cells": (np.rint(monitor.t / b2.second / dt).astype(int), np.array(monitor.i))},
        "state": {"cells": {x: np.array(getattr(cells, x)) for x in ("v", "z", "ge", "gi")}},
    }
