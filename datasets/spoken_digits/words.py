"""What is said, and by whom: twenty words, and voices that say each of them a little differently every time.

The classes are those of the Heidelberg digits (Cramer et al. 2022): the digits in English, then in German. A voice is
one of espeak-ng's variants with an English accent, a pitch and a speed of its own, and speaks both languages. Nothing
here is recorded from people.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurosim.errors import CircuitError
from neurosim.random import Stream

#: Names of the classes, in ASCII.
KEYS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "null", "eins", "zwei", "drei", "vier", "fuenf", "sechs", "sieben", "acht", "neun",
)  # fmt: skip

#: Variants of espeak-ng 1.51 that sound different from each other: one of each family (of robosoft, robosoft2, ... the
#: first), so that no voice of the test set has a twin among those for training. Left out besides:
#: `fast`, made to test, and `Marco`, who needs twice the time of the others.
VARIANTS = (
    "Alex", "Alicia", "Andrea", "Andy", "Annie", "Demonic", "Denis", "Gene", "Henrique", "Hugo", "Jacky", "Lee",
    "Mario", "Michael", "Mike", "Nguyen", "RicishayMax", "Storm", "Tweaky", "UniRobot", "anika", "announcer",
    "antonio", "aunty", "belinda", "benjamin", "boris", "croak", "david", "ed", "edward", "f1", "f2", "f3", "f4",
    "f5", "grandma", "grandpa", "gustave", "iven", "john", "kaukovalta", "klatt", "linda", "m1", "m2", "m3", "m4",
    "m5", "m6", "m7", "m8", "marcelo", "max", "michel", "norbert", "pablo", "paul", "pedro", "quincy", "rob",
    "robert", "robosoft", "sandro", "shelby", "steph", "travis", "victor", "whisper", "zac",
)  # fmt: skip

_ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan")
_SPOKEN = {"fuenf": "fünf"}
_ENGLISH = 10
_PITCH = (30.0, 70.0)  # of voices, on espeak-ng's scale of 0 .. 99
_PITCH_SPREAD = 8.0  # of one voice's repetitions, up and down
_SPEED = (110.0, 165.0)  # of voices, words a minute
_SPEED_SPREAD = 12.0


@dataclass(frozen=True, slots=True)
class Utterance:
    """One word as one voice says it once.

    Attributes
    ----------
    number
        The same for the same word, voice and repetition in every set: it picks the random numbers of the sample.
    label
        Index in `KEYS`.
    voice
        Index in `VARIANTS`.
    repetition
        0, 1, ...
    language
        As espeak-ng calls it.
    pitch, speed
        On espeak-ng's scales.
    """

    number: int
    label: int
    voice: int
    repetition: int
    language: str
    pitch: int
    speed: int

    @property
    def word(self) -> str:
        """What is said."""
        key = KEYS[self.label]
        return _SPOKEN.get(key, key)

    def command(self) -> tuple[str, ...]:
        """Return the command that says it, without the program's path."""
        voice = f"{self.language}+{VARIANTS[self.voice]}"
        return ("espeak-ng", "-v", voice, "-p", str(self.pitch), "-s", str(self.speed), "-z", "--stdout", self.word)


def split_voices(n_voices: int, seed: int) -> dict[str, tuple[int, ...]]:
    """Choose voices and part them: no voice of one split speaks in another.

    Parameters
    ----------
    n_voices
        3 .. the number of `VARIANTS`. A fifth of them are for the test, a seventh for validation, at least one each.
    seed
        Decides which.

    Returns
    -------
    dict
        Indices in `VARIANTS`, by split: ``"train"``, ``"validation"``, ``"test"``.

    Raises
    ------
    CircuitError
        For a number of voices that there is not.
    """
    if not 3 <= n_voices <= len(VARIANTS):
        raise CircuitError(f"spoken digits: voices={n_voices} must be 3 .. {len(VARIANTS)}.")
    order = [int(voice) for voice in Stream(seed, "spoken_digits/voices").permutation(len(VARIANTS))[:n_voices]]
    test, validation = max(1, n_voices // 5), max(1, n_voices // 7)
    ends = (test, test + validation)
    parts = {"train": order[ends[1] :], "validation": order[ends[0] : ends[1]], "test": order[: ends[0]]}
    return {name: tuple(sorted(part)) for name, part in parts.items()}


def utterances(voice: int, repetitions: int, seed: int) -> list[Utterance]:
    """Return what a voice says: every word, as often as asked, with pitch and speed drawn around its own.

    Parameters
    ----------
    voice
        Index in `VARIANTS`.
    repetitions
        Of each word.
    seed
        Decides pitches, speeds and the accent.
    """
    own = Stream(seed, f"spoken_digits/{VARIANTS[voice]}")
    pitch, speed, accent = own.uniform(3)
    said = []
    for repetition in range(repetitions):
        drawn = own.child(f"repetition{repetition}").uniform(2 * len(KEYS)) * 2 - 1
        for label in range(len(KEYS)):
            said.append(
                Utterance(
                    number=(voice * 2**16 + repetition) * len(KEYS) + label,
                    label=label,
                    voice=voice,
                    repetition=repetition,
                    language=_ACCENTS[int(accent * len(_ACCENTS))] if label < _ENGLISH else "de",
                    pitch=round(_between(_PITCH, pitch) + _PITCH_SPREAD * drawn[2 * label]),
                    speed=round(_between(_SPEED, speed) + _SPEED_SPREAD * drawn[2 * label + 1]),
                )
            )
    return said


def _between(limits: tuple[float, float], part: float) -> float:
    low, high = limits
    return low + (high - low) * part
