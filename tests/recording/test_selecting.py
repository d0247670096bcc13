from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.errors import RecordError
from recording.sessions import session


def test_neurons_are_numbered_in_the_order_asked_for() -> None:
    part = session().select(neurons={"exc": [2, 1]})
    trains, whole = part.spikes["exc"], session().spikes["exc"]
    assert trains.n == 2
    for new, old in enumerate([2, 1]):
        assert trains.times[trains.neurons == new].tolist() == whole.times[whole.neurons == old].tolist()
    v = part.traces["exc"]["v"]
    assert v["neuron"].values.tolist() == [0]
    assert np.array_equal(v.values[..., 0], session().traces["exc"]["v"].sel(neuron=2).values)
    assert part.units["id"].tolist() == ["c", "b"]
    assert part.units["neuron"].tolist() == [0, 1]
    assert part.support == session().support


def test_trials_are_numbered_in_the_order_asked_for() -> None:
    part = session().select(trials=[1, 0])
    whole = session().spikes["exc"]
    assert part.spikes["exc"].select(trials=np.array([1, 0])) == whole
    assert np.array_equal(part.traces["exc"]["v"].values, session().traces["exc"]["v"].values[::-1])
    assert part.intervals["pauses"]["trial"].tolist() == [1]
    assert part.metadata["trials"] == 2
    alone = session().select(trials=1)
    assert alone.n_trials == alone.metadata["trials"] == alone.support.n_trials == 1
    assert alone.intervals["pauses"].empty
    assert len(alone.intervals["epochs"]) == 2


def test_units_by_a_condition() -> None:
    recording = session()
    part = recording.select(units=recording.units["identified"])
    assert part.units["id"].tolist() == ["a", "b"]
    assert part.spikes["exc"].n == 2
    none = recording.select(units=recording.units["location"] == "V1")
    assert list(none) == []
    with pytest.raises(RecordError, match="a truth value for each of its 3 rows"):
        recording.select(units=[True])


def test_populations(toy_run: Any) -> None:
    part = toy_run().select("column/inh")
    assert list(part) == ["column/inh"]
    assert part["column/inh"]["spikes"] == toy_run()["column/inh"]["spikes"]
    both = toy_run().select(["exc", "exc_to_inh"], neurons={"exc": slice(3, 5)})
    assert both.traces["exc"]["v"]["neuron"].values.tolist() == [1]  # 4 was recorded, 3 was not
    assert "g" not in both.traces["exc"]  # the mean over all seven
    assert both.units.to_dict("list") == {"population": ["exc"] * 2, "neuron": [0, 1], "id": [3, 4]}
    assert both.traces["exc_to_inh"]["w"].shape == (2, 4, 9)
    edges = toy_run().select("exc_to_inh", neurons=[8, 0])
    assert np.array_equal(
        edges.traces["exc_to_inh"]["w"].values, toy_run().traces["exc_to_inh"]["w"].values[..., [8, 0]]
    )
    assert toy_run().select().spikes == toy_run().spikes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"populations": "exx"}, "Did you mean 'exc'"),
        ({"neurons": [0]}, "given by name"),
        ({"populations": "exc", "neurons": {"column/inh": [0]}}, "not among exc"),
        ({"populations": "exc", "neurons": [7]}, "there are 7, numbered from 0"),
        ({"populations": "exc", "neurons": []}, "neurons= must be|chooses none"),
        ({"trials": [2]}, "there are 2"),
        ({"trials": [0, 0]}, "more than once"),
        ({"neurons": {}, "units": []}, "not both"),
    ],
)
def test_what_is_not_there(toy_run: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        toy_run().select(**arguments)
