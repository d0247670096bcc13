from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis.spikes import (
    distance_matrix,
    isi_distance,
    spike_distance,
    van_rossum,
    victor_purpura,
)
from neurosim.analysis.spikes.differentiable import van_rossum_squared
from neurosim.errors import AnalysisError
from neurosim.recording import SpikeTrains
from neurosim.units import ms

A = np.array([0.021, 0.084, 0.113, 0.21, 0.305, 0.311, 0.46, 0.72, 0.9])
B = np.array([0.03, 0.09, 0.2, 0.33, 0.47, 0.5, 0.74])
WHOLE = {"start": 0.0, "stop": 1.0}
TRAINS = st.lists(st.integers(1, 999), max_size=8, unique=True).map(
    lambda steps: np.sort(np.array(steps, float)) / 1000
)


def test_values_of_elephant_and_pyspike() -> None:
    """What Elephant 1.2.1 and PySpike 0.9.0 say of the same trains (the latter with spikes at both ends)."""
    assert victor_purpura(A, B, cost=10.0) == pytest.approx(4.69)
    assert van_rossum(A, B, tau=100 * ms) == pytest.approx(2.370569950741435 / np.sqrt(2))  # another normalisation
    assert isi_distance(A, B, **WHOLE) == pytest.approx(0.21150873421880134)
    assert spike_distance(A, B, **WHOLE) == pytest.approx(0.1406513810342441)


def test_closed_forms() -> None:
    assert van_rossum([0.3], [], tau=0.01) == pytest.approx(0.5**0.5)
    assert van_rossum([0.3], [0.32], tau=0.01) == pytest.approx((1 - np.exp(-2)) ** 0.5)
    assert van_rossum([0.1, 0.2, 0.3], [], tau=1e-5) == pytest.approx(1.5**0.5)  # spikes apart: their number
    assert van_rossum([0.1, 0.2, 0.3], [0.15], tau=1e5) == pytest.approx(2**0.5, rel=1e-4)  # difference of numbers
    assert victor_purpura(A, B, cost=0.0) == 2
    assert victor_purpura(A, B, cost=1e9) == len(A) + len(B)
    assert victor_purpura([0.1], [0.13], cost=10.0) == pytest.approx(0.3)
    assert victor_purpura([], [0.1, 0.2], cost=5.0) == 2
    slow, quick = np.arange(0.0, 1.01, 0.2), np.arange(0.0, 1.01, 0.05)
    assert isi_distance(slow, quick, **WHOLE) == pytest.approx(0.75)
    assert spike_distance([0.5], [0.5], **WHOLE) == 0


def test_the_integral_of_van_rossum() -> None:
    step, tau = 1e-5, 0.05
    time = np.arange(0, 2, step)
    filtered = [
        sum((time >= spike) * np.exp(-np.maximum(time - spike, 0) / tau) for spike in train) for train in (A, B)
    ]
    assert van_rossum(A, B, tau=tau) ** 2 == pytest.approx(
        np.square(filtered[0] - filtered[1]).sum() * step / tau, rel=1e-3
    )


def test_the_profile_of_the_spike_distance() -> None:
    """The definition at many times, against the exact integral."""
    trains = [np.concatenate([[0.0], train, [1.0]]) for train in (A, B)]

    def at(time: float) -> float:
        sides = []
        for train, other in (trains, trains[::-1]):
            place = np.searchsorted(train, time, side="right")
            before, after = train[place - 1], train[place]
            first, second = (np.abs(other - spike).min() for spike in (before, after))
            sides.append(((first * (after - time) + second * (time - before)) / (after - before), after - before))
        (one, long), (other, short) = sides
        return float((one * short + other * long) / (2 * ((long + short) / 2) ** 2))

    times = (np.arange(20_000) + 0.5) / 20_000
    assert spike_distance(A, B, **WHOLE) == pytest.approx(np.mean([at(time) for time in times]), rel=1e-4)


def test_victor_purpura_by_trying_everything() -> None:
    a, b, cost = [0.1, 0.25, 0.4], [0.12, 0.41], 10.0

    def least(left: list[float], right: list[float]) -> float:
        if not left or not right:
            return len(left) + len(right)
        return min(
            1 + least(left[1:], right),
            1 + least(left, right[1:]),
            cost * abs(left[0] - right[0]) + least(left[1:], right[1:]),
        )

    assert victor_purpura(a, b, cost=cost) == pytest.approx(least(a, b))


DISTANCES: tuple[tuple[Any, dict[str, Any]], ...] = (
    (van_rossum, {"tau": 0.02}),
    (victor_purpura, {"cost": 20.0}),
    (isi_distance, WHOLE),
    (spike_distance, WHOLE),
)


@settings(max_examples=50, deadline=None)
@given(TRAINS, TRAINS, TRAINS)
def test_properties(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    for distance, options in DISTANCES:
        there = distance(a, b, **options)
        assert distance(a, a, **options) == pytest.approx(0, abs=1e-7)
        assert there == pytest.approx(distance(b, a, **options), abs=1e-9)
        assert there >= 0
        if distance in (van_rossum, victor_purpura):  # metrics
            assert there <= distance(a, c, **options) + distance(c, b, **options) + 1e-9
            if a.size != b.size or (a != b).any():
                assert there > 0
        else:
            assert there <= 1 + 1e-12
            turned = distance(1 - a, 1 - b, **options)
            assert turned == pytest.approx(there, abs=1e-9)


def test_matrix() -> None:
    matrix = distance_matrix([A, B, []], van_rossum, tau=0.1)
    assert matrix.shape == (3, 3)
    np.testing.assert_array_equal(matrix, matrix.T)
    assert matrix[0, 1] == van_rossum(A, B, tau=0.1)
    assert not np.diag(matrix).any()


def test_the_distance_of_tensors_is_the_square() -> None:
    random = np.random.default_rng(0).random((2, 60, 5)) < 0.15
    first, second = (torch.tensor(spikes, dtype=torch.float64, requires_grad=True) for spikes in random)
    found = van_rossum_squared(first, second, tau=7.0)
    expected = [
        van_rossum(*(np.flatnonzero(spikes[:, neuron]) for spikes in random), tau=7.0) ** 2 for neuron in range(5)
    ]
    np.testing.assert_allclose(found.detach(), expected, atol=1e-12)
    assert torch.autograd.gradcheck(lambda x: van_rossum_squared(x[:8], second[:8].detach(), tau=3.0), first)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: van_rossum(A, B, tau=0.0), "tau must be above 0"),
        (lambda: victor_purpura(A, B, cost=-1.0), "cost must be 0 or more"),
        (lambda: isi_distance(A, B, start=0.0, stop=0.5), "outside 0 s to 0.5 s"),
        (lambda: spike_distance(A, B, start=1.0, stop=0.5), "must be before stop"),
        (lambda: van_rossum(SpikeTrains([], [], 2), B, tau=1.0), "of one neuron in one trial"),
        (lambda: van_rossum_squared(torch.zeros(2), torch.zeros(2), tau=0.0), "van_rossum_squared: tau"),
    ],
)
def test_what_has_no_distance(call: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        call()
