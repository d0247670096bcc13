from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.analysis.spikes import correlogram, psth, spike_triggered_average, tuning
from neurosim.datasets import recordings
from neurosim.errors import AnalysisError
from neurosim.recording import Recording, SpikeTrains
from reference_data import reference_folder


def answering(events: np.ndarray, lag: float) -> Recording:
    """Return a neuron that fires once after each event, and one that fires twice after every second one."""
    twice = np.concatenate([events[::2] + lag, events[::2] + lag + 0.01])
    times = np.concatenate([events + lag, twice])
    neurons = np.repeat([0, 1], [events.size, twice.size])
    spikes = SpikeTrains(times, neurons, 2, duration=float(events.max()) + 1.0)
    return Recording({"cells": spikes}, events={"flash": {"time": events}})


def test_rates_around_events() -> None:
    recording = answering(np.arange(1.0, 9.0), lag=0.055)
    found = psth(recording, "flash", window=(-0.1, 0.2), bin=0.05)
    assert found.times == pytest.approx(np.arange(-2, 4) * 0.05)
    assert found.rate[:, 0] == pytest.approx([0, 0, 0, 20, 0, 0])
    assert found.rate[:, 1] == pytest.approx([0, 0, 0, 20, 0, 0])
    assert found.error[3] == pytest.approx([0, 40 * np.std([0, 1] * 4, ddof=1) / 8**0.5])
    assert found.trials.tolist() == [8] * 6


def test_trials_of_the_recording() -> None:
    spikes = SpikeTrains([0.1, 0.1, 0.3], [0, 0, 0], 1, trials=[0, 1, 1], n_trials=2, duration=0.4)
    found = psth(Recording({"a": spikes}), bin=0.2)
    assert found.rate[:, 0].tolist() == [5, 2.5]
    assert found.error[:, 0] == pytest.approx([0, 2.5])
    alone = psth(Recording({"a": spikes.of_trial(0)}), bin=0.2)
    assert np.isnan(alone.error).all()


def test_tuning() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(["b", "a", "c"], [40, 20, 40])
    means = {"a": (1.0, 5.0, 0.0, 2.0), "b": (8.0, 5.0, 0.0, 2.0), "c": (2.0, 5.0, 0.0, 0.0)}
    responses = random.poisson([means[label] for label in labels])
    found = tuning(responses, labels)
    assert found.conditions.tolist() == ["a", "b", "c"]
    assert found.samples.tolist() == [20, 40, 40]
    for place, label in enumerate("abc"):
        mine = responses[labels == label]
        np.testing.assert_allclose(found.mean[place], mine.mean(axis=0))
        np.testing.assert_allclose(found.error[place], mine.std(axis=0, ddof=1) / len(mine) ** 0.5)
    assert found.preferred[0] == "b"
    assert np.isnan(found.information[2])
    assert found.information[1] < 0.05 < found.information[0]


def test_against_pynapple() -> None:
    """Rates around events, bits a spike, and spikes at lags: what pynapple makes of the same spikes."""
    nap = pytest.importorskip("pynapple")
    random = np.random.default_rng(4)
    times = np.sort(random.uniform(0.0, 60.0, 900))
    trains = SpikeTrains(times, random.integers(0, 2, 900), 2, duration=60.0)
    events = np.sort(random.uniform(1.0, 58.0, 30))
    recording = Recording({"cells": trains}, events={"tone": {"time": events}})
    units = {number: nap.Ts(times[trains.neurons == number]) for number in range(2)}
    group = nap.TsGroup(units, time_support=nap.IntervalSet(0.0, 60.0))
    found = psth(recording, "tone", window=(-0.2, 0.4), bin=0.1)
    around = nap.compute_perievent(group[0], nap.Ts(events), (-0.2, 0.4))
    every = np.concatenate([around[number].t for number in range(30)])
    counts = np.histogram(every, np.arange(-2, 5) * 0.1)[0]
    assert found.rate[:, 0] == pytest.approx(counts / 30 / 0.1)

    place = nap.Tsd(np.arange(0.0, 60.0, 0.01), np.arange(6000) // 100 % 4)  # a second in each of four places
    curves = nap.compute_tuning_curves(group, place, bins=4, range=(-0.5, 3.5), epochs=nap.IntervalSet(0.0, 60.0))
    bits = nap.compute_mutual_information(curves)["bits/spike"].to_numpy()
    labels = np.arange(60) % 4
    responses = np.zeros((60, 2))
    np.add.at(responses, (np.floor(times).astype(int), trains.neurons), 1)
    tuned = tuning(responses, labels)
    assert tuned.mean.T == pytest.approx(curves.values, rel=0.02)  # its samples end 10 ms early
    assert tuned.information == pytest.approx(bits, rel=0.05)

    lags = nap.compute_crosscorrelogram(group, 0.01, 0.05, norm=False)[(0, 1)]
    ours = correlogram(trains, 0, 1, bin=0.01, reach=0.05)
    assert lags.index.to_numpy() == pytest.approx(ours.lags)
    assert lags.to_numpy() == pytest.approx(ours.rate)


def test_selectivity_against_scipy() -> None:
    from scipy.stats import f_oneway

    random = np.random.default_rng(1)
    labels = np.repeat(["a", "b", "c", "d"], [5, 9, 3, 6])
    responses = random.poisson(3.0 + 2.0 * (labels == "b")[:, None], (23, 6)).astype(float)
    groups = [responses[labels == name] for name in "abcd"]
    f = f_oneway(*groups).statistic
    assert tuning(responses, labels).selectivity == pytest.approx((f - 1) * 3 / ((f - 1) * 3 + 23))


def test_selectivity_at_its_ends() -> None:
    random = np.random.default_rng(0)
    labels = np.tile(np.arange(5), 8)
    chance = tuning(random.poisson(4.0, (40, 3000)), labels).selectivity
    assert abs(chance.mean()) < 3 * chance.std() / 3000**0.5 + 0.002  # the ratio of unbiased estimates is nearly so
    only = tuning(np.stack([labels, np.ones(40)], axis=1), labels).selectivity
    assert only[0] == 1
    assert np.isnan(only[1])
    assert np.isnan(tuning(np.arange(6.0).reshape(3, 2), [0, 1, 2]).selectivity).all()  # nothing was shown twice


def test_information_of_a_spike() -> None:
    only = tuning(np.array([[4.0], [0.0], [0.0], [0.0]]), [0, 1, 2, 3])
    assert only.information[0] == pytest.approx(2)  # bits: one of four places
    assert tuning(np.ones((4, 1)), [0, 1, 2, 3]).information[0] == pytest.approx(0)


@pytest.mark.parametrize("channels", [None, 3])
def test_the_stimulus_before_spikes(channels: int | None) -> None:
    random = np.random.default_rng(0)
    shown = random.normal(size=(4000,) if channels is None else (4000, channels))
    drive = shown if channels is None else shown[:, 1]
    fired = np.flatnonzero(np.roll(drive, 3) > 1.0)  # three samples before
    trains = SpikeTrains(0.5 + fired * 0.002, np.zeros(fired.size, int), 2, duration=10.0)
    found = spike_triggered_average(trains, shown, every=0.002, start=0.5, before=0.02, after=0.01)
    assert found.lags[[0, -1]] == pytest.approx([-0.01, 0.02])
    average = found.average if channels is None else found.average[:, 1]
    assert found.lags[average[:, 0].argmax()] == pytest.approx(0.006)
    assert average[:, 0].max() == pytest.approx(1.525, abs=0.1)  # the mean of a normal value above 1
    assert np.isnan(found.average[..., 1]).all()
    inside = fired[(fired >= 10) & (fired + 5 < 4000)]
    assert found.spikes.tolist() == [inside.size, 0]
    np.testing.assert_allclose(average[:, 0], [drive[inside - lag].mean() for lag in range(-5, 11)])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tuning(np.ones((3, 2))), "labels="),
        (lambda: psth(answering(np.arange(3.0), 0.1), "flash", bin=0.1), "window="),
        (lambda: spike_triggered_average([[0.1]], [], every=0.1, before=0.1), "finite stimulus"),
        (lambda: spike_triggered_average([[0.1]], [1.0], every=0.0, before=0.1), "every must be above 0"),
        (lambda: spike_triggered_average([[0.1]], [1.0], every=0.1, before=-0.3, after=0.1), "ends before it begins"),
    ],
)
def test_what_has_no_response(call: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        call()


@pytest.mark.parametrize(("number", "peak", "lag"), [(1, 1.008, 6.0e-3), (2, 0.982, 6.95e-3)])
def test_the_sound_before_spikes_of_a_grasshopper(number: int, peak: float, lag: float) -> None:
    receptor = recordings.load(
        "grasshopper-receptor", folder=reference_folder("grasshopper_auditory"), recording=number
    )
    sound = receptor["sound"]["amplitude"].values[0, :, 0]
    found = spike_triggered_average(
        receptor, (sound - sound.mean()) / sound.std(), every=50e-6, before=10e-3, population="receptor"
    )
    assert found.average.max() == pytest.approx(peak, abs=5e-4)
    assert found.lags[found.average[:, 0].argmax()] == pytest.approx(lag, abs=51e-6)
