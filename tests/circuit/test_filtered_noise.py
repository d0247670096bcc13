"""The Ornstein-Uhlenbeck process by halving: its distribution, and that a step holds the same whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neurosim.circuit.filtered_noise import FilteredNoise, ornstein_uhlenbeck
from neurosim.errors import CircuitError, UnitError
from neurosim.random import noise
from neurosim.units import ms, mV, pA, quantity

DT = 1e-4


def numbers(n: int, seed: int = 1) -> Callable[[int, int], np.ndarray]:
    """Return standard normal numbers of spans of steps, (time, neuron)."""
    return lambda first, last: noise(seed, "x", trials=(0, 1), steps=(first, last), neurons=n)[:, 0]


@pytest.mark.parametrize(("ratio", "first"), [(0.3, 0), (0.3, 1000), (0.02, 250), (3.0, 5), (50.0, 0)])
def test_mean_variance_and_correlation(ratio: float, first: int) -> None:
    n, length = 20_000, 70
    values = ornstein_uhlenbeck(first, first + length, ratio, numbers(n))
    assert values.shape == (length, n)
    assert np.abs(values.mean(axis=1)).max() < 5 / np.sqrt(n)
    lags = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
    expected = np.exp(-lags * ratio)
    bound = 5.5 * np.sqrt((1 + expected**2) / n)  # standard error of a covariance, over 2485 pairs
    assert np.all(np.abs(values @ values.T / n - expected) < bound)


def test_values_are_normal_at_every_place_in_the_halving() -> None:
    values = ornstein_uhlenbeck(0, 129, 0.3, numbers(5000))
    for step in (0, 1, 2, 64, 96, 127, 128):
        assert stats.kstest(values[step], "norm").pvalue > 1e-3


def test_one_course_in_the_long_run() -> None:
    ratio, length = 0.05, 400_000
    course = ornstein_uhlenbeck(0, length, ratio, numbers(1))[:, 0]
    independent = length * ratio / 2  # that many independent values have the same error of the mean
    assert abs(course.mean()) < 4 / np.sqrt(independent)
    assert abs(course.var() - 1) < 4 * np.sqrt(2 / (length * ratio))
    for lag in (1, 5, 20, 60):
        # Bartlett's error of a correlation is below that of the variance.
        assert abs(np.mean(course[lag:] * course[:-lag]) - np.exp(-lag * ratio)) < 4 * np.sqrt(2 / (length * ratio))


@given(st.integers(0, 5000), st.integers(1, 300), st.sampled_from([0.001, 0.02, 0.7, 60.0]))
@settings(max_examples=40, deadline=None)
def test_a_step_holds_the_same_in_every_span(first: int, length: int, ratio: float) -> None:
    draw = numbers(3)
    span = ornstein_uhlenbeck(first, first + length, ratio, draw)
    longer = ornstein_uhlenbeck(max(first - 37, 0), first + length + 90, ratio, draw)
    np.testing.assert_array_equal(span, longer[first - max(first - 37, 0) :][:length])
    middle = first + length // 2
    np.testing.assert_array_equal(ornstein_uhlenbeck(middle, middle + 1, ratio, draw)[0], span[length // 2])


def test_few_numbers_are_drawn() -> None:
    asked: list[int] = []

    def draw(first: int, last: int) -> np.ndarray:
        asked.append(last - first)
        return numbers(1)(first, last)

    ornstein_uhlenbeck(10_000, 10_256, 0.001, draw)  # independent after 65536 steps
    assert asked[0] == 256
    assert sum(asked[1:]) <= 2 * 17 + 1


def test_a_correlation_time_beyond_any_run_is_refused() -> None:
    with pytest.raises(CircuitError, match="give a constant instead"):
        ornstein_uhlenbeck(0, 10, 1e-30, numbers(1))


# -- the stimulus ----------------------------------------------------------------------------------------------------


def course(signal: FilteredNoise, first: int, last: int, n: int, dt: float = DT, trials: int = 1) -> np.ndarray:
    """Return the values of a signal in a run of one seed, (time, trial, neuron)."""

    def normals(begin: int, end: int, count: int) -> np.ndarray:
        return noise(3, "stimulus", trials=(0, trials), steps=(begin, end), neurons=count)

    return np.broadcast_to(signal.rows(first, last, dt, n, normals), (last - first, trials, n))


@pytest.mark.parametrize("dt", [1e-4, 1e-3])
def test_mean_deviation_and_time_in_units(dt: float) -> None:
    signal = FilteredNoise(100 * pA, 30 * pA, 5 * ms)
    values = course(signal, 0, 60, 20_000, dt)[:, 0]
    assert abs(values.mean() - 100e-12) < 2e-12
    np.testing.assert_allclose(values.std(axis=1), 30e-12, rtol=0.04)
    correlation = np.corrcoef(values[7], values[7 + round(5e-3 / dt)])[0, 1]
    assert abs(correlation - np.exp(-1)) < 0.04


def test_levels_per_neuron() -> None:
    values = course(FilteredNoise([0, 5] * mV, [0, 1] * mV, 2 * ms), 0, 100, 2)
    assert np.all(values[..., 0] == 0)
    assert 3e-3 < values[..., 1].mean() < 7e-3
    assert values[..., 1].std() > 0


def test_shared_is_one_course_in_each_trial() -> None:
    values = course(FilteredNoise(0.0, [1.0, 2.0, -0.0], 2 * ms, shared=True), 0, 100, 3, trials=2)
    np.testing.assert_array_equal(values[..., 1], 2 * values[..., 0])
    assert not np.any(values[:, 0, 0] == values[:, 1, 0])
    assert not np.any(np.diff(course(FilteredNoise(0.0, 1.0, 2 * ms), 0, 100, 3), axis=2) == 0)


def test_it_is_0_outside_its_window() -> None:
    always = course(FilteredNoise(1.0, 0.1, 2 * ms), 0, 50, 2)
    values = course(FilteredNoise(1.0, 0.1, 2 * ms, start=1 * ms, stop=3 * ms), 0, 50, 2)
    np.testing.assert_array_equal(values[10:30], always[10:30])
    assert not values[:10].any()
    assert not values[30:].any()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: FilteredNoise(0, -1.0, 1 * ms), CircuitError, "std must not be negative"),
        (lambda: FilteredNoise(0, 1.0, 0 * ms), CircuitError, "tau must be positive"),
        (lambda: FilteredNoise(0, 1.0, 5), UnitError, "FilteredNoise: tau needs a unit"),
        (lambda: FilteredNoise(0, 1 * pA, 5 * ms), UnitError, "FilteredNoise: mean"),
        (lambda: FilteredNoise(0, np.nan, 5 * ms), CircuitError, "std must be finite"),
        (lambda: FilteredNoise([1, 2], 1, 5 * ms).check(3), CircuitError, "mean has 2 values, the target has 3"),
        (lambda: FilteredNoise(1, [1, 2], 5 * ms).check(3), CircuitError, "std has 2 values, the target has 3"),
        (lambda: FilteredNoise(0, 1, 5 * ms, start=2 * ms, stop=1 * ms), CircuitError, "stop .* lies before start"),
    ],
)
def test_noise_that_cannot_be(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_its_unit_is_that_of_the_deviation() -> None:
    assert FilteredNoise(quantity(0.0, "amp"), 3 * pA, 1 * ms).unit == "amp"
