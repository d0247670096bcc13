from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import RecordError
from neurosim.recording import Record, Recording, concatenate

WITH_OTHERS = {"exc": ["spikes", "v"], "exc_to_inh": "w"}


@settings(max_examples=25)
@given(start=st.integers(0, 30), lengths=st.lists(st.integers(0, 15), min_size=2, max_size=4), trials=st.integers(1, 2))
def test_the_parts_of_a_split_run_join_to_the_whole(toy_run: Any, start: int, lengths: list[int], trials: int) -> None:
    joined, done = None, start
    for length in lengths:
        part = toy_run(done, length, trials)
        joined = part if joined is None else concatenate(joined, part)
        done += length
    assert joined == toy_run(start, sum(lengths), trials)


def test_a_gap_an_overlap_and_the_wrong_order_are_refused(toy_run: Any) -> None:
    first, second = toy_run(0, 10), toy_run(10, 5)
    for wrong in ((second, first), (first, toy_run(11, 5)), (first, toy_run(9, 5))):
        with pytest.raises(RecordError, match="second recording begins at step"):
            concatenate(*wrong)


def test_a_run_that_went_on_in_another_backend_keeps_both_accounts(toy_run: Any) -> None:
    first = toy_run(0, 10)
    second = toy_run(10, 5, metadata={"backend": "other"})
    joined = concatenate(first, second)
    assert "backend" not in joined.metadata
    assert joined.metadata["seed"] == 3
    assert joined.metadata["n_steps"] == 15
    assert [part["backend"] for part in joined.metadata["parts"]] == ["toy", "other"]
    longer = concatenate(joined, toy_run(15, 5))
    assert [(part["backend"], part["n_steps"]) for part in longer.metadata["parts"]] == [
        ("toy", 10),
        ("other", 5),
        ("toy", 5),
    ]
    assert longer.spikes == toy_run(0, 20).spikes
    assert longer.traces == toy_run(0, 20).traces


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ({}, {"trials": 3}, "differ in trials: 2 and 3"),
        ({}, {"metadata": {"circuit_digest": "other"}}, "differ in circuit_digest: 'c0ffee' and 'other'"),
        ({}, {"spec": WITH_OTHERS}, "Only one of the two recordings holds spikes of: column/inh"),
        ({"spec": {"exc": ["v", "g"]}}, {"spec": {"exc": "v"}}, "Only one of the two recordings holds: exc.g"),
        (
            {"spec": {"exc": Record("v", neurons=[0])}},
            {"spec": {"exc": Record("v", neurons=[1])}},
            "exc.v was not recorded of the same neurons",
        ),
    ],
)
def test_recordings_that_do_not_match_are_refused(
    first: dict[str, Any], second: dict[str, Any], message: str, toy_run: Any
) -> None:
    with pytest.raises(RecordError, match=message):
        concatenate(toy_run(0, 10, **first), toy_run(10, 5, **second))


def test_only_simulations_can_be_joined(toy_run: Any) -> None:
    with pytest.raises(RecordError, match="'start_step' is missing"):
        concatenate(Recording(), toy_run(0, 1))


def test_tables_join_and_units_must_agree(toy_run: Any) -> None:
    def with_tables(part: Recording, time: float, **changes: Any) -> Recording:
        fields = {"spikes": part.spikes, "traces": part.traces, "state": part.state, "metadata": part.metadata}
        tables: dict[str, Any] = {
            "events": {"tone": {"time": [time]}},
            "intervals": {f"from {time}": {"start": [time], "stop": [time]}},
            "units": {"population": ["column/inh"] * 4, "neuron": [0, 1, 2, 3], "id": list("abcd")},
        }
        return Recording(**fields, **{**tables, **changes})

    first = with_tables(toy_run(0, 10), 0.0001)
    joined = concatenate(first, with_tables(toy_run(10, 5), 0.0012))
    assert joined.events["tone"]["time"].tolist() == [0.0001, 0.0012]
    assert list(joined.intervals) == ["from 0.0001", "from 0.0012"]
    assert joined.units["id"].tolist() == list("abcd")
    assert joined.support == toy_run(0, 15).support
    with pytest.raises(RecordError, match="hold different units"):
        concatenate(first, with_tables(toy_run(10, 5), 0.0012, units=None))
    with pytest.raises(RecordError, match="'tone' has other columns"):
        concatenate(first, with_tables(toy_run(10, 5), 0.0012, events={"tone": {"time": [0.0012], "pitch": [1.0]}}))
