"""Whether the sides did the same: spikes held against ours, arrays within a tolerance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.benchmarks.benchmark import OURS, Arrays, Check, Measured


def spike_count(arrays: Arrays, populations: Sequence[str]) -> int:
    """Return how many spikes there are."""
    return sum(int(arrays[f"{name}.step"].size) for name in populations)


def sorted_spikes(arrays: Arrays, population: str) -> tuple[np.ndarray, np.ndarray]:
    """Return steps and neurons of the spikes of a population, by step, then neuron."""
    steps, neurons = arrays[f"{population}.step"], arrays[f"{population}.neuron"]
    order = np.lexsort((neurons, steps))
    return steps[order], neurons[order]


def same_spikes(found: Measured, side: str, populations: Sequence[str]) -> list[Check]:
    """Hold every spike of a side against ours."""
    if side not in found.arrays:
        return []
    ours, theirs = found.arrays[OURS], found.arrays[side]
    equal = True
    for name in populations:
        pairs = zip(sorted_spikes(ours, name), sorted_spikes(theirs, name), strict=True)
        equal = equal and all(np.array_equal(one, other) for one, other in pairs)
    counts = spike_count(theirs, populations), spike_count(ours, populations)
    said = f"{counts[0]:,} spikes, all equal" if equal else f"{counts[0]:,} spikes, ours {counts[1]:,}: not equal"
    return [Check(side, "the same spikes", equal and counts[0] > 0, said)]


def similar_count(found: Measured, side: str, populations: Sequence[str], tolerance: float) -> list[Check]:
    """Hold the number of a side's spikes against ours, relative to ours."""
    if side not in found.arrays:
        return []
    theirs, ours = (spike_count(found.arrays[name], populations) for name in (side, OURS))
    off = abs(theirs - ours) / max(ours, 1)
    said = f"{theirs:,} spikes, ours {ours:,}"
    return [Check(side, f"as many spikes, within {tolerance:.0%}", ours > 0 and off <= tolerance, said)]


def close_arrays(found: Measured, side: str, names: Sequence[str], tolerance: float) -> list[Check]:
    """Hold arrays of a side against ours, relative to the largest magnitude of ours."""
    if side not in found.arrays:
        return []
    checks = []
    for name in names:
        theirs, ours = found.arrays[side][name], found.arrays[OURS][name]
        if theirs.shape != ours.shape:
            checks.append(Check(side, f"the same {name}", False, f"shape {theirs.shape}, ours {ours.shape}"))
            continue
        scale = float(np.abs(ours).max(initial=0.0))
        off = float(np.abs(theirs - ours).max(initial=0.0)) / scale if scale else float(np.abs(theirs).max(initial=0.0))
        checks.append(Check(side, f"the same {name}, within {tolerance:g}", off <= tolerance, f"{off:.2g} apart"))
    return checks
