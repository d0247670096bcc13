from __future__ import annotations

from math import nan, pi, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from neurosim.analysis.sparsity import (
    MEASURES,
    active_fraction,
    excess_kurtosis,
    gini,
    hoyer,
    participation_ratio,
    treves_rolls,
    vinje_gallant,
    willmore_tolhurst,
)
from neurosim.errors import AnalysisError

FIVE = (treves_rolls, vinje_gallant, hoyer, gini, excess_kurtosis)
RATES = arrays(np.float64, st.integers(2, 30), elements=st.floats(0, 1e3, allow_subnormal=False)).filter(
    lambda rates: rates.max() > 1e-3
)


def among(k: int, n: int) -> np.ndarray:
    return np.repeat([1.0, 0.0], [k, n - k])


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        (among(1, 10), (0.1, 1, 1, 0.9, 5.11111)),
        (among(1, 100), (0.01, 1, 1, 0.99, 95.0101)),
        (among(2, 10), (0.2, 0.888889, 0.808436, 0.8, 0.25)),
        (among(5, 10), (0.5, 0.555556, 0.428349, 0.5, -2)),
        (among(20, 1000), (0.02, 0.980981, 0.886616, 0.98, 45.0204)),
        (np.arange(1, 11), (0.785714, 0.238095, 0.166130, 0.3, -1.22424)),
        (np.arange(10), (0.710526, 0.321637, 0.229715, 0.366667, -1.22424)),
        ([4, 1, 0, 0], (0.367647, 0.843137, 0.787322, 0.65, -0.851271)),
        ([3, 4], (0.98, 0.04, 0.0343146, 0.0714286, -2)),
    ],
)
def test_known_values(rates: Any, expected: tuple[float, ...]) -> None:
    assert [measure(rates) for measure in FIVE] == pytest.approx(expected, rel=5e-6, abs=1e-6)


@pytest.mark.parametrize(("k", "n"), [(1, 2), (3, 7), (10, 10), (1, 50)])
def test_equal_values_among_zeros(k: int, n: int) -> None:
    rates = 3.5 * among(k, n)
    assert active_fraction(rates) == treves_rolls(rates) == pytest.approx(k / n)
    assert vinje_gallant(rates) == pytest.approx((1 - k / n) / (1 - 1 / n), abs=1e-12)
    assert hoyer(rates) == pytest.approx((sqrt(n) - sqrt(k)) / (sqrt(n) - 1), abs=1e-12)
    assert gini(rates) == willmore_tolhurst(rates) == pytest.approx(1 - k / n, abs=1e-12)
    assert gini(rates, unbiased=True) == pytest.approx((1 - k / n) * n / (n - 1), abs=1e-12)
    assert participation_ratio(rates) == pytest.approx(k)
    if k < n:
        q = k / n
        assert excess_kurtosis(rates) == pytest.approx((1 - 3 * q * (1 - q)) / (q * (1 - q)) - 3)


@pytest.mark.parametrize(
    ("distribution", "limits"),
    [
        (stats.expon, (0.5, 0.5, 0.2929, 0.5, 6)),
        (stats.halfnorm, (2 / pi, 0.3634, 0.2021, 0.4142, 0.869)),
        (stats.gamma(0.5), (1 / 3, 2 / 3, 0.4226, 0.6366, 12)),
        (stats.uniform, (0.75, 0.25, 0.1340, 1 / 3, -1.2)),
    ],
    ids=["exponential", "half-normal", "gamma", "uniform"],
)
def test_many_values_of_a_distribution(distribution: Any, limits: tuple[float, ...]) -> None:
    quantiles = distribution.ppf((np.arange(200_000) + 0.5) / 200_000)
    assert [measure(quantiles) for measure in FIVE[:4]] == pytest.approx(limits[:4], abs=1e-3)
    assert excess_kurtosis(quantiles) == pytest.approx(limits[4], rel=5e-3)  # tails are cut


@pytest.mark.parametrize("mean", [0.02, 0.1, 1.0])
def test_poisson_counts_look_sparser_in_shorter_bins(mean: float) -> None:
    counts = np.arange(60)
    shares = np.round(stats.poisson.pmf(counts, mean) * 1e6).astype(int)
    assert treves_rolls(np.repeat(counts, shares)) == pytest.approx(mean / (1 + mean), rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(RATES)
def test_identities(rates: np.ndarray) -> None:
    n, a = rates.size, treves_rolls(rates)
    assert a == pytest.approx(1 / (1 + (rates.std() / rates.mean()) ** 2))
    assert 1 / n <= a * (1 + 1e-12)
    assert a <= 1
    assert hoyer(rates) == pytest.approx((1 - sqrt(a)) / (1 - 1 / sqrt(n)))
    assert vinje_gallant(rates) == pytest.approx((1 - a) / (1 - 1 / n))
    assert participation_ratio(rates) == pytest.approx(n * a)
    differences = np.abs(rates[:, None] - rates[None, :]).sum()
    assert gini(rates) == pytest.approx(differences / (2 * n * rates.sum()), abs=1e-9)
    if np.ptp(rates) > 1e-3:
        assert excess_kurtosis(rates) == pytest.approx(stats.kurtosis(rates), rel=1e-6, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(RATES, st.floats(1e-150, 1e150), st.randoms(use_true_random=False))
def test_neither_scale_nor_order_matters(rates: np.ndarray, scale: float, shuffle: Any) -> None:
    order = list(range(rates.size))
    shuffle.shuffle(order)
    for measure in FIVE if np.ptp(rates) > 1e-3 else FIVE[:4]:
        assert measure(scale * rates[order]) == pytest.approx(measure(rates), rel=1e-6, abs=1e-9)


TAMED = arrays(np.float64, st.integers(3, 12), elements=st.floats(0.1, 10)).filter(lambda rates: np.ptp(rates) > 0.5)


@settings(max_examples=60, deadline=None)
@given(TAMED)
def test_axioms(rates: np.ndarray) -> None:
    """Those of Hurley and Rickard: 1 - a and Gini pass all, the normalised measures fail where values are cloned."""
    rates = np.sort(rates)
    taken = rates + np.eye(rates.size)[0] * 0.2 - np.eye(rates.size)[-1] * 0.2
    poor_gets_some = taken if taken[0] < taken[-1] else rates
    cloned = np.tile(rates, 3)
    bill_gates = rates + np.eye(rates.size)[-1] * 100
    babies = np.append(rates, 0.0)
    for measure in (willmore_tolhurst, gini, vinje_gallant, hoyer):
        value = measure(rates)
        assert measure(poor_gets_some) <= value + 1e-12  # Robin Hood
        assert measure(rates + 1.0) < value  # rising tide
        assert measure(bill_gates) > value
        if measure in (willmore_tolhurst, gini):
            assert measure(cloned) == pytest.approx(value)
            assert measure(babies) > value
        else:
            assert abs(measure(cloned) - value) > 1e-9


@pytest.mark.parametrize("name", MEASURES)
def test_what_is_silent_has_no_sparseness(name: str) -> None:
    value = MEASURES[name](np.zeros((3, 4)))
    assert value.shape == (3,)
    if name == "active_fraction":
        assert not value.any()
    else:
        assert np.isnan(value).all()


def test_one_value_alone() -> None:
    assert [measure([2.0]) for measure in (treves_rolls, gini, participation_ratio, active_fraction)] == [1, 0, 1, 1]
    for value in (vinje_gallant([2.0]), hoyer([2.0]), gini([2.0], unbiased=True), excess_kurtosis([2.0])):
        assert np.isnan(value)


def test_equal_values() -> None:
    rates = np.full(7, 0.1)
    assert [measure(rates) for measure in FIVE[:4]] == pytest.approx([1, 0, 0, 0], abs=1e-12)
    assert np.isnan(excess_kurtosis(rates))


@pytest.mark.parametrize("name", MEASURES)
def test_missing_values_are_left_out(name: str) -> None:
    rates = np.array([[4.0, nan, 1.0, 0.0, nan, 0.0], [nan] * 6, [1.0, 2.0, nan, nan, nan, 5.0]])
    values = MEASURES[name](rates)
    assert values[0] == MEASURES[name]([4, 1, 0, 0])
    assert np.isnan(values[1])
    assert values[2] == MEASURES[name]([1, 2, 5])


@pytest.mark.parametrize("name", MEASURES)
def test_axis(name: str) -> None:
    rates = np.random.default_rng(0).exponential(size=(3, 4, 5))
    for axis in range(3):
        values = MEASURES[name](rates, axis=axis)
        assert values.shape == tuple(np.delete(rates.shape, axis))
        assert values[0, 0] == MEASURES[name](np.moveaxis(rates, axis, -1)[0, 0])


def test_negative_values() -> None:
    rates = [-1.0, 2.0, 0.0]
    with pytest.raises(AnalysisError, match="1 values are below 0"):
        gini(rates)
    assert gini(rates, negative="rectify") == gini([0, 2, 0])
    assert hoyer(rates, negative="magnitude") == hoyer([1, 2, 0])
    with pytest.raises(AnalysisError, match="Did you mean 'rectify'"):
        treves_rolls(rates, negative="rectified")  # type: ignore[arg-type]
    assert active_fraction(rates) == pytest.approx(1 / 3)
    assert active_fraction(rates, threshold=-2) == 1


@pytest.mark.parametrize(
    ("rates", "axis", "message"),
    [
        ([], -1, "no value along axis"),
        (np.ones((3, 0)), 1, "no value along axis"),
        ([1.0, np.inf], -1, "finite"),
        (["a"], -1, "real numbers"),
        (3.0, -1, "no axis"),
        (np.ones(3), 1, "no axis 1"),
    ],
)
def test_what_cannot_be_measured(rates: Any, axis: int, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        treves_rolls(rates, axis=axis)
