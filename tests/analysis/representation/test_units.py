"""Dimensionality, partners, anchors, features: fixture values, closed forms, chance levels, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from neurosim.analysis.representation import (
    RunningCovariance,
    expected_participation_ratio,
    feature_strengths,
    match_units,
    participation_ratio,
    regression_r2,
    relative_representation,
    spectrum_ratio,
    unit_correlations,
    variance_of_feature,
)
from neurosim.errors import AnalysisError
from representation_fixture import KINDS, X, Y, double, normal, rotation

CUBE = np.array([[a, b, c] for a in (-1.0, 1) for b in (-1.0, 1) for c in (-1.0, 1)])
SIX_UNITS = CUBE @ np.array([[2.0, 2, 2, 0, 0, 0], [0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 0, 0.5]])


@pytest.mark.parametrize("kind", KINDS)
def test_fixture(kind: str) -> None:
    convert, tolerance = KINDS[kind]
    x, y = convert(X), convert(Y)
    found = {
        "dimensions of x": (participation_ratio(x), 2.660402),
        "dimensions of y": (participation_ratio(y), 3.353286),
        "y from x": (regression_r2(x, y), 0.614711),
        "x from y": (regression_r2(y, x), 0.650167),
        "one to one": (match_units(x, y).mean, 0.765809),
        "best of y": (match_units(x, y, one_to_one=False).mean, 0.765809),
        "best of x": (match_units(y, x, one_to_one=False).mean, 0.735565),
    }
    assert match_units(x, y).partners.tolist() == [0, 1, 2]
    for name, (value, expected) in found.items():
        assert torch.is_tensor(value) == kind.startswith("torch"), name
        assert float(value) == pytest.approx(expected, abs=tolerance), name


# --- dimensionality ---


def test_participation_ratio_in_closed_form() -> None:
    assert spectrum_ratio([4, 1, 1]) == pytest.approx(2)
    assert spectrum_ratio(1 / np.arange(1, 101)) == pytest.approx(16.458, abs=1e-3)
    values = np.linalg.eigvalsh(np.cov(X.T))
    assert participation_ratio(X) == pytest.approx(spectrum_ratio(values))
    wide = normal(6, 20)
    assert participation_ratio(wide) == pytest.approx(spectrum_ratio(np.linalg.eigvalsh(np.cov(wide.T)).clip(0)))
    for wrong in ([1, -1], [0, 0], []):
        with pytest.raises(AnalysisError):
            spectrum_ratio(wrong)


@pytest.mark.parametrize(
    ("m", "d", "expected"), [(100, 100, 49.7), (1000, 100, 90.9), (50, 100, 32.9), (100, 10, 9.08)]
)
def test_few_conditions_lower_the_ratio(m: int, d: int, expected: float) -> None:
    assert expected_participation_ratio(d, m) == pytest.approx(expected, abs=0.05)
    measured = np.mean([participation_ratio(normal(m, d, seed=k)) for k in range(10)])
    assert measured == pytest.approx(expected, rel=0.02)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
@settings(max_examples=10, deadline=None)
def test_streamed_covariance(seed: int, parts: int) -> None:
    x = normal(30, 4, seed=seed) + 100
    running = RunningCovariance()
    for rows in np.array_split(x, parts):
        running.update(rows)
    assert running.compute() == pytest.approx(np.cov(x.T), rel=1e-9, abs=1e-12)
    assert running.participation_ratio() == pytest.approx(participation_ratio(x))
    assert participation_ratio(3 * x @ rotation(4, seed) + 1) == pytest.approx(participation_ratio(x))
    with pytest.raises(AnalysisError, match="3 units, the first had 4"):
        running.update(x[:, :3])
    running.reset()
    running.update(x[:1])
    with pytest.raises(AnalysisError, match="fewer than 2"):
        running.compute()


def test_gradients_of_unit_measures() -> None:
    x, y = double(X).requires_grad_(), double(Y)
    anchors = double(X[:4])
    for function in (
        participation_ratio,
        lambda side: regression_r2(side, y),
        lambda side: match_units(side, y).mean,
        lambda side: relative_representation(side, anchors),
        lambda side: variance_of_feature(side, np.arange(10.0)),
    ):
        assert torch.autograd.gradcheck(function, (x,))


# --- units ---


def test_partners() -> None:
    x = normal(400, 30)
    order = np.random.default_rng(1).permutation(30)
    copy = match_units(x, x[:, order])
    assert order[copy.partners].tolist() == copy.units.tolist()
    assert copy.mean == pytest.approx(1)
    noisy = match_units(x, x[:, order] + normal(400, 30, seed=2))
    assert order[noisy.partners].tolist() == list(range(30))
    assert noisy.mean == pytest.approx(0.7071, abs=0.01)
    turned = [match_units(x, x @ rotation(30, seed)).mean for seed in range(1, 7)]
    assert np.mean(turned) == pytest.approx(0.36, abs=0.02)
    assert match_units(x, -x[:, order], absolute=True).mean == pytest.approx(1)


def test_partners_against_scipy() -> None:
    x, y = normal(20, 5), normal(20, 7, seed=1)
    correlations = np.corrcoef(x.T, y.T)[:5, 5:]
    assert unit_correlations(x, y) == pytest.approx(correlations)
    rows, columns = linear_sum_assignment(-correlations)
    assert match_units(x, y).mean == pytest.approx(correlations[rows, columns].mean())
    assert match_units(x, y, one_to_one=False).mean == pytest.approx(correlations.max(1).mean())


def test_chance_of_partners() -> None:
    pairs = [(normal(200, 50, seed=2 * k), normal(200, 50, seed=2 * k + 1)) for k in range(4)]
    assert np.mean([match_units(*pair).mean for pair in pairs]) == pytest.approx(0.145, abs=0.006)
    assert np.mean([match_units(*pair, one_to_one=False).mean for pair in pairs]) == pytest.approx(0.158, abs=0.006)
    assert abs(np.mean([match_units(*pair, held_out=True).mean for pair in pairs])) < 0.02


def test_a_silent_unit_has_no_partner() -> None:
    x = normal(20, 3)
    x[:, 1] = 0.1
    assert unit_correlations(x, x)[1].tolist() == [0, 0, 0]
    with pytest.raises(AnalysisError, match="four conditions"):
        match_units(x[:3], x[:3], held_out=True)


# --- anchors ---


def test_relative_representations() -> None:
    x = normal(40, 6)
    anchors = [3, 8, 20]
    found = relative_representation(x, anchors)
    assert [found[a, k] for k, a in enumerate(anchors)] == pytest.approx([1, 1, 1])
    assert relative_representation(3 * x @ rotation(6) + 1, anchors) == pytest.approx(found)
    plain = relative_representation(x, anchors, centre=False)
    assert relative_representation(3 * x @ rotation(6), anchors, centre=False) == pytest.approx(plain)
    assert np.abs(relative_representation(x + 1, anchors, centre=False) - plain).max() > 0.5
    assert relative_representation(x, x[anchors]) == pytest.approx(found)
    for wrong in ([40], [-1], [0.5], [], np.ones((2, 5))):
        with pytest.raises(AnalysisError, match="anchors"):
            relative_representation(x, wrong)
    with pytest.raises(AnalysisError, match="single anchor"):
        relative_representation(x, [0])


# --- features ---


def test_variance_of_features() -> None:
    found = [variance_of_feature(SIX_UNITS, CUBE[:, k]) for k in range(3)]
    assert found == pytest.approx([12 / 14.25, 2 / 14.25, 0.25 / 14.25], abs=1e-12)
    assert variance_of_feature(SIX_UNITS, CUBE) == pytest.approx(1)
    names = np.where(CUBE[:, 0] > 0, "left", "right")
    assert variance_of_feature(SIX_UNITS, names) == pytest.approx(12 / 14.25)
    assert float(variance_of_feature(double(SIX_UNITS), CUBE[:, 1])) == pytest.approx(2 / 14.25, abs=1e-12)


def test_what_is_read_as_well_may_be_represented_less() -> None:
    x = np.tile(SIX_UNITS, (10, 1)) + 0.05 * normal(80, 6)
    labels = np.tile(CUBE, (10, 1)).astype(int)
    found = feature_strengths(x, {"a": labels[:, 0], "c": labels[:, 2], "level": x[:, 3]})
    assert (found["a"].decoding, found["c"].decoding) == (1, 1)
    assert found["a"].variance > 0.8 > 0.05 > found["c"].variance
    assert (found["a"].units, found["c"].units) == (3, 1)
    assert found["a"].spread == pytest.approx(3, abs=0.01)
    assert found["level"].decoding > 0.99
    assert found["level"].units == 2
    for wrong in (np.zeros(80), labels[:5, 0], np.full(80, "a")):
        with pytest.raises(AnalysisError, match="feature"):
            variance_of_feature(x, wrong)


def trained(seed: int) -> tuple[dict[str, float], np.ndarray]:
    """Train a network on a linear and an XOR feature of eight bits; return what it got right, and its last layer."""
    torch.manual_seed(seed)
    x = torch.tensor([[2.0 * (number >> bit & 1) - 1 for bit in range(8)] for number in range(256)])
    targets = torch.stack([x[:, 0], x[:, 4] * x[:, 5]], dim=1)
    body = torch.nn.Sequential(torch.nn.Linear(8, 128), torch.nn.ReLU(), torch.nn.Linear(128, 64), torch.nn.ReLU())
    head = torch.nn.Linear(64, 2)
    optimiser = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=1e-3)
    for _ in range(1500):
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(head(body(x)), (targets + 1) / 2).backward()
        optimiser.step()
    with torch.no_grad():
        right = ((head(body(x)) > 0) == (targets > 0)).double().mean(0).tolist()
        return dict(zip(("linear", "xor"), right, strict=True)), body(x).numpy()


@pytest.mark.slow
def test_simple_features_take_more_of_a_trained_network() -> None:
    bits = np.array([[2 * (number >> bit & 1) - 1 for bit in range(8)] for number in range(256)])
    features = {"linear": bits[:, 0], "xor": bits[:, 4] * bits[:, 5]}
    for seed in range(5):
        right, hidden = trained(seed)
        assert right == {"linear": 1, "xor": 1}
        found = feature_strengths(hidden, features)
        print({name: (round(one.variance, 3), round(one.decoding, 3)) for name, one in found.items()})
        assert 0.48 < found["linear"].variance < 0.58
        assert 0.28 < found["xor"].variance < 0.39
        assert min(one.decoding for one in found.values()) > 0.95
