"""The spikes that a programme must cause: four rows, one for each kind of operation, laid over each other.

They were read off the published spike tables, whose every spike they give. How an operation unfolds depends on nothing
but what is stored, so the rows are the whole behaviour of a memory that works.
"""

from __future__ import annotations

from collections.abc import Collection

from neurosim.circuits.ca3_memory.operations import Learn, Operation, Programme, RecallByCue

#: (step, population, neuron)
Spike = tuple[int, str, int]


def expected_spikes(programme: Programme, cue: int) -> set[Spike]:
    """Return every spike of a programme, input lines excepted.

    Parameters
    ----------
    programme
        The operations with their steps, in order.
    cue
        Number of cues: bits come after them in the population ``"out"``.
    """
    stored: dict[int, frozenset[int]] = {}
    spikes: set[Spike] = set()
    for start, operation in programme:
        for offset, population, neurons in _rows(operation, stored, cue):
            spikes |= {(start + offset, population, neuron) for neuron in neurons}
        if isinstance(operation, Learn):
            stored[operation.cue] = operation.content
    return spikes


def _rows(operation: Operation, stored: dict[int, frozenset[int]], cue: int) -> list[tuple[int, str, Collection[int]]]:
    """Return (offset, population, neurons) of one operation, given what is stored by then."""
    if isinstance(operation, Learn):
        return _learning(operation, stored.get(operation.cue, frozenset()), cue)
    if isinstance(operation, RecallByCue):
        c, bits = (operation.cue,), stored.get(operation.cue, frozenset())
        return [
            (1, "cue_cue", c), (2, "content_cue", bits), (3, "any_content", (0,) if bits else ()),
            (3, "cue_content", c), (4, "merge_cue", c), (5, "out", c), (5, "merge_content", bits),
            (6, "out", [cue + bit for bit in bits]),
        ]  # fmt: skip
    bits = operation.content
    cues = [number for number, content in stored.items() if content & bits]
    return [
        (1, "content_cue", bits), (2, "gate", bits), (2, "any_content", (0,) if bits else ()),
        (3, "content_content", bits), (4, "cue_content", cues), (4, "merge_content", bits), (5, "merge_cue", cues),
        (5, "out", [cue + bit for bit in bits]), (6, "out", cues),
    ]  # fmt: skip


def _learning(operation: Learn, before: frozenset[int], cue: int) -> list[tuple[int, str, Collection[int]]]:
    c, new, old = (operation.cue,), operation.content, before - operation.content
    rows: list[tuple[int, str, Collection[int]]] = []
    for echo in (0, 2):  # three input spikes give two of each neuron, one refractory step apart
        rows += [
            (1 + echo, "cue_cue", c), (1 + echo, "content_cue", new), (2 + echo, "gate", new),
            (2 + echo, "any_content", (0,) if new else ()), (3 + echo, "cue_content", c),
            (3 + echo, "content_content", new), (4 + echo, "merge_cue", c), (4 + echo, "merge_content", new),
            (5 + echo, "out", [*c, *(cue + bit for bit in new)]),
        ]  # fmt: skip
    # What was stored under the cue comes up once, between the two echoes, and so its way back is erased.
    rows += [
        (2, "content_cue", old), (3, "gate", old), (4, "content_content", old), (5, "merge_content", old),
        (6, "out", [cue + bit for bit in old]),
    ]  # fmt: skip
    return rows
