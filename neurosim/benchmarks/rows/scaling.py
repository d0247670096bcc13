"""The balanced network at growing sizes, 80 synapses for each neuron: what a neuron-step and an event cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neurosim.benchmarks.benchmark import OURS, Benchmark, Figure, Measured, Side
from neurosim.benchmarks.checks import spike_count
from neurosim.benchmarks.rows.balanced_network import POPULATIONS, case

#: Neurons at scale 1, and synapses of each.
NEURONS, SYNAPSES = 4000, 80


def costs(found: Measured) -> tuple[float, float]:
    """Return seconds for a neuron in a step and for a synaptic event, each as if all of the time went there."""
    settings = found.settings
    steps = round(settings["duration"] / settings["dt"]) * settings["arguments"]["scale"] * NEURONS
    events = spike_count(found.arrays[OURS], POPULATIONS) * SYNAPSES
    return found.medians[OURS] / steps, found.medians[OURS] / events


def figures(found: Measured) -> Sequence[Figure]:
    """Return the costs at one size."""
    step, event = costs(found)
    return Figure("time for a neuron-step", step, "s"), Figure("time for a synaptic event", event, "s")


def compare(cases: Mapping[str, Measured]) -> Sequence[Figure]:
    """Return how much the costs vary over the sizes."""
    found = [costs(measured) for measured in cases.values() if OURS in measured.medians]
    if not found:
        return ()
    return tuple(
        Figure(f"largest over smallest time for a {what}", max(values) / min(values), "x", at_most=1.5)
        for what, values in zip(("neuron-step", "synaptic event"), zip(*found, strict=True), strict=True)
    )


BENCHMARK = Benchmark(
    "scaling",
    "the balanced network from 4,000 to 100,000 neurons, 80 synapses each, steps of 0.1 ms, float64",
    cases=tuple(case(f"{round(NEURONS * scale):,} neurons, 1 s", 1.0, scale) for scale in (1.0, 4.0, 10.0, 25.0)),
    quick=tuple(case(f"{round(NEURONS * scale):,} neurons, 20 ms", 0.02, scale) for scale in (1.0, 4.0)),
    sides=(Side(OURS, "network_neurosim", distributions=("torch", "numba", "numpy")),),
    figures=figures,
    compare=compare,
    repeats=5,
    patience=15.0,
    first_results=False,
    notes=("Both costs are the whole time over a number: neurons fire at the same rate at every size.",),
)
