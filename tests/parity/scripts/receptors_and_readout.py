"""Integrate-and-fire neurons with exponential and alpha receptors, and a leaky integrator that reads them out.

In plain Brian2, once with currents (integrated exactly) and once with conductances. Imports only brian2 and numpy.
"""

from __future__ import annotations

import brian2 as b2
import numpy as np

# A pulse of weight w on x makes ge follow w*(t/tau)*exp(1 - t/tau).
ALPHA = """
dge/dt = (e*x - ge)/taue : {unit}
dx/dt = -x/taue : {unit}
dgi/dt = -gi/taui : {unit}
"""
CURRENTS = "dv/dt = (El - v + R*(ge + gi))/taum : volt (unless refractory)" + ALPHA.format(unit="amp")
CONDUCTANCES = "dv/dt = (El - v + R*(ge*(Ee - v) + gi*(Ei - v)))/taum : volt (unless refractory)" + ALPHA.format(
    unit="siemens"
)
READOUT = """
dv/dt = (El + R*s - v)/taum : volt
ds/dt = -s/taus : amp
"""
CONSTANTS = {
    "taum": 20 * b2.ms, "R": 100 * b2.Mohm, "El": -60 * b2.mV, "taue": 4 * b2.ms, "taui": 9 * b2.ms,
    "Ee": 0 * b2.mV, "Ei": -80 * b2.mV,
}  # fmt: skip
READOUT_CONSTANTS = {"taum": 100 * b2.ms, "R": 50 * b2.Mohm, "El": 0 * b2.mV, "taus": 15 * b2.ms}


def run(
    kind: str,
    dt: float,
    steps: int,
    v: np.ndarray,
    n_outputs: int,
    spikes: tuple[np.ndarray, np.ndarray],
    n_inputs: int,
    edges: dict[str, tuple[np.ndarray, ...]],
) -> dict:
    """Simulate.

    Parameters
    ----------
    kind
        ``"current"`` or ``"conductance"``.
    dt, steps
        Time step in seconds, number of steps.
    v
        Initial potentials of the cells in volt, (neuron,).
    n_outputs
        Number of leaky integrators.
    spikes
        Steps and neurons of the spikes from outside, each (spike,).
    n_inputs
        Number of neurons that send them.
    edges
        ``"in_to_cells"``, ``"cells_to_cells"`` (inhibition) and ``"cells_to_out"``: pre, post, weight (ampere or
        siemens; ampere for the readout), delay in seconds, each (edge,).
    """
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = dt * b2.second

    equations, method = (CURRENTS, "exact") if kind == "current" else (CONDUCTANCES, "exponential_euler")
    cells = b2.NeuronGroup(
        len(v), equations, threshold="v > -50*mV", reset="v = -60*mV", refractory=2 * b2.ms, method=method,
        namespace=CONSTANTS, name="cells",
    )  # fmt: skip
    cells.v = v * b2.volt
    out = b2.NeuronGroup(n_outputs, READOUT, method="exact", namespace=READOUT_CONSTANTS, name="out")
    outside = b2.SpikeGeneratorGroup(n_inputs, spikes[1], spikes[0] * dt * b2.second, name="outside")

    unit = b2.amp if kind == "current" else b2.siemens
    synapses = []
    for order, (name, source, target, variable, unit_of_weight) in enumerate(
        [
            ("in_to_cells", outside, cells, "x", unit),
            ("cells_to_cells", cells, cells, "gi", unit),
            ("cells_to_out", cells, out, "s", b2.amp),
        ]
    ):
        pre, post, weight, delay = edges[name]
        connection = b2.Synapses(source, target, f"w : {unit_of_weight!r}", on_pre=f"{variable}_post += w", name=name)
        connection.connect(i=pre, j=post)
        connection.w = weight * unit_of_weight
        connection.delay = delay * b2.second
        connection.pre.order = order  # else by name
        synapses.append(connection)

    monitor = b2.SpikeMonitor(cells)
    network = b2.Network(cells, out, outside, *synapses, monitor)
    network.run(steps * dt * b2.second, namespace={})
    return {
        "spikes": {"cells": (np.rint(monitor.t / b2.second / dt).astype(int), np.array(monitor.i))},
        "state": {
            "cells": {x: np.array(getattr(cells, x)) for x in ("v", "ge", "x", "gi")},
            "out": {x: np.array(getattr(out, x)) for x in ("v", "s")},
        },
    }
