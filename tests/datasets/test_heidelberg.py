"""The published layouts, in small files of our own making: nothing is downloaded from anywhere but this machine."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.cache_folder import cache_folder
from neurosim.datasets import heidelberg, load_shd, load_ssc
from neurosim.datasets.downloads import Published, is_offline
from neurosim.errors import CircuitError, FileFormatError

h5py = pytest.importorskip("h5py")
SPEAKERS = [0, 1, 2, 3, 6, 7, 8, 9, 10, 11]


def published(path: Path, speakers: list[int], seed: int = 0) -> Path:
    """Write a file as the published ones are: times in float16, no durations, words and other facts in ``extra``."""
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    n = 2 * len(speakers)
    with h5py.File(path, "w") as file:
        times = file.create_dataset("spikes/times", (n,), dtype=h5py.vlen_dtype(np.float16))
        units = file.create_dataset("spikes/units", (n,), dtype=h5py.vlen_dtype(np.uint16))
        for sample in range(n):
            count = int(rng.integers(20, 40))
            times[sample] = np.sort(rng.uniform(0, 1.4, count)).astype(np.float16)
            units[sample] = rng.integers(0, 700, count).astype(np.uint16)
        file["labels"] = np.tile([0, 11], len(speakers)).astype(np.uint16)
        file["extra/speaker"] = np.repeat(speakers, 2).astype(np.uint16)
        file["extra/keys"] = np.array([f"word {number}".encode() for number in range(20)])
        file["extra/meta_info/gender"] = np.array([b"female"] * 12)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    published(tmp_path / "shd_train.h5", SPEAKERS)
    published(tmp_path / "shd_test.h5", [4, 5, 0], seed=1)
    return tmp_path


def test_validation_has_speakers_of_its_own(folder: Path) -> None:
    train, validation = (load_shd(split, folder=folder) for split in ("train", "validation"))
    assert set(train.speakers) == set(SPEAKERS[:-2])
    assert set(validation.speakers) == {10, 11}
    assert (len(train), len(validation)) == (16, 4)
    assert validation.facts["validation_speakers"] == train.facts["validation_speakers"] == [10, 11]
    assert (train.facts["licence"], train.facts["split"], train.facts["published_samples"]) == (
        "CC BY 4.0",
        "train",
        8156,
    )
    assert "2022" in train.facts["citation"]
    assert set(load_shd("validation", folder=folder, validation_speakers=[0, 7]).speakers) == {0, 7}
    for wrong in ([4], 0, 10, -1, []):
        with pytest.raises(CircuitError, match="hold out some of them"):
            load_shd(folder=folder, validation_speakers=wrong)


def test_words_come_from_the_file(folder: Path) -> None:
    train = load_shd(folder=folder)
    assert train.keys[train[1][1]] == "word 11"
    assert train.n_units == 700


def test_times_in_float16_are_converted_before_they_are_calculated_with(folder: Path) -> None:
    with h5py.File(folder / "shd_train.h5") as file:
        stored = file["spikes/times"][0]
        assert stored.dtype == np.float16
        with np.errstate(over="ignore"):
            assert np.isinf(stored * 1e6).any(), "what happens to who calculates in that type"
    (times, _), _ = load_shd(folder=folder)[0]
    assert times.dtype == np.float64
    assert np.isfinite(times * 1e6).all()
    assert np.array_equal(times.astype(np.float16), stored)
    original = np.sort(np.random.default_rng(0).uniform(0, 1.4, 2000))
    assert np.max(np.abs(original.astype(np.float16).astype(float) / original - 1)[original > 1e-3]) <= 2**-11


def test_the_test_set_is_read_once_in_a_study(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CircuitError, match="give study=FOLDER"):
        load_shd("test", folder=folder)
    study = tmp_path / "study"
    test = load_shd("test", folder=folder, study=study)
    assert set(test.speakers) == {0, 4, 5}
    assert test.facts["test_reads"] == 1
    with pytest.raises(CircuitError, match=r"was read in this study on 20\d\d-"):
        load_shd("test", folder=folder, study=study)
    assert load_shd("test", folder=folder, study=study, again=True).facts["test_reads"] == 2
    assert len((study / "test_reads.jsonl").read_text().splitlines()) == 2
    assert load_shd("test", folder=folder, study=tmp_path / "other").facts["test_reads"] == 1
    published(folder / "ssc_test.h5", [1, 2])
    assert load_ssc("test", folder=folder, study=study).facts["test_reads"] == 1, "another set"
    (study / "test_reads.jsonl").write_text("no\n")
    with pytest.raises(FileFormatError, match="no JSON"):
        load_shd("test", folder=folder, study=study)


def test_what_cannot_be_read_is_not_noted(folder: Path, tmp_path: Path) -> None:
    (folder / "shd_test.h5").write_text("no")
    with pytest.raises(FileFormatError, match="cannot be read as HDF5"):
        load_shd("test", folder=folder, study=tmp_path / "study")
    assert not (tmp_path / "study").exists()


def test_commands_have_files_for_all_splits(tmp_path: Path) -> None:
    for number, part in enumerate(("train", "valid", "test")):
        published(tmp_path / f"ssc_{part}.h5", [number])
    assert load_ssc("train", folder=tmp_path).speakers.tolist() == [0, 0]
    validation = load_ssc("validation", folder=tmp_path)
    assert validation.speakers.tolist() == [1, 1]
    assert validation.facts["published_samples"] == 9_981
    with pytest.raises(CircuitError, match="Did you mean 'validation'"):
        load_ssc("valid", folder=tmp_path)  # type: ignore[arg-type]


def test_archives_are_unpacked_and_folders_found(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path / "cache"))
    home = cache_folder() / "shd" / "SHD"  # as tonic has it
    home.mkdir(parents=True)
    with zipfile.ZipFile(home / "shd_train.h5.zip", "w") as archive:
        archive.write(folder / "shd_train.h5", "data/shd_train.h5")
    assert len(load_shd()) == 16
    assert (home / "shd_train.h5").exists()
    (home / "shd_train.h5").unlink()
    for content, message in ((b"no zip", "no whole zip archive"), (None, r"holds no shd_train\.h5, only other\.h5")):
        with zipfile.ZipFile(home / "shd_train.h5.zip", "w") as archive:
            archive.writestr("other.h5", "x")
        if content is not None:
            (home / "shd_train.h5.zip").write_bytes(content)
        with pytest.raises(FileFormatError, match=message):
            load_shd()
        assert not (home / "shd_train.h5").exists()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server(folder: Path) -> Iterator[tuple[str, Path]]:
    """Serve the archive of a training file from this machine; yields (address, archive)."""
    archive = folder / "web" / "shd_train.h5.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.write(folder / "shd_train.h5", "shd_train.h5")
    handler = functools.partial(Quiet, directory=str(archive.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_port}/{archive.name}", archive
        web.shutdown()
        thread.join()


def test_downloads(server: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pooch")
    url, archive = server
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("NEUROSIM_OFFLINE", raising=False)
    right = hashlib.md5(archive.read_bytes()).hexdigest()
    home = tmp_path / "home"
    monkeypatch.setitem(heidelberg.FILES, "shd_train", Published(url, f"md5:{right}"))
    with pytest.raises(FileFormatError, match="nothing is downloaded without download=True"):
        load_shd(folder=home)
    monkeypatch.setenv("NEUROSIM_OFFLINE", "1")
    assert is_offline()
    with pytest.raises(FileFormatError, match=f"NEUROSIM_OFFLINE is set. It comes from {url}"):
        load_shd(folder=home, download=True)
    monkeypatch.setenv("NEUROSIM_OFFLINE", "0")
    monkeypatch.setitem(heidelberg.FILES, "shd_train", Published(url, f"md5:{'0' * 32}"))
    with pytest.raises(FileFormatError, match="is not what was published"):
        load_shd(folder=home, download=True)
    monkeypatch.setitem(heidelberg.FILES, "shd_train", Published(f"{url}.missing", f"md5:{right}"))
    with pytest.raises(FileFormatError, match="could not be fetched"):
        load_shd(folder=home, download=True)
    assert not list(home.iterdir()), "nothing is left of what failed"
    monkeypatch.setitem(heidelberg.FILES, "shd_train", Published(url, f"md5:{right}"))
    assert len(load_shd(folder=home, download=True)) == 16
    assert sorted(path.name for path in home.iterdir()) == ["shd_train.h5", "shd_train.h5.zip"]
    assert len(load_shd(folder=home)) == 16, "it is there now"


def test_checksums_are_those_that_were_published() -> None:
    assert {key: file.checksum[4:12] for key, file in heidelberg.FILES.items()} == {
        "shd_train": "f3252aeb",
        "shd_test": "1503a506",
        "ssc_train": "d102be95",
        "ssc_valid": "b4eee351",
        "ssc_test": "a35ff1e9",
    }
    assert all(len(file.checksum) == 36 and file.url.startswith("https://") for file in heidelberg.FILES.values())
    assert sum(heidelberg.SAMPLES[f"ssc_{part}"] for part in ("train", "valid", "test")) == 105_829


@pytest.mark.slow  # tonic takes five seconds to import
def test_tonic_reads_the_same(folder: Path) -> None:
    tonic_datasets = pytest.importorskip("tonic.datasets")
    home = folder / "SHD"
    home.mkdir()
    (folder / "shd_train.h5").rename(home / "shd_train.h5")
    (home / "shd_train.h5.zip").touch()  # what makes tonic look no further
    theirs = tonic_datasets.SHD(str(folder), train=True)
    ours = load_shd(folder=folder, validation_speakers=[11])
    for index in (0, 7, 17):
        their_events, label = theirs[index]
        (times, units), our_label = ours[index]
        assert int(label) == our_label
        assert np.array_equal(their_events["x"], units)
        assert np.array_equal(their_events["t"], (times * 1e6).astype(int))


def test_the_published_file_itself() -> None:
    """Where someone has it."""
    try:
        events = load_shd("train", validation_speakers=1)
    except FileFormatError:
        pytest.skip("shd_train.h5 is not in the cache")
    rest = load_shd("validation", validation_speakers=1)
    assert len(events) + len(rest) == heidelberg.SAMPLES["shd_train"]
    assert (len(events.keys), events.times.max() < 2) == (20, True)
