"""The memory as an object, against a dictionary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.circuits.ca3_memory.circuit import PROGRAMME, build
from neurosim.circuits.ca3_memory.memory import SAFE_SPACING, Memory, limits
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
from neurosim.errors import CircuitError
from neurosim.units import ms


@pytest.mark.parametrize(("backend", "options"), [("brian2", {}), ("snntorch", {"dtype": "float32"})])
def test_learn_recall_forget(backend: str, options: dict[str, Any]) -> None:
    memory = Memory(cue=4, content=6, backend=backend, **options)
    assert memory.recall_by_cue(1) == memory.recall_by_content([2]) == ()
    memory.learn(1, [2, 3])
    memory.learn(3, {3, 5})
    assert memory.recall_by_cue(1) == (2, 3)
    assert memory.recall_by_content([3]) == (1, 3)
    assert memory.recall_by_content([2, 5, 0]) == (1, 3)
    memory.learn(1, [0])
    assert (memory.recall_by_cue(1), memory.recall_by_content([2]), memory.recall_by_content([0])) == ((0,), (), (1,))
    memory.forget(3)
    memory.forget(2)
    assert (memory.recall_by_cue(3), memory.recall_by_cue(2), memory.recall_by_content([3])) == ((), (), ())
    memory.learn(3, [5])
    assert (memory.recall_by_cue(3), memory.recall_by_content([5])) == ((5,), (3,))
    forward, backward = memory.cue_to_content, memory.content_to_cue
    assert forward.shape == (4, 6)
    assert backward.shape == (6, 4)
    assert (forward[3] > 5e-9).tolist() == [False] * 5 + [True]
    assert forward[3, 3] == pytest.approx(0, abs=1e-15)
    assert backward[5, 3] > 5e-9
    # 4 contents, 2 forgotten, 7 recalls by cue and 8 bits asked for
    assert memory.time == pytest.approx(20e-3 * (4 + 2 + 7 + 8))


def test_a_memory_goes_on_on_the_other_backend() -> None:
    first = Memory(cue=3, content=4, backend="brian2")
    first.learn(0, [0, 2])
    first.learn(2, [1, 2])
    second = Memory(cue=3, content=4, backend="snntorch", dtype="float64", state=first.state)
    assert second.time == first.time
    assert second.recall_by_content([2]) == (0, 2)
    assert first.recall_by_content([2]) == (0, 2)
    assert first.state == second.state


def test_several_bits() -> None:
    with pytest.raises(CircuitError, match="2 bits at once"):
        Memory(cue=2, content=2, queries="refuse").recall_by_content([0, 1])
    found = {}
    for queries in ("together", "split"):
        memory = Memory(cue=4, content=6, queries=queries)
        memory.learn(0, [0, 1])
        memory.learn(3, [4, 5])
        assert [memory.recall_by_content([0, 4]) for _ in range(2)] == 2 * [(0, 3)]
        found[queries] = memory.recall_by_content([0])
    assert found == {"together": (0, 3), "split": (0,)}


def test_what_cannot_be_asked() -> None:
    memory = Memory(cue=2, content=3)
    for wrong, message in (
        (lambda: memory.learn(0, []), "use forget"),
        (lambda: memory.learn(2, [0]), "no cue 2"),
        (lambda: memory.learn(0, [3]), "no bit 3"),
        (lambda: memory.recall_by_content([3]), "no bit 3"),
        (lambda: memory.recall_by_content([]), "one bit at least"),
        (lambda: memory.recall_by_cue(-1), "no cue -1"),
        (lambda: Memory(spacing=7 * ms), "give 8 ms or more"),
        (lambda: Memory(spacing=20.5 * ms), "multiple of 1 ms"),
        (lambda: Memory(queries="joint"), "one of split, refuse, together"),  # type: ignore[arg-type]
    ):
        with pytest.raises(CircuitError, match=message):
            wrong()
    assert memory.time == 0, "a refused operation has changed nothing"


def test_limits_are_said() -> None:
    assert Memory(cue=2, content=2).limits == limits(SAFE_SPACING) == ()
    assert "14 ms apart" in Memory(cue=2, content=2, spacing=14 * ms).limits[0]
    assert "miss" in limits(10)[0]
    assert len(limits(14, "together")) == 2


# -- random programmes -------------------------------------------------------------------------------------------------


def random_programme(
    rng: np.random.Generator, cue: int, content: int, operations: int, spacing: int
) -> list[tuple[int, Operation]]:
    """Return operations of all three kinds: contents that are not empty, queries of one bit."""
    programme: list[tuple[int, Operation]] = []
    for place in range(operations):
        kind = rng.integers(3)
        operation: Operation
        if kind == 0:
            bits = np.flatnonzero(rng.random(content) < 0.5)
            operation = Learn(int(rng.integers(cue)), bits.tolist() or [int(rng.integers(content))])
        elif kind == 1:
            operation = RecallByCue(int(rng.integers(cue)))
        else:
            operation = RecallByContent((int(rng.integers(content)),))
        programme.append((spacing * place, operation))
    return programme


def wrong_recalls(
    cue: int, content: int, spacing: int, *, operations: int, programmes: int, seed: int, backend: str = "snntorch"
) -> tuple[int, int, int]:
    """Return how many recalls by cue and by content are wrong, and how many there are, of programmes run as trials."""
    rng = np.random.default_rng(seed)
    every = [random_programme(rng, cue, content, operations, spacing) for _ in range(programmes)]
    steps = max(length(programme) for programme in every)
    fed = np.stack([drive(programme, cue, content, steps) for programme in every], axis=1).astype(float)
    circuit = build(cue=cue, content=content, programme=())
    recording = ns.simulate(
        circuit, steps * ms, backend=backend, inputs={PROGRAMME: fed}, trials=programmes, record={"out": "spikes"}
    )
    trains = recording.spikes["out"]
    out = np.zeros((programmes, steps, cue + content), dtype=bool)
    out[trains.trials, trains.to_steps(1e-3), trains.neurons] = True
    wrong = {RecallByCue: 0, RecallByContent: 0}
    asked = 0
    for programme, spikes in zip(every, out, strict=True):
        expected = stored_answers(programme)
        found = answers(programme, spikes, cue)
        asked += len(expected)
        for place, right in expected.items():
            wrong[type(programme[place][1])] += found[place] != right
    return wrong[RecallByCue], wrong[RecallByContent], asked


def test_random_programmes_against_a_dictionary() -> None:
    assert wrong_recalls(5, 10, 20, operations=40, programmes=12, seed=1)[:2] == (0, 0)


def test_random_programmes_that_are_too_close() -> None:
    by_cue, by_content, asked = wrong_recalls(5, 10, 7, operations=40, programmes=12, seed=1)
    assert by_content > 0.1 * asked
    assert by_cue < 0.05 * asked


@pytest.mark.slow
@pytest.mark.parametrize(("cue", "content"), [(5, 10), (16, 6), (32, 32), (64, 64)])
def test_300_operations_20_ms_apart(cue: int, content: int) -> None:
    assert wrong_recalls(cue, content, 20, operations=300, programmes=8, seed=2)[:2] == (0, 0)


@pytest.mark.slow
def test_300_operations_on_brian2() -> None:
    assert wrong_recalls(5, 10, 20, operations=300, programmes=1, seed=3, backend="brian2")[:2] == (0, 0)


@pytest.mark.slow
def test_at_14_ms_recalls_are_wrong_now_and_then() -> None:
    by_cue, by_content, asked = wrong_recalls(5, 10, 14, operations=300, programmes=32, seed=4)
    assert by_cue == 0
    assert 0 < by_content < 0.05 * asked
