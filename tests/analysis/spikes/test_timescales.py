from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis.spikes import autocorrelation, decay_time, spike_counts
from neurosim.errors import AnalysisError
from neurosim.recording import SpikeTrains, Support


def fluctuating(tau: float, seconds: float, n: int, seed: int = 0) -> SpikeTrains:
    """Return Poisson neurons, each with a rate of 30 +- 12 Hz of its own that forgets itself in tau."""
    draw, step = np.random.default_rng(seed), 2e-3
    keep = np.exp(-step / tau)
    rates = np.empty((round(seconds / step), n))
    rates[0] = draw.normal(size=n)
    noise = draw.normal(size=rates.shape) * np.sqrt(1 - keep**2)
    for row in range(1, len(rates)):
        rates[row] = keep * rates[row - 1] + noise[row]
    steps, neurons = np.nonzero(draw.random(rates.shape) < step * (30 + 12 * rates))
    return SpikeTrains(steps * step, neurons, n, duration=seconds)


def test_against_scipy() -> None:
    from scipy.signal import correlate

    counts = np.random.default_rng(0).poisson(3.0, size=(200, 4)).astype(float)
    found = autocorrelation(counts, bin=0.01, reach=0.05)
    for neuron, column in enumerate(counts.T):
        moved = column - column.mean()
        full = correlate(moved, moved)[199:205] / np.arange(200, 194, -1)
        assert found.values[neuron] == pytest.approx(full[1:] / full[0])
    assert found.lags == pytest.approx(np.arange(1, 6) * 0.01)


def test_a_fluctuating_rate() -> None:
    tau, width = 0.08, 0.02
    trains = fluctuating(tau, 120.0, 20)
    found = autocorrelation(trains, bin=width, reach=0.4)
    # Of a rate with variance s^2 and counts of a mean of m: s^2 tau^2 (e^(w/tau) - 1)(1 - e^(-w/tau)) e^(-lag/tau).
    shared = (12 * tau) ** 2 * (np.exp(width / tau) - 1) * (1 - np.exp(-width / tau))
    variance = 30 * width + 2 * (12 * tau) ** 2 * (width / tau - 1 + np.exp(-width / tau))
    assert found.values.mean(axis=0) == pytest.approx(shared / variance * np.exp(-found.lags / tau), abs=0.012)
    assert found.timescale() == pytest.approx(tau, rel=0.15)


def test_gaps_and_trials_make_no_pairs() -> None:
    whole = fluctuating(0.05, 8.0, 3)
    second = whole.times >= 4.0
    split = SpikeTrains(
        np.concatenate([whole.times[~second], whole.times[second] - 4.0]),
        np.concatenate([whole.neurons[~second], whole.neurons[second]]),
        3,
        np.repeat([0, 1], [int((~second).sum()), int(second.sum())]),
        2,
        duration=4.0,
    )
    counts = spike_counts(whole, None, 0.1)
    moved = counts - counts.mean(axis=0)
    pairs = np.concatenate([np.arange(39), np.arange(40, 79)])  # not from 39 to 40
    expected = (moved[pairs] * moved[pairs + 1]).mean(axis=0) / moved.var(axis=0)
    assert autocorrelation(split, bin=0.1, reach=0.1).values[:, 0] == pytest.approx(expected)
    gap = SpikeTrains(np.where(second, whole.times + 1.0, whole.times), whole.neurons, 3,
                      support=Support([0.0, 5.0], [4.0, 9.0]))  # fmt: skip
    assert autocorrelation(gap, bin=0.1, reach=0.1).values[:, 0] == pytest.approx(expected)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.02, 1.0), st.floats(0.01, 2.0), st.floats(-1.0, 1.0))
def test_an_exact_decay(tau: float, height: float, floor: float) -> None:
    lags = np.arange(1, 26) * 0.02
    assert decay_time(lags, height * np.exp(-lags / tau) + floor) == pytest.approx(tau, rel=1e-4)


def test_what_does_not_decay() -> None:
    lags = np.arange(1, 26) * 0.02
    for values in (np.zeros(25), np.full(25, 0.3), lags, -np.exp(-lags / 0.1), np.full(25, np.nan)):
        assert np.isnan(decay_time(lags, values))


def test_neurons_that_never_change_their_count() -> None:
    silent = SpikeTrains([0.05, 0.15, 0.18], [0, 0, 0], 2, duration=1.0)
    found = autocorrelation(silent, bin=0.1, reach=0.2)
    assert np.isnan(found.values[1]).all()
    assert not np.isnan(found.values[0]).any()
    assert np.isnan(autocorrelation(SpikeTrains([], [], 2, duration=1.0), bin=0.1, reach=0.4).timescale())


def test_what_does_not_fit() -> None:
    trains = fluctuating(0.05, 1.0, 1)
    with pytest.raises(AnalysisError, match="not above reach"):
        autocorrelation(trains, bin=0.1, reach=0.05)
    with pytest.raises(AnalysisError, match=r"as long as what was observed at a stretch \(1 s\)"):
        autocorrelation(trains, bin=0.1, reach=1.0)
    with pytest.raises(AnalysisError, match="four ascending lags"):
        decay_time(np.array([0.1, 0.2, 0.3]), np.zeros(3))
