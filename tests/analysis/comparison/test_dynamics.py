"""Time scales and dimensions of a simulation beside those of a recording."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.comparison.comparison_data import poisson, recording
from neurosim.analysis.comparison import STATISTICS, compare, overview, plot_line
from neurosim.analysis.comparison.resampling import _pair_means
from neurosim.analysis.comparison.settings import settings_for
from neurosim.analysis.comparison.statistics import dimensions
from neurosim.analysis.representation import participation_ratio
from neurosim.analysis.spikes import autocorrelation, spike_counts
from neurosim.recording import SpikeTrains

QUICK: dict[str, Any] = {"resamples": 60, "surrogates": 5, "halves": 5}


def shared(n: int, seconds: float, sources: int, *, private: float = 0.0, seed: int = 0) -> SpikeTrains:
    """Return neurons that follow so many common rates, which are drawn anew every 100 ms."""
    draw = np.random.default_rng(seed)
    common = draw.gamma(1.0, 1.0, (round(seconds / 0.1), sources))[:, np.arange(n) % sources]
    counts = draw.poisson(20.0 * (common + private))
    bins, neurons = np.nonzero(counts)
    number = counts[bins, neurons]
    times = np.repeat(bins * 0.1, number) + draw.uniform(1e-4, 0.0999, number.sum())
    return SpikeTrains(times, np.repeat(neurons, number), n, duration=seconds)


def test_dimensions_against_the_participation_ratio() -> None:
    trains = shared(24, 60.0, 3)
    how = settings_for([trains], 0.1, 0.005, None)
    statistic = STATISTICS["dimensions"]
    counts = spike_counts(trains, None, 0.1)
    plain = participation_ratio((counts - counts.mean(axis=0)) / counts.std(axis=0))
    found = statistic.described(statistic.measure(trains, how), how)
    # Without the correction for 600 windows it is the same number.
    squared = np.corrcoef(counts.T)[np.triu_indices(24, 1)] ** 2
    assert dimensions(squared, how) == pytest.approx(plain)
    assert found == pytest.approx(plain, rel=0.02)
    assert found > plain
    # Eight neurons follow each of three rates: of a mean squared correlation of r^2, 24 / (1 + 7 r^2) of them.
    r = (400 / (400 + 20)) ** 2
    assert found == pytest.approx(24 / (1 + 7 * r), rel=0.06)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 12), st.integers(0, 1000))
def test_draws_of_pairs_are_those_of_copies(n: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    measured = draw.normal(size=(n, n))
    measured = measured + measured.T
    measured[:, draw.random(n) < 0.2] = np.nan
    measured = np.where(np.isnan(measured + measured.T), np.nan, measured)
    drawn = draw.integers(0, n, (5, n))
    statistic, how = STATISTICS["correlation"], settings_for([poisson(n, 1.0)], 0.1, 0.005, None)
    copied = [statistic.described(statistic.take(measured, rows), how) for rows in drawn]
    assert _pair_means(measured, drawn) == pytest.approx(copied, nan_ok=True)


def test_independent_and_identical_neurons() -> None:
    many = poisson(20, 30.0)
    one = overview(recording(many), resamples=20)
    number = next(fact.estimate for fact in one.facts if fact.name == "dimensions")
    assert number.value == pytest.approx(20.0, rel=0.02)
    single = poisson(1, 30.0)
    copies = SpikeTrains(np.tile(single.times, 4), np.repeat(np.arange(4), single.times.size), 4, duration=30.0)
    same = overview(recording(copies), resamples=20)
    assert next(fact.estimate.value for fact in same.facts if fact.name == "dimensions") == pytest.approx(1.0)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 50), st.lists(st.floats(-0.1, 1.0), min_size=1, max_size=9))
def test_dimensions_lie_between_one_and_the_neurons(neurons: int, squares: list[float]) -> None:
    how = settings_for([poisson(neurons, 1.0)], 0.1, 0.005, None)
    assert 1.0 - 1e-12 <= dimensions(np.array(squares), how) <= neurons + 1e-12


def test_sides_of_different_size_are_compared_as_equal_ones() -> None:
    few, many = shared(12, 60.0, 3, seed=1), shared(48, 20.0, 3, seed=2)
    line = compare(recording(few), recording(many), statistics=["dimensions"], **QUICK)["dimensions"]
    assert line.difference.low < 0 < line.difference.high
    assert line.distance == pytest.approx(abs(line.difference.value))
    assert line.simulated.value == pytest.approx(12 / (1 + 3 * (400 / 420) ** 2), rel=0.1)
    other = compare(recording(shared(12, 60.0, 1)), recording(many), statistics=["dimensions"], **QUICK)["dimensions"]
    assert other.difference.high < 0
    assert other.score < line.score


def test_time_scales() -> None:
    slow, fast = (
        compare(recording(flickering(tau, seed=1)), recording(flickering(0.2, seed=2)), statistics=["timescale"],
                **QUICK)["timescale"]
        for tau in (0.2, 0.05)
    )  # fmt: skip
    assert slow.difference.low < 0 < slow.difference.high
    assert slow.score > 0.7
    assert fast.difference.high < 0
    assert fast.score < slow.score
    assert slow.recorded.value == pytest.approx(0.2, rel=0.25)
    assert slow.recorded_values == pytest.approx(
        autocorrelation(flickering(0.2, seed=2), bin=0.02, reach=0.5).values.mean(axis=0)
    )
    axes = plot_line(slow)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("lag (s)", "autocorrelation")


def flickering(tau: float, *, seed: int) -> SpikeTrains:
    """Return ten Poisson neurons of 10 or 40 Hz, each of which changes its rate at random times."""
    draw, step = np.random.default_rng(seed), 2e-3
    changes = draw.random((30_000, 10)) < 0.5 * step / tau  # the correlation of a state decays with tau
    high = (np.cumsum(changes, axis=0) + draw.integers(0, 2, 10)) % 2
    steps, neurons = np.nonzero(draw.random(high.shape) < step * (10 + 30 * high))
    return SpikeTrains(steps * step, neurons, 10, duration=60.0)
