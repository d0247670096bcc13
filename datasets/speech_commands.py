"""Google's speech commands (GSC, version 0.02): 35 words of many speakers, as sound and as mel bands.

References
----------
P. Warden: Speech commands: a dataset for limited-vocabulary speech recognition (2018), arXiv:1804.03209. Licence: CC BY
4.0.
"""

from __future__ import annotations

import tarfile
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.datasets.downloads import Published, fetched, first_folder
from neurosim.datasets.events import EventSet
from neurosim.datasets.heidelberg import Split, check_split
from neurosim.datasets.log_mel import LogMel
from neurosim.datasets.test_reads import check_test_read, note_test_read
from neurosim.errors import FileFormatError

if TYPE_CHECKING:
    from neurosim.datasets.spoken_digits.cochlea import Cochlea

LICENCE = "CC BY 4.0"
CITATION = "P. Warden (2018), arXiv:1804.03209"
ARCHIVE = Published(
    "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
    "sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
)
RATE = 16_000
#: Numbers of recordings of the published splits.
SAMPLES = {"train": 84_843, "validation": 9_981, "test": 11_005}
_LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}


class SpeechCommands:
    """Recordings of words; a dataset for torch, whose items are ``({source: bands (time, band)}, label)``.

    Parameters
    ----------
    folder
        The unpacked archive.
    files
        Paths below it, ``"word/name.wav"``, shape (sample,).
    keys
        The words, in the order of the labels.
    facts
        Where they come from, licence, citation, split.
    bands
        What turns sound into items.
    source
        The source or injection that items are for.
    """

    def __init__(
        self, folder: Path, files: list[str], keys: tuple[str, ...], facts: dict[str, Any], bands: LogMel, source: str
    ) -> None:
        self.folder, self.files, self.keys, self.facts, self.source = folder, files, keys, facts, source
        self.bands = bands
        self.labels = np.array([keys.index(file.partition("/")[0]) for file in files], dtype=np.int64)
        self.speakers = [file.rpartition("/")[2].partition("_")[0] for file in files]

    def __len__(self) -> int:
        return len(self.files)

    def sound(self, index: int) -> NDArray[np.float64]:
        """Return a recording, full scale at 1, shape (sample,): at most a second, often less.

        Raises
        ------
        FileFormatError
            If the file is not mono with 16 bits at 16 kHz, or damaged.
        """
        path = self.folder / self.files[index]
        try:
            with wave.open(str(path)) as file:
                form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
                samples = file.readframes(file.getnframes())
        except (OSError, EOFError, wave.Error) as error:
            raise FileFormatError(f"{path}: cannot be read as WAV ({error}).") from None
        if form != (1, 2, RATE):
            raise FileFormatError(
                f"{path}: {form[0]} channels of {8 * form[1]} bits at {form[2]} Hz, not 1, 16, {RATE}."
            )
        return np.frombuffer(samples, dtype="<i2") / 2.0**15

    def length(self, index: int) -> int:
        """Return how many frames of an item the recording fills; what follows is silence: leave it out of sums."""
        return min(-(-self.sound(index).size // round(self.bands.hop * RATE)), self.n_frames)

    @property
    def n_frames(self) -> int:
        """Frames of every item: those of a second."""
        return round(1 / self.bands.hop)

    def __getitem__(self, index: int) -> tuple[dict[str, NDArray[np.float32]], int]:
        """Return ({source: decibels (time, band)}, label)."""
        return {self.source: self.bands(self.sound(index), self.n_frames)}, int(self.labels[index])

    def spikes(self, which: Sequence[int], *, seed: int, cochlea: Cochlea | None = None) -> EventSet:
        """Return recordings as spikes of a cochlea, as the spiking speech commands were made.

        Parameters
        ----------
        which
            Indices of recordings; each takes about as long as it lasts.
        seed
            Of the fibres' noise; a recording's spikes depend on it and on its index alone.
        cochlea
            By default one of 700 places at 48 kHz, to which sounds are brought.
        """
        from scipy.signal import resample_poly

        from neurosim.datasets.spoken_digits.cochlea import Cochlea

        used = Cochlea(1.0) if cochlea is None else cochlea
        sounds = [resample_poly(self.sound(index), used.rate, RATE) for index in which]
        speakers = {name: number for number, name in enumerate(sorted(set(self.speakers)))}
        return EventSet.from_samples(
            [used.spikes(sound, seed=seed, sample=int(index)) for sound, index in zip(sounds, which, strict=True)],
            self.labels[list(which)],
            keys=self.keys,
            n_units=used.places.size,
            speakers=[speakers[self.speakers[index]] for index in which],
            durations=[sound.size / used.rate for sound in sounds],
            facts={**self.facts, "cochlea": {"rate": used.rate, "places": used.places.size, "seed": seed}},
        )


def load_speech_commands(
    split: Split = "train",
    *,
    folder: str | Path | None = None,
    download: bool = False,
    study: str | Path | None = None,
    again: bool = False,
    bands: LogMel | None = None,
    source: str = "in",
) -> SpeechCommands:
    """Load the speech commands.

    Parameters
    ----------
    split
        ``"train"``, ``"validation"`` or ``"test"``, by the archive's own lists: no speaker is in two of them.
    folder
        Where ``testing_list.txt`` and the folders of words are, or the archive; by default ``speech_commands`` in the
        folder of NEUROSIM_CACHE or the user's cache.
    download
        Fetch and unpack the archive if it is not there. The environment variable NEUROSIM_OFFLINE=1 forbids it.
    study, again
        Only for the test set, which is read once in a study: see :func:`~neurosim.datasets.test_reads.note_test_read`.
    bands
        By default 140 mel bands from 50 Hz to 8 kHz, every 10 ms.
    source
        Name of the input in the items.

    Raises
    ------
    FileFormatError
        If the files are not there, or not what was published.
    CircuitError
        If the test set is read without a study, or again.
    """
    check_split(split, "load_speech_commands")
    if split == "test":
        check_test_read("speech_commands", study, again=again)

    def has(place: Path) -> bool:
        return (place / _LISTS["test"]).exists()

    home = first_folder("speech_commands", folder, has)
    if not has(home):
        unpacked_tar(fetched(ARCHIVE, home, download=download, what="load_speech_commands"), home)
    listed = {name: set(_lines(home / file)) for name, file in _LISTS.items()}
    words = tuple(
        sorted(path.name for path in home.iterdir() if path.is_dir() and not path.name.startswith(("_", ".")))
    )
    every = sorted(f"{word}/{path.name}" for word in words for path in (home / word).glob("*.wav"))
    if split == "train":
        files = [file for file in every if file not in listed["validation"] | listed["test"]]
    else:
        files = [file for file in every if file in listed[split]]
        if len(files) < len(listed[split]):
            raise FileFormatError(f"{home}: {len(listed[split]) - len(files)} files of {_LISTS[split]} are not there.")
    facts: dict[str, Any] = {"set": "speech_commands", "split": split, "licence": LICENCE, "citation": CITATION}
    facts["published_samples"] = SAMPLES[split]
    if split == "test" and study is not None:
        facts["test_reads"] = note_test_read("speech_commands", study, again=again)
    return SpeechCommands(home, files, words, facts, LogMel(RATE) if bands is None else bands, source)


def unpacked_tar(archive: Path, folder: Path) -> None:
    """Unpack an archive into a folder; the lists come last, so that a folder that has them is whole.

    Raises
    ------
    FileFormatError
        If the archive is damaged, or holds paths outside the folder.
    """
    try:
        with tarfile.open(archive) as opened:
            members = opened.getmembers()
            last = [member for member in members if Path(member.name).name in _LISTS.values()]
            opened.extractall(folder, [member for member in members if member not in last], filter="data")
            opened.extractall(folder, last, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise FileFormatError(f"{archive}: cannot be unpacked ({error}); delete it and fetch it again.") from None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read ({error.strerror}); is the archive unpacked whole?") from None
