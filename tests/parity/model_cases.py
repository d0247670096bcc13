"""Cases of single models against Brian2 by hand, each at any time step."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import neurosim as ns
from neurosim.random import noise
from neurosim.units import Hz, Mohm, amp, mmolar, ms, mV, nA, nS, pA, second
from parity.cases import (
    SEED,
    Case,
    adex,
    algebraic,
    conductance_lif_cells,
    edges_of,
    fluctuating,
    graded_cells,
    hodgkin_huxley_cells,
    izhikevich_2003,
    random_spikes,
    receptors,
    rulkov_maps,
    simple_cells,
    steps_in,
)
from parity.scripts import plastic_rules, receptor_kinds, single_neurons

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


_S = {"s": 4 * ms}
_CELLS: dict[str, tuple[ns.NeuronModel, float, dict[str, str]]] = {  # the model, the mean current, names of the script
    "quadratic": (ns.models.quadratic_if(receptors=_S), 4e-10, {}),
    "exponential": (ns.models.exponential_if(tau_ref=2 * ms, receptors=_S), 5e-10, {}),
    "generalised": (
        ns.models.generalised_if(jump1=1 * nA, jump2=-60 * pA, receptors=_S),
        1.5e-10,
        {"th": "theta", "x": "i1", "y": "i2"},
    ),
    "mat": (ns.models.multi_timescale_threshold(receptors=_S), 7e-10, {"x": "h1", "y": "h2"}),
    "escape": (
        ns.models.stochastic_lif(
            tau_mem=20 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV, softness=2 * mV,
            tau_ref=2 * ms, receptors=_S,
        ),
        1.2e-10,
        {},
    ),
    "morris-lecar": (ns.models.morris_lecar(receptors=_S), 1e-10, {"x": "n"}),
    "lts": (ns.models.izhikevich_physical_type("LTS", receptors=_S), 3e-10, {"u": "u"}),
    "fs": (ns.models.izhikevich_physical_type("FS", receptors=_S), 1.2e-10, {"u": "u"}),
    "tc": (ns.models.izhikevich_physical_type("TC", receptors=_S), 2e-10, {"u": "u"}),
    "rtn": (ns.models.izhikevich_physical_type("RTN", receptors=_S), 1e-10, {"u": "u"}),
    # One current, into the soma and into the dendrite.
    "pyramidal": (ns.models.pyramidal(receptors=_S), 7e-10, {"vd": "v_dend", "w": "w_soma", "wd": "w_dend"}),
}  # fmt: skip


def cells(kind: str, dt: float, milliseconds: float = 120, n: int = 30) -> Case:
    cell, mean, names = _CELLS[kind]
    circuit = ns.Circuit("cells", dt=dt * second, seed=9)
    circuit.population("cells", n, cell, initial={"v": ns.Uniform(-68 * mV, -62 * mV)})
    strengths, delay = ns.Uniform(-0.3 * mean * amp, 0.6 * mean * amp), ns.Uniform(0 * ms, 10 * ms)
    circuit.connect("cells", "cells", ns.FixedProbability(0.2), receptor="s", weight=strengths, delay=delay)
    inputs = [name for name in ("i_ext", "i_dend") if name in cell.units]
    for name in inputs:
        circuit.inject(name, "cells", name)
    steps = steps_in(milliseconds, dt)
    current = fluctuating(steps, np.linspace(0.7, 1.6, n) * mean, 0.3 * mean, round(2e-3 / dt))
    draws = noise(SEED, "cells", trials=(0, 1), steps=(0, steps), neurons=n, kind="uniform")[:, 0]
    names = {"v": "v", "s": "s", **names}
    initial = {theirs: circuit.initial("cells", ours) for theirs, ours in names.items()}
    hand = single_neurons.run(kind, dt, steps, initial, current, draws, edges_of(circuit))
    return Case(circuit, steps, dict.fromkeys(inputs, current * amp), hand, {"cells": names}, least_spikes=n)


_BOUND = {"w_max": 200 * pA}
_TIMES = {"tau_plus": 17 * ms, "tau_minus": 30 * ms}
_RULES: dict[str, ns.SynapseModel] = {
    "pairs": ns.models.pair_stdp(a_plus=4 * pA, a_minus=5 * pA, amplitude="absolute", **_BOUND, **_TIMES),
    "triplets": ns.models.triplet_stdp(
        a2_plus=0.01, a3_plus=0.02, a2_minus=0.015, a3_minus=0.005, amplitude="relative", **_BOUND, **_TIMES
    ),
    "short term": ns.models.tsodyks_markram(u0=0.3, tau_facilitation=150 * ms, tau_depression=300 * ms),
    "release": ns.models.stochastic_release(probability=0.4),
    "scaling": ns.models.synaptic_scaling(target=20 * Hz, tau_rate=100 * ms, tau_scaling=500 * ms),
    "reward": ns.models.reward_stdp(a_plus=0.8, a_minus=0.5, rate=2 * Hz, tau_eligibility=200 * ms, **_BOUND, **_TIMES),
}


def rule(kind: str, dt: float, milliseconds: float = 120, n: int = 30) -> Case:
    cell = ns.NeuronModel(
        """
        dv/dt = (v_leak - v + r*(syn + i_ext))/tau_mem : volt (unless refractory)
        dsyn/dt = -syn/tau_syn : amp
        i_ext : amp
        reward : 1
        """,
        threshold="v > v_threshold", reset="v = v_leak", refractory="tau_ref", method="exact", initial={"v": "v_leak"},
        parameters={
            "tau_mem": 20 * ms, "r": 100 * Mohm, "v_threshold": -50 * mV, "v_leak": -60 * mV, "tau_ref": 2 * ms,
            "tau_syn": 5 * ms,
        },
    )  # fmt: skip
    circuit = ns.Circuit("plastic", dt=dt * second, seed=9)
    cells = circuit.population("cells", n, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    drive, reward = np.linspace(0.9e-10, 1.4e-10, n), np.linspace(-1, 2, n)
    circuit.inject("drive", cells, "i_ext", ns.Step(drive * amp))
    circuit.inject("reward", cells, "reward", ns.Step(reward))
    circuit.connect(
        cells, cells, ns.FixedProbability(0.2), receptor="syn", synapse=_RULES[kind],
        weight=ns.Uniform(0 * pA, 100 * pA), delay=ns.Uniform(0 * ms, 10 * ms), name="edges",
    )  # fmt: skip
    steps, edges = steps_in(milliseconds, dt), tuple(circuit.edges("edges"))
    draws = noise(SEED, "edges", trials=(0, 1), steps=(0, steps), neurons=edges[0].size, kind="uniform")[:, 0]
    hand = plastic_rules.run(kind, dt, steps, circuit.initial("cells", "v"), drive, reward, draws, edges)
    names = {"cells": {"v": "v", "I": "syn"}, "edges": {name: name for name in _RULES[kind].state}}
    return Case(circuit, steps, {}, hand, names, least_spikes=3 * n)


#: By name; each takes the time step in seconds.
MODELS: dict[str, Callable[[float], Case]] = {
    "double exponential current": lambda dt: receptor("current", dt),
    "double exponential conductance": lambda dt: receptor("conductance", dt),
    "nmda": lambda dt: receptor("nmda", dt),
    "delta": lambda dt: receptor("delta", dt),
    **{kind: functools.partial(cells, kind) for kind in _CELLS},
    "fs": lambda dt: cells("fs", dt, 50),  # these amplify a last bit until, some hundred spikes on, rasters part
    "lif": lambda dt: conductance_lif_cells(60, 100, dt),
    "exponential and alpha currents, readout": lambda dt: receptors(40, 100, "current", dt),
    "exponential and alpha conductances, readout": lambda dt: receptors(40, 100, "conductance", dt),
    "adaptive exponential": lambda dt: adex(40, 100, dt),
    "hodgkin-huxley": lambda dt: hodgkin_huxley_cells(40, 80, dt),
    "izhikevich": lambda dt: simple_cells(40, 100, "dimensionless", dt),
    "izhikevich physical": lambda dt: simple_cells(40, 100, "physical", dt),
    "izhikevich map": lambda dt: izhikevich_2003(0.05, 3e5 * dt, dt=dt),  # 300 steps of a map
    "rulkov": lambda dt: rulkov_maps(40, 4e5 * dt, dt),
    "graded": lambda dt: graded_cells(40, 100, dt),
    "algebraic units": lambda dt: algebraic(12, 40, dt),
    **{kind: functools.partial(rule, kind) for kind in _RULES},
}
#: Which of the library each of them holds.
COVERS: dict[str, set[str]] = {
    "double exponential current": {"DoubleExponential"},
    "double exponential conductance": {"DoubleExponential"},
    "nmda": {"NMDA"},
    "delta": {"Delta"},
    "quadratic": {"quadratic_if"},
    "exponential": {"exponential_if"},
    "generalised": {"generalised_if"},
    "mat": {"multi_timescale_threshold"},
    "escape": {"stochastic_lif"},
    "morris-lecar": {"morris_lecar"},
    "lts": {"izhikevich_physical_type"},
    "fs": {"izhikevich_physical_type"},
    "tc": {"izhikevich_physical_type"},
    "rtn": {"izhikevich_physical_type"},
    "pyramidal": {"pyramidal"},
    "lif": {"lif", "Exponential"},
    "exponential and alpha currents, readout": {"lif", "leaky_integrator", "Exponential", "Alpha"},
    "exponential and alpha conductances, readout": {"lif", "leaky_integrator", "Exponential", "Alpha"},
    "adaptive exponential": {"adaptive_exponential"},
    "hodgkin-huxley": {"hodgkin_huxley"},
    "izhikevich": {"izhikevich", "izhikevich_type"},  # a named cell is `izhikevich` with numbers
    "izhikevich physical": {"izhikevich_physical"},
    "izhikevich map": {"izhikevich_map"},
    "rulkov": {"rulkov"},
    "graded": {"graded", "graded_synapse", "gap_junction"},
    "algebraic units": {"rate_unit"},
    "pairs": {"pair_stdp"},
    "triplets": {"triplet_stdp"},
    "short term": {"tsodyks_markram"},
    "release": {"stochastic_release"},
    "scaling": {"synaptic_scaling"},
    "reward": {"reward_stdp", "three_factor"},  # the first is the second with two terms
}
