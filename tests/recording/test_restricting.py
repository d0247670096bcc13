from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import RecordError
from neurosim.recording import Recording, SpikeTrains, Support
from neurosim.recording.traces import trace_array
from recording.sessions import LENGTH, TENTH, pairs, session, spike_rows, stretches

Rows = list[tuple[int, int, int]]


@settings(max_examples=30)
@given(spike_rows, stretches, stretches)
def test_restrict_twice_is_restrict_to_the_intersection(rows: Rows, one: Support, other: Support) -> None:
    recording = session(spikes=rows)
    assert recording.restrict(one).restrict(other) == recording.restrict(one & other)


@settings(max_examples=30)
@given(spike_rows, stretches)
def test_rates_times_observed_time_are_counts(rows: Rows, support: Support) -> None:
    trains = session(spikes=rows).restrict(support).spikes["exc"]
    observed = (support & Support.of((0.0, LENGTH), 2)).observed
    for trial in range(2):
        inside = [
            row for row in rows if row[2] == trial and support.contains(np.array([row[0] * TENTH]), np.array([trial]))
        ]
        assert trains.counts().values[trial].sum() == len(inside)
    if observed.any():
        rates = trains.rates().values
        assert np.allclose(np.nan_to_num(rates) * observed[:, None], trains.counts())
        assert np.array_equal(np.isnan(rates[:, 0]), observed == 0)
        assert trains.mean_rate() == pytest.approx(len(trains) / (3 * observed.sum()))
    else:
        with pytest.raises(RecordError, match="observed time"):
            trains.rates()


@settings(max_examples=30)
@given(spike_rows, stretches, st.sampled_from([0.1, 0.3, 0.5, 1.0]))
def test_binned_rates_times_observed_time_are_counts(rows: Rows, support: Support, width: float) -> None:
    trains = session(spikes=rows).restrict(support).spikes["exc"]
    if trains.duration is None or trains.duration < width:
        return
    rate = trains.population_rate(width)
    edges = np.append(rate["time"].values, rate["time"].values[-1] + width)
    seconds = trains.support.covered(edges)
    counted = trains.restrict((edges[0], edges[-1])).counts().values.sum()
    assert np.nansum(rate.values * seconds * 3) == pytest.approx(counted)
    assert np.array_equal(np.isnan(rate.values), seconds < 1e-9)


@settings(max_examples=25)
@given(pairs)
def test_restricting_to_all_that_was_observed_changes_nothing(pair: tuple[float, float]) -> None:
    part = session().restrict(pair)
    assert part.restrict(part.support) == part


def test_what_lies_outside_goes() -> None:
    part = session().restrict([(0.0, 0.6), (2.4, 3.0)])
    trains = part.spikes["exc"]
    assert trains.times.tolist() == pytest.approx([0.3])
    assert (trains.start, trains.duration) == (0.0, 3.0)
    assert part.support.observed.tolist() == pytest.approx([1.2, 1.2])
    assert part.traces["exc"]["v"]["time"].values.tolist() == pytest.approx([0.0, 0.2, 0.4, 2.4, 2.6, 2.8])
    assert part.intervals["epochs"].to_dict("list") == {
        "start": [0.0, 2.4],
        "stop": pytest.approx([0.6, 3.0]),
        "tag": ["sleep", "wake"],
    }
    assert part.intervals["pauses"]["stop"].tolist() == [0.6]
    assert part.events["tone"]["pitch"].tolist() == [880.0]
    assert part.units.equals(session().units)
    assert part.metadata["licence"] == "MIT"
    assert "from 0 s" in repr(part)


def test_a_trial_that_was_not_observed_has_no_samples_and_no_rate() -> None:
    table = Support([0.0], [1.0], [1], 2)
    part = session().restrict(table)
    v = part.traces["exc"]["v"]
    assert np.isnan(v.values[0]).all()
    assert np.array_equal(v.values[1], session().traces["exc"]["v"].values[1, :5])
    assert np.isnan(part.rates()["exc"].values[0]).all()
    assert part.intervals["pauses"].empty  # it was in the other trial
    assert part.intervals["epochs"]["stop"].tolist() == [1.0]


def test_by_the_name_of_a_table() -> None:
    part = session().restrict("epochs")
    assert part.support.observed.tolist() == [3.5, 3.5]
    with pytest.raises(RecordError, match=r"No intervals 'epoch' in this recording\. Did you mean 'epochs'"):
        session().restrict("epoch")


def test_the_state_and_the_extent_of_the_run_go(toy_run: object) -> None:
    recording: Recording = toy_run()  # type: ignore[operator]
    part = recording.restrict((0.0, 0.0005))
    assert part.state is None
    assert not {"start_step", "n_steps", "start", "duration"} & part.metadata.keys()
    assert part.spikes["exc"].duration == pytest.approx(0.0005)
    assert part.traces["exc"]["g"].shape == (2, 5)


def test_whole_numbers_can_become_nan() -> None:
    trace = trace_array(np.arange(4).reshape(2, 2, 1), variable="n", unit="1", time=np.array([0.0, 1.0]))
    recording = Recording(traces={"a": {"n": trace}}, support=Support([0.0, 1.0], [1.0, 2.0], [0, 1], 2))
    part = recording.restrict((0.0, 2.0)).traces["a"]["n"]
    assert np.array_equal(part.values[..., 0], [[0, np.nan], [np.nan, 3]], equal_nan=True)


def test_the_observed_time_must_be_known() -> None:
    unknown = Recording({"p": SpikeTrains([0.1], [0], 1)})
    assert unknown.support is None
    for act in (lambda: unknown.restrict((0.0, 1.0)), lambda: unknown.spikes["p"].restrict((0.0, 1.0))):
        with pytest.raises(RecordError, match="What was observed is not known"):
            act()
