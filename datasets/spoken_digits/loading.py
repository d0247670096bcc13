"""The spoken digits, made when they are first asked for, or the small set that comes along."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from neurosim.datasets.events import EventSet
from neurosim.datasets.spoken_digits.making import Report, made
from neurosim.datasets.spoken_digits.recipe import Recipe
from neurosim.datasets.spoken_digits.sample import read_sample
from neurosim.errors import CircuitError, nearest

Split = Literal["train", "validation", "test"]


def load_spoken_digits(
    split: Split = "train",
    *,
    sample: bool = False,
    voices: int = 60,
    repetitions: int = 2,
    seed: int = 0,
    n_places: int = 700,
    folder: str | Path | None = None,
    workers: int | None = None,
    report: Report | None = None,
) -> EventSet:
    """Load synthetic spoken digits: ten in English, ten in German, as spikes of a cochlea.

    No voice of one split speaks in another. Choose by the validation voices; read the test voices once.

    Parameters
    ----------
    split
        ``"train"``, ``"validation"`` or ``"test"``.
    sample
        The small set that comes with neurosim (8 voices, each word once, times rounded to 1 ms), which needs neither
        espeak-ng nor minutes; the arguments that follow say nothing then.
    voices, repetitions, seed, n_places
        What is made; see `Recipe`.
    folder
        Where sets are kept; by default the folder ``spoken_digits`` in that of NEUROSIM_CACHE or the user's cache.
    workers
        Threads that make it; by default one for each core, at most 4.
    report
        Called with ("spoken digits", words done, words in all) as they are made.

    Returns
    -------
    EventSet
        Samples by voice, then repetition, then word. `EventSet.binned` makes counts of them for training.

    Raises
    ------
    BackendError
        If the set is not there yet and espeak-ng is not installed; the message says how to install it.
    CircuitError
        If an argument is out of range.

    Notes
    -----
    Made once and kept, under a name made of all arguments and the version of espeak-ng. A set that is interrupted while
    it is made goes on with the next voice. The defaults are 2400 words.
    """
    if split not in get_args(Split):
        raise CircuitError(f"load_spoken_digits: split={split!r} is not known.{nearest(str(split), get_args(Split))}")
    if sample:
        return read_sample(split)
    recipe = Recipe(voices, repetitions, seed, n_places)
    return made(recipe, split, folder=None if folder is None else Path(folder), workers=workers, report=report)
