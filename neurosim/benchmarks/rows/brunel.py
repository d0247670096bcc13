"""Brunel's network at full size, two threads, against NEST, Brian2 with OpenMP, and sparxml."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import circuits
from neurosim.benchmarks.benchmark import OURS, Benchmark, Case, Check, Figure, Measured, Settings, Side
from neurosim.circuits.brunel.circuit import REGIMES, SIZES

NAME = "brunel"
POPULATIONS = ("exc", "inh")
REGIME = "asynchronous"
#: The spikes of the first steps are those of neurons that all start at rest; rates are compared after them.
ONSET = 0.1
#: Of the rate, relative to ours; a small network fires together, and a tenth of a second of it is one of many.
TOLERANCE, SMALL_TOLERANCE = 0.1, 0.3


def write(settings: Settings, file: Path) -> None:
    """Write our edges, of each sending population to all neurons, the excitatory ones first."""
    circuit = circuits.build(NAME, **settings["arguments"])
    arrays: dict[str, Any] = {}
    for pre in POPULATIONS:
        edges = [circuit.edges(f"{pre}_to_{post}") for post in POPULATIONS]
        arrays[f"{pre}.i"] = np.concatenate([item.pre for item in edges])
        arrays[f"{pre}.j"] = np.concatenate([edges[0].post, edges[1].post + settings["n_exc"]])
    np.savez(file, **arrays)


def rate(found: Measured, side: str) -> float:
    """Return spikes per neuron and second, after the onset."""
    settings = found.settings
    first = round(ONSET / settings["dt"])
    spikes = sum(int((found.arrays[side][f"{name}.step"] >= first).sum()) for name in POPULATIONS)
    return float(spikes / (settings["n_exc"] + settings["n_inh"]) / (settings["duration"] - ONSET))


def check(found: Measured) -> Sequence[Check]:
    """Hold the rates against ours."""
    ours, tolerance = rate(found, OURS), found.settings["tolerance"]
    checks = []
    for side in found.arrays:
        if side != OURS:
            theirs = rate(found, side)
            said = f"{theirs:.1f} Hz, ours {ours:.1f} Hz"
            ok = ours > 0 and abs(theirs - ours) <= tolerance * ours
            checks.append(Check(side, f"the same rate, within {tolerance:.0%}", ok, said))
    return checks


def figures(found: Measured) -> Sequence[Figure]:
    """Return what was done, and what an event costs."""
    settings, arrays = found.settings, found.arrays[OURS]
    n = settings["n_exc"] + settings["n_inh"]
    inputs = sum(settings[f"inputs_{name}"] for name in POPULATIONS)
    spikes = sum(arrays[f"{name}.step"].size for name in POPULATIONS)
    events = spikes * inputs  # each neuron sends to as many as it has inputs, on the mean
    return (
        Figure("rate", rate(found, OURS), "Hz"),
        Figure("synaptic events", float(events), ""),
        Figure("events from outside", settings["outside"] * settings["rate"] * settings["duration"] * n, ""),
        Figure("neurosim's time for a synaptic event", found.medians[OURS] / max(events, 1), "s"),
    )


def case(label: str, duration: float, scale: float = 1.0) -> Case:
    """Return the network, run for so many seconds."""
    inhibition, external = REGIMES[REGIME]
    outside = SIZES["exc"] // 10
    sizes = {name: round(scale * n) for name, n in SIZES.items()}
    settings = {
        "circuit": NAME, "arguments": {"regime": REGIME, "scale": scale}, "duration": duration, "dt": 1e-4,
        "populations": list(POPULATIONS), "n_exc": sizes["exc"], "n_inh": sizes["inh"],
        **{f"inputs_{name}": min(SIZES[name] // 10, n - 1) for name, n in sizes.items()},
        "inhibition": inhibition, "external": external, "outside": outside,
        "tolerance": TOLERANCE if scale == 1 else SMALL_TOLERANCE,
        # The threshold is 20 mV, an input 0.1 mV, the membrane's time constant 20 ms.
        "rate": external * 20.0 / (outside * 0.1 * 20e-3),
    }  # fmt: skip
    return Case(label, settings)


FULL = "12,500 neurons, 0.5 s"
BENCHMARK = Benchmark(
    NAME,
    "12,500 integrate-and-fire neurons that fire irregularly at 37 Hz, 1,250 synapses each, input from 1,000 Poisson "
    "neurons each, delays of 1.5 ms, steps of 0.1 ms",
    cases=(case(FULL, 0.5),),
    quick=(case("2,500 neurons, 0.2 s", 0.2, 0.2),),
    sides=(
        Side(OURS, "network_neurosim", distributions=("torch", "numba", "numpy")),
        Side("NEST", "brunel_nest", "nest", ("nest-simulator",), interpreter="nest", at_least={FULL: 6.0}),
        Side(
            "Brian2, cpp_standalone, OpenMP", "brunel_brian2", "brian2", ("brian2",), {"target": "cpp_standalone"},
            at_least={FULL: 6.0}, quick=False,
        ),
        Side(
            "sparxml", "brunel_sparxml", "sparx", ("sparxml", "jax"), interpreter="sparxml", at_least={FULL: 6.0},
            limited=True, cases=(FULL,), quick=False,
        ),
    ),
    write=write,
    check=check,
    figures=figures,
    threads=2,
    repeats=3,
    patience=25.0,
    first_results=False,
    notes=(
        "Of neurosim the whole call counts, of the others the steps alone. Each draws its own input from outside, so "
        f"that only rates can be compared, after the first {ONSET:g} s. sparxml computes in float32, the others in "
        "float64.",
    ),
)  # fmt: skip
