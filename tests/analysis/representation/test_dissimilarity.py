"""Dissimilarities, their comparison, ceilings and transforms: fixture values, definitions, other packages, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform

from neurosim.analysis.representation import (
    cka,
    compare_models,
    compare_rdms,
    crossnobis,
    geodesic,
    geotopological,
    mean_rdm,
    noise_ceiling,
    noise_precision,
    rdm,
    sigmoid_transform,
    split_half_reliability,
    square,
    ssm_similarity,
)
from neurosim.analysis.representation.comparison import METHODS
from neurosim.analysis.representation.dissimilarity import DISTANCES, shrunk_covariance
from neurosim.errors import AnalysisError
from representation_fixture import KINDS, X, Y, double, normal, rotation

#: Method: value on the fixture, and of (1, 2, 3) with (1, 3, 2).
VALUES = {
    "pearson": (0.383792, 0.5),
    "spearman": (0.357444, 0.5),
    "tau_a": (0.252525, 1 / 3),
    "rho_a": (0.357444, 0.5),
    "cosine": (0.854926, 0.928571),
    "whitened_cosine": (0.602045, 0.875),
    "whitened_correlation": (0.406406, 0.5),
    "bures": (0.746771, 0.957427),
}
SUBJECTS = np.array([(1, 2, 3, 4, 5, 6), (2, 1, 3, 5, 4, 6), (1, 3, 2, 4, 6, 5)], dtype=float)
SIX = np.arange(1.0, 7.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_fixture(method: Any, kind: str) -> None:
    convert, tolerance = KINDS[kind]
    found = compare_rdms(rdm(convert(X)), rdm(convert(Y)), method)
    assert torch.is_tensor(found) == kind.startswith("torch")
    assert float(found) == pytest.approx(VALUES[method][0], abs=tolerance)
    small = compare_rdms(convert([1.0, 2, 3]), convert([1.0, 3, 2]), method)
    assert float(small) == pytest.approx(VALUES[method][1], abs=max(tolerance, 1e-6))


@pytest.mark.parametrize("kind", KINDS)
def test_similarity_of_similarity_matrices(kind: str) -> None:
    convert, tolerance = KINDS[kind]
    assert ssm_similarity(convert(X), convert(Y)) == pytest.approx(0.231094, abs=tolerance)


def test_distances_against_scipy() -> None:
    x, precision = normal(9, 5), np.linalg.inv(np.cov(normal(30, 5, seed=1).T))
    assert rdm(x) == pytest.approx(pdist(x, "sqeuclidean") / 5)
    assert rdm(x, "euclidean") == pytest.approx(pdist(x))
    assert rdm(x, "correlation") == pytest.approx(pdist(x, "correlation"))
    assert rdm(x, "cosine") == pytest.approx(pdist(x, "cosine"))
    assert rdm(x, "mahalanobis", precision=precision) == pytest.approx(pdist(x, "mahalanobis", VI=precision) ** 2 / 5)
    assert square(rdm(x)) == pytest.approx(squareform(rdm(x)))
    rates = (np.abs(x) + 0.1) / 1.1
    divergence = [
        np.sum((rates[a] - rates[b]) * np.log(rates[a] / rates[b])) / 5 for a in range(9) for b in range(a + 1, 9)
    ]
    assert rdm(np.abs(x), "poisson") == pytest.approx(np.array(divergence))


@pytest.mark.parametrize("distance", DISTANCES)
def test_tensors_give_the_same_and_a_gradient(distance: Any) -> None:
    x = np.abs(normal(5, 4)) + 0.1
    more = {"precision": np.diag([1.0, 2, 3, 4])} if distance == "mahalanobis" else {}
    tensor = double(x).requires_grad_()
    assert rdm(tensor, distance, **more).detach().numpy() == pytest.approx(rdm(x, distance, **more))
    assert torch.autograd.gradcheck(lambda side: rdm(side, distance, **more), (tensor,))


@pytest.mark.parametrize("method", ["pearson", "cosine", "whitened_cosine", "whitened_correlation", "bures"])
def test_gradients_of_comparisons(method: Any) -> None:
    target = rdm(double(normal(6, 4, seed=1)))
    tensor = double(normal(6, 4)).requires_grad_()
    assert torch.autograd.gradcheck(lambda side: compare_rdms(rdm(side), target, method), (tensor,))


@given(st.integers(4, 12), st.integers(1, 6), st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_whitened_cosine_is_linear_alignment(m: int, n: int, seed: int) -> None:
    x, y = normal(m, n, seed=seed), normal(m, 3, seed=seed + 1)
    assert compare_rdms(rdm(x), rdm(y), "whitened_cosine") == pytest.approx(cka(x, y, debiased=False), abs=1e-10)


@given(st.sampled_from(METHODS), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_invariances(method: Any, seed: int) -> None:
    x, y = normal(7, 4, seed=seed), normal(7, 5, seed=seed + 1)
    value = compare_rdms(rdm(x), rdm(y), method)
    assert compare_rdms(rdm(x), rdm(x), method) == pytest.approx(1, abs=1e-9)
    assert compare_rdms(rdm(y), rdm(x), method) == pytest.approx(value, abs=1e-12)
    assert compare_rdms(rdm(3 * x @ rotation(4, seed)), rdm(y), method) == pytest.approx(value, abs=1e-9)
    order = np.random.default_rng(seed).permutation(7)
    assert compare_rdms(rdm(x[order]), rdm(y[order]), method) == pytest.approx(value, abs=1e-9)


def test_stacks_are_compared_row_by_row() -> None:
    a, b = np.abs(normal(3, 10)), np.abs(normal(2, 10, seed=1))
    for method in METHODS:
        found = compare_rdms(a, b, method)
        assert found.shape == (3, 2)
        assert found[2, 1] == pytest.approx(compare_rdms(a[2], b[1], method))
        assert compare_rdms(a[2], b, method) == pytest.approx(found[2])
        assert compare_rdms(a, b[0], method) == pytest.approx(found[:, 0])


def test_ties() -> None:
    tied, strict = np.array([1.0, 1, 1, 2, 2, 3]), np.array([1.0, 2, 3, 4, 5, 6])
    signs = [np.sign(np.subtract.outer(v, v))[np.triu_indices(6, 1)] for v in (tied, strict)]
    assert compare_rdms(tied, strict, "tau_a") == pytest.approx(np.mean(signs[0] * signs[1]))
    draw = np.random.default_rng(0)  # ranks with ties broken at random
    broken = [np.corrcoef(np.argsort(np.argsort(tied + 1e-6 * draw.random(6))), strict)[0, 1] for _ in range(4000)]
    assert compare_rdms(tied, strict, "rho_a") == pytest.approx(np.mean(broken), abs=0.005)
    assert compare_rdms(np.ones(6), strict, "tau_a") == 0
    assert compare_rdms(np.ones(6), strict, "rho_a") == 0


def test_ties_are_decided_within_rounding() -> None:
    """Conditions in groups, in turned axes: all distances within a group are equal, and so are those between two."""
    groups = np.eye(4)[np.repeat(np.arange(4), 3)] @ np.diag([1.0, 1.0, 2.0, 2.0])
    turn = np.linalg.qr(normal(9, 9))[0][:4]
    model, meant = rdm(groups @ turn, "correlation"), rdm(groups @ turn)
    assert np.unique(meant).size > 5  # by their digits; there are four values
    data = rdm(normal(12, 20, seed=1))
    by_hand = np.round(meant, 9)
    assert np.unique(by_hand).size == 4
    for method in ("spearman", "rho_a", "tau_a"):
        assert compare_rdms(meant, data, method) == pytest.approx(compare_rdms(by_hand, data, method), abs=1e-12)
        assert compare_rdms(np.round(model, 9), model, method) == pytest.approx(compare_rdms(model, model, method))
        one, other = (
            compare_models({"a": side}, data, method, resamples=10, factors=("conditions",)).resampled["conditions"]
            for side in (meant, by_hand)
        )
        assert one == pytest.approx(other, abs=1e-12)
    close = np.array([1.0, 1.0 + 1e-9, 2.0])  # which is no rounding
    assert compare_rdms(close, np.array([2.0, 1.0, 3.0]), "tau_a") == pytest.approx(1 / 3)


def repeated(
    patterns: np.ndarray, repeats: int, noise: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    conditions = np.tile(np.arange(len(patterns)), repeats)
    rows = patterns[conditions] + noise * normal(len(conditions), patterns.shape[1], seed=seed)
    return rows, conditions, np.repeat(np.arange(repeats), len(patterns))


def test_crossnobis_against_its_definition() -> None:
    rows, conditions, partitions = repeated(normal(4, 3), 3, 0.5)
    precision = np.linalg.inv(np.cov(normal(20, 3, seed=5).T))
    means = rows.reshape(3, 4, 3)
    expected = []
    for a in range(4):
        for b in range(a + 1, 4):
            gap = means[:, a] - means[:, b]
            products = [gap[k] @ precision @ gap[other] / 3 for k in range(3) for other in range(3) if k != other]
            expected.append(np.mean(products))
    order = np.random.default_rng(1).permutation(12)
    found = crossnobis(rows[order], conditions[order], partitions[order], precision=precision)
    assert found == pytest.approx(np.array(expected))


def test_crossnobis_of_noise_is_zero_and_the_plain_distance_is_not() -> None:
    rows, conditions, partitions = repeated(np.zeros((40, 60)), 4, 1.0)
    assert rdm(rows.reshape(4, 40, 60).mean(0)).mean() == pytest.approx(0.5, abs=0.02)
    assert abs(crossnobis(rows, conditions, partitions).mean()) < 0.02
    signal = normal(40, 60, seed=3)
    rows, *labels = repeated(signal, 4, 1.0)
    assert crossnobis(rows, *labels).mean() == pytest.approx(rdm(signal).mean(), abs=0.08)


def test_precision_of_the_noise() -> None:
    sklearn = pytest.importorskip("sklearn.covariance")
    noise = normal(50, 6) @ np.diag([1.0, 2, 1, 1, 0.5, 1])
    noise -= noise.mean(0)
    assert shrunk_covariance(noise) == pytest.approx(sklearn.ledoit_wolf(noise, assume_centered=True)[0])
    rows, conditions, partitions = repeated(normal(10, 3), 60, 2.0)
    assert noise_precision(rows, conditions) == pytest.approx(np.eye(3) / 4, abs=0.05)
    # Two rows of each condition in a partition: what differs between partitions is no noise.
    shifted = rows + 10 * normal(30, 3, seed=9)[partitions // 2]
    assert noise_precision(shifted, conditions, partitions // 2) == pytest.approx(np.eye(3) / 4, abs=0.05)
    with pytest.raises(AnalysisError, match="measured twice"):
        noise_precision(rows, conditions, partitions)


@pytest.mark.parametrize(
    ("method", "lower", "upper"),
    [
        ("cosine", 0.9724, 0.9877),
        ("pearson", 0.8540, 0.9344),
        ("spearman", 0.8630, 0.9238),
        ("rho_a", 0.8476, 0.9238),
        ("tau_a", 0.7333, 0.8222),
    ],
)
def test_noise_ceilings(method: Any, lower: float, upper: float) -> None:
    found = noise_ceiling(SUBJECTS, method)
    assert (found.lower, found.upper) == (pytest.approx(lower, abs=5e-5), pytest.approx(upper, abs=5e-5))


@given(st.sampled_from(METHODS), st.integers(2, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_what_ceilings_are(method: Any, subjects: int, seed: int) -> None:
    shared = normal(6, 4, seed=seed)
    rows = np.stack([rdm(shared + 0.5 * normal(6, 4, seed=seed + 1 + s)) for s in range(subjects)])
    found = noise_ceiling(rows, method)
    assert found.lower <= found.upper + 1e-12
    assert np.mean(compare_rdms(mean_rdm(rows, method), rows, method)) == pytest.approx(found.upper, abs=1e-12)
    if method not in ("tau_a", "bures"):  # of which the mean is not known to be the best
        other = rdm(normal(6, 4, seed=seed + 99))
        assert np.mean(compare_rdms(other, rows, method)) <= found.upper + 1e-9
    same = noise_ceiling(np.repeat(rows[:1], 3, axis=0), method)
    assert (same.lower, same.upper) == (pytest.approx(1, abs=1e-9), pytest.approx(1, abs=1e-9))


def test_reliability() -> None:
    responses = normal(1, 2000, 1, seed=1) + 2 * normal(10, 2000, 1, seed=2)
    assert split_half_reliability(responses, corrected=False) == pytest.approx([0.5556], abs=0.03)
    assert split_half_reliability(responses) == pytest.approx([0.7143], abs=0.03)
    flat = np.concatenate([responses, np.ones_like(responses)], axis=2)
    assert np.isnan(split_half_reliability(flat)).tolist() == [False, True]
    for wrong in (responses[:1], responses[:, :2], responses[0]):
        with pytest.raises(AnalysisError, match="repeats has the shape"):
            split_half_reliability(wrong)
    with pytest.raises(AnalysisError, match="splits"):
        split_half_reliability(responses, splits=0)
    with pytest.raises(AnalysisError, match="NaN"):
        split_half_reliability(np.full((4, 5, 2), np.nan))


def test_topological_transforms() -> None:
    before = SIX.copy()
    assert geotopological(SIX, 0.25, 0.75, ranked=False) == pytest.approx([0, 0, 0.3, 0.7, 1, 1])
    assert geotopological(SIX) == pytest.approx([0, 0, 1 / 3, 2 / 3, 1, 1])
    assert geotopological(SIX, 0, 1, ranked=False) == pytest.approx((SIX - 1) / 5)
    assert geotopological(SIX, 0.5, 0.5).tolist() == [0, 0, 0, 1, 1, 1]
    assert geodesic(SIX) == pytest.approx([0, 0.2, 0.4, 0.2, 0.4, 0.6])
    assert sigmoid_transform(SIX)[[0, -1]] == pytest.approx(1 / (1 + np.exp([5, -5])))
    assert np.array_equal(SIX, before)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_what_transforms_keep(seed: int) -> None:
    rows = np.stack([rdm(normal(8, 3, seed=seed + k)) for k in range(3)])
    before = rows.copy()
    for transform in (geotopological, sigmoid_transform, geodesic):
        together = transform(rows)
        assert together.shape == rows.shape
        for row, one in zip(rows, together, strict=True):  # each by itself
            assert transform(row) == pytest.approx(one)
    assert np.array_equal(rows, before)
    assert geotopological(np.exp(rows)) == pytest.approx(geotopological(rows))
    assert geodesic(np.exp(rows), 0.9, ranked=True) == pytest.approx(geodesic(rows, 0.9, ranked=True))
    scaled = (rows - rows.min(1, keepdims=True)) / np.ptp(rows, axis=1, keepdims=True)
    kept = rows < rows.max(1, keepdims=True)
    assert (geodesic(rows)[kept] <= scaled[kept] + 1e-12).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rdm(X, "euclid"), "Did you mean 'euclidean'"),
        (lambda: rdm(X, "mahalanobis"), "precision="),
        (lambda: rdm(X, precision=np.eye(3)), "precision= is for"),
        (lambda: rdm(X, "mahalanobis", precision=np.eye(2)), "symmetric matrix of 3 x 3"),
        (lambda: rdm(X, "mahalanobis", precision=-np.eye(3)), "positive definite"),
        (lambda: rdm(X, "poisson"), "negative"),
        (lambda: rdm([[0.0], [1.0]], "poisson", prior=(1, 0)), "no logarithm"),
        (lambda: rdm([[1.0, 1.0], [1.0, 2.0]], "correlation"), "no length"),
        (lambda: rdm(X[:1]), "1 conditions"),
        (lambda: square([1.0, 2.0]), "2 is not the number of pairs"),
        (lambda: square(np.ones((2, 3))), "one vector"),
        (lambda: compare_rdms([1.0, 2, 3], [1.0, 2, 3], "kendall"), "no comparison"),
        (lambda: compare_rdms([1.0, 2, 3], SIX), "a has 3 pairs of conditions and b 6"),
        (lambda: compare_rdms([1.0, 2, np.nan], [1.0, 2, 3]), "NaN"),
        (lambda: compare_rdms([1.0, 1, 1], [1.0, 2, 3], "pearson"), "all the same"),
        (lambda: compare_rdms([0.0, 0, 0], [1.0, 2, 3], "bures"), "all 0"),
        (lambda: compare_rdms([1.0], [1.0], "tau_a"), "two pairs"),
        (lambda: compare_rdms([1.0], [1.0], "rho_a"), "at least two pairs"),
        (lambda: compare_rdms(np.ones((1, 1, 3)), [1.0, 2, 3]), "have the shape"),
        (lambda: noise_ceiling(SIX), "two subjects"),
        (lambda: noise_ceiling(np.ones((2, 6)), "whitened_correlation"), "do not vary"),
        (lambda: crossnobis(X, np.arange(10), np.zeros(10)), "two partitions"),
        (lambda: crossnobis(X, np.arange(10) % 2, np.arange(10) // 5 * np.arange(10)), "every partition"),
        (lambda: crossnobis(X, np.zeros(10), np.arange(10)), "two conditions"),
        (lambda: crossnobis(X, [0, 1], [0, 1]), "one entry for each of the 10 rows"),
        (lambda: noise_precision(np.ones((4, 2)), [0, 0, 1, 1]), "no noise"),
        (lambda: geotopological(SIX, 0.8, 0.2), "quantiles"),
        (lambda: geotopological(np.ones(6)), "no geometry"),
        (lambda: geodesic(SIX, 0.0), "quantile"),
        (lambda: geodesic(SIX, 0.2), "cannot be reached"),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        call()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of a package that is no part of this one
def test_against_rsatoolbox() -> None:
    toolbox = pytest.importorskip("rsatoolbox")
    rows, conditions, partitions = repeated(np.abs(normal(8, 12)), 3, 0.4)
    data = toolbox.data.Dataset(np.abs(rows), obs_descriptors={"c": conditions, "p": partitions})
    means = toolbox.data.Dataset(np.abs(rows).reshape(3, 8, 12).mean(0))
    for name, ours in (("euclidean", "squared_euclidean"), ("correlation", "correlation"), ("poisson", "poisson")):
        theirs = toolbox.rdm.calc_rdm(means, method=name).dissimilarities[0]
        assert rdm(means.measurements, ours) == pytest.approx(theirs)  # type: ignore[arg-type]
    theirs = toolbox.rdm.calc_rdm(data, method="crossnobis", descriptor="c", cv_descriptor="p").dissimilarities[0]
    assert crossnobis(np.abs(rows), conditions, partitions) == pytest.approx(theirs)
    sets = [np.stack([rdm(normal(8, 5, seed=10 * k + one)) for one in range(4)]) for k in range(2)]
    wrapped = [toolbox.rdm.RDMs(one) for one in sets]
    for ours, name in zip(
        METHODS,
        ("corr", "spearman", "tau-a", "rho-a", "cosine", "cosine_cov", "corr_cov", "bures"),
        strict=True,
    ):
        found, theirs = compare_rdms(*sets, ours), toolbox.rdm.compare(*wrapped, method=name)  # type: ignore[arg-type]
        assert found == pytest.approx(theirs, abs=1e-6), ours
