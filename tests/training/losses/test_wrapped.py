"""Losses of snnTorch as they are, on a module of ours; functions as losses."""

from __future__ import annotations

from typing import Any

import pytest
import snntorch.functional as snntorch_losses
import torch
from torch import Tensor

import neurosim as ns
from backends.snntorch.networks import plain_lif
from neurosim.errors import TrainingError
from neurosim.training import losses, readouts
from neurosim.units import ms

LABELS = torch.tensor([0, 2, 1])


@pytest.fixture(scope="module")
def module() -> Any:
    circuit = ns.Circuit("classes", dt=1 * ms, seed=1)
    circuit.source("in", ns.SpikeSource(5))
    circuit.population("out", 3, plain_lif(v_threshold=0.4))
    circuit.connect("in", "out", ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(0.2, 0.2)))
    return ns.compile(circuit, backend="snntorch", dtype="float64")


@pytest.fixture(scope="module")
def fired() -> dict[str, Tensor]:
    return {"in": (torch.rand(15, 3, 5, generator=torch.Generator().manual_seed(4)) < 0.4).double()}


@pytest.mark.parametrize(
    ("theirs", "address", "decide"),
    [
        (snntorch_losses.ce_rate_loss(), "out.spikes", readouts.spike_count),
        (snntorch_losses.ce_count_loss(), "out.spikes", readouts.spike_count),
        (snntorch_losses.mse_count_loss(correct_rate=0.8, incorrect_rate=0.2), "out.spikes", readouts.spike_count),
        (snntorch_losses.ce_temporal_loss(), "out.spikes", lambda s: -readouts.first_spike(s)),
        (snntorch_losses.mse_temporal_loss(), "out.spikes", lambda s: -readouts.first_spike(s)),
        (snntorch_losses.ce_max_membrane_loss(), "out.v", readouts.max_over_time),
        (snntorch_losses.mse_membrane_loss(), "out.v", readouts.mean_over_time),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_loss_of_snntorch_is_used_as_it_is(
    module: Any, fired: dict[str, Tensor], theirs: Any, address: str, decide: Any
) -> None:
    loss = losses.from_snntorch(theirs, address)
    outputs, _ = module(fired, record=loss.records)
    part, variable = address.split(".")
    labels = LABELS.clone()
    value = loss(outputs, labels)
    assert value.shape == ()
    assert value.item() == pytest.approx(theirs(outputs[part][variable], LABELS.clone()).sum().item(), rel=1e-12)
    assert torch.equal(labels, LABELS)
    (slope,) = torch.autograd.grad(value, list(module.parameters()))
    assert slope.abs().max() > 0
    assert torch.equal(loss.predict(outputs), decide(outputs[part][variable]).argmax(1))
    assert torch.equal(loss.correct(outputs, LABELS), loss.predict(outputs) == LABELS)


def test_targets_that_snntorch_writes_into_stay() -> None:
    """Negative times count from the end; snnTorch replaces them where they are."""
    times = torch.tensor([[2.0, -1.0, 4.0], [-1.0, 0.0, 3.0]])
    spikes = (torch.rand(6, 2, 3, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    loss = losses.from_snntorch(snntorch_losses.mse_temporal_loss(target_is_time=True), "out.spikes")
    given = times.clone()
    value = loss({"out": {"spikes": spikes}}, given)
    assert torch.equal(given, times)
    counted = torch.where(times < 0, 6 + times, times)
    assert torch.equal(value, loss({"out": {"spikes": spikes}}, counted))


def test_another_readout(module: Any, fired: dict[str, Tensor]) -> None:
    loss = losses.from_snntorch(snntorch_losses.ce_max_membrane_loss(), "out.v", readout=lambda v: -v[-1])
    outputs, _ = module(fired, record=loss.records)
    assert torch.equal(loss.predict(outputs), outputs["out"]["v"][-1].argmin(1))


def test_a_function_is_a_loss(module: Any, fired: dict[str, Tensor]) -> None:
    loss = losses.custom(lambda v, wanted: (v[-1].sum(1) - wanted).abs().sum(), "out.v", name="sum at the end")
    outputs, _ = module(fired, record=loss.records)
    wanted = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
    expected = (outputs["out"]["v"][-1].sum(1) - wanted).abs().sum()
    assert torch.equal(loss(outputs, wanted), expected)
    assert not hasattr(loss, "predict")
    assert list((loss + loss).parts(outputs, wanted)) == ["sum at the end", "sum at the end 2"]


def test_padding_that_they_do_not_know_of_is_refused() -> None:
    outputs = {"out": {"spikes": torch.ones(5, 3, 3)}}
    loss = losses.from_snntorch(snntorch_losses.ce_count_loss(), "out.spikes")
    assert torch.equal(loss(outputs, {"target": LABELS, "steps": [5, 5, 5]}), loss(outputs, LABELS))
    with pytest.raises(TrainingError, match="ce_count_loss: this loss knows no padding"):
        loss(outputs, {"target": LABELS, "steps": [5, 4, 5]})
    with pytest.raises(TrainingError, match=r"must return one number, got shape \(3,\)"):
        losses.custom(lambda v, wanted: wanted * 1.0, "out.spikes")(outputs, LABELS)
