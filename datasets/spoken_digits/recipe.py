"""What a set of spoken digits is made from: a few numbers, and the name under which the result is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from neurosim.datasets.events import EventSet
from neurosim.datasets.spoken_digits.cochlea import Cochlea
from neurosim.datasets.spoken_digits.synthesis import RATE, espeak_version, synthesise
from neurosim.datasets.spoken_digits.words import KEYS, VARIANTS, Utterance, split_voices, utterances
from neurosim.errors import CircuitError

#: To be raised when the same recipe gives other spikes than before.
VERSION = 1

#: Seconds that the longest word may take.
LONGEST = 0.9


@dataclass(frozen=True, slots=True)
class Recipe:
    """How many voices say how often what, and from which seed.

    Parameters
    ----------
    voices
        3 .. 70; a fifth of them are kept for the test, a seventh for validation.
    repetitions
        How often each voice says each of the 20 words, at other pitches and speeds.
    seed
        Of everything that is drawn: voices, pitches, speeds, noise, fibres.
    n_places
        Places of the cochlea, which are the units of the set.

    Raises
    ------
    CircuitError
        If a number is out of range.
    """

    voices: int = 60
    repetitions: int = 2
    seed: int = 0
    n_places: int = 700

    def __post_init__(self) -> None:
        split_voices(self.voices, self.seed)
        for name, low, high in (("repetitions", 1, 1000), ("n_places", 1, 2**16)):
            if not low <= getattr(self, name) <= high:
                raise CircuitError(f"spoken digits: {name}={getattr(self, name)!r} must be {low} .. {high}.")

    @property
    def key(self) -> str:
        """What tells this recipe from others, without the version of espeak-ng."""
        text = json.dumps({"version": VERSION, **asdict(self)}, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def splits(self) -> dict[str, tuple[int, ...]]:
        """Return the voices of ``"train"``, ``"validation"`` and ``"test"``, indices in `VARIANTS`."""
        return split_voices(self.voices, self.seed)

    def utterances(self, voice: int) -> list[Utterance]:
        """Return what a voice says."""
        return utterances(voice, self.repetitions, self.seed)

    def facts(self, split: str) -> dict[str, Any]:
        """Return what is written beside the spikes of a split, as JSON values."""
        return {
            "title": "Synthetic spoken digits: espeak-ng through a model of the cochlea; no recordings, not SHD",
            "generator": "neurosim.datasets.spoken_digits",
            "recipe": {"version": VERSION, **asdict(self)},
            "espeak_ng": espeak_version(),
            "split": split,
            "n_units": self.n_places,
            "speakers": {str(voice): VARIANTS[voice] for voice in self.splits()[split]},
            "commands": [" ".join(one.command()) for voice in self.splits()[split] for one in self.utterances(voice)],
        }

    def cochlea(self) -> Cochlea:
        """Return the cochlea that hears the words."""
        return Cochlea(LONGEST, rate=RATE, n_places=self.n_places)


def spoken(recipe: Recipe, said: Sequence[Utterance], cochlea: Cochlea, pool: ThreadPoolExecutor) -> EventSet:
    """Synthesise utterances and turn them into spikes, on the threads of a pool."""
    heard = list(pool.map(lambda one: _heard(recipe, one, cochlea), said))
    return EventSet.from_samples(
        [(times.astype(np.float32), units.astype(np.uint16)) for times, units, _ in heard],
        [one.label for one in said],
        keys=KEYS,
        n_units=recipe.n_places,
        speakers=[one.voice for one in said],
        durations=[duration for _, _, duration in heard],
    )


def _heard(recipe: Recipe, said: Utterance, cochlea: Cochlea) -> tuple[Any, Any, float]:
    """Return times, units and the duration of a word, which no spike reaches."""
    sound = synthesise(said, recipe.seed)
    times, units = cochlea.spikes(sound, seed=recipe.seed, sample=said.number)
    return times, units, (sound.size // 2 + 1) / cochlea.spike_rate
