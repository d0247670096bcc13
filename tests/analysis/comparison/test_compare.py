from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot
from scipy import stats

import neurosim as ns
from analysis.comparison.comparison_data import poisson, recording
from neurosim.analysis.comparison import STATISTICS, compare, plot_comparison, plot_line
from neurosim.analysis.comparison.statistics import Settings, segment_powers
from neurosim.analysis.spikes import count_correlation, population_spectrum
from neurosim.errors import AnalysisError, RecordError
from neurosim.recording import SpikeTrains
from neurosim.units import Mohm, ms, mV, nA

QUICK: dict[str, Any] = {"resamples": 60, "surrogates": 5, "halves": 5}


def test_the_same_kind_of_neurons() -> None:
    options: dict[str, Any] = {"spread": 0.5, "rhythm": 0.9}
    found = compare(
        recording(poisson(40, 20.0, seed=1, **options)), recording(poisson(30, 20.0, seed=2, **options)), **QUICK
    )
    assert [line.statistic for line in found] == list(STATISTICS)
    assert np.isnan(found["timescale"].simulated.value)  # a rhythm does not decay
    assert found["timescale"].score > 0.7
    for line in found:
        if line.statistic == "timescale":
            continue
        assert line.difference.low < 0 < line.difference.high, line.statistic
        assert line.difference.value == pytest.approx(line.simulated.value - line.recorded.value)
    for name in ("rate", "correlation", "spectrum"):  # those that Poisson neurons without a rhythm do not have
        assert found[name].score > 0.7, name


def test_neurons_that_differ() -> None:
    clocks = SpikeTrains(
        np.concatenate([np.arange(0.001 * i, 20, 0.05) for i in range(20)]),
        np.concatenate([np.full(np.arange(0.001 * i, 20, 0.05).size, i) for i in range(20)]),
        20,
        duration=20.0,
    )
    found = compare(recording(clocks), recording(poisson(30, 20.0, spread=0.5, rhythm=0.9)), **QUICK)
    assert found["rate"].difference.low > 5
    assert found["cv"].difference.high < -0.9
    assert found["fano"].difference.high < -0.5
    assert found["spectrum"].score < 0
    assert found["spectrum"].distance > 10


def test_distance_and_interval_against_closed_forms() -> None:
    # Regular neurons whose rates are known: one set is the other, 3 Hz faster.
    def fixed(rates: Any) -> SpikeTrains:
        number = np.round(np.asarray(rates) * 10).astype(int)
        times = np.concatenate([np.linspace(0, 9.99, many) for many in number])
        return SpikeTrains(times, np.repeat(np.arange(number.size), number), number.size, duration=10.0)

    rates = np.linspace(5.0, 15.0, 41)
    found = compare(recording(fixed(rates + 3)), recording(fixed(rates)), statistics=["rate"], resamples=2000)["rate"]
    assert found.distance == pytest.approx(3.0)
    assert found.difference.value == pytest.approx(3.0)
    error = np.sqrt(2) * rates.std() / np.sqrt(41)
    assert (found.difference.low, found.difference.high) == pytest.approx(
        (3 - 1.96 * error, 3 + 1.96 * error), abs=0.25
    )
    # Dealt out at random, each neuron has the mean rate, but for the error of Poisson counts in 10 s: 1 Hz.
    dealt = stats.norm.ppf((np.arange(41) + 0.5) / 41, 10.0, 1.0)
    assert found.null.value == pytest.approx(np.abs(rates - dealt).mean(), rel=0.1)


def test_segment_powers_average_to_the_spectrum() -> None:
    trains = poisson(10, 12.3, rhythm=0.8)
    mine = segment_powers(trains, Settings(0.1, 0.005, 1.0, 10))
    theirs = population_spectrum(trains, bin=0.005, segment=1.0)
    assert len(mine) == theirs.segments
    assert mine.mean(axis=0) == pytest.approx(theirs.power)
    assert theirs.frequency[mine.mean(axis=0).argmax()] == 8.0


def test_correlation_is_over_different_neurons() -> None:
    trains = poisson(6, 10.0, rhythm=0.9)
    line = compare(recording(trains), recording(trains), statistics=["correlation"], window=0.05, **QUICK)[
        "correlation"
    ]
    matrix = count_correlation(trains, window=0.05)
    assert line.recorded_values == pytest.approx(matrix[np.triu_indices(6, 1)])
    assert line.distance == 0
    # A neuron that is drawn twice is no pair with itself: intervals would reach up to 1.
    assert line.recorded.high < 0.5


@settings(max_examples=8, deadline=None)
@given(st.permutations(range(6)), st.integers(0, 100))
def test_the_order_of_neurons_does_not_count(order: list[int], seed: int) -> None:
    trains, other = poisson(6, 3.0, spread=0.5, seed=seed), poisson(5, 3.0, rate=20.0, seed=seed)
    turned = SpikeTrains(trains.times, np.array(order)[trains.neurons], 6, duration=3.0)
    options = {"resamples": 2, "surrogates": 2, "halves": 2}
    one = compare(recording(trains), recording(other), **options)
    two = compare(recording(other), recording(turned), **options)  # nor which side is which
    for first, second in zip(one, two, strict=True):
        assert first.distance == pytest.approx(second.distance)
        assert first.difference.value == pytest.approx(-second.difference.value, nan_ok=True)


def test_a_single_neuron() -> None:
    slow, fast = recording(poisson(1, 20.0, seed=1)), recording(poisson(1, 20.0, rate=40.0, seed=2))
    found = compare(fast, slow, statistics=STATISTICS, **QUICK)
    assert list(found.left_out) == ["cells beside cells: correlation", "cells beside cells: dimensions"]
    assert "pair of neurons" in found.left_out["cells beside cells: correlation"]
    rate = found["rate"]
    assert rate.distance == pytest.approx(rate.difference.value)
    # Poisson counts: the error of a rate is its root over the time.
    assert rate.simulated.high - rate.simulated.low == pytest.approx(2 * 1.96 * np.sqrt(40 / 20), rel=0.4)
    assert rate.difference.low > 15


def test_several_populations_and_trials() -> None:
    draw = np.random.default_rng(0)
    times, neurons, trials = draw.uniform(0, 2, 900), draw.integers(0, 8, 900), draw.integers(0, 5, 900)
    trains = SpikeTrains(times, neurons, 8, trials, 5, duration=2.0)
    simulated = ns.Recording({"exc": trains, "inh": trains})
    recorded = ns.Recording({"psb": trains, "inh": trains})
    assert {line.simulated_population for line in compare(simulated, recorded, statistics=["rate"], **QUICK)} == {"inh"}
    found = compare(simulated, recorded, {"exc": "psb", "inh": "inh"}, statistics=["rate", "spectrum"], **QUICK)
    assert found["exc.rate"].recorded_population == "psb"
    assert found["exc.rate"].simulated.value == pytest.approx(900 / 80)
    assert found.settings["pairs"]["exc beside psb"]["segment"] == 0.5  # a quarter of a trial
    with pytest.raises(AnalysisError, match=r"exc\.rate, inh\.rate"):
        found["rate"]
    with pytest.raises(AnalysisError, match="Did you mean 'rate'"):
        found["rates"]


def test_silence() -> None:
    silent = recording(SpikeTrains([], [], 6, duration=20.0))
    found = compare(silent, recording(poisson(8, 20.0)), **QUICK)
    assert [line.statistic for line in found] == ["rate"]
    assert found["rate"].simulated.value == 0
    assert "no neuron spikes" in found.left_out["cells beside cells: spectrum"]


def test_both_backends_give_the_same() -> None:
    circuit = ns.Circuit("drive", dt=0.5 * ms)
    cell = ns.models.lif(tau_mem=20 * ms, r=100 * Mohm, v_leak=-60 * mV, v_threshold=-50 * mV, v_reset=-60 * mV)
    cells = circuit.population("cells", 6, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    circuit.inject("push", cells, "i_ext", ns.FilteredNoise(mean=0.12 * nA, std=0.05 * nA, tau=5 * ms))
    runs = [ns.simulate(circuit, 1000 * ms, backend=name) for name in ("brian2", "snntorch")]
    same, again = (compare(one, runs[0], **QUICK) for one in runs)
    assert len(same.lines) == len(STATISTICS)
    assert same.to_dict() == again.to_dict()
    assert all(line.distance == 0 for line in again)


def test_seeds() -> None:
    sides = recording(poisson(8, 5.0, seed=1)), recording(poisson(8, 5.0, seed=2))
    assert compare(*sides, seed=3, **QUICK).to_json() == compare(*sides, seed=3, **QUICK).to_json()
    one, other = (compare(*sides, statistics=["rate"], seed=seed, **QUICK)["rate"] for seed in (3, 4))
    assert one.distance == other.distance
    assert one.recorded.low != other.recorded.low


def test_what_is_shown() -> None:
    found = ns.compare(recording(poisson(8, 10.0, rhythm=0.5)), recording(poisson(9, 10.0), "units"), **QUICK)
    text = str(found).splitlines()
    assert text[0].startswith("cells beside units (8 neurons, ")
    assert [line.split()[0] for line in text[2:-1]] == list(STATISTICS)
    assert text[-1] == (
        "left out: cells beside units: psth, tuning, selectivity, rsa, cka, trajectory: simulated: there is one trial "
        "and no event; give events= and response=."
    )
    table = found.table()
    assert list(table["statistic"]) == [
        "rate (Hz)", "cv", "lv", "fano", "correlation", "spectrum (dB)", "timescale (s)", "dimensions",
    ]  # fmt: skip
    assert table["distance"].tolist() == [line.distance for line in found]
    held = json.loads(found.to_json())
    assert held["lines"][0]["recorded"]["value"] == found["rate"].recorded.value
    assert held["settings"]["seed"] == 0
    axes = found.plot()
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list(STATISTICS)
    dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert dots == pytest.approx([line.distance / line.null.value for line in found])
    drawn = plot_line(found["rate"])
    assert drawn.lines[0].get_xdata() == pytest.approx(np.sort(found["rate"].recorded_values))
    spectrum = plot_line(found["spectrum"])
    assert spectrum.lines[1].get_xdata()[[0, 7]] == pytest.approx([1.0, 8.0])
    assert spectrum.get_xlabel() == "frequency (Hz)"
    pyplot.close("all")


def test_a_figure_needs_surrogates_that_differ() -> None:
    one = recording(poisson(1, 10.0))  # dealt out to a single neuron, its spikes stay as they are
    found = compare(one, one, statistics=["rate"], **QUICK)
    assert np.isnan(found["rate"].score)
    with pytest.raises(AnalysisError, match="surrogates"):
        plot_comparison(found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"statistics": ["rates"]}, "Did you mean 'rate'"),
        ({"statistics": []}, "no statistic"),
        ({"pairs": {"cell": "cells"}}, "the simulation has no spikes of 'cell'. Did you mean 'cells'"),
        ({"pairs": {"cells": "units"}}, "the recording has no spikes of 'units'"),
        ({"pairs": {}}, "names no population"),
        ({"resamples": 1}, "resamples"),
        ({"confidence": 1.0}, "confidence"),
        ({"bin": 0.0}, "bin"),
    ],
)
def test_what_does_not_fit(options: dict[str, Any], message: str) -> None:
    one = recording(poisson(6, 2.0))
    with pytest.raises(AnalysisError, match=message):
        compare(one, one, **options)


def test_recordings_that_cannot_be_compared() -> None:
    one = recording(poisson(6, 2.0))
    two = ns.Recording({"exc": poisson(2, 2.0), "inh": poisson(2, 2.0)})
    with pytest.raises(AnalysisError, match="give pairs="):
        compare(two, one)
    with pytest.raises(AnalysisError, match="holds no spikes"):
        compare(one, ns.Recording())
    with pytest.raises(AnalysisError, match="must be a Recording, got SpikeTrains"):
        compare(poisson(6, 2.0), one)  # type: ignore[arg-type]
    with pytest.raises(RecordError, match="duration="):
        compare(recording(SpikeTrains([0.1], [0], 6)), one)
