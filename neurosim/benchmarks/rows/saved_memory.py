"""What is kept between forward and backward, for each neuron in a step, beside snnTorch and SpikingJelly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from neurosim.benchmarks.benchmark import OURS, Benchmark, Figure, Measured, Side
from neurosim.benchmarks.layers import write
from neurosim.benchmarks.rows.training_step import case, check


def figures(found: Measured) -> Sequence[Figure]:
    """Return by how much each process grew."""
    return [
        Figure(f"{name}: growth of the process for a neuron-step, {what}", float(arrays[key]), "B")
        for name, arrays in found.arrays.items()
        for key, what in (("held", "forward"), ("peak", "the largest in forward and backward"))
    ]


def compare(cases: Mapping[str, Measured]) -> Sequence[Figure]:
    """Return what it costs in time to keep spikes alone."""
    seconds = {label: float(found.arrays[OURS]["seconds"]) for label, found in cases.items() if OURS in found.arrays}
    return [
        Figure(f"{label}: neurosim's time of a training step over that with variables kept", seconds[label] / kept, "x")
        for first, label in ((FORWARD, FORWARD + ALONE), (RECURRENT, RECURRENT + ALONE))
        if label in seconds and (kept := seconds.get(first, 0.0))
    ]


FORWARD = "700-256-256-20, 400 steps, batch 64"
RECURRENT = "700-256(recurrent)-20, 400 steps, batch 64"
ALONE = ", neurosim keeps spikes alone"
SIZES, RECURRENT_SIZES = (700, 256, 256, 20), (700, 256, 20)
BENCHMARK = Benchmark(
    "saved-memory",
    "memory kept between forward and backward, for each neuron in a step of leaky integrate-and-fire layers, float32",
    cases=(
        case(FORWARD, SIZES, 400, 64, measure="saved"),
        case(FORWARD + ALONE, SIZES, 400, 64, measure="saved", keep="spikes"),
        case(RECURRENT, RECURRENT_SIZES, 400, 64, recurrent=(1,), measure="saved"),
        case(RECURRENT + ALONE, RECURRENT_SIZES, 400, 64, recurrent=(1,), measure="saved", keep="spikes"),
    ),
    quick=(case("700-256-256-20, 100 steps, batch 32", SIZES, 100, 32, measure="saved"),),
    sides=(
        Side(OURS, "layers_neurosim", distributions=("torch", "numba", "numpy")),
        Side(
            "snnTorch",
            "layers_snntorch",
            "snntorch",
            ("snntorch", "torch"),
            at_least={FORWARD + ALONE: 8.0, RECURRENT + ALONE: 8.0},
        ),
        Side(
            "SpikingJelly",
            "layers_spikingjelly",
            "spikingjelly",
            ("spikingjelly", "torch"),
            cases=(FORWARD, FORWARD + ALONE),
        ),
    ),
    write=write,
    check=check,
    figures=figures,
    compare=compare,
    unit="B",
    repeats=1,
    first_results=False,
    # Blocks of memory are taken from the system and given back one by one: what a process holds is what it uses.
    environment={"MALLOC_MMAP_THRESHOLD_": "16384", "MALLOC_TRIM_THRESHOLD_": "16384", "MALLOC_TOP_PAD_": "0"},
    notes=(
        "Kept is what autograd saves and what its nodes refer to, each piece of memory once, inputs aside. The process "
        "grows by more in its first forward pass: by what is computed on the way there, which neurosim lends again.",
        'With keep="spikes" ours keep no variables of neurons: the way back finds them again from where the run began.',
    ),
)
