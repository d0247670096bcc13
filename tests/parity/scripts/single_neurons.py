"""Neurons of many kinds in plain Brian2, each with an injected current and exponential currents from its like.

Imports only brian2 and numpy.
"""

from __future__ import annotations

import brian2 as b2
import numpy as np

SHARED = """
ds/dt = -s/taus : amp
I : amp
"""
QUADRATIC = "dv/dt = (a0*(v - vl)*(v - vc) + R*(I + s))/taum : volt"
EXPONENTIAL = "dv/dt = (vl - v + D*exp((v - vt)/D) + R*(I + s))/taum : volt (unless refractory)"
GENERALISED = """
dv/dt = (x + y - G*(v - vl) + I + s)/C : volt
dth/dt = a*(v - vl) - b*(th - thinf) : volt
dx/dt = -k1*x : amp
dy/dt = -k2*y : amp
"""
MAT = """
dv/dt = (vl - v + R*(I + s))/taum : volt
dx/dt = -x/tau1 : volt
dy/dt = -y/tau2 : volt
"""
ESCAPE = "dv/dt = (vl - v + R*(I + s))/taum : volt (unless refractory)"
MORRIS_LECAR = """
dv/dt = (gl*(vl - v) + gca*0.5*(1 + tanh((v - v1)/v2))*(vca - v) + gk*x*(vk - v) + I + s)/C : volt
dx/dt = phi*cosh((v - v3)/(2*v4))*(0.5*(1 + tanh((v - v3)/v4)) - x) : 1
"""
PYRAMIDAL = """
dv/dt = (vl - v)/taum + (gs*f + w + I + s)/C : volt (unless refractory)
dw/dt = -w/tauw : amp
dvd/dt = (vl - vd)/taud + (gd*f + cd*k + wd + J)/Cd : volt
dwd/dt = (ad*(vd - vl) - wd)/tauwd : amp
f = 1/(1 + exp(-(vd - ed)/D)) : 1
k = int(timestep(t - lastspike, dt) >= timestep(back, dt))*int(timestep(t - lastspike, dt) < timestep(end, dt)) : 1
J : amp
"""
NAMED = """
dv/dt = (k*(v - vl)*(v - vt) - u + s + I)/C : volt
du/dt = a*({target} - u) : amp
"""
LTS = NAMED.format(target="b*(v - vl)")
FS = NAMED.format(target="(v - vb)*(v - vb)*(v - vb)*int(v > vb)*q")
TC = NAMED.format(target="int(v <= vb)*b*(v - vb)")
RTN = NAMED.format(target="(int(v <= vb)*b + int(v > vb)*bh)*(v - vb)")
KINDS = {
    "quadratic": (QUADRATIC, "v > vp", "v = vr", False, "euler"),
    "exponential": (EXPONENTIAL, "v > vp", "v = vr", 2 * b2.ms, "euler"),
    "generalised": (
        GENERALISED, "v >= th", "x = q; y = y + p; v = vr; th = clip(th/volt, threset/volt, inf)*volt", False, "exact"
    ),
    "mat": (MAT, "v >= vl + om + x + y", "x += al1; y += al2", 2 * b2.ms, "exact"),
    "escape": (ESCAPE, "draw(t, i) < 1 - exp(-h*exp((v - vt)/D)*dt)", "v = vr", 2 * b2.ms, "exact"),
    "morris-lecar": (MORRIS_LECAR, "v > 0*mV", "", "v > 0*mV", "rk4"),
    "lts": (LTS, "v >= vp - rp*u", "v = c + rc*u; u = clip((u + d)/amp, -inf, ul/amp)*amp", False, "euler"),
    "fs": (FS, "v >= vp", "v = c", False, "euler"),
    "tc": (TC, "v >= vp + rp*u", "v = c - rp*u; u += d", False, "euler"),
    "rtn": (RTN, "v >= vp", "v = c; u += d", False, "euler"),
    "pyramidal": (PYRAMIDAL, "v > vt", "v = vl; w += wjump", 3 * b2.ms, "euler"),
}  # fmt: skip
CONSTANTS = {
    "lts": {
        "C": 100 * b2.pF, "k": 1 * b2.nS / b2.mV, "vl": -56 * b2.mV, "vt": -42 * b2.mV, "vp": 40 * b2.mV,
        "a": 30 * b2.Hz, "b": 8 * b2.nS, "c": -53 * b2.mV, "d": 20 * b2.pA, "rp": 100 * b2.Mohm, "rc": 40 * b2.Mohm,
        "ul": 670 * b2.pA,
        "amp": b2.amp,
    },
    "fs": {
        "C": 20 * b2.pF, "k": 1 * b2.nS / b2.mV, "vl": -55 * b2.mV, "vt": -40 * b2.mV, "vp": 25 * b2.mV,
        "a": 200 * b2.Hz, "vb": -55 * b2.mV, "q": 0.025 * b2.pA / b2.mV**3, "c": -45 * b2.mV,
    },
    "tc": {
        "C": 200 * b2.pF, "k": 1.6 * b2.nS / b2.mV, "vl": -60 * b2.mV, "vt": -50 * b2.mV, "vp": 35 * b2.mV,
        "a": 10 * b2.Hz, "b": 15 * b2.nS, "vb": -65 * b2.mV, "c": -60 * b2.mV, "d": 10 * b2.pA, "rp": 100 * b2.Mohm,
    },
    "rtn": {
        "C": 40 * b2.pF, "k": 0.25 * b2.nS / b2.mV, "vl": -65 * b2.mV, "vt": -45 * b2.mV, "vp": 0 * b2.mV,
        "a": 15 * b2.Hz, "b": 10 * b2.nS, "bh": 2 * b2.nS, "vb": -65 * b2.mV, "c": -55 * b2.mV, "d": 50 * b2.pA,
    },
    "quadratic": {
        "taum": 12 * b2.ms, "R": 20 * b2.Mohm, "vl": -65 * b2.mV, "vc": -50 * b2.mV, "a0": 0.07 / b2.mV,
        "vp": -30 * b2.mV, "vr": -60 * b2.mV,
    },
    "exponential": {
        "taum": 12 * b2.ms, "R": 20 * b2.Mohm, "vl": -65 * b2.mV, "vt": -55 * b2.mV, "D": 2 * b2.mV,
        "vp": -30 * b2.mV, "vr": -60 * b2.mV,
    },
    "generalised": {
        "C": 100 * b2.pF, "G": 5 * b2.nS, "vl": -70 * b2.mV, "vr": -70 * b2.mV, "thinf": -50 * b2.mV,
        "threset": -60 * b2.mV, "a": 5 * b2.Hz, "b": 10 * b2.Hz, "k1": 200 * b2.Hz, "k2": 20 * b2.Hz,
        "q": 1 * b2.nA, "p": -60 * b2.pA,
    },
    "mat": {
        "taum": 5 * b2.ms, "R": 50 * b2.Mohm, "vl": -70 * b2.mV, "om": 19 * b2.mV, "al1": 37 * b2.mV,
        "al2": 2 * b2.mV, "tau1": 10 * b2.ms, "tau2": 200 * b2.ms,
    },
    "escape": {
        "taum": 20 * b2.ms, "R": 100 * b2.Mohm, "vl": -60 * b2.mV, "vt": -50 * b2.mV, "vr": -60 * b2.mV,
        "D": 2 * b2.mV, "h": 100 * b2.Hz,
    },
    "morris-lecar": {
        "C": 20 * b2.pF, "gl": 2 * b2.nS, "gca": 4.4 * b2.nS, "gk": 8 * b2.nS, "vl": -60 * b2.mV, "vca": 120 * b2.mV,
        "vk": -84 * b2.mV, "v1": -1.2 * b2.mV, "v2": 18 * b2.mV, "v3": 2 * b2.mV, "v4": 30 * b2.mV, "phi": 40 * b2.Hz,
        "mV": b2.mV,
    },
    "pyramidal": {
        "C": 370 * b2.pF, "taum": 16 * b2.ms, "gs": 1300 * b2.pA, "wjump": -200 * b2.pA, "tauw": 100 * b2.ms,
        "vl": -70 * b2.mV, "vt": -50 * b2.mV, "Cd": 170 * b2.pF, "taud": 7 * b2.ms, "gd": 1200 * b2.pA,
        "cd": 2600 * b2.pA, "ad": -13 * b2.nS, "tauwd": 30 * b2.ms, "ed": -38 * b2.mV, "D": 6 * b2.mV,
        "back": 0.5 * b2.ms, "end": 2.5 * b2.ms,
    },
}  # fmt: skip


def run(
    kind: str,
    dt: float,
    steps: int,
    initial: dict[str, np.ndarray],
    current: np.ndarray,
    draws: np.ndarray,
    edges: dict[str, tuple[np.ndarray, ...]],
) -> dict:
    """Simulate.

    Parameters
    ----------
    kind
        One of :data:`KINDS`.
    dt, steps
        Time step in seconds, number of steps.
    initial
        Variables at the start, SI, each (neuron,).
    current
        Injected current in ampere, (step, neuron).
    draws
        Uniform random numbers, (step, neuron).
    edges
        ``"cells_to_cells"``: pre, post, weight in ampere, delay in seconds, each (edge,).
    """
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = dt * b2.second

    equations, threshold, reset, refractory, method = KINDS[kind]
    step = dt * b2.second
    namespace = {"taus": 4 * b2.ms, "injected": b2.TimedArray(current * b2.amp, dt=step), "volt": b2.volt}
    namespace["draw"] = b2.TimedArray(draws, dt=step)
    cells = b2.NeuronGroup(
        current.shape[1], equations + SHARED, threshold=threshold, reset=reset, refractory=refractory, method=method,
        namespace=namespace | CONSTANTS[kind], name="cells",
    )  # fmt: skip
    for variable, values in initial.items():
        getattr(cells, variable + "_")[:] = values
    cells.run_regularly("I = injected(t, i)" + ("; J = injected(t, i)" if kind == "pyramidal" else ""), when="start")

    pre, post, weight, delay = edges["cells_to_cells"]
    synapses = b2.Synapses(cells, cells, "strength : amp", on_pre="s_post += strength", name="synapses")
    synapses.connect(i=pre, j=post)
    synapses.strength = weight * b2.amp
    synapses.delay = delay * b2.second

    monitor = b2.SpikeMonitor(cells)
    b2.Network(cells, synapses, monitor).run(steps * step, namespace={})
    return {
        "spikes": {"cells": (np.rint(monitor.t / b2.second / dt).astype(int), np.array(monitor.i))},
        "state": {"cells": {x: np.array(getattr(cells, x)) for x in cells.equations.diff_eq_names}},
    }
