"""The experiments of the oscillatory memory: which cells are driven when, and what they should bring up.

References
----------
D. Casanueva-Morato, A. Ayuso-Martinez, J. P. Dominguez-Morales, A. Jimenez-Fernandez, G. Jimenez-Moreno: Spike-based
computational models of bio-inspired memories in the hippocampal CA3 region on SpiNNaker. IJCNN (2022),
arXiv:2205.04782. Patterns and times are those of the script ``CA3_oscilatory.py`` of the authors' repository.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from neurosim.errors import CircuitError

#: Steps over which a pattern is presented.
HELD = 5
#: Patterns, each with the step in which it begins to be presented.
Presentations: TypeAlias = Sequence[tuple[int, Collection[int]]]

_A, _B, _C = frozenset(range(5)), frozenset(range(5, 10)), frozenset(range(10, 15))


@dataclass(frozen=True)
class Protocol:
    """One experiment on fifteen cells.

    Parameters
    ----------
    title
        Which patterns.
    learned
        Patterns in the order in which they are presented.
    cues
        Fragments presented afterwards, one for each, by the place of their pattern.
    starts
        Steps in which the presentations begin, those of the patterns first.
    steps
        Length of the experiment.
    """

    title: str
    learned: tuple[frozenset[int], ...]
    cues: tuple[tuple[int, frozenset[int]], ...]
    starts: tuple[int, ...]
    steps: int = 85

    @property
    def presentations(self) -> Presentations:
        """All that is presented."""
        return tuple(zip(self.starts, (*self.learned, *(cue for _, cue in self.cues)), strict=True))


#: The experiments by name.
PROTOCOLS: Mapping[str, Protocol] = {
    "two": Protocol("two orthogonal patterns", (_A, _C), ((0, _A - {0}), (1, _C - {14})), (1, 21, 41, 61)),
    "three": Protocol(
        "three orthogonal patterns", (_A, _C, _B), ((0, _A - {0}), (1, _C - {14}), (2, _B - {9})),
        (1, 15, 29, 43, 57, 71),
    ),
    "overlapping": Protocol(
        "two patterns that share a cell", (_A | {7}, _C | {7}), ((0, _A - {0}), (1, _C - {14})), (1, 21, 41, 61)
    ),
}  # fmt: skip


def drive(presentations: Presentations, n: int, steps: int | None = None) -> np.ndarray:
    """Return which lines spike, bool (step, line).

    Parameters
    ----------
    presentations
        What is presented.
    n
        Number of cells.
    steps
        Length; by default until the last presentation is over.

    Raises
    ------
    CircuitError
        If there is no such cell, or a presentation does not fit into the steps.
    """
    steps = max((start + HELD for start, _ in presentations), default=0) if steps is None else steps
    spikes = np.zeros((steps, n), dtype=bool)
    for start, cells in presentations:
        if not 0 <= start <= steps - HELD:
            raise CircuitError(f"a presentation at step {start} does not fit into {steps} steps.")
        wrong = sorted(cell for cell in cells if not 0 <= cell < n)
        if wrong:
            raise CircuitError(f"there is no cell {wrong[0]}: there are {n}.")
        spikes[start : start + HELD, sorted(cells)] = True
    return spikes
