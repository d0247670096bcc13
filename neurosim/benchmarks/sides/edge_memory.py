"""What the edges of a network take: drawn, ready to be simulated, and simulated."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.backends.compile import compile
from neurosim.benchmarks.sides.memory import Peak, resident
from neurosim.circuit import Circuit, FixedOutDegree, Normal, Uniform
from neurosim.models.lif import lif
from neurosim.units import ms, mV

#: Steps of a run.
STEPS = 100


def simulator(circuit: Circuit) -> Any:
    """Return what runs a circuit without gradients."""
    return compile(circuit, backend="snntorch", dtype="float64", training=False)


class Side:
    """``neurons`` leaky neurons with ``edges`` edges each; the ``kind`` says what is drawn for every edge."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self.stages: dict[str, Any] = {}
        simulator(self.network(1000)).run(20 * ms)  # what is imported and compiled on first use

    def network(self, neurons: int) -> Circuit:
        """Return the network, nothing of it drawn."""
        drawn = self.settings["kind"]
        cell = lif(tau_mem=20 * ms, v_leak=-49 * mV, v_threshold=-50 * mV, v_reset=-60 * mV)
        circuit = Circuit("edges", dt=0.1 * ms, seed=1)
        circuit.population("cells", neurons, cell, initial={"v": Uniform(-60 * mV, -50 * mV)})
        weight = 0.001 * mV if drawn == "nothing" else Normal(0.001 * mV, 0.0001 * mV)
        delay = Uniform(1 * ms, 5 * ms) if drawn == "weights and delays" else 1.5 * ms
        rule = FixedOutDegree(self.settings["edges"])
        circuit.connect("cells", "cells", rule, receptor="v", weight=weight, delay=delay, name="edges")
        return circuit

    def run(self) -> float:
        """Build, compile and run a network; return the bytes of an edge afterwards."""
        neurons, edges = self.settings["neurons"], self.settings["neurons"] * self.settings["edges"]
        circuit, before = self.network(neurons), resident()
        began = time.perf_counter()
        with Peak() as peak:
            circuit.edges("edges")
        stages: dict[str, float] = {"seconds": time.perf_counter() - began}
        stages |= {"drawing": (peak.most - before) / edges, "drawn": (resident() - before) / edges}
        with Peak() as peak:
            simulated = simulator(circuit)
            recording = simulated.run(STEPS * 0.1 * ms)
            stages["running"] = (resident() - before) / edges
        stages["peak"] = (peak.most - before) / edges
        trains = recording.spikes["cells"]
        self.stages = {name: np.asarray(value) for name, value in stages.items()}
        self.stages |= {"step": trains.to_steps(circuit.dt), "neuron": np.asarray(trains.neurons)}
        return stages["running"]

    def result(self) -> dict[str, Any]:
        """Return bytes of an edge by stage, the seconds of drawing, and the spikes."""
        return self.stages
