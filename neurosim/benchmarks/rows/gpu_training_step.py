"""One training step on a GPU, with and without a recurrent layer, against snnTorch there and ourselves on a CPU."""

from __future__ import annotations

from collections.abc import Sequence

from neurosim.benchmarks.benchmark import OURS, Benchmark, Check, Figure, Measured, Side
from neurosim.benchmarks.layers import write
from neurosim.benchmarks.rows.training_step import case, events, same_output

#: The side that computes the same on the processor.
ON_CPU = "neurosim on the CPU"
CASES = (
    case("700-256-256-20, 100 steps, batch 64", (700, 256, 256, 20), 100, 64),
    case("700-256(recurrent)-20, 100 steps, batch 64", (700, 256, 20), 100, 64, recurrent=(1,)),
    case("700-1024(recurrent)-20, 100 steps, batch 128", (700, 1024, 20), 100, 128, recurrent=(1,)),
    case("700-2048(recurrent)-20, 100 steps, batch 128", (700, 2048, 20), 100, 128, recurrent=(1,)),
)
#: Those that a CPU is done with soon.
SMALL = tuple(item.label for item in CASES[:2])
QUICK = case("700-256(recurrent)-20, 20 steps, batch 8", (700, 256, 20), 20, 8, recurrent=(1,))


def check(found: Measured) -> Sequence[Check]:
    """Hold the spikes of the others against ours."""
    return [*same_output(found, "snnTorch"), *same_output(found, ON_CPU)]


def figures(found: Measured) -> Sequence[Figure]:
    """Return what was done."""
    sent, steps = events(found.settings, found.arrays[OURS])
    return Figure("synaptic events, forward", sent, ""), Figure("neuron-steps, forward", steps, "")


BENCHMARK = Benchmark(
    "gpu-training-step",
    "one training step of leaky integrate-and-fire layers on an NVIDIA GPU, 2 % of the inputs active, float32",
    cases=CASES,
    quick=(QUICK,),
    sides=(
        Side(OURS, "layers_neurosim", distributions=("torch", "triton", "numpy"), device="cuda"),
        Side("snnTorch", "layers_snntorch", "snntorch", ("snntorch", "torch"), device="cuda"),
        Side(ON_CPU, "layers_neurosim", distributions=("torch", "numba", "numpy"), cases=SMALL),
    ),
    write=write,
    check=check,
    figures=figures,
    repeats=15,
    notes=(
        "A turn is four steps, one after another as in training; the time is that of one, until the GPU is at rest.",
        "Ours pass a spike on in the next step, so the last layer's come later by one step a layer.",
    ),
)
