"""Alignment, canonical correlations and shapes: fixture values, invariances, chance levels, gradients, refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis import features
from neurosim.analysis.representation import (
    RunningCKA,
    angular_cka,
    angular_distance,
    canonical_correlations,
    cca,
    cka,
    held_out_correlations,
    hsic,
    nuclear_cosine,
    procrustes_distance,
    pwcca,
    rbf_bandwidth,
    svcca,
)
from neurosim.errors import AnalysisError
from neurosim.recording import Recording, SpikeTrains
from neurosim.recording.traces import trace_array
from representation_fixture import KINDS, X, Y, double, normal, rotation

Measure = Callable[..., Any]


def plain_cka(x: Any, y: Any) -> Any:
    return cka(x, y, debiased=False)


def rbf_cka(x: Any, y: Any) -> Any:
    return cka(x, y, kernel="rbf", bandwidth=0.8)


def angle(x: Any, y: Any) -> Any:
    return angular_distance(x, y, alpha=0.5)


def whitened_angle(x: Any, y: Any) -> Any:
    return angular_distance(x, y, alpha=0)


#: Measure: (value of x with itself, symmetric, what leaves it alone).
PROPERTIES: dict[Measure, tuple[float, bool, str]] = {
    plain_cka: (1, True, "rotation scale"),
    cka: (1, True, "rotation scale"),
    rbf_cka: (1, True, "rotation scale"),
    cca: (1, True, "rotation scale invertible"),
    svcca: (1, True, "rotation scale"),
    pwcca: (1, False, "scale"),  # its weights are sums over units
    nuclear_cosine: (1, True, "rotation scale"),
    procrustes_distance: (0, True, "rotation"),
    angular_distance: (0, True, "rotation scale"),
    angle: (0, True, "rotation"),
    whitened_angle: (0, True, "rotation scale invertible"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (plain_cka, 0.602045),
        (cka, 0.423550),
        (cca, 0.816516),
        (svcca, 0.816516),
        (lambda x, y: svcca(x, y, variance=0.9), 0.816516),
        (lambda x, y: svcca(x, y, variance=0.7), 0.786662),
        (pwcca, 0.809203),
        (lambda x, y: pwcca(y, x), 0.824871),
        (nuclear_cosine, 0.746771),
        (angular_distance, 0.727603),
        (angle, 0.730060),
        (whitened_angle, 0.785375),
        (procrustes_distance, 4.603787),
        (lambda x, y: hsic(x, x), 0.829722),
        (hsic, 0.788753),
        (lambda x, y: hsic(y, y), 4.179652),
        (lambda x, y: canonical_correlations(x, y)[0], 0.915714),
        (lambda x, y: canonical_correlations(x, y)[1], 0.827769),
        (lambda x, y: canonical_correlations(x, y)[2], 0.706065),
    ],
)
def test_fixture(measure: Measure, expected: float, kind: str) -> None:
    convert, tolerance = KINDS[kind]
    found = measure(convert(X), convert(Y))
    assert torch.is_tensor(found) == kind.startswith("torch")
    assert float(found) == pytest.approx(expected, abs=tolerance)


@pytest.mark.cuda
@pytest.mark.parametrize("measure", PROPERTIES)
def test_on_a_gpu(measure: Measure) -> None:
    x, y = (double(side).cuda() for side in (X, Y))
    found = measure(x, y)
    assert found.device.type == "cuda"
    assert float(found) == pytest.approx(measure(X, Y), abs=1e-9)


@pytest.mark.parametrize("measure", PROPERTIES)
@given(st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_invariances(measure: Measure, seed: int) -> None:
    itself, symmetric, free = PROPERTIES[measure]
    x, y = normal(20, 4, seed=seed), normal(20, 6, seed=seed + 1)
    value = measure(x, y)
    assert measure(x, x) == pytest.approx(itself, abs=1e-9)
    if symmetric:
        assert measure(y, x) == pytest.approx(value, abs=1e-12)
    assert measure(x + 1, y) == pytest.approx(value, abs=1e-9)
    if "rotation" in free:
        assert measure(x @ rotation(4, seed), y) == pytest.approx(value, abs=1e-9)
    if "scale" in free:
        assert measure(3 * x, y) == pytest.approx(value, abs=1e-9)
    bent = x @ (normal(4, 4, seed=seed) + 3 * np.eye(4))
    if "invertible" in free:
        assert measure(bent, y) == pytest.approx(value, abs=1e-6)
    elif measure not in (svcca, pwcca):  # these are canonical correlations, weighted
        assert abs(measure(bent * [9.0, 1, 0.1, 0.1], bent) - itself) > 1e-3
    order = np.random.default_rng(seed).permutation(20)
    assert measure(x[order], y[order]) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("measure", [cka, plain_cka, nuclear_cosine])
def test_shuffling_one_side_destroys_similarity(measure: Measure) -> None:
    x = normal(200, 5)
    shuffled = measure(x, x[np.random.default_rng(1).permutation(200)])
    assert shuffled < 0.25 < measure(x, x)


@pytest.mark.parametrize(("m", "n", "spread"), [(50, 20, 0.031), (100, 50, 0.014), (500, 50, 0.01)])
def test_chance_of_alignment(m: int, n: int, spread: float) -> None:
    pairs = [(normal(m, n, seed=2 * k), normal(m, n, seed=2 * k + 1)) for k in range(20)]
    assert np.mean([plain_cka(*pair) for pair in pairs]) == pytest.approx(n / (n + m - 1), abs=0.01)
    assert abs(np.mean([cka(*pair) for pair in pairs])) < 4 * spread / np.sqrt(20)


def test_other_chance_levels() -> None:
    pairs = [(normal(50, 20, seed=2 * k), normal(50, 20, seed=2 * k + 1)) for k in range(20)]
    assert np.mean([cca(*pair) for pair in pairs]) == pytest.approx(0.567, abs=0.02)
    assert np.mean([nuclear_cosine(*pair) for pair in pairs]) == pytest.approx(0.513, abs=0.02)
    assert np.mean([held_out_correlations(*pair).mean() for pair in pairs]) == pytest.approx(0, abs=0.05)
    assert cca(normal(10, 12), normal(10, 12, seed=1)) == pytest.approx(1)


def test_held_out_correlations_find_what_is_shared() -> None:
    shared = normal(300, 2)
    x = np.hstack([shared, normal(300, 3, seed=1)]) @ normal(5, 5, seed=2)
    y = np.hstack([shared, normal(300, 3, seed=3)]) @ normal(5, 5, seed=4)
    found = held_out_correlations(x, y, folds=3)
    assert found[:2] == pytest.approx([1, 1], abs=1e-3)
    assert np.abs(found[2:]).max() < 0.3
    with pytest.raises(AnalysisError, match="cannot be split"):
        held_out_correlations(x, y, folds=200)


@pytest.mark.parametrize("distance", [procrustes_distance, angular_distance, whitened_angle, angular_cka])
def test_triangle_inequality(distance: Measure) -> None:
    sides = [normal(12, n, seed=n) for n in (2, 3, 3, 5, 7)]
    d = np.array([[distance(a, b) for b in sides] for a in sides])
    detours = (d[:, :, None] + d[None]).min(1)  # over what lies between
    assert (d <= detours + 1e-9).all()


@pytest.mark.parametrize("debiased", [True, False])
@pytest.mark.parametrize("shape", [(60, 5, 8), (12, 40, 30)])  # summed over units, and over conditions
def test_both_ways_of_summing_and_streaming_agree(debiased: bool, shape: tuple[int, int, int]) -> None:
    m, n, p = shape
    x, y = normal(m, n) + 5, normal(m, p, seed=1) - 3
    gram = [side @ side.T for side in (x - x.mean(0), y - y.mean(0))]
    ones, parts = np.ones(m), []
    for k, other in ((0, 1), (0, 0), (1, 1)):
        a, b = gram[k].copy(), gram[other].copy()
        if debiased:
            np.fill_diagonal(a, 0)
            np.fill_diagonal(b, 0)
            parts.append(np.trace(a @ b) + a.sum() * b.sum() / ((m - 1) * (m - 2)) - 2 / (m - 2) * ones @ a @ b @ ones)
        else:
            parts.append(np.trace(a @ b))
    expected = parts[0] / np.sqrt(parts[1] * parts[2])
    assert cka(x, y, debiased=debiased) == pytest.approx(expected, abs=1e-12)
    running = RunningCKA(debiased=debiased)
    for part in np.array_split(np.arange(m), 5):
        running.update(x[part], y[part])
    assert running.compute() == pytest.approx(expected, abs=1e-10)
    running.reset()
    with pytest.raises(AnalysisError, match="fewer than"):
        running.compute()


def test_a_batch_with_other_units_is_refused() -> None:
    running = RunningCKA()
    running.update(normal(5, 2), normal(5, 3))
    with pytest.raises(AnalysisError, match="other numbers of units"):
        running.update(normal(5, 3), normal(5, 3))


def test_gaussian_kernel_against_its_definition() -> None:
    distance = np.sqrt(((X[:, None] - X[None]) ** 2).sum(-1))
    width = 0.5 * np.median(distance[np.triu_indices(10, 1)])
    assert rbf_bandwidth(X, 0.5) == pytest.approx(width)
    centre = np.eye(10) - 0.1
    kernels = []
    for side, fraction in ((X, 0.5), (Y, 0.5)):
        squares = ((side[:, None] - side[None]) ** 2).sum(-1)
        kernels.append(centre @ np.exp(-squares / 2 / rbf_bandwidth(side, fraction) ** 2) @ centre)
    expected = np.sum(kernels[0] * kernels[1]) / np.sqrt(np.sum(kernels[0] ** 2) * np.sum(kernels[1] ** 2))
    assert cka(X, Y, debiased=False, kernel="rbf", bandwidth=0.5) == pytest.approx(expected)
    # A wide Gaussian is linear.
    assert cka(X, Y, debiased=False, kernel="rbf", bandwidth=1e3) == pytest.approx(plain_cka(X, Y), abs=1e-4)


@pytest.mark.parametrize(
    "measure", [cka, plain_cka, nuclear_cosine, procrustes_distance, angular_distance, angle, cca, hsic]
)
def test_gradients(measure: Measure) -> None:
    x = double(X).requires_grad_()
    assert torch.autograd.gradcheck(lambda side: measure(side, double(Y)), (x,), atol=1e-6)


def test_alignment_as_a_loss() -> None:
    torch.manual_seed(0)
    target, x = double(normal(30, 4)), double(normal(30, 6, seed=1)).requires_grad_()
    optimiser = torch.optim.Adam([x], lr=0.05)
    before = float(cka(x, target).detach())
    for _ in range(60):
        optimiser.zero_grad()
        (1 - cka(x, target)).backward()
        optimiser.step()
    assert before < 0.2
    assert float(cka(x, target).detach()) > 0.9


def test_alignment_in_a_trainers_loss() -> None:
    from neurosim.training import losses

    trace = double(normal(7, 12, 5)).requires_grad_()  # (time, batch, neuron)
    target = double(normal(12, 3, seed=1))
    loss = losses.custom(lambda values, wanted: 1 - cka(values.mean(0), wanted), "hidden.v", name="alignment")
    value = loss({"hidden": {"v": trace}}, target)
    assert value.item() == pytest.approx(1 - cka(trace.mean(0).detach().numpy(), target.numpy()))
    value.backward()
    assert trace.grad is not None
    assert float(trace.grad.abs().sum()) > 0


def test_what_measures_take() -> None:
    expected = cka(X, Y)
    assert cka(features(X), Y.tolist()) == pytest.approx(expected)
    assert float(cka(double(X), Y)) == pytest.approx(expected)
    counts = np.random.default_rng(0).poisson(3, (12, 5))
    assert cka(counts, counts) == pytest.approx(1)
    trial, neuron = np.nonzero(counts)
    number = counts[trial, neuron]
    trains = SpikeTrains(
        np.full(number.sum(), 0.05), np.repeat(neuron, number), 5, np.repeat(trial, number), 12, duration=0.1
    )
    calcium = trace_array(counts[None].astype(float), variable="dff", unit="1", time=np.arange(12.0))
    assert cka(Recording({"v1": trains}), counts) == pytest.approx(1)
    fluorescence = features(Recording(traces={"v1": {"dff": calcium}}), variable="dff", bin="samples")
    assert cka(fluorescence, counts) == pytest.approx(1)


@pytest.mark.parametrize("measure", [*PROPERTIES, canonical_correlations, held_out_correlations])
def test_refusals(measure: Measure) -> None:
    x = normal(8, 3)
    bad = x.copy()
    bad[2, 1] = np.nan
    for wrong, message in (
        (bad, r"x holds NaN or infinite values in row 2"),
        (x[:6], "x has 6 conditions and y 8"),
        (x[:1], "x has 1 conditions"),
        (x[:, :0], "0 units"),
        (x[0], "must be a matrix"),
        (np.array([["a"]]), "numbers are needed"),
    ):
        with pytest.raises(AnalysisError, match=message):
            measure(wrong, x)


@pytest.mark.parametrize("measure", [measure for measure in PROPERTIES if measure is not procrustes_distance])
def test_what_never_changes_is_refused(measure: Measure) -> None:
    with pytest.raises(AnalysisError, match=r"same in all conditions|represented alike"):
        measure(np.ones((8, 3)), normal(8, 3))


def test_the_distance_of_what_never_changes() -> None:
    x = normal(8, 3)
    assert procrustes_distance(np.ones((8, 2)), x) == pytest.approx(np.linalg.norm(x - x.mean(0)))


def test_more_refusals() -> None:
    with pytest.raises(AnalysisError, match="kernel 'gauss'"):
        cka(X, Y, kernel="gauss")  # type: ignore[arg-type]
    with pytest.raises(AnalysisError, match="at least 4"):
        cka(X[:3], Y[:3])
    with pytest.raises(AnalysisError, match="alpha"):
        angular_distance(X, Y, alpha=2)
    with pytest.raises(AnalysisError, match="variance"):
        svcca(X, Y, variance=0)
    with pytest.raises(AnalysisError, match="positive"):
        cka(X, Y, kernel="rbf", bandwidth=0)


def test_a_single_unit_is_enough() -> None:
    x = normal(20, 1)
    assert cka(x, 2 * x + 1) == pytest.approx(1)
    assert cca(x, -x) == pytest.approx(1)
    assert angular_distance(x, -x) == pytest.approx(0, abs=1e-12)
