from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurosim.errors import RecordError, UnitError
from neurosim.recording import SpikeTrains


def test_sorted_by_trial_then_time_then_neuron(trains: SpikeTrains) -> None:
    assert trains.trials.tolist() == [0, 0, 0, 1]
    assert trains.times.tolist() == [0.01, 0.02, 0.03, 0.01]
    assert trains.neurons.tolist() == [0, 0, 2, 1]
    assert len(trains) == 4
    assert trains.times.dtype == np.float64
    assert trains.neurons.dtype == trains.trials.dtype == np.int64


def test_positional_use_and_plain_seconds() -> None:
    spikes = SpikeTrains([0.5, 0.25], [3, 3], 140)
    assert (spikes.n, spikes.n_trials, spikes.duration, spikes.start) == (140, 1, None, 0.0)
    assert spikes.times.tolist() == [0.25, 0.5]


def test_quantities_are_converted_and_other_dimensions_refused() -> None:
    from neurosim.units import ms, mV

    spikes = SpikeTrains([1, 2] * ms, [0, 1], 2, duration=10 * ms, start=1 * ms)
    assert np.array_equal(spikes.times, np.array([1, 2]) * 1e-3)
    assert (spikes.duration, spikes.start) == (0.01, 0.001)
    with pytest.raises(UnitError, match="times must be in second"):
        SpikeTrains([1, 2] * mV, [0, 1], 2)
    with pytest.raises(UnitError, match="times must be a number"):
        SpikeTrains(["soon"], [0], 2)


def test_frozen_and_read_only(trains: SpikeTrains) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        trains.n = 5
    for array in (trains.times, trains.neurons, trains.trials):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_the_given_arrays_are_neither_kept_nor_frozen() -> None:
    times = np.array([0.1, 0.2])
    spikes = SpikeTrains(times, [0, 0], 1)
    times[0] = 7.0
    assert spikes.times[0] == 0.1


def test_equal_by_value(trains: SpikeTrains) -> None:
    order = [3, 1, 0, 2]
    again = SpikeTrains(trains.times[order], trains.neurons[order], 4, trains.trials[order], 2, duration=0.1)
    assert again == trains
    assert pickle.loads(pickle.dumps(trains)) == trains
    assert trains != SpikeTrains(trains.times, trains.neurons, 5, trains.trials, 2, duration=0.1)
    assert trains != SpikeTrains(np.nextafter(trains.times, 1), trains.neurons, 4, trains.trials, 2, duration=0.1)
    assert trains != SpikeTrains(trains.times, trains.neurons, 4, trains.trials, 2)
    assert trains != "spikes"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(times=[0.1, 0.2], neurons=[0], n=1), "neurons must have one value a spike: 2 times"),
        (dict(times=[0.1], neurons=[3], n=3), r"neurons holds 3, but n = 3 allows 0 to 2"),
        (dict(times=[0.1], neurons=[-1], n=3), r"neurons holds -1"),
        (dict(times=[0.1], neurons=[0.5], n=3), "neurons must be integers, got float64"),
        (dict(times=[0.1], neurons=[0], n=1, trials=[1]), "trials holds 1, but n_trials = 1 allows 0 to 0"),
        (dict(times=[0.1], neurons=[0], n=1.5), "n must be a whole number"),
        (dict(times=[0.1], neurons=[0], n=1, n_trials=0), "n_trials must be a whole number of at least 1"),
        (dict(times=[np.nan], neurons=[0], n=1), "times must be finite"),
        (dict(times=[[0.1]], neurons=[0], n=1), "times must be one-dimensional"),
        (dict(times=[0.3], neurons=[0], n=1, duration=0.2), "outside the observed 0 s to 0.2 s"),
        (dict(times=[0.3], neurons=[0], n=1, start=0.4), "outside the observed 0.4 s to inf s"),
        (dict(times=[], neurons=[], n=1, duration=-1.0), "duration must not be negative"),
        (dict(times=[], neurons=[], n=1, duration=[1.0, 2.0]), "duration must be a single time"),
    ],
)
def test_bad_input_says_what_is_wrong(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        SpikeTrains(**arguments)


def test_counts_rates_and_mean_rate(trains: SpikeTrains) -> None:
    assert trains.counts().dims == ("trial", "neuron")
    assert trains.counts().values.tolist() == [[2, 0, 1, 0], [0, 1, 0, 0]]
    rates = trains.rates()
    assert rates.attrs["units"] == "hertz"
    assert np.allclose(rates, [[20, 0, 10, 0], [0, 10, 0, 0]])
    assert trains.mean_rate() == pytest.approx(5.0)
    assert float(rates.mean()) == pytest.approx(trains.mean_rate())


def test_rates_need_an_observed_time_and_neurons() -> None:
    with pytest.raises(RecordError, match="needs the observed time"):
        SpikeTrains([0.1], [0], 1).rates()
    with pytest.raises(RecordError, match="needs the observed time"):
        SpikeTrains([], [], 1, duration=0).mean_rate()
    with pytest.raises(RecordError, match="no neurons"):
        SpikeTrains([], [], 0, duration=1).mean_rate()
    assert SpikeTrains([], [], 0, duration=1).rates().shape == (1, 0)


def test_population_rate_counts_each_spike_in_the_bin_where_it_begins() -> None:
    dt = 1e-4
    steps = np.arange(0, 3000, 10)  # one spike a millisecond
    spikes = SpikeTrains.from_steps(steps, np.zeros_like(steps), 2, dt, n_steps=3000)
    rate = spikes.population_rate(0.1)
    assert rate.dims == ("trial", "time")
    assert np.allclose(rate, [[500.0, 500.0, 500.0]])
    assert np.allclose(rate["time"], [0.0, 0.1, 0.2])
    assert spikes.population_rate(0.2).sizes["time"] == 1  # the rest fills no bin
    with pytest.raises(RecordError, match=r"longer than the 0.3 s"):
        spikes.population_rate(0.4)
    with pytest.raises(RecordError, match="positive"):
        spikes.population_rate(0.0)


@given(steps=hnp.arrays(np.int64, st.integers(0, 40), elements=st.integers(0, 9999)), bin_steps=st.integers(1, 500))
def test_population_rate_on_the_grid_is_exact(steps: np.ndarray, bin_steps: int) -> None:
    dt = 1e-4
    spikes = SpikeTrains.from_steps(steps, np.zeros_like(steps), 1, dt, n_steps=10000)
    rate = spikes.population_rate(bin_steps * dt).values[0]
    expected = np.bincount(steps // bin_steps, minlength=rate.size)[: rate.size]
    assert np.allclose(rate * (bin_steps * dt), expected)


def test_of_trial(trains: SpikeTrains) -> None:
    one = trains.of_trial(1)
    assert (one.times.tolist(), one.neurons.tolist(), one.n_trials, one.duration) == ([0.01], [1], 1, 0.1)
    with pytest.raises(RecordError, match="No trial 2: there are 2"):
        trains.of_trial(2)


dense_spikes = hnp.arrays(np.bool_, st.tuples(st.integers(0, 12), st.integers(1, 3), st.integers(0, 5)))


@given(fired=dense_spikes, dt=st.sampled_from([1e-4, 1e-3, 0.04e-3, 0.1]), start_step=st.integers(0, 10**6))
def test_dense_round_trip(fired: np.ndarray, dt: float, start_step: int) -> None:
    spikes = SpikeTrains.from_dense(fired, dt, start_step)
    assert np.array_equal(spikes.to_dense(dt, len(fired)), fired)
    assert len(spikes) == fired.sum()
    assert all(time == step * dt for time, step in zip(spikes.times, spikes.to_steps(dt), strict=True))
    assert spikes == SpikeTrains.from_dense(fired.astype(np.float32), dt, start_step)


def test_a_window_of_a_longer_train_is_cut_out() -> None:
    spikes = SpikeTrains.from_steps([2, 5, 9], [0, 1, 0], 2, 1e-3, n_steps=10)
    assert np.argwhere(spikes.to_dense(1e-3, 5, start_step=5)).tolist() == [[0, 0, 1], [4, 0, 0]]
    assert np.argwhere(spikes.to_dense(1e-3, 5)).tolist() == [[2, 0, 0]]


def test_times_off_the_grid_are_refused() -> None:
    spikes = SpikeTrains([0.001, 0.00155], [0, 0], 1)
    with pytest.raises(RecordError, match=r"1 of 2 times are no multiple of dt = 0.001 s .* step 1.55"):
        spikes.to_steps(1e-3)
    assert SpikeTrains([0.1 + 0.2], [0], 1).to_steps(0.1).tolist() == [3]  # 0.30000000000000004 is on the grid
    with pytest.raises(RecordError, match="dt must be a positive time"):
        spikes.to_steps(0.0)


def test_two_spikes_of_a_neuron_in_one_step_are_not_lost() -> None:
    spikes = SpikeTrains([0.001, 0.001], [0, 0], 1)
    with pytest.raises(RecordError, match="1 spikes share their step"):
        spikes.to_dense(1e-3, 2)


@pytest.mark.parametrize(
    ("array", "message"),
    [(np.zeros((2, 3), bool), "got shape"), (np.full((1, 1, 1), 2), "0 and 1")],
)
def test_dense_arrays_are_checked(array: np.ndarray, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        SpikeTrains.from_dense(array, 1e-3)


def test_steps_must_be_integers() -> None:
    with pytest.raises(RecordError, match="steps must be integers"):
        SpikeTrains.from_steps([1.0], [0], 1, 1e-3)


def test_repr_shows_the_extent(trains: SpikeTrains) -> None:
    assert repr(trains) == "SpikeTrains(4 spikes of 4 neurons x 2 trials in 0.1 s, from 0 s)"
    assert repr(SpikeTrains([], [], 3)) == "SpikeTrains(0 spikes of 3 neurons of unknown duration, from 0 s)"


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]], ids=["sorted", "not"])
def test_what_was_given_may_change_later(order: list[int]) -> None:
    times, neurons, trials = np.array([0.1, 0.1, 0.3])[order], np.array([0, 2, 1])[order], np.zeros(3, np.int64)
    trains = SpikeTrains(times, neurons, 3, trials)
    for array in (times, neurons, trials):
        array[:] = 0
    assert trains.times.tolist() == [0.1, 0.1, 0.3]
    assert trains.neurons.tolist() == [0, 2, 1]
