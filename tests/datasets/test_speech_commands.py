from __future__ import annotations

import tarfile
import wave
from pathlib import Path

import numpy as np
import pytest

from neurosim.datasets import LogMel, load_speech_commands
from neurosim.datasets.speech_commands import SAMPLES
from neurosim.datasets.spoken_digits.cochlea import Cochlea
from neurosim.errors import CircuitError, FileFormatError

WORDS = {"yes": 440.0, "no": 3000.0}


def tone(frequency: float, seconds: float = 0.6, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(16_000 * seconds)) / 16_000)


def write_wav(path: Path, sound: np.ndarray, rate: int = 16_000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(sound * 2**15).astype("<i2").tobytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Lay a small archive out as the published one is."""
    home = tmp_path / "archive"
    for word, frequency in WORDS.items():
        for speaker in ("aa11", "bb22", "cc33"):
            write_wav(home / word / f"{speaker}_nohash_0.wav", tone(frequency))
    write_wav(home / "_background_noise_" / "noise.wav", tone(100.0))
    (home / "README.md").write_text("about\n")
    (home / "validation_list.txt").write_text("".join(f"{word}/bb22_nohash_0.wav\n" for word in WORDS))
    (home / "testing_list.txt").write_text("".join(f"{word}/cc33_nohash_0.wav\n" for word in WORDS))
    return home


def test_splits_are_the_lists(folder: Path, tmp_path: Path) -> None:
    train = load_speech_commands(folder=folder)
    assert train.keys == ("no", "yes")
    assert (train.files, train.labels.tolist()) == (["no/aa11_nohash_0.wav", "yes/aa11_nohash_0.wav"], [0, 1])
    assert train.speakers == ["aa11", "aa11"]
    assert load_speech_commands("validation", folder=folder).speakers == ["bb22", "bb22"]
    with pytest.raises(CircuitError, match="give study=FOLDER"):
        load_speech_commands("test", folder=folder)
    test = load_speech_commands("test", folder=folder, study=tmp_path)
    assert (test.speakers, test.facts["test_reads"]) == (["cc33", "cc33"], 1)
    with pytest.raises(CircuitError, match="was read in this study"):
        load_speech_commands("test", folder=folder, study=tmp_path)
    assert train.facts["licence"] == "CC BY 4.0"
    assert sum(SAMPLES.values()) == 105_829


def test_items_are_bands(folder: Path) -> None:
    train = load_speech_commands(folder=folder)
    for index, frequency in enumerate((3000.0, 440.0)):
        item, label = train[index]
        assert (item["in"].shape, item["in"].dtype, label) == ((100, 140), np.float32, index)
        loudest = int(item["in"][30].argmax())
        assert train.bands.edges[loudest] < frequency < train.bands.edges[loudest + 2]
        assert train.length(index) == 60
        assert (item["in"][62:] == -100).all(), "silence after the word"
    assert list(load_speech_commands(folder=folder, source="sound")[0][0]) == ["sound"]


def test_the_archive_is_unpacked(folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    archive = home / "speech_commands_v0.02.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, ".")
    assert len(load_speech_commands(folder=home)) == 2
    (home / "yes" / "bb22_nohash_0.wav").unlink()
    with pytest.raises(FileFormatError, match=r"1 files of validation_list\.txt are not there"):
        load_speech_commands("validation", folder=home)
    (home / "testing_list.txt").unlink()
    archive.write_bytes(archive.read_bytes()[:200])
    with pytest.raises(FileFormatError, match="cannot be unpacked"):
        load_speech_commands(folder=home)
    archive.unlink()
    with pytest.raises(FileFormatError, match=r"speech_commands_v0\.02\.tar\.gz \(sha256:af14739e"):
        load_speech_commands(folder=home)


def test_recordings_of_another_form(folder: Path) -> None:
    train = load_speech_commands(folder=folder)
    path = folder / train.files[0]
    write_wav(path, tone(440.0), rate=8000)
    with pytest.raises(FileFormatError, match="1 channels of 16 bits at 8000 Hz"):
        train[0]
    path.write_bytes(b"RIFF")
    with pytest.raises(FileFormatError, match="cannot be read as WAV"):
        train[0]


def test_recordings_become_spikes(folder: Path) -> None:
    train = load_speech_commands(folder=folder)
    cochlea = Cochlea(0.7, rate=16_000, n_places=20)
    events = train.spikes([1, 0], seed=4, cochlea=cochlea)
    assert (events.labels.tolist(), events.keys, events.n_units) == ([1, 0], ("no", "yes"), 20)
    assert events.ends() == pytest.approx([0.6, 0.6])
    yes, no = (np.bincount(events[sample][0][1], minlength=20) for sample in (0, 1))
    assert yes.argmax() > no.argmax() + 3, "the lower tone is heard nearer to the apex"
    assert np.array_equal(train.spikes([0], seed=4, cochlea=cochlea)[0][0][0], events[1][0][0])


# --- mel bands ---


def test_every_band_hears_something() -> None:
    bands = LogMel(16_000)
    assert (np.count_nonzero(bands.filters, axis=0) >= 2).all()
    assert bands.filters.sum(axis=0) == pytest.approx(1)
    assert bands.edges[[0, -1]] == pytest.approx([50, 8000])
    with pytest.raises(CircuitError, match="do not lie below half the rate of 8000"):
        LogMel(8000, highest=14_000)
    with pytest.raises(CircuitError, match="must be positive"):
        LogMel(16_000, n_bands=0)


def test_levels_are_relative_to_a_full_scale_sine() -> None:
    bands = LogMel(16_000, n_bands=10)
    loud, soft = (bands(tone(1000.0, amplitude=amplitude))[30] for amplitude in (1.0, 0.1))
    band = int(loud.argmax())
    assert loud[band] - soft[band] == pytest.approx(20, abs=0.01)
    one_frequency = LogMel(16_000, n_bands=1, lowest=999, highest=1001)
    assert one_frequency(tone(1000.0, amplitude=1.0))[30, 0] == pytest.approx(0, abs=0.01)
    assert (bands(np.zeros(1600)) == -100).all()


def test_frames_are_centred_on_their_time() -> None:
    click = np.zeros(16_000)
    click[16_000 // 2] = 1
    loudness = LogMel(16_000)(click).mean(axis=1)
    assert loudness.shape == (100,)
    assert int(loudness.argmax()) == 50
    assert LogMel(16_000)(click, 20).shape == (20, 140)
    assert LogMel(16_000)(click, 120).shape == (120, 140)
