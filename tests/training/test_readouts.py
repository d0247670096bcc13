"""Readouts against numpy, step by step; derivatives against differences; padding that changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import scipy.special
import torch
from torch import Tensor

from neurosim.errors import TrainingError
from neurosim.training import readouts

STEPS = 9
READOUTS: dict[str, Callable[..., Tensor]] = {
    "spike_count": readouts.spike_count,
    "mean_over_time": readouts.mean_over_time,
    "max_over_time": readouts.max_over_time,
    "last_value": readouts.last_value,
    "softmax_over_time": readouts.softmax_over_time,
    "first_spike": readouts.first_spike,
    "spike_times": partial(readouts.spike_times, count=3),
}


def trace(*shape: int) -> Tensor:
    return torch.tensor(np.random.default_rng(1).normal(size=(STEPS, *shape)))


def spikes(*shape: int, rate: float = 0.3) -> Tensor:
    return torch.tensor(np.random.default_rng(2).random((STEPS, *shape)) < rate, dtype=torch.float64)


def test_against_numpy() -> None:
    x = trace(2, 3)
    array = x.numpy()
    expected = {
        "spike_count": array.sum(0),
        "mean_over_time": array.mean(0),
        "max_over_time": array.max(0),
        "last_value": array[-1],
        "softmax_over_time": scipy.special.softmax(array, axis=2).sum(0),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(READOUTS[name](x), value, rtol=1e-12, err_msg=name)


def test_times_of_spikes_are_those_of_the_raster() -> None:
    fired = spikes(4, 5)
    times = readouts.spike_times(fired, 3)
    expected = np.full((3, 4, 5), float(STEPS))
    for batch in range(4):
        for neuron in range(5):
            found = np.flatnonzero(fired[:, batch, neuron])[:3]
            expected[: len(found), batch, neuron] = found
    assert np.array_equal(times, expected)
    assert np.array_equal(readouts.first_spike(fired), expected[0])
    assert STEPS in expected
    assert 0.0 in expected


@pytest.mark.parametrize("read", [readouts.first_spike, lambda s: readouts.spike_times(s, 2)[1]], ids=["1st", "2nd"])
def test_the_derivative_by_a_spike_is_what_it_changes(read: Callable[[Tensor], Tensor]) -> None:
    """The time is linear in each spike, so the derivative is the whole difference that the spike makes."""
    fired = spikes(1, 4, rate=0.25).requires_grad_()
    (slope,) = torch.autograd.grad(read(fired).sum(), fired)
    for index in np.ndindex(*fired.shape):
        ends = []
        for value in (1.0, 0.0):
            changed = fired.detach().clone()
            changed[index] = value
            ends.append(float(read(changed).sum()))
        assert float(slope[index]) == ends[0] - ends[1]
    assert slope.min() < -1


def test_only_what_comes_before_the_first_spike_can_change_its_time() -> None:
    fired = spikes(1, 1, rate=0.25).requires_grad_()
    (slope,) = torch.autograd.grad(readouts.first_spike(fired).sum(), fired)
    first = int(readouts.first_spike(fired)[0, 0])
    assert 0 < first < STEPS - 1
    assert torch.all(slope[:first] == torch.arange(first)[:, None, None] - first)
    assert slope[first] < 0
    assert torch.all(slope[first + 1 :] == 0)


def test_of_probabilities_it_is_the_expected_time() -> None:
    chances = torch.tensor(np.random.default_rng(3).random((4, 1, 1)))
    expected = np.zeros(2)
    for pattern in np.ndindex(2, 2, 2, 2):
        weight = np.prod(np.where(pattern, chances[:, 0, 0], 1 - chances[:, 0, 0]))
        found = [*np.flatnonzero(pattern), 4, 4]
        expected += weight * np.array(found[:2])
    np.testing.assert_allclose(readouts.spike_times(chances, 2)[:, 0, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("name", READOUTS)
def test_padding_changes_nothing(name: str) -> None:
    """Each sample by itself, without its padding, gives what it gives inside the batch; nor does it get a gradient."""
    lengths = [4, STEPS, 6]
    x = spikes(3, 2, 2) if "spike" in name else trace(3, 2, 2)
    mask = torch.tensor([[step < length for length in lengths] for step in range(STEPS)])
    filled = torch.where(mask[:, :, None, None], x, 77.0).requires_grad_()
    found = READOUTS[name](filled, mask=mask)
    for sample, length in enumerate(lengths):
        alone = READOUTS[name](x[:length, sample : sample + 1])
        batch_axis = found.ndim - 3
        torch.testing.assert_close(found.select(batch_axis, sample), alone.select(batch_axis, 0), rtol=1e-12, atol=0)
    found.square().sum().backward()
    assert filled.grad is not None
    assert torch.all(filled.grad[~mask] == 0)
    assert torch.any(filled.grad[mask] != 0)


@pytest.mark.parametrize("name", READOUTS)
def test_derivatives(name: str) -> None:
    x = torch.rand(5, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    assert torch.autograd.gradcheck(READOUTS[name], (x,))


def test_what_cannot_be_read_is_said() -> None:
    with pytest.raises(TrainingError, match=r"shape \(2, 9\); give \(time, batch\) = \(9, 2\)"):
        readouts.last_value(trace(2, 3), torch.ones(2, 9))
    with pytest.raises(TrainingError, match="a sample has no step"):
        readouts.max_over_time(trace(2, 3), torch.zeros(9, 2))
    with pytest.raises(TrainingError, match="count must be 1 or more"):
        readouts.spike_times(spikes(1, 1), 0)
