"""What surrounds the spike: the surrogate's slope, its width, and its names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import snntorch
import torch

import neurosim as ns
from backends.snntorch.networks import plain_lif
from neurosim.backends.snntorch.options import SURROGATES
from neurosim.errors import BackendError
from neurosim.units import ms, mV, volt

UNIT = 10 * mV


def network(*, physical: bool) -> ns.Circuit:
    """Return one network in volt, or the same in plain numbers: 10 mV is 1 and -60 mV is 0."""

    def scaled(value: Any) -> Any:
        return value * UNIT if physical else value

    def level(value: float) -> Any:
        return value * UNIT - 60 * mV if physical else value

    circuit = ns.Circuit("scaled", dt=1 * ms, seed=2)
    circuit.source("in", ns.SpikeSource(6))
    levels = {"v_threshold": level(1.0), "v_reset": level(0.0), "v_leak": level(0.0)}
    cell = ns.models.lif(tau_mem=8 * ms, **levels, receptors={"x": 3 * ms})
    circuit.population("h", 4, cell)
    weights = np.linspace(0.1, 0.9, 24)
    weight = ns.Trainable(weights * UNIT if physical else weights)
    circuit.connect("in", "h", ns.AllToAll(), receptor="x", weight=weight, delay=2 * ms)
    loop = np.linspace(-0.4, 0.6, 16)
    circuit.connect("h", "h", ns.AllToAll(), receptor="v", weight=ns.Trainable(scaled(loop)), delay=1 * ms)
    return circuit


def weight_gradients(module: Any, inputs: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return derivatives of a sum of spikes by the weights in SI."""
    module.zero_grad()
    spikes = module(inputs, record={"h": "spikes"})[0]["h"]["spikes"]
    (spikes * torch.linspace(-1, 1, spikes.numel(), dtype=spikes.dtype).reshape(spikes.shape)).sum().backward()
    return {
        name: (module.get_parameter(f"{name}.weight").grad / module.part(name).values.scale("w")).numpy()
        for name in ("in_to_h", "h_to_h")
    }


def spikes_in(n: int = 6, steps: int = 25) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(1).random((steps, 2, n)) < 0.4, dtype=torch.float64)


def test_millivolts_and_plain_numbers_have_the_same_gradients() -> None:
    found = weight_gradients(ns.compile(network(physical=True), dtype="float64"), {"in": spikes_in()})
    expected = weight_gradients(ns.compile(network(physical=False), dtype="float64"), {"in": spikes_in()})
    for name, value in found.items():
        assert np.abs(expected[name]).max() > 0.1
        np.testing.assert_allclose(value * float(UNIT), expected[name], rtol=2e-6, atol=1e-9)


def test_the_width_is_threshold_minus_reset_unless_given() -> None:
    circuit, inputs = network(physical=True), {"in": spikes_in()}
    default = weight_gradients(ns.compile(circuit, dtype="float64"), inputs)
    same = weight_gradients(ns.compile(circuit, dtype="float64", surrogate_width={"h": 10 * mV}), inputs)
    narrow = weight_gradients(ns.compile(circuit, dtype="float64", surrogate_width={"h": 2 * mV}), inputs)
    for name, value in default.items():
        np.testing.assert_allclose(same[name], value, rtol=1e-6)
        assert not np.allclose(narrow[name], value, rtol=0.1)


@pytest.mark.parametrize(
    ("model", "width"),
    [
        (plain_lif(v_threshold=1.5, v_reset=-0.5), 2.0),
        (ns.models.izhikevich(v_peak=30.0, c=-65.0), 95.0),
        (ns.NeuronModel("v : 1", threshold="v >= 3", reset="v -= 3"), 3.0),
        (ns.NeuronModel("v : 1\nu : 1", threshold="v > u", reset="v = 0"), 1.0),
    ],
)
def test_the_width_of_other_neurons(model: ns.NeuronModel, width: float) -> None:
    circuit = ns.Circuit("width", dt=1 * ms)
    circuit.population("p", 1, model)
    dynamics = ns.compile(circuit, dtype="float64").part("p").dynamics
    names = {name: torch.tensor(0.0) for name in dynamics.distance.reads}
    assert dynamics.distance(names)["width"] == width


@pytest.mark.parametrize("name", SURROGATES)
def test_spikes_are_0_or_1_and_gradients_finite_with_every_surrogate(name: str) -> None:
    """The neuron is far below its threshold at first, where snnTorch's sigmoid overflows."""
    circuit = ns.Circuit("far", dt=1 * ms)
    circuit.population("p", 1, plain_lif(), initial={"v": -40.0})
    circuit.inject("i", "p", "i_ext")
    module = ns.compile(circuit, surrogate=name, trainable={"p.tau_mem": ns.Trainable()})
    spikes = module({"i": torch.full((40, 1, 1), 2.0)}, record={"p": "spikes"})[0]["p"]["spikes"]
    assert set(spikes.unique().tolist()) == {0.0, 1.0}
    spikes[:12].sum().backward()
    assert torch.isfinite(module.get_parameter("p.tau_mem").grad).all()


def test_a_surrogate_of_snntorch_can_be_given() -> None:
    inputs = {"in": spikes_in()}
    circuit = network(physical=False)
    named, given, other = (
        weight_gradients(ns.compile(circuit, dtype="float64", surrogate=surrogate), inputs)
        for surrogate in ("fast_sigmoid", *(snntorch.surrogate.fast_sigmoid(slope=slope) for slope in (25, 5)))
    )
    for name, value in named.items():
        np.testing.assert_array_equal(given[name], value)
        assert not np.allclose(other[name], value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"surrogate": "atann"}, "surrogate='atann' is unknown. Did you mean 'atan'"),
        ({"surrogate": 3}, "surrogate= must be a name or a surrogate of snnTorch"),
        ({"surrogate_width": {"hh": 1.0}}, "no population with a threshold is called 'hh'. Did you mean 'h'"),
        ({"surrogate_width": {"in": 1.0}}, "no population with a threshold is called 'in'"),
        ({"surrogate_width": {"h": 0 * volt}}, r"surrogate_width\['h'\] must be one positive value"),
        ({"surrogate_width": {"h": [1.0, 2.0]}}, "must be one positive value"),
    ],
)
def test_what_is_no_surrogate_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BackendError, match=message):
        ns.compile(network(physical=False), **options)
