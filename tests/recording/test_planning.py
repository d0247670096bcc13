from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.errors import RecordError
from neurosim.recording import Record, Recordable, RecordPlan, TracePlan, plan_recording
from neurosim.recording.planning import choose
from neurosim.recording.request import RecordSpec

Catalogue = dict[str, Recordable]


def plan(spec: RecordSpec, catalogue: Catalogue, **options: Any) -> RecordPlan:
    return plan_recording(spec, catalogue, **{"dt": 1e-4, "start_step": 0, "n_steps": 100, "trials": 2, **options})


def test_by_default_the_spikes_of_every_spiking_population(catalogue: Catalogue) -> None:
    found = plan(None, catalogue)
    assert dict(found.spikes) == {"exc": 7, "column/inh": 4}  # neither sources nor graded populations
    assert found.traces == ()
    assert found.bytes == 0


def test_nothing_can_be_asked_for(catalogue: Catalogue) -> None:
    found = plan({}, catalogue)
    assert not found.spikes
    assert not found.traces


def test_a_trace_is_settled(catalogue: Catalogue) -> None:
    found = plan({"exc": ["spikes", Record("v", neurons=slice(1, 4), every=1e-3)], "exc_to_inh": "w"}, catalogue)
    assert dict(found.spikes) == {"exc": 7}
    v = found.trace("exc", "v")
    assert v == TracePlan("exc", "v", "volt", "population", 7, np.array([1, 2, 3]), 10, None)
    assert (v.columns, v.dimension, found.samples(v)) == (3, "neuron", 10)
    w = found.trace("exc_to_inh", "w")
    assert (w.neurons, w.columns, w.dimension, w.unit) == (None, 9, "edge", "siemens")
    with pytest.raises(RecordError, match=r"exc.u is not recorded. Did you mean 'exc.v'"):
        found.trace("exc", "u")


def test_bytes_are_counted_before_the_run(catalogue: Catalogue) -> None:
    spec = {"exc": [Record("v", neurons=[0, 2], every=1e-3), Record("g", reduce="sum")]}
    assert plan(spec, catalogue).bytes == 2 * 10 * 2 * 8 + 2 * 100 * 1 * 8
    assert plan(spec, catalogue, itemsize=4).bytes == (2 * 10 * 2 + 2 * 100) * 4
    text = plan({**spec, "column/inh": "spikes"}, catalogue).describe()
    assert "1.92 kB of traces, and 24 bytes a spike" in text
    assert "exc.g: 1.6 kB = 2 trials x 100 samples x 1 neurons (sum of 7) x 8 bytes" in text
    assert "column/inh.spikes: 4 neurons" in text


def test_the_estimate_is_what_the_arrays_take(toy_run: Any, catalogue: Catalogue) -> None:
    recording = toy_run(start_step=7, n_steps=33)
    spec = {
        "exc": [Record("v", neurons=[4, 0], every=3e-4), Record("g", reduce="mean")],
        "column/inh": "v",
        "exc_to_inh": Record("w", every=5e-4),
    }
    found = plan(spec, catalogue, start_step=7, n_steps=33)
    assert found.bytes == sum(trace.nbytes for group in recording.traces.values() for trace in group.values())


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"exx": "v"}, "the circuit has no 'exx'. Did you mean 'exc'"),
        ({"columns/inh": "v"}, "Did you mean 'column/inh'"),
        ({"exc": "vv"}, "population 'exc' has no variable 'vv'. Did you mean 'v'. Known: g, spikes, v"),
        ({"exc": "spike"}, "Did you mean 'spikes'"),
        ({"exc_to_inh": "weight"}, "projection 'exc_to_inh' has no variable 'weight'. Known: w"),
        ({"graded": "spikes"}, "population 'graded' has no spikes to record. Known: v"),
        ({"exc_to_inh": "spikes"}, "projection 'exc_to_inh' has no spikes"),
        ({"exc": Record("v", neurons=slice(8))}, "reaches beyond the 7 that there are"),
        ({"exc": Record("v", neurons=[2, 7])}, "neurons= holds 7, but there are 7, numbered from 0"),
        ({"exc": Record("v", neurons=-1)}, "neurons= holds -1"),
        ({"exc": Record("v", neurons=[1, 1])}, "more than once"),
        ({"exc": Record("v", neurons=[True, False])}, "mask in neurons= has 2 values, but there are 7"),
        ({"exc": Record("v", neurons=[False] * 7)}, "chooses none of the 7"),
        ({"exc": Record("v", neurons=slice(2, 2))}, "chooses none of the 7"),
        ({"exc": Record("v", every=1.6e-4)}, "every = 0.00016 s is no multiple of dt = 0.0001 s. Use 0.0002 s"),
        ({"exc": Record("v", every=1e-5)}, "no multiple of dt = 0.0001 s. Use 0.0001 s"),
        ({"exc": ["v", Record("v", neurons=0)]}, "exc.v is asked for twice, in two ways"),
    ],
)
def test_bad_requests_say_what_is_wrong(spec: Any, message: str, catalogue: Catalogue) -> None:
    with pytest.raises(RecordError, match=message.replace("?", r"\?")):
        plan(spec, catalogue)


def test_equal_requests_are_merged(catalogue: Catalogue) -> None:
    found = plan(
        {"exc": ["spikes", "v", Record("v", neurons=slice(None)), Record("v", every=1e-4), "spikes"]}, catalogue
    )
    assert [trace.address for trace in found.traces] == ["exc.v"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dt": 0.0}, "dt must be a positive time"),
        ({"start_step": -1}, "start_step >= 0"),
        ({"n_steps": -1}, "n_steps >= 0"),
        ({"trials": 0}, "trials >= 1"),
        ({"itemsize": 2}, "itemsize must be 8"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused(options: dict[str, Any], message: str, catalogue: Catalogue) -> None:
    with pytest.raises(RecordError, match=message):
        plan(None, catalogue, **options)


def test_a_plan_beyond_the_limit_is_refused_with_the_figures(catalogue: Catalogue) -> None:
    assert plan({"exc": "v"}, catalogue, limit_bytes=11200).bytes == 11200
    with pytest.raises(RecordError) as caught:
        plan({"exc": "v"}, catalogue, limit_bytes=11199)
    message = str(caught.value)
    assert "would take 11.2 kB, more than 11.2 kB (the limit given)" in message
    assert "every=" in message
    assert "exc.v: 11.2 kB = 2 trials x 100 samples x 7 neurons x 8 bytes" in message


def test_a_plan_beyond_memory_is_refused_before_anything_is_allocated(catalogue: Catalogue) -> None:
    with pytest.raises(RecordError, match=r"112 TB, more than .* \(80% of the memory that is available now\)"):
        plan({"exc": "v"}, catalogue, n_steps=10**12)


def test_where_the_system_does_not_tell_its_memory_nothing_is_refused(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neurosim.recording.planning.available_bytes", lambda: None)
    assert plan({"exc": "v"}, catalogue, n_steps=10**12).bytes == 112 * 10**12


def test_a_variable_may_not_hide_the_spikes() -> None:
    with pytest.raises(RecordError, match="cannot be called 'spikes'"):
        Recordable("population", 1, True, {"spikes": "1"})


@given(start=st.integers(0, 200), length=st.integers(0, 200), every=st.integers(1, 30), cut=st.integers(0, 200))
def test_samples_lie_on_the_global_grid_and_split_runs_join(start: int, length: int, every: int, cut: int) -> None:
    trace = TracePlan("exc", "v", "volt", "population", 1, None, every, None)
    steps = list(trace.sample_steps(start, length))
    assert steps == [step for step in range(start, start + length) if step % every == 0]
    first = min(cut, length)
    parts = [*trace.sample_steps(start, first), *trace.sample_steps(start + first, length - first)]
    assert parts == steps
    assert trace.first_sample(start) == next(step for step in range(start, start + every) if step % every == 0)


@given(data=st.data(), size=st.integers(1, 12))
def test_masks_indices_and_slices_choose_alike(data: st.DataObject, size: int) -> None:
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size).filter(any)))
    by_mask, by_index = choose(mask, size, "here"), choose(np.flatnonzero(mask), size, "here")
    everything = np.arange(size)
    assert np.array_equal(everything if by_mask is None else by_mask, everything[mask])
    assert (by_mask is None) == (by_index is None) == bool(mask.all())
    assert by_mask is None or np.array_equal(by_mask, by_index)
    assert choose(slice(-size, None), size, "here") is None


def test_the_order_of_indices_is_kept() -> None:
    chosen = choose(np.array([5, 2]), 6, "here")
    assert chosen is not None
    assert chosen.tolist() == [5, 2]
    reverse = choose(slice(None, None, -1), 3, "here")
    assert reverse is not None
    assert reverse.tolist() == [2, 1, 0]


def test_trace_plans_are_equal_by_value() -> None:
    make = lambda neurons: TracePlan("exc", "v", "volt", "population", 4, neurons, 1, None)  # noqa: E731
    assert make(np.array([1])) == make(np.array([1]))
    assert make(np.array([1])) != make(None)
    assert make(None) != "exc.v"
