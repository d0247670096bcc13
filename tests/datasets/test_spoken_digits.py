"""Synthetic spoken digits: who says what, how a set is made, kept and gone on with, and what is in the small one."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurosim.datasets import EventSet, load_spoken_digits
from neurosim.datasets.spoken_digits import Recipe, __main__, recipe, synthesis
from neurosim.datasets.spoken_digits.baselines import Baseline, baselines
from neurosim.datasets.spoken_digits.sample import pack, unpack
from neurosim.datasets.spoken_digits.synthesis import RATE, espeak, espeak_version, prepared, say, synthesise
from neurosim.datasets.spoken_digits.words import KEYS, VARIANTS, Utterance, split_voices, utterances
from neurosim.errors import BackendError, CircuitError, FileFormatError

INSTALLED = shutil.which("espeak-ng")
needs_espeak = pytest.mark.skipif(INSTALLED is None, reason="espeak-ng is not installed (apt-get install espeak-ng)")
VERSION = espeak_version() if INSTALLED else ""
SMALL = {"voices": 3, "repetitions": 1, "n_places": 4}


def tone(utterance: Utterance) -> bytes:
    """Stand for a word: a short tone whose pitch tells the label, as espeak-ng would give it."""
    time = np.arange(700) / 22_050
    wave = 8000 * np.sin(2 * np.pi * (200 + 40 * utterance.label) * time)
    return bytes(100) + wave.astype("<i2").tobytes() + bytes(200)


@pytest.fixture
def tones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Utterance]:
    """Let tones stand for words, keep sets in an empty folder; return what was said."""
    said: list[Utterance] = []
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path))
    monkeypatch.setattr(synthesis, "say", lambda utterance: said.append(utterance) or tone(utterance))
    monkeypatch.setattr("neurosim.datasets.spoken_digits.making.espeak_version", lambda: "9")
    monkeypatch.setattr(recipe, "espeak_version", lambda: "9")
    return said


def same(first: EventSet, second: EventSet) -> bool:
    names = ("times", "units", "offsets", "labels", "speakers", "durations")
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in names)


# --- who says what ---


@pytest.mark.parametrize(
    ("n_voices", "sizes"), [(3, (1, 1, 1)), (40, (27, 5, 8)), (60, (40, 8, 12)), (70, (46, 10, 14))]
)
def test_no_voice_speaks_in_two_splits(n_voices: int, sizes: tuple[int, ...]) -> None:
    parts = split_voices(n_voices, 0)
    assert tuple(len(parts[split]) for split in ("train", "validation", "test")) == sizes
    together = [voice for part in parts.values() for voice in part]
    assert len(set(together)) == n_voices
    assert set(together) <= set(range(len(VARIANTS)))
    assert split_voices(n_voices, 1) != parts


def test_voices_come_from_different_families() -> None:
    assert len(set(VARIANTS)) == len(VARIANTS) == 70
    families = [name.rstrip("0123456789").lower() for name in VARIANTS if name[1:] not in "12345678"]
    assert len(set(families)) == len(families)


def test_every_word_is_said_as_often_as_asked() -> None:
    said = [one for voice in (3, 40) for one in utterances(voice, 3, 0)]
    assert len({one.number for one in said}) == len(said) == 2 * 3 * len(KEYS)
    assert all(0 <= one.pitch <= 99 and 90 <= one.speed <= 200 for one in said)
    assert {one.language for one in said if one.label >= 10} == {"de"}
    assert {one.word for one in said} == {*KEYS, "fünf"} - {"fuenf"}
    assert utterances(3, 2, 0) == utterances(3, 3, 0)[: 2 * len(KEYS)]
    assert utterances(3, 1, 0) != utterances(3, 1, 1)
    assert said[0].command()[0] == "espeak-ng"


@pytest.mark.parametrize("wrong", [{"voices": 2}, {"voices": 71}, {"repetitions": 0}, {"n_places": 0}])
def test_recipes_that_there_are_not(wrong: dict[str, int]) -> None:
    with pytest.raises(CircuitError, match="spoken digits: "):
        Recipe(**wrong)


def test_every_argument_is_in_the_key() -> None:
    others = [Recipe(voices=59), Recipe(repetitions=1), Recipe(seed=1), Recipe(n_places=140)]
    assert len({one.key for one in (Recipe(), *others)}) == 5
    assert Recipe().key == Recipe(60, 2, 0, 700).key


# --- sounds ---


def test_sounds_are_trimmed_scaled_and_resampled() -> None:
    sound = prepared(tone(utterances(0, 1, 0)[5]), 0, 7, "a tone")
    assert sound.size == pytest.approx(700 * RATE / 22_050, abs=8)
    assert np.abs(sound).max() == pytest.approx(1, abs=0.02)
    assert np.array_equal(sound, prepared(tone(utterances(0, 1, 0)[5]), 0, 7, "a tone"))
    other = prepared(tone(utterances(0, 1, 0)[5]), 0, 8, "a tone")
    assert (sound - other).std() == pytest.approx(np.sqrt(2) * 1e-4, rel=0.1)
    with pytest.raises(FileFormatError, match="said nothing"):
        prepared(bytes(400), 0, 0, "silence")


def test_what_is_no_wave_is_refused() -> None:
    with pytest.raises(FileFormatError, match="no WAV data"):
        synthesis._samples(b"hello, this is text", "espeak-ng")
    header = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 2, 44_100, 0, 4, 16)
    with pytest.raises(FileFormatError, match="hold no samples"):
        synthesis._samples(header, "espeak-ng")
    with pytest.raises(FileFormatError, match="44100 Hz"):
        synthesis._samples(header + b"data\xff\xff\xff\x7f" + bytes(8), "espeak-ng")


@needs_espeak
def test_the_same_arguments_give_the_same_bytes() -> None:
    first, second = utterances(VARIANTS.index("f2"), 1, 0)[:2]
    assert say(first) == say(first)
    assert say(first) != say(second)
    sound = synthesise(first, 0)
    assert 0.2 < sound.size / RATE < recipe.LONGEST
    unknown = Utterance(**{name: getattr(first, name) for name in Utterance.__slots__} | {"language": "xx-none"})
    with pytest.raises(BackendError, match=r"espeak-ng -v xx-none\+f2 .*Version 1\.51"):
        say(unknown)


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackendError, match=r"apt-get install espeak-ng.*sample=True"):
        espeak()
    with pytest.raises(BackendError, match="apt-get install espeak-ng"):
        load_spoken_digits(folder=tmp_path, **SMALL)  # type: ignore[arg-type]


# --- sets ---


def test_a_set_is_made_once_and_kept(tones: list[Utterance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int, int]] = []
    splits = {
        split: load_spoken_digits(split, report=lambda *what: told.append(what), **SMALL)  # type: ignore[arg-type]
        for split in ("train", "validation", "test")
    }
    assert len(tones) == 60
    assert told == [("spoken digits", done, 60) for done in (0, 20, 40, 60)]
    (folder,) = (tmp_path / "spoken_digits").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["test.h5", "train.h5", "validation.h5"]
    for split, events in splits.items():
        assert len(events) == 20
        assert events.labels.tolist() == list(range(20))
        assert set(events.speakers.tolist()) == set(Recipe(voices=3).splits()[split])
        assert events.durations is not None
        assert all(events[i][0][0].max(initial=0.0) < events.durations[i] for i in range(20))
        assert events.facts["recipe"] == {"version": 1, "voices": 3, "repetitions": 1, "seed": 0, "n_places": 4}
        assert events.facts["espeak_ng"] == "9"
        assert events.facts["commands"][3].endswith(" -z --stdout three")
        assert "not SHD" in events.facts["title"]
    assert splits["train"].times.size > 0
    again = load_spoken_digits("train", workers=1, folder=tmp_path / "elsewhere", **SMALL)  # type: ignore[arg-type]
    assert same(again, splits["train"])
    assert len(tones) == 120
    # Without espeak-ng, what is kept can still be read.
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    kept = load_spoken_digits("train", folder=tmp_path / "elsewhere", **SMALL)  # type: ignore[arg-type]
    assert same(kept, splits["train"])


def test_what_was_interrupted_goes_on(tones: list[Utterance], tmp_path: Path) -> None:
    def stop_after(words: int) -> Callable[[str, int, int], None]:
        def report(name: str, done: int, total: int) -> None:
            if done >= words:
                raise KeyboardInterrupt

        return report

    whole = load_spoken_digits("test", folder=tmp_path / "whole", **SMALL)  # type: ignore[arg-type]
    tones.clear()
    for words in (20, 40):
        with pytest.raises(KeyboardInterrupt):
            load_spoken_digits("test", folder=tmp_path / "cut", report=stop_after(words), **SMALL)  # type: ignore[arg-type]
        assert len(tones) == words
    assert same(load_spoken_digits("test", folder=tmp_path / "cut", **SMALL), whole)  # type: ignore[arg-type]
    assert len(tones) == 60


def test_another_process_may_be_done_first(tones: list[Utterance], tmp_path: Path) -> None:
    def other_is_done(name: str, done: int, total: int) -> None:
        if done == 40:
            load_spoken_digits("train", folder=tmp_path, **SMALL)  # type: ignore[arg-type]

    found = load_spoken_digits("train", folder=tmp_path, report=other_is_done, **SMALL)  # type: ignore[arg-type]
    assert len(tones) == 80  # the other made the last voice, this one too
    assert same(found, load_spoken_digits("train", folder=tmp_path, **SMALL))  # type: ignore[arg-type]
    assert len(tones) == 80


def test_a_split_that_there_is_not() -> None:
    with pytest.raises(CircuitError, match="Did you mean 'validation'"):
        load_spoken_digits("valid")  # type: ignore[arg-type]


# --- the small set ---


def test_the_small_set() -> None:
    splits = {split: load_spoken_digits(split, sample=True) for split in ("train", "validation", "test")}  # type: ignore[arg-type]
    assert [len(events) for events in splits.values()] == [140, 20, 40]
    voices = [set(events.speakers.tolist()) for events in splits.values()]
    assert len(set.union(*voices)) == sum(map(len, voices)) == 10
    for events in splits.values():
        assert (events.n_units, events.keys) == (700, KEYS)
        assert np.array_equal(np.bincount(events.labels), [len(events) // 20] * 20)
        counts = np.diff(events.offsets)
        assert 400 < counts.min() < counts.mean() < counts.max() < 10_000
        assert 0.2 < events.ends().min() < events.ends().max() < recipe.LONGEST
        assert all(events[i][0][0].max() < events.ends()[i] for i in range(len(events)))
        assert all((np.diff(events[i][0][0]) >= 0).all() for i in range(len(events)))
        assert events.facts["espeak_ng"] == "1.51"
    # Most spikes come from where speech is: the middle and the apex, not the base.
    by_tenth = np.bincount(splits["train"].units // 70, minlength=10)
    assert by_tenth[4:].sum() > 0.8 * by_tenth.sum()


def test_the_small_set_is_written_and_read(tmp_path: Path) -> None:
    some = load_spoken_digits("validation", sample=True)
    pack(tmp_path / "sample.npz", some)
    pack(tmp_path / "again.npz", unpack(tmp_path / "sample.npz"))
    assert same(unpack(tmp_path / "sample.npz"), some)
    assert (tmp_path / "sample.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    np.savez(tmp_path / "other.npz", low=[1])
    with pytest.raises(FileFormatError, match="lacks counts, durations, facts, high"):
        unpack(tmp_path / "other.npz")
    (tmp_path / "text.npz").write_text("no")
    with pytest.raises(FileFormatError, match="cannot be read"):
        unpack(tmp_path / "text.npz")


@pytest.mark.slow
@pytest.mark.skipif(VERSION != "1.51", reason="the small set was made with espeak-ng 1.51")
def test_the_small_set_is_what_espeak_ng_says(tmp_path: Path) -> None:
    made, module = tmp_path / "made.npz", "neurosim.datasets.spoken_digits.make_sample"
    subprocess.run([sys.executable, "-m", module, str(made)], check=True, timeout=600)
    kept = Path(recipe.__file__).with_name("sample.npz")
    assert same(unpack(made), unpack(kept))
    assert made.read_bytes() == kept.read_bytes()


# --- what a linear classifier makes of it ---


def test_baselines_of_the_small_set() -> None:
    train, test = load_spoken_digits("train", sample=True), load_spoken_digits("test", sample=True)
    found = {one.name: one for one in baselines(train, test)}
    places, both = found["counts at places"], found["places x 50 ms"]
    assert places.interval[0] > 0.1
    assert both.interval[0] > 0.3
    assert found["places x 50 ms, times redrawn"].accuracy < both.accuracy
    shuffled = found["places x 50 ms, labels shuffled"]
    assert shuffled.interval[0] < 1 / 20 < shuffled.interval[1]
    with pytest.raises(CircuitError, match="several voices"):
        baselines(load_spoken_digits("validation", sample=True), test)


def test_intervals_are_exact() -> None:
    low, high = Baseline("none of ten", 0, 10).interval
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 10))
    assert str(Baseline("half", 5, 10)) == f"{'half':32s}  50.0%  (18.7% .. 81.3%, 5 of 10)"


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["--sample", "--baselines"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:6] == ["train", "140", "words", "of", "7", "voices,"]
    assert len(lines) == 9
    assert lines[3].endswith("chance 5%:")
    assert __main__.main(["--voices", "1"]) == 2
    assert "voices=1 must be 3 .. 70" in capsys.readouterr().err
