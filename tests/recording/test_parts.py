"""Stores that grow: damage is found, traces stay on disk until they are indexed."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from neurosim.errors import FileFormatError
from neurosim.recording import Recording, RecordingBuilder, RecordPlan, SpikeTrains, State, concatenate, lazy
from neurosim.recording.parts import Growing, open_run, part_folders
from neurosim.recording.plan import TracePlan

LENGTHS = (5, 1, 8, 3)
TOTAL = sum(LENGTHS)
VALUES = np.random.default_rng(0).random((2, TOTAL, 4))
IDENTITY = {"dt": 0.001, "start_step": 0, "n_steps": TOTAL, "seed": 1}


def recording(first: int, length: int) -> Recording:
    traces = tuple(
        TracePlan("exc", variable, "volt", "population", 6, neurons, every, None)
        for variable, neurons, every in (("v", np.array([5, 1, 0, 3]), 1), ("rare", None, 7))
    )
    builder = RecordingBuilder(RecordPlan(0.001, first, length, 2, 8, {"exc": 6}, traces))
    builder.set_trace("exc", "v", VALUES[:, first : first + length], first_step=first, selected=True)
    for step in range(first, first + length):
        builder.add_spikes("exc", step, [0, 1], [step % 6, 3])
        if step % 7 == 0:
            builder.sample("exc", "rare", step, np.full((2, 6), step))
    return builder.finish(None, {"seed": 1})


def state(step: int) -> State:
    return State(step=step, dt=0.001, trials=2, variables={"exc": {"v": np.full((2, 6), float(step))}})


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "run.zarr"
    first = 0
    with Growing(path, IDENTITY, resume=False) as growing:
        for length in LENGTHS:
            growing.append(recording(first, length), state(first + length))
            first += length
    return path


def whole() -> Recording:
    one = recording(0, TOTAL)
    return Recording(one.spikes, one.traces, state(TOTAL), one.metadata)


def test_parts_are_one_recording(store: Path) -> None:
    assert Recording.load(store) == whole()
    assert "exc: 34 spikes of 6 neurons" in repr(Recording.load(store))


@pytest.mark.parametrize(
    "index",
    [
        {"time": 0}, {"time": -1}, {"time": 5}, {"time": slice(4, 7)}, {"time": slice(None, None, 3)},
        {"time": slice(None, None, -2)}, {"time": [13, 2, 5]}, {"time": slice(3, 3)}, {"trial": 1, "time": slice(2, 9)},
        {"neuron": [3, 1], "time": slice(6, 15)}, {"neuron": 2}, {"trial": [1, 0], "neuron": [2, 0], "time": [0, 16]},
        {"trial": 0, "time": 7, "neuron": -1},
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_indexed_is_what_was_recorded(store: Path, index: dict[str, Any]) -> None:
    found = Recording.load(store)["exc"]["v"].isel(index)
    assert found.identical(whole()["exc"]["v"].isel(index))


def test_only_the_parts_that_are_asked_for_are_read(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    read_arrays = lazy.read_arrays

    def watched(path: Path, *arguments: Any) -> Any:
        read.append(path.name)
        return read_arrays(path, *arguments)

    found = Recording.load(store)
    trace = found["exc"]["v"]
    monkeypatch.setattr(lazy, "read_arrays", watched)
    assert trace.sel(time=slice(0.0055, 0.0075)).values.shape == (2, 2, 4)
    assert read == ["000002"]
    assert trace.dtype == np.float64
    assert trace.attrs["units"] == "volt"
    assert trace["time"].values[-1] == (TOTAL - 1) * 0.001
    assert read == ["000002"]
    assert np.array_equal(trace.isel(time=slice(4, 7)).values, VALUES[:, 4:7])
    assert read == ["000002", "000000", "000001", "000002"]


def test_spikes_are_read_when_they_are_asked_for(store: Path) -> None:
    shutil.rmtree(store / "parts" / "000002" / "spikes")
    found = Recording.load(store)
    assert found["exc"]["v"].shape == (2, TOTAL, 4)
    with pytest.raises(FileFormatError, match=r"000002: array 'spikes/exc/times' is missing, truncated or damaged"):
        found.spikes["exc"]


def test_any_zarr_reader_opens_it(store: Path) -> None:
    group = zarr.open_group(store, mode="r")
    assert np.array_equal(group["parts/000000/traces/exc/v/values"][...], VALUES[:, :5])


def test_only_the_last_state_is_kept(store: Path) -> None:
    assert [path.name for path in (store / "states").iterdir() if path.name != "zarr.json"] == ["000004.zip"]


def test_what_a_killed_process_left_is_cleared_away(store: Path) -> None:
    """Between the state and its part, and amid a part."""
    state(20).save(store / "states" / "000005.zip")
    (store / "parts" / ".000004.abc.partial").mkdir()
    assert Recording.load(store) == whole()
    with Growing(store, IDENTITY, resume=True) as growing:
        assert growing.count == 4
        assert growing.state == state(TOTAL)
    assert sorted(path.name for path in store.rglob("*.partial")) == []
    assert not (store / "states" / "000005.zip").exists()


def damage_identity(store: Path) -> None:
    file = store / "zarr.json"
    content = json.loads(file.read_text())
    content["attributes"]["identity"]["seed"] = 2
    file.write_text(json.dumps(content))


def damage_version(store: Path) -> None:
    file = store / "zarr.json"
    content = json.loads(file.read_text())
    content["attributes"]["version"] = 7
    file.write_text(json.dumps(content))


def damage_values(store: Path) -> None:
    shutil.rmtree(store / "parts/000001/traces/exc/v/values/c")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_identity, "do not match their digest; they have been edited"),
        (damage_version, "of version 7; this neurosim reads version 1"),
        (damage_values, "array 'traces/exc/v/values' does not match its checksum"),
        (lambda store: shutil.rmtree(store / "parts" / "000001"), "part 000001 is missing"),
        (lambda store: (store / "parts" / "000001" / "zarr.json").unlink(), "cannot be opened as a neurosim-recording"),
        (lambda store: (store / "states" / "000004.zip").unlink(), "000004.zip does not exist"),
    ],
    ids=["identity", "version", "values", "part", "description", "state"],
)
def test_damage_is_found(store: Path, damage: Any, message: str) -> None:
    damage(store)
    with pytest.raises(FileFormatError, match=message):
        Recording.load(store)["exc"]["v"].values  # noqa: B018


def test_a_store_without_a_part_says_so(tmp_path: Path) -> None:
    with Growing(tmp_path / "run.zarr", IDENTITY, resume=False) as growing:
        assert growing.state is None
    with pytest.raises(FileFormatError, match="has no part yet"):
        Recording.load(tmp_path / "run.zarr")
    assert part_folders(tmp_path / "run.zarr") == []
    with pytest.raises(FileFormatError, match="is no store of a run in parts"):
        open_run(tmp_path)


def test_a_recording_of_parts_does_what_others_do(store: Path, tmp_path: Path) -> None:
    found, one = Recording.load(store), whole()
    found.save(tmp_path / "one.zarr")
    assert Recording.load(tmp_path / "one.zarr") == one
    assert found.select("exc", neurons=[3, 1], trials=[1]) == one.select("exc", neurons=[3, 1], trials=[1])
    assert found.restrict((0.003, 0.012)) == one.restrict((0.003, 0.012))
    assert found.per_trial([0.004, 0.01], (-0.002, 0.003)) == one.per_trial([0.004, 0.01], (-0.002, 0.003))
    assert found.population_rate("exc", 0.002).identical(one.population_rate("exc", 0.002))
    later = Recording(metadata={**one.metadata, "start_step": TOTAL, "start": TOTAL * 0.001})
    ahead = Recording(
        {"exc": SpikeTrains([], [], 6, n_trials=2, duration=TOTAL * 0.001, start=TOTAL * 0.001)},
        {
            "exc": {
                name: trace.assign_coords(time=trace["time"] + TOTAL * 0.001)
                for name, trace in one["exc"].items()
                if name != "spikes"
            }
        },
        state(2 * TOTAL),
        later.metadata,
    )
    assert concatenate(found, ahead) == concatenate(one, ahead)
    for twin in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert twin == one
    assert found.n_trials == 2
    assert found.support == one.support
