"""The values of the edges of a projection in a trial, and the indices with which programs find them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.simulation.edge_layout import BEFORE, LATEST, Layout
from neurosim.backends.snntorch.simulation.operating import compiled_function
from neurosim.backends.snntorch.simulation.plan import Plan
from neurosim.backends.snntorch.simulation.rows import Rows, stable
from neurosim.program.step_program import ProjectionProgram

#: Steps that are kept of the past of presynaptic neurons, beside those of the longest delay, before the oldest go.
SPARE_STEPS = 64
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Ends:
    """Where programs find the neurons at both ends of each edge, and what is kept for them.

    Parameters
    ----------
    rows
        The edges by presynaptic neuron.
    pre, post
        Places of neurons in memory, uint32, (edge,). Where anything is kept for neurons each is followed by, for `pre`,
        the place of the edge in the past of all presynaptic neurons, from the oldest step on, for `post` the neuron.
    past, targets
        What follows, int64, (edge,), also where it does not.
    starts, by_post
        Edges by postsynaptic neuron: where each row begins, and the place of each edge.
    pre_by_post
        What `pre` says, in this order, where it is asked for; else nothing.
    turns
        First edge of each presynaptic neuron and delay, and the number of edges at the end, where delays differ and
        there are no more of these than edges; else nothing.
    """

    rows: Rows | None
    pre: NDArray[np.uint32]
    post: NDArray[np.uint32]
    past: NDArray[np.int64]
    targets: NDArray[np.int64]
    starts: NDArray[np.int64]
    by_post: NDArray[np.uint32]
    pre_by_post: NDArray[np.uint32]
    turns: NDArray[np.uint32]


def find_ends(
    plan: Plan, item: ProjectionProgram, rows: Rows | None, sizes: tuple[int, int], layout: Layout, *, looks_back: bool
) -> Ends:
    """Return where programs find the neurons of a projection; `sizes` are those of both populations."""
    order: Any = slice(None) if rows is None else rows.order
    pre, post = (np.ascontiguousarray(index[order], np.int64) for index in (item.pre_index, item.post_index))
    longest, delay = (0, 0) if rows is None else (rows.longest, rows.delay)
    past = (longest - np.asarray(delay, np.int64)) * sizes[0] + pre
    places = []
    for name, index, kept, more in (
        (item.pre, pre, layout.levels.source, past), (item.post, post, layout.levels.target, post)
    ):  # fmt: skip
        slots = plan.homes[name].slots()[index] if name in plan.homes else np.zeros_like(index)
        places.append((np.stack([slots, more], axis=1).ravel() if kept else slots).astype(np.uint32))
    if rows is None:
        starts, by_post = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint32)
    else:
        starts = np.concatenate([[0], np.cumsum(np.bincount(post, minlength=sizes[1]))]).astype(np.int64)
        by_post = stable(np.arange(len(post), dtype=np.uint32), post, sizes[1])
    pre_by_post = places[0].reshape(len(pre), -1)[by_post if looks_back else slice(0)].ravel()
    turns = np.zeros(0, dtype=np.uint32)
    groups = sizes[0] * (longest + 1)
    if isinstance(delay, np.ndarray) and groups <= len(pre):
        sizes_of = np.bincount(pre * (longest + 1) + delay, minlength=groups)
        turns = np.concatenate([[0], np.cumsum(sizes_of)]).astype(np.uint32)
    return Ends(rows, places[0], places[1], past, post, starts, by_post, pre_by_post, turns)


@dataclass(frozen=True)
class Kept:
    """Some stretches of an array: one after another if `packed`, else where they stood in the array."""

    spans: list[tuple[int, int]]
    numbers: Numbers
    packed: bool


@dataclass(frozen=True)
class Room:
    """Where the values of a projection lie in its array.

    Parameters
    ----------
    layout
        Of the head.
    n
        Edges.
    sizes
        Presynaptic and postsynaptic neurons.
    longest
        The longest delay.
    """

    layout: Layout
    n: int
    sizes: tuple[int, int]
    longest: int

    @property
    def steps(self) -> int:
        """Steps that are kept for presynaptic neurons."""
        return self.longest + 1 + SPARE_STEPS

    def begin(self, variable: str) -> int:
        """Return where the values of a variable begin; of one of presynaptic neurons, its past."""
        before = self.layout.variables[: self.layout.variables.index(variable)]
        if self.layout.together and self.layout.level(variable) == "edge":
            return self.layout.size + len(before)
        return self.layout.size + sum(self._numbers(other) for other in before)

    def _numbers(self, variable: str) -> int:
        level = self.layout.level(variable)
        return {"edge": self.n, "target": self.sizes[1], "source": 2 * self.steps * self.sizes[0]}[level]

    def empty(self) -> Numbers:
        """Return an array whose head says where everything begins."""
        layout = self.layout
        values = np.zeros(self.size)
        for key in layout.variables:
            values[layout.begin(key)] = self.begin(key)
            if layout.level(key) == "source":
                values[layout.begin(key, LATEST)] = self.begin(key) + self.steps * self.sizes[0]
        values[layout.ahead] = self.longest * self.sizes[0]
        values[layout.unsettled] = 1.0
        return values

    def write(self, values: Numbers, given: Mapping[str, Numbers], ends: Ends) -> list[str]:
        """Write what is kept for edges and postsynaptic neurons; return what is not the same for edges of one."""
        failing = []
        for key, numbers in given.items():
            begin, level = self.begin(key), self.layout.level(key)
            if level == "edge":
                self._of_edges(values, begin)[:] = numbers
            elif level == "target":
                kept = values[begin : begin + self.sizes[1]]
                kept[ends.targets] = numbers
                if not same_bits(kept[ends.targets], numbers):
                    failing.append(key)
        return failing

    @property
    def size(self) -> int:
        """Numbers of the array."""
        return self.layout.size + sum(self._numbers(key) for key in self.layout.variables) + 1

    def kept(self, values: Numbers, *, packed: bool) -> Kept:
        """Return what later steps may read of an array: of the past of presynaptic neurons what is not too long ago."""
        kept, n = self.layout.levels.source, self.sizes[0]
        spans = [(0, values.size)]
        if kept:
            now, first, apart = int(values[self.layout.now]), self.begin(kept[0]), self.steps * n
            begins = [first + row * apart for row in range(2 * len(kept))]
            past = [(begin + (now - self.longest) * n, begin + (now + 1) * n) for begin in begins]
            spans = [(0, first), *past, (begins[-1] + apart, values.size)]
        return Kept(spans, np.concatenate([values[begin:end] for begin, end in spans]) if packed else values, packed)

    def put_back(self, values: Numbers, kept: Kept) -> None:
        """Write what was kept to where it stood."""
        place = 0
        for begin, end in kept.spans:
            first = place if kept.packed else begin
            values[begin:end] = kept.numbers[first : first + end - begin]
            place += end - begin

    def opened(self, kept: Kept) -> Numbers:
        """Return an array with what was kept of one, and anything elsewhere."""
        if not kept.packed:
            return kept.numbers
        values = np.empty(self.size)
        self.put_back(values, kept)
        return values

    def _of_edges(self, values: Numbers, begin: int) -> Numbers:
        return values[begin : begin + self.n * self.layout.apart : self.layout.apart][: self.n]

    def read(self, values: Numbers, variable: str, ends: Ends) -> Numbers:
        """Return the values of a variable for each edge."""
        level = self.layout.level(variable)
        if level == "edge":
            return self._of_edges(values, self.begin(variable))
        if level == "target":
            return values[int(values[self.layout.begin(variable, BEFORE)]) + ends.targets]
        return values[int(values[self.layout.begin(variable, LATEST)]) + ends.past]


def same_bits(first: Numbers, second: Numbers) -> bool:
    """Tell whether numbers are the same to the last bit."""
    one, other = (np.ascontiguousarray(numbers, np.float64).view(np.int64) for numbers in (first, second))
    return bool(np.array_equal(one, other))


def spikes_before(past: Sequence[tuple[Any, Any]], trial: int, longest: int) -> tuple[NDArray[np.int32], NDArray[Any]]:
    """Return the neurons that spiked in each of the last steps, the oldest first, and where each step begins."""
    rows = [neurons[trials == trial] for trials, neurons in list(past)[:longest]][::-1]
    rows = [np.zeros(0, dtype=np.int32)] * (longest - len(rows)) + rows
    bounds = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return np.concatenate([np.zeros(0, dtype=np.int32), *rows]).astype(np.int32), bounds


def _tell(given: Any, past: Any, known: Any, told: Any, wrong: Any) -> None:
    """Sort what edges say of the past of their presynaptic neurons, (variable, edge); what they contradict is wrong."""
    for edge in range(past.size):
        place = past[edge]
        for variable in range(given.shape[0]):
            value = given[variable, edge]
            if not told[place]:
                known[variable, place] = value
            elif known[variable, place] != value or np.signbit(known[variable, place]) != np.signbit(value):
                wrong[variable] = True
        told[place] = True


tell = compiled_function(_tell)
