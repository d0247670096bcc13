"""A recurrent network with synapses that change, one rule at a time, in plain Brian2. Imports only brian2 and numpy."""

from __future__ import annotations

import brian2 as b2
import numpy as np

CELL = """
dv/dt = (El - v + R*(I + drive))/taum : volt (unless refractory)
dI/dt = -I/taus : amp
drive : amp
M : 1
"""
WINDOW = """
w : amp
dr/dt = -r/taup : 1 (event-driven)
do/dt = -o/taud : 1 (event-driven)
"""
TRIPLETS = """
w : amp
dr1/dt = -r1/taup : 1 (event-driven)
dr2/dt = -r2/taux : 1 (event-driven)
do1/dt = -o1/taud : 1 (event-driven)
do2/dt = -o2/tauy : 1 (event-driven)
"""
SHORT = """
w : amp
du/dt = -u/tauf : 1 (event-driven)
dx/dt = (1 - x)/taur : 1 (event-driven)
"""
SCALED = """
w : amp
ds/dt = s*(1 - nu/nu0)/taus_ : 1 (clock-driven)
dnu/dt = -nu/taunu : hertz (clock-driven)
"""
REWARDED = "dc/dt = -c/tauc : 1 (clock-driven)" + WINDOW
KINDS = {
    "pairs": (
        WINDOW,
        "I_post += w; w = clip(w - am*o, nothing, wmax); r += 1",
        "w = clip(w + ap*r, nothing, wmax); o += 1",
        None,
    ),
    "triplets": (
        TRIPLETS,
        "I_post += w; w = clip(w - o1*(m2 + m3*r2)*wmax, nothing, wmax); r1 += 1; r2 += 1",
        "w = clip(w + r1*(p2 + p3*o2)*wmax, nothing, wmax); o1 += 1; o2 += 1",
        None,
    ),
    "short term": (SHORT, "u += u0*(1 - u); I_post += w*u*x; x -= u*x", None, None),
    "release": ("w : amp\nnumber : integer", "I_post += w*int(draw(t, number) < p)", None, None),
    "scaling": (SCALED, "I_post += w*s", "nu += 1/taunu", "exponential_euler"),
    "reward": (REWARDED, "I_post += w; c -= hm*o; r += 1", "c += hp*r; o += 1", "exact"),
}
#: What changes on an edge.
STATES = {
    "pairs": ("w", "r", "o"), "triplets": ("w", "r1", "r2", "o1", "o2"), "short term": ("u", "x"), "release": (),
    "scaling": ("s", "nu"), "reward": ("w", "c", "r", "o"),
}  # fmt: skip
CONSTANTS = {
    "taum": 20 * b2.ms, "R": 100 * b2.Mohm, "El": -60 * b2.mV, "Vt": -50 * b2.mV, "Vr": -60 * b2.mV, "taus": 5 * b2.ms,
    "taup": 17 * b2.ms, "taud": 30 * b2.ms, "taux": 101 * b2.ms, "tauy": 125 * b2.ms, "tauf": 150 * b2.ms,
    "taur": 300 * b2.ms, "taus_": 500 * b2.ms, "taunu": 100 * b2.ms, "tauc": 200 * b2.ms, "ap": 4 * b2.pA,
    "am": 5 * b2.pA, "p2": 0.01, "p3": 0.02, "m2": 0.015, "m3": 0.005, "u0": 0.3, "p": 0.4, "nu0": 20 * b2.Hz,
    "hp": 0.8, "hm": 0.5, "eta": 2 * b2.Hz, "wmax": 200 * b2.pA, "nothing": 0 * b2.amp,
}  # fmt: skip


def run(
    kind: str,
    dt: float,
    steps: int,
    v: np.ndarray,
    drive: np.ndarray,
    reward: np.ndarray,
    draws: np.ndarray,
    edges: tuple[np.ndarray, ...],
) -> dict:
    """Simulate.

    Parameters
    ----------
    kind
        One of :data:`KINDS`.
    dt, steps
        Time step in seconds, number of steps.
    v, drive, reward
        Initial potentials in volt, constant currents in ampere and constant third factors, each (neuron,).
    draws
        Uniform random numbers, (step, edge).
    edges
        pre, post, weight in ampere, delay in seconds, each (edge,).
    """
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = dt * b2.second
    equations, on_pre, on_post, method = KINDS[kind]
    group = b2.NeuronGroup(
        len(v), CELL, threshold="v > Vt", reset="v = Vr", refractory=2 * b2.ms, method="exact", namespace=CONSTANTS,
        name="cells",
    )  # fmt: skip
    group.v, group.drive, group.M = v * b2.volt, drive * b2.amp, reward
    pre, post, weight, delay = edges
    namespace = {**CONSTANTS, "draw": b2.TimedArray(draws, dt=dt * b2.second)}
    synapses = b2.Synapses(
        group, group, equations, on_pre=on_pre, on_post=on_post, method=method or "exact", namespace=namespace,
        name="synapses",
    )  # fmt: skip
    synapses.connect(i=pre, j=post)
    synapses.w = weight * b2.amp
    synapses.pre.delay = delay * b2.second
    if kind == "short term":
        synapses.x = 1
    if kind == "scaling":
        synapses.s = 1
    if kind == "release":
        synapses.number = np.arange(pre.size)
    if kind == "reward":
        # After the integration of c, before spikes arrive.
        synapses.run_regularly("w = clip(w + wmax*eta*c*M_post*dt, nothing, wmax)", when="groups", order=1)
    monitor = b2.SpikeMonitor(group)
    b2.Network(group, synapses, monitor).run(steps * dt * b2.second, namespace={})
    return {
        "spikes": {"cells": (np.rint(monitor.t / b2.second / dt).astype(int), np.array(monitor.i))},
        "state": {
            "cells": {"v": np.array(group.v), "I": np.array(group.I)},
            "edges": {name: np.array(getattr(synapses, name)) for name in STATES[kind]},
        },
    }
