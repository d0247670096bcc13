"""The plastic network through neurosim, on one of its backends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.backends.compile import compile
from neurosim.benchmarks.plastic import plastic_network
from neurosim.benchmarks.sides.memory import resident
from neurosim.circuit import Circuit
from neurosim.units import quantity


class Side:
    """The network; what it adds to the memory of its edges is that of the simulator and its first run."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.options: dict[str, Any] = {"dtype": "float64", "training": False}
        self.backend = settings["backend"]
        if self.backend == "brian2":
            from neurosim.benchmarks.sides.brian2_runs import keep_compiled_code

            keep_compiled_code(settings)
            self.options = {"target": settings["target"]}
        self.duration = quantity(settings["duration"], "second")
        self.simulated(plastic_network(100, 0.02), 0.001)  # loads everything that is loaded once
        self.circuit = circuit = plastic_network(settings["neurons"], settings["probability"])
        edges = circuit.edges("edges").n
        before = resident()
        self.simulator = self.simulated(circuit, 0.005)
        self.bytes = (resident() - before) / edges
        self.recording: Any = None

    def simulated(self, circuit: Circuit, duration: float) -> Any:
        """Return a simulator that has run."""
        simulator = compile(circuit, self.backend, **self.options)
        simulator.run(quantity(duration, "second"))
        return simulator

    def run(self) -> None:
        """Simulate; the whole call counts."""
        self.recording = self.simulator.run(self.duration)

    def result(self) -> dict[str, Any]:
        """Return spikes, weights at the end, and bytes for each synapse."""
        trains = self.recording.spikes["cells"]
        return {
            "cells.step": trains.to_steps(self.circuit.dt), "cells.neuron": np.asarray(trains.neurons),
            "weight": np.ravel(self.recording.state.variables["edges"]["w"]), "bytes": np.asarray(self.bytes),
        }  # fmt: skip
