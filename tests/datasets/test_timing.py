from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosim.datasets import DelayPatterns, SpikeOrder, count_accuracy, matched_filter
from neurosim.datasets.timing_baselines import stacked
from neurosim.errors import CircuitError


@pytest.mark.parametrize("jitter", [0.0, 5.0, 10.0])
def test_the_best_accuracy_of_spike_order(jitter: float) -> None:
    task = SpikeOrder(jitter=jitter, steps=160, size=2000)
    inputs, targets = stacked(task)
    assert (inputs.sum(axis=0) == 1).all()
    times = inputs.argmax(axis=0)
    apart = times[:, 1] - times[:, 0]
    right = np.where(apart == 0, 0.5, (apart < 0) == targets).mean()
    expected = task.best_accuracy
    assert abs(right - expected) <= 3.5 * np.sqrt(expected * (1 - expected) / task.size)
    assert (expected == 1) == (jitter == 0)
    assert len(np.unique(times.min(axis=1))) > 30, "the onset is random"


def test_no_channel_alone_tells_the_class() -> None:
    """Over all phases, every step of every channel has as many spikes in each class."""
    task = DelayPatterns(n_classes=3, period=10, n_channels=5, size=600)
    inputs, targets = stacked(task)
    for target in range(3):
        chosen = inputs[:, targets == target]
        different = np.unique(chosen.transpose(1, 0, 2), axis=0)
        assert len(different) == task.period, "one item for each phase"
        assert (different.sum(axis=0) == 1).all(), "one phase for each step"
    per_period = inputs.reshape(task.cycles, task.period, 600, 5).sum(axis=1)
    assert (per_period == 1).all()


def test_jitter_keeps_the_counts_and_noise_adds() -> None:
    frames, _ = stacked(DelayPatterns(jitter=30.0, period=12, size=50))
    assert (frames.sum(axis=0) == 3).all()
    quiet, loud = (stacked(DelayPatterns(noise=noise, size=100))[0] for noise in (0.0, 0.1))
    assert (loud >= quiet).all()
    added = (loud - quiet)[quiet == 0].mean()
    assert added == pytest.approx(0.1, abs=0.005)


@pytest.mark.parametrize(("jitter", "noise", "least"), [(0.0, 0.0, 1.0), (2.0, 0.02, 0.98), (8.0, 0.0, 0.7)])
def test_the_matched_filter_and_what_counts_tell(jitter: float, noise: float, least: float) -> None:
    task = DelayPatterns(jitter=jitter, noise=noise, size=600)
    other = replace(task, split="test")
    inputs, targets = stacked(other)
    assert least <= (matched_filter(task, inputs) == targets).mean() <= (0.95 if jitter == 8 else 1.0)
    by_chance = 1 / 4 + 3 * np.sqrt(3 / 16 / 600)
    assert count_accuracy(task, other) < by_chance
    assert count_accuracy(task, other, width=task.period) < by_chance
    assert matched_filter(task, np.roll(inputs[..., ::-1], 3, axis=2)).tolist() != targets.tolist()


def test_counts_tell_what_is_in_counts() -> None:
    """The baseline is no straw man: given classes of different rates, it is right."""
    items = [(np.full((10, 2), index % 2, dtype=np.float32), index % 2) for index in range(20)]
    assert count_accuracy(items, items) == 1
    with pytest.raises(CircuitError, match="whole number of bins of 3"):
        count_accuracy(items, items, width=3)


def test_items_depend_on_seed_split_and_index_alone() -> None:
    task = DelayPatterns(jitter=1.0, noise=0.01, size=10)
    longer = replace(task, size=30)
    for index in range(10):
        assert np.array_equal(task[index][0], longer[index][0])
    assert np.array_equal(task[-1][0], task[9][0])
    assert np.array_equal(task.offsets, replace(task, split="test").offsets)
    assert not np.array_equal(task[0][0], replace(task, split="test")[0][0])
    assert not np.array_equal(task.offsets, replace(task, seed=1).offsets)
    with pytest.raises(IndexError, match="no item 10 of 10"):
        task[10]
    assert [target for _, target in (task[index] for index in range(5))] == [0, 1, 2, 3, 0]


def test_classes_differ_in_half_the_channels() -> None:
    task = DelayPatterns(n_classes=20, n_channels=10, seed=3)
    assert task.offsets.max() < 20
    for first in range(20):
        for second in range(first):
            difference = (task.offsets[first] - task.offsets[second]) % task.period
            assert np.bincount(difference).max() <= 5


def test_what_does_not_fit() -> None:
    for task, arguments, message in (
        (DelayPatterns, {"n_classes": 0}, "n_classes=0"),
        (DelayPatterns, {"span": 41}, "span=41"),
        (DelayPatterns, {"noise": 1.0}, "noise=1.0"),
        (DelayPatterns, {"jitter": -1.0}, "jitter=-1.0"),
        (DelayPatterns, {"n_channels": 2, "span": 2, "n_classes": 9}, "no room for 9 classes"),
        (SpikeOrder, {"steps": 10}, "no room for a gap of 10"),
        (SpikeOrder, {"size": 0}, "size=0"),
    ):
        with pytest.raises(CircuitError, match=message):
            task(**arguments)
