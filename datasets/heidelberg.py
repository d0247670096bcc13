"""The Heidelberg spiking data sets: spoken digits (SHD) and words (SSC), as spikes of 700 units of a cochlea model.

The published files keep times in float16: they are exact to 0.06 ms at the beginning of a word and to 1 ms after its
first second. They are read as they are and never calculated with in that type.

References
----------
B. Cramer, Y. Stradmann, J. Schemmel, F. Zenke: The Heidelberg spiking data sets for the systematic evaluation of
spiking neural networks. IEEE Transactions on Neural Networks and Learning Systems 33:2744 (2022), arXiv:1910.07407.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np

from neurosim.datasets.downloads import Published, fetched, first_folder, unpacked_zip
from neurosim.datasets.event_files import read_events
from neurosim.datasets.events import EventSet
from neurosim.datasets.test_reads import check_test_read, note_test_read
from neurosim.errors import CircuitError, nearest

Split = Literal["train", "validation", "test"]

LICENCE = "CC BY 4.0"
CITATION = "B. Cramer et al., IEEE TNNLS 33:2744 (2022), arXiv:1910.07407"
_BASE = "https://zenkelab.org/datasets/"
#: Of the archives; those of SHD and SSC as tonic and SpikingJelly record them too.
FILES = {
    "shd_train": Published(f"{_BASE}shd_train.h5.zip", "md5:f3252aeb598ac776c1b526422d90eecb"),
    "shd_test": Published(f"{_BASE}shd_test.h5.zip", "md5:1503a5064faa34311c398fb0a1ed0a6f"),
    "ssc_train": Published(f"{_BASE}ssc_train.h5.zip", "md5:d102be95e7144fcc0553d1f45ba94170"),
    "ssc_valid": Published(f"{_BASE}ssc_valid.h5.zip", "md5:b4eee3516a4a90dd0c71a6ac23a8ae43"),
    "ssc_test": Published(f"{_BASE}ssc_test.h5.zip", "md5:a35ff1e9cffdd02a20eb850c17c37748"),
}
#: Numbers of samples of the published files.
SAMPLES = {"shd_train": 8156, "shd_test": 2264, "ssc_train": 75_466, "ssc_valid": 9_981, "ssc_test": 20_382}


def load_shd(
    split: Split = "train",
    *,
    validation_speakers: int | Sequence[int] = 2,
    folder: str | Path | None = None,
    download: bool = False,
    study: str | Path | None = None,
    again: bool = False,
) -> EventSet:
    """Load the Heidelberg digits: 0 to 9 in English and German, 20 classes.

    Parameters
    ----------
    split
        ``"train"``, ``"validation"`` or ``"test"``. The published set has no validation part: some speakers of the
        training file are held out for it.
    validation_speakers
        Which speakers, or how many: then those with the highest numbers in the training file.
    folder
        Where ``shd_train.h5`` and ``shd_test.h5`` (or their archives ``.h5.zip``) are; by default ``shd`` in the folder
        of NEUROSIM_CACHE or the user's cache. A folder in which they lie in ``SHD``, as tonic's, will do.
    download
        Fetch the archive if it is not there. The environment variable NEUROSIM_OFFLINE=1 forbids it.
    study, again
        Only for the test set, which is read once in a study: see :func:`~neurosim.datasets.test_reads.note_test_read`.

    Returns
    -------
    EventSet
        Words are those of the file (``keys``), speakers too. `facts` say where it comes from, its licence, and who is
        held out; of a test set, how many times it has been read in the study.

    Raises
    ------
    FileFormatError
        If the file is not there, is not what was published, or is damaged.
    CircuitError
        If a speaker is not in the training file, none would be left, or the test set is read without a study or again.

    Notes
    -----
    Two of the twelve speakers are in the test file only. A random split of the training file shares speakers between
    its parts, and tells little of what to expect of the test.
    """
    check_split(split, "load_shd")
    if split == "test":
        return _part("shd", "test", "test", folder, download, study, again)
    events = _part("shd", "train", split, folder, download)
    held_out = _held_out(events, validation_speakers)
    chosen = np.isin(events.speakers, held_out) == (split == "validation")
    facts = {**events.facts, "validation_speakers": held_out}
    return replace(events.select(chosen), facts=MappingProxyType(facts))


def load_ssc(
    split: Split = "train",
    *,
    folder: str | Path | None = None,
    download: bool = False,
    study: str | Path | None = None,
    again: bool = False,
) -> EventSet:
    """Load the spiking speech commands: 35 English words of many speakers; every split has a file of its own.

    Parameters
    ----------
    split
        ``"train"``, ``"validation"`` or ``"test"``.
    folder, download, study, again
        As for :func:`load_shd`; the files are ``ssc_train.h5``, ``ssc_valid.h5`` and ``ssc_test.h5``.
    """
    check_split(split, "load_ssc")
    part = "valid" if split == "validation" else split
    return _part("ssc", part, split, folder, download, study, again)


def check_split(split: str, where: str) -> None:
    """Refuse a split that does not exist."""
    if split not in get_args(Split):
        raise CircuitError(f"{where}: split={split!r} is not known.{nearest(str(split), get_args(Split))}")


def _part(
    name: str,
    part: str,
    split: str,
    folder: str | Path | None,
    download: bool,
    study: str | Path | None = None,
    again: bool = False,
) -> EventSet:
    """Read one file of a set, unpacked and fetched where needed; a test part is noted once it could be read."""
    if split == "test":
        check_test_read(name, study, again=again)
    key = f"{name}_{part}"
    file, published = f"{key}.h5", FILES[key]

    def has(place: Path) -> bool:
        return (place / file).exists() or (place / published.name).exists()

    home = first_folder(name, folder, has)
    path = home / file
    if not path.exists():
        archive = fetched(published, home, download=download, what=f"load_{name}")
        unpacked_zip(archive, file, path)
    facts: dict[str, Any] = {
        "set": name,
        "split": split,
        "licence": LICENCE,
        "citation": CITATION,
        "published_samples": SAMPLES[key],
    }
    events = read_events(path)
    if split == "test" and study is not None:
        facts["test_reads"] = note_test_read(name, study, again=again)
    return replace(events, facts=MappingProxyType({**facts, **events.facts}))


def _held_out(events: EventSet, asked: int | Sequence[int]) -> list[int]:
    known = np.unique(events.speakers).tolist()
    held_out = known[len(known) - asked :] if isinstance(asked, int) and asked >= 0 else asked
    chosen = sorted({int(speaker) for speaker in np.atleast_1d(held_out)})
    if not set(chosen) <= set(known) or not 0 < len(chosen) < len(known):
        raise CircuitError(
            f"load_shd: validation_speakers={asked!r}; the training file has the speakers {known}: hold out some of "
            "them, and leave some."
        )
    return chosen
