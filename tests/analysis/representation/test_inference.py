"""Models against subjects: resampling equals copying, errors are those of repeated experiments, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.analysis.representation import compare_models, compare_rdms, mean_rdm, noise_ceiling, rdm, square
from neurosim.analysis.representation.inference import RESAMPLED
from neurosim.analysis.representation.resampling import Resampler
from neurosim.errors import AnalysisError
from representation_fixture import normal


@pytest.mark.parametrize("method", RESAMPLED)
def test_weights_equal_copies(method: Any) -> None:
    draw, m = np.random.default_rng(0), 9
    models = np.round(draw.random((2, 36)), 1)  # with ties
    subjects = np.round(models[:1] + draw.random((3, 36)), 1)
    counts = draw.multinomial(m, np.full(m, 1 / m), size=4).astype(float)
    found = Resampler(models, subjects, method).scores(counts)
    for number, count in enumerate(counts):
        drawn = np.repeat(np.arange(m), count.astype(int))
        a, b = (drawn[side] for side in np.triu_indices(m, 1))
        rows = [square(row)[a, b][a != b] for row in (*models, *subjects)]
        for model in range(2):
            for subject in range(3):
                expected = of_entries(rows[model], rows[2 + subject], method)
                assert found[number, model, subject] == pytest.approx(expected, abs=1e-12)


def of_entries(a: np.ndarray, b: np.ndarray, method: str) -> float:
    """Return the similarity of any number of entries, by definition."""
    from scipy.stats import rankdata

    if method == "tau_a":
        signs = [np.sign(np.subtract.outer(v, v))[np.triu_indices(v.size, 1)] for v in (a, b)]
        return float(np.mean(signs[0] * signs[1]))
    if method == "cosine":
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    if method == "pearson":
        return float(np.corrcoef(a, b)[0, 1])
    ranks, n = [rankdata(v) for v in (a, b)], a.size
    if method == "spearman":
        return float(np.corrcoef(*ranks)[0, 1])
    return float(12 * ranks[0] @ ranks[1] / (n**3 - n) - 3 * (n + 1) / (n - 1))


def experiment(conditions: int, subjects: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return models and subjects of one experiment: new conditions, new subjects."""
    truth = normal(conditions, 8, seed=3 * seed)
    models = {
        "right": rdm(truth),
        "half": rdm(truth[:, :3]),
        "wrong": rdm(normal(conditions, 8, seed=3 * seed + 1)),
    }
    draw = np.random.default_rng(3 * seed + 2)
    own = [draw.normal(size=8) for _ in range(subjects)]  # every subject weighs the dimensions in its own way
    rows = [rdm(truth * np.exp(0.6 * one) + 0.7 * draw.normal(size=truth.shape)) for one in own]
    return models, np.stack(rows)


def test_result() -> None:
    models, subjects = experiment(16, 5, 1)
    found = compare_models(models, subjects, "pearson", resamples=300, seed=3)
    assert found.names == ("right", "half", "wrong")
    assert found.scores == pytest.approx(compare_rdms(np.stack(list(models.values())), subjects, "pearson"))
    assert found.ceiling == noise_ceiling(subjects, "pearson")
    right, half, wrong = found.mean
    assert right > half > wrong
    p = found.differences()
    assert np.array_equal(p, p.T)
    assert np.diag(p).tolist() == [1, 1, 1]
    assert p[0, 2] < 0.02
    low, high = found.interval()[0]
    assert (low + high) / 2 == pytest.approx(right)
    assert found.freedom == 4
    assert low > 0
    assert f"right          {right:7.4f} ± " in str(found)
    assert "noise ceiling" in str(found)
    again = compare_models(models, subjects, "pearson", resamples=300, seed=3)
    assert np.array_equal(again.resampled["both"], found.resampled["both"])


def test_the_mean_of_the_subjects_reaches_the_ceiling() -> None:
    _, subjects = experiment(12, 4, 2)
    for method in ("cosine", "pearson", "spearman"):
        found = compare_models({"mean": mean_rdm(subjects, method)}, subjects, method, resamples=2)
        assert found.ceiling is not None
        assert found.mean[0] == pytest.approx(found.ceiling.upper, abs=1e-12)


def test_one_factor_understates_the_error_of_both() -> None:
    models, subjects = experiment(16, 6, 3)
    errors = {
        factors: compare_models(models, subjects, "pearson", resamples=400, factors=factors).error[1]
        for factors in (("conditions",), ("subjects",), ("conditions", "subjects"))
    }
    both = errors.pop(("conditions", "subjects"))
    assert all(both >= one * 0.95 for one in errors.values())


@pytest.mark.slow
def test_errors_are_those_of_repeated_experiments() -> None:
    scores, errors = [], []
    for seed in range(120):
        models, subjects = experiment(24, 8, seed)
        found = compare_models(models, subjects, "pearson", resamples=300, seed=seed)
        scores.append(found.mean)
        errors.append(found.error)
    ratio = np.sqrt(np.mean(np.square(errors), axis=0)) / np.std(scores, axis=0)
    assert ((ratio > 0.75) & (ratio < 1.35)).all(), ratio


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": {}}, "no model"),
        ({"models": {"a": np.ones(3)}}, "shape"),
        ({"method": "whitened_cosine"}, "drawn twice"),
        ({"factors": ("units",)}, "factors"),
        ({"factors": ()}, "factors"),
        ({"resamples": 1}, "resamples"),
        ({"subjects": np.arange(1.0, 7)}, "one subject"),
        ({"subjects": np.ones((2, 6)), "method": "pearson"}, "all the same"),
        ({"models": {"a": np.array([1.0, np.nan, 2, 3, 4, 5])}}, r"models\['a'\] holds NaN"),
    ],
)
def test_refusals(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {
        "models": {"a": np.arange(1.0, 7)},
        "subjects": np.abs(normal(3, 6)),
        "resamples": 5,
        **change,
    }
    with pytest.raises(AnalysisError, match=message):
        compare_models(**arguments)


def test_whitened_comparisons_resample_subjects() -> None:
    models, subjects = experiment(8, 4, 0)
    found = compare_models(models, subjects, "whitened_cosine", factors=("subjects",), resamples=50)
    assert found.resampled["subjects"].shape == (50, 3)
    assert found.freedom == 3
    assert "50 resamples of subjects" in str(found)
    with pytest.raises(AnalysisError, match="level"):
        found.interval(1.0)


def test_two_conditions_cannot_be_resampled() -> None:
    with pytest.raises(AnalysisError, match="at least 3 conditions"):
        compare_models({"a": [1.0]}, [[1.0], [2.0]])
