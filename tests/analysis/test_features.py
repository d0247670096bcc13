"""Recordings and arrays as matrices: counts by hand, means by hand, what was not observed, what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st

import neurosim as ns
from neurosim.analysis import Features, features
from neurosim.analysis.representation import cka, rdm
from neurosim.errors import AnalysisError, RecordError
from neurosim.recording import Recording, SpikeTrains
from neurosim.recording.traces import trace_array
from neurosim.units import Mohm, ms, mV, nA

SPIKES = SpikeTrains([0.01, 0.02, 0.13, 0.05, 0.199], [0, 0, 1, 2, 2], 3, [0, 0, 0, 1, 1], 2, duration=0.2)


def with_trace(values: Any, times: Any, **more: Any) -> Recording:
    trace = trace_array(np.asarray(values, float), variable="v", unit="volt", time=np.asarray(times, float))
    return Recording(traces={"exc": {"v": trace}}, **more)


def test_spikes_are_counted_by_trial_and_bin() -> None:
    found = features(Recording({"exc": SPIKES}), bin=100 * ms)
    assert found.values.tolist() == [[2, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]
    assert found.groups.tolist() == [0, 0, 1, 1]
    assert found.times.tolist() == [0.0, 0.1, 0.0, 0.1]
    assert found.units.tolist() == ["exc[0]", "exc[1]", "exc[2]"]
    assert repr(found) == "Features(4 rows x 3 units; spike count)"


def test_without_bins_a_trial_is_a_row() -> None:
    assert features(Recording({"exc": SPIKES})).values.tolist() == [[2, 1, 0], [0, 0, 2]]


@given(st.integers(1, 40), st.integers(1, 4), st.integers(0, 30), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_bins_hold_every_spike_once(bins: int, trials: int, spikes: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    times, neurons = draw.integers(0, bins * 10, spikes) * 0.01, draw.integers(0, 3, spikes)
    trial = draw.integers(0, trials, spikes)
    trains = SpikeTrains(times, neurons, 3, trial, trials, duration=bins * 0.1)
    found = features(Recording({"p": trains}), bin=0.1)
    steps = np.rint(times * 100).astype(int) // 10
    expected = np.zeros((trials, bins, 3))
    np.add.at(expected, (trial, steps, neurons), 1)
    assert np.array_equal(found.values, expected.reshape(-1, 3))


def test_bins_that_were_not_wholly_observed_are_left_out() -> None:
    trains = SpikeTrains([0.01, 0.12, 0.31], [0, 0, 0], 1, support=[(0.0, 0.15), (0.25, 0.4)])
    found = features(Recording({"p": trains}), bin=0.1)
    assert found.times.tolist() == pytest.approx([0.0, 0.3])
    assert found.values.tolist() == [[1], [1]]


def test_events_become_rows_with_their_conditions() -> None:
    table = pandas.DataFrame({"time": [0.0, 0.1, 0.3, 0.4], "angle": [0, 90, 90, 0]})
    trains = SpikeTrains([0.01, 0.11, 0.12, 0.31, 0.41], [0, 1, 1, 1, 0], 2, duration=0.45)
    recording = Recording({"p": trains}, events={"stimulus": table})
    found = features(recording, events="stimulus", window=(0, 0.04), label="angle")
    assert found.values.tolist() == [[1, 0], [0, 2], [0, 1], [1, 0]]
    assert found.labels.tolist() == [0, 90, 90, 0]
    means = found.means()
    assert means.values.tolist() == [[1, 0], [0, 1.5]]
    assert means.labels.tolist() == [0, 90]
    first = features(recording, events=[0.1], window=(0 * ms, 100 * ms))
    assert first.values.tolist() == [[0, 2]]
    late = features(recording, events="stimulus", window=(0, 0.1), label="angle")  # the last is not wholly observed
    assert late.labels.tolist() == [0, 90, 90]


def test_a_window_in_the_time_of_the_recording() -> None:
    assert features(Recording({"exc": SPIKES}), window=(0.1, 0.2)).values.tolist() == [[0, 1, 0], [0, 0, 1]]


def test_traces_are_averaged_or_taken_sample_by_sample() -> None:
    values = np.arange(12.0).reshape(1, 6, 2)
    recording = with_trace(values, np.arange(6) * 0.01, metadata={"start": 0.0, "duration": 0.06})
    assert features(recording, variable="v", bin=0.03).values.tolist() == [[2, 3], [8, 9]]
    assert features(recording, variable="v").values.tolist() == [[5, 6]]
    sampled = features(recording, "exc", variable="v", bin="samples")
    assert np.array_equal(sampled.values, values[0])
    assert sampled.quantity == "v (volt)"
    free = with_trace(values, np.arange(6) * 0.01)  # nothing is known but the samples
    assert features(free, variable="v", bin=0.03).values.tolist() == [[2, 3], [8, 9]]


def test_samples_that_are_missing_give_no_row() -> None:
    values = np.array([[[1.0], [np.nan], [3.0], [4.0]]])
    recording = with_trace(values, [0, 0.01, 0.02, 0.03])
    assert features(recording, variable="v", bin="samples").values.tolist() == [[1], [3], [4]]
    assert features(recording, variable="v", bin=0.02).times.tolist() == pytest.approx([0.02])


def test_populations_stand_side_by_side() -> None:
    other = SpikeTrains([0.15], [0], 1, [1], 2, duration=0.2)
    recording = Recording({"exc": SPIKES, "inh": other})
    found = features(recording, ["inh", "exc"], bin=0.1)
    assert found.units.tolist() == ["inh[0]", "exc[0]", "exc[1]", "exc[2]"]
    assert found.values[:, 0].tolist() == [0, 0, 0, 1]
    with pytest.raises(AnalysisError, match=r"which population= is meant.*'exc', 'inh'"):
        features(recording)
    shorter = Recording({"exc": SPIKES, "inh": SpikeTrains([], [], 1, [], 2, duration=0.1)})
    with pytest.raises(AnalysisError, match="same trials and bins"):
        features(shorter, ["exc", "inh"], bin=0.1)


def test_both_backends_give_the_same_features_and_what_follows_from_them() -> None:
    circuit = ns.Circuit("pair", dt=0.5 * ms, seed=2)
    cell = ns.models.lif(
        tau_mem=20 * ms,
        r=100 * Mohm,
        v_leak=-60 * mV,
        v_threshold=-50 * mV,
        v_reset=-60 * mV,
        receptors={"ampa": 5 * ms},
    )
    circuit.population("cells", 12, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    circuit.inject("drive", "cells", "i_ext")
    circuit.connect("cells", "cells", ns.FixedProbability(0.3), receptor="ampa", weight=0.05 * nA, delay=1 * ms)
    drive = 0.08 + 0.12 * np.random.default_rng(0).random((8, 12))
    found = []
    for backend in ("brian2", "snntorch"):
        recording = ns.simulate(
            circuit,
            400 * ms,
            backend=backend,
            inputs={"drive": ns.Signal(drive * nA, every=50 * ms)},
            record={"cells": ["spikes", "v"]},
        )
        counts, voltage = features(recording, bin=50 * ms), features(recording, variable="v", bin=50 * ms)
        found.append((counts.values, voltage.values, rdm(counts), cka(counts, voltage)))
    assert found[0][0].sum() > 50
    for one, other in zip(*found, strict=True):
        assert np.array_equal(one, other)


def test_matrices_pass_as_they_are() -> None:
    torch = pytest.importorskip("torch")
    values = np.arange(6.0).reshape(3, 2)
    frame = pandas.DataFrame(values, columns=["a", "b"])
    for matrix in (values, torch.tensor(values, requires_grad=True), xarray.DataArray(values), frame, values.tolist()):
        assert np.array_equal(np.asarray(features(matrix)), values)
    assert features(frame).units.tolist() == ["a", "b"]
    again = features(features(frame), labels=["x", "y", "x"])
    assert again.means().values.tolist() == [[2, 3], [2, 3]]


def test_parts_of_a_matrix() -> None:
    found = features(np.array([[1.0, 5.0, 2.0], [3.0, 5.0, 2.5]]), labels=["a", "b"])
    assert found.rows([1]).labels.tolist() == ["b"]
    assert found.varying().units.tolist() == ["0", "2"]
    assert found.standardised().values.tolist() == [[-1, 0, -1], [1, 0, 1]]
    assert found.shape == (2, 3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"population": "ecx"}, AnalysisError, "Did you mean 'exc'"),
        ({"variable": "u"}, AnalysisError, "which population= is meant"),
        ({"bin": 0.5}, AnalysisError, "longer than the 0.2 s"),
        ({"bin": -1.0}, AnalysisError, "positive"),
        ({"bin": "samples"}, AnalysisError, "no samples"),
        ({"events": [0.1]}, AnalysisError, "need a window"),
        ({"label": "angle"}, AnalysisError, "no table of trials"),
        ({"labels": [1]}, AnalysisError, "each of the 2 trials"),
        ({"population": []}, AnalysisError, "names none"),
        ({"bin": "sample"}, AnalysisError, "'samples'"),
        ({"events": [5.0], "window": (0, 1)}, AnalysisError, "observed as a whole"),
        ({"events": [0.15], "window": (0, 0.1)}, AnalysisError, "observed as a whole"),
        ({"events": [0.1], "window": (0, 0.1, 0.2)}, AnalysisError, "is a pair"),
    ],
)
def test_what_does_not_fit(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        features(Recording({"exc": SPIKES}), **arguments)


def test_more_that_does_not_fit() -> None:
    with pytest.raises(RecordError, match="observed time"):
        features(Recording({"p": SpikeTrains([0.1], [0], 1)}))
    for wrong in (np.zeros(3), np.zeros((2, 2, 2)), np.array([["a", "b"]])):
        with pytest.raises(AnalysisError, match="matrix"):
            features(wrong)
    with pytest.raises(AnalysisError, match="no labels"):
        features(np.zeros((2, 2))).means()
    with pytest.raises(AnalysisError, match="labels needs 2 entries"):
        features(np.zeros((2, 2)), labels=[1, 2, 3])
    with pytest.raises(AnalysisError, match="units needs 2 entries"):
        Features(np.zeros((2, 2)), np.array(["a"]))
    trials = pandas.DataFrame({"start": [0.0], "stop": [0.2], "angle": [1]})
    with pytest.raises(AnalysisError, match="no column 'angel'"):
        features(Recording({"exc": SPIKES}, intervals={"trials": trials}), label="angel")
    with pytest.raises(AnalysisError, match="one row for each trial"):
        features(Recording({"exc": SPIKES}, intervals={"trials": trials}), label="angle")
