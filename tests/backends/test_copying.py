"""Copies of modules and circuits: their values are their own."""

from __future__ import annotations

import copy

import torch

import neurosim as ns
from neurosim.units import ms


def circuit() -> ns.Circuit:
    net = ns.Circuit("copied", dt=1 * ms)
    net.source("in", ns.SpikeSource(5))
    net.population("out", 7, ns.models.lif(tau_mem=20 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0))
    net.connect("in", "out", ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(0.3, 0.1)))
    return net


def test_a_copied_module_has_parameters_of_its_own() -> None:
    module = ns.compile(circuit())
    spikes = (torch.arange(20 * 3 * 5).reshape(20, 3, 5) % 3 == 0).float()
    twin = copy.deepcopy(module)
    expected = module({"in": spikes})[0]["out"]["spikes"]
    assert expected.sum() > 0
    assert torch.equal(twin({"in": spikes})[0]["out"]["spikes"], expected)
    with torch.no_grad():
        twin.get_parameter("in_to_out.weight").zero_()
    assert twin({"in": spikes})[0]["out"]["spikes"].sum() == 0
    assert torch.equal(module({"in": spikes})[0]["out"]["spikes"], expected)


def test_a_copied_circuit_grows_alone() -> None:
    net = circuit()
    twin = copy.deepcopy(net)
    assert twin == net
    twin.source("more", ns.SpikeSource(2))
    assert "more" not in net
    assert twin != net


def test_simulating_what_torch_cannot_train() -> None:
    """A trainable delay is a value like any other where nothing is trained."""
    net = circuit()
    net.connect("in", "out", ns.AllToAll(), receptor="v", weight=0.1, name="late",
                delay=ns.Trainable(ns.Uniform(0 * ms, 5 * ms)))  # fmt: skip
    inputs = {"in": torch.ones(20, 5).numpy()}
    first, second = (ns.simulate(net, 20 * ms, backend=name, inputs=inputs) for name in ("brian2", "snntorch"))
    assert len(first.spikes["out"]) > 0
    assert first.spikes == second.spikes
