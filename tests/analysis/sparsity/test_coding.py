from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis.sparsity import (
    PENALTIES,
    Cel0,
    Half,
    Hard,
    Log,
    Penalty,
    Soft,
    encode,
    penalty,
    weight_for,
)
from neurosim.errors import AnalysisError

EVERY: tuple[Penalty, ...] = (Soft(0.5), Hard(0.5), Half(0.5), Cel0(0.5), Cel0(0.3, norm=1.2), Log(0.5), Log(0.2, 1.0))
VALUES = st.lists(st.floats(-8, 8, allow_subnormal=False), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("operator", "step", "expected"),
    [
        (Soft(0.5), 1.0, (0, 0.3, 0.5, 0.7, 1.5, 4.5)),
        (Half(0.5), 1.0, (0, 0.644268, 0.865650, 1.079702, 1.909542, 4.943781)),
        (Cel0(0.5), 0.4, (0, 0.666667, 1, 1.2, 2, 5)),
        (Hard(0.5), 1.0, (0, 0.8, 1, 1.2, 2, 5)),
    ],
)
def test_known_values(operator: Penalty, step: float, expected: tuple[float, ...]) -> None:
    assert operator.shrink([0.3, 0.8, 1.0, 1.2, 2.0, 5.0], step) == pytest.approx(expected, abs=1e-6)


def test_threshold_of_half() -> None:
    assert Half(0.5).shrink([0.595274, 0.595276]).tolist() == [0, pytest.approx(0.3968, abs=1e-4)]


@pytest.mark.parametrize("operator", EVERY, ids=str)
@pytest.mark.parametrize("step", [0.1, 0.6])
def test_operators_find_the_minimum(operator: Penalty, step: float) -> None:
    values = np.linspace(-3, 3, 61)
    grid = np.append(np.linspace(-4, 4, 40_001), 0.0)
    price = operator.cost(grid)

    def worth(r: np.ndarray, z: float) -> np.ndarray:
        return 0.5 * np.square(r - z) + step * operator.cost(r)

    for z, found in zip(values, operator.shrink(values, step), strict=True):
        least = (0.5 * np.square(grid - z) + step * price).min()
        assert worth(found, z) <= least + 1e-12


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(EVERY), VALUES, st.floats(0.01, 0.6))
def test_properties_of_operators(operator: Penalty, values: list[float], step: float) -> None:
    z = np.array(values)
    shrunk = operator.shrink(z, step)
    np.testing.assert_array_equal(operator.shrink(-z, step), -shrunk)
    assert (np.abs(shrunk) <= np.abs(z) * (1 + 1e-12)).all()
    assert (shrunk * z >= 0).all()
    assert operator.shrink(0.0, step) == 0
    assert operator.cost(0.0) == 0
    np.testing.assert_array_equal(operator.cost(-z), operator.cost(z))


@pytest.mark.parametrize("norm", [0.5, 1.0, 1.5])
def test_cel0_is_continuous_and_leaves_large_values(norm: float) -> None:
    operator, step = Cel0(0.5, norm=norm), 0.3
    edge = np.sqrt(2 * 0.5) / norm
    values = np.linspace(-3 * edge, 3 * edge, 100_001)
    shrunk = operator.shrink(values, step)
    assert np.abs(np.diff(shrunk)).max() <= (values[1] - values[0]) / (1 - norm**2 * step) * (1 + 1e-6)
    far = np.abs(values) >= edge
    np.testing.assert_array_equal(shrunk[far], values[far])
    np.testing.assert_array_equal(shrunk[np.abs(values) < np.sqrt(2 * 0.5) * norm * step], 0)
    assert operator.cost([edge, 5 * edge]).tolist() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: penalty("sof", 1.0), "Did you mean 'soft'"),
        (lambda: penalty("log", 1.0, scala=2), "Did you mean 'scale'"),
        (lambda: Soft(0.0), "positive"),
        (lambda: Log(1.0, scale=0.0), "scale"),
        (lambda: Cel0(1.0, norm=2.0).shrink(1.0, step=0.25), "below 1/norm"),
        (lambda: Soft(1.0).shrink(1.0, step=0.0), "step must be above 0"),
        (lambda: encode(np.ones((2, 3)), np.ones((4, 5)), Soft(1.0)), "do not fit"),
        (lambda: encode(np.ones(3), np.ones((3, 5)), Soft(1.0)), "do not fit a dictionary"),
        (lambda: encode(np.full((2, 3), np.nan), np.ones((3, 5)), Soft(1.0)), "finite"),
        (lambda: encode(np.ones((2, 3)), np.zeros((3, 5)), Soft(1.0)), "0 everywhere"),
        (lambda: encode(np.ones((2, 3)), np.eye(3), Soft(1.0), start=np.ones((2, 4))), "start has shape"),
        (lambda: encode(np.ones((2, 3)), np.eye(3), Soft(1.0), limit=0), "must be positive"),
        (lambda: encode(np.ones((2, 3)), np.eye(3), Cel0(1.0), step=1.0), "step must be below"),
        (lambda: weight_for(5, np.ones((2, 3)), np.eye(3), Soft(1.0)), "below the number of units"),
        (lambda: weight_for(1, np.ones((2, 3)), np.eye(3), Soft(1.0), iterations=0), "iterations"),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        call()


def problem(seed: int, patches: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return noisy patches, what they would be without noise, and the dictionary that they are drawn from."""
    random = np.random.default_rng(seed)
    dictionary = random.normal(size=(64, 128))
    dictionary /= np.linalg.norm(dictionary, axis=0)
    codes = np.zeros((patches, 128))
    for row in codes:
        row[random.choice(128, 6, replace=False)] = random.normal(size=6)
    clean = codes @ dictionary.T
    return clean + 0.05 * random.normal(size=clean.shape), clean, dictionary


@pytest.mark.parametrize("kind", PENALTIES)
@pytest.mark.parametrize("accelerated", [False, True])
def test_the_objective_never_rises(kind: str, accelerated: bool) -> None:
    patches, _, dictionary = problem(0, patches=20)
    code = encode(patches, dictionary, penalty(kind, 0.02), accelerated=accelerated, tolerance=1e-4)
    assert code.converged
    assert (np.diff(code.objective) <= 1e-12).all()
    assert code.objective[-1] < 0.8 * code.objective[0]
    residual = patches - code.codes @ dictionary.T
    np.testing.assert_allclose(code.residual, residual, atol=1e-12)
    final = 0.5 * np.square(residual).sum(axis=1).mean() + penalty(kind, 0.02).cost(code.codes).sum(axis=1).mean()
    assert code.objective[-1] == pytest.approx(final)
    assert code.error == pytest.approx(np.square(residual).mean())
    assert code.relative_error(patches) == pytest.approx(np.square(residual).sum() / np.square(patches).sum())


def test_soft_is_the_lasso_of_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    patches, _, dictionary = problem(1, patches=3)
    lasso = linear_model.Lasso(alpha=0.05 / 64, fit_intercept=False, tol=1e-10, max_iter=100_000)
    expected = np.stack([lasso.fit(dictionary, patch).coef_ for patch in patches])
    code = encode(patches, dictionary, Soft(0.05), accelerated=True, tolerance=1e-7, limit=20_000)
    np.testing.assert_allclose(code.codes, expected, atol=1e-4)


def test_acceleration_takes_fewer_iterations() -> None:
    patches, _, dictionary = problem(2, patches=20)
    plain, fast = (
        encode(patches, dictionary, Soft(0.05), tolerance=1e-4, accelerated=accelerated)
        for accelerated in (False, True)
    )
    assert len(fast.objective) < len(plain.objective)
    assert fast.objective[-1] == pytest.approx(plain.objective[-1], rel=1e-2)


def test_an_orthogonal_dictionary_is_coded_in_one_go() -> None:
    code = encode([[3.0, -0.5, 1.5]], np.eye(3), Soft(1.0), step=1.0)
    assert code.codes.tolist() == [[2.0, 0.0, 0.5]]
    again = encode([[3.0, -0.5, 1.5]], np.eye(3), Soft(1.0), step=1.0, start=code.codes)
    assert len(again.objective) == 2


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_counting_prices_explain_more_with_as_many_units(seed: int) -> None:
    """At equal activity l1 leaves over four times the error: what it keeps is too small."""
    patches, clean, dictionary = problem(seed)
    errors = {}
    for kind in ("soft", "half", "cel0", "hard", "log"):
        found, code = weight_for(6.25, patches, dictionary, penalty(kind, 0.05), tolerance=1e-3)
        assert code.active == pytest.approx(6.25, rel=0.06)
        assert found.name == kind
        errors[kind] = np.square(clean - code.codes @ dictionary.T).sum() / np.square(clean).sum()
    for kind in ("half", "cel0", "log"):
        assert errors["soft"] > (4 if kind != "half" else 3) * errors[kind], errors
    assert errors["hard"] > 0.8 * errors["soft"], errors  # poor minima, from zero
    _, staged = weight_for(6.25, patches, dictionary, Hard(0.05), tolerance=1e-3, stages=10)
    error = np.square(clean - staged.codes @ dictionary.T).sum() / np.square(clean).sum()
    assert errors["soft"] > 4 * error
