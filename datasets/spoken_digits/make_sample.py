"""Write the small set that comes with neurosim: ``python -m neurosim.datasets.spoken_digits.make_sample FILE``.

With espeak-ng 1.51 the file is the same to the byte each time.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from neurosim.datasets.spoken_digits.recipe import Recipe, spoken
from neurosim.datasets.spoken_digits.sample import pack

#: Another seed than that of the default set, whose test voices these would otherwise be.
RECIPE = Recipe(voices=10, repetitions=1, seed=1)


def make_sample(path: Path) -> None:
    """Synthesise the set, which takes a minute, and write it."""
    splits = RECIPE.splits()
    said = [one for voices in splits.values() for voice in voices for one in RECIPE.utterances(voice)]
    with ThreadPoolExecutor(2) as pool:
        events = spoken(RECIPE, said, RECIPE.cochlea(), pool)
    facts = {name: value for name, value in RECIPE.facts("train").items() if name not in ("split", "speakers")}
    facts["commands"] = [" ".join(one.command()) for one in said]
    facts["splits"] = {split: list(voices) for split, voices in splits.items()}
    pack(path, replace(events, facts=MappingProxyType(facts)))


if __name__ == "__main__":
    make_sample(Path(sys.argv[1]))
