"""The balanced network of 4,000 neurons against Brian2 and NEST, one after another on the same edges."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import circuits
from neurosim.benchmarks.benchmark import OURS, Benchmark, Case, Check, Figure, Measured, Settings, Side
from neurosim.benchmarks.checks import same_spikes, similar_count, spike_count
from neurosim.benchmarks.roofline import distance

NAME = "balanced-network"
STANDALONE = "Brian2, cpp_standalone"
POPULATIONS = ("exc", "inh")
#: Of the spikes in a second of this network, between simulators that round or deliver otherwise.
TOLERANCE = 0.1
#: Bytes read for an event: the target's index (4) and its conductance (8); all weights of a projection are one.
EVENT = 12
#: Bytes read for a neuron in a step: three variables and the refractory clock.
NEURON_STEP = 32


def write(settings: Settings, file: Path) -> None:
    """Write the edges and initial potentials that all sides get."""
    circuit = circuits.build(NAME, **settings["arguments"])
    arrays: dict[str, Any] = {f"{name}.v": circuit.initial(name, "v") for name in POPULATIONS}
    for name in circuit.projections:
        edges = circuit.edges(name)
        arrays |= {f"{name}.i": edges.pre, f"{name}.j": edges.post}
    np.savez(file, **arrays)


def check(found: Measured) -> Sequence[Check]:
    """Hold the spikes of Brian2 against ours, and the number of those of NEST."""
    checks = []
    for side in SIDES:
        if side.interpreter == "nest":
            checks += similar_count(found, side.name, POPULATIONS, TOLERANCE)
        elif side.name != OURS:
            checks += same_spikes(found, side.name, POPULATIONS)
    return checks


def figures(found: Measured) -> Sequence[Figure]:
    """Return what was done, and how far from the machine's limit."""
    settings, arrays = found.settings, found.arrays[OURS]
    circuit = circuits.build(NAME, **settings["arguments"])
    neurons = sum(population.n for population in circuit.populations.values())
    sent = {name: np.zeros(circuit.populations[name].n) for name in POPULATIONS}
    for name, projection in circuit.projections.items():
        sent[projection.pre] += np.bincount(circuit.edges(name).pre, minlength=sent[projection.pre].size)
    events = sum(sent[name][arrays[f"{name}.neuron"]].sum() for name in POPULATIONS)
    steps = round(settings["duration"] / settings["dt"]) * neurons
    seconds = found.medians[OURS]
    return (
        Figure("rate", spike_count(arrays, POPULATIONS) / neurons / settings["duration"], "Hz"),
        Figure("synaptic events", float(events), ""),
        Figure("neuron-steps", float(steps), ""),
        Figure("neurosim's time for a neuron-step", seconds / steps, "s"),
        *first_results(found),
        *distance(seconds, found.machine, cached=events * EVENT + steps * NEURON_STEP),
    )


def first_results(found: Measured) -> list[Figure]:
    """Return how many times as long Brian2's own program takes to its first result."""
    return [
        Figure(f"time to the first result, {name}: {STANDALONE} over neurosim", theirs / ours, "x", at_least=3.0)
        for name, ours in found.first.get(OURS, {}).items()
        if (theirs := found.first.get(STANDALONE, {}).get(name))
    ]


def case(label: str, duration: float, scale: float = 1.0, **more: Any) -> Case:
    """Return the network, run for so many seconds."""
    settings = {
        "circuit": NAME, "arguments": {"scale": scale}, "duration": duration, "dt": 1e-4,
        "populations": list(POPULATIONS), **more,
    }  # fmt: skip
    return Case(label, settings)


FULL = "4,000 neurons, 1 s"
SIDES = (
    Side(OURS, "network_neurosim", distributions=("torch", "numba", "numpy")),
    Side(
        STANDALONE, "balanced_brian2", "brian2", ("brian2",), {"target": "cpp_standalone"},
        at_least={FULL: 4.0}, quick=False,
    ),
    Side("Brian2, cython", "balanced_brian2", "brian2", ("brian2",), {"target": "cython"}, at_least={FULL: 15.0}),
    Side("NEST", "balanced_nest", "nest", ("nest-simulator",), interpreter="nest", at_least={FULL: 25.0}),
)  # fmt: skip
BENCHMARK = Benchmark(
    NAME,
    "4,000 integrate-and-fire neurons in balance, 80 synapses each, steps of 0.1 ms, float64, all spikes recorded",
    cases=(case(FULL, 1.0),),
    quick=(case("4,000 neurons, 0.1 s", 0.1),),
    sides=SIDES,
    write=write,
    check=check,
    figures=figures,
    probe=True,
    notes=(
        "Of neurosim the whole call counts, of Brian2 and NEST the steps alone.",
        "NEST has no delay of zero: its spikes arrive a step later, and only their number can be compared.",
        f"The least time counts what is read from the second cache, {EVENT} bytes for a synaptic event (index, "
        f"conductance) and {NEURON_STEP} for a neuron in a step (three variables, a clock); what is written goes back "
        "at the same time.",
    ),
)
