"""What is held against Brian2 by hand: each case builds a circuit, and runs the hand-written script on its arrays.

The scripts see numbers only: edges, weights, delays, parameters and initial values as the circuit realises them, and
the inputs and noise of the run. The names of their variables are their own; `names` translates them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import neurosim as ns
from neurosim.random import noise
from neurosim.units import Hz, Mohm, amp, ms, mV, nS, pA, psiemens, second, siemens
from parity.scripts import (
    adaptive_exponential,
    algebraic_units,
    balanced_network,
    celegans_connectome,
    conductance_lif,
    graded,
    hodgkin_huxley,
    izhikevich,
    izhikevich_network,
    pair_stdp,
    receptors_and_readout,
    rulkov,
    vogels_abbott,
)

SEED = 11


@dataclass(frozen=True)
class Case:
    """A circuit with the inputs of a run, the result of the script, and which of its variables are which of ours."""

    circuit: ns.Circuit
    steps: int
    inputs: Mapping[str, Any]
    hand: Mapping[str, Any]
    names: Mapping[str, Mapping[str, str]]
    least_spikes: int
    record: Mapping[str, Any] = field(default_factory=dict)


def edges_of(circuit: ns.Circuit) -> dict[str, tuple[np.ndarray, ...]]:
    return {name: tuple(circuit.edges(name)) for name in circuit.projections}


def steps_in(milliseconds: float, dt: float) -> int:
    return round(milliseconds * 1e-3 / dt)


def random_spikes(steps: int, n: int, rate: float, dt: float) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return independent spikes as an array (step, neuron) and as (steps, neurons)."""
    dense = np.random.default_rng(5).random((steps, n)) < rate * dt
    return dense, np.nonzero(dense)


def fluctuating(steps: int, mean: np.ndarray, std: float, every: int) -> np.ndarray:
    """Return a noisy input (step, neuron), constant over stretches of `every` steps."""
    noise = np.random.default_rng(6).standard_normal((steps // every + 1, mean.size))
    return np.repeat(mean + std * noise, every, axis=0)[:steps]


def balanced(scale: float, milliseconds: float) -> Case:
    circuit = ns.circuits.build("balanced-network", scale=scale, seed=3)
    steps = steps_in(milliseconds, circuit.dt)
    v = {name: circuit.initial(name, "v") for name in circuit.populations}
    hand = balanced_network.run(circuit.dt, steps, v, edges_of(circuit))
    names = {name: {"v": "v", "ge": "ampa", "gi": "gaba"} for name in circuit.populations}
    return Case(circuit, steps, {}, hand, names, least_spikes=round(1000 * scale))


def coba(scale: float, milliseconds: float) -> Case:
    circuit = ns.circuits.build("coba", scale=scale, seed=3)
    steps = steps_in(milliseconds, circuit.dt)
    names = {"v": "v", "x": "ampa", "y": "gaba"}
    initial = {name: {x: circuit.initial(name, own) for x, own in names.items()} for name in circuit.populations}
    hand = vogels_abbott.run("conductance", circuit.dt, steps, initial, edges_of(circuit))
    return Case(circuit, steps, {}, hand, dict.fromkeys(circuit.populations, names), least_spikes=round(1000 * scale))


def izhikevich_2003(scale: float, milliseconds: float, scheme: str = "published", dt: float = 1e-3) -> Case:
    circuit = ns.circuits.build("izhikevich-network", scale=scale, seed=3, scheme=scheme).replace({"dt": dt * second})
    steps = steps_in(milliseconds, circuit.dt)
    normal = {
        name: noise(SEED, name, trials=(0, 1), steps=(0, steps), neurons=part.n)[:, 0]
        for name, part in circuit.populations.items()
    }
    parameters = {name: {key: circuit.parameter(name, key) for key in "abcd"} for name in circuit.populations}
    hand = izhikevich_network.run(scheme, steps, parameters, normal, edges_of(circuit), dt)
    names = {name: {"v": "v", "u": "u", "I": "i_syn"} for name in circuit.populations}
    return Case(circuit, steps, {}, hand, names, least_spikes=round(3 * scale * milliseconds))


def worm(milliseconds: float) -> Case:
    circuit = ns.circuits.build("celegans-connectome")
    steps = steps_in(milliseconds, circuit.dt)
    current = np.zeros((steps, circuit.populations["worm"].n))
    for injection in circuit.injections.values():
        sampled = injection.signal.sample(np.arange(steps), circuit.dt, injection.n)
        current[:, list(injection.indices)] += sampled
    threshold = circuit.parameter("worm", "v_th")
    hand = celegans_connectome.run(circuit.dt, steps, threshold, current, edges_of(circuit))
    return Case(circuit, steps, {}, hand, {"worm": {"v": "v", "s": "s"}}, 0, record={"worm": "v"})


def recurrent(cell: ns.NeuronModel, n: int, dt: Any, weight: float) -> ns.Circuit:
    """Connect one population with itself, four fifths excitatory, delays of their own, and inject a current."""
    circuit = ns.Circuit("recurrent", dt=dt, seed=9)
    cells = circuit.population("cells", n, cell, initial={"v": ns.Uniform(-70 * mV, -60 * mV)})
    for name, receptor, part, strength in (
        ("excitation", "ampa", cells[: 4 * n // 5], weight),
        ("inhibition", "gaba", cells[4 * n // 5 :], 5 * weight),
    ):
        circuit.connect(
            part, cells, ns.FixedProbability(0.1), receptor=receptor, weight=ns.Uniform(0 * nS, 2 * strength * nS),
            delay=ns.Uniform(1 * ms, 20 * ms), name=name,
        )  # fmt: skip
    circuit.inject("current", "cells", "i_ext")
    return circuit


CONDUCTANCES = {"ampa": ns.Exponential(5 * ms, reversal=0 * mV), "gaba": ns.Exponential(10 * ms, reversal=-80 * mV)}


def adex(n: int, milliseconds: float, dt: float = 1e-4) -> Case:
    circuit = recurrent(ns.models.adaptive_exponential(tau_ref=2 * ms, receptors=CONDUCTANCES), n, dt * second, 2.0)
    steps = steps_in(milliseconds, circuit.dt)
    current = fluctuating(steps, np.linspace(0.5e-9, 1.2e-9, n), 0.3e-9, round(2e-3 / dt))
    hand = adaptive_exponential.run(circuit.dt, steps, circuit.initial("cells", "v"), current, edges_of(circuit))
    names = {"cells": {"v": "v", "z": "w_adapt", "ge": "ampa", "gi": "gaba"}}
    return Case(circuit, steps, {"current": current * amp}, hand, names, least_spikes=2 * n)


def hodgkin_huxley_cells(n: int, milliseconds: float, dt: float = 1e-4) -> Case:
    circuit = recurrent(ns.models.hodgkin_huxley(receptors=CONDUCTANCES), n, dt * second, 3.0)
    steps = steps_in(milliseconds, circuit.dt)
    current = fluctuating(steps, np.linspace(0, 0.3e-9, n), 0.2e-9, round(2e-3 / dt))
    initial = {name: circuit.initial("cells", name) for name in ("v", "m", "n", "h")}
    hand = hodgkin_huxley.run(circuit.dt, steps, initial, current, edges_of(circuit))
    names = {"cells": {"v": "v", "m": "m", "n": "n", "h": "h", "ge": "ampa", "gi": "gaba"}}
    return Case(circuit, steps, {"current": current * amp}, hand, names, least_spikes=n)


def conductance_lif_cells(n: int, milliseconds: float, dt: float = 1e-4) -> Case:
    circuit = ns.Circuit("conductances", dt=dt * second, seed=9)
    cell = ns.models.lif(
        tau_mem=20 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV, tau_ref=5 * ms,
        receptors=CONDUCTANCES,
    )  # fmt: skip
    circuit.source("in", ns.SpikeSource(n // 2))
    for name, size in (("exc", 4 * n // 5), ("inh", n // 5)):
        circuit.population(name, size, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    delay = ns.Uniform(1 * ms, 20 * ms)
    for pre, receptor, weight in (("in", "ampa", 4), ("exc", "ampa", 2), ("inh", "gaba", 12)):
        for post in ("exc", "inh"):
            circuit.connect(
                pre, post, ns.FixedProbability(0.1), receptor=receptor, delay=delay,
                weight=ns.Uniform(0 * nS, 2 * weight * nS),
            )  # fmt: skip
    steps = steps_in(milliseconds, circuit.dt)
    dense, listed = random_spikes(steps, n // 2, 40.0, circuit.dt)
    v = {name: circuit.initial(name, "v") for name in ("exc", "inh")}
    hand = conductance_lif.run(circuit.dt, steps, v, listed, n // 2, edges_of(circuit))
    names = {name: {"v": "v", "ge": "ampa", "gi": "gaba"} for name in v}
    return Case(circuit, steps, {"in": dense}, hand, names, least_spikes=n)


def receptors(n: int, milliseconds: float, kind: str, dt: float = 1e-4) -> Case:
    reversal = {"ampa": 0 * mV, "gaba": -80 * mV} if kind == "conductance" else {"ampa": None, "gaba": None}
    circuit = ns.Circuit("receptors", dt=dt * second, seed=9)
    cell = ns.models.lif(
        tau_mem=20 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV, tau_ref=2 * ms,
        receptors={"ampa": ns.Alpha(4 * ms, reversal["ampa"]), "gaba": ns.Exponential(9 * ms, reversal["gaba"])},
    )  # fmt: skip
    readout = ns.models.leaky_integrator(tau_mem=100 * ms, v_leak=0 * mV, r=50 * Mohm, receptors={"s": 15 * ms})
    circuit.source("in", ns.SpikeSource(n // 2))
    circuit.population("cells", n, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    circuit.population("out", 3, readout)
    unit, sign = (pA, -1) if kind == "current" else (nS, 1)
    weight = {"current": 100, "conductance": 2}[kind]
    rule, delay = ns.FixedProbability(0.1), ns.Uniform(0 * ms, 5 * ms)
    strengths = ns.Uniform(0 * unit, 2 * weight * unit)
    circuit.connect("in", "cells", rule, receptor="ampa", weight=strengths, delay=delay)
    circuit.connect("cells", "cells", rule, receptor="gaba", weight=sign * weight / 2 * unit, delay=delay)
    circuit.connect("cells", "out", ns.AllToAll(), receptor="s", weight=ns.Normal(0 * pA, 50 * pA), delay=delay)
    steps = steps_in(milliseconds, circuit.dt)
    dense, listed = random_spikes(steps, n // 2, 60.0, circuit.dt)
    hand = receptors_and_readout.run(
        kind, circuit.dt, steps, circuit.initial("cells", "v"), 3, listed, n // 2, edges_of(circuit)
    )
    names = {"cells": {"v": "v", "ge": "ampa", "x": "ampa_rise", "gi": "gaba"}, "out": {"v": "v", "s": "s"}}
    return Case(circuit, steps, {"in": dense}, hand, names, least_spikes=n)


def simple_cells(n: int, milliseconds: float, form: str, dt: float | None = None) -> Case:
    rng = np.random.default_rng(8)
    plain = form == "dimensionless"
    unit, pulse = (1, 1) if plain else (mV, 10 * pA)
    r = rng.random(n)
    if plain:
        cell = ns.models.izhikevich(receptors={"s": 5 * ms})
        parameters = {"c": -65 + 15 * r**2, "d": 8 - 6 * r**2}
    else:
        cell = ns.models.izhikevich_physical(receptors={"s": 5 * ms})
        parameters = {"c": (-55 + 10 * r) * mV, "d": (50 + 100 * r) * pA}
    circuit = ns.Circuit("simple", dt=(dt or (5e-4 if plain else 1e-4)) * second, seed=9)
    circuit.source("in", ns.SpikeSource(n // 2))
    initial = {"v": ns.Uniform(-65 * unit, -60 * unit)}
    cells = circuit.population("cells", n, cell, parameters=parameters, initial=initial)
    rule, delay = ns.FixedProbability(0.1), ns.Uniform(0 * ms, 10 * ms)
    circuit.connect("in", cells, rule, receptor="s", weight=ns.Uniform(0 * pulse, 8 * pulse), delay=delay)
    circuit.connect(cells, cells, rule, receptor="s", weight=ns.Normal(0 * pulse, 2 * pulse), delay=delay)
    circuit.inject("current", cells, "i_ext")
    steps = steps_in(milliseconds, circuit.dt)
    dense, listed = random_spikes(steps, n // 2, 40.0, circuit.dt)
    scale = 1.0 if plain else 30e-12
    current = fluctuating(steps, np.linspace(0, 5, n) * scale, 2 * scale, 10)
    initial = {name: circuit.initial("cells", name) for name in ("v", "u")}
    initial |= {name: circuit.parameter("cells", name) for name in ("c", "d")}
    hand = izhikevich.run(form, circuit.dt, steps, initial, current, listed, n // 2, edges_of(circuit))
    inputs = {"in": dense, "current": current if plain else current * amp}
    return Case(circuit, steps, inputs, hand, {"cells": {"v": "v", "u": "u", "s": "s"}}, least_spikes=n)


def graded_cells(n: int, milliseconds: float, dt: float = 5e-4) -> Case:
    circuit = ns.Circuit("graded", dt=dt * second, seed=9)
    cell = ns.models.graded(a_r=100 * Hz, a_d=50 * Hz)
    cells = circuit.population("cells", n, cell, initial={"v": ns.Uniform(-45 * mV, -25 * mV), "s": ns.Uniform(0, 0.5)})
    strengths = ns.Uniform(0 * psiemens, 100 * psiemens)
    for name, reversal, part in (("excitation", 0 * mV, cells[: n // 2]), ("inhibition", -48 * mV, cells[n // 2 :])):
        synapse = ns.models.graded_synapse(reversal=reversal)
        circuit.connect(part, cells, ns.FixedProbability(0.1), synapse=synapse, weight=strengths, name=name)
    pre, post = np.nonzero(np.triu(np.random.default_rng(8).random((n, n)) < 0.05, 1))
    junctions = ns.Edges(np.concatenate([pre, post]), np.concatenate([post, pre]))
    weight = np.tile(np.random.default_rng(9).uniform(0, 1e-10, pre.size), 2) * siemens
    circuit.connect(cells, cells, junctions, synapse=ns.models.gap_junction(), weight=weight, name="gap")
    circuit.inject("current", cells, "i_ext")
    steps = steps_in(milliseconds, circuit.dt)
    current = fluctuating(steps, np.linspace(-5e-12, 5e-12, n), 5e-12, 50)
    initial = {name: circuit.initial("cells", name) for name in ("v", "s")}
    hand = graded.run(circuit.dt, steps, initial, current, edges_of(circuit))
    names = {"cells": {"v": "v", "s": "s"}}
    return Case(circuit, steps, {"current": current * amp}, hand, names, 0, record={"cells": "v"})


def rulkov_maps(n: int, milliseconds: float, dt: float = 1e-3) -> Case:
    circuit = ns.Circuit("maps", dt=dt * second, seed=9)
    cell = ns.models.rulkov(alpha=4.3, sigma=ns.Uniform(-0.1, 0.2))
    cells = circuit.population("cells", n, cell)
    rule, delay = ns.FixedProbability(0.1), ns.Uniform(0 * ms, 20 * ms)
    circuit.connect(cells, cells, rule, receptor="i_syn", weight=ns.Normal(0.0, 0.2), delay=delay)
    circuit.inject("current", cells, "i_ext")
    steps = steps_in(milliseconds, circuit.dt)
    current = fluctuating(steps, np.zeros(n), 0.1, 10)
    hand = rulkov.run(circuit.dt, steps, circuit.parameter("cells", "sigma"), current, circuit.edges("cells_to_cells"))
    names = {"cells": {"x": "x", "y": "y", "pulse": "i_syn"}}
    return Case(circuit, steps, {"current": current}, hand, names, least_spikes=n)


def algebraic(n: int, milliseconds: float, dt: float = 1e-3) -> Case:
    circuit = ns.Circuit("algebraic", dt=dt * second, seed=9)
    sizes = {"first": n, "second": n, "third": n // 2, "memory": n // 4}
    # Added in another order than the signal takes, under names that sort otherwise: order must come from the wiring.
    circuit.population("memory", sizes["memory"], ns.models.leaky_integrator(tau_mem=20 * ms))
    circuit.population("second", sizes["second"], ns.models.rate_unit(gain=2.0, nonlinearity="sigmoid"))
    circuit.population("third", sizes["third"], ns.models.rate_unit(nonlinearity="relu"))
    circuit.population("first", sizes["first"], ns.models.rate_unit(gain=1.5))
    circuit.source("in", ns.SignalSource(5))
    rule, weight = ns.FixedProbability(0.5), ns.Normal(0.0, 0.3)
    circuit.connect("third", "memory", rule, receptor="i_ext", weight=weight)
    circuit.connect("second", "third", rule, receptor="x", weight=ns.Normal(0.05, 0.1))
    circuit.connect("first", "second", rule, receptor="x", weight=weight)
    circuit.connect("in", "first", rule, receptor="x", weight=weight)
    circuit.connect("memory", "first", rule, receptor="x", weight=weight)
    steps = steps_in(milliseconds, circuit.dt)
    signal = fluctuating(steps, np.zeros(5), 1.0, 1)
    hand = algebraic_units.run(circuit.dt, steps, signal, sizes, edges_of(circuit))
    names = {"memory": {"v": "v"}, "first": {"r": "r"}, "second": {"r": "r"}, "third": {"r": "r"}}
    return Case(circuit, steps, {"in": signal}, hand, names, 0, record={"first": "r", "second": "r", "third": "r"})


#: Small enough for every run of the tests.
def pair_stdp_cells(n: int, milliseconds: float) -> Case:
    circuit = ns.Circuit("plastic", dt=0.1 * ms, seed=9)
    cell = ns.models.lif(
        tau_mem=20 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV, tau_ref=2 * ms,
        receptors={"syn": 5 * ms},
    )  # fmt: skip
    cells = circuit.population("cells", n, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    circuit.inject("drive", cells, "i_ext")
    a_plus, a_minus, w_max = 4e-12, 5e-12, 2e-10
    rule = ns.SynapseModel(
        "dr/dt = -r/tau_plus : 1 (event-driven)\ndo/dt = -o/tau_minus : 1 (event-driven)",
        on_pre="receptor_post += w; r += 1; w = clip(w - a_minus*o, 0*pA, w_max)",
        on_post="o += 1; w = clip(w + a_plus*r, 0*pA, w_max)",
        parameters={"tau_plus": 20 * ms, "tau_minus": 30 * ms, "a_plus": a_plus * amp, "a_minus": a_minus * amp,
                    "w_max": w_max * amp},
    )  # fmt: skip
    circuit.connect(
        cells, cells, ns.FixedProbability(0.2), receptor="syn", synapse=rule, weight=ns.Uniform(0 * pA, 100 * pA),
        delay=ns.Uniform(0 * ms, 10 * ms), post_delay=ns.Uniform(0 * ms, 3 * ms), name="edges",
    )  # fmt: skip
    steps = steps_in(milliseconds, circuit.dt)
    drive = np.linspace(0.9e-10, 1.4e-10, n)
    post_delay = circuit.post_delay_steps("edges") * circuit.dt
    hand = pair_stdp.run(
        circuit.dt, steps, circuit.initial("cells", "v"), drive, tuple(circuit.edges("edges")), post_delay, a_plus,
        a_minus, w_max,
    )  # fmt: skip
    names = {"cells": {"v": "v", "I": "syn"}, "edges": {"w": "w", "apre": "r", "apost": "o"}}
    current = np.repeat(drive[None], steps, axis=0) * amp
    return Case(circuit, steps, {"drive": current}, hand, names, least_spikes=3 * n)


SMALL: dict[str, Callable[[], Case]] = {
    "balanced network": lambda: balanced(0.1, 200),
    "coba": lambda: coba(0.5, 100),
    "izhikevich network": lambda: izhikevich_2003(0.1, 300),
    "izhikevich network, euler": lambda: izhikevich_2003(0.1, 300, "euler"),
    "celegans connectome": lambda: worm(400),
    "adaptive exponential": lambda: adex(100, 150),
    "hodgkin-huxley": lambda: hodgkin_huxley_cells(100, 100),
    "conductances, refractory, delays": lambda: conductance_lif_cells(150, 150),
    "exponential and alpha currents, readout": lambda: receptors(100, 150, "current"),
    "exponential and alpha conductances, readout": lambda: receptors(100, 150, "conductance"),
    "izhikevich, dimensionless": lambda: simple_cells(100, 300, "dimensionless"),
    "izhikevich, physical": lambda: simple_cells(100, 150, "physical"),
    "graded synapses, gap junctions": lambda: graded_cells(100, 250),
    "discrete map": lambda: rulkov_maps(100, 500),
    "algebraic units": lambda: algebraic(20, 200),
    "pair plasticity": lambda: pair_stdp_cells(60, 150),
}
#: The sizes at which the project states its promise.
FULL: dict[str, Callable[[], Case]] = {
    "balanced network": lambda: balanced(1.0, 300),
    "coba": lambda: coba(1.0, 300),
    "izhikevich network": lambda: izhikevich_2003(1.0, 1000),
    "izhikevich network, euler": lambda: izhikevich_2003(1.0, 1000, "euler"),
    "celegans connectome": lambda: worm(3000),
    "adaptive exponential": lambda: adex(200, 500),
    "hodgkin-huxley": lambda: hodgkin_huxley_cells(200, 500),
    "conductances, refractory, delays": lambda: conductance_lif_cells(200, 500),
    "pair plasticity": lambda: pair_stdp_cells(200, 500),
}
