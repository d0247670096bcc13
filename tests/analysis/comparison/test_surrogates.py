from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis.comparison.surrogates import at_random, dealt, shifted
from neurosim.analysis.spikes import count_correlation, cv, mean_correlation
from neurosim.errors import RecordError
from neurosim.recording import SpikeTrains, Support

GAPS = Support([0.0, 3.0, 1.0], [2.0, 4.5, 3.0], [0, 0, 1], 2)


def with_gaps(seed: int, n: int = 3) -> SpikeTrains:
    draw = np.random.default_rng(seed)
    number = draw.integers(0, 60)
    trials = draw.integers(0, 2, number)
    times = np.where(trials == 1, draw.uniform(1, 3, number), draw.uniform(0, 2, number))
    times = np.where((trials == 0) & (draw.random(number) < 0.4), draw.uniform(3, 4.5, number), times)
    return SpikeTrains(times, draw.integers(0, n, number), n, trials, 2, support=GAPS)


def counts(trains: SpikeTrains) -> list[int]:
    return np.bincount(trains.trials * trains.n + trains.neurons, minlength=2 * trains.n).tolist()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_what_is_kept(seed: int) -> None:
    trains, draw = with_gaps(seed), np.random.default_rng(seed)
    for surrogate in (at_random, shifted):  # the constructor refuses spikes where nothing was observed
        other = surrogate(trains, draw)
        assert counts(other) == counts(trains)
        assert other.support == trains.support
    other = dealt(trains, draw)
    assert np.array_equal(other.times, trains.times)
    assert np.array_equal(other.trials, trains.trials)


def test_random_times_are_irregular() -> None:
    clock = SpikeTrains(np.arange(0, 50, 0.05), np.zeros(1000, dtype=int), 1, duration=50.0)
    assert cv(clock)[0] == pytest.approx(0.0, abs=1e-9)
    assert cv(at_random(clock, np.random.default_rng(0)))[0] == pytest.approx(1.0, abs=0.1)


def test_a_shift_keeps_intervals_and_loses_what_is_shared() -> None:
    once = np.cumsum(np.random.default_rng(1).gamma(4.0, 0.025, 480))
    times, neurons = np.tile(once, 5), np.repeat(np.arange(5), once.size)
    alike = SpikeTrains(times, neurons, 5, duration=float(once[-1]) + 0.1)
    other = shifted(alike, np.random.default_rng(0))
    assert mean_correlation(count_correlation(alike, window=0.1)) == pytest.approx(1.0)
    assert abs(mean_correlation(count_correlation(other, window=0.1))) < 0.1
    assert cv(other) == pytest.approx(cv(alike), rel=0.02)  # but for the interval across the end


def test_dealt_spikes_have_one_rate() -> None:
    one = SpikeTrains(np.linspace(0, 9.9, 4000), np.zeros(4000, dtype=int), 4, duration=10.0)
    assert np.bincount(dealt(one, np.random.default_rng(0)).neurons) == pytest.approx([1000] * 4, abs=120)


def test_what_was_observed_must_be_known() -> None:
    with pytest.raises(RecordError, match="duration="):
        at_random(SpikeTrains([0.1], [0], 1), np.random.default_rng(0))
