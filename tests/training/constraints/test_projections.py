"""What constraints hold stays held through steps that pull elsewhere, and what they do not forbid moves freely."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from backends.snntorch.networks import mixed
from neurosim.errors import TrainingError, UnitError
from neurosim.training import constraints
from neurosim.units import Mohm, ms, mV, nA

MARKS = {name: ns.Trainable() for name in ("in_to_h.weight", "h_to_h.weight", "h_to_out.weight", "h.tau_mem")}
WEIGHTS = ("in_to_h", "h_to_h", "h_to_out")  # edge by edge, edge by edge, a matrix


def compiled(circuit: Any = None, marks: Any = None) -> Any:
    marks = MARKS if marks is None else marks
    return ns.compile(circuit or mixed(), backend="snntorch", dtype="float64", trainable=marks)


def pull(module: Any, optimiser: Any, times: int = 5) -> None:
    """Move every value at random, with steps that are large against the values."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(times):
        for parameter in module.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
        optimiser.step()


def weights(module: Any) -> dict[str, np.ndarray]:
    return {name: module.part(name).weight.detach().numpy().copy() for name in WEIGHTS}


def held(module: Any, *made: Any, lr: float = 0.5) -> Any:
    optimiser = torch.optim.SGD(module.parameters(), lr=lr)
    constraints.hold(module, optimiser, *made)
    return optimiser


def prune(module: Any) -> None:
    """Set some weights of every projection to 0."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name in WEIGHTS:
            parameter = module.part(name).weight
            parameter[torch.rand(parameter.shape, generator=generator) < 0.4] = 0.0


def test_zeros_stay_zero_and_the_rest_moves() -> None:
    module = compiled()
    prune(module)
    before = weights(module)
    pull(module, held(module, constraints.keep_zeros(module, "*.weight")))
    for name, after in weights(module).items():
        assert 0 < np.sum(before[name] == 0) < after.size
        assert np.array_equal(after == 0, before[name] == 0)
        assert np.any(np.sign(after) != np.sign(before[name]))
    edges = module.to_circuit().edges("in_to_h")
    assert len(edges) == len(mixed().edges("in_to_h"))
    assert np.count_nonzero(edges.weight == 0) == np.count_nonzero(before["in_to_h"] == 0)


def test_signs_of_edges_stay() -> None:
    module = compiled()
    prune(module)
    before = weights(module)
    pull(module, held(module, constraints.keep_signs(module, "h_to_*.weight")))
    after = weights(module)
    for name in ("h_to_h", "h_to_out"):
        assert np.all(after[name] * before[name] >= 0)
        assert np.all(after[name][before[name] == 0] == 0)
        assert np.any(after[name] != before[name])
    assert np.any(after["in_to_h"] * before["in_to_h"] < 0)


def test_a_neuron_excites_or_inhibits() -> None:
    """One sign over two projections, one of them a matrix; a neuron of no sign is free, zeros take the sign."""
    module = compiled()
    sign = torch.tensor([1.0, -1.0, 1.0, 0.0, -1.0], dtype=torch.float64)
    with torch.no_grad():
        edges, matrix = module.part("h_to_h"), module.part("h_to_out")
        edges.weight.copy_(edges.weight.abs() * sign[edges.pre_edges])
        matrix.weight.copy_(matrix.weight.abs() * sign)
        matrix.weight[0, 0] = 0.0
    optimiser = held(module, constraints.dale(module, "h_to_h.weight", "h_to_out.weight"))
    changed = set()
    for _ in range(20):
        pull(module, optimiser, times=1)
        for weight, pre in ((edges.weight, edges.pre_edges), (matrix.weight, torch.arange(5).expand(2, 5))):
            for neuron in (0, 2):
                assert torch.all(weight[pre == neuron] >= 0)
            for neuron in (1, 4):
                assert torch.all(weight[pre == neuron] <= 0)
            changed.update(torch.sign(weight[pre == 3]).tolist())
    assert changed == {1.0, -1.0}
    assert module.to_circuit().edges("h_to_out").weight.shape == (10,)


def test_dale_refuses_neurons_of_both_signs_and_shared_values() -> None:
    with pytest.raises(TrainingError, match=r"dale: \d of the neurons of 'h' have outgoing weights of both signs"):
        constraints.dale(compiled(), "h_to_*.weight")
    shared = compiled(marks={"h_to_h.weight": ns.Trainable(per="post")})
    with pytest.raises(TrainingError, match=r"h_to_h\.weight is shared by edges of several neurons"):
        constraints.dale(shared, "*")
    with pytest.raises(TrainingError, match=r"h\.tau_mem is no weight of edges"):
        constraints.dale(compiled(), "h.tau_mem")
    by_pre = compiled(marks={"h_to_h.weight": ns.Trainable(per="pre")})
    pull(by_pre, held(by_pre, constraints.dale(by_pre, "*")))
    signs = compiled(marks={"h_to_h.weight": ns.Trainable(per="pre")}).part("h_to_h").weight.sign()
    assert torch.all(by_pre.part("h_to_h").weight * signs >= 0)


def test_norms_of_what_neurons_receive() -> None:
    module = compiled()
    made = [constraints.max_norm(module, "in_to_h.weight", 0.9), constraints.max_norm(module, "h_to_out.weight", 0.7)]
    before = weights(module)
    for constraint in made:
        constraint.project()
    edges, matrix = module.part("in_to_h"), module.part("h_to_out")
    assert np.array_equal(weights(module)["h_to_h"], before["h_to_h"])
    pull(module, held(module, *made))
    weight = module.to_circuit().edges("in_to_h").weight
    norms = np.sqrt(np.bincount(edges.post_edges, weights=weight**2, minlength=5))
    assert norms.max() == pytest.approx(0.9, rel=1e-12)
    rows = np.linalg.norm(matrix.values.current()["w"].detach().numpy(), axis=1)
    assert rows.max() == pytest.approx(0.7, rel=1e-12)
    small = {name: value * 1e-3 for name, value in weights(module).items()}
    with torch.no_grad():
        for name, value in small.items():
            module.part(name).weight.copy_(torch.as_tensor(value))
    for constraint in made:
        constraint.project()
    assert np.array_equal(weights(module)["h_to_out"], small["h_to_out"])  # what is within the norm is not touched


def test_a_norm_has_the_unit_of_the_weights() -> None:
    circuit = ns.Circuit("units", dt=1 * ms, seed=1)
    circuit.source("in", ns.SpikeSource(4))
    cell = ns.models.lif(
        tau_mem=20 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV,
        receptors={"ampa": 5 * ms},
    )  # fmt: skip
    circuit.population("cells", 3, cell)
    circuit.connect("in", "cells", ns.AllToAll(), receptor="ampa", weight=ns.Trainable(ns.Uniform(2 * nA, 6 * nA)))
    module = compiled(circuit, {})
    constraints.max_norm(module, "*.weight", 3 * nA).project()
    matrix = module.to_circuit().edges("in_to_cells").weight.reshape(4, 3)
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=0), 3e-9, rtol=1e-12)
    with pytest.raises(UnitError):
        constraints.max_norm(module, "*.weight", 3 * mV)
    with pytest.raises(TrainingError, match="norm must be one positive number"):
        constraints.max_norm(module, "*.weight", 0 * nA)


def test_bounds_hold_beside_them_and_a_hold_can_be_let_go() -> None:
    marks = {**MARKS, "h.tau_mem": ns.Trainable(bounds=(5 * ms, 9 * ms))}
    module = compiled(marks=marks)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.3)
    handle = constraints.hold(module, optimiser, constraints.keep_zeros(module, "h_to_h.weight"))
    pull(module, optimiser)
    tau = module.part("h").values.trained()["tau_mem"]
    assert 5e-3 <= tau <= 9e-3
    handle.remove()
    pull(module, optimiser, times=20)
    assert not 5e-3 <= module.part("h").values.trained()["tau_mem"] <= 9e-3


def test_values_that_are_not_there_are_refused() -> None:
    with pytest.raises(
        TrainingError, match=r"'h_to_g.weight' matches no trainable value. Did you mean 'h_to_h.weight'"
    ):
        constraints.keep_zeros(compiled(), "h_to_g.weight")
    one = compiled(marks={"h_to_out.weight": ns.Trainable(0.3, per="all")})
    with pytest.raises(TrainingError, match="shared by several edges"):
        constraints.max_norm(one, "*", 1.0)
