"""Spiking populations are neurons of snnTorch: its losses and tools work on them, and leave them alone."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import snntorch
import snntorch.functional as SF
import torch
from snntorch import utils

import neurosim as ns
from backends.snntorch.networks import plain_lif
from neurosim.units import ms


def classifier() -> ns.Circuit:
    circuit = ns.Circuit("classifier", dt=1 * ms, seed=5)
    circuit.source("in", ns.SpikeSource(6))
    circuit.population("hidden", 8, plain_lif())
    circuit.population("out", 3, plain_lif())
    circuit.connect("in", "hidden", ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(0.3, 0.4)))
    circuit.connect("hidden", "out", ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(0.2, 0.4)))
    return circuit


def spikes_in(steps: int = 20, batch: int = 4) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    return {"in": (torch.rand(steps, batch, 6, generator=generator) < 0.3).float()}


TARGETS = torch.tensor([0, 1, 2, 1])


def test_spiking_populations_are_neurons_of_snntorch() -> None:
    module = ns.compile(classifier())
    assert isinstance(module.hidden, snntorch.SpikingNeuron)
    assert isinstance(module.part("out"), snntorch.SpikingNeuron)
    assert not isinstance(module.part("in"), snntorch.SpikingNeuron)
    assert sum(isinstance(part, snntorch.SpikingNeuron) for part in module.modules()) == 2


def test_snntorchs_list_of_neurons_does_not_hold_them() -> None:
    before = list(snntorch.SpikingNeuron.instances)
    module = ns.compile(classifier())
    assert [id(item) for item in snntorch.SpikingNeuron.instances] == [id(item) for item in before]
    watched = weakref.ref(module.hidden)
    del module
    gc.collect()
    assert watched() is None


def test_resetting_snntorchs_neurons_leaves_ours_alone() -> None:
    module, inputs = ns.compile(classifier()), spikes_in()
    other = snntorch.Leaky(beta=0.9, init_hidden=True)
    other(torch.ones(1))
    first, state = module(inputs)
    utils.reset(other)
    utils.reset(torch.nn.Sequential(other, module.hidden))
    second, _ = module(inputs)
    assert torch.equal(first["out"]["spikes"], second["out"]["spikes"])
    onward, _ = module(inputs, state)
    assert not torch.equal(onward["out"]["v"], first["out"]["v"])
    assert float(other.mem.abs().sum()) == 0.0


@pytest.mark.parametrize(
    ("loss", "variable"),
    [
        (SF.ce_rate_loss(), "spikes"),
        (SF.ce_count_loss(), "spikes"),
        (SF.mse_count_loss(correct_rate=0.8, incorrect_rate=0.2), "spikes"),
        (SF.ce_max_membrane_loss(), "v"),
        (SF.mse_membrane_loss(), "v"),
    ],
)
def test_losses_of_snntorch(loss: Any, variable: str) -> None:
    module = ns.compile(classifier())
    outputs, _ = module(spikes_in())
    value = loss(outputs["out"][variable], TARGETS)
    value.backward()
    for name, parameter in module.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


def test_regularisers_and_accuracy_of_snntorch() -> None:
    module = ns.compile(classifier())
    spikes = module(spikes_in())[0]["out"]["spikes"]
    assert 0.0 <= SF.accuracy_rate(spikes, TARGETS) <= 1.0
    SF.l1_rate_sparsity(Lambda=1e-3)(spikes).backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_a_loss_of_snntorch_trains() -> None:
    module, inputs, loss = ns.compile(classifier()), spikes_in(), SF.ce_rate_loss()
    optimiser = torch.optim.Adam(module.parameters(), lr=0.1)
    values = []
    for _ in range(25):
        optimiser.zero_grad()
        value = loss(module(inputs)[0]["out"]["spikes"], TARGETS)
        value.backward()
        optimiser.step()
        module.project()
        values.append(value.item())
    assert min(values[-5:]) < 0.92 * values[0]


@pytest.mark.cuda
def test_on_a_gpu() -> None:
    """The module, its state, its gradients and a run live on the device; spikes agree but for late chaos."""
    inputs = spikes_in(steps=200)
    outputs, counts = {}, {}
    for device in ("cpu", "cuda"):
        module = ns.compile(classifier(), device=device)
        assert module.device.type == device
        outputs[device], state = module(inputs, record={"hidden": "spikes", "out": ["spikes", "v"]})
        assert state.variables["out"]["v"].device.type == device
        outputs[device]["out"]["spikes"].mean().backward()
        gradient = module.get_parameter("in_to_hidden.weight").grad
        assert gradient.device.type == device
        assert torch.isfinite(gradient).all()
        again, _ = module(inputs, state)
        assert again["out"]["v"].device.type == device
        given = inputs["in"].numpy()
        recording = module.run(200 * ms, inputs={"in": given}, trials=4)
        counts[device] = len(recording.spikes["hidden"].times)
        assert counts[device] == pytest.approx(int(outputs[device]["hidden"]["spikes"].sum()), rel=0.02)
    assert counts["cpu"] > 100
    assert counts["cuda"] == pytest.approx(counts["cpu"], rel=0.02)
    first, second = (outputs[device]["out"]["v"][:5].cpu() for device in ("cpu", "cuda"))
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-5)
