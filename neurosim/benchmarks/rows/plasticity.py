"""Plastic synapses on both backends, beside the same rule in a plain Brian2 script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurosim.benchmarks.benchmark import OURS, Benchmark, Case, Check, Figure, Measured, Side
from neurosim.benchmarks.checks import close_arrays, same_spikes, spike_count

TORCH = "neurosim on torch"
PLAIN = "plain Brian2"


def check(found: Measured) -> Sequence[Check]:
    """Hold spikes and weights against those of our Brian2 backend."""
    checks: list[Check] = []
    for side in (PLAIN, TORCH):
        checks += same_spikes(found, side, ("cells",))
        checks += close_arrays(found, side, ("weight",), 1e-9)
    return checks


def figures(found: Measured) -> Sequence[Figure]:
    """Return what a synapse holds beyond its edge, and what an event costs: at either end of a synapse."""
    settings = found.settings
    pairs = settings["neurons"] * settings["probability"]
    events = 2 * pairs * spike_count(found.arrays[OURS], ("cells",))
    return [
        item
        for name, arrays in found.arrays.items()
        for item in (
            Figure(f"{name}: memory for a synapse", float(arrays["bytes"]), "B"),
            Figure(f"{name}: time for an event", found.medians[name] / max(events, 1), "s"),
        )
    ]


def case(label: str, neurons: int, duration: float, target: str) -> Case:
    """Return the network, run for so many seconds, with Brian2 on a target."""
    settings: dict[str, Any] = {
        "neurons": neurons, "probability": 0.1, "duration": duration, "target": target, "backend": "brian2",
    }  # fmt: skip
    return Case(label, settings)


BENCHMARK = Benchmark(
    "plasticity",
    "1,000 integrate-and-fire neurons whose 100,000 connections all learn by pairs of spikes, each with a delay",
    cases=tuple(case(f"{target}, 0.3 s", 1000, 0.3, target) for target in ("numpy", "cython")),
    quick=(case("300 neurons, numpy, 0.1 s", 300, 0.1, "numpy"),),
    sides=(
        Side(OURS, "plastic_neurosim", "brian2", ("brian2", "numpy")),
        Side(PLAIN, "plastic_brian2", "brian2", ("brian2", "numpy")),
        Side(TORCH, "plastic_neurosim", "torch", ("torch", "numpy"), {"backend": "snntorch"}),
    ),
    check=check,
    figures=figures,
    repeats=7,
    patience=20.0,
    first_results=False,
    notes=(
        "neurosim is its Brian2 backend here, on the target that the case names; of it the whole call counts, of plain "
        "Brian2 the steps alone. Memory is what the process grows by for a synapse, above its drawn edges.",
    ),
)
