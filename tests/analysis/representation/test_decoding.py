"""Decoding and abstraction: tables of known geometries, other packages, splits that keep apart, refusals; real data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import loadmat

from neurosim.analysis import Features, features
from neurosim.analysis.representation import (
    block_splits,
    ccgp,
    cka,
    decode,
    decode_values,
    group_splits,
    label_splits,
    lagged,
    parallelism_score,
    participation_ratio,
    shattering,
)
from neurosim.analysis.representation.abstraction import balanced_dichotomies
from neurosim.analysis.representation.classifiers import fit_classifier
from neurosim.errors import AnalysisError
from reference_data import reference_folder
from representation_fixture import normal

CORNERS = np.array([[-1.0, -1], [-1, 1], [1, -1], [1, 1]])  # (A, B)
A, B = CORNERS[:, 0] > 0, CORNERS[:, 1] > 0
XOR = A != B
TETRAHEDRON = 2 * np.eye(4)
LIFTED = np.column_stack([CORNERS, 0.5 * CORNERS.prod(1)])


def trials(means: np.ndarray, number: int = 60, noise: float = 0.2, seed: int = 0) -> Features:
    labels = np.repeat(np.arange(len(means)), number)
    return features(means[labels] + noise * normal(labels.size, means.shape[1], seed=seed), labels=labels)


# --- abstraction ---


@pytest.mark.parametrize(
    ("means", "expected"), [(CORNERS, (1, 1, -1)), (TETRAHEDRON, (0, 0, 0)), (LIFTED, (0.6, 0.6, -0.6))]
)
def test_parallelism(means: np.ndarray, expected: tuple[float, ...]) -> None:
    found = [parallelism_score(means, dichotomy) for dichotomy in (A, B, XOR)]
    assert found == pytest.approx(expected, abs=1e-12)
    assert [parallelism_score(means, ~dichotomy) for dichotomy in (A, B, XOR)] == pytest.approx(expected)


def test_parallelism_tries_every_pairing() -> None:
    base = normal(3, 5)
    means = np.concatenate([base, base[[2, 0, 1]] + 1.0])
    assert parallelism_score(means, np.arange(6) < 3) == pytest.approx(1)


@pytest.mark.parametrize("classifier", ["discriminant", "logistic"])
def test_generalisation_of_the_square(classifier: Any) -> None:
    x = trials(CORNERS)
    found = [ccgp(x, dichotomy, classifier=classifier) for dichotomy in (A, B, XOR)]
    assert [one.accuracy for one in found] == pytest.approx([0.75, 0.75, 0.0], abs=0.03)
    assert found[0].scheme == "all"
    assert len(found[0].choices) == 4
    assert "4 choices (all), each trained on 2 conditions and tested on 2 others" in str(found[0])
    matched = ccgp(x, A, scheme="matched", classifier=classifier)
    assert matched.accuracy == pytest.approx(1, abs=0.01)
    assert {frozenset(test) for _, test in matched.choices} == {frozenset({0, 2}), frozenset({1, 3})}
    assert [decode(x, dichotomy[x.labels], groups=np.arange(240), classifier=classifier).accuracy
            for dichotomy in (A, B)] == pytest.approx([1, 1], abs=0.01)  # fmt: skip
    assert decode(x, XOR[x.labels], classifier=classifier).accuracy == pytest.approx(0.5, abs=0.12)


def test_generalisation_of_the_tetrahedron() -> None:
    # Of one set of trials it scatters by 0.1: noise in the weights meets conditions that lie far along other axes.
    sets = [trials(TETRAHEDRON, 100, seed=k) for k in range(16)]
    found = [np.mean([ccgp(x, dichotomy).accuracy for x in sets]) for dichotomy in (A, B, XOR)]
    assert found == pytest.approx([0.5, 0.5, 0.5], abs=0.06)
    whole = shattering(trials(TETRAHEDRON))
    assert whole.accuracy == pytest.approx(1, abs=0.01)
    assert whole.dichotomies.shape == (3, 4)
    flat = shattering(trials(CORNERS))
    assert flat.accuracy == pytest.approx((1 + 1 + 0.5) / 3, abs=0.05)


@pytest.mark.parametrize(("conditions", "number"), [(2, 1), (4, 3), (6, 10), (8, 35)])
def test_dichotomies(conditions: int, number: int) -> None:
    found = balanced_dichotomies(conditions)
    assert found.shape == (number, conditions)
    assert (found.sum(1) == conditions // 2).all()
    assert len({tuple(row) for row in found} | {tuple(~row) for row in found}) == 2 * number


# --- decoding ---


def test_classifiers_against_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    analysis = pytest.importorskip("sklearn.discriminant_analysis")
    labels = np.repeat(["a", "b", "c"], 40)
    x = normal(120, 4) + np.repeat(normal(3, 4, seed=1), 40, axis=0)
    scaled = (x - x.mean(0)) / x.std(0)
    theirs = linear_model.LogisticRegression(C=0.5, tol=1e-8, max_iter=1000).fit(scaled, labels)
    ours = fit_classifier(x, labels, "logistic", 2.0)
    assert ours.predict(x).tolist() == theirs.predict(scaled).tolist()
    scores = x @ ours.weights + ours.offsets
    expected = theirs.decision_function(scaled)
    assert scores - scores.mean(1, keepdims=True) == pytest.approx(expected - expected.mean(1, keepdims=True), abs=1e-2)
    many = np.repeat(labels, 25)  # where shrinking the covariance changes nothing any more
    x = normal(3000, 4) @ np.diag([1, 2, 0.5, 1]) + np.repeat(normal(3, 4, seed=1), 1000, axis=0)
    theirs = analysis.LinearDiscriminantAnalysis(solver="lsqr").fit(x, many)
    assert np.mean(fit_classifier(x, many).predict(x) == theirs.predict(x)) > 0.995


def test_chance_and_shuffles() -> None:
    noise = decode(normal(80, 5), np.arange(80) % 2, shuffles=20)
    assert noise.chance == 0.5
    assert noise.null.mean() == pytest.approx(0.5, abs=0.06)
    assert noise.p_value > 0.04
    signal = decode(trials(CORNERS, 20), shuffles=20)
    assert signal.accuracy > 0.95
    assert signal.p_value == pytest.approx(1 / 21)
    assert signal.confusion.sum() == 80
    assert (signal.conditions, signal.units, signal.folds) == (80, 2, 5)


def test_rare_classes_count_the_same() -> None:
    labels = np.array([0] * 190 + [1] * 10)
    assert decode(normal(200, 3), labels, folds=5).accuracy == pytest.approx(0.5, abs=0.2)
    always = np.array([[190, 0], [10, 0]])
    from neurosim.analysis.representation.decoding import _balanced

    assert _balanced(always) == 0.5


def test_rows_of_a_trial_are_tested_together() -> None:
    # Every trial has its own offset: who learns from a part of a trial knows the rest.
    draw = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10)
    labels = (np.arange(40) % 2)[groups]
    x = 3 * draw.normal(size=(40, 30))[groups] + draw.normal(size=(400, 30))
    leaking = decode(x, labels).accuracy
    honest = decode(x, labels, groups=groups, shuffles=3)
    assert leaking > 0.75
    assert honest.accuracy < 0.65
    assert honest.null.shape == (3,)
    within = decode(x, np.arange(400) % 2, groups=groups, shuffles=2)  # labels that change within groups
    assert within.null.shape == (2,)


@given(st.integers(20, 60), st.integers(2, 6), st.integers(0, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_splits(rows: int, folds: int, gap: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    labels, groups = np.arange(rows) % 3, draw.integers(0, 8, rows)
    groups[:8] = np.arange(8)
    for splits in (
        block_splits(rows, folds, gap=gap),
        group_splits(groups, folds, seed=seed),
        label_splits(labels, folds, seed=seed),
    ):
        assert np.array_equal(np.sort(np.concatenate([test for _, test in splits])), np.arange(rows))
        assert all(np.intersect1d(*split).size == 0 for split in splits)
    for train, test in block_splits(rows, folds, gap=gap):
        assert np.abs(np.subtract.outer(train, test)).min() > gap
    for train, test in group_splits(groups, folds, seed=seed):
        assert not np.isin(groups[test], groups[train]).any()
    for _, test in label_splits(labels, folds, seed=seed):
        assert np.ptp(np.bincount(labels[test], minlength=3)) <= 1


def test_values() -> None:
    hand = np.apply_along_axis(np.convolve, 0, normal(600, 2, seed=2), np.hanning(21), mode="same") / 3
    x = hand @ normal(2, 12) + 0.5 * normal(600, 12, seed=1)
    found = decode_values(x, hand, gap=5, shuffles=4)
    assert (found.r2 > 0.8).all()
    assert found.null.shape == (4, 2)
    assert (found.null < found.r2 - 0.3).all()
    assert not np.isnan(found.predicted).any()
    lately = decode_values(lagged(x, 3), hand[:, 0], penalties=(10.0,))
    assert lately.r2[0] > found.r2[0]
    assert lately.units == 36
    assert lagged(x, 3)[5].tolist() == [*x[5], *x[4], *x[3]]
    assert lagged(x, 2)[0].tolist() == [*x[0], *np.zeros(12)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: decode(normal(10, 2)), "give labels"),
        (lambda: decode(normal(10, 2), np.zeros(10)), "one class only"),
        (lambda: decode(normal(10, 2), [0, 1]), "one for each of the 10 rows"),
        (lambda: decode(normal(10, 2), np.arange(10) // 8), "cannot be split into 5 folds"),
        (lambda: decode(normal(10, 2), np.arange(10) % 2, groups=[1]), "groups: one for each"),
        (lambda: decode(normal(10, 2), np.arange(10) // 5, groups=np.arange(10) // 5, folds=2), "no row to learn from"),
        (lambda: decode(normal(10, 2), np.arange(10) % 2, classifier="svm"), "no classifier 'svm'"),
        (lambda: decode(normal(10, 2), np.arange(10) % 2, classifier="logistic", penalty=0), "positive"),
        (lambda: decode(normal(10, 2), np.arange(10) % 2, splits=[([0, 1], [1, 2])]), "in both parts"),
        (lambda: decode(normal(10, 2), np.arange(10) % 2, splits=[]), "there is none"),
        (lambda: decode(normal(10, 2), np.arange(10) % 2, splits=[([0, 1], [11])]), "of the 10 that there are"),
        (lambda: fit_classifier(normal(4, 2), np.zeros(4)), "two classes"),
        (lambda: decode_values(normal(10, 2), normal(9)), "x has 10 rows and targets 9"),
        (lambda: decode_values(normal(10, 2), normal(10), penalties=()), "no penalty"),
        (lambda: decode_values(normal(10, 2), normal(10), gap=20), "nothing to learn from"),
        (lambda: block_splits(3, 5), "3 rows cannot be split"),
        (lambda: group_splits([0, 0, 1], 3), "2 groups cannot"),
        (lambda: lagged(normal(10, 2), 0), "lags"),
        (lambda: parallelism_score(CORNERS, [True, False, False, False]), "half of them true"),
        (lambda: parallelism_score(CORNERS[:2], [True, False]), "1 pairs"),
        (lambda: parallelism_score(np.ones((4, 2)), A), "same mean"),
        (lambda: ccgp(trials(CORNERS), A, scheme="some"), "'all' or 'matched'"),
        (lambda: ccgp(trials(CORNERS[:2]), [True, False]), "leaves none"),
        (lambda: ccgp(normal(8, 2), A), "condition of each row"),
        (lambda: balanced_dichotomies(5), "5 conditions cannot"),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        call()


# --- motor cortex ---


@pytest.fixture(scope="module")
def motor_cortex() -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = loadmat(reference_folder("macaque_m1_reaching") / "m1_stevenson_2011.mat")
    return found


def test_halves_of_motor_cortex(motor_cortex: dict[str, np.ndarray]) -> None:
    x = features(motor_cortex["spikes"].T).standardised()
    order = np.random.default_rng(0).permutation(171)
    one, other = x.columns(order[:85]), x.columns(order[85:170])
    found = cka(one, other, debiased=False)
    assert 0.16 < found < 0.176
    assert cka(one, other) == pytest.approx(found, abs=0.01)  # many more bins than units: little bias
    shifts = np.random.default_rng(1).integers(200, len(x) - 200, 10)
    shifted = [cka(one, np.roll(other.values, shift, axis=0), debiased=False) for shift in shifts]
    assert np.mean(shifted) == pytest.approx(0.006, abs=0.002)
    orders = [np.random.default_rng(seed).permutation(len(x)) for seed in range(5)]
    shuffled = np.mean([cka(one, other.rows(order), debiased=False) for order in orders])
    dimensions = (participation_ratio(one) * participation_ratio(other)) ** 0.5
    assert shuffled == pytest.approx(0.0045, abs=3e-4)
    assert shuffled == pytest.approx(dimensions / (dimensions + len(x) - 1), rel=0.05)


def test_dimensions_of_motor_cortex(motor_cortex: dict[str, np.ndarray]) -> None:
    counts = features(motor_cortex["spikes"].T)
    assert participation_ratio(counts) == pytest.approx(55.74, abs=0.01)
    assert participation_ratio(counts.standardised()) == pytest.approx(122.10, abs=0.01)
    assert participation_ratio(np.sqrt(counts.values)) == pytest.approx(93.72, abs=0.01)


@pytest.mark.slow
def test_hand_velocity_from_motor_cortex(motor_cortex: dict[str, np.ndarray]) -> None:
    x, rows = lagged(motor_cortex["spikes"].T, 10), 15536
    cut = int(0.8 * rows)
    splits = [(np.arange(cut), np.arange(cut, rows))]
    found = decode_values(x, motor_cortex["handVel"][:2].T, splits=splits, penalties=(1000.0,))
    print(found.r2)
    assert found.r2 == pytest.approx([0.836, 0.719], abs=0.002)
