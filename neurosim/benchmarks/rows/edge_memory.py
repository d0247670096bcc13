"""Bytes that an edge takes in a circuit, and in the circuit and its simulation together."""

from __future__ import annotations

from collections.abc import Sequence

from neurosim.benchmarks.benchmark import OURS, Benchmark, Case, Check, Figure, Measured, Side

#: What is asked for: 4 bytes a target and 8 a weight, and a twelfth more for what goes with neurons.
AT_MOST = 13.0
STAGES = {
    "drawn": "circuit, its edges drawn",
    "drawing": "the most while they are drawn",
    "running": "circuit and simulation after a run",
    "peak": "the most while it is compiled and runs",
}


def case(neurons: int, edges: int, kind: str) -> Case:
    """Return a network whose edges have `kind` drawn."""
    label = f"{neurons:,} neurons, {edges} edges each, {kind} drawn"
    return Case(label, {"neurons": neurons, "edges": edges, "kind": kind})


def figures(found: Measured) -> Sequence[Figure]:
    """Return the bytes of an edge in each stage, and how long an edge takes to draw."""
    arrays, settings = found.arrays[OURS], found.settings
    seconds = float(arrays["seconds"]) / (settings["neurons"] * settings["edges"])
    asked = AT_MOST if settings["kind"] == "weights" else None
    return [
        *(
            Figure(f"bytes of an edge, {what}", float(arrays[key]), "B", at_most=asked if key == "running" else None)
            for key, what in STAGES.items()
        ),
        Figure("time to draw an edge", seconds, "s"),
    ]


def check(found: Measured) -> Sequence[Check]:
    """Tell whether the network was active: neurons that never fire read no edges."""
    count = len(found.arrays[OURS]["step"])
    return [Check(OURS, "it fires", count > 0, f"{count:,} spikes")]


BENCHMARK = Benchmark(
    "edge-memory",
    "memory of large networks: bytes of an edge in a circuit and its simulation, float64",
    cases=(
        case(100_000, 100, "weights"),
        case(100_000, 100, "weights and delays"),
        case(100_000, 100, "nothing"),
        case(1_000_000, 30, "nothing"),
    ),
    quick=(case(10_000, 100, "weights"),),
    sides=(Side(OURS, "edge_memory", distributions=("numba", "numpy")),),
    figures=figures,
    check=check,
    unit="B",
    repeats=1,
    first_results=False,
    # Large blocks of memory are taken from the system and given back one by one: what a process holds is what it uses.
    environment={"MALLOC_MMAP_THRESHOLD_": "2097152", "MALLOC_TRIM_THRESHOLD_": "2097152"},
    notes=(
        "The table shows the growth of the process from before the edges were drawn until the network had run; what "
        "goes with neurons, and spikes, are counted with the edges.",
    ),
)
