"""The promise, on circuits nobody chose: both backends give the same spikes and states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings

import neurosim as ns
from backends.random_circuits import circuits, nested_circuits
from neurosim.backends.inputs import Inputs
from neurosim.backends.states import plain_state
from neurosim.units import ms

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def assert_equal(circuit: ns.Circuit, inputs: dict[str, Any]) -> None:
    record = {
        name: (["spikes"] if part.spiking else []) + ([part.first_variable] if part.first_variable else [])
        for name, part in circuit.populations.items()
    }
    record = {name: what for name, what in record.items() if what}
    reference = ns.simulate(circuit, 4 * ms, backend="brian2", inputs=inputs, seed=5, record=record)
    exact = ns.simulate(circuit, 4 * ms, backend="snntorch", inputs=inputs, seed=5, record=record)
    assert exact.spikes == reference.spikes
    differences = exact.state.max_differences(reference.state)
    assert all(largest == 0 for largest, _ in differences.values()), differences
    for name, traces in reference.traces.items():
        for variable, trace in traces.items():
            assert np.array_equal(trace.values, exact.traces[name][variable].values), (name, variable)

    module = ns.compile(circuit, backend="snntorch", dtype="float64", propagation="ordered")
    eager = module.run_eager(4 * ms, inputs=inputs, seed=5)
    for name, trains in eager.spikes.items():
        assert trains == reference.spikes[name]
    differences = eager.state.max_differences(reference.state)
    assert all(relative <= 1e-9 for _, relative in differences.values()), differences

    # As training calls it: component after component, whole blocks of time between them.
    module = ns.compile(circuit, backend="snntorch", dtype="float64").eval()
    steps = reference.state.step
    fed = Inputs(circuit, inputs, start=0, n_steps=steps, trials=1, seed=5)
    shapes = {name: circuit.populations[name].shape for name in fed.targets if name in circuit.populations}
    shapes.update({name: (-1,) for name in circuit.injections})
    rows = {name: fed.rows(name, 0, steps).reshape(steps, 1, *shape) for name, shape in shapes.items()}
    with torch.no_grad():
        _, end = module(rows, steps=steps, seed=5, record=record)
    differences = plain_state(end).max_differences(reference.state)
    assert all(relative <= 1e-9 for _, relative in differences.values()), differences


@given(circuits())
@settings(max_examples=100, suppress_health_check=CHECKS)
def test_backends_agree(drawn: tuple[ns.Circuit, dict[str, Any]]) -> None:
    assert_equal(*drawn)


@given(nested_circuits())
@settings(max_examples=10, suppress_health_check=CHECKS)
def test_backends_agree_on_circuits_in_circuits(drawn: tuple[ns.Circuit, dict[str, Any]]) -> None:
    assert any("/" in name for name in drawn[0].populations)
    assert_equal(*drawn)


@pytest.mark.slow
@given(nested_circuits())
@settings(max_examples=300, suppress_health_check=CHECKS)
def test_backends_agree_on_many_circuits_in_circuits(drawn: tuple[ns.Circuit, dict[str, Any]]) -> None:
    assert_equal(*drawn)


@pytest.mark.slow
@given(circuits())
@settings(max_examples=1000, suppress_health_check=CHECKS)
def test_backends_agree_on_a_thousand(drawn: tuple[ns.Circuit, dict[str, Any]]) -> None:
    assert_equal(*drawn)
