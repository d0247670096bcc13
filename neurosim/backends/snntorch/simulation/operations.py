"""The table of operations of a trial: what every step does, in the order of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri as normal

from neurosim.backends.snntorch.simulation import deliveries, drawing, driver, edge_operations
from neurosim.backends.snntorch.simulation.edge_tables import EdgeTable, spikes_of
from neurosim.backends.snntorch.simulation.feeding import Drawn
from neurosim.backends.snntorch.simulation.neuron_source import ACTIVE, LAST, LIMIT, Program
from neurosim.backends.snntorch.simulation.operating import FIELDS, operation
from neurosim.backends.snntorch.simulation.plan import WIDTH, Home, Plan, fixed_limit, terms_of
from neurosim.backends.snntorch.simulation.pointers import loop_of
from neurosim.backends.snntorch.simulation.programs import compiled_program, function_table
from neurosim.backends.snntorch.simulation.rows import Rows
from neurosim.backends.snntorch.simulation.trial import SpikeBuffer, Trial
from neurosim.backends.snntorch.stepper import Stepper
from neurosim.program.step_program import PoissonProgram, PostPathway, ProjectionProgram
from neurosim.random import noise_key

#: What a chunk feeds, by (kind, name, ...): numbers (steps, trials, n or 1).
Fed = Mapping[tuple[str, ...], NDArray[np.float64]]


def bits(number: float) -> int:
    """Return a float's bits as a whole number."""
    return int(np.float64(number).view(np.int64))


class Operations:
    """Writes the table, and keeps alive what it points at.

    Parameters
    ----------
    plan, stepper
        What is simulated, and the values of the run.
    rows
        Edges by projection.
    amounts
        What an edge adds, by projection and target: one number, or one in the order of the rows.
    drawn, seed
        What the loop draws, and the seed of the run.
    """

    def __init__(
        self, plan: Plan, stepper: Stepper, rows: Mapping[str, Rows],
        amounts: Mapping[str, list[tuple[str, NDArray[np.float64]]]], drawn: Drawn, seed: int,
    ) -> None:  # fmt: skip
        self.plan, self.stepper, self.rows, self.amounts = plan, stepper, rows, amounts
        self.drawn, self.seed = drawn, seed
        projections = stepper.program.projections
        self.edges = {name: EdgeTable(plan, stepper, projections[name], rows.get(name)) for name in plan.edges}
        self._kept: list[Any] = []
        self._named: dict[str, NDArray[Any]] = {}
        self._integrating = {
            name: self._program(name, home.form.integrate) for name, home in plan.homes.items() if home.form.integrate
        }
        self._resetting = {
            name: self._program(name, home.form.reset) for name, home in plan.homes.items() if home.form.reset
        }
        self._late: dict[tuple[int, str], list[NDArray[Any]]] = {}

    def keep(self, name: str, array: NDArray[Any]) -> int:
        """Return the address of an array that is kept under a name."""
        return int(self._named.setdefault(name, np.ascontiguousarray(array)).ctypes.data)

    def _keep(self, array: NDArray[Any]) -> int:
        self._kept.append(array)
        return int(array.ctypes.data)

    def _program(self, name: str, program: Program) -> tuple[int, int, int, int]:
        """Return the address of a program, and of its constants, scratch memory and functions."""
        fixed, dynamics = self.stepper.fixed[name], self.stepper.dynamics[name]
        constants = [
            fixed_limit(self.stepper.populations[name], dynamics, fixed) if value == LIMIT
            else float(fixed[value]) if isinstance(value, str) else value
            for value in program.constants
        ]  # fmt: skip
        numbers = np.array([float(value) for value in (*constants, 0.0)])  # type: ignore[arg-type]
        code = compiled_program(program.text)
        self._kept.append(code)
        return (
            code.address, self._keep(numbers), self._keep(np.zeros(program.scratch + 1)),
            self._keep(function_table(program.functions)),
        )  # fmt: skip

    def table(self, trial: Trial, fed: Fed, samples: list[list[int]]) -> NDArray[np.int64]:
        """Return the operations of a chunk.

        Parameters
        ----------
        trial
            Whose memory they work on.
        fed
            Numbers of the chunk.
        samples
            Operations that take samples.
        """
        lines: list[list[int]] = []
        homes = self.plan.homes
        for key, values in fed.items():
            if key[0] == "fill":
                home = homes[key[1]]
                lines.append(
                    [
                        operation(driver.fill),
                        *self._row(values, trial.number),
                        *_place(home, key[2]),
                        values.shape[2] == 1,
                    ]
                )
        lines += [line for name in self.drawn.noise for line in self._noise(name, trial.number)]
        lines += self._graded()
        lines += [
            self.edges[name].every(self.edges[name].codes["integrate"], trial.edges[name])
            for name in self.stepper.plastic
            if "integrate" in self.edges[name].codes
        ]
        lines += [self._integrate(name, homes[name], trial) for name in self._integrating]
        lines += [self._emit(name, chances, trial) for name, chances in self.drawn.sources.items()]
        for item in self.stepper.deliveries:
            if isinstance(item, PoissonProgram):
                drawn = item.name in self.drawn.counts
                lines.append(self._counts(item, trial) if drawn else self._pulses(item, fed["add", item.name], trial))
            elif isinstance(item, PostPathway):
                lines += self._answer(item.projection, trial)
            elif item.n:
                lines += self._deliver(item, trial) if item.dynamics is None else self._arrive(item, trial)
        lines += [self._reset(name, home, trial) for name, home in homes.items() if name in self._resetting]
        table = np.zeros((len(lines) + len(samples), FIELDS), dtype=np.int64)
        for place, line in enumerate((*lines, *samples)):
            table[place, : len(line)] = line
        return table

    def _graded(self) -> list[list[int]]:
        """Return the operations that compute graded input, in the order of the contract."""
        lines: list[list[int]] = []
        zero = self.keep("zero", np.zeros(1))
        for action in self.stepper.graded_schedule:
            if isinstance(action, ProjectionProgram):
                edges, home = self.edges[action.name], self.plan.homes[action.post]
                for target in dict.fromkeys(target for target, _ in edges.graded):
                    lines.append([operation(driver.fill), zero, 0, *_place(home, target), 1])
                lines += [edges.every(code, edges.fixed) for _, code in edges.graded if action.n]
                continue
            name, variable = action
            places = terms_of(self.stepper.populations[name], variable)
            if len(dict.fromkeys(places)) == 1:
                continue
            form, base, blocks = self.plan.homes[name].form, self.plan.homes[name].base, self.plan.homes[name].blocks
            total = form.offset(variable)
            for place, term in enumerate(places[1:]):
                before = total if place else form.offset(places[0])
                line = [operation(driver.add_variables), base, form.stride, form.width, blocks]
                lines.append([*line, before, form.offset(term), total])
        return lines

    def _arrive(self, item: ProjectionProgram, trial: Trial) -> list[list[int]]:
        edges, buffer, rows = self.edges[item.name], trial.spikes[item.pre], self.rows[item.name]
        if "pre" not in edges.codes:
            return []
        under_way: list[int] = []
        if isinstance(rows.delay, np.ndarray):
            under_way = [rows.delay.ctypes.data, *self._under_way(trial, item.name, buffer)]
        return [edges.arrive(trial.edges[item.name], spikes_of(buffer), under_way)]

    def _answer(self, item: ProjectionProgram, trial: Trial) -> list[list[int]]:
        edges = self.edges[item.name]
        if "post" not in edges.codes or item.dynamics is None or not item.n:
            return []
        delay = int(item.dynamics.post_delay[0])
        return [edges.answer(trial.edges[item.name], spikes_of(trial.spikes[item.post]), delay)]

    def rooms(self, trial: Trial) -> NDArray[np.int64]:
        """Return what tells whether a step's spikes fit into memory (see :func:`driver.advance`)."""
        lines = []
        for name, buffer in trial.spikes.items():
            if name in self.plan.homes or name in self.drawn.sources:
                lines.append([buffer.bounds.ctypes.data, self.stepper.populations[name].n, buffer.neurons.size])
        return np.array(lines, dtype=np.int64).reshape(-1, 3)

    def prime(self, table: NDArray[np.int64], before: int) -> None:
        """Find out, for the spikes under way at the start of a chunk, what they reach next."""
        if self._late:
            late, plastic = operation(deliveries.deliver_late), operation(edge_operations.arrive)
            for line in table[(table[:, 0] == late) | ((table[:, 0] == plastic) & (table[:, 21] != 0))]:
                deliveries.prime(line, before)

    @staticmethod
    def _row(values: NDArray[np.float64], number: int) -> list[int]:
        """Return the address of a trial's first row, and how many numbers on the next one is."""
        steps, trials, n = values.shape
        return [int(values.ctypes.data) + 8 * n * number, n * trials if steps > 1 else 0]

    def _integrate(self, name: str, home: Home, trial: Trial) -> list[int]:
        address, constants, scratch, functions = self._integrating[name]
        form = home.form
        marks = self.keep(f"marks/{name}/{trial.number}", np.zeros(form.width, dtype=np.int32))
        latest = form.offset(LAST) if LAST in form.variables else -1
        line = [
            operation(driver.integrate),
            address,
            home.base,
            form.stride,
            form.width,
            0,
            home.blocks,
            home.n,
            latest,
        ]
        line += [constants, scratch, functions, marks]
        if name in trial.spikes:
            line += _spikes(trial.spikes[name])
        return line

    def _noise(self, name: str, number: int) -> list[list[int]]:
        """Return the operations that draw the noise of a population."""
        home, raw = self.plan.homes[name], self._raw(number)
        lines = []
        for site in self.stepper.populations[name].noise:
            function = loop_of(normal) if site.kind == "normal" else (0, 0)
            if function is None:
                raise TypeError("normal numbers are fed where their function is not found")
            key = noise_key(self.seed, name, site.site)
            lines.append([operation(drawing.noise), *function, *_place(home, site.symbol), 0, *key, number, raw])
        return lines

    def _emit(self, name: str, chances: NDArray[np.float64], trial: Trial) -> list[int]:
        buffer, number = trial.spikes[name], trial.number
        line = [
            operation(drawing.emit),
            0,
            0,
            0,
            0,
            0,
            WIDTH,
            0,
            0,
            len(chances),
            0,
            *noise_key(self.seed, name),
            number,
        ]
        return [*line, self._raw(number), chances.ctypes.data, *_spikes(buffer)]

    def _raw(self, number: int) -> int:
        """Return memory for the random bits of a block."""
        return self.keep(f"raw/{number}", np.zeros(WIDTH, dtype=np.uint64))

    def _active(self, item: PoissonProgram) -> int:
        form = self.plan.homes[item.post].form
        masked = item.target in self.stepper.populations[item.post].masked
        return form.offset(ACTIVE) if masked and ACTIVE in form.variables else -1

    def _counts(self, item: PoissonProgram, trial: Trial) -> list[int]:
        home, found = self.plan.homes[item.post], self.drawn.counts[item.name]
        tables, entries = found.tables.shape
        line = [
            operation(drawing.count if found.chosen is None else drawing.count_some),
            found.tables.ctypes.data,
            tables,
            *_place(home, item.target),
            self._active(item),
        ]
        line += [*noise_key(self.seed, item.name), trial.number, self._raw(trial.number), found.which.ctypes.data]
        line += [found.weights.ctypes.data, entries, found.coarse.ctypes.data]
        return line if found.chosen is None else [*line, found.chosen.ctypes.data, len(found.chosen)]

    def _pulses(self, item: PoissonProgram, values: NDArray[np.float64], trial: Trial) -> list[int]:
        place = _place(self.plan.homes[item.post], item.target)
        return [operation(driver.add_rows), *self._row(values, trial.number), *place, self._active(item)]

    def _deliver(self, item: ProjectionProgram, trial: Trial) -> list[list[int]]:
        rows, home, buffer = self.rows[item.name], self.plan.homes[item.post], trial.spikes[item.pre]
        form, masked = home.form, self.stepper.populations[item.post].masked
        lines = []
        for target, amount in self.amounts[item.name]:
            offset = form.offset(target)
            active = form.offset(ACTIVE) if target in masked and ACTIVE in form.variables else -1
            line = [
                operation(deliveries.deliver),
                buffer.neurons.ctypes.data,
                buffer.neurons.size,
                buffer.bounds.ctypes.data,
            ]
            line += [buffer.bounds.size, 1, rows.starts.ctypes.data, rows.slots.ctypes.data]
            line += [0, bits(float(amount))] if amount.ndim == 0 else [amount.ctypes.data, 0]
            line += [offset, active, rows.starts.shape[1] - 1, len(rows.slots), rows.longest]
            kept = 0 if active < 0 else self.keep(f"kept/{item.post}/{trial.number}", np.zeros(home.n))
            line += [int(rows.everywhere), home.base, kept, home.n, form.stride, form.width]
            if isinstance(rows.delay, np.ndarray):
                del line[15:]
                line[0] = operation(deliveries.deliver_late)
                line += [rows.delay.ctypes.data, *self._under_way(trial, f"{item.name}/{target}", buffer)]
            lines.append(line)
        return lines

    def _under_way(self, trial: Trial, name: str, buffer: SpikeBuffer) -> list[int]:
        """Return where each spike under way keeps its next edge, and the step of that."""
        size = buffer.neurons.size
        found = self._late.get((trial.number, name))
        if found is None or found[0].size != size:
            found = [np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int32)]
            self._late[trial.number, name] = found
        return [array.ctypes.data for array in found]

    def _reset(self, name: str, home: Home, trial: Trial) -> list[int]:
        buffer = trial.spikes[name]
        address, constants, scratch, functions = self._resetting[name]
        return [
            operation(driver.reset), address, home.base, constants, scratch, functions, 0, buffer.neurons.ctypes.data,
            buffer.bounds.ctypes.data,
        ]  # fmt: skip


def _spikes(buffer: SpikeBuffer) -> list[int]:
    return [buffer.neurons.ctypes.data, buffer.bounds.ctypes.data, buffer.neurons.size]


def _place(home: Home, variable: str) -> list[int]:
    """Return where a variable lies: fields that several operations share."""
    form = home.form
    return [home.base, form.offset(variable), form.stride, form.width, 0, home.blocks, home.n]
