from __future__ import annotations

from typing import Any

import numpy as np
import pandas
import pytest

from neurosim.errors import RecordError
from neurosim.recording import Recording, SpikeTrains, Support
from recording.sessions import session


def test_tables_stay_as_they_were() -> None:
    recording = session()
    units, tone = recording.units, recording.events["tone"]
    units["depth"] = 0.0
    tone.loc[0, "time"] = 9.0
    given = pandas.DataFrame({"start": [0.0], "stop": [1.0]})
    other = Recording(intervals={"a": given})
    given["start"] = 7.0
    given.loc[0, "stop"] = 7.0
    assert recording == session()
    assert other.intervals["a"].to_dict("list") == {"start": [0.0], "stop": [1.0]}
    with pytest.raises(AttributeError):
        recording.units = None  # type: ignore[misc]


def test_columns_have_one_of_four_types() -> None:
    table = pandas.DataFrame(
        {
            "start": np.array([0, 1], dtype=np.int32),
            "stop": np.array([0, 1], dtype=np.float32),
            "good": pandas.array([True, None], dtype="boolean"),
            "n": pandas.array([1, None], dtype="Int64"),
            "side": pandas.Categorical(["left", None]),
            "small": np.array([1, 2], dtype=np.uint8),
        },
        index=[7, 3],
    )
    held = Recording(intervals={"a": table}).intervals["a"]
    assert [str(dtype) for dtype in held.dtypes] == ["float64", "float64", "float64", "float64", "str", "int64"]
    assert held.index.tolist() == [0, 1]
    assert held["side"].isna().tolist() == [False, True]


def test_units_are_in_order_and_need_every_neuron() -> None:
    spikes = {"a": SpikeTrains([], [], 2), "b": SpikeTrains([], [], 1)}
    table = {"population": ["b", "a", "a"], "neuron": [0, 1, 0], "id": [9, 8, 7]}
    units = Recording(spikes, units=table).units
    assert units["id"].tolist() == [9, 7, 8]
    only = {name: values[:1] for name, values in table.items()}
    assert len(Recording(spikes, units=only).units) == 1
    assert Recording(spikes).units.empty


def test_units_of_what_has_only_traces() -> None:
    assert len(Recording(units={"population": ["roi"] * 3, "neuron": [0, 1, 2]}).units) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"intervals": {"a": {"start": [0.0]}}}, r"intervals\['a'\] needs a column 'stop'; it has start"),
        ({"intervals": {"a": {"start": [2.0], "stop": [1.0]}}}, "ends before it begins"),
        ({"intervals": {"a": {"start": [0.0], "stop": [np.inf]}}}, "finite times"),
        ({"intervals": {"a": [1, 2]}}, r"must be a pandas\.DataFrame"),
        ({"events": {"a": {"time": ["noon"]}}}, "finite times"),
        ({"events": {"a": {"time": [0.0], "trial": [1]}}}, "whole numbers from 0 to 0"),
        ({"events": {"a": {"time": [0.0], "trial": [0.5]}}}, "whole numbers"),
        ({"events": {"a": {"time": [0.0], 3: [0.5]}}}, "text as names"),
        ({"events": {"a": {"time": [0.0], "what": [object()]}}}, "truth values, whole numbers, numbers or text"),
        ({"units": {"neuron": [0]}}, "needs a column 'population'"),
        ({"units": {"population": ["exc"], "neuron": [0.5]}}, "must hold whole numbers"),
        ({"units": {"population": ["exc"], "neuron": [0]}}, "one row for each of its neurons 0 to 1, got 1"),
        ({"units": {"population": ["exc"] * 2, "neuron": [0, 0]}}, "one row for each"),
        ({"support": (0.0, 0.005)}, "1 of 1 spikes lie outside the observed stretches|outside the observed"),
    ],
)
def test_what_is_no_table(content: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        Recording({"exc": SpikeTrains([0.01], [0], 2)}, **content)


def test_the_support_of_a_recording() -> None:
    known, unknown = SpikeTrains([0.1], [0], 1, duration=1.0), SpikeTrains([0.1], [0], 1)
    assert Recording({"a": known}).support == Support(0.0, 1.0)
    assert Recording({"a": known, "b": SpikeTrains([], [], 1, duration=2.0)}).support == Support(0.0, 2.0)
    assert Recording({"a": unknown}).support is None
    assert Recording(metadata={"start": 1.0, "duration": 0.5, "trials": 2}).support == Support(1.0, 1.5, n_trials=2)
    given = Recording({"a": unknown, "b": known}, support=[(0.0, 0.5), (0.8, 2.0)])
    assert given.rates()["a"].values.tolist() == [[1 / 1.7]]
    assert given.rates()["b"].values.tolist() == [[1 / 0.7]]  # it was observed for 1 s only
    with pytest.raises(RecordError, match=r"1 of 1 spikes lie outside .*, the first at 0\.1 s"):
        Recording({"a": unknown}, support=[(0.0, 0.05), (0.2, 1.0)])
    with pytest.raises(RecordError, match="not as both"):
        SpikeTrains([0.1], [0], 1, duration=1.0, support=(0.0, 1.0))


def test_how_the_observed_time_was_given_does_not_matter() -> None:
    assert SpikeTrains([0.1], [0], 1, support=(0.0, 1.0)) == SpikeTrains([0.1], [0], 1, duration=1.0)
    assert SpikeTrains([0.1], [0], 1, support=(0.0, 1.0)) != SpikeTrains([0.1], [0], 1, duration=2.0)
    assert SpikeTrains([0.1], [0], 1) != SpikeTrains([0.1], [0], 1, duration=1.0)


def test_the_repr_names_the_tables() -> None:
    lines = repr(session()).splitlines()
    assert lines[0] == "Recording(toy, 8 s in 2 stretches from 0 s, dt 0.1 s, 2 trials)"
    assert "  intervals: epochs (2), pauses (1)" in lines
    assert "  events: tone (2)" in lines
    assert lines[-1].startswith("  units: 3 with population, neuron, id, location")


def test_a_population_that_was_never_observed_stays_so() -> None:
    never = SpikeTrains([], [], 1, support=[])
    recording = Recording({"a": never, "b": SpikeTrains([], [], 1)}, support=(0.0, 2.0))
    assert len(recording.spikes["a"].support) == 0
    assert recording.spikes["b"].support == Support(0.0, 2.0)
