"""Cases of single models against Brian2 by hand, each at any time step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import neurosim as ns
from neurosim.units import Mohm, mmolar, ms, mV, nS, pA, second
from parity.cases import Case, edges_of, random_spikes, steps_in
from parity.scripts import receptor_kinds

_TAUS = (2 * ms, 15 * ms)  # not the membrane's 20 ms, which Brian2's exact integration by hand divides by
_RECEPTORS: dict[str, tuple[Any, Any]] = {
    "current": (ns.DoubleExponential(*_TAUS), 40 * pA),
    "conductance": (ns.DoubleExponential(*_TAUS, reversal=0 * mV), 1 * nS),
    "nmda": (ns.NMDA(*_TAUS, reversal=0 * mV, magnesium=1.5 * mmolar), 5 * nS),
    "delta": (ns.Delta(), 4 * mV),
}


def receptor(kind: str, dt: float, milliseconds: float = 150, n: int = 60) -> Case:
    given, weight = _RECEPTORS[kind]
    cell = ns.models.lif(
        tau_mem=20 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV, tau_ref=2 * ms,
        receptors={"s": given},
    )  # fmt: skip
    circuit = ns.Circuit("receptor", dt=dt * second, seed=9)
    circuit.source("in", ns.SpikeSource(n // 2))
    cells = circuit.population("cells", n, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    rule, delay = ns.FixedProbability(0.2), ns.Uniform(0 * ms, 5 * ms)
    circuit.connect("in", cells, rule, receptor="s", weight=ns.Uniform(0 * weight, 2 * weight), delay=delay)
    circuit.connect(cells, cells, rule, receptor="s", weight=ns.Uniform(-1 * weight, 1 * weight), delay=delay)
    steps = steps_in(milliseconds, dt)
    dense, listed = random_spikes(steps, n // 2, 60.0, dt)
    hand = receptor_kinds.run(kind, dt, steps, circuit.initial("cells", "v"), listed, n // 2, edges_of(circuit))
    names = {"cells": {"v": "v", "s": "s", "x": "s_rise"}}
    return Case(circuit, steps, {"in": dense}, hand, names, least_spikes=n)


#: By name; each takes the time step in seconds.
MODELS: dict[str, Callable[[float], Case]] = {
    "double exponential current": lambda dt: receptor("current", dt),
    "double exponential conductance": lambda dt: receptor("conductance", dt),
    "nmda": lambda dt: receptor("nmda", dt),
    "delta": lambda dt: receptor("delta", dt),
}
