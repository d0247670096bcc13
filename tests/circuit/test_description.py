"""Circuits as plain data and back, and data that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import neurosim.circuit as nc
from circuit.small import small, with_arrays
from circuit.strategies import circuits
from neurosim.circuit.files import from_dict, to_dict
from neurosim.errors import FileFormatError
from neurosim.units import mV, quantity


@settings(max_examples=20)
@given(circuits())
def test_random_circuits_survive_as_data(circuit: nc.Circuit) -> None:
    arrays: dict[str, np.ndarray] = {}
    data = to_dict(circuit, arrays)
    assert from_dict(data, arrays) == circuit


def test_floats_are_exact() -> None:
    circuit = small()
    weight = np.array([0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, np.inf])
    circuit.connect(
        "exc", "inh", nc.Edges(range(5), [0] * 5), receptor="exc", weight=quantity(weight, "volt"), name="a"
    )
    circuit.connect("exc", "inh", nc.AllToAll(), receptor="exc", weight=quantity(-np.inf, "volt"), name="b")
    circuit.connect("exc", "inh", nc.AllToAll(), receptor="exc", weight=quantity(0.1 + 0.2, "volt"), name="c")
    bounds = (quantity(-np.inf, "volt"), None)
    mark = nc.Trainable(nc.Normal(0 * mV, 1 * mV, high=quantity(np.inf, "volt")), bounds=bounds)
    circuit.connect("exc", "inh", nc.AllToAll(), receptor="exc", weight=mark, name="d")
    arrays: dict[str, np.ndarray] = {}
    again = from_dict(to_dict(circuit, arrays), arrays)
    assert again == circuit
    np.testing.assert_array_equal(again.edges("a").weight.view(np.uint64), weight.view(np.uint64))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda data: data["parts"][0]["model"].update(threshold="v.real > 0"), "population 'exc' .* attribute access"),
        (
            lambda data: data["parts"][0]["model"].update(equations="dv/dt = __import__ : 1"),
            "'__import__' is not allowed",
        ),
        (lambda data: data["parts"][0]["model"]["parameters"]["tau"].update(unit="().__class__"), "is not a unit"),
        (
            lambda data: data["parts"][0]["model"]["parameters"]["tau"].update(value="20*ms"),
            "only be created from numerical data",
        ),
        (lambda data: data["parts"][0].pop("shape"), "population 'exc' cannot be read: 'shape' is missing"),
        (lambda data: data["parts"][0].update(shape=3), "population 'exc' cannot be read: 'int' object"),
        (
            lambda data: data["parts"][0].update(kind="neurons"),
            "neurons 'exc' cannot be read: 'neurons' is missing or unknown",
        ),
        (lambda data: data["parts"][3].update(source="NoiseSource"), "there is no source 'NoiseSource'"),
        (lambda data: data["parts"][5].update(pre="gone"), "projection 'exc_to_inh' .* has no population 'gone'"),
        (lambda data: data["parts"][5]["connectivity"].update(rule="Ring"), "no connectivity rule 'Ring'"),
        (lambda data: data["parts"][5]["weight"].update(array="gone"), "the array 'gone' is missing"),
        (lambda data: data["parts"][5].update(weight={"distribution": "Cauchy"}), "unknown distribution 'Cauchy'"),
        (lambda data: data["parts"][5].update(weight={"distribution": "Uniform", "low": 1}), "missing 1 required"),
        (lambda data: data["parts"][5].update(pre_indices={"start": 0, "step": 1, "count": 99}), "names neuron 10"),
        (lambda data: data["parts"][5].update(pre_indices={"start": 0, "step": 0, "count": 9}), "must not be zero"),
        (lambda data: data["parts"][7]["signal"].update(signal="Slope"), "unknown signal 'Slope'"),
        (lambda data: data.update(seed=-1), "the circuit cannot be read: .* seed must be"),
        (lambda data: data.update(parts=None), "the circuit cannot be read: 'NoneType'"),
        (lambda data: data["parts"].append(data["parts"][0]), "already has 'exc'"),
    ],
)
def test_data_that_a_user_could_not_give(change: Any, match: str) -> None:
    arrays: dict[str, np.ndarray] = {}
    data = to_dict(with_arrays(), arrays)
    change(data)
    with pytest.raises(FileFormatError, match=match):
        from_dict(data, arrays)
