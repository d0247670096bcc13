"""What can be done with the memory, and which input lines spike when it is done."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from neurosim.errors import CircuitError

#: Steps between operations that the authors state as the least: after learning, and after a recall.
LEAST_AFTER_LEARNING = 7
LEAST_AFTER_RECALL = 6
#: Steps from the first spike of an operation to the last spike that it causes.
LASTS = 7


@dataclass(frozen=True)
class Learn:
    """Store a content under a cue; what was stored under it is forgotten. The lines spike in three steps."""

    cue: int
    content: frozenset[int]

    def __init__(self, cue: int, content: Collection[int]) -> None:
        object.__setattr__(self, "cue", cue)
        object.__setattr__(self, "content", frozenset(content))


@dataclass(frozen=True)
class RecallByCue:
    """Ask what is stored under a cue."""

    cue: int


@dataclass(frozen=True)
class RecallByContent:
    """Ask for the cues whose content has at least one of these bits."""

    content: frozenset[int]

    def __init__(self, content: Collection[int]) -> None:
        object.__setattr__(self, "content", frozenset(content))


Operation: TypeAlias = Learn | RecallByCue | RecallByContent
#: Operations, each with the step in which its input begins.
Programme: TypeAlias = Sequence[tuple[int, Operation]]


def lines(operation: Operation, cue: int, content: int) -> np.ndarray:
    """Return the input of an operation.

    Parameters
    ----------
    operation
        What is done.
    cue, content
        Number of cues and of bits of the memory.

    Returns
    -------
    numpy.ndarray
        Which lines spike, bool (step, line): cues first, then bits.

    Raises
    ------
    CircuitError
        If the memory has no such cue or bit.
    """
    cues = () if isinstance(operation, RecallByContent) else (operation.cue,)
    bits = frozenset[int]() if isinstance(operation, RecallByCue) else operation.content
    check_numbers("cue", cues, cue)
    check_numbers("bit", bits, content)
    spikes = np.zeros((3 if isinstance(operation, Learn) else 1, cue + content), dtype=bool)
    spikes[:, [*cues, *(cue + bit for bit in bits)]] = True
    return spikes


def check_numbers(what: str, given: Collection[int], n: int) -> None:
    """Refuse cues or bits that a memory of `n` does not have."""
    wrong = sorted(number for number in given if not 0 <= number < n)
    if wrong:
        raise CircuitError(f"the memory has no {what} {wrong[0]}: it has {n}, numbered from 0 to {n - 1}.")


def drive(programme: Programme, cue: int, content: int, steps: int | None = None) -> np.ndarray:
    """Return the input of a whole programme.

    Parameters
    ----------
    programme
        The operations with their steps.
    cue, content
        Number of cues and of bits of the memory.
    steps
        Length of the result; by default until all is quiet.

    Returns
    -------
    numpy.ndarray
        Which lines spike, bool (step, line).

    Raises
    ------
    CircuitError
        If an operation does not fit the memory, or into the steps.
    """
    steps = length(programme) if steps is None else steps
    spikes = np.zeros((steps, cue + content), dtype=bool)
    for start, operation in programme:
        rows = lines(operation, cue, content)
        if not 0 <= start <= steps - len(rows):
            raise CircuitError(f"an operation at step {start} does not fit into {steps} steps.")
        spikes[start : start + len(rows)] |= rows
    return spikes


def length(programme: Programme) -> int:
    """Return after how many steps all spikes of a programme are over."""
    return max((start + LASTS + 1 for start, _ in programme), default=0)


def demonstration(cue: int, content: int) -> tuple[tuple[int, Operation], ...]:
    """Return a programme for a memory of any size: two contents are learned, then recalled both ways."""
    first, last = Learn(0, range(0, content, 2)), Learn(cue - 1, range(content // 2, content))
    operations: tuple[Operation, ...] = (
        first, last, RecallByCue(0), RecallByCue(cue - 1), RecallByContent((content - 1,))
    )  # fmt: skip
    return tuple((20 * place, operation) for place, operation in enumerate(operations))


#: Steps from the first input spike of an operation to what spikes in the population "out".
ECHO, ANSWER, SECOND_ECHO = 5, 6, 7


def answer(operation: Operation, out: np.ndarray, cue: int) -> frozenset[int]:
    """Return what an operation brought: the bits of a cue, the cues of bits, or what a content learned last reads.

    Parameters
    ----------
    operation
        What was done.
    out
        Spikes of the population ``"out"`` from the first step of the operation on, bool (step, neuron).
    cue
        Number of cues.
    """
    if isinstance(operation, RecallByContent):
        return frozenset(np.flatnonzero(out[ANSWER, :cue]).tolist())
    row = out[SECOND_ECHO if isinstance(operation, Learn) else ANSWER]
    return frozenset(np.flatnonzero(row[cue:]).tolist())


def answers(programme: Programme, out: np.ndarray, cue: int) -> dict[int, frozenset[int]]:
    """Return what each recall of a programme brought, by its place; `out` is bool (step, neuron)."""
    return {
        place: answer(operation, out[start:], cue)
        for place, (start, operation) in enumerate(programme)
        if not isinstance(operation, Learn)
    }


def stored_answers(programme: Programme) -> dict[int, frozenset[int]]:
    """Return what each recall of a programme should bring, by its place: what a dictionary would answer."""
    stored: dict[int, frozenset[int]] = {}
    found: dict[int, frozenset[int]] = {}
    for place, (_, operation) in enumerate(programme):
        if isinstance(operation, Learn):
            stored[operation.cue] = operation.content
        elif isinstance(operation, RecallByCue):
            found[place] = stored.get(operation.cue, frozenset())
        else:
            found[place] = frozenset(cue for cue, content in stored.items() if content & operation.content)
    return found
