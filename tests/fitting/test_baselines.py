"""The baselines against scikit-learn, and that they know nothing of what is held out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.analysis import Features
from neurosim.analysis.spikes import bits_per_spike
from neurosim.errors import AnalysisError
from neurosim.fitting import own_past, same_bin_ridge

DRAW = np.random.default_rng(2)
ROWS = 600
FITTED = np.arange(ROWS) < 450


def bursting() -> np.ndarray:
    """Return counts whose mean follows those of the two bins before, and of a unit that is Poisson."""
    counts = np.zeros((ROWS, 2))
    for k in range(ROWS):
        before = counts[max(0, k - 2) : k, 0].sum()
        counts[k] = DRAW.poisson([0.3 * np.exp(0.4 * min(before, 5)), 1.0])
    return counts


COUNTS = bursting()


def test_own_past_against_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    found = own_past(COUNTS, FITTED, reach=4, scale=1e3)
    for unit in range(2):
        y = COUNTS[:, unit]
        before = np.concatenate([np.full(4, y[FITTED].mean()), y])
        past = np.stack([before[3:-1], before[2:-2], (before[1:-3] + before[:-4]) / 2], axis=1)
        past = np.minimum(past, past[FITTED].max(0))
        past = (past - past[FITTED].mean(0)) / past[FITTED].std(0)
        theirs = linear_model.PoissonRegressor(alpha=0, tol=1e-10, max_iter=1000).fit(past[FITTED], y[FITTED])
        assert found[:, unit] == pytest.approx(theirs.predict(past), rel=1e-4)


def test_own_past_knows_bursts() -> None:
    later = ~FITTED
    bits = bits_per_spike(COUNTS[later], own_past(COUNTS, FITTED, reach=8)[later])
    assert bits[0] > 0.05
    assert abs(bits[1]) < 0.02


def test_ridge_against_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    seen = DRAW.normal(size=(ROWS, 4))
    counts = DRAW.poisson(np.exp(0.3 * seen[:, :1] - 0.5 * seen[:, 1:2]))
    found = same_bin_ridge(seen, counts, FITTED, penalties=[0.2], floors=[0.1])
    scaled = (seen - seen[FITTED].mean(0)) / seen[FITTED].std(0)
    theirs = linear_model.Ridge(alpha=0.2 * FITTED.sum()).fit(scaled[FITTED], counts[FITTED]).predict(scaled)
    assert found[:, 0] == pytest.approx(np.maximum(theirs.ravel(), 0.1 * counts[FITTED].mean()), rel=1e-9)
    assert found.min() == pytest.approx(0.1 * counts[FITTED].mean())


def test_ridge_chooses_what_predicts() -> None:
    seen = DRAW.normal(size=(ROWS, 30))
    counts = np.column_stack([DRAW.poisson(np.exp(0.5 * seen[:, 0])), DRAW.poisson(np.ones(ROWS))])
    found = same_bin_ridge(seen, counts, FITTED)
    bits = bits_per_spike(counts[~FITTED], found[~FITTED])
    assert bits[0] > 0.05
    assert bits[1] > -0.02  # a unit of which nothing is to be known: the largest penalty is as good as its mean
    small = same_bin_ridge(seen, counts, FITTED, penalties=[1e-6], floors=[0.01])
    assert (bits > bits_per_spike(counts[~FITTED], small[~FITTED])).all()


def test_what_is_held_out_changes_nothing() -> None:
    other = COUNTS.copy()
    other[~FITTED] = DRAW.poisson(3.0, other[~FITTED].shape)
    for baseline in (own_past, lambda counts, rows: same_bin_ridge(COUNTS[:, ::-1], counts, rows)):
        one, two = baseline(COUNTS, FITTED), baseline(other, FITTED)
        assert np.array_equal(one[FITTED], two[FITTED])


def test_trials_and_gaps_are_kept_apart() -> None:
    counts = COUNTS[:, :1]
    times, groups = np.arange(ROWS) * 0.05, np.zeros(ROWS, dtype=np.int64)
    units = np.array(["a[0]"])
    whole = own_past(Features(counts, units, "", None, groups, times), FITTED)
    assert np.array_equal(whole, own_past(counts, FITTED))
    pieces = [
        own_past(Features(counts, units, "", None, groups, times + (np.arange(ROWS) >= 200)), FITTED),
        own_past(Features(counts, units, "", None, (np.arange(ROWS) >= 200).astype(np.int64), times), FITTED),
    ]
    assert np.array_equal(pieces[0], pieces[1])
    assert not np.array_equal(pieces[0][200:260], whole[200:260])


def test_silent_units() -> None:
    counts = np.column_stack([COUNTS[:, 0], np.where(FITTED, 0, 1)])
    for found in (own_past(counts, FITTED), same_bin_ridge(COUNTS, counts, FITTED)):
        assert np.isfinite(found).all()
        assert 0 < found[:, 1].min() <= found[:, 1].max() < 0.01


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: own_past(COUNTS[:, 0], FITTED), "row, unit"),
        (lambda: own_past(-COUNTS, FITTED), "0 or more"),
        (lambda: own_past(COUNTS, FITTED[:5]), "for each of the 600 rows"),
        (lambda: own_past(COUNTS, FITTED & False), "one of them true"),
        (lambda: own_past(COUNTS, FITTED.astype(int)), "truth value"),
        (lambda: own_past(COUNTS, FITTED, reach=0), "reach"),
        (lambda: same_bin_ridge(COUNTS[:5], COUNTS, FITTED), r"\(600, unit\)"),
        (lambda: same_bin_ridge(COUNTS * np.nan, COUNTS, FITTED), "finite"),
        (lambda: same_bin_ridge(COUNTS, COUNTS, FITTED, penalties=[]), "above 0"),
        (lambda: same_bin_ridge(COUNTS, COUNTS, FITTED, folds=1), "1 folds of 450"),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        call()
