"""The memory as an object, against a dictionary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.circuits.ca3_memory.memory import SAFE_SPACING, Memory, limits
from neurosim.circuits.ca3_memory.random_programmes import count_recalls
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


def test_random_programmes_against_a_dictionary() -> None:
    found = count_recalls(5, 10, 20, operations=40, programmes=12, seed=1)
    assert (found.by_cue_wrong, found.by_content_wrong) == (0, 0)
    assert min(found.by_cue, found.by_content) > 100


def test_random_programmes_that_are_too_close() -> None:
    found = count_recalls(5, 10, 7, operations=40, programmes=12, seed=1)
    assert found.by_content_wrong > 0.2 * found.by_content
    assert found.by_cue_wrong < 0.05 * found.by_cue


@pytest.mark.slow
@pytest.mark.parametrize(("cue", "content"), [(5, 10), (16, 6), (32, 32), (64, 64)])
def test_300_operations_20_ms_apart(cue: int, content: int) -> None:
    found = count_recalls(cue, content, 20, operations=300, programmes=8, seed=2)
    assert (found.by_cue_wrong, found.by_content_wrong) == (0, 0)


@pytest.mark.slow
def test_300_operations_on_brian2() -> None:
    found = count_recalls(5, 10, 20, operations=300, programmes=1, seed=3, backend="brian2")
    assert (found.by_cue_wrong, found.by_content_wrong) == (0, 0)


@pytest.mark.slow
def test_at_14_ms_recalls_are_wrong_now_and_then() -> None:
    found = count_recalls(5, 10, 14, operations=300, programmes=32, seed=4)
    assert found.by_cue_wrong == 0
    assert 0 < found.by_content_wrong < 0.05 * found.by_content


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "options"), [("brian2", {}), ("snntorch", {"dtype": "float32"})])
def test_memory_against_a_dictionary(backend: str, options: dict[str, Any]) -> None:
    """All operations of the object: contents are replaced and forgotten, queries have up to three bits."""
    generator = np.random.default_rng(5)
    memory, stored = Memory(cue=4, content=6, backend=backend, **options), dict[int, set[int]]()
    for place in range(200):
        cue = int(generator.integers(4))
        bits = set(generator.choice(6, size=int(generator.integers(1, 4)), replace=False).tolist())
        kind = generator.integers(5)
        if kind == 0:
            memory.forget(cue)
            stored[cue] = set()
        elif kind <= 2:
            memory.learn(cue, bits)
            stored[cue] = bits
        elif kind == 3:
            assert set(memory.recall_by_cue(cue)) == stored.get(cue, set()), place
        else:
            assert set(memory.recall_by_content(bits)) == {key for key, held in stored.items() if held & bits}, place
