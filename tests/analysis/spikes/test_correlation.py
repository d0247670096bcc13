from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import signal, stats

from neurosim.analysis.spikes import (
    autocorrelation,
    correlogram,
    count_correlation,
    fano,
    lempel_ziv,
    mean_correlation,
    population_complexity,
    population_spectrum,
    synchrony,
    tiling_coefficient,
    tuning,
)
from neurosim.errors import AnalysisError
from neurosim.recording import SpikeTrains

A = np.array([0.021, 0.084, 0.113, 0.21, 0.305, 0.311, 0.46, 0.72, 0.9])
B = np.array([0.03, 0.09, 0.2, 0.33, 0.47, 0.5, 0.74])


def poisson(n: int, rate: float, duration: float, seed: int = 0, trials: int = 1) -> SpikeTrains:
    random = np.random.default_rng(seed)
    number = random.poisson(rate * duration * n * trials)
    return SpikeTrains(
        random.uniform(0, duration, number), random.integers(n, size=number), n, random.integers(trials, size=number),
        trials, duration,
    )  # fmt: skip


def test_correlations_are_pearsons() -> None:
    counts = np.random.default_rng(0).poisson(2.0, (40, 3)).astype(float)
    counts = np.column_stack([counts, counts[:, 0] + counts[:, 1], -counts[:, 0] + 10, np.full(40, 0.1)])
    found = count_correlation(counts)
    assert found[0, 3] == pytest.approx(stats.pearsonr(counts[:, 0], counts[:, 3]).statistic)
    assert found[0, 4] == pytest.approx(-1)
    np.testing.assert_array_equal(np.diag(found)[:5], np.ones(5))
    assert np.isnan(found[5]).all()
    np.testing.assert_array_equal(found, found.T)
    pairs = [found[i, j] for i in range(5) for j in range(i)]
    assert mean_correlation(found) == pytest.approx(np.mean(pairs))
    assert np.isnan(mean_correlation(np.ones((1, 1))))


@pytest.mark.parametrize("rate", [0.02, 0.5])
def test_correlations_of_few_and_of_many_spikes(rate: float) -> None:
    counts = np.random.default_rng(1).poisson(rate, (3000, 8)).astype(float)
    counts[:, 5] = counts[:, 4]
    counts[:, 6] = 0.0
    found = count_correlation(counts)
    known = np.flatnonzero(np.arange(8) != 6)
    np.testing.assert_allclose(found[np.ix_(known, known)], np.corrcoef(counts[:, known].T), atol=1e-12)
    assert found[4, 5] == pytest.approx(1)
    assert np.isnan(found[6]).all()


def test_a_shifted_copy_shows_at_its_lag() -> None:
    times = np.sort(np.random.default_rng(1).uniform(0, 100, 500))
    both = SpikeTrains(np.concatenate([times, times + 0.02]), np.repeat([0, 1], 500), 2, duration=101.0)
    found = correlogram(both, 0, 1, reach=0.05, bin=0.005)
    assert found.lags[found.counts.argmax()] == pytest.approx(0.02)
    assert found.counts.max() >= 500
    back = correlogram(both, 1, 0, reach=0.05, bin=0.005)
    np.testing.assert_array_equal(back.counts, found.counts[::-1])


def test_correlogram_by_all_pairs() -> None:
    found = correlogram([A, B], 0, 1, reach=0.0855, bin=0.0171)
    apart = (B[None, :] - A[:, None]).reshape(-1)
    edges = np.arange(-5.5, 6) * 0.0171
    np.testing.assert_array_equal(found.counts, np.histogram(apart, edges)[0])
    np.testing.assert_allclose(found.rate, found.counts / (9 * 0.0171))
    own = correlogram([A], 0, 0, reach=0.0855, bin=0.0171)
    pairs = (A[None, :] - A[:, None])[~np.eye(9, dtype=bool)]
    np.testing.assert_array_equal(own.counts, np.histogram(pairs, edges)[0])
    np.testing.assert_array_equal(own.counts, own.counts[::-1])


def test_pairs_are_of_one_trial() -> None:
    trains = SpikeTrains([0.1, 0.11], [0, 1], 2, trials=[0, 1], n_trials=2, duration=1.0)
    assert not correlogram(trains, 0, 1, reach=0.05, bin=0.01).counts.any()


def test_independent_neurons_have_their_rate_at_every_lag() -> None:
    found = correlogram(poisson(2, 30.0, 200.0), 0, 1, reach=0.05, bin=0.005)
    assert found.rate == pytest.approx(np.full(21, 30), rel=0.12)


@pytest.mark.parametrize(
    "call",
    [
        fano, count_correlation, synchrony,
        lambda counts: autocorrelation(counts, bin=0.1, reach=0.2),
        lambda counts: tuning(counts, [0, 0, 1, 1, 2, 2]),
    ],
    ids=["fano", "correlation", "synchrony", "autocorrelation", "tuning"],
)  # fmt: skip
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_counts_must_be_finite(call: Any, wrong: float) -> None:
    counts = np.arange(18.0).reshape(6, 3)
    call(counts)
    counts[2, 1] = wrong
    with pytest.raises(AnalysisError, match="NaN or infinite values, the first in row 2 of unit 1"):
        call(counts)


def test_synchrony() -> None:
    assert np.isnan(synchrony(np.empty((5, 0))))
    counts = np.random.default_rng(0).poisson(1.0, (4000, 25)).astype(float)
    assert synchrony(counts) == pytest.approx(0.2, rel=0.05)
    assert synchrony(np.repeat(counts[:, :1], 5, axis=1)) == pytest.approx(1)
    assert np.isnan(synchrony(np.zeros((5, 3))))


def test_tiling_coefficient() -> None:
    """The first value is what Elephant 1.2.1 says."""
    assert tiling_coefficient(A, B, lag=0.01, start=0, stop=1) == pytest.approx(0.3862806082148499)
    assert tiling_coefficient(A, A, lag=0.01, start=0, stop=1) == 1
    assert np.isnan(tiling_coefficient([], A, lag=0.01, start=0, stop=1))
    alternate = np.arange(0.05, 1, 0.1)
    assert tiling_coefficient(alternate, alternate + 0.04, lag=0.01, start=0, stop=1) < -0.1
    random = [np.sort(np.random.default_rng(seed).uniform(0, 500, 2000)) for seed in (0, 1)]
    assert tiling_coefficient(*random, lag=0.01, start=0, stop=500) == pytest.approx(0, abs=0.03)


# --- the population ---


def test_spectrum_of_independent_neurons_is_flat() -> None:
    found = population_spectrum(poisson(40, 20.0, 60.0, trials=2), bin=0.002, segment=0.5)
    assert found.frequency[[0, -1]] == pytest.approx([2, 248])
    assert found.power.mean() == pytest.approx(1, abs=0.02)
    assert found.power.std() < 0.15
    assert found.segments == 2 * 239


def test_spectrum_is_welchs() -> None:
    trains = poisson(5, 20.0, 10.0, seed=2)
    found = population_spectrum(trains, bin=0.01, segment=1.0)
    counts = np.histogram(trains.times, np.arange(1001) * 0.01)[0] / 0.01
    frequency, power = signal.welch(counts, 100.0, nperseg=100)
    np.testing.assert_allclose(found.frequency, frequency[1:-1])
    np.testing.assert_allclose(found.power, power[1:-1] / (2 * counts.mean()), rtol=1e-9)


def test_a_rhythm_is_found() -> None:
    random = np.random.default_rng(0)
    times = random.uniform(0, 60, 120_000)
    kept = times[random.random(times.size) < (1 + np.cos(2 * np.pi * 12.0 * times)) / 4]
    trains = SpikeTrains(kept, random.integers(30, size=kept.size), 30, duration=60.0)
    frequency, power = population_spectrum(trains, segment=2.0).peak(5.0, 40.0)
    assert frequency == pytest.approx(12.0, abs=0.5)
    assert power > 50


def test_complexity_of_sequences() -> None:
    assert lempel_ziv([0, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1], normalised=False) == 6  # Kaspar and Schuster
    assert lempel_ziv(np.zeros(100), normalised=False) == 2
    assert lempel_ziv(np.tile([0, 1], 50), normalised=False) == 3
    assert lempel_ziv([1], normalised=False) == 1
    coins = np.random.default_rng(0).random(8_000) < 0.5
    assert lempel_ziv(coins) == pytest.approx(1, abs=0.06)
    assert lempel_ziv(np.arange(8_000) % 7 == 0) < 0.01
    assert lempel_ziv(~coins) == lempel_ziv(coins)


def test_complexity_of_populations() -> None:
    assert population_complexity(poisson(20, 20.0, 4.0), bin=0.01) == pytest.approx(1, abs=0.05)
    regular = SpikeTrains(np.tile(np.arange(0.005, 4, 0.05), 20), np.repeat(np.arange(20), 80), 20, duration=4.0)
    assert population_complexity(regular, bin=0.01) < 0.1
    assert np.isnan(population_complexity(SpikeTrains([], [], 3, duration=1.0), bin=0.1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: count_correlation(np.ones((1, 3))), "at least 2 windows"),
        (lambda: synchrony(np.ones((1, 3))), "synchrony: at least 2"),
        (lambda: correlogram([A], 0, 1, reach=0.1, bin=0.01), "no neuron 1"),
        (lambda: correlogram([A], 0, 0, reach=0.01, bin=0.1), "not above reach"),
        (lambda: tiling_coefficient(A, B, lag=0.01, start=0, stop=0.5), "outside"),
        (lambda: tiling_coefficient(A, B, lag=0.0, start=0, stop=1), "must be above 0"),
        (lambda: lempel_ziv([0, 2]), "a sequence of 0 and 1"),
        (lambda: lempel_ziv([]), "of shape .0,."),
        (lambda: population_spectrum(poisson(2, 10.0, 0.5)), "observed in every trial"),
        (lambda: population_spectrum(SpikeTrains([], [], 2, duration=5.0)), "no neuron spikes"),
        (
            lambda: population_spectrum(SpikeTrains([0.1], [0], 1, support=[(0, 2), (3, 5)])),
            "has gaps",
        ),
        (lambda: population_spectrum(poisson(2, 10.0, 5.0)).peak(3000.0), "no frequency"),
    ],
)
def test_what_cannot_be_said(call: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        call()
