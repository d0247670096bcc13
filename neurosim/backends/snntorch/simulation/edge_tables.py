"""The edges of graded and plastic projections as compiled programs read them, and their lines in the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.simulation import edge_operations
from neurosim.backends.snntorch.simulation.carried import Carried
from neurosim.backends.snntorch.simulation.edge_form import EdgeForm
from neurosim.backends.snntorch.simulation.edge_layout import Layout
from neurosim.backends.snntorch.simulation.edge_values import Ends, Room, find_ends, spikes_before, tell
from neurosim.backends.snntorch.simulation.neuron_source import Program
from neurosim.backends.snntorch.simulation.operating import FIELDS, operation
from neurosim.backends.snntorch.simulation.plan import Plan
from neurosim.backends.snntorch.simulation.programs import compiled_program, function_table
from neurosim.backends.snntorch.simulation.rows import Rows
from neurosim.backends.snntorch.simulation.standing import EdgeReader
from neurosim.backends.snntorch.simulation.trial import SpikeBuffer
from neurosim.program.step_program import ProjectionProgram

#: Address of a program, of its constants, scratch memory and functions.
Code = tuple[int, int, int, int]


class EdgeTable:
    """One projection whose edges have programs.

    Parameters
    ----------
    plan, stepper
        What is simulated, and the values of the run.
    item
        The projection.
    rows
        Its edges by presynaptic neuron; ``None`` for a graded one, whose edges stay in their order.
    """

    def __init__(self, plan: Plan, stepper: Carried, item: ProjectionProgram, rows: Rows | None) -> None:
        self.plan, self.stepper, self.item, self.rows = plan, stepper, item, rows
        self.order: Any = slice(None) if rows is None else rows.order
        self._memory: list[Any] = []
        populations = stepper.program.populations
        self.sizes = (populations[item.pre].n, populations[item.post].n)
        self.chosen = np.zeros(item.n if item.dynamics is not None else 0, dtype=np.uint32)
        # What an edge alone sees of neurons, such as their places in memory, what is kept for them is addressed by.
        self.neurons = [
            plan.homes[name].slots().astype(np.uint32) if name in plan.homes else np.zeros(1, dtype=np.uint32)
            for name in (item.pre, item.post)
        ]
        apart: frozenset[str] = frozenset()
        failing = self._begin(apart)
        while failing:
            apart |= failing
            failing = self._begin(apart)

    def _begin(self, apart: frozenset[str]) -> frozenset[str]:
        """Set up the values of all trials; return the variables with which edges do not begin alike."""
        plan, item, stepper = self.plan, self.item, self.stepper
        self.form: EdgeForm = plan.edges[item.name].form(apart)
        layout = self.form.layout
        self.ends = self._ends(layout)
        self.room = Room(layout, item.n, self.sizes, 0 if self.rows is None else self.rows.longest)
        self._marked = np.array([key in self.form.marked for key in layout.levels.source], dtype=np.int64)
        self._kept_back = np.zeros(self.ends.pre_by_post.size, dtype=np.uint32)
        self.graded = [(target, self._code(program)) for target, program in self.form.graded]
        self.codes = {key: self._code(program) for key, program in (self.form.programs or {}).items()}
        self._trials, failing = list[NDArray[np.float64]](), set[str]()
        for trial in range(stepper.batch if item.dynamics is not None else 1):
            given = {key: self._given(key, trial) for key in layout.variables}
            values = self.room.empty()
            failing |= {*self.room.write(values, given, self.ends)}
            if layout.levels.source:
                failing |= self._replay(values, given, trial)
            self._trials.append(values)
        return frozenset(failing)

    def _ends(self, layout: Layout) -> Ends:
        """Return where programs find neurons, which is kept as long as the rows are the same."""
        known = self.plan.edges[self.item.name].ends
        if layout.levels not in known or known[layout.levels].rows is not self.rows:
            looks_back = self.form.looks_back
            known[layout.levels] = find_ends(self.plan, self.item, self.rows, self.sizes, layout, looks_back=looks_back)
        found: Ends = known[layout.levels]
        return found

    def _given(self, key: str, trial: int) -> NDArray[np.float64]:
        """Return what edges begin with."""
        of_run = self.stepper.values.get(self.item.name, {})
        value = of_run[key][trial] if key in of_run else self.stepper.edges[self.item.name][key]
        return np.asarray(np.broadcast_to(np.asarray(value), (self.item.n,))[self.order], dtype=np.float64)

    def _replay(self, values: NDArray[np.float64], given: dict[str, NDArray[np.float64]], trial: int) -> set[str]:
        """Find the past of presynaptic neurons from what edges see of it; return what does not follow from it."""
        kept, room = self.room.layout.levels.source, self.room
        size = (room.longest + 1) * self.sizes[0]
        known, told, wrong = np.zeros((len(kept), size)), np.zeros(size, dtype=bool), np.zeros(len(kept), dtype=bool)
        tell(np.array([given[key] for key in kept]), self.ends.past, known, told, wrong)
        neurons, bounds = spikes_before(self.stepper.history[self.item.pre], trial, room.longest)
        lines = [self._padded(self._advance(values)), np.zeros(FIELDS, dtype=np.int64)]
        if "source_event" in self.codes:
            lines[1] = self._padded(self._act("source", values, [neurons.ctypes.data, bounds.ctypes.data], 0))
        edge_operations.replay(*lines, known, told, bounds, wrong)
        return {key for key, failed in zip(kept, wrong, strict=True) if failed}

    @staticmethod
    def _padded(line: list[int]) -> NDArray[np.int64]:
        return np.array([*line, *[0] * (FIELDS - len(line))], dtype=np.int64)

    def _code(self, program: Program) -> Code:
        numbers = [self._number(value) if isinstance(value, str) else value for value in program.constants]
        constants = np.array([*numbers, 0.0])
        scratch, table = np.zeros(program.scratch + 1), function_table(program.functions)
        code = compiled_program(program.text, of_edges=True)
        self._memory += [constants, scratch, table, code]
        return code.address, constants.ctypes.data, scratch.ctypes.data, table.ctypes.data

    def _number(self, key: str) -> float:
        side, name = key.split(":")
        if name == "dt":
            return float(self.stepper.dt)
        if side == "edge":
            return float(self.stepper.edges[self.item.name][name])
        return float(self.stepper.fixed[self.item.pre if side == "pre" else self.item.post][name])

    def values(self, trial: int) -> NDArray[np.float64]:
        """Return what is kept for the edges of a trial, as it stands (see :class:`Room`)."""
        return self._trials[trial]

    def read_constants(self, arrays: Sequence[NDArray[np.float64]]) -> None:
        """Write what edges have that no step changes into the arrays of trials, as the module has it now."""
        dynamics = self.item.dynamics
        fixed = [key for key in self.room.layout.variables if dynamics is None or key not in dynamics.state]
        if fixed:
            given = {key: self._given(key, 0) for key in fixed}
            for values in arrays:
                self.room.write(values, given, self.ends)

    def reader(self) -> EdgeReader:
        """Return what reads the variables of the edges."""
        return EdgeReader(self.room, self.ends, self.order)

    # -- lines of the table ----------------------------------------------------------------------------------------

    def every(self, code: Code, values: NDArray[np.float64]) -> list[int]:
        """Return the operation that runs a program on every edge."""
        return [operation(edge_operations.every_edge), *self._on(code, values), *self._edges(), self.item.n]

    def advance(self, values: NDArray[np.float64]) -> list[list[int]]:
        """Return the operations that advance edges, and what is kept for neurons, by a step."""
        codes, layout = self.codes, self.form.layout
        lines = []
        if "edge" in codes and self.form.settles:
            line = [operation(edge_operations.settle), *self.every(codes["edge"], values)[1:]]
            lines.append([*line, layout.numbers, layout.common, *codes.get("common", (0, 0, 0, 0))])
        elif "edge" in codes:
            lines.append(self.every(codes["edge"], values))
        if "source" in codes:
            lines.append(self._advance(values))
        if "target" in codes:
            on = self._on(codes["target"], values)
            lines.append([operation(edge_operations.every_edge), *on, *self._neurons(), self.sizes[1]])
        return lines

    def arrive(self, values: NDArray[np.float64], spikes: list[int], under_way: list[int]) -> list[list[int]]:
        """Return the operations of presynaptic spikes; `under_way` is empty where all delays are the same."""
        if self.rows is None:
            raise TypeError("graded edges have no rows")
        lines = []
        if "pre" in self.codes:
            line = [operation(edge_operations.arrive), *spikes, 1, self.rows.starts.ctypes.data]
            line += self._middle("pre", values, self.sizes[0], self.rows.longest)
            kind = edge_operations.LATE if under_way else edge_operations.AT_ONCE
            if self.ends.turns.size:
                kind, under_way = edge_operations.IN_TURN, [self.ends.turns.ctypes.data, 0, 0]
            lines.append([*line, *(under_way or [0, 0, 0]), *self._behind(), kind, self._flag(values)])
        if "source_event" in self.codes:
            lines.append(self._act("source", values, [spikes[0], spikes[2]], 0))
        return lines

    def answer(self, values: NDArray[np.float64], spikes: list[int], delay: int) -> list[list[int]]:
        """Return the operations of postsynaptic spikes."""
        lines = []
        if "post" in self.codes:
            line = [operation(edge_operations.answer), *spikes, 1, self.ends.starts.ctypes.data]
            line += self._middle("post", values, self.sizes[1], delay)
            sorted_pre, behind = self.ends.pre_by_post, self._behind()
            if sorted_pre.size:
                behind[0] = self._kept_back.ctypes.data
            width = sorted_pre.size // max(1, self.item.n)
            line += [self.ends.by_post.ctypes.data, sorted_pre.ctypes.data, 0, *behind, width, self._flag(values)]
            lines.append(line)
        if "target_event" in self.codes:
            lines.append(self._act("target", values, [spikes[0], spikes[2]], delay))
        return lines

    @staticmethod
    def _on(code: Code, values: NDArray[np.float64]) -> list[int]:
        return [code[0], values.ctypes.data, *code[1:]]

    def _edges(self) -> list[int]:
        return [self.ends.pre.ctypes.data, self.ends.post.ctypes.data]

    def _neurons(self) -> list[int]:
        return [places.ctypes.data for places in self.neurons]

    def _behind(self) -> list[int]:
        return [*self._edges(), self.chosen.ctypes.data]

    def _flag(self, values: NDArray[np.float64]) -> int:
        return int(values.ctypes.data) + 8 * self.form.layout.unsettled

    def _middle(self, key: str, values: NDArray[np.float64], n: int, delay: int) -> list[int]:
        return [*self._on(self.codes[key], values), n, self.item.n, delay]

    def _advance(self, values: NDArray[np.float64]) -> list[int]:
        """Return the operation that advances what is kept for presynaptic neurons."""
        layout, room, kept = self.form.layout, self.room, self.form.layout.levels.source
        line = [operation(edge_operations.advance_sources), *self._on(self.codes["source"], values)]
        line += [*self._neurons(), self.sizes[0], layout.variables.index(kept[0]), len(kept), layout.ahead]
        return [*line, room.steps, room.longest, room.begin(kept[0]), self._marked.ctypes.data]

    def _act(self, level: str, values: NDArray[np.float64], spikes: list[int], delay: int) -> list[int]:
        """Return the operation of spikes on what is kept for neurons."""
        line = [operation(edge_operations.act), *self._on(self.codes[f"{level}_event"], values), *self._neurons()]
        return [*line, self.sizes[0 if level == "source" else 1], *spikes, delay]


def spikes_of(buffer: SpikeBuffer) -> list[int]:
    """Return where the spikes of a population lie, as deliveries read it."""
    return [buffer.neurons.ctypes.data, buffer.neurons.size, buffer.bounds.ctypes.data, buffer.bounds.size]
