"""The table of operations of a trial: what every step does, in the order of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.simulation import deliveries, drawing, driver, edge_operations
from neurosim.backends.snntorch.simulation.carried import Carried
from neurosim.backends.snntorch.simulation.division import Division, Piece
from neurosim.backends.snntorch.simulation.edge_tables import EdgeTable, spikes_of
from neurosim.backends.snntorch.simulation.feeding import Drawn
from neurosim.backends.snntorch.simulation.neuron_source import ACTIVE, LAST, LIMIT, TOGETHER, Program
from neurosim.backends.snntorch.simulation.operating import FIELDS, operation
from neurosim.backends.snntorch.simulation.plan import WIDTH, Plan, terms_of
from neurosim.backends.snntorch.simulation.programs import compiled_program, function_table
from neurosim.backends.snntorch.simulation.rows import Rows
from neurosim.backends.snntorch.simulation.trial import SpikeBuffer, Trial
from neurosim.backends.snntorch.vectors import LANES
from neurosim.program.step_program import PoissonProgram, PostPathway, ProjectionProgram
from neurosim.random import noise_key

#: What a chunk feeds, by (kind, name, ...): numbers (steps, trials, n or 1).
Fed = Mapping[tuple[str, ...], NDArray[np.float64]]
#: What an edge adds, by projection: to which variable, and one number, or one in the order of the rows.
Amounts = Mapping[str, list[tuple[str, NDArray[np.float64]]]]


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
    division
        Into which parts the table is.
    """

    def __init__(self, plan: Plan, stepper: Carried, rows: Mapping[str, Rows], division: Division) -> None:
        self.plan, self.stepper, self.rows, self.division = plan, stepper, rows, division
        self.amounts: Amounts = {}
        self.drawn, self.seed = Drawn([], {}, {}), 0
        self._written: tuple[Any, ...] = ()
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
        self._tables: dict[tuple[int, ...], tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        self._limits: dict[tuple[int, ...], NDArray[np.int64]] = {}
        self._late: dict[tuple[int, str, int], list[NDArray[Any]]] = {}
        self._delivering_late: set[int] = set()

    def begin(self, amounts: Amounts, drawn: Drawn, seed: int) -> None:
        """Begin a run.

        Parameters
        ----------
        amounts
            What an edge adds, by projection and target: one number, or one in the order of the rows.
        drawn, seed
            What the loop draws, and the seed of the run.
        """
        added = [
            (target, bits(float(amount)) if amount.ndim == 0 else -amount.ctypes.data)
            for targets in amounts.values()
            for target, amount in targets
        ]
        draws = drawn.noise or drawn.counts or drawn.sources
        if (written := (added, seed if draws else None)) != self._written or drawn is not self.drawn:
            self._tables.clear()
            self._limits.clear()
        self.amounts, self.drawn, self.seed, self._written = amounts, drawn, seed, written

    def piece(self, name: str, part: int) -> Piece:
        """Return what a part holds of a population."""
        return self.division.piece(self.plan.homes[name], part)

    def keep(self, name: str, array: NDArray[Any]) -> int:
        """Return the address of an array that is kept under a name."""
        return int(self._named.setdefault(name, np.ascontiguousarray(array)).ctypes.data)

    def _keep(self, array: NDArray[Any]) -> int:
        self._kept.append(array)
        return int(array.ctypes.data)

    def _program(self, name: str, program: Program) -> tuple[int, int, int, int]:
        """Return the address of a program and of its constants, the size of its scratch memory, and its functions."""
        fixed, limit = self.stepper.fixed[name], self.stepper.limit(name)
        constants = [
            limit if value == LIMIT
            else float(fixed[value]) if isinstance(value, str) else value
            for value in program.constants
        ]  # fmt: skip
        numbers = np.array([float(value) for value in (*constants, 0.0)])  # type: ignore[arg-type]
        code = compiled_program(program.text)
        self._kept.append(code)
        return (
            code.address,
            self._keep(numbers),
            program.scratch + 1,
            self._keep(function_table(program.functions)),
        )

    def tables(
        self, trial: Trial, fed: Fed, samples: Sequence[Sequence[list[int]]]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the operations of a chunk, part after part, and where those of each part begin.

        Parameters
        ----------
        trial
            Whose memory they work on.
        fed
            Numbers of the chunk.
        samples
            Operations that take samples, by part.
        """
        steady, key = not fed and not any(samples), self._places(trial)
        if steady and key in self._tables:
            return self._tables[key]
        parts = [[*self._lines(trial, part, fed), *samples[part]] for part in range(self.division.parts)]
        table = _table([line for lines in parts for line in lines])
        found = table, np.cumsum([0, *(len(lines) for lines in parts)])
        if steady:
            self._tables[key] = found
        return found

    @staticmethod
    def _places(trial: Trial) -> tuple[int, ...]:
        """Return what tells where the spikes of a trial lie: they move to where there is more room, and only then."""
        return (trial.number, *(buffer.neurons.size for buffer in trial.spikes.values()))

    def sources(self, trial: Trial) -> NDArray[np.int64]:
        """Return the operations that draw the spikes of sources, which depend on nothing."""
        return _table([self._emit(name, chances, trial) for name, chances in self.drawn.sources.items()])

    def _lines(self, trial: Trial, part: int, fed: Fed) -> list[list[int]]:
        """Return the operations of a part."""
        lines: list[list[int]] = []
        pieces = {name: piece for name, home in self.plan.homes.items() if (piece := self.piece(name, part)).n}
        for key, values in fed.items():
            if key[0] == "fill" and key[1] in pieces:
                row = self._row(values, trial.number)
                lines.append([operation(driver.fill), *row, *_place(pieces[key[1]], key[2]), values.shape[2] == 1])
        lines += [line for name in self.drawn.noise if name in pieces for line in self._noise(name, trial, part)]
        lines += self._graded(pieces)
        lines += [line for name in self.stepper.plastic for line in self.edges[name].advance(trial.edges[name])]
        lines += [self._integrate(name, pieces[name], trial, part) for name in self._integrating if name in pieces]
        for item in self.stepper.deliveries:
            if isinstance(item, PostPathway):
                lines += self._answer(item.projection, trial)
            elif item.post not in pieces:
                continue
            elif isinstance(item, PoissonProgram):
                if item.name in self.drawn.counts:
                    lines += self._counts(item, trial, part)
                else:
                    lines.append(self._pulses(item, fed["add", item.name], trial, part))
            elif item.n:
                lines += self._deliver(item, trial, part) if item.dynamics is None else self._arrive(item, trial)
        return [*lines, *(self._reset(name, pieces[name], trial, part) for name in self._resetting if name in pieces)]

    def _graded(self, pieces: Mapping[str, Piece]) -> list[list[int]]:
        """Return the operations that compute graded input, in the order of the contract."""
        lines: list[list[int]] = []
        zero = self.keep("zero", np.zeros(1))
        for action in self.stepper.graded_schedule:
            if isinstance(action, ProjectionProgram):
                edges, piece = self.edges[action.name], pieces[action.post]
                for target in dict.fromkeys(target for target, _ in edges.graded):
                    lines.append([operation(driver.fill), zero, 0, *_place(piece, target), 1])
                lines += [edges.every(code, edges.values(0)) for _, code in edges.graded if action.n]
                continue
            name, variable = action
            places = terms_of(self.stepper.populations[name], variable)
            if len(dict.fromkeys(places)) == 1 or name not in pieces:
                continue
            form, base, blocks = pieces[name].home.form, pieces[name].base, pieces[name].last - pieces[name].first
            total = form.offset(variable)
            for place, term in enumerate(places[1:]):
                before = total if place else form.offset(places[0])
                line = [operation(driver.add_variables), base, form.stride, form.width, blocks]
                lines.append([*line, before, form.offset(term), total])
        return lines

    def _arrive(self, item: ProjectionProgram, trial: Trial) -> list[list[int]]:
        edges, buffer, rows = self.edges[item.name], trial.spikes[item.pre], self.rows[item.name]
        under_way: list[int] = []
        if isinstance(rows.delay, np.ndarray) and not edges.ends.turns.size:
            under_way = [rows.delay.ctypes.data, *self._under_way(trial, item.name, 0, buffer)]
        return edges.arrive(trial.edges[item.name], spikes_of(buffer), under_way)

    def _answer(self, item: ProjectionProgram, trial: Trial) -> list[list[int]]:
        edges = self.edges[item.name]
        if item.dynamics is None or not item.n:
            return []
        delay = int(item.dynamics.post_delay[0])
        return edges.answer(trial.edges[item.name], spikes_of(trial.spikes[item.post]), delay)

    def rooms(self, trial: Trial, *, of_sources: bool) -> NDArray[np.int64]:
        """Return what tells whether the spikes of a step fit into memory (see :func:`windows.advance`)."""
        key = (of_sources, *self._places(trial))
        if key not in self._limits:
            names = self.drawn.sources if of_sources else self.plan.homes
            lines = [
                [buffer.bounds.ctypes.data, self.stepper.populations[name].n, buffer.neurons.size]
                for name, buffer in trial.spikes.items()
                if name in names
            ]
            self._limits[key] = np.array(lines, dtype=np.int64).reshape(-1, 3)
        return self._limits[key]

    def merges(self, trial: Trial) -> NDArray[np.int64]:
        """Return what puts the spikes of parts together (see :func:`windows.advance`)."""
        lines = []
        for name, found in trial.found.items():
            neurons, bounds = trial.spikes[name].neurons, trial.spikes[name].bounds
            line = [neurons.ctypes.data, bounds.ctypes.data, neurons.size, bounds.size]
            lines.append([*line, found.neurons.ctypes.data, found.bounds.ctypes.data, found.neurons.shape[1]])
        return np.array(lines, dtype=np.int64).reshape(-1, 7)

    def prime(self, table: NDArray[np.int64], before: int) -> None:
        """Find out, for the spikes under way at the start of a chunk, what they reach next."""
        if not self._late:
            return
        plastic = operation(edge_operations.arrive) if self.plan.edges else None
        for line in table:
            if line[0] in self._delivering_late:
                deliveries.prime(line, before, line[5])
            elif line[0] == plastic and line[21] == edge_operations.LATE:
                deliveries.prime(line, before, line[6] + 8)

    @staticmethod
    def _row(values: NDArray[np.float64], number: int) -> list[int]:
        """Return the address of a trial's first row, and how many numbers on the next one is."""
        steps, trials, n = values.shape
        return [int(values.ctypes.data) + 8 * n * number, n * trials if steps > 1 else 0]

    def _own(self, name: str, trial: Trial, part: int) -> list[int]:
        """Return where a part notes the spikes of a population, their bounds, and how many there may be."""
        if name in trial.found:
            found = trial.found[name]
            return [found.neurons[part].ctypes.data, found.bounds[part].ctypes.data, found.neurons.shape[1]]
        return _spikes(trial.spikes[name]) if name in trial.spikes else []

    def _integrate(self, name: str, piece: Piece, trial: Trial, part: int) -> list[int]:
        address, constants, scratch, functions = self._integrating[name]
        home, form = piece.home, piece.home.form
        marks = self.keep(f"marks/{part}", np.zeros(TOGETHER * WIDTH + LANES, dtype=np.uint8))
        latest = form.offset(LAST) if LAST in form.variables else -1
        line = [
            operation(driver.integrate), address, home.base, form.stride, form.width, piece.first, piece.last, home.n,
            latest, constants, self._scratch(scratch, part), functions, marks,
        ]  # fmt: skip
        own = self._own(name, trial, part)
        return [*line, *own, *self._rows_at_once(name, part)] if own else line

    def _rows_at_once(self, name: str, part: int) -> list[int]:
        """Return where the rows lie that the spikes of a population meet in the step in which they come."""
        found = []
        for item in self.stepper.deliveries:
            if isinstance(item, ProjectionProgram) and item.pre == name and item.name in self.amounts and item.n:
                rows = self.rows[item.name]
                if rows.longest == 0 and not rows.everywhere:
                    arrays: list[NDArray[Any]] = [rows.targets, *rows.of_part(part)]
                    arrays += [amount for _, amount in self.amounts[item.name] if amount.ndim]
                    found.append([*(array.ctypes.data for array in arrays), 0][:4])
        return [self.keep(f"at once/{name}/{part}", np.array(found, dtype=np.int64)), len(found)]

    def _scratch(self, size: int, part: int) -> int:
        """Return scratch memory of a part."""
        return self.keep(f"scratch/{size}/{part}", np.zeros(size))

    def _noise(self, name: str, trial: Trial, part: int) -> list[list[int]]:
        """Return the operations that draw the noise of a population."""
        piece, lines = self.piece(name, part), []
        for site in self.stepper.populations[name].noise:
            code = operation(drawing.normal_noise if site.kind == "normal" else drawing.uniform_noise)
            line = [code, 0, 0, *_place(piece, site.symbol), 0, *noise_key(self.seed, name, site.site)]
            pairs = (piece.home.n + 1) // 2
            blocks = self.keep(f"blocks/{pairs}", np.arange(pairs, dtype=np.uint64))
            lines.append([*line, trial.number, self._raw(part), blocks])
        return lines

    def _emit(self, name: str, chances: NDArray[np.float64], trial: Trial) -> list[int]:
        line = [operation(drawing.emit), 0, 0, 0, 0, 0, WIDTH, 0, 0, len(chances), 0, *noise_key(self.seed, name)]
        return [*line, trial.number, self._raw(0), chances.ctypes.data, *_spikes(trial.spikes[name])]

    def _raw(self, part: int) -> int:
        """Return memory for the random bits of a block."""
        return self.keep(f"raw/{part}", np.zeros(WIDTH, dtype=np.uint64))

    def _active(self, item: PoissonProgram) -> int:
        form = self.plan.homes[item.post].form
        masked = item.target in self.stepper.populations[item.post].masked
        return form.offset(ACTIVE) if masked and ACTIVE in form.variables else -1

    def _counts(self, item: PoissonProgram, trial: Trial, part: int) -> list[list[int]]:
        piece, found = self.piece(item.post, part), self.drawn.counts[item.name]
        tables, entries = found.tables.shape
        line = [
            operation(drawing.count if found.chosen is None else drawing.count_some),
            found.tables.ctypes.data,
            tables,
            *_place(piece, item.target),
            self._active(item),
        ]
        line += [*noise_key(self.seed, item.name), trial.number, self._raw(part), found.which.ctypes.data]
        line += [found.weights.ctypes.data, entries, found.coarse.ctypes.data]
        if found.chosen is None:
            return [line]
        within = np.flatnonzero((found.chosen >= piece.neuron) & (found.chosen < piece.neuron + piece.n))
        if not within.size:
            return []
        batch, last = int(within[0]) // WIDTH, int(within[-1]) + 1
        return [[*line, found.chosen.ctypes.data, len(found.chosen), batch * WIDTH, last]]

    def _pulses(self, item: PoissonProgram, values: NDArray[np.float64], trial: Trial, part: int) -> list[int]:
        place = _place(self.piece(item.post, part), item.target)
        return [operation(driver.add_rows), *self._row(values, trial.number), *place, self._active(item)]

    def _deliver(self, item: ProjectionProgram, trial: Trial, part: int) -> list[list[int]]:
        rows, piece, buffer = self.rows[item.name], self.piece(item.post, part), trial.spikes[item.pre]
        form, resting = piece.home.form, self.stepper.populations[item.post].masked
        first, last = rows.of_part(part)
        lines, edges = [], int((last - first).sum())
        for target, amount in self.amounts[item.name]:
            own, masked = amount.ndim > 0, target in resting and ACTIVE in form.variables
            offset = piece.home.base + form.offset(target)
            active = piece.home.base + form.offset(ACTIVE) if masked else 0
            line = [*spikes_of(buffer), last.ctypes.data, first.ctypes.data, rows.targets.ctypes.data]
            line += [amount.ctypes.data, 0] if own else [0, bits(float(amount))]
            line += [offset, active, len(first), len(rows.targets), rows.longest]
            if isinstance(rows.delay, np.ndarray):
                code = operation(deliveries.deliver_late(own=own, masked=masked))
                self._delivering_late.add(code)
                under_way = self._under_way(trial, f"{item.name}/{target}", part, buffer)
                lines.append([code, *line, rows.delay.ctypes.data, *under_way, rows.shortest, form.stride, form.width])
                continue
            code = operation(deliveries.deliver(own=own, masked=masked, everywhere=rows.everywhere))
            kept = self.keep(f"kept/{item.post}/{part}", np.zeros(piece.n)) if masked else 0
            line += [0, piece.base - piece.home.base, kept, piece.n, form.stride, form.width]
            lines.append([code, *line, edges, piece.home.n, piece.neuron])
        return lines

    def _under_way(self, trial: Trial, name: str, part: int, buffer: SpikeBuffer) -> list[int]:
        """Return where each spike under way keeps its next edge, and the step of that."""
        size, key = buffer.neurons.size, (trial.number, name, part)
        found = self._late.get(key)
        if found is None or found[0].size != size:
            found = self._late[key] = [np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int32)]
        return [array.ctypes.data for array in found]

    def _reset(self, name: str, piece: Piece, trial: Trial, part: int) -> list[int]:
        address, constants, scratch, functions = self._resetting[name]
        neurons, bounds, _ = self._own(name, trial, part)
        return [
            operation(driver.reset), address, piece.home.base, constants, self._scratch(scratch, part), functions, 0,
            neurons, bounds,
        ]  # fmt: skip


def _table(lines: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    table = np.zeros((len(lines), FIELDS), dtype=np.int64)
    for place, line in enumerate(lines):
        table[place, : len(line)] = line
    return table


def _spikes(buffer: SpikeBuffer) -> list[int]:
    return [buffer.neurons.ctypes.data, buffer.bounds.ctypes.data, buffer.neurons.size]


def _place(piece: Piece, variable: str) -> list[int]:
    """Return where a variable of a part lies: fields that several operations share."""
    home, form = piece.home, piece.home.form
    return [home.base, form.offset(variable), form.stride, form.width, piece.first, piece.last, home.n]
