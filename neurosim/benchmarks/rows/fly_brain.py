"""A network of the size of a fly's brain, driven by sugar, on two threads, against Brian2 on one and with OpenMP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import circuits
from neurosim.benchmarks.benchmark import OURS, Benchmark, Case, Check, Figure, Measured, Settings, Side
from neurosim.benchmarks.checks import similar_count, spike_count

NAME = "fly-brain"
POPULATION = "brain"
#: Of the spikes, between simulators that draw their own kicks.
TOLERANCE = 0.1


def write(settings: Settings, file: Path) -> None:
    """Write our edges, and which neurons are driven."""
    circuit = circuits.build(NAME, **settings["arguments"])
    edges = circuit.edges("synapses")
    driven = np.array(circuit.poisson_inputs["drive"].indices)
    np.savez(file, i=edges.pre, j=edges.post, weight=edges.weight, driven=driven, n=circuit.populations[POPULATION].n)


def check(found: Measured) -> Sequence[Check]:
    """Hold the number of spikes against ours."""
    return [one for side in found.arrays if side != OURS for one in similar_count(found, side, [POPULATION], TOLERANCE)]


def figures(found: Measured) -> Sequence[Figure]:
    """Return how much happened, and how long a second takes."""
    arrays, duration = found.arrays[OURS], found.settings["duration"]
    seconds = found.medians[OURS] / duration
    whole = found.settings["arguments"]["scale"] == 1
    return (
        Figure("spikes in a second", spike_count(arrays, [POPULATION]) / duration, "Hz"),
        Figure("neurons that spike", float(np.unique(arrays[f"{POPULATION}.neuron"]).size), ""),
        Figure("neurosim's time for a second", seconds, "s", at_most=1.0 if whole else None),
    )


def case(label: str, duration: float, scale: float = 1.0) -> Case:
    """Return the network, run for so many seconds."""
    settings: dict[str, Any] = {
        "circuit": NAME, "arguments": {"wiring": "drawn", "scale": scale}, "duration": duration, "dt": 1e-4,
        "populations": [POPULATION],
    }  # fmt: skip
    return Case(label, settings)


FULL = "127,400 neurons, 1 s"
BENCHMARK = Benchmark(
    NAME,
    "127,400 integrate-and-fire neurons with 14.7 million edges, of which some five hundred spike, 17,000 times a "
    "second; delays of 1.8 ms, steps of 0.1 ms, float64",
    cases=(case(FULL, 1.0),),
    quick=(case("2,548 neurons, 0.2 s", 0.2, 0.02),),
    sides=(
        Side(OURS, "network_neurosim", distributions=("torch", "numba", "numpy")),
        Side(
            "Brian2, cpp_standalone, one thread", "fly_brian2", "brian2", ("brian2",),
            {"target": "cpp_standalone", "openmp": 1}, at_least={FULL: 3.0}, quick=False,
        ),
        Side(
            "Brian2, cpp_standalone, OpenMP", "fly_brian2", "brian2", ("brian2",), {"target": "cpp_standalone"},
            at_least={FULL: 3.0}, quick=False,
        ),
    ),
    write=write,
    check=check,
    figures=figures,
    threads=2,
    repeats=3,
    patience=40.0,
    first_results=False,
    notes=(
        "The wiring is drawn: it has the size of FlyWire's, and is no brain. Of neurosim the whole call counts, of "
        "Brian2 the steps alone. Each draws its own kicks, so that only numbers of spikes can be compared.",
    ),
)  # fmt: skip
