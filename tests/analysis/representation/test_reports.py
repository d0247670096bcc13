"""Reports and figures: what they list, what they draw, how sampling shows in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from neurosim.analysis import features
from neurosim.analysis.representation import (
    METRICS,
    cka,
    compare_models,
    participation_ratio,
    plot_models,
    plot_rdm,
    plot_states,
    plot_subsampling,
    rdm,
    similarity_report,
    square,
    subsampling_report,
)
from neurosim.errors import AnalysisError
from reference_data import reference_folder
from representation_fixture import X, Y, normal

pyplot = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


def test_every_line_says_what_it_was_measured_with() -> None:
    x = np.column_stack([X, np.ones(10)])
    found = similarity_report(x, Y, METRICS, nulls=20, seed=3)
    assert [line.metric for line in found.lines] == list(METRICS)
    line = found["debiased cka"]
    assert line.value == pytest.approx(0.423550, abs=1e-6)
    assert (line.conditions, line.units_x, line.units_y, line.masked_x, line.masked_y) == (10, 3, 4, 1, 0)
    assert (line.variant, line.correction, line.null, line.seed) == ("linear", "U-statistic", "20 permutations", 3)
    assert line.ceiling is None
    expected = {"cka": 0.602045, "svcca": 0.816516, "pwcca": 0.809203, "procrustes": 0.746771, "ssm": 0.231094,
                "regression": 0.614711, "rsa whitened": 0.406406, "cca": 0.816516}  # fmt: skip
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-6)
    text = str(found)
    assert text.startswith("10 conditions, 3 and 4 units (1 and 0 silent left out); null: 20 permutations, seed 3\n")
    assert "debiased cka   0.424  null " in text
    assert "(linear, U-statistic)" in text
    assert json.loads(found.to_json())[1]["value"] == pytest.approx(line.value)
    assert found.table().shape == (len(METRICS), 15)
    assert similarity_report(x, Y, ["cka"], nulls=20, seed=3)["cka"] == found["cka"]


def test_null_and_ceiling() -> None:
    signal = normal(40, 6)
    repeats = signal + normal(8, 40, 6, seed=1)
    found = similarity_report(signal, repeats.mean(0), ["debiased cka", "cka"], nulls=60, repeats=repeats)
    biased, line = found["cka"], found["debiased cka"]
    assert abs(line.null_mean) < 3 * line.null_sd / np.sqrt(60) + 0.01
    assert biased.null_mean == pytest.approx(6 / 45, abs=0.03)
    assert line.p_value == pytest.approx(1 / 61)
    assert line.ceiling is not None
    assert 0.6 < line.ceiling < line.value  # halves are noisier than the mean of all
    assert "ceiling" in str(found)


def test_series_are_shifted() -> None:
    slow = np.cumsum(normal(200, 3), axis=0)
    permuted = similarity_report(slow, normal(200, 3, seed=1), ["cka"])["cka"]
    shifted = similarity_report(slow, slow, ["cka"], null="shift", least_shift=20, nulls=30)["cka"]
    assert shifted.null == "30 shifts by 20 rows or more"
    assert shifted.null_mean > 3 * permuted.null_mean


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metrics": []}, "no metric"),
        ({"metrics": ["ckaa"]}, "Did you mean 'cka'"),
        ({"null": "swap"}, "'permute', 'shift'"),
        ({"nulls": 1}, "at least 2"),
        ({"null": "shift", "least_shift": 9}, "least_shift"),
        ({"repeats": Y}, "repeats have the shape"),
        ({"y": np.ones((10, 2))}, "no unit of one side"),
        ({"y": Y[:5]}, "10 conditions and y 5"),
    ],
)
def test_refusals_of_reports(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        similarity_report(**{"x": X, "y": Y, **arguments})
    with pytest.raises(AnalysisError, match="the report has no 'rsa'"):
        similarity_report(X, Y, ["cka"], nulls=2)["rsa"]


def latent(noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Return 118 stimuli in five latent dimensions as 1000 units show them, with and without noise."""
    clean = normal(118, 5) @ normal(5, 1000, seed=1)
    return clean, clean + noise * clean.std() * normal(118, 1000, seed=2)


def test_few_units_lower_the_similarity() -> None:
    units = [10, 30, 100, 300]
    clean, _ = latent(0.0)
    means = [sample.mean for sample in subsampling_report(clean, clean, units, side="y", repeats=10).samples]
    # The Gram matrix of k units that mix 5 dimensions at random is a Wishart matrix: its expected squares add up so.
    assert means == pytest.approx([1 / np.sqrt(1 + 6 / k) for k in units], abs=0.03)


def test_debiasing_removes_the_floor_of_noise_but_not_the_loss_of_units() -> None:
    clean, noisy = latent(2.0)
    units = [10, 30, 100, 300]
    found = {
        metric: [one.mean for one in subsampling_report(clean, noisy, units, metric=metric, side="y").samples]
        for metric in ("cka", "debiased cka")
    }
    for means in found.values():
        assert means == sorted(means)
        assert means[0] < 0.45
    assert found["cka"][-1] < 0.85
    assert found["debiased cka"][-1] > found["cka"][-1] + 0.02


def test_numbers_of_units_and_conditions() -> None:
    found = subsampling_report(normal(30, 12), normal(30, 9, seed=1), [4, 8], [20, 30], side="both", repeats=5, seed=1)
    sizes = [(one.conditions, one.units_x, one.units_y) for one in found.samples]
    assert sizes == [(20, 4, 4), (20, 8, 8), (30, 4, 4), (30, 8, 8)]
    assert "cka; 5 draws of units of both" in str(found)
    assert found.table()["null_mean"].abs().max() < 0.3
    ax = plot_subsampling(found)
    assert ax.get_xlabel() == "units"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["20 conditions", "30 conditions"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": []}, "to draw from"),
        ({"units": [4]}, "3 units and 10 conditions"),
        ({"units": [2], "conditions": [11]}, "3 units and 10 conditions"),
        ({"units": [2], "metric": "cca2"}, "no metric"),
        ({"units": [2], "side": "z"}, "side is"),
    ],
)
def test_refusals_of_subsampling(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        subsampling_report(X, Y, **arguments)


def test_dissimilarities_are_drawn() -> None:
    ax = plot_rdm(rdm(X), list("abcdefghij"))
    assert np.asarray(ax.images[0].get_array()) == pytest.approx(square(rdm(X)))
    assert [text.get_text() for text in ax.get_xticklabels()] == list("abcdefghij")
    _, own = pyplot.subplots()
    assert plot_rdm(rdm(X), ax=own) is own
    with pytest.raises(AnalysisError, match="one for each of the 10"):
        plot_rdm(rdm(X), ["a"])


def test_models_are_drawn_with_their_ceiling() -> None:
    subjects = np.stack([rdm(X + 0.3 * normal(10, 3, seed=s)) for s in range(4)])
    found = compare_models({"x": rdm(X), "y": rdm(Y)}, subjects, "pearson", resamples=50)
    ax = plot_models(found)
    assert [bar.get_height() for bar in ax.patches[-2:]] == pytest.approx(found.mean.tolist())
    assert ax.get_ylabel() == "similarity (pearson)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["noise ceiling"]


def test_states_are_drawn() -> None:
    ax = plot_states(np.array([[0.2, 0.8], [0.6, 0.4]]))
    assert ax.get_ylim() == (0, 1)
    with pytest.raises(AnalysisError, match="add up to 1"):
        plot_states(np.ones((3, 2)))


def test_report_of_motor_cortex() -> None:
    counts = loadmat(reference_folder("macaque_m1_reaching") / "m1_stevenson_2011.mat")["spikes"].T
    x = features(counts).standardised()
    order = np.random.default_rng(0).permutation(171)
    one, other = x.columns(order[:85]), x.columns(order[85:170])
    line = similarity_report(one, other, ["cka"], null="shift", least_shift=200, nulls=10)["cka"]
    assert 0.16 < line.value < 0.176
    assert line.null_mean == pytest.approx(0.006, abs=0.002)
    assert line.p_value == pytest.approx(1 / 11)
    assert participation_ratio(one) > 60
    assert cka(one, other) == pytest.approx(line.value, abs=0.01)
