"""A recurrent network whose synapses follow pair-based plasticity with event-driven traces, in plain Brian2."""

from __future__ import annotations

import brian2 as b2
import numpy as np

EQUATIONS = """
dv/dt = (El - v + R*(I + drive))/taum : volt (unless refractory)
dI/dt = -I/taus : amp
drive : amp
"""
SYNAPSES = """
w : amp
dapre/dt = -apre/taup : 1 (event-driven)
dapost/dt = -apost/taum_ : 1 (event-driven)
"""


def run(
    dt: float,
    steps: int,
    v: np.ndarray,
    drive: np.ndarray,
    edges: tuple[np.ndarray, ...],
    post_delay: np.ndarray,
    a_plus: float,
    a_minus: float,
    w_max: float,
) -> dict:
    """Simulate.

    Parameters
    ----------
    dt, steps
        Time step in seconds, number of steps.
    v, drive
        Initial potentials in volt and constant currents in ampere, each (neuron,).
    edges
        pre, post, weight in ampere, delay in seconds, each (edge,).
    post_delay
        Seconds from a postsynaptic spike until the synapse sees it, (edge,).
    a_plus, a_minus, w_max
        Amplitudes and upper bound in ampere.
    """
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = dt * b2.second
    constants = {
        "taum": 20 * b2.ms, "R": 100 * b2.Mohm, "El": -60 * b2.mV, "Vt": -50 * b2.mV, "Vr": -60 * b2.mV,
        "taus": 5 * b2.ms, "taup": 20 * b2.ms, "taum_": 30 * b2.ms, "ap": a_plus * b2.amp, "am": a_minus * b2.amp,
        "wmax": w_max * b2.amp, "nothing": 0 * b2.amp,
    }  # fmt: skip
    group = b2.NeuronGroup(
        len(v), EQUATIONS, threshold="v > Vt", reset="v = Vr", refractory=2 * b2.ms, method="exact",
        namespace=constants, name="cells",
    )  # fmt: skip
    group.v, group.drive = v * b2.volt, drive * b2.amp
    pre, post, weight, delay = edges
    synapses = b2.Synapses(
        group, group, SYNAPSES, namespace=constants, name="synapses",
        on_pre="I_post += w\napre += 1\nw = clip(w - am*apost, nothing, wmax)",
        on_post="apost += 1\nw = clip(w + ap*apre, nothing, wmax)",
    )  # fmt: skip
    synapses.connect(i=pre, j=post)
    synapses.w = weight * b2.amp
    synapses.pre.delay = delay * b2.second
    synapses.post.delay = post_delay * b2.second
    monitor = b2.SpikeMonitor(group)
    network = b2.Network(group, synapses, monitor)
    network.run(steps * dt * b2.second, namespace={})
    return {
        "spikes": {"cells": (np.rint(monitor.t / b2.second / dt).astype(int), np.array(monitor.i))},
        "state": {
            "cells": {"v": np.array(group.v), "I": np.array(group.I)},
            "edges": {name: np.array(getattr(synapses, name)) for name in ("w", "apre", "apost")},
        },
    }
