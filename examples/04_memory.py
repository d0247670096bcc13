"""A spiking memory: four letters are taught, then found again from a few of their dots.

The circuit is the content-addressable memory of CA3 (Casanueva-Morato et al. 2024). Nothing but spikes goes in and
comes out; what it knows is in the weights of its plastic synapses, which can be looked at.

Run it: ``python examples/04_memory.py [FIGURE]``
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from neurosim.circuits.ca3_memory.figure import draw_weights
from neurosim.circuits.ca3_memory.memory import Memory

ROWS, COLUMNS = 5, 3
LETTERS = {
    "S": "### #.. ### ..# ###",
    "O": "### #.# #.# #.# ###",
    "T": "### .#. .#. .#. .#.",
    "X": "#.# #.# .#. #.# #.#",
}
#: Dots by number: row by row, from the left.
FRAGMENTS = {"S": (6, 7), "O": (5, 6), "T": (2, 10), "X": (5, 7)}


def dots(letter: str) -> list[int]:
    """Return the numbers of the dots of a letter."""
    return [number for number, mark in enumerate(LETTERS[letter].replace(" ", "")) if mark == "#"]


def complete(memory: Memory, fragment: tuple[int, ...]) -> tuple[list[int], tuple[int, ...]]:
    """Return the cues that answer to every dot of a fragment, and the dots stored under the first of them."""
    votes = Counter(cue for dot in fragment for cue in memory.recall_by_content([dot]))
    found = sorted(cue for cue, number in votes.items() if number == len(fragment))
    return found, memory.recall_by_cue(found[0]) if found else ()


def main(path: Path) -> None:
    """Teach, recall, forget, draw."""
    names = list(LETTERS)
    memory = Memory(cue=len(names), content=ROWS * COLUMNS)
    for cue, name in enumerate(names):
        memory.learn(cue, dots(name))
    recalled = {}
    for name, fragment in FRAGMENTS.items():
        cues, recalled[name] = complete(memory, fragment)
        print(f"dots {fragment} are of {', '.join(names[cue] for cue in cues)}; all of it: {recalled[name]}")
    print("as taught:", all(recalled[name] == tuple(dots(name)) for name in names))
    weights = memory.cue_to_content, memory.content_to_cue
    memory.forget(0)
    print("after S is forgotten, dot 6 is of", ", ".join(names[cue] for cue in memory.recall_by_content([6])))
    print(f"all in {memory.time * 1e3:.0f} ms of the memory's time")
    draw(path, recalled, *weights)
    print("wrote", path)


def draw(path: Path, recalled: dict[str, tuple[int, ...]], forward: np.ndarray, backward: np.ndarray) -> None:
    """Draw fragments, what they brought back, and the weights."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 4.2), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1.25, 1.0))
    axes = left.subplots(2, len(LETTERS))
    for column, name in zip(axes.T, LETTERS, strict=True):
        for ax, shown in zip(column, (FRAGMENTS[name], recalled[name]), strict=True):
            image = np.zeros(ROWS * COLUMNS)
            image[list(shown)] = 1
            ax.imshow(image.reshape(ROWS, COLUMNS), cmap="Blues", vmin=0, vmax=1.15)
            ax.set(xticks=[], yticks=[])
    axes[0, 0].set_ylabel("asked for")
    axes[1, 0].set_ylabel("came back")
    for ax, weights, title in zip(
        right.subplots(1, 2), (forward, backward.T), ("cue to content", "content to cue"), strict=True
    ):
        draw_weights(weights, ax, title)
        ax.set_xticks(range(len(LETTERS)), list(LETTERS))
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "04_memory.png")
