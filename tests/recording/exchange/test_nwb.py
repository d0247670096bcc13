from __future__ import annotations

import importlib.util
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.errors import FileFormatError, RecordError
from neurosim.recording import Record, Recording, SpikeTrains, Support
from neurosim.recording.traces import trace_array
from recording.sessions import session

pynwb = pytest.importorskip("pynwb")
nwbinspector = pytest.importorskip("nwbinspector")

MOUSE = Path("mouse_postsubiculum_nwb", "A8604-211122.nwb")
SPEC = {
    "exc": ["spikes", Record("v", neurons=[4, 0], every=3e-4), Record("rate", bin=7e-4)],
    "column/inh": ["spikes"],
    "graded": [Record("v", reduce="sum")],
    "exc_to_inh": Record("w", every=19e-4),
}


def critical(path: Path) -> list[str]:
    found = nwbinspector.inspect_nwbfile(nwbfile_path=str(path), importance_threshold=nwbinspector.Importance.CRITICAL)
    # A check of nwbinspector 0.7.2 looks for the last of no spikes, and fails itself.
    own = "During evaluation of 'check_units_table_duration'"
    with pynwb.NWBHDF5IO(str(path), "r") as stream:
        units = stream.read().units
        silent = units is not None and not len(units["spike_times"].target.data)
    return [
        f"{one.check_function_name}: {one.message}"
        for one in found
        if not (silent and one.check_function_name.startswith(own))
    ]


def toy(toy_run: Any, trials: int) -> Recording:
    return toy_run(5, 22, trials, spec=SPEC).select()  # type: ignore[no-any-return]


def off_the_grid() -> Recording:
    """Return trials whose spikes lie on no grid, one of them silent, with samples at uneven times."""
    times = np.random.default_rng(3).uniform(-0.5, 1.0, 40)
    uneven = trace_array(
        np.arange(6.0).reshape(2, 3), variable="x", unit="1", time=np.array([0, 0.1, 0.4]), reduce="mean"
    )
    return Recording(
        {
            "a": SpikeTrains(times, np.arange(40) % 3, 4, [0] * 40, 2, support=(-0.5, 1.0)),
            "b": SpikeTrains([], [], 0, [], 2),
        },
        {"p/q": {"x": uneven}},
        intervals={"trials": {"start": [-0.5, -0.5], "stop": [1.0, 1.0], "trial": [0, 1], "tags": ["go", None]}},
        events={"none": {"time": [], "why": []}, "cue": {"time": [0.1, 0.0], "duration": [3, 4]}},
    )


CASES = {
    "one trial": lambda run: session(1),
    "two trials": lambda run: session(2),
    "gaps": lambda run: session(1).restrict([(0.1, 0.7), (2.0, 3.0)]),
    "trials that differ": lambda run: session().restrict(Support([0.0, 1.0], [2.0, 3.0], [1, 0], 2)),
    "silent": lambda run: session(2, spikes=[]),
    "cut from a session": lambda run: session(1).per_trial("tone", (-0.33, 0.71)),
    "simulation": lambda run: toy(run, 1),
    "trials of a simulation": lambda run: toy(run, 3),
    "off the grid": lambda run: off_the_grid(),
    "traces only": lambda run: Recording(traces=session(1).traces, support=(0.0, 4.0)),
    "nothing": lambda run: Recording(),
}


QUICK = ("gaps", "trials of a simulation", "off the grid")  # what is inspected every time


@pytest.mark.parametrize("case", CASES)
def test_round_trip(case: str, toy_run: Any, tmp_path: Path) -> None:
    recording = CASES[case](toy_run)
    recording.to_nwb(tmp_path / "a.nwb")
    assert Recording.from_nwb(tmp_path / "a.nwb") == recording
    assert [path.name for path in tmp_path.iterdir()] == ["a.nwb"]


@pytest.mark.parametrize(
    "case", [case if case in QUICK else pytest.param(case, marks=pytest.mark.slow) for case in CASES]
)
def test_the_inspector_finds_nothing_critical(case: str, toy_run: Any, tmp_path: Path) -> None:
    CASES[case](toy_run).to_nwb(tmp_path / "a.nwb")
    assert critical(tmp_path / "a.nwb") == []


def test_what_other_readers_see(tmp_path: Path) -> None:
    recording = session(2)
    recording.to_nwb(tmp_path / "a.nwb", session_start_time=datetime(2020, 5, 4, tzinfo=UTC))
    with pynwb.NWBHDF5IO(str(tmp_path / "a.nwb"), "r") as stream:
        file = stream.read()
        assert file.session_start_time == datetime(2020, 5, 4, tzinfo=UTC)
        assert file.trials["start_time"].data[:].tolist() == [0.0, 5.0]
        assert file.trials["stop_time"].data[:].tolist() == [4.0, 9.0]
        units = file.units.to_dataframe()
        assert units["population"].tolist() == ["exc"] * 3
        assert units["unit_name"].tolist() == ["a", "b", "c"]
        assert [times.tolist() for times in units["spike_times"]] == [
            pytest.approx([5 + 1.7]),
            pytest.approx([0.3]),
            pytest.approx([1.7, 5 + 3.0]),
        ]
        assert units["obs_intervals"][0].tolist() == [[0.0, 4.0], [5.0, 9.0]]
        series = file.processing["traces"]["exc.v"]
        assert series.unit == "volts"
        assert np.array_equal(series.data[:20], recording.traces["exc"]["v"].values[0])
        assert series.timestamps[20] == 5.0
        assert file.events["tone"]["timestamp"].data[:].tolist() == [1.0, 2.5, 6.0, 7.5]
        assert file.epochs["tag"].data[:].tolist() == ["sleep", "wake"] * 2
    session(1).to_nwb(tmp_path / "b.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "b.nwb"), "r") as stream:
        series = stream.read().processing["traces"]["exc.v"]
        assert (series.starting_time, series.rate) == (0.0, pytest.approx(5.0))


def test_metadata_go_where_nwb_has_a_place(tmp_path: Path) -> None:
    metadata = {
        "session_description": "tones",
        "identifier": "m1",
        "session_start_time": "2021-02-03T04:05:06",
        "lab": "L",
        "subject": {"subject_id": "m1", "species": "Mus musculus", "sex": "F", "age": "P90D"},
    }
    recording = Recording({"a": SpikeTrains([0.15], [0], 1, duration=1.0)}, metadata=metadata)
    recording.to_nwb(tmp_path / "a.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "a.nwb"), "r") as stream:
        file = stream.read()
        assert (file.session_description, file.identifier, file.lab) == ("tones", "m1", "L")
        assert file.subject.species == "Mus musculus"
        assert file.session_start_time == datetime(2021, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert Recording.from_nwb(tmp_path / "a.nwb") == recording


def test_as_a_file_of_others(tmp_path: Path) -> None:
    """What neurosim does not know of its own file, it reads as anyone's."""
    recording = session(1)
    recording.to_nwb(tmp_path / "a.nwb")
    read = Recording.from_nwb(tmp_path / "a.nwb", populations="location")
    assert list(read.spikes) == ["CA1", "unknown", "CA3"]
    assert read.spikes["CA3"].times.tolist() == recording.spikes["exc"].select(np.array([2])).times.tolist()
    assert read.support == recording.support
    assert read.units["depth"].tolist() == pytest.approx([0.1, np.nan, 0.3], nan_ok=True)
    v = read.traces["exc.v"]["data"]
    assert v.attrs["units"] == "volt"
    assert np.array_equal(v.values, recording.traces["exc"]["v"].values)
    assert read.intervals["epochs"][["start", "stop", "tag"]].values.tolist() == [
        [0.0, 1.5, "sleep"],
        [2.0, 4.0, "wake"],
    ]
    assert read.events["tone"]["time"].tolist() == [1.0, 2.5]
    some = Recording.from_nwb(tmp_path / "a.nwb", series=[], support=(1.0, 2.0))
    assert not some.traces
    assert some.spikes["exc"].times.tolist() == pytest.approx([1.7, 1.7])
    assert some.rates()["exc"].values.tolist() == [[1.0, 0.0, 1.0]]
    for arguments, message in (
        ({"populations": "locatio"}, "Did you mean 'location'"),
        ({"series": ["exc.w"]}, "Did you mean 'exc.v'"),
    ):
        with pytest.raises(RecordError, match=message):
            Recording.from_nwb(tmp_path / "a.nwb", **arguments)


def written_by_hand(path: Path, obs: list[list[list[float]]] | None = None) -> None:
    """Write a small session with pynwb alone."""
    file = pynwb.NWBFile("by hand", "h", datetime(2020, 1, 1, tzinfo=UTC))
    device = file.create_device(name="probe")
    group = file.create_electrode_group(name="shank", description="d", location="CA1", device=device)
    file.add_unit_column("quality", "how good")
    for number, times in enumerate(([0.5, 2.5], [1.25])):
        more = {} if obs is None else {"obs_intervals": obs[number]}
        file.add_unit(
            spike_times=times, quality="good" if number else "noise", electrode_group=group, id=10 + number, **more
        )
    file.add_trial_column("side", "where")
    file.add_trial(start_time=0.0, stop_time=1.0, side="left")
    file.add_trial(start_time=1.0, stop_time=2.0, side="right")
    behavior = file.create_processing_module("behavior", "b")
    place = pynwb.behavior.SpatialSeries(
        name="place",
        data=np.arange(8).reshape(4, 2),
        reference_frame="box",
        unit="meters",
        conversion=0.01,
        offset=1.0,
        rate=2.0,
        starting_time=0.5,
    )
    behavior.add(pynwb.behavior.Position(spatial_series=place))
    file.add_electrode(location="CA1", group=group)
    region = file.create_electrode_table_region([0], "all")
    raw = pynwb.ecephys.ElectricalSeries(
        name="raw", data=np.zeros((9, 1)), electrodes=region, rate=30e3, starting_time=0.0
    )
    file.add_acquisition(raw)
    with pynwb.NWBHDF5IO(str(path), "w") as stream:
        stream.write(file)


def test_a_file_written_by_hand(tmp_path: Path) -> None:
    written_by_hand(tmp_path / "a.nwb")
    read = Recording.from_nwb(tmp_path / "a.nwb")
    assert list(read.spikes) == ["units"]
    assert read.units[["id", "quality", "electrode_group", "identified"]].values.tolist() == [
        [10, "noise", "shank", False],
        [11, "good", "shank", False],
    ]
    assert read.support == Support(0.0, 2.5)  # no epochs: to the last spike
    assert read.intervals["trials"]["side"].tolist() == ["left", "right"]
    place = read.traces["place"]["data"]
    assert np.allclose(place.values[0], np.arange(8).reshape(4, 2) * 0.01 + 1)
    assert (place.attrs["units"], place["time"].values.tolist()) == ("metre", [0.5, 1.0, 1.5, 2.0])
    assert "raw" not in read.traces
    assert Recording.from_nwb(tmp_path / "a.nwb", series=["raw"]).traces["raw"]["data"].shape == (1, 9, 1)
    trials = read.select("units").per_trial("trials", (0.0, 1.0))
    assert trials.spikes["units"].times.tolist() == [0.5, 0.25]
    assert trials.intervals["trials"]["side"].tolist() == ["left", "right"]
    assert Recording.from_nwb(tmp_path / "a.nwb", populations="quality").rates()["good"].values.tolist() == [[0.4]]


def test_units_observed_at_different_times(tmp_path: Path) -> None:
    written_by_hand(tmp_path / "a.nwb", [[[0.0, 3.0]], [[0.0, 1.0], [1.2, 3.0]]])
    with pytest.raises(RecordError, match="'units' were not observed at the same times"):
        Recording.from_nwb(tmp_path / "a.nwb")
    apart = Recording.from_nwb(tmp_path / "a.nwb", populations="quality")
    assert apart.rates()["good"].values.tolist() == [[1 / 2.8]]
    assert apart.support == Support(0.0, 3.0)
    read = Recording.from_nwb(tmp_path / "a.nwb", support=(1.2, 3.0))
    assert read.spikes["units"].times.tolist() == [1.25, 2.5]


def test_files_are_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.nwb"
    session(1).to_nwb(path)
    before = path.read_bytes()
    with pytest.raises(FileFormatError, match=r"exists already.*overwrite=True"):
        session(2).to_nwb(path)

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(pynwb.NWBHDF5IO, "write", fail)
        with pytest.raises(OSError, match="disk full"):
            session(2).to_nwb(path, overwrite=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    session(2).to_nwb(path, overwrite=True)
    assert Recording.from_nwb(path).n_trials == 2
    (tmp_path / "notes.txt").write_text("mine")
    for target in (tmp_path / "notes.txt", tmp_path):
        with pytest.raises(FileFormatError, match="is no NWB file, so it is not replaced"):
            session(1).to_nwb(target, overwrite=True)
    with pytest.raises(FileFormatError, match="is not a folder"):
        session(1).to_nwb(tmp_path / "missing" / "a.nwb")


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="does not exist"):
        Recording.from_nwb(tmp_path / "a.nwb")
    (tmp_path / "a.nwb").write_bytes(b"no such thing")
    with pytest.raises(FileFormatError, match="cannot be read as an NWB file"):
        Recording.from_nwb(tmp_path / "a.nwb")


def test_without_pynwb_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pynwb" else find(name))
    with pytest.raises(RecordError, match=r"needs pynwb, .*pip install 'neurosim-circuits\[exchange\]'"):
        session().to_nwb(tmp_path / "a.nwb")


def test_a_session_of_a_mouse(tmp_path: Path) -> None:
    """Viejo et al. (2023) eLife 12:RP85786: three units of the postsubiculum, one epoch awake."""
    folder = os.environ.get("NEUROSIM_REFERENCE_DATA")
    if folder is None or not (Path(folder) / MOUSE).is_file():
        pytest.skip(f"NEUROSIM_REFERENCE_DATA names no folder with {MOUSE}")
    read = Recording.from_nwb(Path(folder) / MOUSE, populations="electrode_group")
    trains = read.spikes["group0_psb"]
    assert trains.counts().values.tolist() == [[11020, 4690, 5644]]
    assert trains.duration == pytest.approx(1087.5289, abs=1e-9)
    assert trains.rates().values[0].tolist() == pytest.approx([10.133, 4.313, 5.190], abs=5e-4)
    intervals = [np.diff(trains.times[trains.neurons == neuron]) for neuron in range(3)]
    assert [float(one.std() / one.mean()) for one in intervals] == pytest.approx([1.164, 2.495, 1.104], abs=5e-4)
    assert read.intervals["epochs"][["start", "stop", "tags"]].values.tolist() == [[0.0, 1087.5289, "wake"]]
    assert read.units["id"].tolist() == [6, 191, 206]
    assert list(Recording.from_nwb(Path(folder) / MOUSE, populations="location").spikes) == ["unknown"]
    read.to_nwb(tmp_path / "copy.nwb")
    assert Recording.from_nwb(tmp_path / "copy.nwb") == read
    assert critical(tmp_path / "copy.nwb") == []
