"""Making a set and keeping it: voice by voice, so that what is interrupted goes on where it stopped."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from neurosim.cache_folder import cache_folder
from neurosim.datasets.cache import staged
from neurosim.datasets.event_files import read_events, write_events
from neurosim.datasets.events import EventSet
from neurosim.datasets.extras import extra
from neurosim.datasets.spoken_digits.recipe import Recipe, spoken
from neurosim.datasets.spoken_digits.synthesis import espeak_version
from neurosim.datasets.spoken_digits.words import KEYS
from neurosim.errors import BackendError

logger = logging.getLogger(__name__)

#: Called with (what, steps done, steps in all).
Report = Callable[[str, int, int], None]

_FOLDER = "spoken_digits"
_PARTS = "parts"
_MOST_WORKERS = 4  # what each holds in a cache that they share


def made(recipe: Recipe, split: str, *, folder: Path | None, workers: int | None, report: Report | None) -> EventSet:
    """Return a split of a set, from disk where it is there; see `load_spoken_digits`."""
    extra("h5py", "Keeping spoken digits")
    home = cache_folder() / _FOLDER if folder is None else folder
    kept = _kept(home, recipe)
    if kept is None:
        kept = home / f"{recipe.key}-espeak-ng-{espeak_version()}"
        try:
            _make(recipe, kept, workers or min(_MOST_WORKERS, _cores()), report)
        except FileNotFoundError:
            # Another process that made the same set was done first, and removed the parts.
            if _kept(home, recipe) is None:
                raise
    return read_events(kept / f"{split}.h5")


def _cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _kept(home: Path, recipe: Recipe) -> Path | None:
    """Return the folder of a set that is there whole: made by this espeak-ng, or by any where there is none."""
    try:
        pattern = f"{recipe.key}-espeak-ng-{espeak_version()}"
    except BackendError:
        pattern = f"{recipe.key}-espeak-ng-*"
    for found in sorted(home.glob(pattern)):
        if all((found / f"{split}.h5").is_file() for split in recipe.splits()):
            return found
    return None


def _make(recipe: Recipe, target: Path, workers: int, report: Report | None) -> None:
    """Write one file for each split; voices that were made before an interruption are read."""
    splits = recipe.splits()
    total = len(recipe.utterances(0)) * sum(len(voices) for voices in splits.values())
    missing = [voice for voices in splits.values() for voice in voices if not _part(target, voice).is_file()]
    logger.info("making %d spoken digits in %s; %d voices are missing", total, target, len(missing))
    done = total - len(recipe.utterances(0)) * len(missing)
    if missing:
        cochlea = recipe.cochlea()
        with ThreadPoolExecutor(workers) as pool:
            for voice in missing:
                if report is not None:
                    report("spoken digits", done, total)
                said = recipe.utterances(voice)
                _write_part(_part(target, voice), spoken(recipe, said, cochlea, pool))
                done += len(said)
    if report is not None:
        report("spoken digits", done, total)
    for split, voices in splits.items():
        together = _joined((_read_part(_part(target, voice), recipe) for voice in voices), recipe)
        write_events(target / f"{split}.h5", replace(together, facts=MappingProxyType(recipe.facts(split))))
    shutil.rmtree(target / _PARTS, ignore_errors=True)


def _part(target: Path, voice: int) -> Path:
    return target / _PARTS / f"voice{voice}.npz"


def _write_part(path: Path, events: EventSet) -> None:
    with staged(path) as partial, partial.open("wb") as file:
        np.savez(
            file,
            times=events.times,
            units=events.units,
            offsets=events.offsets,
            labels=events.labels,
            speakers=events.speakers,
            durations=events.ends(),
        )


def _read_part(path: Path, recipe: Recipe) -> EventSet:
    with np.load(path, allow_pickle=False) as part:
        return EventSet(**part, keys=KEYS, n_units=recipe.n_places)


def _joined(parts: Iterable[EventSet], recipe: Recipe) -> EventSet:
    every = list(parts)
    offsets = np.cumsum([0, *(count for part in every for count in np.diff(part.offsets))])
    return EventSet(
        times=np.concatenate([part.times for part in every]),
        units=np.concatenate([part.units for part in every]),
        offsets=offsets,
        labels=np.concatenate([part.labels for part in every]),
        keys=KEYS,
        n_units=recipe.n_places,
        speakers=np.concatenate([part.speakers for part in every]),
        durations=np.concatenate([part.ends() for part in every]),
    )
