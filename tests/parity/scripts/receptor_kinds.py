"""Double exponential and NMDA receptors, and direct jumps of v, in plain Brian2. Imports only brian2 and numpy."""

from __future__ import annotations

import brian2 as b2
import numpy as np

CURRENT = """
dv/dt = (El - v + R*s)/taum : volt (unless refractory)
ds/dt = (scale*x - s)/taud : amp
dx/dt = -x/taur : amp
"""
CONDUCTANCE = """
dv/dt = (El - v + R*s*(Ee - v))/taum : volt (unless refractory)
ds/dt = (scale*x - s)/taud : siemens
dx/dt = -x/taur : siemens
"""
BLOCKED = """
dv/dt = (El - v + R*s*(Ee - v)/(1 + Mg/(3.57*mmolar)*exp(-0.062*v/mV)))/taum : volt (unless refractory)
ds/dt = (scale*x - s)/taud : siemens
dx/dt = -x/taur : siemens
"""
CONSTANTS = {
    "taum": 20 * b2.ms, "R": 100 * b2.Mohm, "El": -60 * b2.mV, "Vt": -50 * b2.mV, "Vr": -60 * b2.mV,
    "taur": 2 * b2.ms, "taud": 15 * b2.ms, "Ee": 0 * b2.mV, "Mg": 1.5 * b2.mmolar,
    "scale": 7.5 ** (15 / 13),  # a pulse peaks at its weight
}  # fmt: skip
KINDS = {
    "current": (CURRENT, "exact", "x_post += w", b2.amp),
    "conductance": (CONDUCTANCE, "exponential_euler", "x_post += w", b2.siemens),
    "nmda": (BLOCKED, "exponential_euler", "x_post += w", b2.siemens),
    "delta": ("dv/dt = (El - v)/taum : volt (unless refractory)", "exact", "v_post += w", b2.volt),
}


def run(
    kind: str,
    dt: float,
    steps: int,
    v: np.ndarray,
    spikes: tuple[np.ndarray, np.ndarray],
    n_inputs: int,
    edges: dict[str, tuple[np.ndarray, ...]],
) -> dict:
    """Simulate.

    Parameters
    ----------
    kind
        One of :data:`KINDS`.
    dt, steps
        Time step in seconds, number of steps.
    v
        Initial potentials in volt, (neuron,).
    spikes
        Steps and neurons of the spikes from outside, each (spike,).
    n_inputs
        Number of neurons that send them.
    edges
        ``"in_to_cells"`` and ``"cells_to_cells"``: pre, post, weight, delay in seconds, each (edge,).
    """
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = dt * b2.second

    equations, method, on_pre, unit = KINDS[kind]
    cells = b2.NeuronGroup(
        len(v), equations, threshold="v > Vt", reset="v = Vr", refractory=2 * b2.ms, method=method,
        namespace=CONSTANTS, name="cells",
    )  # fmt: skip
    cells.v = v * b2.volt
    outside = b2.SpikeGeneratorGroup(n_inputs, spikes[1], spikes[0] * dt * b2.second, name="outside")

    synapses = []
    for order, (name, (pre, post, weight, delay)) in enumerate(edges.items()):
        source = outside if name == "in_to_cells" else cells
        connection = b2.Synapses(source, cells, f"w : {unit!r}", on_pre=on_pre, name=name)
        connection.connect(i=pre, j=post)
        connection.w = weight * unit
        connection.delay = delay * b2.second
        connection.pre.order = order  # else by name
        synapses.append(connection)

    monitor = b2.SpikeMonitor(cells)
    network = b2.Network(cells, outside, *synapses, monitor)
    network.run(steps * dt * b2.second, namespace={"mmolar": b2.mmolar, "mV": b2.mV})
    variables = ("v",) if kind == "delta" else ("v", "s", "x")
    return {
        "spikes": {"cells": (np.rint(monitor.t / b2.second / dt).astype(int), np.array(monitor.i))},
        "state": {"cells": {x: np.array(getattr(cells, x)) for x in variables}},
    }
