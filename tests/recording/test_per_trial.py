from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import RecordError
from neurosim.recording import Recording, SpikeTrains, Support
from neurosim.recording.traces import trace_array
from neurosim.units import ms, second
from recording.sessions import LENGTH, TENTH, session, spike_rows


@settings(max_examples=30)
@given(spike_rows)
def test_the_whole_as_one_trial_is_the_original(rows: list[tuple[int, int, int]]) -> None:
    recording = session(spikes=rows)
    whole = recording.per_trial(0.0, (0.0, LENGTH))
    assert whole.spikes == recording.spikes
    assert whole.traces == recording.traces
    assert whole.support == recording.support
    assert whole.events["tone"].drop(columns="trial")[:2].equals(recording.events["tone"])


@settings(max_examples=30)
@given(
    spike_rows,
    st.lists(st.integers(-5, 45), min_size=1, max_size=4),
    st.integers(-12, 5),
    st.integers(1, 20),
)
def test_every_trial_is_the_session_around_its_event(
    rows: list[tuple[int, int, int]], events: list[int], before: int, length: int
) -> None:
    recording = session(spikes=rows)
    window = (before * TENTH, (before + length) * TENTH)
    cut = recording.per_trial([event * TENTH for event in events], window)
    trains = cut.spikes["exc"]
    assert cut.n_trials == trains.n_trials == 2 * len(events)
    for number in range(cut.n_trials):
        source, event = number // len(events), events[number % len(events)]
        found = sorted(
            zip(trains.to_steps(TENTH)[trains.trials == number], trains.neurons[trains.trials == number], strict=True)
        )
        expected = sorted(
            (t - event, neuron)
            for t, neuron, trial in rows
            if trial == source and before <= t - event < before + length
        )
        assert found == expected
        seen = max(0, min(40, event + before + length) - max(0, event + before)) * TENTH
        assert cut.support.observed[number] == pytest.approx(seen)
    table = cut.intervals["trials"]
    assert table["trial"].tolist() == list(range(cut.n_trials))
    assert table["source_trial"].tolist() == [0] * len(events) + [1] * len(events)


def test_samples_are_where_the_event_is_zero() -> None:
    recording = session()
    v = recording.traces["exc"]["v"]
    cut = recording.per_trial("tone", (-0.4, 0.4)).traces["exc"]["v"]
    assert cut["time"].values.tolist() == pytest.approx([-0.4, -0.2, 0.0, 0.2])
    assert np.array_equal(cut.values[0], v.values[0, 3:7])  # the tone at 1.0 s is sample 5
    assert np.array_equal(cut.values[1], v.values[0, 10:14])  # the one at 2.5 s lies between 12 and 13: 12 is even
    assert np.array_equal(cut.values[2], v.values[1, 3:7])
    assert cut["neuron"].values.tolist() == [2, 0]


def test_beyond_the_observed_time_there_is_nothing() -> None:
    cut = session().per_trial([3.8] * second, (-200 * ms, 400 * ms))
    assert cut.support.stops.tolist() == pytest.approx([0.2, 0.2])
    assert np.isnan(cut.traces["exc"]["v"].values[:, 2]).all()
    assert not np.isnan(cut.traces["exc"]["v"].values[:, :2]).any()


def test_tables_are_seen_from_each_event() -> None:
    cut = session(1).per_trial("tone", (-1.0, 1.2))
    assert cut.events["tone"][["trial", "time", "pitch"]].values.tolist() == [[0, 0.0, 440.0], [1, 0.0, 880.0]]
    epochs = cut.intervals["epochs"]
    assert epochs["trial"].tolist() == [0, 0, 1]
    assert epochs["start"].tolist() == pytest.approx([-1.0, 1.0, -0.5])
    assert epochs["stop"].tolist() == pytest.approx([0.5, 1.2, 1.2])
    assert cut.intervals["trials"]["pitch"].tolist() == [440.0, 880.0]
    assert cut.intervals["trials"]["time"].tolist() == [1.0, 2.5]


def test_events_may_be_the_starts_of_intervals_in_one_trial() -> None:
    cut = session().per_trial("pauses", (0.0, 0.2))
    assert cut.n_trials == 1
    assert cut.intervals["trials"][["time", "source_trial"]].values.tolist() == [[0.5, 0]]


def test_trials_of_trials() -> None:
    twice = session().per_trial("tone", (-1.0, 1.0)).per_trial("tone", (-0.5, 0.5))
    assert twice.n_trials == 4
    once = session().per_trial("tone", (-0.5, 0.5))
    assert twice.spikes["exc"].to_steps(TENTH).tolist() == once.spikes["exc"].to_steps(TENTH).tolist()
    assert np.allclose(twice.traces["exc"]["v"], once.traces["exc"]["v"])


@pytest.mark.parametrize(
    ("event", "window", "message"),
    [
        ([], (0.0, 1.0), "no such event"),
        ("ton", (0.0, 1.0), "Did you mean 'tone'"),
        (1.0, (1.0, 0.0), "must begin before it ends"),
        (1.0, 3.0, "pair"),
        (1.0, (0.0, 1.0, 2.0), "pair"),
        ({"moment": [1.0]}, (0.0, 1.0), "number"),
    ],
)
def test_what_is_no_event_or_no_window(event: object, window: object, message: str) -> None:
    with pytest.raises((RecordError, TypeError), match=message):
        session().per_trial(event, window)


def test_uneven_samples_are_refused() -> None:
    trace = trace_array(np.zeros((1, 3, 1)), variable="v", unit="volt", time=np.array([0.0, 0.1, 0.3]))
    recording = Recording({"a": SpikeTrains([0.1], [0], 1, duration=1.0)}, {"a": {"v": trace}})
    with pytest.raises(RecordError, match=r"a\.v is not evenly sampled"):
        recording.per_trial(0.0, (0.0, 0.2))


def test_observed_time_of_one_trial_only() -> None:
    support = Support([0.0], [4.0], [0], 2)
    cut = session(support=support).per_trial(1.0, (0.0, 1.0))
    assert cut.support.observed.tolist() == [1.0, 0.0]


def test_intervals_may_have_a_column_of_times() -> None:
    """Such as those that per_trial makes itself: the time at which each event was."""
    once = session(1).per_trial("tone", (-1.0, 1.0))
    again = Recording(once.spikes, intervals={"made": once.intervals["trials"]}, support=once.support)
    part = again.restrict((-0.5, 2.0))
    assert part.intervals["made"][["start", "stop", "time"]].values.tolist() == [[-0.5, 1.0, 1.0], [-0.5, 1.0, 2.5]]
    cut = again.per_trial("made", (0.0, 0.5)).intervals["made"]  # from the start of each, 1 s before its tone
    assert cut[["start", "stop", "time", "trial"]].values.tolist() == [[0.0, 0.5, 1.0, 0], [0.0, 0.5, 2.5, 1]]
