from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurosim.errors import FileFormatError, RecordError
from neurosim.recording import Recording, SpikeTrains, State, Support
from neurosim.recording.traces import trace_array
from recording.sessions import session

NAMES = ["run.zarr", "run.zarr.zip", "run"]


@pytest.fixture
def stored(tmp_path: Path, toy_run: Any) -> Path:
    path = tmp_path / "run.zarr"
    toy_run().save(path)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_save_load_equal(name: str, tmp_path: Path, toy_run: Any) -> None:
    recording = toy_run()
    recording.save(tmp_path / name)
    loaded = Recording.load(str(tmp_path / name))
    assert loaded == recording
    assert loaded["exc"]["v"].dtype == recording["exc"]["v"].dtype
    assert loaded.state == recording.state
    assert [path.name for path in tmp_path.iterdir()] == [name]  # nothing temporary is left
    with pytest.raises(ValueError, match="copy"):
        loaded["exc"]["v"][0, 0, 0] = 1.0


awkward = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
floats = st.floats(allow_nan=True, allow_infinity=True, width=64)


@settings(max_examples=25)
@given(
    names=st.lists(awkward, min_size=1, max_size=3, unique=True),
    fired=hnp.arrays(np.bool_, st.tuples(st.integers(0, 5), st.integers(1, 2), st.integers(0, 3))),
    values=hnp.arrays(np.float64, st.tuples(st.integers(1, 2), st.integers(0, 4), st.integers(0, 3)), elements=floats),
    metadata=st.dictionaries(awkward, st.none() | st.booleans() | st.integers(-(2**60), 2**60) | awkward, max_size=3),
    zipped=st.booleans(),
)
def test_any_recording_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    names: list[str],
    fired: np.ndarray,
    values: np.ndarray,
    metadata: dict[str, Any],
    zipped: bool,
) -> None:
    time = np.arange(values.shape[1]) * 0.3
    recording = Recording(
        spikes={name: SpikeTrains.from_dense(fired, 1e-3, 5) for name in names},
        traces={name: {f"{name}/v": trace_array(values, variable="v", unit="volt", time=time)} for name in names},
        state=State(step=5, dt=0.1, trials=len(values), variables={names[0]: {"values": values[:, 0]}})
        if time.size
        else None,
        metadata=metadata,
    )
    path = tmp_path_factory.mktemp("any") / ("run.zarr.zip" if zipped else "run.zarr")
    recording.save(path)
    assert Recording.load(path) == recording


def test_reduced_traces_scalars_and_other_coordinates_come_back(tmp_path: Path) -> None:
    trace = xarray.DataArray(
        np.arange(6, dtype=np.int16).reshape(1, 3, 2).astype(np.float32),
        dims=("trial", "time", "neuron"),
        coords={"time": [0.1, 0.2, 0.4], "layer": 4, "depth": ("neuron", [1.5, 2.5])},
        attrs={"units": "volt", "note": {"filter": [1, 2]}},
    )
    recording = Recording(traces={"exc": {"v": trace}})
    recording.save(tmp_path / "run.zarr")
    assert Recording.load(tmp_path / "run.zarr") == recording


@pytest.mark.parametrize("name", [".", "..", "../up", "a/b", "a.b", "zarr.json", "a%2Fb", "values"])
def test_no_name_can_leave_its_place(name: str, tmp_path: Path) -> None:
    trains = SpikeTrains([0.1], [0], 1)
    recording = Recording(spikes={name: trains, "a": trains})
    recording.save(tmp_path / "run.zarr")
    assert Recording.load(tmp_path / "run.zarr") == recording
    assert [path.name for path in tmp_path.iterdir()] == ["run.zarr"]


def test_any_zarr_reader_opens_the_arrays(stored: Path, toy_run: Any) -> None:
    group = zarr.open_group(stored, mode="r")
    array = group["traces/column%2Finh/v/values"]
    assert isinstance(array, zarr.Array)
    assert array.metadata.dimension_names == ("trial", "time", "neuron")
    assert np.array_equal(array[...], toy_run()["column/inh"]["v"])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_overwritten_unasked(name: str, tmp_path: Path, toy_run: Any) -> None:
    path = tmp_path / name
    toy_run(0, 5).save(path)
    with pytest.raises(FileFormatError, match=r"exists already. Choose another name, or give overwrite=True"):
        toy_run(0, 6).save(path)
    assert Recording.load(path) == toy_run(0, 5)
    toy_run(0, 6).save(path, overwrite=True)
    assert Recording.load(path) == toy_run(0, 6)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_is_no_store_is_never_replaced(tmp_path: Path, toy_run: Any) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    (tmp_path / "letter.zip").write_text("not a zip file")
    for name in ("home", "letter.zip", "home/thesis.txt"):
        with pytest.raises(FileFormatError, match="is no such store, so it is not replaced"):
            toy_run().save(tmp_path / name, overwrite=True)
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years of work"
    with pytest.raises(FileFormatError, match="nowhere is not a folder; create it first"):
        toy_run().save(tmp_path / "nowhere" / "run.zarr")


@pytest.mark.parametrize("name", NAMES)
def test_a_failed_write_leaves_what_was_there(
    name: str, tmp_path: Path, toy_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    toy_run(0, 5).save(path)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(zarr.Group, "create_array", fail)
        with pytest.raises(OSError, match="disk full"):
            toy_run(0, 6).save(path, overwrite=True)
        with pytest.raises(OSError, match="disk full"):
            toy_run(0, 6).save(tmp_path / f"new_{name}")
    with monkeypatch.context() as patch:
        for method in ("rename", "replace"):  # zarr uses them as well: only the last step is to fail
            move = getattr(Path, method)
            patch.setattr(
                Path, method, lambda self, to, move=move: fail() if self.stem.startswith("new") else move(self, to)
            )
        with pytest.raises(OSError, match="disk full"):
            toy_run(0, 6).save(path, overwrite=True)
    assert Recording.load(path) == toy_run(0, 5)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_the_format_does_not_know_is_refused_with_nothing_written(tmp_path: Path) -> None:
    named = trace_array(np.zeros((1, 1, 1)), variable="v", unit="volt", time=np.zeros(1)).assign_coords(neuron=["AVAL"])
    with pytest.raises(RecordError, match=r"exc.v: the coordinate 'neuron' holds <U4"):
        Recording(traces={"exc": {"v": named}}).save(tmp_path / "run.zarr")
    odd = trace_array(np.zeros((1, 1, 1)), variable="v", unit="volt", time=np.zeros(1)).assign_attrs(odd=object())
    with pytest.raises(RecordError, match="keeps JSON values"):
        Recording(traces={"exc": {"v": odd}}).save(tmp_path / "run.zarr")
    assert not list(tmp_path.iterdir())


def chunk(store: Path) -> Path:
    return next(path for path in (store / "spikes" / "exc" / "times" / "c").rglob("*") if path.is_file())


def truncate_chunk(store: Path) -> None:
    chunk(store).write_bytes(chunk(store).read_bytes()[:-5])


def empty_chunk(store: Path) -> None:
    chunk(store).write_bytes(b"")


def flip_byte(store: Path) -> None:
    content = bytearray(chunk(store).read_bytes())
    content[len(content) // 2] ^= 0xFF
    chunk(store).write_bytes(content)


def remove_chunk(store: Path) -> None:
    chunk(store).unlink()


def remove_array(store: Path) -> None:
    shutil.rmtree(store / "spikes" / "exc" / "times")


def change_a_value(store: Path) -> None:
    array = zarr.open_array(store / "spikes" / "exc" / "times", mode="r+")
    array[0] = float(array[0]) + 1e-4


def edit_shape(store: Path) -> None:
    edit_json(store / "spikes" / "exc" / "times" / "zarr.json", "shape", [3])


def edit_type(store: Path) -> None:
    edit_json(store / "spikes" / "exc" / "times" / "zarr.json", "data_type", "float32")


def break_array_json(store: Path) -> None:
    path = store / "spikes" / "exc" / "times" / "zarr.json"
    path.write_text(path.read_text()[:-20])


@pytest.mark.parametrize(
    "damage",
    [
        truncate_chunk,
        empty_chunk,
        flip_byte,
        remove_chunk,
        remove_array,
        change_a_value,
        edit_shape,
        edit_type,
        break_array_json,
    ],
)
def test_a_damaged_array_is_named(damage: Any, stored: Path) -> None:
    damage(stored)
    with pytest.raises(FileFormatError, match=r"run.zarr: .*array 'spikes/exc/times'"):
        Recording.load(stored)


def edit_json(path: Path, name: str, value: Any) -> None:
    content = json.loads(path.read_text())
    target = content
    *parents, last = name.split(".")
    for parent in parents:
        target = target[parent]
    target[last] = value
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("attributes.content.metadata.seed", 4, "do not match their digest; they have been edited"),
        ("attributes.content.spikes", {}, "do not match their digest"),
        ("attributes.arrays", {}, "do not match their digest"),
        ("attributes.digest", None, "do not match their digest"),
        ("attributes.format", "neurosim-circuit", "is no neurosim-recording store: its format is 'neurosim-circuit'"),
        ("attributes.version", 99, "of version 99; this neurosim reads version 1"),
        ("attributes", {}, "its format is None"),
        ("node_type", "array", "cannot be opened as a neurosim-recording store"),
    ],
)
def test_edited_attributes_are_found(name: str, value: Any, message: str, stored: Path) -> None:
    edit_json(stored / "zarr.json", name, value)
    with pytest.raises(FileFormatError, match=message):
        Recording.load(stored)


def test_a_description_that_does_not_fit_its_arrays_is_found(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosim.recording.store._digest", lambda attributes: attributes["digest"])
    edit_json(stored / "zarr.json", "attributes.content.spikes.exc.n", 1)
    with pytest.raises(FileFormatError, match=r"the description does not fit the arrays .*neurons holds"):
        Recording.load(stored)


def test_a_truncated_or_missing_store_says_so(stored: Path, tmp_path: Path, toy_run: Any) -> None:
    with pytest.raises(FileFormatError, match=r"none.zarr does not exist"):
        Recording.load(tmp_path / "none.zarr")
    path = stored / "zarr.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(FileFormatError, match="cannot be opened as a neurosim-recording store"):
        Recording.load(stored)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileFormatError, match="cannot be opened as a neurosim-recording store"):
        Recording.load(tmp_path / "empty")


@pytest.mark.parametrize("keep", [0, 100, -1000])
def test_a_truncated_zip_says_so(keep: int, tmp_path: Path, toy_run: Any) -> None:
    path = tmp_path / "run.zarr.zip"
    toy_run().save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FileFormatError, match=r"run.zarr.zip: cannot be opened"):
        Recording.load(path)


def test_a_zip_without_one_of_its_arrays_says_so(tmp_path: Path, toy_run: Any) -> None:
    path, other = tmp_path / "run.zarr.zip", tmp_path / "less.zarr.zip"
    toy_run().save(path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(other, "w") as target:
        for name in source.namelist():
            if not name.startswith("spikes/exc/neurons"):
                target.writestr(name, source.read(name))
    with pytest.raises(FileFormatError, match="array 'spikes/exc/neurons' is missing"):
        Recording.load(other)


def test_two_stores_with_swapped_arrays_are_found(tmp_path: Path, toy_run: Any) -> None:
    toy_run(0, 20).save(tmp_path / "one.zarr")
    toy_run(3, 20).save(tmp_path / "two.zarr")
    shutil.rmtree(tmp_path / "one.zarr" / "spikes")
    shutil.copytree(tmp_path / "two.zarr" / "spikes", tmp_path / "one.zarr" / "spikes")
    with pytest.raises(FileFormatError, match="spikes/"):
        Recording.load(tmp_path / "one.zarr")


def test_support_and_tables_come_back(tmp_path: Path) -> None:
    whole = session()
    for number, recording in enumerate(
        [
            whole,
            whole.restrict([(0.1, 0.6), (2.0, 3.0)]),
            whole.restrict(Support([0.0], [1.0], [1], 2)),
            whole.per_trial("tone", (-0.5, 0.5)),
            Recording(
                {"p": SpikeTrains([0.1], [0], 1)}, intervals={"a/b": {"start": [0.0], "stop": [1.0], "x.y/z": ["ü"]}}
            ),
        ]
    ):
        recording.save(tmp_path / f"{number}.zarr")
        assert Recording.load(tmp_path / f"{number}.zarr") == recording
        assert recording == Recording.load(tmp_path / f"{number}.zarr")


def test_an_edited_table_is_found(tmp_path: Path) -> None:
    session().save(tmp_path / "a.zarr")
    chunk = next(path for path in (tmp_path / "a.zarr" / "units" / "depth").rglob("c/*") if path.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"x")
    with pytest.raises(FileFormatError, match="units/depth"):
        Recording.load(tmp_path / "a.zarr")
