"""Recordings by name: samples of our own making go through the loaders of the published files."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurosim.datasets import recordings
from neurosim.datasets.downloads import Published
from neurosim.datasets.parquet_files import write_columns
from neurosim.datasets.recordings import catalogue, loading
from neurosim.datasets.recordings.binned_counts import spread
from neurosim.datasets.recordings.igor_waves import Wave, read_wave, write_wave
from neurosim.errors import CircuitError, FileFormatError
from neurosim.recording import Recording

# -- every set -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", recordings.names())
def test_a_sample_is_drawn_the_same_each_time_and_says_what_it_is(name: str) -> None:
    first = recordings.load(name, sample=True)
    assert recordings.load(name, sample=True) == first
    assert first.metadata["dataset"] == name
    assert first.metadata["synthetic"] is True
    assert "nothing was measured" in first.metadata["citation"]
    assert first.metadata["licence"].startswith("Apache-2.0")
    assert first.objects


@pytest.mark.parametrize("name", recordings.names())
def test_a_missing_file_says_what_to_do(name: str, tmp_path: Path) -> None:
    known = recordings.describe(name)
    with pytest.raises(FileFormatError) as caught:
        recordings.load(name, folder=tmp_path)
    said = str(caught.value)
    for part in (name, known.wanted[0], known.licence, known.citation, known.source, "sample=True"):
        assert part in said
    assert ("download=True" if known.files else known.fetch) in said


@pytest.mark.parametrize("name", recordings.names())
def test_every_set_is_described(name: str) -> None:
    known = recordings.describe(name)
    assert known.summary
    assert known.form
    assert known.wanted
    assert bool(known.files) != bool(known.fetch)
    for file in known.files:
        kind, _, digest = file.checksum.partition(":")
        assert (kind, len(digest), file.url[:8]) == ("sha256", 64, "https://")


def test_names_are_sorted_and_unknown_ones_have_a_nearest() -> None:
    assert list(recordings.names()) == sorted(set(recordings.names()))
    with pytest.raises(CircuitError, match="Did you mean 'macaque-m1-reaching'"):
        recordings.load("macaque-m1")
    with pytest.raises(CircuitError, match=r"no option 'recoding'\. Did you mean 'recording'"):
        recordings.load("grasshopper-receptor", sample=True, recoding=2)
    with pytest.raises(CircuitError, match="there are 1 and 2"):
        recordings.load("grasshopper-receptor", sample=True, recording=3)


# -- downloads, from this machine only -------------------------------------------------------------------------------


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "published"
    folder.mkdir()
    catalogue.describe("macaque-s1-reaching").function("draw")(folder)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_nothing_is_downloaded_unasked(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path / "cache"))
    digest = hashlib.sha256((tmp_path / "published" / "s1_data.mat").read_bytes()).hexdigest()
    known = replace(
        catalogue.describe("macaque-s1-reaching"), files=(Published(f"{server}/s1_data.mat", f"sha256:{digest}"),)
    )
    monkeypatch.setattr(loading, "describe", lambda name: known)
    with pytest.raises(FileFormatError, match="download=True"):
        recordings.load(known.name)
    monkeypatch.setenv("NEUROSIM_OFFLINE", "1")
    with pytest.raises(FileFormatError, match="NEUROSIM_OFFLINE is set"):
        recordings.load(known.name, download=True)
    assert not (tmp_path / "cache").exists()
    monkeypatch.delenv("NEUROSIM_OFFLINE")
    read = recordings.load(known.name, download=True)
    assert read.metadata["licence"] == "MIT (spykesML)"
    assert read.metadata["synthetic"] is False
    kept = tmp_path / "cache" / "recordings" / known.name / "s1_data.mat"
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == digest
    assert recordings.load(known.name) == read


def test_another_file_than_the_published_one_is_refused(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = replace(
        catalogue.describe("macaque-s1-reaching"), files=(Published(f"{server}/s1_data.mat", "sha256:" + "0" * 64),)
    )
    monkeypatch.setattr(loading, "describe", lambda name: known)
    with pytest.raises(FileFormatError, match="not what was published"):
        recordings.load(known.name, folder=tmp_path / "here", download=True)
    assert list((tmp_path / "here").iterdir()) == []


# -- the forms -------------------------------------------------------------------------------------------------------


def test_counts_are_spread_over_their_bins() -> None:
    trains = spread(np.array([[2, 0], [0, 1], [1, 3]]), 0.1, 1.0)
    assert trains.times[trains.neurons == 0].tolist() == pytest.approx([1.025, 1.075, 1.25])
    assert trains.times[trains.neurons == 1].tolist() == pytest.approx([1.15, 1.2 + 0.1 / 6, 1.25, 1.2 + 0.5 / 6])
    assert (trains.start, trains.duration, trains.n) == (1.0, pytest.approx(0.3), 2)


@pytest.mark.parametrize(("name", "population"), [("macaque-m1-reaching", "m1"), ("macaque-s1-reaching", "s1")])
def test_spikes_give_the_counts_of_their_bins(name: str, population: str) -> None:
    read = recordings.load(name, sample=True)
    count = read[population]["count"]
    edges = np.append(count["time"].values, count["time"].values[-1] + 0.05)
    trains = read.spikes[population]
    for unit in range(trains.n):
        times = trains.times[trains.neurons == unit]
        assert np.array_equal(np.histogram(times, edges)[0], count.values[0, :, unit])
    assert read["hand"]["velocity"].sizes["time"] == count.sizes["time"]


def test_files_of_matlab_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    from scipy.io import savemat

    path = tmp_path / "s1_data.mat"
    path.write_text("no MATLAB", encoding="utf-8")
    with pytest.raises(FileFormatError, match="cannot be read as a MATLAB 5 file"):
        recordings.load("macaque-s1-reaching", folder=tmp_path)
    savemat(path, {"spikes": np.zeros((4, 2), np.uint8), "pos": np.zeros((4, 2))})
    with pytest.raises(FileFormatError, match="holds no vel"):
        recordings.load("macaque-s1-reaching", folder=tmp_path)
    savemat(path, {"spikes": np.zeros((4, 2), np.uint8), "pos": np.zeros((4, 2)), "vel": np.zeros((3, 2))})
    with pytest.raises(FileFormatError, match="differ in their number of bins"):
        recordings.load("macaque-s1-reaching", folder=tmp_path)
    uneven = np.array([[0.0, 0.05, 0.2]])
    savemat(
        tmp_path / "m1_stevenson_2011.mat",
        {"spikes": np.zeros((2, 3)), "time": uneven, "handPos": np.zeros((3, 3)), "handVel": np.zeros((3, 3))},
    )
    with pytest.raises(FileFormatError, match=r"times are not 0\.05 s apart"):
        recordings.load("macaque-m1-reaching", folder=tmp_path)


def test_times_of_the_grasshopper_are_microseconds(tmp_path: Path) -> None:
    catalogue.describe("grasshopper-receptor").function("draw")(tmp_path)
    lines = (tmp_path / "grasshopper_spike_times1.txt").read_text(encoding="utf-8").splitlines()
    read = recordings.load("grasshopper-receptor", folder=tmp_path)
    assert read.spikes["receptor"].times[0] == pytest.approx(float(lines[2]) / 1e6)
    assert read.spikes["receptor"].duration == pytest.approx(1.0)
    assert read.metadata["stimulus"]["standard deviation (dB)"] == "6"
    (tmp_path / "grasshopper_stimulus1.txt").write_text("0 0.1\n70 0.2\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match="every 50 µs"):
        recordings.load("grasshopper-receptor", folder=tmp_path)
    (tmp_path / "grasshopper_stimulus1.txt").write_text("0 0.1\n70\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match="rows differ in length"):
        recordings.load("grasshopper-receptor", folder=tmp_path)


def test_steps_of_current_are_trials() -> None:
    read = recordings.load("cortex-patch", sample=True)
    steps = read.intervals["step"]
    assert steps["current"].tolist() == pytest.approx([0.1075e-9, 0.1675e-9, 0.2275e-9], rel=0.01)
    counts = read.spikes["cell"].counts().values[:, 0]
    assert (np.diff(counts) > 0).all()
    assert counts[0] > 0
    voltage = read["cell"]["v"]
    assert voltage.attrs["units"] == "volt"
    assert voltage.sel(time=slice(0, 0.69)).mean() == pytest.approx(-0.070, abs=1e-3)
    for trial, time in zip(read.spikes["cell"].trials, read.spikes["cell"].times, strict=True):
        assert float(voltage.sel(time=time)[trial, 0]) >= 0


@pytest.mark.parametrize("order", ["<", ">"])
def test_waves_of_igor(order: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ibw"
    write_wave(path, Wave(np.array([1.5, -2.0, 3.25]), 0.25e-3, "pA", "SI:250;"))
    if order == ">":  # as on the machines that the published ones come from
        path.write_bytes(swapped(path.read_bytes(), 3, 7))
    read = read_wave(path)
    assert (read.values.tolist(), read.step, read.unit, read.note) == ([1.5, -2.0, 3.25], 0.25e-3, "pA", "SI:250;")


def swapped(data: bytes, n: int, note: int) -> bytes:
    """Turn round the bytes of the numbers that the reader looks at, and mend the sum of the header."""
    new = bytearray(data)
    fields = [(0, 2), (8, 4), (12, 4), (76, 4), (80, 2), *((64 + 68 + 4 * i, 4) for i in range(4)), (64 + 84, 8)]
    fields += [(384 + 4 * i, 4) for i in range(n)]
    for place, width in fields:
        new[place : place + width] = data[place : place + width][::-1]
    new[2:4] = b"\0\0"
    total = int(np.frombuffer(bytes(new[:384]), ">i2").sum(dtype=np.int64))
    new[2:4] = (-total & 0xFFFF).to_bytes(2, "big")
    assert len(new) == 384 + 4 * n + note
    return bytes(new)


def test_damaged_waves_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ibw"
    write_wave(path, Wave(np.ones(5), 1e-3, "mV"))
    whole = path.read_bytes()
    for damage, message in (
        (whole[:100], "too few"),
        (whole[:-3], "cut short"),
        (b"\x02\0" + whole[2:], "no Igor wave of version 5"),
        (whole[:70] + b"\x01" + whole[71:], "checksum"),
    ):
        path.write_bytes(damage)
        with pytest.raises(FileFormatError, match=message):
            read_wave(path)
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_wave(tmp_path / "no.ibw")


def test_frames_become_seconds_with_a_rate() -> None:
    frames = recordings.load("mouse-calcium", sample=True)
    assert frames.metadata["frame_rate"] is None
    seconds = recordings.load("mouse-calcium", sample=True, frame_rate=30.0)
    ratio = frames["roi"]["fluorescence"]["time"].values[1:] / seconds["roi"]["fluorescence"]["time"].values[1:]
    assert ratio == pytest.approx(30.0)
    assert seconds.metadata["frame_rate"] == 30.0
    assert frames.units["accepted"].sum() == 15


def test_spikes_of_the_fly_are_rows(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    write_columns(
        tmp_path / "sugarR_100Hz.parquet",
        {"t": ([0.5, 0.1, 0.2], "double"), "trial": ([1, 0, 1], "int64"), "flywire_id": ([77, 9, 9], "int64")},
    )
    (tmp_path / "sugarR.parquet").touch()
    read = recordings.load("fly-sugar-response", folder=tmp_path, rate=100)
    trains = read.spikes["active"]
    assert (trains.times.tolist(), trains.neurons.tolist(), trains.trials.tolist()) == (
        [0.1, 0.2, 0.5],
        [0, 0, 1],
        [0, 1, 1],
    )
    assert (trains.n, trains.n_trials, trains.duration) == (2, 2, 1.0)
    assert read.units["id"].tolist() == ["9", "77"]
    with pytest.raises(CircuitError, match="there are 200 and 100"):
        recordings.load("fly-sugar-response", folder=tmp_path, rate=150)
    write_columns(
        tmp_path / "sugarR_100Hz.parquet",
        {"t": ([1.5], "double"), "trial": ([0], "int64"), "flywire_id": ([9], "int64")},
    )
    with pytest.raises(FileFormatError, match="times must lie in the 1 s of a trial"):
        recordings.load("fly-sugar-response", folder=tmp_path, rate=100)


def test_a_sample_is_an_ordinary_recording(tmp_path: Path) -> None:
    read = recordings.load("mouse-postsubiculum", sample=True)
    assert list(read.spikes) == ["group0_psb"]
    assert read.spikes["group0_psb"].rates().values[0] == pytest.approx([8, 4, 2], rel=0.3)
    read.save(tmp_path / "a.zarr")
    assert Recording.load(tmp_path / "a.zarr") == read
