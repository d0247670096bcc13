from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis.features import features
from neurosim.analysis.spikes import (
    CountStatistics,
    count_correlation,
    cv,
    cv2,
    fano,
    intervals,
    lv,
    mean_correlation,
    spike_counts,
    spike_trains,
)
from neurosim.analysis.spikes.differentiable import fano as fano_of_tensor
from neurosim.datasets import recordings
from neurosim.errors import AnalysisError
from neurosim.recording import Recording, SpikeTrains
from reference_data import reference_folder

A = np.array([0.021, 0.084, 0.113, 0.21, 0.305, 0.311, 0.46, 0.72, 0.9])
B = np.array([0.03, 0.09, 0.2, 0.33, 0.47, 0.5, 0.74])
CLOCK = np.arange(0.05, 1.0, 0.1)


def test_values_of_elephant() -> None:
    """What Elephant 1.2.1 says of the same trains."""
    assert cv([A, B]) == pytest.approx([0.7115647630288825, 0.5635563105279593])
    assert cv2([A, B]) == pytest.approx([0.907612860732471, 0.7357298474945532])
    assert lv([A, B]) == pytest.approx([0.9267017609002712, 0.67106686174833])


def test_clocks_and_poisson_spikes() -> None:
    for measure in (cv, cv2, lv):
        assert measure([CLOCK])[0] == pytest.approx(0, abs=1e-12)
    random = [np.cumsum(np.random.default_rng(seed).exponential(0.1, 40_000)) for seed in (0, 1)]
    for measure in (cv, cv2, lv):
        assert measure(random) == pytest.approx([1, 1], abs=0.025)
    gamma = [np.cumsum(np.random.default_rng(2).gamma(3.0, 0.1, 40_000))]
    assert cv(gamma)[0] == pytest.approx(3**-0.5, abs=0.01)
    assert lv(gamma)[0] == pytest.approx(3 / 7, abs=0.01)  # 3 / (2 k + 1) of gamma intervals


def test_slow_changes_of_rate_are_cv_not_cv2() -> None:
    rate = np.repeat([5.0, 50.0], 2000)
    train = [np.cumsum(np.random.default_rng(3).gamma(4.0, 1 / (4 * rate)))]
    assert cv(train)[0] > 0.9
    assert cv2(train)[0] == pytest.approx(cv2([np.cumsum(np.random.default_rng(4).gamma(4.0, 1.0, 4000))])[0], abs=0.05)


def test_too_few_spikes() -> None:
    for measure in (cv, cv2, lv):
        assert np.isnan(measure([[], [0.1], [0.1, 0.2]])).all()
    assert cv([[0.1, 0.2, 0.3]], least=3).tolist() == [pytest.approx(np.nan, nan_ok=True)]
    assert cv([[0.1, 0.2, 0.3]])[0] == pytest.approx(0)


def test_intervals_end_where_a_trial_or_a_stretch_does() -> None:
    trains = SpikeTrains(
        [0.1, 0.2, 5.1, 5.3, 0.4, 0.5, 0.15],
        [0, 0, 0, 0, 0, 0, 1],
        2,
        trials=[0, 0, 0, 0, 1, 1, 0],
        n_trials=2,
        support=[(0.0, 1.0), (5.0, 6.0)],
    )
    found = intervals(trains)
    assert found.values.round(6).tolist() == [0.1, 0.2, 0.1]
    assert found.trials.tolist() == [0, 0, 1]
    assert not found.follows.any()
    assert np.isnan(cv2(trains)).all()  # no two intervals follow each other
    whole = SpikeTrains([0.1, 0.2, 5.1, 5.3], [0, 0, 0, 0], 1, duration=6.0)
    assert intervals(whole).values.round(6).tolist() == [0.1, 4.9, 0.2]
    assert intervals(whole).follows.tolist() == [False, True, True]


def test_a_long_interval_counts_as_each_neuron_has_them() -> None:
    alone = intervals([A])
    both = intervals([B, A])
    np.testing.assert_allclose(both.values[both.neurons == 1], alone.values)
    np.testing.assert_allclose(alone.values, np.diff(A))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.001, 10), min_size=3, max_size=30), st.floats(0.01, 100))
def test_neither_scale_nor_direction_of_time_matters(gaps: list[float], scale: float) -> None:
    train = np.cumsum(gaps)
    for measure in (cv, cv2, lv):
        value = measure([train])[0]
        assert measure([train * scale])[0] == pytest.approx(value, rel=1e-6, abs=1e-6)
        assert measure([train[-1] - train])[0] == pytest.approx(value, rel=1e-6, abs=1e-6)
    assert 0 <= cv2([train])[0] <= 2
    assert 0 <= lv([train])[0] <= 3


def test_fano_factors() -> None:
    random = np.random.default_rng(0)
    spikes = np.sort(random.uniform(0, 2000, random.poisson(2000 * 20)))
    trains = SpikeTrains(np.concatenate([spikes, np.arange(0.05, 2000, 0.1)]), np.repeat([0, 1], [spikes.size, 20_000]),
                         3, duration=2000.0)  # fmt: skip
    found = fano(trains, window=1.0)
    assert found[0] == pytest.approx(1, abs=0.1)
    assert found[1] == pytest.approx(0, abs=1e-9)
    assert np.isnan(found[2])
    counts = random.poisson(3.0, (50, 4)).astype(float)
    assert fano(counts) == pytest.approx(counts.var(axis=0, ddof=1) / counts.mean(axis=0))
    assert fano(features(counts), ddof=0) == pytest.approx(counts.var(axis=0) / counts.mean(axis=0))
    assert spike_counts(Recording({"cells": trains}), "cells", window=1.0).shape == (2000, 3)


def test_a_stream_of_counts_is_the_whole() -> None:
    counts = np.random.default_rng(0).poisson(2.0, (90, 4)).astype(float)
    counts[:, 3] = 0
    counts[:, 1] += counts[:, 0]
    stream = CountStatistics()
    for _ in range(2):
        for batch in np.split(counts, [1, 10, 40]):
            stream.update(batch)
        found = stream.compute()
        np.testing.assert_allclose(found["mean"], counts.mean(axis=0))
        np.testing.assert_allclose(found["variance"], counts.var(axis=0, ddof=1))
        np.testing.assert_allclose(found["fano"], fano(counts))
        np.testing.assert_allclose(found["correlation"], count_correlation(counts), atol=1e-12)
        stream.reset()
    with pytest.raises(AnalysisError, match="two samples"):
        stream.compute()
    with pytest.raises(AnalysisError, match="3 neurons after one of 4"):
        stream.update(counts).update(counts[:, :3])


def test_fano_factor_of_tensors() -> None:
    counts = torch.tensor(np.random.default_rng(0).poisson(2.0, (9, 3)).astype(float), requires_grad=True)
    np.testing.assert_allclose(fano_of_tensor(counts).detach(), fano(counts.detach().numpy()))
    assert torch.autograd.gradcheck(fano_of_tensor, counts)
    silent = torch.zeros(4, 2, requires_grad=True)
    fano_of_tensor(silent).sum().backward()
    assert silent.grad is not None
    assert not silent.grad.any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: spike_trains(3.0), "a list of arrays of times; got float"),
        (lambda: spike_trains([["a"]]), "times in seconds"),
        (lambda: spike_trains([[np.nan]]), "finite times"),
        (lambda: spike_trains([np.ones((2, 2))]), "one after another; got shape .2, 2"),
        (lambda: spike_trains(Recording({"exc": SpikeTrains([], [], 1)}), "exk"), "Did you mean 'exc'"),
        (lambda: spike_trains(Recording({name: SpikeTrains([], [], 1) for name in "ab"})), "which population="),
        (lambda: fano(SpikeTrains([0.1], [0], 1, duration=1.0)), "more than 1 windows"),
    ],
)
def test_what_is_no_train(call: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        call()


def test_measured_recordings() -> None:
    """Values that were computed once from the files with numpy and scipy."""
    mouse = recordings.load("mouse-postsubiculum", folder=reference_folder("mouse_postsubiculum_nwb"))
    assert cv(mouse, "group0_psb") == pytest.approx([1.164, 2.495, 1.104], abs=5e-4)
    for number, variation, local in ((1, 0.533, 0.495), (2, 0.450, 0.434)):
        receptor = recordings.load(
            "grasshopper-receptor", folder=reference_folder("grasshopper_auditory"), recording=number
        )
        assert cv(receptor, "receptor")[0] == pytest.approx(variation, abs=5e-4)
        assert cv2(receptor, "receptor")[0] == pytest.approx(local, abs=5e-4)
    monkey = recordings.load("macaque-m1-reaching", folder=reference_folder("macaque_m1_reaching"))
    counts = monkey["m1"]["count"].values[0].astype(float)
    seconds = counts[: 776 * 20].reshape(776, 20, 171).sum(axis=1)
    assert fano(seconds, ddof=0).mean() == pytest.approx(2.436, abs=2e-3)
    assert mean_correlation(count_correlation(counts)) == pytest.approx(0.0210, abs=5e-5)
    assert mean_correlation(count_correlation(seconds)) == pytest.approx(0.0512, abs=5e-5)
