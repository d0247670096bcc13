"""A thousand simple neurons coupled all to all, against Brian2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import circuits
from neurosim.benchmarks.benchmark import OURS, Benchmark, Case, Check, Measured, Settings, Side

NAME = "izhikevich-network"
PEER = "Brian2, cython"
POPULATIONS = ("exc", "inh")
#: Of the spikes in a second with other noise.
TOLERANCE = 0.15


def write(settings: Settings, file: Path) -> None:
    """Write parameters and initial values of all neurons, and the weights (pre, post)."""
    circuit = circuits.build(NAME, **settings["arguments"])
    arrays: dict[str, Any] = {
        name: np.concatenate([np.broadcast_to(circuit.initial(part, name), circuit.populations[part].n)
                              for part in POPULATIONS])
        for name in ("v", "u")
    }  # fmt: skip
    for name, address in {"a": "a", "b": "b", "c": "c", "d": "d", "noise": "noise_std"}.items():
        values = [
            np.broadcast_to(circuit.parameter(part, address), circuit.populations[part].n) for part in POPULATIONS
        ]
        arrays[name] = np.concatenate(values)
    rows = []
    for pre in POPULATIONS:
        n = circuit.populations[pre].n
        rows.append(np.hstack([np.reshape(circuit.edges(f"{pre}_to_{post}").weight, (n, -1)) for post in POPULATIONS]))
    np.savez(file, w=np.vstack(rows), **arrays)


def check(found: Measured) -> Sequence[Check]:
    """Hold the number of Brian2's spikes against that of ours."""
    if PEER not in found.arrays:
        return ()
    theirs = found.arrays[PEER]["cells.step"].size
    ours = sum(found.arrays[OURS][f"{name}.step"].size for name in POPULATIONS)
    ok = ours > 0 and abs(theirs - ours) <= TOLERANCE * ours
    return (Check(PEER, f"as many spikes, within {TOLERANCE:.0%}", ok, f"{theirs:,} spikes, ours {ours:,}"),)


def case(label: str, duration: float) -> Case:
    """Return the network, run for so many seconds."""
    settings = {"circuit": NAME, "arguments": {}, "duration": duration, "dt": 1e-3, "populations": list(POPULATIONS)}
    return Case(label, settings)


FULL = "1,000 neurons, 1 s"
BENCHMARK = Benchmark(
    NAME,
    "1,000 simple neurons, all to all, noise in every step of 1 ms, float64, all spikes recorded",
    cases=(case(FULL, 1.0),),
    quick=(case("1,000 neurons, 0.3 s", 0.3),),
    sides=(
        Side(OURS, "network_neurosim", distributions=("torch", "numba", "numpy")),
        Side(PEER, "izhikevich_brian2", "brian2", ("brian2",), {"target": "cython"}, at_least={FULL: 10.0}),
    ),
    write=write,
    check=check,
    notes=("The noise of Brian2 is its own, so only the number of spikes can be compared.",),
)
