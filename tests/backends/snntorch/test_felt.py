"""Surrogates whose slope is 0 far from the threshold: gradients of spikes are found where they are felt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import snntorch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import neurosim as ns
from backends.snntorch.test_loops import balanced, held_against_steps, train
from neurosim.backends.snntorch import row_events, sparse_linear
from neurosim.backends.snntorch.loops import scan
from neurosim.backends.snntorch.sparse_linear import spike_gradient
from neurosim.backends.snntorch.workspace import Workspace
from neurosim.units import ms

NARROW = snntorch.surrogate.SFS(slope=5, B=-0.3)


def layers(n: int = 40) -> ns.Circuit:
    """Return a layer, one that hears itself, and one after it."""
    circuit = ns.Circuit("layers", dt=1 * ms, seed=2)
    circuit.source("in", ns.SpikeSource(n))
    cell = ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0)
    for name in ("first", "second", "third"):
        circuit.population(name, n, cell)
    weight = ns.Trainable(ns.Normal(0.0, 0.3))
    for pre, post in (("in", "first"), ("first", "second"), ("second", "second"), ("second", "third")):
        circuit.connect(pre, post, ns.AllToAll(), receptor="v", weight=weight)
    return circuit


def gradients(x: Tensor, **options: Any) -> dict[str, Tensor]:
    """Return the gradients of a loss on the spikes of all layers."""
    module = ns.compile(layers(), backend="snntorch", surrogate=NARROW, dtype="float64", **options)
    outputs = module({"in": x}, record=dict.fromkeys(("first", "third"), "spikes"))[0]
    spikes = outputs["third"]["spikes"]
    loss = (spikes * torch.linspace(-1, 1, spikes.numel()).reshape(spikes.shape)).sum()
    (loss + 10 * outputs["first"]["spikes"].mean().square()).backward()
    found = {key: parameter.grad for key, parameter in module.named_parameters()}
    return {key: gradient for key, gradient in found.items() if gradient is not None}


@pytest.mark.parametrize("keep", ["variables", "spikes"])
@pytest.mark.parametrize("few", [0.0, 1.0], ids=["all", "felt"])
def test_gradients_are_those_of_steps(few: float, keep: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse_linear, "FEW", few)
    monkeypatch.setattr(sparse_linear, "SEARCH", 0)
    taken: list[bool] = []

    def asked(felt: np.ndarray, columns: int, length: int) -> bool:
        taken.append(sparse_linear.is_few(felt, columns, length))
        return taken[-1]

    monkeypatch.setattr(scan, "is_few", asked)
    looked_for: list[np.ndarray] = []

    def looked(rows: np.ndarray, *given: Any) -> Any:
        looked_for.append(rows)
        return row_events.find_row_bits(rows, *given)

    monkeypatch.setattr(sparse_linear, "find_row_bits", looked)
    x = train(30, 16, 40, 0.05)  # enough numbers for spikes to be looked for
    found = gradients(x, fused="always", keep=keep)
    assert len(looked_for) == 1  # who fired in the loops is known from there
    assert np.array_equal(looked_for[0], x.reshape(looked_for[0].shape))
    assert taken == [few == 1.0]
    expected = gradients(x, fused="never")
    assert found.keys() == expected.keys()
    assert len(found) == 4
    for key, gradient in expected.items():
        assert gradient.any()
        assert torch.linalg.vector_norm(found[key] - gradient) <= 1e-10 * gradient.norm(), key


@pytest.mark.slow
def test_delays_and_rest_within_a_component() -> None:
    held_against_steps(balanced(), train(20, 3, 6), 1e-13, 1e-10, dtype="float64", surrogate=NARROW)


@given(st.integers(1, 9), st.integers(1, 35), st.integers(1, 40), st.floats(0, 1), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_products_that_are_felt(rows: int, n_post: int, n_pre: int, part: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    g, weight = random.normal(size=(rows, n_post)), random.normal(size=(n_post, n_pre))
    felt = random.random((rows, n_pre)) < part
    bits = np.packbits(felt, axis=1, bitorder="little")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sparse_linear, "SEARCH", 0)
        found = spike_gradient(g, weight, Workspace(), bits)
        few = sparse_linear.is_few(bits, n_pre, n_post)
    assert few == (felt.mean() <= sparse_linear.FEW)
    assert not sparse_linear.is_few(bits, n_pre, sparse_linear.SEARCH)
    expected = g @ weight
    if few:
        expected[~felt] = 0
        assert not found[~felt].any()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * n_post)
