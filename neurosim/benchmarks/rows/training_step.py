"""One training step of a feed-forward network, against snnTorch, SpikingJelly, Norse and its matrix products alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neurosim.benchmarks.benchmark import OURS, Benchmark, Case, Check, Figure, Measured, Settings, Side
from neurosim.benchmarks.layers import write
from neurosim.benchmarks.roofline import distance

#: Part of the last layer's spikes that must be as ours where the neuron is the same: float32 sums in another order
#: may move one.
SAME = 0.999
#: Bytes read for a synaptic event: forward a weight and a sum (8); backward, for the weight's gradient, the receiver's
#: slope and a gradient (8).
EVENT = 16
#: Bytes of a neuron in a step: input and membrane written and read, slope written and read (24), a spike's bit.
NEURON_STEP = 24


def same_output(found: Measured, side: str) -> list[Check]:
    """Hold the spikes of the last layer against ours, each counted from when the first could come."""
    if side not in found.arrays or "spikes" not in found.arrays[side]:
        return []
    ours, theirs = found.arrays[OURS], found.arrays[side]
    shift = int(ours["late"]) - int(theirs["late"])
    one, other = ours["spikes"][shift:], theirs["spikes"][: len(theirs["spikes"]) - shift]
    same = float(np.mean(one == other))
    said = f"{int(other.sum()):,} spikes, {same:.4%} of all places as ours"
    return [Check(side, f"the same spikes, {SAME:.1%} at the least", same >= SAME and bool(one.any()), said)]


def check(found: Measured) -> Sequence[Check]:
    """Hold the spikes of those whose neuron is the same against ours."""
    return [item for side in ("snnTorch", "SpikingJelly") for item in same_output(found, side)]


def events(settings: Settings, arrays: Any) -> tuple[float, float]:
    """Return synaptic events and neuron-steps of a forward pass."""
    sizes, recurrent = settings["sizes"], settings["recurrent"]
    pairs = settings["steps"] * settings["batch"]
    counts = [
        settings["density"] * pairs * sizes[0],
        *(float(arrays[f"count{place}"]) for place in range(1, len(sizes))),
    ]
    sent = sum(count * n for count, n in zip(counts, sizes[1:], strict=False))
    sent += sum(counts[place] * sizes[place] for place in recurrent)
    return sent, float(pairs * sum(sizes[1:]))


def figures(found: Measured) -> Sequence[Figure]:
    """Return what was done, and how far from the machine's limit."""
    sent, steps = events(found.settings, found.arrays[OURS])
    return (
        Figure("synaptic events, forward", sent, ""),
        Figure("neuron-steps, forward", steps, ""),
        *distance(found.medians[OURS], found.machine, cached=sent * EVENT, streamed=steps * NEURON_STEP),
    )


def case(label: str, sizes: Sequence[int], steps: int, batch: int, recurrent: Sequence[int] = (), **more: Any) -> Case:
    """Return a network and its input."""
    settings = {
        "sizes": list(sizes), "recurrent": list(recurrent), "steps": steps, "batch": batch, "density": 0.02, **more,
    }  # fmt: skip
    return Case(label, settings)


#: A surrogate of snnTorch whose slope is 0 more than a fifth of the way from threshold to reset below the threshold.
NARROW = {"slope": 25, "B": -0.2}
FULL = "700-256-256-20, 100 steps, batch 64"
COMPACT = f"{FULL}, slope 0 far below the threshold"
SIZES = (700, 256, 256, 20)
BENCHMARK = Benchmark(
    "training-step",
    "one training step of leaky integrate-and-fire layers, 2 % of the inputs active, float32: forward, cross entropy "
    "of spike counts, gradients of all weights",
    cases=(case(FULL, SIZES, 100, 64), case(COMPACT, SIZES, 100, 64, surrogate=NARROW)),
    quick=(case("700-256-256-20, 20 steps, batch 8", SIZES, 20, 8),),
    sides=(
        Side(OURS, "layers_neurosim", distributions=("torch", "numba", "numpy")),
        Side("snnTorch", "layers_snntorch", "snntorch", ("snntorch", "torch"), at_least={FULL: 10.0}),
        Side(
            "SpikingJelly",
            "layers_spikingjelly",
            "spikingjelly",
            ("spikingjelly", "torch"),
            at_least={FULL: 8.0},
            cases=(FULL,),
        ),
        Side("Norse", "layers_norse", "norse", ("norse", "torch"), at_least={FULL: 10.0}, cases=(FULL,)),
        Side("matrix products alone", "layers_matmuls", "torch", ("torch",), at_least={FULL: 2.0}),
    ),
    write=write,
    check=check,
    figures=figures,
    repeats=15,
    probe=True,
    notes=(
        "A turn is four steps, one after another as in training; the time is that of one.",
        f"The slope that is 0 far below is snnTorch's SFS(slope={NARROW['slope']}, B={NARROW['B']}), on both "
        "sides; elsewhere the surrogate is the arctangent.",
        "snnTorch and SpikingJelly compute the same neurons from the same weights; Norse's neuron differs in detail. "
        "Ours pass a spike on in the next step, so the last layer's come later by one step a layer.",
        "The matrix products are the dense ones of this network, forward and backward.",
        f"The least time counts {EVENT} bytes for a synaptic event, forward and backward, read from the second cache, "
        f"and {NEURON_STEP} for a neuron in a step, read from memory or written to it.",
    ),
)
