"""The simple model of Izhikevich in plain Brian2: in plain numbers (2003) and in physical units (2007).

Both integrated by Euler's method, driven by spikes from outside and by each other. Imports only brian2 and numpy.
"""

from __future__ import annotations

import brian2 as b2
import numpy as np

DIMENSIONLESS = """
dv/dt = (0.04*v**2 + 5*v + 140 - u + I + s)/ms : 1
du/dt = a*(b*v - u)/ms : 1
ds/dt = -s/taus : 1
I : 1
c : 1
d : 1
"""
PHYSICAL = """
dv/dt = (k*(v - vr)*(v - vt) - u + I + s)/C : volt
du/dt = a*(b*(v - vr) - u) : amp
ds/dt = -s/taus : amp
I : amp
c : volt
d : amp
"""
# Regular spiking cells of both papers; c and d are given per neuron.
CONSTANTS = {
    "dimensionless": {"a": 0.02, "b": 0.2, "v_peak": 30, "taus": 5 * b2.ms},
    "physical": {
        "C": 100 * b2.pF, "k": 0.7 * b2.nS / b2.mV, "vr": -60 * b2.mV, "vt": -40 * b2.mV, "v_peak": 35 * b2.mV,
        "a": 0.03 / b2.ms, "b": -2 * b2.nS, "taus": 5 * b2.ms,
    },
}  # fmt: skip


def run(
    form: str,
    dt: float,
    steps: int,
    initial: dict[str, np.ndarray],
    current: np.ndarray,
    spikes: tuple[np.ndarray, np.ndarray],
    n_inputs: int,
    edges: dict[str, tuple[np.ndarray, ...]],
) -> dict:
    """Simulate.

    Parameters
    ----------
    form
        ``"dimensionless"`` or ``"physical"``; the arrays below are plain numbers or in volt and ampere.
    dt, steps
        Time step in seconds, number of steps.
    initial
        v and u at the start, and the parameters c and d, each (neuron,).
    current
        Injected current, (step, neuron).
    spikes
        Steps and neurons of the spikes from outside, each (spike,).
    n_inputs
        Number of neurons that send them.
    edges
        ``"in_to_cells"`` and ``"cells_to_cells"``: pre, post, weight, delay in seconds, each (edge,).
    """
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = dt * b2.second

    volt, amp = (1, 1) if form == "dimensionless" else (b2.volt, b2.amp)
    cells = b2.NeuronGroup(
        len(initial["v"]), DIMENSIONLESS if form == "dimensionless" else PHYSICAL, threshold="v >= v_peak",
        reset="v = c; u += d", method="euler", name="cells",
        namespace={**CONSTANTS[form], "injected": b2.TimedArray(current * amp, dt=dt * b2.second)},
    )  # fmt: skip
    cells.v, cells.u = initial["v"] * volt, initial["u"] * amp
    cells.c, cells.d = initial["c"] * volt, initial["d"] * amp
    cells.run_regularly("I = injected(t, i)", when="start")
    outside = b2.SpikeGeneratorGroup(n_inputs, spikes[1], spikes[0] * dt * b2.second, name="outside")

    synapses = []
    for order, (name, (pre, post, weight, delay)) in enumerate(edges.items()):
        source = outside if name == "in_to_cells" else cells
        connection = b2.Synapses(source, cells, f"w : {amp!r}", on_pre="s_post += w", name=name)
        connection.connect(i=pre, j=post)
        connection.w = weight * amp
        connection.delay = delay * b2.second
        connection.pre.order = order  # else by name
        synapses.append(connection)

    monitor = b2.SpikeMonitor(cells)
    network = b2.Network(cells, outside, *synapses, monitor)
    network.run(steps * dt * b2.second, namespace={})
    return {
        "spikes": {"cells": (np.rint(monitor.t / b2.second / dt).astype(int), np.array(monitor.i))},
        "state": {"cells": {x: np.array(getattr(cells, x)) for x in ("v", "u", "s")}},
    }
