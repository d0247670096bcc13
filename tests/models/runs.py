"""Runs of one or a few cells, for the tests of models."""

from __future__ import annotations

from typing import Any

import numpy as np

import neurosim as ns
from neurosim.units import ms, second


def spike_times(
    model: ns.NeuronModel, seconds: float, *, dt: float = 0.1, n: int = 1, backend: str = "snntorch", **inputs: Any
) -> np.ndarray:
    """Return the spike times of `n` cells in seconds; `inputs` are signals by input variable, `dt` is in ms."""
    circuit = ns.Circuit("cells", dt=dt * ms)
    circuit.population("cells", n, model)
    for name, signal in inputs.items():
        circuit.inject(f"{name}_signal", "cells", name, signal)
    return ns.simulate(circuit, seconds * second, backend=backend, seed=3).spikes["cells"].times
