"""The three experiments that were published with the memory: their operations, answers and spike counts.

References
----------
D. Casanueva-Morato, A. Ayuso-Martinez, J. P. Dominguez-Morales, A. Jimenez-Fernandez, G. Jimenez-Moreno: Bio-inspired
computational memory model of the hippocampus: an approach to a neuromorphic spike-based content-addressable memory.
Neural Networks 178, 106474 (2024), arXiv:2310.05868. The operations are those of the test script, and the
counts those of the spike tables, of the authors' repository github.com/dancasmor/
An-aproach-to-a-spike-based-Content-Addressable-Memory-bio-inspired-in-the-Hippocampus.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from neurosim.circuits.ca3_memory.operations import Learn, Operation, RecallByContent, RecallByCue

#: Populations in the order of the counts, with the names that the paper gives them.
COUNTED = {
    "cue_cue": "CA3cueCueRecall", "content_cue": "CA3contCueRecall", "gate": "ContCond", "any_content": "ContCondInt",
    "cue_content": "CA3cueContRecall", "content_content": "CA3contContRecall", "merge_cue": "MergeCue",
    "merge_content": "MergeCont", "out_cue": "OUT (cue)", "out_content": "OUT (content)",
}  # fmt: skip


@dataclass(frozen=True)
class Published:
    """One experiment.

    Parameters
    ----------
    title
        What it shows.
    cue, content
        Number of cues and of bits.
    steps
        Length in ms, which is in steps.
    programme
        The operations.
    answers
        What each recall must give, by its place in the programme: bits for a cue, cues for bits.
    counts
        Spikes of each population of ``COUNTED``.
    """

    title: str
    cue: int
    content: int
    steps: int
    programme: tuple[tuple[int, Operation], ...]
    answers: Mapping[int, frozenset[int]]
    counts: tuple[int, ...]


def _functional() -> Published:
    operations: tuple[Operation, ...] = (
        Learn(0, (0, 1, 8, 9)), Learn(4, (1, 5, 6)), Learn(3, (4, 5, 6)),
        RecallByCue(0), RecallByContent((6,)), RecallByContent((0, 4)),
        Learn(3, (1, 3, 4, 8)), RecallByCue(3), RecallByContent((6,)),
    )  # fmt: skip
    answers = {3: (0, 1, 8, 9), 4: (3, 4), 5: (0, 3), 7: (1, 3, 4, 8), 8: (4,)}
    counts = (10, 42, 34, 13, 15, 34, 15, 42, 15, 42)
    programme = tuple((10 * place, operation) for place, operation in enumerate(operations))
    return Published("functional test", 5, 10, 90, programme, _sets(answers), counts)


def _stress() -> Published:
    """Three times over: learn all cues, recall all cues, recall all bits; the second time with the complements."""
    plain = [frozenset(bit for bit in range(10) if (cue + 1) >> bit & 1) for cue in range(5)]
    operations: list[Operation] = []
    answers: dict[int, Collection[int]] = {}
    for contents in (plain, [frozenset(range(10)) - content for content in plain], plain):
        operations += [Learn(cue, content) for cue, content in enumerate(contents)]
        for cue, content in enumerate(contents):
            answers[len(operations)] = content
            operations.append(RecallByCue(cue))
        for bit in range(10):
            answers[len(operations)] = [cue for cue, content in enumerate(contents) if bit in content]
            operations.append(RecallByContent((bit,)))
    counts = (45, 251, 194, 75, 102, 194, 102, 251, 102, 251)
    programme = tuple((1 + 14 * place, operation) for place, operation in enumerate(operations))
    return Published("stress test", 5, 10, 851, programme, _sets(answers), counts)


def _application() -> Published:
    """Learn a map of 4 x 4 fields (0 unknown, 1 start, 2 goal, 3 free, 4 path, 5 obstacle), ask where is what."""
    fields = (0, 5, 1, 3, 0, 3, 4, 5, 0, 5, 4, 3, 2, 4, 4, 3)
    programme: list[tuple[int, Operation]] = [(7 * cue, Learn(cue, (state,))) for cue, state in enumerate(fields)]
    answers = {}
    for place, states in enumerate(((1, 2, 4), (3,), (5,), (0,))):
        answers[len(programme)] = [cue for cue, state in enumerate(fields) if state in states]
        programme.append((112 + 6 * place, RecallByContent(states)))
    counts = (32, 38, 38, 36, 48, 38, 48, 38, 48, 38)
    return Published("state map", 16, 6, 140, tuple(programme), _sets(answers), counts)


def _sets(answers: Mapping[int, Collection[int]]) -> dict[int, frozenset[int]]:
    return {place: frozenset(answer) for place, answer in answers.items()}


#: The experiments by name.
PUBLISHED: Mapping[str, Published] = {
    "functional": _functional(), "stress": _stress(), "application": _application()
}  # fmt: skip
