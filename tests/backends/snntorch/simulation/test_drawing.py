"""Noise that the loop over steps draws is that of the steps."""

from __future__ import annotations

from typing import Any

import pytest

import neurosim as ns
from neurosim.units import ms


@pytest.mark.parametrize("n", [1, 7, 300])
@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_noise_of_a_run_has_the_same_bits_by_either_way(kind: str, n: int) -> None:
    model = ns.NeuronModel(
        f"dv/dt = (0.9 - v)/tau {'+ 0.4*xi*tau**-0.5' if kind == 'normal' else ''} : 1",
        threshold="v > 0.8",
        reset="v = 0.1*rand()" if kind == "uniform" else "v = 0",
        method="euler",
        parameters={"tau": 10 * ms},
    )
    circuit = ns.Circuit("noisy", dt=1 * ms, seed=1)
    circuit.population("cells", n, model)

    def run(**options: Any) -> ns.Recording:
        module = ns.compile(circuit, backend="snntorch", dtype="float64", training=False, **options)
        return module.run(60 * ms, seed=3, trials=2, record={"cells": ["spikes", "v"]})

    found = run(fused="always")
    assert len(found.spikes["cells"]) > 2
    assert found == run(fused="never")
