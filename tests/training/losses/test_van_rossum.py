"""The distance of van Rossum against its closed forms and against the integral itself."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import torch
from torch import Tensor

from neurosim.errors import TrainingError
from neurosim.training import losses
from neurosim.units import ms

TAU, STEPS = 4.0, 20


def train(*steps: int, length: int = STEPS) -> Tensor:
    row = torch.zeros(length, 1, 1, dtype=torch.float64)
    row[list(steps)] = 1.0
    return row


def distance(first: Tensor, second: Tensor, tau: float = TAU) -> float:
    return losses.van_rossum("out.spikes", tau)({"out": {"spikes": first}}, second).item()


def test_one_spike_against_none_and_against_another() -> None:
    assert distance(train(3), train()) == pytest.approx(0.5, rel=1e-12)
    assert distance(train(3), train(3)) == 0.0
    for gap in (1, 5, 16):
        assert distance(train(3), train(3 + gap)) == pytest.approx(1 - np.exp(-gap / TAU), rel=1e-12)


def test_nothing_is_lost_at_the_end() -> None:
    assert distance(train(STEPS - 1), train()) == pytest.approx(0.5, rel=1e-12)


def test_many_spikes_against_the_integral() -> None:
    one, other = [0, 3, 4, 11, 19], [2, 3, 15]

    def squared(t: float) -> float:
        f, g = (sum(np.exp(-(t - step) / TAU) for step in steps if step <= t) for steps in (one, other))
        return float((f - g) ** 2)

    expected = sum(scipy.integrate.quad(squared, step, step + 1 - 1e-12)[0] for step in range(80)) / TAU
    assert distance(train(*one), train(*other)) == pytest.approx(expected, rel=1e-9)


def test_neurons_are_added_and_samples_averaged() -> None:
    pair = torch.cat([train(3), train(7)], dim=2)
    batch = torch.cat([pair, torch.zeros_like(pair)], dim=1)
    assert distance(batch, torch.zeros_like(batch)) == pytest.approx((0.5 + 0.5 + 0 + 0) / 2, rel=1e-12)


def test_tau_as_a_time() -> None:
    loss = losses.van_rossum("out.spikes", 8 * ms, dt=2 * ms)
    value = loss({"out": {"spikes": train(3)}}, train(9)).item()
    assert value == pytest.approx(distance(train(3), train(9), tau=4.0), rel=1e-12)


def test_padding_counts_nothing() -> None:
    loss = losses.van_rossum("out.spikes", TAU)
    spikes, wanted = train(3, 9, 15), train(5, 12)
    padded = loss({"out": {"spikes": spikes}}, {"target": wanted, "steps": [10]}).item()
    assert padded == pytest.approx(distance(train(3, 9, length=10), train(5, length=10)), rel=1e-12)
    assert padded != pytest.approx(distance(spikes, wanted), rel=1e-3)


def test_derivatives() -> None:
    spikes = torch.rand(6, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    wanted = (torch.rand(6, 2, 2, generator=torch.Generator().manual_seed(2)) < 0.4).double()
    loss = losses.van_rossum("out.spikes", TAU)
    assert torch.autograd.gradcheck(lambda x: loss({"out": {"spikes": x}}, wanted), (spikes,))


def test_tau_must_be_positive() -> None:
    with pytest.raises(TrainingError, match="tau must be positive"):
        losses.van_rossum("out.spikes", 0.0)
