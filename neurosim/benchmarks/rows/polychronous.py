"""A thousand simple neurons with delays whose excitatory synapses learn by the timing of spikes, against Brian2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurosim import circuits
from neurosim.backends.compile import simulate
from neurosim.benchmarks.benchmark import OURS, Benchmark, Case, Check, Measured, Settings, Side
from neurosim.benchmarks.checks import close_arrays, same_spikes
from neurosim.units import quantity

NAME = "polychronous"
PEER = "Brian2, cython"


def write(settings: Settings, file: Path) -> None:
    """Write everything that Brian2 needs; which neuron is driven in each step is what our noise chooses."""
    circuit = circuits.build(NAME, **settings["arguments"])
    n = circuit.populations["cells"].n
    arrays: dict[str, Any] = {name: np.broadcast_to(circuit.initial("cells", name), n) for name in ("v", "u")}
    arrays |= {name: np.broadcast_to(circuit.parameter("cells", name), n) for name in ("a", "d")}
    for name in ("excitation", "inhibition"):
        edges = circuit.edges(name)
        arrays |= {f"{name}.i": edges.pre, f"{name}.j": edges.post, f"{name}.w": edges.weight}
    edges = circuit.edges("excitation")
    arrays["excitation.delay"] = np.broadcast_to(edges.delay, edges.n)
    fixed = circuits.build(NAME)  # learning has no part in what is chosen
    recording = simulate(
        fixed, quantity(settings["duration"], "second"), backend="snntorch", record={"thalamus": "chosen"}
    )
    chosen = np.asarray(recording.traces["thalamus"]["chosen"]).ravel()
    np.savez(file, chosen=np.concatenate([[-1.0], chosen[:-1]]), **arrays)  # it acts one step later


def check(found: Measured) -> Sequence[Check]:
    """Hold spikes and tendencies against ours."""
    return [
        item
        for side in BENCHMARK.sides[1:]
        for item in (*same_spikes(found, side.name, ("cells",)), *close_arrays(found, side.name, ("tendency",), 1e-9))
    ]


def case(label: str, duration: float) -> Case:
    """Return the network, run for so many seconds."""
    settings = {
        "circuit": NAME, "arguments": {"plastic": True}, "duration": duration, "dt": 1e-3, "populations": ["cells"],
    }  # fmt: skip
    return Case(label, settings)


#: Weights change for the first time in step 999, which Brian2 would do in step 1000: a step less is the same on both.
FULL = "1,000 neurons, 0.999 s"
BENCHMARK = Benchmark(
    NAME,
    "1,000 simple neurons, 100 synapses each with delays of up to 20 ms, the excitatory ones learning by the timing of "
    "spikes, steps of 1 ms, float64",
    cases=(case(FULL, 0.999),),
    quick=(case("1,000 neurons, 0.2 s", 0.2),),
    sides=(
        Side(OURS, "polychronous_neurosim", distributions=("torch", "numba", "numpy")),
        Side(PEER, "polychronous_brian2", "brian2", ("brian2",), {"target": "cython"}, at_least={FULL: 5.0}),
        Side(
            f"{PEER}, event-driven",
            "polychronous_brian2",
            "brian2",
            ("brian2",),
            {"target": "cython", "event_driven": True},
        ),
    ),
    write=write,
    check=check,
    notes=(
        "The published program changes the traces of all synapses in every step, and so does neurosim's circuit. "
        "Brian2 is measured that way, and with traces that are only looked at when a spike comes (event-driven).",
    ),
)
