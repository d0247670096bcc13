"""Populations as wholes: dissimilarities, alignment and courses in time of what they do in the same conditions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import procrustes
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

import neurosim as ns
from analysis.comparison.comparison_data import tuned
from neurosim.analysis.comparison import compare, plot_line
from neurosim.analysis.comparison.likeness import LIKENESSES, mixed
from neurosim.analysis.comparison.responses import Asked, Responses
from neurosim.errors import AnalysisError

NAMES = ["rsa", "cka", "trajectory"]
TRIALS: dict[str, Any] = {"events": "flash", "label": "angle", "response": (0.0, 0.4), "response_bin": 0.05}
QUICK: dict[str, Any] = {"resamples": 40, "surrogates": 10, "halves": 10}


def means(recording: ns.Recording) -> np.ndarray:
    asked = Asked.of("flash", "angle", (0.0, 0.4), 0.05)
    return asked.find((recording, recording), ("cells", "cells"))[0].means()


def test_against_scipy() -> None:
    one, other = tuned(14, seed=1), tuned(14, seed=2)
    found = compare(one, other, statistics=NAMES, **TRIALS, **QUICK)
    first, second = means(one), means(other)
    patterns = [side.mean(axis=1) for side in (first, second)]
    rdms = [pdist(side, "correlation") for side in patterns]
    assert found["rsa"].distance == pytest.approx(1 - spearmanr(*rdms).statistic)
    assert found["rsa"].recorded_values == pytest.approx(rdms[1])
    # Scipy's disparity of standardised shapes is 1 less the squared cosine of the angle.
    disparity = procrustes(first.reshape(-1, 14), second.reshape(-1, 14))[2]
    assert found["trajectory"].distance == pytest.approx(np.arccos(np.sqrt(1 - disparity)))
    aligned = found["trajectory"].simulated_values @ found["trajectory"].recorded_values
    assert np.arccos(aligned) == pytest.approx(found["trajectory"].distance)
    grams = [side - side.mean(axis=0) for side in patterns]
    grams = [side @ side.T for side in grams]
    plain = np.sum(grams[0] * grams[1]) / np.linalg.norm(grams[0]) / np.linalg.norm(grams[1])
    assert 1 - found["cka"].distance == pytest.approx(plain, abs=0.1)  # debiased, so a little less
    assert 1 - found["cka"].distance < plain


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.permutations(range(5)), st.floats(0.1, 10.0))
def test_invariances(seed: int, order: list[int], scale: float) -> None:
    draw = np.random.default_rng(seed)
    one, other = draw.gamma(2.0, 3.0, (5, 6, 7)), draw.gamma(2.0, 3.0, (5, 6, 9))
    turn = np.linalg.qr(draw.normal(size=(7, 7)))[0]
    for name, likeness in LIKENESSES.items():
        distance = likeness.distance(one, other)
        assert likeness.distance(one, one) == pytest.approx(0.0, abs=1e-7)
        assert likeness.distance(other, one) == pytest.approx(distance)
        assert likeness.distance(one[order], other[order]) == pytest.approx(distance)
        assert likeness.distance(scale * one, other) == pytest.approx(distance)
        assert likeness.distance(one[:, :, ::-1], other) == pytest.approx(distance)
        if name != "rsa":  # correlations across neurons change where neurons are mixed
            assert likeness.distance(one @ turn + 1.0, other) == pytest.approx(distance)


def test_more_neurons_than_rows_make_no_difference() -> None:
    draw = np.random.default_rng(0)
    one, other = draw.gamma(2.0, 3.0, (2, 4, 60)), draw.gamma(2.0, 3.0, (2, 4, 90))
    wide = procrustes(np.pad(one.reshape(8, -1), ((0, 0), (0, 30))), other.reshape(8, -1))[2]
    assert LIKENESSES["trajectory"].distance(one, other) == pytest.approx(np.arccos(np.sqrt(1 - wide)))


def test_a_good_and_a_bad_model() -> None:
    many: dict[str, Any] = {"angles": range(0, 180, 15)}
    recorded = tuned(30, seed=1, **many)
    good = compare(tuned(30, seed=2, **many), recorded, statistics=NAMES, **TRIALS, **QUICK)
    bad = compare(tuned(30, seed=2, gain=0.0, **many), recorded, statistics=NAMES, **TRIALS, **QUICK)
    for name in NAMES:
        assert good[name].score > 0.7, name
        assert bad[name].score < 0.4, name
        assert good[name].distance_low < good[name].distance < good[name].distance_high
        assert good[name].distance_high < bad[name].distance_low
        assert good[name].distance < good[name].null.low
        assert np.isnan(good[name].difference.value)
    # Where nothing is represented, halves of the simulation are no more alike than chance.
    assert bad["cka"].simulated.value > 0.6 > good["cka"].simulated.value


def test_conditions_in_another_order_are_another_representation() -> None:
    draw = np.random.default_rng(1)
    one = draw.gamma(2.0, 3.0, (8, 5, 20))
    for name in ("rsa", "cka"):
        found = [LIKENESSES[name].distance(mixed(one, draw), one) for _ in range(60)]
        assert np.mean(found) == pytest.approx(1.0, abs=0.15), name


def test_why_a_row_is_missing() -> None:
    few = {"angles": (0, 90)}
    found = compare(tuned(4, **few), tuned(4, **few), statistics=NAMES, **TRIALS, **QUICK)
    assert [line.statistic for line in found] == ["trajectory"]
    assert "left out: cells beside cells: rsa, cka: at least 4 labelled conditions are needed (label=); both sides " \
        "have 2." in str(found)  # fmt: skip
    single = compare(tuned(1, seed=1), tuned(1, seed=2), statistics=NAMES, **TRIALS, **QUICK)
    assert single.left_out["cells beside cells: rsa"] == "dissimilarities of patterns need two neurons at least."
    assert single["cka"].distance_low <= single["cka"].distance  # drawn anew by trials
    coarse = compare(tuned(4), tuned(4, seed=1), statistics=NAMES, **{**TRIALS, "response_bin": 0.2}, **QUICK)
    assert "4 bins at least; there are 2" in coarse.left_out["cells beside cells: trajectory"]


def test_single_trials_have_no_ceiling() -> None:
    once = tuned(8, repeats=1)
    line = compare(once, once, statistics=["rsa"], **TRIALS, **QUICK)["rsa"]
    assert line.distance == pytest.approx(0.0)
    assert np.isnan(line.ceiling.value)
    assert np.isnan(line.score)


def test_silence_is_no_representation() -> None:
    silent = Responses(np.zeros((8, 5, 3)), np.arange(5.0), np.arange(8) % 4, ("a", "b", "c", "d")).means()
    for likeness in LIKENESSES.values():
        with pytest.raises(AnalysisError):
            likeness.distance(silent, silent)


def test_what_is_drawn() -> None:
    found = compare(tuned(8, seed=1), tuned(8, seed=2), statistics=["psth", "tuning", *NAMES], **TRIALS, **QUICK)
    for name in NAMES:
        axes = plot_line(found[name])
        assert len(axes.collections[0].get_offsets()) == len(found[name].recorded_values)
    course = plot_line(found["psth"])
    assert course.get_xlabel() == "time from the event (s), conditions side by side"
    assert len(course.lines) == 2 * 6  # both sides, condition after condition
    assert len(plot_line(found["tuning"]).lines) == 2
    table = found.table().set_index("statistic")
    assert table.loc["rsa (1 - rho)", "distance_low"] == found["rsa"].distance_low
    from matplotlib import pyplot

    pyplot.close("all")
