"""Matrices of weights turned over, and what is kept of them for the way back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.backends.snntorch import matrices
from neurosim.backends.snntorch.matrices import turned
from neurosim.backends.snntorch.workspace import Workspace
from neurosim.units import ms


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (5, 7), (2, 0), (0, 3), (130, 260)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_matrix_is_turned_and_multiplied(
    shape: tuple[int, int], dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrices, "WORTH_SHARING", 0)
    matrix = np.random.default_rng(1).normal(size=shape).astype(dtype)
    expected = (matrix * dtype(0.3)).T
    for threads in (1, 2):
        found = turned(matrix, 0.3, threads, Workspace())
        assert found.flags.c_contiguous
        assert found.dtype == dtype
        assert np.array_equal(found, expected)
    assert np.array_equal(turned(matrix.T, 0.3, 1, Workspace()), expected.T)


def network() -> ns.Circuit:
    """Return two layers, the first connected with itself; weights whose parameters are not their values."""
    circuit = ns.Circuit("matrices", dt=1 * ms, seed=1)
    circuit.source("in", ns.SpikeSource(6))
    cell = ns.NeuronModel("v : 1\ni : 1", update="v = 0.9*v + i\ni = 0", threshold="v > 1", reset="v = 0")
    for name, n in (("first", 5), ("second", 3)):
        circuit.population(name, n, cell)
    for pre, post in (("in", "first"), ("first", "first"), ("first", "second")):
        circuit.connect(pre, post, ns.AllToAll(), receptor="i", weight=ns.Trainable(ns.Normal(0.1, 0.4)))
    return circuit


@pytest.mark.parametrize("keep", ["variables", "spikes"])
def test_weights_that_change_before_the_way_back_are_felt_as_they_were(keep: str) -> None:
    x = (torch.rand(400, 20, 6, generator=torch.Generator().manual_seed(1)) < 0.05).double()
    module = ns.compile(network(), dtype="float64", fused="always", keep=keep)
    weights = [module.get_parameter(f"{name}.weight") for name in ("in_to_first", "first_to_first", "first_to_second")]

    def gradients(*, change: bool) -> list[torch.Tensor]:
        module.zero_grad()
        outputs, _ = module({"in": x}, record={"second": ["v", "spikes"]})
        loss = outputs["second"]["v"].square().sum() + outputs["second"]["spikes"].sum()
        if change:
            with torch.no_grad():
                for weight in weights:
                    weight.mul_(3)
        loss.backward()
        return [weight.grad.clone() for weight in weights]

    expected = gradients(change=False)
    assert all(gradient.abs().max() > 0 for gradient in expected)
    for found, wanted in zip(gradients(change=True), expected, strict=True):
        assert torch.equal(found, wanted)


def test_a_gradient_lies_as_its_parameter_does() -> None:
    module = ns.compile(network(), dtype="float64", fused="always")
    x = (torch.rand(200, 30, 6, generator=torch.Generator().manual_seed(2)) < 0.1).double()
    outputs, _ = module({"in": x}, record={"second": ["v", "spikes"]})
    outputs["second"]["v"].sum().backward()
    for parameter in module.parameters():
        assert parameter.grad is not None
        assert parameter.grad.stride() == parameter.stride()
