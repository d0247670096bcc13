"""The edges of graded and plastic projections as compiled programs read them, and their lines in the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.simulation import edge_operations
from neurosim.backends.snntorch.simulation.edge_source import EdgeForm
from neurosim.backends.snntorch.simulation.neuron_source import Program
from neurosim.backends.snntorch.simulation.operating import operation
from neurosim.backends.snntorch.simulation.plan import Plan
from neurosim.backends.snntorch.simulation.programs import compiled_program, function_table
from neurosim.backends.snntorch.simulation.rows import Rows, stable
from neurosim.backends.snntorch.simulation.trial import SpikeBuffer
from neurosim.backends.snntorch.stepper import Stepper
from neurosim.program.step_program import ProjectionProgram

#: Address of a program, of its constants, scratch memory and functions.
Code = tuple[int, int, int, int]


@dataclass(frozen=True)
class PostRows:
    """The edges of a projection by postsynaptic neuron: where each row begins, and the place of each edge."""

    starts: NDArray[np.int64]
    places: NDArray[np.uint32]


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

    def __init__(self, plan: Plan, stepper: Stepper, item: ProjectionProgram, rows: Rows | None) -> None:
        self.item, self.rows, self.stepper = item, rows, stepper
        self.form: EdgeForm = plan.edges[item.name]
        self.order = slice(None) if rows is None else rows.order
        self._kept: list[Any] = []
        homes = plan.homes
        self.pre = self._slots(homes[item.pre].slots() if item.pre in homes else None, item.pre_index)
        self.post = self._slots(homes[item.post].slots(), item.post_index)
        self.graded = [(target, self._code(program)) for target, program in self.form.graded]
        form = self.form
        self.codes: Mapping[str, Code] = {
            key: self._code(program)
            for key, program in (("integrate", form.integrate), ("pre", form.pre), ("post", form.post))
            if program is not None
        }
        self.fixed = self.values(0)
        self.chosen = np.zeros(item.n if item.dynamics is not None else 0, dtype=np.uint32)
        self.post_rows = self._by_post(stepper) if "post" in self.codes else None

    def _slots(self, slots: NDArray[np.int64] | None, index: NDArray[Any]) -> NDArray[np.uint32]:
        if slots is None:
            return np.zeros(1, dtype=np.uint32)
        return np.ascontiguousarray(slots[index][self.order].astype(np.uint32))

    def _by_post(self, stepper: Stepper) -> PostRows:
        n, post = stepper.program.populations[self.item.post].n, self.item.post_index[self.order]
        starts = np.concatenate([[0], np.cumsum(np.bincount(post, minlength=n))]).astype(np.int64)
        return PostRows(starts, stable(np.arange(len(post), dtype=np.uint32), post, n))

    def _code(self, program: Program) -> Code:
        numbers = [self._number(value) if isinstance(value, str) else value for value in program.constants]
        constants = np.array([*numbers, 0.0])
        scratch, table = np.zeros(program.scratch + 1), function_table(program.functions)
        code = compiled_program(program.text, of_edges=True)
        self._kept += [constants, scratch, table, code]
        return code.address, constants.ctypes.data, scratch.ctypes.data, table.ctypes.data

    def _number(self, key: str) -> float:
        side, name = key.split(":")
        if name == "dt":
            return float(self.stepper.dt)
        if side == "edge":
            return float(self.stepper.edges[self.item.name][name])
        return float(self.stepper.fixed[self.item.pre if side == "pre" else self.item.post][name])

    def values(self, trial: int) -> NDArray[np.float64]:
        """Return what is kept for the edges at the start of a trial, (variable, edge)."""
        rows = []
        for key in self.form.variables:
            if key in self.stepper.values.get(self.item.name, {}):
                value = self.stepper.values[self.item.name][key][trial]
            else:
                value = self.stepper.edges[self.item.name][key]
            rows.append(np.broadcast_to(np.asarray(value), (self.item.n,))[self.order])
        return np.ascontiguousarray(rows, dtype=np.float64) if rows else np.zeros((1, 1))

    def given_back(self, values: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return the variables of the edges in the order of the circuit."""
        found = {}
        for place, key in enumerate(self.form.variables):
            if self.item.dynamics is not None and key in self.item.dynamics.state:
                found[key] = np.empty(self.item.n)
                found[key][self.order] = values[place]
        return found

    def every(self, code: Code, values: NDArray[np.float64]) -> list[int]:
        """Return the operation that runs a program on every edge."""
        ends = [self.pre.ctypes.data, self.post.ctypes.data]
        return [operation(edge_operations.every_edge), code[0], values.ctypes.data, *code[1:], *ends, self.item.n]

    def arrive(self, values: NDArray[np.float64], spikes: list[int], under_way: list[int]) -> list[int]:
        """Return the operation of presynaptic spikes; `under_way` is empty where all delays are the same."""
        if self.rows is None:
            raise TypeError("graded edges have no rows")
        line = [operation(edge_operations.arrive), *spikes, 1, self.rows.starts.ctypes.data]
        line += self._middle("pre", values, len(self.rows.starts) - 1, self.rows.longest)
        return [*line, *(under_way or [0, 0, 0]), *self._ends(), int(bool(under_way))]

    def answer(self, values: NDArray[np.float64], spikes: list[int], delay: int) -> list[int]:
        """Return the operation of postsynaptic spikes."""
        if self.post_rows is None:
            raise TypeError("nothing happens at postsynaptic spikes")
        line = [operation(edge_operations.answer), *spikes, 1, self.post_rows.starts.ctypes.data]
        line += self._middle("post", values, len(self.post_rows.starts) - 1, delay)
        return [*line, self.post_rows.places.ctypes.data, 0, 0, *self._ends()]

    def _middle(self, key: str, values: NDArray[np.float64], n: int, delay: int) -> list[int]:
        code = self.codes[key]
        return [code[0], values.ctypes.data, *code[1:], n, self.item.n, delay]

    def _ends(self) -> list[int]:
        return [array.ctypes.data for array in (self.pre, self.post, self.chosen)]


def spikes_of(buffer: SpikeBuffer) -> list[int]:
    """Return where the spikes of a population lie, as deliveries read it."""
    return [buffer.neurons.ctypes.data, buffer.neurons.size, buffer.bounds.ctypes.data, buffer.bounds.size]
