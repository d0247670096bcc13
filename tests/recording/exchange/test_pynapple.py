from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from neurosim.errors import RecordError
from neurosim.recording import Record, Recording, SpikeTrains, Support
from recording.sessions import session, spike_rows, stretches

nap = pytest.importorskip("pynapple")

SPEC = {
    "exc": ["spikes", Record("v", neurons=[4, 0], every=3e-4), Record("rate", bin=7e-4)],
    "column/inh": ["spikes"],
    "graded": [Record("v", reduce="sum")],
    "exc_to_inh": Record("w", every=5e-4),
}


@settings(max_examples=15, deadline=None)
@given(spike_rows, stretches)
def test_round_trip(rows: list[tuple[int, int, int]], support: Support) -> None:
    recording = session(spikes=rows).restrict(support)
    assert Recording.from_pynapple(recording.to_pynapple()) == recording


@pytest.mark.parametrize("trials", [1, 3])
def test_round_trip_of_a_simulation(toy_run: Any, trials: int) -> None:
    recording = toy_run(5, 22, trials, spec=SPEC).select()
    assert Recording.from_pynapple(recording.to_pynapple()) == recording


def test_off_the_grid_times_are_rounded_as_pynapple_does() -> None:
    times = np.random.default_rng(1).uniform(-0.2, 1.0, 50)
    recording = Recording(
        {"a": SpikeTrains(times, np.arange(50) % 4, 5, support=(-0.2, 1.0)), "b": SpikeTrains([], [], 0)}
    )
    back = Recording.from_pynapple(recording.to_pynapple())
    assert np.allclose(back.spikes["a"].times, recording.spikes["a"].times, rtol=0, atol=1e-9)
    assert back.spikes["a"].neurons.tolist() == recording.spikes["a"].neurons.tolist()
    assert back.spikes["a"].support == recording.spikes["a"].support
    assert back.spikes["b"] == recording.spikes["b"]


def test_what_pynapple_sees() -> None:
    objects = session(2).to_pynapple()
    assert list(objects) == ["exc", "exc.v", "support", "epochs", "pauses", "tone"]
    group = objects["exc"]
    assert isinstance(group, nap.TsGroup)
    assert group[2].t.tolist() == pytest.approx([1.7, 8.0])
    assert group["location"].tolist() == ["CA1", "", "CA3"]
    assert group.time_support.values.tolist() == [[0.0, 4.0], [5.0, 9.0]]
    assert group["rate"].tolist() == pytest.approx([1 / 8, 1 / 8, 2 / 8])
    assert objects["exc.v"].columns.tolist() == [2, 0]
    assert objects["exc.v"].t[20] == 5.0
    assert objects["epochs"]["tag"].tolist() == ["sleep", "wake"] * 2
    assert objects["tone"].t.tolist() == [1.0, 2.5, 6.0, 7.5]


def test_overlapping_intervals_are_joined_there_and_kept_here(caplog: pytest.LogCaptureFixture) -> None:
    recording = Recording(intervals={"a": {"start": [0.0, 0.5, 3.0], "stop": [1.0, 2.0, 3.0], "tag": ["x", "y", "z"]}})
    objects = recording.to_pynapple()
    assert objects["a"].values.tolist() == [[0.0, 2.0]]
    assert "are joined in pynapple" in caplog.text
    assert Recording.from_pynapple(objects) == recording


def test_objects_of_others() -> None:
    epoch = nap.IntervalSet([0.0, 4.0], [2.0, 5.0], metadata={"tag": ["run", "rest"]})
    spikes = {7: nap.Ts(np.array([0.5, 1.0]), time_support=epoch), 3: nap.Ts(np.array([4.5]), time_support=epoch)}
    group = nap.TsGroup(spikes, time_support=epoch, metadata={"area": ["B", "A"]})  # sorted by their keys: 3, 7
    frame = nap.TsdFrame(t=np.array([0.0, 0.5]), d=np.arange(4.0).reshape(2, 2))
    cube = nap.TsdTensor(t=np.array([0.0, 1.0]), d=np.zeros((2, 2, 2)))
    lick = nap.Ts(np.array([1.5]), time_support=epoch)
    read = Recording.from_pynapple({"g": group, "place": frame, "e": epoch, "lick": lick, "c": cube})
    assert read.rates()["g"].values[0].tolist() == pytest.approx([1 / 3, 2 / 3])
    assert read.units[["id", "area"]].values.tolist() == [[3, "A"], [7, "B"]]
    assert read.traces["place"]["data"].values[0].tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert read.intervals["e"][["start", "stop", "tag"]].values.tolist() == [[0.0, 2.0, "run"], [4.0, 5.0, "rest"]]
    assert read.events["lick"]["time"].tolist() == [1.5]
    assert "c" not in read
    assert Recording.from_pynapple(group).spikes["units"] == read.spikes["g"]
    with pytest.raises(RecordError, match="takes a TsGroup, or pynapple's objects by name; got int"):
        Recording.from_pynapple(3)


def test_without_pynapple_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pynapple" else find(name))
    with pytest.raises(RecordError, match=r"needs pynapple, .*pip install 'neurosim-circuits\[exchange\]'"):
        session().to_pynapple()


@pytest.mark.filterwarnings("ignore")  # pynwb's about a file of 2022
def test_a_session_of_a_mouse_as_pynapple_loads_it() -> None:
    path = Path(os.environ.get("NEUROSIM_REFERENCE_DATA", "."), "mouse_postsubiculum_nwb", "A8604-211122.nwb")
    if not path.is_file():
        pytest.skip(f"NEUROSIM_REFERENCE_DATA names no folder with {path.parent.name}")
    loaded = nap.load_file(str(path))
    try:
        read = Recording.from_pynapple(loaded)
    finally:
        loaded.close()
    assert read.spikes["units"].counts().values.tolist() == [[11020, 4690, 5644]]
    assert read.intervals["epochs"]["stop"].tolist() == [1087.5289]
