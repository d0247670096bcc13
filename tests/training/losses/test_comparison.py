"""Errors of rates, traces, times and events, against numpy and snnTorch; what is not asked for counts nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import snntorch.functional as snntorch_losses
import torch
from torch import Tensor

from neurosim.errors import TrainingError, UnitError
from neurosim.training import losses, readouts
from neurosim.units import Hz, ms, mV

STEPS, BATCH, NEURONS = 10, 4, 3
LABELS = torch.tensor([0, 2, 1, 2])


def spikes(seed: int = 0, rate: float = 0.3) -> Tensor:
    return torch.tensor(np.random.default_rng(seed).random((STEPS, BATCH, NEURONS)) < rate, dtype=torch.float64)


def trace(seed: int = 1) -> Tensor:
    return torch.tensor(np.random.default_rng(seed).normal(size=(STEPS, BATCH, NEURONS)))


def fired(value: Tensor) -> dict[str, dict[str, Tensor]]:
    return {"out": {"spikes": value}}


def test_rates_against_numpy_in_steps_and_in_hertz() -> None:
    x = spikes()
    wanted = torch.rand(BATCH, NEURONS, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = np.mean((x.numpy().mean(0) - wanted.numpy()) ** 2)
    assert losses.rate_error("out.spikes")(fired(x), wanted).item() == pytest.approx(expected, rel=1e-12)
    in_hertz = losses.rate_error("out.spikes", dt=2 * ms, scale=10 * Hz)
    assert in_hertz(fired(x), wanted * 500).item() == pytest.approx(expected * 50**2, rel=1e-12)
    levels = losses.rate_error("out.spikes", correct=40 * Hz, incorrect=5 * Hz, dt=2 * ms, scale=1 * Hz)
    asked = np.where(LABELS.numpy()[:, None] == np.arange(NEURONS), 40.0, 5.0)
    assert levels(fired(x), LABELS).item() == pytest.approx(np.mean((x.numpy().mean(0) * 500 - asked) ** 2), rel=1e-12)


@pytest.mark.parametrize("variable", ["spikes", "v"])
def test_levels_of_classes_are_those_of_snntorch(variable: str) -> None:
    ours: Any
    if variable == "spikes":
        x, theirs = spikes(), snntorch_losses.mse_count_loss(correct_rate=0.8, incorrect_rate=0.2)
        ours, factor = losses.rate_error("out.spikes", correct=0.8, incorrect=0.2), STEPS
    else:
        x, theirs = trace(), snntorch_losses.mse_membrane_loss(on_target=1.3, off_target=0.2)
        ours, factor = losses.trace_error("out.v", correct=1.3, incorrect=0.2), 1
    value = factor * ours({"out": {variable: x}}, LABELS)
    assert value.item() == pytest.approx(theirs(x, LABELS).item(), rel=1e-6)  # theirs adds up in float32
    assert ours.predict({"out": {variable: x}}).tolist() == x.mean(0).argmax(1).tolist()


def test_traces_count_what_is_asked_for() -> None:
    v, wanted = trace(1), trace(2)
    loss = losses.trace_error("out.v")
    expected = np.mean((v.numpy() - wanted.numpy()) ** 2)
    assert loss({"out": {"v": v}}, wanted).item() == pytest.approx(expected, rel=1e-12)
    assert not hasattr(loss, "predict")
    scaled = losses.trace_error("out.v", scale=1 * mV)
    assert scaled({"out": {"v": v * 1e-3}}, wanted * 1e-3).item() == pytest.approx(expected, rel=1e-12)
    wanted[:4, :, 1] = torch.nan
    v.requires_grad_()
    value = loss({"out": {"v": v}}, wanted)
    assert value.item() == pytest.approx(np.nanmean((v.detach().numpy() - wanted.numpy()) ** 2), rel=1e-12)
    value.backward()
    assert v.grad is not None
    assert torch.equal(v.grad != 0, ~torch.isnan(wanted))
    steps = torch.tensor([10, 3, 6, 1])
    mask = torch.arange(STEPS)[:, None] < steps
    padded = loss({"out": {"v": v.detach()}}, {"target": wanted, "steps": steps})
    differences = (v.detach().numpy() - wanted.numpy())[mask.numpy()]
    assert padded.item() == pytest.approx(np.nanmean(differences**2), rel=1e-12)


def test_levels_of_a_padded_trace() -> None:
    v, steps = trace(), torch.tensor([10, 3, 6, 1])
    mask = (torch.arange(STEPS)[:, None] < steps).numpy()
    asked = np.where(LABELS.numpy()[:, None] == np.arange(NEURONS), 1.0, 0.0)
    expected = np.mean(((v.numpy() - asked) ** 2)[mask])
    loss = losses.trace_error("out.v", correct=1.0, incorrect=0.0)
    assert loss({"out": {"v": v}}, {"target": LABELS, "steps": steps}).item() == pytest.approx(expected, rel=1e-12)


def test_times_of_spikes() -> None:
    x = spikes()
    times = readouts.spike_times(x, 2)
    wanted = torch.arange(24, dtype=torch.float64).reshape(2, BATCH, NEURONS) % 9
    expected = np.mean((times.numpy() - wanted.numpy()) ** 2)
    loss = losses.spike_time_error("out.spikes", count=2)
    assert loss(fired(x), wanted).item() == pytest.approx(expected, rel=1e-12)
    first = losses.spike_time_error("out.spikes", dt=2 * ms, scale=1 * ms)
    in_steps = np.mean((times[0].numpy() - wanted[0].numpy()) ** 2)
    assert first(fired(x), wanted[0] * 2e-3).item() == pytest.approx(4 * in_steps, rel=1e-9)
    wanted[1] = torch.nan
    assert loss(fired(x), wanted).item() == pytest.approx(in_steps, rel=1e-12)


def test_times_of_classes_are_those_of_snntorch_where_all_neurons_fire() -> None:
    x = spikes()
    x[-2] = 1.0
    theirs = snntorch_losses.mse_temporal_loss(on_target=1, off_target=7)
    ours: Any = losses.spike_time_error("out.spikes", correct=1, incorrect=7, scale=STEPS)
    assert ours(fired(x), LABELS).item() == pytest.approx(theirs(x, LABELS.clone()).item(), rel=1e-6)
    assert ours.predict(fired(x)).tolist() == readouts.first_spike(x).argmin(1).tolist()
    two = losses.spike_time_error("out.spikes", count=2, correct=[1, 2], incorrect=[5, 7])
    asked = np.where((LABELS.numpy()[:, None] == np.arange(NEURONS))[None], [[[1]], [[2]]], [[[5]], [[7]]])
    times = readouts.spike_times(x, 2).numpy()
    assert two(fired(x), LABELS).item() == pytest.approx(np.mean((times - asked) ** 2), rel=1e-12)


def test_descending_on_a_time_moves_the_spike_there() -> None:
    """From hardly ever firing, with a sigmoid for spikes: the loss knows in which step to fire."""
    drive = torch.full((STEPS, 1, 1), -4.0, dtype=torch.float64, requires_grad=True)
    loss = losses.spike_time_error("out.spikes")
    optimiser = torch.optim.Adam([drive], lr=0.5)
    wanted = torch.tensor([[4.0]], dtype=torch.float64)
    for _ in range(60):
        optimiser.zero_grad()
        loss(fired(drive.sigmoid()), wanted).backward()
        optimiser.step()
    assert readouts.first_spike(drive.sigmoid()).item() == pytest.approx(4.0, abs=0.1)


def test_events_against_the_formula() -> None:
    v, y = trace(), spikes()
    chance = 1 / (1 + np.exp(-2 * v.numpy()))
    each = -(3 * y.numpy() * np.log(chance) + (1 - y.numpy()) * np.log(1 - chance))
    loss = losses.events("out.v", gain=2.0, positive=3.0)
    assert loss({"out": {"v": v}}, y).item() == pytest.approx(each.mean(), rel=1e-12)
    np.testing.assert_allclose(loss.probability({"out": {"v": v}}), chance, rtol=1e-12)
    steps = torch.tensor([10, 3, 6, 1])
    by_sample = [each[:length, n].mean() for n, length in enumerate(steps)]
    padded = loss({"out": {"v": v}}, {"target": y, "steps": steps})
    assert padded.item() == pytest.approx(np.mean(by_sample), rel=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.rate_error("out.spikes", correct=0.5), "give both correct= and incorrect="),
        (lambda: losses.rate_error("out.spikes", correct=40 * Hz, incorrect=0.0), "give dt= as well"),
        (lambda: losses.rate_error("out.spikes", correct=-1.0, incorrect=0.0), "must not be negative"),
        (lambda: losses.spike_time_error("out.spikes", count=0), "count must be 1 or more"),
        (lambda: losses.spike_time_error("out.spikes", count=2, correct=[1], incorrect=[2, 3]), "give 2 times"),
        (lambda: losses.trace_error("out.v", scale=0.0), "scale must be positive"),
        (lambda: losses.trace_error("out.v", correct=1, incorrect=0, scale=0.0), "trace_error: scale must be"),
        (lambda: losses.events("out.v", positive=0.0), "positive must be above 0"),
        (lambda: losses.trace_error("out.v")({"out": {"v": trace()}}, trace()[:3]), r"give \(10, 4, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(make: Any, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        make()


def test_units_are_checked() -> None:
    with pytest.raises(UnitError, match="hertz"):
        losses.rate_error("out.spikes", correct=40 * mV, incorrect=0.0, dt=1 * ms)
