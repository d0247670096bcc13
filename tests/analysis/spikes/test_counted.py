"""Spikes that were only counted, in bins: nothing is said of times within one without a warning."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

import neurosim as ns
from neurosim.analysis import spikes as st
from neurosim.analysis.comparison import compare, overview
from neurosim.datasets import recordings

QUICK: dict[str, Any] = {"resamples": 2, "surrogates": 2, "halves": 2}


@pytest.fixture(scope="module")
def counted() -> ns.Recording:
    """Return spikes that were counted in bins of 50 ms, with the hand beside them."""
    sample = recordings.load("macaque-m1-reaching", sample=True).restrict((0.0, 20.0))
    return sample.select(neurons={"m1": slice(6), "hand": slice(None)})


@pytest.mark.parametrize(
    ("call", "bin"),
    [
        (lambda recording: st.cv(recording), "when each came"),
        (lambda recording: st.cv2(recording, "m1"), "when each came"),
        (lambda recording: st.lv(recording), "when each came"),
        (lambda recording: st.intervals(recording), "when each came"),
        (lambda recording: st.population_spectrum(recording, bin=0.01), r"in steps of 0\.01 s"),
        (lambda recording: st.autocorrelation(recording, bin=0.02, reach=0.1), r"in steps of 0\.02 s"),
        (lambda recording: st.correlogram(recording, 0, 1, bin=0.005, reach=0.1), r"in steps of 0\.005 s"),
    ],
    ids=["cv", "cv2", "lv", "intervals", "spectrum", "autocorrelation", "correlogram"],
)
def test_functions_warn(counted: ns.Recording, call: Callable[[ns.Recording], Any], bin: str) -> None:
    with pytest.warns(UserWarning, match=f"counted in bins of 0.05 s; .*{bin}"):
        call(counted)


def test_whole_bins_need_no_warning(counted: ns.Recording) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        st.population_spectrum(counted, bin=0.05)
        st.autocorrelation(counted, bin=0.1, reach=0.3)
        st.fano(counted, window=0.1)
        st.cv(ns.Recording({"m1": counted.spikes["m1"]}))  # of which nothing is known


def test_reports_leave_out_what_was_not_measured(counted: ns.Recording) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = overview(counted, resamples=2)
        coarse = overview(counted, resamples=2, bin=0.05, window=0.25)
        found = compare(ns.Recording({"exc": counted.spikes["m1"]}), counted, {"exc": "m1"}, **QUICK)
    assert {name.partition(": ")[2] for name in shown.left_out if name.startswith("m1: ")} == {
        "cv",
        "lv",
        "spectrum",
        "spectral peak",
        "timescale",
    }
    assert {name for name in coarse.left_out if name.startswith("m1: ")} == {"m1: cv", "m1: lv"}
    assert [line.statistic for line in found] == ["rate", "fano", "correlation", "dimensions"]
    assert found.left_out["exc beside m1: cv"] == (
        "recorded: spikes were counted in bins of 0.05 s; when each came within one was not measured."
    )
    assert "in steps of 0.02 s" in found.left_out["exc beside m1: psth"]
