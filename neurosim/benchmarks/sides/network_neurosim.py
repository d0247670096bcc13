"""A ready-made circuit through neurosim, from its initial state, all spikes recorded; the whole call counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim import circuits
from neurosim.backends.compile import compile
from neurosim.units import quantity

BACKENDS: dict[str, dict[str, Any]] = {"snntorch": {"dtype": "float64", "training": False}, "brian2": {}}


class Side:
    """The circuit of the settings ``circuit`` and ``arguments``, on ``backend`` (with ``target`` for Brian2)."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        backend = settings.get("backend", "snntorch")
        options = dict(BACKENDS[backend])
        if backend == "brian2":
            from neurosim.benchmarks.sides.brian2_runs import keep_compiled_code

            keep_compiled_code(settings)
            options["target"] = settings["target"]
        self.circuit = circuits.build(settings["circuit"], **settings.get("arguments", {}))
        self.duration = quantity(settings["duration"], "second")
        self.populations = list(settings["populations"])
        self.simulator = compile(self.circuit, backend, **options)
        self.recording: Any = None

    def run(self) -> None:
        """Simulate."""
        self.recording = self.simulator.run(self.duration, record=dict.fromkeys(self.populations, "spikes"))

    def result(self) -> dict[str, Any]:
        """Return the steps and neurons of all spikes, by population."""
        found: dict[str, Any] = {}
        for name in self.populations:
            trains = self.recording.spikes[name]
            found |= {f"{name}.step": trains.to_steps(self.circuit.dt), f"{name}.neuron": np.asarray(trains.neurons)}
        return found
