from __future__ import annotations

import json

import numpy as np
import pytest

import neurosim as ns
from analysis.comparison.comparison_data import poisson
from neurosim.analysis.comparison import STATISTICS, Overview, overview
from neurosim.errors import AnalysisError
from neurosim.recording import SpikeTrains


def numbers(found: Overview, population: str) -> dict[str, float]:
    return {fact.name: fact.estimate.value for fact in found.facts if fact.population == population}


def test_poisson_neurons() -> None:
    found = overview(ns.Recording({"cells": poisson(20, 30.0, rhythm=0.9)}), window=0.05, resamples=50)
    values = numbers(found, "cells")
    assert values["rate"] == pytest.approx(10.0, rel=0.05)
    assert values["cv"] == pytest.approx(1.0, abs=0.1)
    assert values["silent neurons"] == 0
    assert values["spectral peak"] == 8.0
    # Independent given the rhythm, which is most of what they share.
    assert 10 < values["dimensions"] < 20
    assert 1 / np.sqrt(20) < values["synchrony"] < 0.6
    # Poisson counts of mean 0.5 in 50 ms, moved by the rhythm: mean^2 / (mean^2 (1 + the rhythm's variance) + mean).
    moved = 0.9**2 / 2 * np.sinc(8.0 * 0.05) ** 2
    assert values["lifetime Treves-Rolls"] == pytest.approx(0.25 / (0.25 * (1 + moved) + 0.5), rel=0.05)
    fact = next(fact for fact in found.facts if fact.name == "rate")
    assert fact.estimate.low < values["rate"] < fact.estimate.high


def test_what_is_missing_is_named() -> None:
    silent = SpikeTrains([], [], 3, duration=5.0)
    found = overview(ns.Recording({"one": poisson(1, 5.0), "none": silent}), resamples=20)
    assert numbers(found, "none") == {"rate": 0.0, "silent neurons": 1.0} | {
        name: value for name, value in numbers(found, "none").items() if np.isnan(value)
    }
    assert "no pair of neurons" in found.left_out["one: dimensions"]
    assert "none: spectrum" in found.left_out
    named = set(numbers(found, "one")) | {name.partition(": ")[2] for name in found.left_out if name.startswith("one")}
    assert set(STATISTICS) < named
    held = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert held["sizes"] == {"one": found.sizes["one"], "none": "3 neurons, 0 spikes, 5 s"}
    assert str(found).startswith("one: 1 neuron, ")


def test_without_spikes() -> None:
    with pytest.raises(AnalysisError, match="neither spikes nor traces"):
        overview(ns.Recording())
