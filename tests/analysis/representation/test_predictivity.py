"""Prediction of neurons from units: against scikit-learn, least squares, and what was planted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis.representation import predictivity, regression_r2
from neurosim.analysis.representation.partial_least_squares import PartialLeastSquares
from neurosim.errors import AnalysisError
from representation_fixture import X, Y, normal


def test_prediction_of_neurons() -> None:
    x = normal(120, 8)
    y = np.concatenate([x @ normal(8, 3, seed=1), normal(120, 2, seed=2), np.ones((120, 1))], axis=1)
    y[:, 2] += 2 * y[:, 2].std() * normal(120, seed=3)
    found = predictivity(x, y, reliability=[1, 1, 0.2, 0, np.nan, 1], seed=4)
    assert found.r[:2] == pytest.approx([1, 1], abs=1e-3)
    assert found.r2[:2] == pytest.approx([1, 1], abs=1e-3)
    assert found.r[2] == pytest.approx(np.sqrt(0.2), abs=0.12)
    assert found.normalised[2] == pytest.approx(found.r[2] / np.sqrt(0.2))
    assert np.isnan(found.normalised[3:]).all()
    assert (np.abs(found.r[3:5]) < 0.35).all()
    assert found.r2[3] < 0.05
    assert np.isnan(found.r[5])
    assert found.settings.shape == (5, 6)
    assert found.median == pytest.approx(np.nanmedian(found.r))


def test_prediction_against_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    from neurosim.analysis.representation.ridge import Ridge

    for rows, columns in ((30, 6), (8, 20)):
        x, y = normal(rows, columns) * 5 + 2, normal(rows, 2, seed=1)
        scaled = (x - x.mean(0)) / x.std(0)
        theirs = linear_model.Ridge(alpha=3.0).fit(scaled, y)
        assert Ridge(x, y).predict(x, 3.0) == pytest.approx(theirs.predict(scaled))
        assert Ridge(x, y).weights(3.0) == pytest.approx(theirs.coef_.T)


def test_partial_least_squares_against_scikit_learn() -> None:
    regression = pytest.importorskip("sklearn.cross_decomposition").PLSRegression
    for rows, columns, targets in ((40, 6, 1), (30, 12, 4), (10, 30, 3)):
        x, y = normal(rows, columns) * 5 + 2, normal(rows, targets, seed=1) + 3
        y[:, 0] += x[:, 0]
        other = normal(7, columns, seed=2) * 5 + 2
        found = PartialLeastSquares(x, y, 4)
        for components in range(1, 5):
            theirs = regression(components, tol=1e-14, max_iter=20_000).fit(x, y)
            expected = np.asarray(theirs.predict(other)).reshape(7, targets)
            assert found.predict(other, components) == pytest.approx(expected, rel=1e-5, abs=1e-7)


@given(st.integers(0, 1000), st.integers(1, 5), st.floats(0.1, 10.0))
@settings(max_examples=15, deadline=None)
def test_all_components_are_least_squares(seed: int, columns: int, scale: float) -> None:
    x, y = normal(25, columns, seed=seed), normal(25, 3, seed=seed + 1)
    design = np.concatenate([x, np.ones((25, 1))], axis=1)
    expected = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    whole = PartialLeastSquares(scale * x + 1, y, 99)
    assert whole.components == columns
    assert whole.predict(scale * x + 1, 99) == pytest.approx(expected, abs=1e-7)
    error = [np.square(y - whole.predict(scale * x + 1, number)).sum() for number in range(columns + 1)]
    assert (np.diff(error) <= 1e-9).all()
    assert error[0] == pytest.approx(np.square(y - y.mean(0)).sum())


def test_prediction_by_components() -> None:
    """Two hidden causes drive twenty units and three neurons; a fourth neuron follows nothing."""
    causes, noise = normal(150, 2), normal(150, 24, seed=3)
    x = causes @ normal(2, 20, seed=1) + 0.3 * noise[:, :20]
    y = np.concatenate([causes @ normal(2, 3, seed=2), np.zeros((150, 1))], axis=1) + 0.1 * noise[:, 20:]
    found = predictivity(x, y, method="pls", reliability=[1, 1, 1, 1])
    assert found.method == "pls"
    assert (found.r[:3] > 0.95).all()
    assert found.normalised[:3] == pytest.approx(found.r[:3])
    assert abs(found.r[3]) < 0.3
    assert (found.settings[:, :3] >= 2).all()
    alike = predictivity(x, y)
    assert found.r[:3] == pytest.approx(alike.r[:3], abs=0.03)
    one = predictivity(x, y, method="pls", components=(1,))
    assert one.median < found.median
    assert (one.settings == 1).all()


def test_components_of_what_never_changes() -> None:
    constant = PartialLeastSquares(np.ones((6, 3)), normal(6, 2), 2)
    assert constant.components == 0
    assert constant.predict(np.ones((2, 3)), 2) == pytest.approx(np.tile(normal(6, 2).mean(0), (2, 1)))
    with pytest.raises(AnalysisError, match="one component at least"):
        PartialLeastSquares(X, Y, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"folds": 1}, "folds"),
        ({"method": "plz"}, "Did you mean 'pls'"),
        ({"method": "pls", "components": ()}, "no number of components"),
        ({"method": "pls", "components": (0, 2)}, "whole numbers from 1 on"),
        ({"method": "pls", "components": (1.5,)}, "whole numbers from 1 on"),
        ({"groups": [0]}, "groups: one for each"),
        ({"reliability": [1]}, "reliability: one for each"),
        ({"penalties": ()}, "no penalty"),
        ({"penalties": (0.0,)}, "penalties must be positive"),
    ],
)
def test_refusals_of_predictivity(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        predictivity(X, Y, **arguments)


def test_nothing_to_predict() -> None:
    with pytest.raises(AnalysisError, match="same in all conditions"):
        regression_r2(X, np.ones((10, 2)))
