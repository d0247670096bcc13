from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from neurosim.errors import FileFormatError, RecordError, UnitError
from neurosim.recording import Recording, Support
from neurosim.recording.traces import trace_array
from neurosim.units import Hz, mV
from recording.sessions import session

N, FRAMES = 4, 7


def plane(folder: Path, **arrays: Any) -> Path:
    """Write a folder as suite2p does: arrays (region, frame)."""
    values = np.arange(N * FRAMES, dtype=np.float32).reshape(N, FRAMES)
    folder.mkdir(parents=True, exist_ok=True)
    held = {"F": values, "Fneu": values / 2, "spks": values % 3, "iscell": [[1, 0.9], [0, 0.2], [1, 0.6], [1, 0.7]]}
    for name, array in (held | arrays).items():
        if array is not None:
            np.save(folder / f"{name}.npy", np.asarray(array, dtype=np.float32))
    return folder


def movie(n: int = 5) -> Recording:
    times = 0.5 + np.arange(6) / 30
    made = np.random.default_rng(1).normal(size=(3, 1, 6, n)).astype(np.float32)
    traces = {
        name: trace_array(values, variable=name, unit="1", time=times)
        for name, values in zip(("fluorescence", "neuropil", "deconvolved"), made, strict=True)
    }
    return Recording(
        {},
        {"area": traces},
        None,
        {"licence": "CC0-1.0", "dt": 0.1},
        support=(0.4, 0.8),
        units={"population": ["area"] * n, "neuron": range(n), "accepted": [True] * n, "probability": [0.5] * n},
    )


def test_a_folder_of_suite2p_is_read(tmp_path: Path) -> None:
    read = Recording.from_suite2p(plane(tmp_path), frame_rate=10 * Hz)
    assert list(read.traces) == ["roi"]
    assert list(read.traces["roi"]) == ["fluorescence", "neuropil", "deconvolved"]
    trace = read["roi"]["fluorescence"]
    assert trace.dims == ("trial", "time", "neuron")
    assert trace.values[0, :, 1].tolist() == [7, 8, 9, 10, 11, 12, 13]  # the second region, frame by frame
    assert read["roi"]["deconvolved"].attrs == {"units": "1", "modality": "deconvolved activity"}
    assert trace["time"].values.tolist() == pytest.approx(np.arange(FRAMES) * 0.1)
    assert read.support == Support(0.0, 0.7)
    assert read.units["accepted"].tolist() == [True, False, True, True]
    assert read.units["probability"].tolist() == pytest.approx([0.9, 0.2, 0.6, 0.7], abs=1e-6)
    cells = read.select(units=read.units["accepted"])
    assert cells["roi"]["fluorescence"].values[0, 0].tolist() == [0, 14, 21]


@pytest.mark.parametrize("below", ["", "plane0", "suite2p/plane0"])
def test_the_only_plane_is_found(below: str, tmp_path: Path) -> None:
    plane(tmp_path / below, Fneu=None)
    assert list(Recording.from_suite2p(tmp_path, frame_rate=10, population="v1")["v1"]) == [
        "fluorescence",
        "deconvolved",
    ]


def test_several_planes_are_named(tmp_path: Path) -> None:
    plane(tmp_path / "plane0")
    plane(tmp_path / "plane1")
    with pytest.raises(FileFormatError, match=r"holds 2 planes: .*plane0, .*plane1"):
        Recording.from_suite2p(tmp_path, frame_rate=10)
    with pytest.raises(FileFormatError, match=r"there is no F\.npy"):
        Recording.from_suite2p(tmp_path / "elsewhere", frame_rate=10)


def test_the_frame_rate_is_asked_for_or_found(tmp_path: Path) -> None:
    plane(tmp_path)
    with pytest.raises(RecordError, match=r"ops\.npy is a pickle.*frame_rate="):
        Recording.from_suite2p(tmp_path)
    for wrong in (0, -3.0, np.nan):
        with pytest.raises(RecordError, match="frame_rate must be positive"):
            Recording.from_suite2p(tmp_path, frame_rate=wrong)
    with pytest.raises(UnitError):
        Recording.from_suite2p(tmp_path, frame_rate=3 * mV)
    scipy.io.savemat(tmp_path / "Fall.mat", {"ops": {"fs": 12.5, "nplanes": 1}})
    assert Recording.from_suite2p(tmp_path).metadata["frame_rate"] == 12.5
    scipy.io.savemat(tmp_path / "Fall.mat", {"ops": {"nplanes": 1}})
    with pytest.raises(FileFormatError, match=r"Fall\.mat: says no frame rate"):
        Recording.from_suite2p(tmp_path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"spks": np.zeros((N, 3))}, r"F\.npy, .*spks\.npy differ in shape"),
        ({"F": np.zeros(5)}, r"needs numbers in 2 dimensions"),
        ({"F": np.zeros((0, 3)), "Fneu": None, "spks": None}, r"needs numbers in 2 dimensions"),
        ({"iscell": np.zeros((3, 2))}, r"iscell\.npy: has shape \(3, 2\), 4 regions need two columns"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=message):
        Recording.from_suite2p(plane(tmp_path, **arrays), frame_rate=1)


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    plane(tmp_path)
    np.save(tmp_path / "F.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match=r"F\.npy: cannot be read"):
        Recording.from_suite2p(tmp_path, frame_rate=1)


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    movie().to_suite2p(tmp_path / "plane0")
    assert Recording.from_suite2p(tmp_path / "plane0") == movie()
    assert np.load(tmp_path / "plane0" / "F.npy").shape == (5, 6)
    foreign = Recording.from_suite2p(tmp_path / "plane0", frame_rate=30, population="area")
    assert np.array_equal(foreign["area"]["neuropil"].values, movie()["area"]["neuropil"].values)
    with pytest.raises(FileFormatError, match="exists already"):
        movie().to_suite2p(tmp_path / "plane0")
    movie(2).to_suite2p(tmp_path / "plane0", overwrite=True)
    assert Recording.from_suite2p(tmp_path / "plane0") == movie(2)
    assert [path.name for path in tmp_path.iterdir()] == ["plane0"]


def test_what_was_edited_is_noticed(tmp_path: Path) -> None:
    movie().to_suite2p(tmp_path / "a")
    for name in ("F", "Fneu", "spks"):
        np.save(tmp_path / "a" / f"{name}.npy", np.zeros((5, 9), np.float32))
    with pytest.raises(FileFormatError, match=r"F\.npy is not what was written"):
        Recording.from_suite2p(tmp_path / "a")
    (tmp_path / "a" / "neurosim.json").write_text("{", encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"neurosim\.json: cannot be read"):
        Recording.from_suite2p(tmp_path / "a")


def test_what_has_no_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no object has a trace 'fluorescence'; there are exc"):
        session(1).to_suite2p(tmp_path / "a")
    both = Recording(session(1).spikes, movie().traces, events={"tone": {"time": [0.1]}})
    with pytest.raises(RecordError, match="no place for spikes of exc, the events 'tone'"):
        both.to_suite2p(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_only_a_folder_of_suite2p_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(FileFormatError, match="no folder of suite2p"):
        movie().to_suite2p(tmp_path / "letters", overwrite=True)
    assert (tmp_path / "letters" / "a.txt").read_text(encoding="utf-8") == "dear"
    with pytest.raises(FileFormatError, match="create it first"):
        movie().to_suite2p(tmp_path / "no" / "where")
