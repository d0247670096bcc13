"""Cross entropies against the formula in numpy and against snnTorch's; decisions, smoothing, weights, padding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
import snntorch.functional as snntorch_losses
import torch
from torch import Tensor

from neurosim.errors import RecordError, TrainingError
from neurosim.training import losses, readouts
from neurosim.training.terms import Term

STEPS, BATCH, CLASSES = 11, 4, 3
LABELS = torch.tensor([0, 2, 1, 2])
BY_NAME: dict[str, Callable[..., Any]] = {
    "rate": losses.rate,
    "latency": losses.latency,
    "softmax_over_time": losses.softmax_over_time,
    "max_over_time": losses.max_over_time,
    "mean_over_time": losses.mean_over_time,
    "last_value": losses.last_value,
    "every_step": losses.every_step,
}


def outputs(steps: int = STEPS, batch: int = BATCH, seed: int = 0) -> dict[str, dict[str, Tensor]]:
    random = np.random.default_rng(seed)
    return {
        "out": {
            "v": torch.tensor(random.normal(size=(steps, batch, CLASSES))),
            "spikes": torch.tensor(random.random((steps, batch, CLASSES)) < 0.3, dtype=torch.float64),
        }
    }


def address(name: str) -> str:
    return "out.spikes" if name in ("rate", "latency") else "out.v"


def numpy_logits(name: str, found: dict[str, dict[str, Tensor]]) -> np.ndarray:
    v, spikes = found["out"]["v"].numpy(), found["out"]["spikes"].numpy()
    return {
        "rate": spikes.sum(0),
        "latency": -np.where(spikes.any(0), spikes.argmax(0), len(spikes)).astype(float),
        "softmax_over_time": scipy.special.softmax(v, axis=2).sum(0),
        "max_over_time": v.max(0),
        "mean_over_time": v.mean(0),
        "last_value": v[-1],
    }[name]


@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "every_step"])
def test_against_the_formula(name: str) -> None:
    loss = BY_NAME[name](address(name))
    found = outputs()
    logits = numpy_logits(name, found)
    expected = -scipy.special.log_softmax(logits, axis=1)[np.arange(BATCH), LABELS].mean()
    assert loss(found, LABELS).item() == pytest.approx(expected, rel=1e-12)
    assert loss(found, LABELS).shape == ()
    assert np.array_equal(loss.predict(found), logits.argmax(1))
    assert np.array_equal(loss.correct(found, LABELS), logits.argmax(1) == LABELS.numpy())
    part, variable = address(name).split(".")
    assert loss.records == {part: [variable]}


def test_every_step_against_the_formula() -> None:
    found = outputs()
    chances = scipy.special.log_softmax(found["out"]["v"].numpy(), axis=2)
    expected = -chances[:, np.arange(BATCH), LABELS].mean()
    loss = losses.every_step("out.v")
    assert loss(found, LABELS).item() == pytest.approx(expected, rel=1e-12)
    assert np.array_equal(loss.predict(found), chances.mean(0).argmax(1))


@pytest.mark.parametrize(
    ("ours", "theirs", "variable"),
    [
        (losses.rate, snntorch_losses.ce_count_loss, "spikes"),
        (losses.every_step, snntorch_losses.ce_rate_loss, "spikes"),
        (losses.every_step, snntorch_losses.ce_rate_loss, "v"),
        (losses.max_over_time, snntorch_losses.ce_max_membrane_loss, "v"),
    ],
    ids=["count", "rate", "rate of a trace", "max membrane"],
)
def test_value_and_gradient_are_those_of_snntorch(ours: Any, theirs: Any, variable: str) -> None:
    trace = outputs()["out"][variable].requires_grad_()
    value, expected = ours(f"out.{variable}")({"out": {variable: trace}}, LABELS), theirs()(trace, LABELS)
    assert value.item() == pytest.approx(expected.item(), rel=1e-6)  # some of theirs add up in float32
    (slope,), (wanted,) = torch.autograd.grad(value, trace), torch.autograd.grad(expected.sum(), trace)
    torch.testing.assert_close(slope, wanted, rtol=1e-6, atol=1e-9)
    assert slope.abs().max() > 1e-3


def test_latency_is_that_of_snntorch_where_all_neurons_fire() -> None:
    spikes = outputs()["out"]["spikes"].clone()
    spikes[-2] = 1.0
    found = {"out": {"spikes": spikes}}
    expected = snntorch_losses.ce_temporal_loss()(spikes, LABELS)
    assert losses.latency("out.spikes")(found, LABELS).item() == pytest.approx(expected.item(), rel=1e-12)
    wide = losses.latency("out.spikes", scale=10.0)(found, LABELS)
    times = readouts.first_spike(spikes).numpy()
    by_hand = -scipy.special.log_softmax(-times / 10, axis=1)[np.arange(BATCH), LABELS].mean()
    assert wide.item() == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("name", BY_NAME)
def test_smoothing_weights_gain_and_probabilities(name: str) -> None:
    found, weights = outputs(), [0.5, 1.0, 3.0]
    at = address(name)
    plain = BY_NAME[name](at)
    spread = torch.full((BATCH, CLASSES), 0.2 / CLASSES, dtype=torch.float64)
    spread[torch.arange(BATCH), LABELS] += 0.8
    smooth = BY_NAME[name](at, smoothing=0.2)
    assert smooth(found, LABELS).item() == pytest.approx(plain(found, spread).item(), rel=1e-12)
    assert np.array_equal(plain.correct(found, spread), plain.correct(found, LABELS))
    each = [
        plain({"out": {key: value[:, n : n + 1] for key, value in found["out"].items()}}, LABELS[n : n + 1]).item()
        for n in range(BATCH)
    ]
    share = np.array(weights)[LABELS]
    weighted = BY_NAME[name](at, weights=weights)(found, LABELS)
    assert weighted.item() == pytest.approx((share * each).sum() / share.sum(), rel=1e-12)
    if name != "latency":  # its gain is 1/scale
        nothing = BY_NAME[name](at, gain=0.0)(found, LABELS)
        assert nothing.item() == pytest.approx(np.log(CLASSES), rel=1e-12)


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("by", ["steps", "mask"])
def test_padding_changes_neither_loss_nor_decision(name: str, by: str) -> None:
    lengths = torch.tensor([STEPS, 5, 8, 3])
    found, loss = outputs(), BY_NAME[name](address(name))
    alone = [
        {"out": {key: value[:length, n : n + 1].clone() for key, value in found["out"].items()}}
        for n, length in enumerate(lengths)
    ]
    mask = torch.arange(STEPS)[:, None] < lengths
    found["out"]["v"][~mask] = torch.linspace(-9.0, 9.0, int((~mask).sum()) * CLASSES).double().reshape(-1, CLASSES)
    found["out"]["spikes"][~mask] = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    targets = {"target": LABELS, by: lengths if by == "steps" else mask}
    expected = np.mean([loss(one, LABELS[n : n + 1]).item() for n, one in enumerate(alone)])
    assert loss(found, targets).item() == pytest.approx(expected, rel=1e-12)
    assert loss.predict(found, targets).tolist() == [loss.predict(one).item() for one in alone]
    assert loss(found, LABELS).item() != pytest.approx(expected, rel=1e-3)


def test_neurons_of_a_shape_are_counted_through() -> None:
    v = torch.randn(STEPS, BATCH, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    loss = losses.max_over_time("out.v")
    flat = {"out": {"v": v.reshape(STEPS, BATCH, 6)}}
    assert torch.equal(loss({"out": {"v": v}}, LABELS), loss(flat, LABELS))


def test_one_of_several_targets() -> None:
    loss: Term = losses.rate("out.spikes", target="second")
    first, second = LABELS, LABELS.flip(0)
    targets = {"first": first, "second": second}
    assert torch.equal(loss(outputs(), targets), loss(outputs(), second))
    assert not torch.equal(loss(outputs(), targets), loss(outputs(), first))


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (None, r"rate: this loss compares with targets"),
        (LABELS[:2], r"rate: targets of shape \(2,\) and dtype int64; give the number of the class of each of the 4"),
        (LABELS.double(), r"dtype float64; give the number of the class"),
        (LABELS + 1, "rate: classes run from 1 to 3, but 3 neurons stand for classes 0 to 2"),
        ({"label": LABELS}, "hold no 'target'; say which with target=. Known: label"),
        ({"target": LABELS, "steps": [1, 2, 3, 12]}, "give one number from 1 to 11 for each of the 4"),
        ({"target": LABELS, "mask": torch.ones(4, 11)}, r"mask: it has shape \(4, 11\)"),
    ],
)
def test_targets_that_do_not_fit_are_refused(targets: Any, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        losses.rate("out.spikes")(outputs(), targets)


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(RecordError, match=r"'out.spike' is not among the outputs.*Did you mean 'out.spikes'"):
        losses.rate("out.spike")(outputs(), LABELS)
    with pytest.raises(RecordError, match="'out' is no address"):
        losses.rate("out")
    with pytest.raises(TrainingError, match="smoothing must lie between 0 and 1"):
        losses.rate("out.spikes", smoothing=1.5)
    with pytest.raises(TrainingError, match="scale must be positive"):
        losses.latency("out.spikes", scale=0.0)
