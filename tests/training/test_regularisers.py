"""Regularisers against numpy and closed forms; bounds that cost nothing inside; padding that is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import snntorch.functional as snntorch_losses
import torch
from torch import Tensor

import neurosim as ns
from backends.snntorch.networks import mixed
from neurosim.analysis.sparsity import MEASURES
from neurosim.errors import TrainingError
from neurosim.training import losses, regularisers
from neurosim.units import Hz, ms, mV

STEPS, BATCH, NEURONS = 20, 4, 5


def fired(seed: int = 0, rate: float = 0.3) -> dict[str, dict[str, Tensor]]:
    random = np.random.default_rng(seed).random((STEPS, BATCH, NEURONS)) < rate * np.linspace(0.2, 2.0, NEURONS)
    return {"h": {"spikes": torch.tensor(random, dtype=torch.float64)}}


def trace(seed: int = 0) -> dict[str, dict[str, Tensor]]:
    return {"h": {"v": torch.tensor(np.random.default_rng(seed).normal(size=(STEPS, BATCH, NEURONS)))}}


@pytest.mark.parametrize(("averaged", "axis"), [("batch", 0), ("neurons", 1), ("nothing", ())])
@pytest.mark.parametrize("power", [1.0, 2.0])
def test_bounds_of_rates(averaged: Any, axis: Any, power: float) -> None:
    outputs = fired()
    rate = outputs["h"]["spikes"].numpy().mean(0).mean(axis)
    above = regularisers.upper_rate("h.spikes", 0.28, averaged=averaged, power=power)
    below = regularisers.lower_rate("h.spikes", 140 * Hz, averaged=averaged, power=power, dt=2 * ms)
    assert above(outputs).item() == pytest.approx(np.mean(np.maximum(0, rate - 0.28) ** power), rel=1e-12)
    assert below(outputs).item() == pytest.approx(np.mean(np.maximum(0, 140 - 500 * rate) ** power), rel=1e-12)
    assert 0 < above(outputs).item() < 1
    assert below(outputs).item() > 0
    inside = regularisers.upper_rate("h.spikes", 0.9, averaged=averaged) + regularisers.lower_rate("h.spikes", 0.0)
    assert inside(outputs).item() == 0


def test_the_rate_of_a_population() -> None:
    outputs = fired()
    mean = outputs["h"]["spikes"].mean().item()
    assert regularisers.target_rate("h.spikes", 0.2)(outputs).item() == pytest.approx((mean - 0.2) ** 2, rel=1e-12)
    in_hertz = regularisers.target_rate("h.spikes", 100 * Hz, dt=2 * ms)
    assert in_hertz(outputs).item() == pytest.approx((500 * mean - 100) ** 2, rel=1e-12)


@pytest.mark.parametrize("active", [1, 2, 5])
def test_density_is_the_part_of_the_neurons_that_fires(active: int) -> None:
    spikes = torch.zeros(STEPS, 1, NEURONS, dtype=torch.float64)
    spikes[::3, :, :active] = 1.0
    assert regularisers.density("h.spikes")({"h": {"spikes": spikes}}).item() == pytest.approx(active / NEURONS)
    over_samples = spikes.transpose(1, 2)
    lifetime = regularisers.density("h.spikes", of="lifetime")
    assert lifetime({"h": {"spikes": over_samples}}).item() == pytest.approx(active / NEURONS)


def test_density_against_the_formula_and_in_silence() -> None:
    rate = fired()["h"]["spikes"].numpy().mean(0)
    expected = np.mean(rate.mean(1) ** 2 / (rate**2).mean(1))
    assert regularisers.density("h.spikes")(fired()).item() == pytest.approx(expected, rel=1e-12)
    silent = torch.zeros(STEPS, BATCH, NEURONS, requires_grad=True)
    value = regularisers.density("h.spikes")({"h": {"spikes": silent}})
    value.backward()
    assert value.item() == 0
    assert silent.grad is not None
    assert torch.all(silent.grad == 0)


@pytest.mark.parametrize("measure", ["vinje_gallant", "hoyer", "gini"])
@pytest.mark.parametrize("of", ["population", "lifetime"])
def test_density_by_other_measures(measure: str, of: Any) -> None:
    rate = fired()["h"]["spikes"].numpy().mean(0)
    expected = 1 - MEASURES[measure](rate, axis=1 if of == "population" else 0).mean()
    term = regularisers.density("h.spikes", of=of, measure=measure)
    assert term(fired()).item() == pytest.approx(expected, rel=1e-12)
    silent = {"h": {"spikes": torch.zeros(STEPS, BATCH, NEURONS, requires_grad=True)}}
    value = term(silent)
    value.backward()
    assert value.item() == 0
    assert silent["h"]["spikes"].grad is not None
    assert not silent["h"]["spikes"].grad.any()


def test_size_and_change_of_traces() -> None:
    outputs, v = trace(), trace()["h"]["v"].numpy()
    l1 = regularisers.magnitude("h.v", power=1, centre=0.5, scale=2.0)
    assert l1(outputs).item() == pytest.approx(np.mean(np.abs(v - 0.5)) / 2, rel=1e-12)
    assert regularisers.magnitude("h.v")(outputs).item() == pytest.approx(np.mean(v**2), rel=1e-12)
    change = regularisers.total_variation("h.v")
    assert change(outputs).item() == pytest.approx(np.mean(np.abs(np.diff(v, axis=0))), rel=1e-12)
    in_millivolts = regularisers.total_variation("h.v", scale=1 * mV, power=2)
    assert in_millivolts(outputs).item() == pytest.approx(1e6 * np.mean(np.diff(v, axis=0) ** 2), rel=1e-12)


EVERY: dict[str, Any] = {
    "upper_rate": lambda: regularisers.upper_rate("h.spikes", 0.05, averaged="nothing"),
    "lower_rate": lambda: regularisers.lower_rate("h.spikes", 0.8, averaged="nothing"),
    "density": lambda: regularisers.density("h.spikes"),
    "density by Hoyer": lambda: regularisers.density("h.spikes", measure="hoyer"),
    "magnitude": lambda: regularisers.magnitude("h.v"),
    "total_variation": lambda: regularisers.total_variation("h.v"),
}


@pytest.mark.parametrize("name", EVERY)
def test_padding_is_left_out(name: str) -> None:
    term, lengths = EVERY[name](), [STEPS, 7, 12, 3]
    outputs = {"h": {**fired()["h"], **trace()["h"]}}
    alone = [
        {"h": {key: value[:length, n : n + 1].clone() for key, value in outputs["h"].items()}}
        for n, length in enumerate(lengths)
    ]
    padding = torch.arange(STEPS)[:, None] >= torch.tensor(lengths)
    outputs["h"]["spikes"][padding] = torch.tensor([1.0, 1.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    outputs["h"]["v"][padding] = 5.0
    expected = np.mean([term(one).item() for one in alone])
    assert term(outputs, {"steps": lengths}).item() == pytest.approx(expected, rel=1e-12)
    assert term(outputs).item() != pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("name", EVERY)
def test_derivatives(name: str) -> None:
    term = EVERY[name]()
    variable = term.address.split(".")[1]
    x = torch.rand(6, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    assert torch.autograd.gradcheck(lambda value: term({"h": {variable: value}}), (x,))
    (slope,) = torch.autograd.grad(term({"h": {variable: x}}), x)
    assert slope.abs().max() > 0


def test_trainable_values() -> None:
    marks = {"in_to_h.weight": ns.Trainable(), "h_to_out.weight": ns.Trainable(), "h.tau_mem": ns.Trainable()}
    module: Any = ns.compile(mixed(), backend="snntorch", trainable=marks)
    term = regularisers.parameters(module, "*.weight", power=1)
    weights = [module.part(name).weight.detach().numpy().reshape(-1) for name in ("in_to_h", "h_to_out")]
    assert term({}).item() == pytest.approx(np.mean(np.abs(np.concatenate(weights))), rel=1e-6)
    term({}).backward()
    assert module.part("in_to_h").weight.grad.abs().max() > 0
    assert module.part("h").tau_mem.grad is None
    total = losses.max_over_time("out.v") + 0.1 * term
    assert total.records == {"out": ["v"]}
    with pytest.raises(TrainingError, match=r"'\*.weights' matches no trainable value.*Known: h.tau_mem"):
        regularisers.parameters(module, "*.weights")
    with pytest.raises(TrainingError, match="say which values, by address"):
        regularisers.parameters(module)


def test_a_regulariser_of_snntorch() -> None:
    term = regularisers.from_snntorch(snntorch_losses.reg.l1_rate_sparsity(1e-3), "h.spikes")
    assert term(fired()).item() == pytest.approx(1e-3 * fired()["h"]["spikes"].sum().item(), rel=1e-12)
    assert list((term + term).parts(fired())) == ["l1_rate_sparsity", "l1_rate_sparsity 2"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: regularisers.upper_rate("h.spikes", 0.1, averaged="neuron"), "averaged='neuron' is unknown. Did you"),  # type: ignore[arg-type]
        (lambda: regularisers.upper_rate("h.spikes", 10 * Hz), "rate has a unit: give dt="),
        (lambda: regularisers.lower_rate("h.spikes", 0.1, power=0.5), "power must be 1 or more"),
        (lambda: regularisers.density("h.spikes", of="neuron"), "of='neuron' is unknown"),  # type: ignore[arg-type]
        (lambda: regularisers.density("h.spikes", measure="ginny"), "Did you mean 'gini'"),
        (lambda: regularisers.magnitude("h.v", scale=0.0), "scale must be positive"),
        (lambda: regularisers.total_variation("h.v")({"h": {"v": torch.ones(1, 2, 3)}}), "has no change"),
    ],
)
def test_what_does_not_fit_is_refused(make: Any, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        make()
