"""The published experiments of the memory, run and held against what was reported, spike for spike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.backends import compile as compile_circuit
from neurosim.circuits.ca3_memory.circuit import NAME, build
from neurosim.circuits.ca3_memory.operations import (
    Learn,
    Operation,
    Programme,
    RecallByCue,
    answers,
    length,
    stored_answers,
)
from neurosim.circuits.ca3_memory.protocol import COUNTED, PUBLISHED, Published
from neurosim.circuits.ca3_memory.templates import Spike, expected_spikes
from neurosim.experiments import Reproduction, Row
from neurosim.random import Stream
from neurosim.recording import Recording
from neurosim.units import ms

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Cues and bits of the memory that is filled to its last cue.
FULL, FULL_QUICK = 64, 8


@dataclass(frozen=True)
class Outcome:
    """What a programme did.

    Parameters
    ----------
    recording
        Spikes of all populations.
    spikes
        The same as (step, population, neuron), input lines excepted, of the first trial.
    answers
        What each recall brought, by its place in the programme.
    """

    recording: Recording
    spikes: set[Spike]
    answers: dict[int, frozenset[int]]


def run(
    programme: Programme, cue: int, content: int, *, steps: int | None = None, backend: str = "brian2",
    options: Mapping[str, Any] | None = None, record: Any = None, **constants: Any,
) -> Outcome:  # fmt: skip
    """Run a programme on a memory that has learned nothing.

    Parameters
    ----------
    programme, cue, content
        The operations with their steps, and the size of the memory.
    steps
        How long to run; by default until all is quiet.
    backend, options
        As for ``neurosim.compile``.
    record
        As for ``simulate``, the spikes of all populations among it; by default these alone.
    constants
        Other arguments of :func:`~neurosim.circuits.ca3_memory.circuit.build`.
    """
    steps = length(programme) if steps is None else steps
    circuit = build(cue=cue, content=content, programme=programme, **constants)
    recording = compile_circuit(circuit, backend=backend, **(options or {})).run(steps * ms, record=record)
    return Outcome(recording, spikes_of(recording), answers(programme, _dense(recording, steps), cue))


def spikes_of(recording: Recording, trial: int = 0) -> set[Spike]:
    """Return the spikes of a trial as (step, population, neuron), input lines excepted."""
    found: set[Spike] = set()
    for name, trains in recording.spikes.items():
        if name != "input":
            chosen = trains.trials == trial
            steps = trains.to_steps(1e-3)[chosen].tolist()
            found |= {(step, name, neuron) for step, neuron in zip(steps, trains.neurons[chosen].tolist(), strict=True)}
    return found


def _dense(recording: Recording, steps: int) -> np.ndarray:
    """Return the spikes of "out" of the first trial, bool (step, neuron)."""
    trains = recording.spikes["out"]
    dense = np.zeros((steps, trains.n), dtype=bool)
    chosen = trains.trials == 0
    dense[trains.to_steps(1e-3)[chosen], trains.neurons[chosen]] = True
    return dense


def reproduce(*, quick: bool, backend: str, options: Mapping[str, Any]) -> Reproduction:
    """Run the three published experiments, and fill a memory of 64 x 64 (quick: 8 x 8) to its last cue."""
    outcomes = {
        name: run(item.programme, item.cue, item.content, steps=item.steps, backend=backend, options=options)
        for name, item in PUBLISHED.items()
    }
    rows = [row for name, outcome in outcomes.items() for row in _rows(name, PUBLISHED[name], outcome)]
    rows += _capacity(FULL_QUICK if quick else FULL, backend, options)

    def draw() -> Figure:
        from neurosim.circuits.ca3_memory.figure import figure

        return figure(outcomes["functional"].recording, PUBLISHED["functional"])

    return Reproduction(NAME, tuple(rows), draw=draw)


def _rows(name: str, experiment: Published, outcome: Outcome) -> list[Row]:
    expected = expected_spikes(experiment.programme, experiment.cue)
    counts = Counter(_counted(spike, experiment.cue) for spike in outcome.spikes)
    right = sum(outcome.answers[place] == bits for place, bits in experiment.answers.items())
    return [
        Row(f"{name}: spikes", sum(experiment.counts), len(outcome.spikes)),
        Row(f"{name}: spikes that differ from the templates", 0, len(expected ^ outcome.spikes)),
        Row(f"{name}: recalls answered as published", len(experiment.answers), right),
        *(
            Row(f"{name}: spikes of {title}", reported, counts[population])
            for (population, title), reported in zip(COUNTED.items(), experiment.counts, strict=True)
        ),
    ]


def _counted(spike: Spike, cue: int) -> str:
    _, population, neuron = spike
    return population if population != "out" else "out_cue" if neuron < cue else "out_content"


def _capacity(n: int, backend: str, options: Mapping[str, Any]) -> list[Row]:
    """Return what becomes of as many random memories as there are cues, learned in random order, 14 ms apart."""
    stream = Stream(1, f"{NAME}/capacity")
    bits = stream.uniform(n * n).reshape(n, n) < 0.5
    bits[np.arange(n), np.arange(n)] = True
    order = np.argsort(stream.uniform(n)).tolist()
    operations: list[Operation] = [Learn(cue, np.flatnonzero(bits[cue]).tolist()) for cue in order]
    operations += [RecallByCue(cue) for cue in range(n)]
    programme = [(14 * place, operation) for place, operation in enumerate(operations)]
    outcome = run(programme, n, n, backend=backend, options=options, record={"out": "spikes"})
    right = sum(outcome.answers[place] == answer for place, answer in stored_answers(programme).items())
    return [Row(f"memories of {n} bits that {n} cues recall", n, right)]
