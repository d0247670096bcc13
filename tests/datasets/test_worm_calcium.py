"""The homogenized collection: rows of worms in one parquet file, and what goes wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.datasets import recordings
from neurosim.datasets.recordings.worm_calcium import COLUMNS, FILE, STEP, draw, read_worms, worms, write_worms
from neurosim.errors import CircuitError, FileFormatError
from neurosim.recording import Recording
from neurosim.recording.traces import trace_array

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

KEYS = (("Drawn2020", "worm0"), ("Drawn2020", "worm1"), ("Drawn2021", "worm0"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    draw(tmp_path)
    return tmp_path


def rewritten(path: Path, **changes: Any) -> None:
    table = parquet.read_table(path)
    for name, change in changes.items():
        place = table.schema.get_field_index(name)
        values = change(table.column(name).to_pylist())
        table = table.set_column(place, name, arrow.array(values, table.schema.field(name).type))
    parquet.write_table(table, path)


def test_the_file_has_exactly_these_columns(folder: Path) -> None:
    schema = parquet.read_schema(folder / FILE)
    assert schema.names == list(COLUMNS)
    assert len(COLUMNS) == 15
    for name in ("slot", "original_max_timesteps", "max_timesteps"):
        assert schema.field(name).type == arrow.int32()
    for name in ("calcium_data", "time_in_seconds", "original_calcium_data", "original_time_in_seconds"):
        assert schema.field(name).type == arrow.list_(arrow.float32())


def test_the_time_of_the_file_stands_still_and_is_rebuilt(folder: Path) -> None:
    stored = np.array(parquet.read_table(folder / FILE).column("time_in_seconds")[-1].as_py())
    assert (np.diff(stored) == 0).any(), "half precision has steps of 0.5 s above 512 s"
    *_, (_, last) = read_worms(folder / FILE)
    times = last["neurons"]["calcium"]["time"].values
    assert np.array_equal(times, np.arange(1800) * STEP)
    assert np.abs(times - stored).max() > 0.05


def test_traces_are_z_scored(folder: Path) -> None:
    for _, recording in read_worms(folder / FILE):
        values = recording["neurons"]["calcium"].values[0].astype(np.float64)
        assert values.mean(axis=0) == pytest.approx(0, abs=1e-3)
        assert values.std(axis=0) == pytest.approx(1, abs=1e-3)


def test_a_worm_is_a_source_and_a_number(folder: Path) -> None:
    assert worms(folder / FILE) == KEYS
    found = dict(read_worms(folder / FILE))
    assert tuple(found) == KEYS
    first, other = found["Drawn2020", "worm0"], found["Drawn2021", "worm0"]
    assert first["neurons"]["calcium"].shape == (1, 1000, 8)
    assert other["neurons"]["calcium"].shape == (1, 1800, 8)
    assert (other.metadata["source_dataset"], other.metadata["worm"]) == ("Drawn2021", "worm0")
    chosen = recordings.load("celegans-calcium", folder=folder, source_dataset="Drawn2021")
    assert chosen["neurons"]["calcium"].identical(other["neurons"]["calcium"])
    assert chosen.metadata["licence"].startswith("MIT")
    assert [key for key, _ in read_worms(folder / FILE, [KEYS[1]])] == [KEYS[1]]


def test_only_names_are_identities(folder: Path) -> None:
    found = dict(read_worms(folder / FILE))
    for recording in found.values():
        units = recording.units
        assert units["identified"].tolist() == [not name.isdigit() for name in units["id"]]
    shared = [set(one.units["id"][one.units["identified"]]) for one in found.values()]
    assert set.intersection(*shared) == {"RIML", "RIMR", "SMDVL", "ASHL"}, "numbers are no cells of another worm"


def test_which_worm_there_is_none_of(folder: Path) -> None:
    with pytest.raises(CircuitError, match=r"no source_dataset 'Drawn2022'\. Did you mean 'Drawn202"):
        recordings.load("celegans-calcium", folder=folder, source_dataset="Drawn2022")
    with pytest.raises(CircuitError, match=r"no worm 'worm1'"):
        recordings.load("celegans-calcium", folder=folder, source_dataset="Drawn2021", worm="worm1")


def test_original_traces_have_their_own_times(folder: Path) -> None:
    read = recordings.load("celegans-calcium", folder=folder, original=True)
    trace = read["neurons"]["original"]
    assert trace.sizes["time"] == 900
    assert trace["time"].values == pytest.approx(np.arange(900) * 0.4, abs=0.02)  # evenly, from rounded times
    assert (np.diff(trace["time"].values) > 0).all()
    assert 1.3 < float(trace.mean()) < 1.7


def test_uneven_original_times_are_left_as_they_are(folder: Path) -> None:
    gap = [*np.arange(450.0), *(600 + np.arange(450.0))]
    rewritten(folder / FILE, original_time_in_seconds=lambda rows: [gap] * len(rows))
    read = recordings.load("celegans-calcium", folder=folder, original=True)
    assert read["neurons"]["original"]["time"].values.tolist() == gap


def test_what_is_written_comes_back(folder: Path, tmp_path: Path) -> None:
    before = dict(read_worms(folder / FILE, original=True))
    write_worms(tmp_path / "copy.parquet", before)
    after = dict(read_worms(tmp_path / "copy.parquet", original=True))
    for key, recording in before.items():
        assert after[key].units.equals(recording.units)
        assert after[key].metadata == recording.metadata
        calcium = after[key]["neurons"]["calcium"]
        assert calcium.identical(recording["neurons"]["calcium"]), "rounded once, it is rounded"


def test_only_such_recordings_can_be_written(tmp_path: Path) -> None:
    slow = trace_array(np.zeros((1, 5, 2)), variable="calcium", unit="1", time=np.arange(5.0))
    with pytest.raises(CircuitError, match=r"every 0\.333 s"):
        write_worms(tmp_path / "a.parquet", {("a", "worm0"): Recording({}, {"neurons": {"calcium": slow}})})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"calcium_data": lambda rows: [rows[0][:-1], *rows[1:]]}, "calcium traces of different lengths"),
        ({"max_timesteps": lambda rows: [7] * len(rows)}, "max_timesteps is not the length"),
        ({"original_time_in_seconds": lambda rows: [one[:-2] for one in rows]}, "900 samples, but 898 times"),
    ],
)
def test_rows_that_do_not_fit_are_refused(changes: dict[str, Any], message: str, folder: Path) -> None:
    rewritten(folder / FILE, **changes)
    with pytest.raises(FileFormatError, match=message):
        recordings.load("celegans-calcium", folder=folder, original=True)


def test_other_files_are_refused(folder: Path) -> None:
    table = parquet.read_table(folder / FILE)
    parquet.write_table(
        table.rename_columns(["wurm" if name == "worm" else name for name in table.column_names]), folder / FILE
    )
    with pytest.raises(FileFormatError, match=r"no column 'worm'\. Did you mean 'wurm'"):
        recordings.load("celegans-calcium", folder=folder)
    (folder / FILE).write_bytes(b"PAR1 and no more")
    with pytest.raises(FileFormatError, match="cannot be read as a parquet file"):
        recordings.load("celegans-calcium", folder=folder)
