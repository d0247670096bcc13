from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.errors import FileFormatError, RecordError
from neurosim.recording import Record, Recording, SpikeTrains, Support
from neurosim.recording.traces import trace_array
from recording.sessions import session

h5py = pytest.importorskip("h5py")


def spikes_file(path: Path, times: Any = (30.0, 10.5), nodes: Any = (2, 0), unit: str = "ms") -> Path:
    """Write spikes as other simulators do."""
    with h5py.File(path, "w") as file:
        group = file.create_group("spikes/cortex")
        group.create_dataset("timestamps", data=np.asarray(times, float)).attrs["units"] = unit
        group["node_ids"] = np.asarray(nodes, np.uint64)
    return path


def report_file(path: Path, pointers: Any = (0, 1, 2), columns: int = 2) -> Path:
    with h5py.File(path, "w") as file:
        group = file.create_group("report/cortex")
        group.create_dataset("data", data=np.full((3, columns), -65.0, np.float32)).attrs["units"] = "mV"
        group["mapping/node_ids"] = np.array([4, 9], np.uint64)
        group["mapping/index_pointers"] = np.array(pointers, np.uint64)
        group["mapping/element_ids"] = np.arange(columns, dtype=np.uint32)
        group["mapping/time"] = [100.0, 100.3, 0.1]
    return path


def off_the_grid() -> Recording:
    times = np.random.default_rng(2).uniform(-1.0, 5.0, 200)
    return Recording({"a/b": SpikeTrains(times, np.arange(200) % 7, 9, support=[(-1.0, 5.0)])}, {}, None, {})


CASES = {
    "a session": lambda run: session(1),
    "gaps": lambda run: session(1, Support([0.0, 2.0], [1.9, 4.0])),
    "a simulation": lambda run: run(
        5, 22, 1, spec={"exc": ["spikes", Record("v", neurons=[4, 0])], "column/inh": ["spikes"]}
    ).select(),
    "off the grid": lambda run: off_the_grid(),
    "silent": lambda run: session(1, spikes=[]),
    "nothing": lambda run: Recording(),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_written_comes_back(case: str, toy_run: Any, tmp_path: Path) -> None:
    recording = CASES[case](toy_run)
    recording.to_sonata(tmp_path / "out")
    assert Recording.from_sonata(tmp_path / "out") == recording


def test_the_files_are_as_the_form_says(tmp_path: Path) -> None:
    session(1).to_sonata(tmp_path / "out")
    with h5py.File(tmp_path / "out" / "spikes.h5") as file:
        assert int(file.attrs["magic"]) == 0x0A7A
        group = file["spikes/exc"]
        assert h5py.check_enum_dtype(group.attrs.get_id("sorting").dtype) == {"none": 0, "by_id": 1, "by_time": 2}
        assert group.attrs["sorting"] == 2
        assert group["timestamps"][:].tolist() == pytest.approx([300.0, 1700.0, 1700.0, 3000.0])
        assert group["timestamps"].attrs["units"] == "ms"
        assert group["node_ids"].dtype == np.uint64
        assert group["node_ids"][:].tolist() == [1, 0, 2, 2]
    with h5py.File(tmp_path / "out" / "exc.v.h5") as file:
        group = file["report/exc"]
        assert (group["data"].shape, group["data"].dtype) == ((20, 2), np.float32)
        assert group["mapping/time"][:].tolist() == pytest.approx([0.0, 4000.0, 200.0])
        assert group["mapping/node_ids"][:].tolist() == [2, 0]
        assert group["mapping/index_pointers"][:].tolist() == [0, 1, 2]


def test_spikes_of_others(tmp_path: Path) -> None:
    read = Recording.from_sonata(spikes_file(tmp_path / "spikes.h5"))
    trains = read.spikes["cortex"]
    assert (trains.times.tolist(), trains.neurons.tolist(), trains.n) == ([0.0105, 0.03], [0, 2], 3)
    assert trains.support == Support(0.0, 0.03)
    wide = Recording.from_sonata(tmp_path / "spikes.h5", sizes={"cortex": 10}, support=(0.0, 0.02)).spikes["cortex"]
    assert (len(wide), wide.n, wide.duration) == (1, 10, 0.02)
    seconds = Recording.from_sonata(spikes_file(tmp_path / "s.h5", unit="s", times=[1.5], nodes=[0]))
    assert seconds.spikes["cortex"].times.tolist() == [1.5]
    spikes_file(tmp_path / "silent.h5", [], [])
    assert Recording.from_sonata(tmp_path / "silent.h5", sizes={"cortex": 3}).spikes["cortex"].n == 3


def test_reports_of_others(tmp_path: Path) -> None:
    trace = Recording.from_sonata(report_file(tmp_path / "v.h5"))["cortex"]["v"]
    assert trace.attrs["units"] == "volt"
    assert np.allclose(trace.values, -0.065)
    assert trace["time"].values.tolist() == pytest.approx([0.1, 0.1001, 0.1002])
    assert trace["neuron"].values.tolist() == [4, 9]
    parts = Recording.from_sonata(report_file(tmp_path / "parts.h5", (0, 3, 5), 5))["cortex"]["parts"]
    assert parts["neuron"].values.tolist() == [4, 4, 4, 9, 9]
    assert parts["element"].values.tolist() == [0, 1, 2, 3, 4]
    both = tmp_path / "both"
    both.mkdir()
    spikes_file(both / "spikes.h5")
    report_file(both / "v.h5")
    assert Recording.from_sonata(both).objects == ("cortex",)


def test_what_is_no_sonata_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="does not exist"):
        Recording.from_sonata(tmp_path / "no.h5")
    (tmp_path / "text.h5").write_text("spikes", encoding="utf-8")
    with pytest.raises(FileFormatError, match="cannot be read as HDF5"):
        Recording.from_sonata(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["nodes/cortex/node_type_id"] = [1]
    with pytest.raises(FileFormatError, match="neither /spikes nor /report"):
        Recording.from_sonata(tmp_path / "other.h5")
    with pytest.raises(FileFormatError, match="2 timestamps and 1 node_ids"):
        Recording.from_sonata(spikes_file(tmp_path / "a.h5", nodes=[1]))
    with pytest.raises(FileFormatError, match="times in 'us'"):
        Recording.from_sonata(spikes_file(tmp_path / "b.h5", unit="us"))
    with pytest.raises(FileFormatError, match="3 columns of data, but the mapping names 2 elements"):
        Recording.from_sonata(report_file(tmp_path / "c.h5", columns=3))
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["spikes/cortex/timestamps"] = [1.0]
    with pytest.raises(FileFormatError, match=r"no node_ids in /spikes/cortex"):
        Recording.from_sonata(tmp_path / "d.h5")


def test_what_has_no_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"the recording has 2 trials.*select\(trials=\[0\]\)"):
        session(2).to_sonata(tmp_path / "a")
    uneven = trace_array(np.zeros((1, 3, 1)), variable="x", unit="1", time=np.array([0, 0.1, 0.4]))
    with pytest.raises(RecordError, match=r"p\.x is reduced, of edges, or unevenly sampled"):
        Recording({}, {"p": {"x": uneven}}).to_sonata(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_replaced_only_if_it_was_written_so(tmp_path: Path) -> None:
    session(1).to_sonata(tmp_path / "a")
    with pytest.raises(FileFormatError, match="exists already"):
        session(1).to_sonata(tmp_path / "a")
    off_the_grid().to_sonata(tmp_path / "a", overwrite=True)
    assert Recording.from_sonata(tmp_path / "a") == off_the_grid()
    spikes_file(tmp_path / "spikes.h5")
    with pytest.raises(FileFormatError, match="no folder of SONATA files"):
        session(1).to_sonata(tmp_path, overwrite=True)
