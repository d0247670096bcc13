"""The memory as an object: contents go in and come back, and the spikes in between are taken care of."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal, TypeAlias

import numpy as np

from neurosim.backends import compile as compile_circuit
from neurosim.backends.session import Session
from neurosim.circuits.ca3_memory.circuit import BACKWARD, FORWARD, PROGRAMME, build
from neurosim.circuits.ca3_memory.operations import (
    LEAST_AFTER_LEARNING,
    Learn,
    Operation,
    RecallByContent,
    RecallByCue,
    answer,
    check_numbers,
    lines,
)
from neurosim.errors import CircuitError
from neurosim.recording import State
from neurosim.units import ms, seconds

#: Steps between operations from which on random programmes of single queries had no wrong answer.
SAFE_SPACING = 20
Queries: TypeAlias = Literal["split", "refuse", "together"]
_QUERIES = ("split", "refuse", "together")


class Memory:
    """A content-addressable memory of spiking neurons that is taught and asked.

    Every operation is fed into the circuit, which then runs on until the next may begin. Weights change at every
    operation, at recalls too.

    Parameters
    ----------
    cue, content
        How many memories there are, and of how many bits.
    backend
        Which backend runs it.
    spacing
        Time from the beginning of an operation to that of the next; 20 ms by default.
    queries
        What to do with a query of several bits: ``"split"`` into queries of one bit each, whose answers are united;
        ``"refuse"``; or ``"together"``, as it was published, which leaves false links.
    state
        Where to go on: the ``state`` of a memory of the same size, on either backend.
    constants
        Other arguments of :func:`~neurosim.circuits.ca3_memory.circuit.build`.
    options
        Of the backend.

    Raises
    ------
    CircuitError
        If the spacing is below the least that the circuit can follow, or there is no cue or bit.

    Notes
    -----
    :attr:`limits` tells what may go wrong with the spacing and queries that were chosen. With the default ones no
    wrong answer was found (``python benchmarks/ca3_recalls.py``).

    The published memory has no operation that forgets: a content learned on a cue replaces what was there. Here the
    circuit has one bit more, which stands for *forgotten* and is learned in place of the content. Learning nothing
    instead would leave the way from the bits to the cue as it was.

    Examples
    --------
    >>> memory = Memory(cue=3, content=4, backend="brian2")
    >>> memory.learn(0, [0, 1])
    >>> memory.learn(2, [1, 3])
    >>> memory.recall_by_cue(2), memory.recall_by_content([1])
    ((1, 3), (0, 2))
    >>> memory.forget(2)
    >>> memory.recall_by_cue(2), memory.recall_by_content([1])
    ((), (0,))
    """

    def __init__(
        self,
        cue: int = 5,
        content: int = 10,
        *,
        backend: str = "snntorch",
        spacing: Any = SAFE_SPACING * ms,
        queries: Queries = "split",
        state: State | None = None,
        constants: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        if queries not in _QUERIES:
            raise CircuitError(f"Memory: queries={queries!r}; give one of {', '.join(_QUERIES)}.")
        self.cue, self.content, self.queries = cue, content, queries
        self.circuit = build(cue=cue, content=content + 1, programme=(), **(constants or {}))
        self.spacing = _whole_steps(spacing, self.circuit.dt)
        if self.spacing < LEAST_AFTER_LEARNING + 1:
            raise CircuitError(
                f"Memory: spacing={self.spacing} ms: the answer to an operation is over after "
                f"{LEAST_AFTER_LEARNING} ms; give {LEAST_AFTER_LEARNING + 1} ms or more, {SAFE_SPACING} ms to be safe."
            )
        simulator = compile_circuit(self.circuit, backend=backend, **options)
        self._session: Session = simulator.session(state=state, record={"out": "spikes"})

    def learn(self, cue: int, content: Collection[int]) -> None:
        """Store a content, the numbers of the bits that are 1, under a cue; what was there is forgotten.

        Raises
        ------
        CircuitError
            If there is no such cue or bit, or no bit is 1: that is what :meth:`forget` is for.
        """
        if not content:
            raise CircuitError("learn: a content without a 1 cannot be found again; use forget(cue).")
        check_numbers("bit", content, self.content)
        self._do(Learn(cue, content))

    def forget(self, cue: int) -> None:
        """Forget what is stored under a cue.

        Raises
        ------
        CircuitError
            If there is no such cue.
        """
        self._do(Learn(cue, (self.content,)))

    def recall_by_cue(self, cue: int) -> tuple[int, ...]:
        """Return the bits of what is stored under a cue; none if nothing is.

        Raises
        ------
        CircuitError
            If there is no such cue.
        """
        bits = self._do(RecallByCue(cue))
        return tuple(sorted(bits - {self.content}))

    def recall_by_content(self, content: Collection[int]) -> tuple[int, ...]:
        """Return the cues under which something with at least one of these bits is stored.

        Raises
        ------
        CircuitError
            If there is no such bit, none is asked for, or several are where the memory refuses that.
        """
        check_numbers("bit", content, self.content)
        bits = sorted(set(content))
        if not bits:
            raise CircuitError("recall_by_content: ask for one bit at least.")
        if len(bits) > 1 and self.queries == "refuse":
            raise CircuitError(
                f"recall_by_content: {len(bits)} bits at once leave links that were never learned; ask for one after "
                "the other, or let queries='split' do so."
            )
        asked = [bits] if self.queries == "together" else [[bit] for bit in bits]
        found = frozenset[int]().union(*(self._do(RecallByContent(query)) for query in asked))
        return tuple(sorted(found))

    @property
    def cue_to_content(self) -> np.ndarray:
        """The weights by which a cue brings back its content, in ampere, (cue, bit)."""
        return self._weights(FORWARD, (self.cue, self.content + 1))[:, : self.content]

    @property
    def content_to_cue(self) -> np.ndarray:
        """The weights by which a bit brings back its cues, in ampere, (bit, cue)."""
        return self._weights(BACKWARD, (self.content + 1, self.cue))[: self.content]

    @property
    def state(self) -> State:
        """All that another memory of the same size needs to go on, on either backend."""
        return self._session.state

    @property
    def time(self) -> float:
        """The time at which the next operation begins, in seconds."""
        return self._session.time

    @property
    def limits(self) -> tuple[str, ...]:
        """What may go wrong with this spacing and these queries, in words; nothing if it is empty."""
        return limits(self.spacing, self.queries)

    def _weights(self, name: str, shape: tuple[int, int]) -> np.ndarray:
        weights: np.ndarray = np.asarray(self.state.variables[name]["w"])[0].reshape(shape)
        return weights

    def _do(self, operation: Operation) -> frozenset[int]:
        n = self.content + 1
        fed = np.zeros((self.spacing, self.cue + n))
        spikes = lines(operation, self.cue, n)
        fed[: len(spikes)] = spikes
        out = self._session.step({PROGRAMME: fed}, n=self.spacing)
        return answer(operation, out["out"]["spikes"][:, 0], self.cue)


def limits(spacing: int, queries: Queries = "split") -> tuple[str, ...]:
    """Return what may go wrong in a memory with a spacing (in steps) and a way to ask for several bits.

    What is said here was found with random programmes held against a dictionary.
    """
    found = []
    if spacing < 14:
        found.append(
            f"{spacing} ms apart, learning weakens links of the operation before: recalls by content miss cues, and "
            "give some whose content was replaced. " + ("" if spacing < 10 else "Recalls by cue are right.")
        )
    elif spacing < SAFE_SPACING:
        found.append(
            f"{spacing} ms apart, recalls by content may rarely give a cue whose content was replaced. Recalls by "
            "cue are right."
        )
    if queries == "together":
        found.append(
            "bits asked together become linked with all cues that answer; asked twice, they answer alone. Bits of "
            "replaced contents may answer together."
        )
    return tuple(found)


def _whole_steps(spacing: Any, dt: float) -> int:
    ratio = seconds(spacing, "Memory: spacing") / dt
    steps = round(ratio)
    if abs(ratio - steps) > 1e-6:
        raise CircuitError(f"Memory: spacing must be a multiple of {dt * 1e3:g} ms, got {spacing}.")
    return steps
