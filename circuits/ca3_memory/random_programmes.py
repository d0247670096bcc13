"""How often the memory is wrong: random programmes held against a dictionary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.backends import simulate
from neurosim.circuits.ca3_memory.circuit import PROGRAMME, build
from neurosim.circuits.ca3_memory.operations import (
    Learn,
    Operation,
    RecallByContent,
    RecallByCue,
    answers,
    drive,
    length,
    stored_answers,
)
from neurosim.units import ms


@dataclass(frozen=True)
class Recalls:
    """How many recalls there were by cue and by content, and how many of them were wrong."""

    by_cue: int
    by_cue_wrong: int
    by_content: int
    by_content_wrong: int


def random_programme(
    generator: np.random.Generator, cue: int, content: int, operations: int, spacing: int
) -> list[tuple[int, Operation]]:
    """Return operations of all three kinds: contents that are not empty, queries of one bit.

    Parameters
    ----------
    generator
        Where they are drawn from.
    cue, content
        Size of the memory.
    operations, spacing
        How many, and how many steps apart.
    """
    programme: list[tuple[int, Operation]] = []
    for place in range(operations):
        kind = generator.integers(3)
        operation: Operation
        if kind == 0:
            bits = np.flatnonzero(generator.random(content) < 0.5)
            operation = Learn(int(generator.integers(cue)), bits.tolist() or [int(generator.integers(content))])
        elif kind == 1:
            operation = RecallByCue(int(generator.integers(cue)))
        else:
            operation = RecallByContent((int(generator.integers(content)),))
        programme.append((spacing * place, operation))
    return programme


def count_recalls(
    cue: int, content: int, spacing: int, *, operations: int, programmes: int, seed: int, backend: str = "snntorch"
) -> Recalls:
    """Run random programmes, each a trial of its own, and count the recalls that differ from a dictionary's answers.

    Parameters
    ----------
    cue, content
        Size of the memory.
    spacing
        Steps from one operation to the next.
    operations, programmes
        Operations of each programme, and number of programmes.
    seed
        Of the programmes.
    backend
        What runs them.
    """
    generator = np.random.default_rng(seed)
    every = [random_programme(generator, cue, content, operations, spacing) for _ in range(programmes)]
    steps = max(length(programme) for programme in every)
    fed = np.stack([drive(programme, cue, content, steps) for programme in every], axis=1).astype(float)
    circuit = build(cue=cue, content=content, programme=())
    recording = simulate(
        circuit, steps * ms, backend=backend, inputs={PROGRAMME: fed}, trials=programmes, record={"out": "spikes"}
    )
    trains = recording.spikes["out"]
    out = np.zeros((programmes, steps, cue + content), dtype=bool)
    out[trains.trials, trains.to_steps(circuit.dt), trains.neurons] = True
    asked: dict[type[Operation], int] = {RecallByCue: 0, RecallByContent: 0}
    wrong = dict(asked)
    for programme, spikes in zip(every, out, strict=True):
        found = answers(programme, spikes, cue)
        for place, right in stored_answers(programme).items():
            kind = type(programme[place][1])
            asked[kind] += 1
            wrong[kind] += found[place] != right
    return Recalls(asked[RecallByCue], wrong[RecallByCue], asked[RecallByContent], wrong[RecallByContent])
