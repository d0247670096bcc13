"""Bits a spike and explained deviance against scipy, scikit-learn and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from neurosim.analysis.spikes import PredictionScore, bits_per_spike, deviance_explained, poisson_log_likelihood
from neurosim.errors import AnalysisError

DRAW = np.random.default_rng(3)
MEANS = DRAW.uniform(0.05, 4, (60, 5))
COUNTS = DRAW.poisson(MEANS).astype(float)


def test_likelihood_against_scipy() -> None:
    expected = stats.poisson.logpmf(COUNTS, MEANS).sum(0)
    assert poisson_log_likelihood(COUNTS, MEANS) == pytest.approx(expected, rel=1e-12)
    assert poisson_log_likelihood([[1.0], [0.0]], [[0.0], [0.0]]).tolist() == [-np.inf]


def test_bits_against_scipy() -> None:
    gained = stats.poisson.logpmf(COUNTS, MEANS) - stats.poisson.logpmf(COUNTS, COUNTS.mean(0))
    assert bits_per_spike(COUNTS, MEANS) == pytest.approx(gained.sum(0) / COUNTS.sum(0) / np.log(2), rel=1e-10)
    gained = stats.poisson.logpmf(COUNTS, MEANS) - stats.poisson.logpmf(COUNTS, 0.7)
    found = bits_per_spike(COUNTS, MEANS, baseline=0.7)
    assert found == pytest.approx(gained.sum(0) / COUNTS.sum(0) / np.log(2), rel=1e-10)


def test_bits_in_closed_form() -> None:
    # All spikes come in a share p of the bins, and it is known in which: each spike is worth log2(1/p) bits.
    counts = np.zeros((64, 1))
    counts[:8] = 3
    assert bits_per_spike(counts, counts) == pytest.approx([3.0], rel=1e-12)
    # Twice the rate that there was: y ln 2 - mean, over y ln 2.
    assert bits_per_spike(counts, np.full((64, 1), 2 * counts.mean())) == pytest.approx([1 - 1 / np.log(2)])
    silent = np.column_stack([counts[:, 0], np.zeros(64)])
    found = bits_per_spike(silent, np.full((64, 2), counts.mean()))
    assert found[0] == 0
    assert np.isnan(found[1])


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_nothing_beats_the_counts_themselves(seed: int, units: int) -> None:
    draw = np.random.default_rng(seed)
    counts = draw.poisson(1.0, (20, units)) + np.eye(20)[:, :units]
    means = draw.uniform(0.1, 3, (20, units))
    best = bits_per_spike(counts, counts)
    assert (bits_per_spike(counts, means) <= best + 1e-12).all()
    order = draw.permutation(20)
    assert bits_per_spike(counts[order], means[order]) == pytest.approx(bits_per_spike(counts, means), abs=1e-12)
    constant = draw.uniform(0.1, 3)  # a constant never beats the mean
    assert (bits_per_spike(counts, np.full(counts.shape, constant)) <= 1e-12).all()


def test_deviance_against_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    theirs = [metrics.d2_tweedie_score(COUNTS[:, unit], MEANS[:, unit], power=1) for unit in range(5)]
    assert deviance_explained(COUNTS, MEANS) == pytest.approx(theirs, rel=1e-10)
    assert deviance_explained(COUNTS, COUNTS) == pytest.approx(np.ones(5))
    assert deviance_explained(COUNTS, np.broadcast_to(COUNTS.mean(0), COUNTS.shape)) == pytest.approx(np.zeros(5))
    assert np.isnan(deviance_explained(np.ones((4, 1)), np.ones((4, 1)))).all()


def test_batch_by_batch() -> None:
    score = PredictionScore()
    with pytest.raises(AnalysisError, match="no batch"):
        score.compute()
    for rows in (slice(0, 7), slice(7, 40), slice(40, 60)):
        score.update(COUNTS[rows], MEANS[rows])
    assert score.compute() == pytest.approx(bits_per_spike(COUNTS, MEANS), rel=1e-9)
    with pytest.raises(AnalysisError, match="2 units after one of 5"):
        score.update(COUNTS[:, :2], MEANS[:, :2])
    score.reset()
    assert np.isnan(score.update(np.zeros((3, 1)), np.ones((3, 1))).compute()).all()


@pytest.mark.parametrize(
    ("counts", "expected", "message"),
    [
        (COUNTS, MEANS[:5], r"\(60, 5\) and \(5, 5\)"),
        (COUNTS[0], MEANS[0], "bin, unit"),
        (COUNTS[:0], MEANS[:0], "bin, unit"),
        (-COUNTS, MEANS, "0 or more"),
        (COUNTS * np.nan, MEANS, "without NaN"),
        (COUNTS, -MEANS, "clip"),
        (COUNTS, MEANS * np.inf, "finite"),
    ],
)
def test_refusals(counts: Any, expected: Any, message: str) -> None:
    for measure in (poisson_log_likelihood, bits_per_spike, deviance_explained):
        with pytest.raises(AnalysisError, match=message):
            measure(counts, expected)


def test_a_baseline_must_allow_spikes() -> None:
    with pytest.raises(AnalysisError, match="above 0"):
        bits_per_spike(COUNTS, MEANS, baseline=[1, 1, 0, 1, 1])
