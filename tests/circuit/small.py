"""A small circuit that the tests of this folder build on."""

from __future__ import annotations

from typing import Any

import numpy as np

import neurosim.circuit as nc
from neurosim.units import Mohm, ms, mV, pA

CELL = nc.NeuronModel(
    "dv/dt = (v_leak - v + ampa + r*i_ext)/tau : volt (unless refractory)\n"
    "dampa/dt = -ampa/tau_ampa : volt\n"
    "drive = r*i_ext : volt\n"
    "i_ext : amp\n"
    "i_syn : amp",
    threshold="v > v_threshold",
    reset="v = v_leak",
    refractory=2 * ms,
    parameters={"tau": 20 * ms, "tau_ampa": 5 * ms, "r": 100 * Mohm, "v_leak": -60 * mV, "v_threshold": -50 * mV},
    initial={"v": "v_leak"},
    receptors={"exc": "ampa"},
    name="cell",
)
GRADED = nc.NeuronModel("dv/dt = (i_syn*ohm - v)/(5*ms) : volt\ni_syn : amp", name="graded")
GAP = nc.SynapseModel("i_syn_post = w*(v_pre - v_post) : amp (summed)", name="gap")


def small(**options: Any) -> nc.Circuit:
    """Return two spiking populations, a graded one and two sources, not connected."""
    circuit = nc.Circuit("small", dt=0.1 * ms, **{"seed": 5, **options})
    circuit.population("exc", 10, CELL)
    circuit.population("inh", 4, CELL)
    circuit.population("slow", 3, GRADED)
    circuit.source("input", nc.SpikeSource(6))
    circuit.source("signal", nc.SignalSource(3))
    return circuit


def with_arrays() -> nc.Circuit:
    """Return the same populations connected, with arrays of every kind."""
    circuit = small()
    circuit.connect("exc", "inh", nc.AllToAll(), receptor="exc", weight=np.arange(40.0) * mV)
    circuit.connect("inh", "exc", nc.Edges([0, 3], [1, 1]), receptor="exc", weight=1 * mV)
    circuit.inject("stimulus", circuit.populations["exc"][[3, 1, 7]], "i_ext", nc.Step([1, 2, 3] * pA))
    return circuit
