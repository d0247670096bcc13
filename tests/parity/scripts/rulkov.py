"""Rulkov's map in plain Brian2: statements executed once a step, no differential equation. Only brian2 and numpy.

Each rise of x above 0 is a spike; pulses arrive in ``pulse``, which the next step consumes.
"""

from __future__ import annotations

import brian2 as b2
import numpy as np

VARIABLES = """
x : 1
y : 1
pulse : 1
sigma : 1
"""
MAP = """
drive = pulse + injected(t, i)
lift = y + 0.133*drive
rising = int(x <= 0)*(4.3/(1 - clip(x, -inf, 0)) + lift)
top = int(x > 0)*(int(x < 4.3 + lift)*(4.3 + lift) - int(x >= 4.3 + lift))
y_new = y - 0.001*(x + 1 - sigma - drive)
x = rising + top
y = y_new
pulse = 0
"""


def run(dt: float, steps: int, sigma: np.ndarray, current: np.ndarray, edges: tuple[np.ndarray, ...]) -> dict:
    """Simulate.

    Parameters
    ----------
    dt, steps
        Time step in seconds, number of steps.
    sigma
        Excitation at rest, (neuron,).
    current
        Input, (step, neuron).
    edges
        pre, post, weight, delay in seconds, each (edge,).
    """
    b2.prefs.codegen.target = "numpy"
    b2.prefs.codegen.loop_invariant_optimisations = False  # sums as they are written
    b2.defaultclock.dt = dt * b2.second

    cells = b2.NeuronGroup(
        len(sigma), VARIABLES, threshold="x > 0", reset="", refractory="x > 0", name="cells",
        namespace={"injected": b2.TimedArray(current, dt=dt * b2.second)},
    )  # fmt: skip
    cells.x, cells.y, cells.sigma = -1, -1 - 4.3 / 2, sigma
    cells.run_regularly(MAP, when="groups", order=1)  # after the group's own update, which looks at refractoriness

    pre, post, weight, delay = edges
    synapses = b2.Synapses(cells, cells, "w : 1", on_pre="pulse_post += w", name="synapses")
    synapses.connect(i=pre, j=post)
    synapses.w = weight
    synapses.delay = delay * b2.second

    monitor = b2.SpikeMonitor(cells)
    network = b2.Network(cells, synapses, monitor)
    network.run(steps * dt * b2.second, namespace={})
    return {
        "spikes": {"cells": (np.rint(monitor.t / b2.second / dt).astype(int), np.array(monitor.i))},
        "state": {"cells": {name: np.array(getattr(cells, name)) for name in ("x", "y", "pulse")}},
    }
