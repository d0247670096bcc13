"""Hodgkin-Huxley neurons after the example COBAHH of Brian2's documentation. Imports only brian2 and numpy."""

from __future__ import annotations

import brian2 as b2
import numpy as np

# The rates as published: 0/0 at three exact voltages, which no cell here meets.
EQUATIONS = """
dv/dt = (gl*(El - v) + ge*(Ee - v) + gi*(Ei - v) + I - g_na*(m*m*m)*h*(v - ENa) - g_kd*(n*n*n*n)*(v - EK))/Cm : volt
dm/dt = alpha_m*(1 - m) - beta_m*m : 1
dn/dt = alpha_n*(1 - n) - beta_n*n : 1
dh/dt = alpha_h*(1 - h) - beta_h*h : 1
dge/dt = -ge/taue : siemens
dgi/dt = -gi/taui : siemens
alpha_m = 0.32*(mV**-1)*(13*mV - v + VT)/(exp((13*mV - v + VT)/(4*mV)) - 1)/ms : Hz
beta_m = 0.28*(mV**-1)*(v - VT - 40*mV)/(exp((v - VT - 40*mV)/(5*mV)) - 1)/ms : Hz
alpha_h = 0.128*exp((17*mV - v + VT)/(18*mV))/ms : Hz
beta_h = 4/(1 + exp((40*mV - v + VT)/(5*mV)))/ms : Hz
alpha_n = 0.032*(mV**-1)*(15*mV - v + VT)/(exp((15*mV - v + VT)/(5*mV)) - 1)/ms : Hz
beta_n = 0.5*exp((10*mV - v + VT)/(40*mV))/ms : Hz
I : amp
"""
AREA = 20000 * b2.umetre**2
CONSTANTS = {
    "Cm": 1 * b2.ufarad * b2.cm**-2 * AREA, "gl": 5e-5 * b2.siemens * b2.cm**-2 * AREA,
    "g_na": 100 * b2.msiemens * b2.cm**-2 * AREA, "g_kd": 30 * b2.msiemens * b2.cm**-2 * AREA,
    "El": -65 * b2.mV, "EK": -90 * b2.mV, "ENa": 50 * b2.mV, "VT": -63 * b2.mV,
    "taue": 5 * b2.ms, "taui": 10 * b2.ms, "Ee": 0 * b2.mV, "Ei": -80 * b2.mV,
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
        Potentials v in volt and gates m, n, h, each (neuron,).
    current
        Injected current in ampere, (step, neuron).
    edges
        ``"excitation"`` and ``"inhibition"``: pre, post, weight in siemens, delay in seconds, each (edge,).
    """
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = dt * b2.second

    cells = b2.NeuronGroup(
        len(initial["v"]), EQUATIONS, threshold="v > -20*mV", refractory="v > -20*mV", method="exponential_euler",
        namespace={**CONSTANTS, "injected": b2.TimedArray(current * b2.amp, dt=dt * b2.second)}, name="cells",
    )  # fmt: skip
    cells.v = initial["v"] * b2.volt
    cells.m, cells.n, cells.h = initial["m"], initial["n"], initial["h"]
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
        "state": {"cells": {x: np.array(getattr(cells, x)) for x in ("v", "m", "n", "h", "ge", "gi")}},
    }
