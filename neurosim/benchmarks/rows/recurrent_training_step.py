"""One training step of a network with a recurrent layer, against snnTorch's `RLeaky`."""

from __future__ import annotations

from collections.abc import Sequence

from neurosim.benchmarks.benchmark import OURS, Benchmark, Check, Figure, Measured, Side
from neurosim.benchmarks.layers import write
from neurosim.benchmarks.rows.training_step import NARROW, case, events, same_output


def check(found: Measured) -> Sequence[Check]:
    """Hold the spikes of snnTorch against ours."""
    return same_output(found, "snnTorch")


def figures(found: Measured) -> Sequence[Figure]:
    """Return what was done."""
    sent, steps = events(found.settings, found.arrays[OURS])
    return Figure("synaptic events, forward", sent, ""), Figure("neuron-steps, forward", steps, "")


FULL = "700-256(recurrent)-20, 100 steps, batch 64"
COMPACT = f"{FULL}, slope 0 far below the threshold"
SIZES = (700, 256, 20)
BENCHMARK = Benchmark(
    "recurrent-training-step",
    "one training step of leaky integrate-and-fire layers, the hidden one connected all to all with itself, 2 % of the "
    "inputs active, float32",
    cases=(
        case(FULL, SIZES, 100, 64, recurrent=(1,)),
        case(COMPACT, SIZES, 100, 64, recurrent=(1,), surrogate=NARROW),
    ),
    quick=(case("700-256(recurrent)-20, 20 steps, batch 8", SIZES, 20, 8, recurrent=(1,)),),
    sides=(
        Side(OURS, "layers_neurosim", distributions=("torch", "numba", "numpy")),
        Side("snnTorch", "layers_snntorch", "snntorch", ("snntorch", "torch"), at_least={FULL: 12.0}),
        Side("matrix products alone", "layers_matmuls", "torch", ("torch",)),
    ),
    write=write,
    check=check,
    figures=figures,
    repeats=15,
    notes=(
        "A turn is four steps, one after another as in training; the time is that of one.",
        f"The slope that is 0 far below is snnTorch's SFS(slope={NARROW['slope']}, B={NARROW['B']}), on both "
        "sides; elsewhere the surrogate is the arctangent.",
        "snnTorch computes the same neurons from the same weights. Ours pass a spike on in the next step, so the last "
        "layer's come later by two steps.",
    ),
)
