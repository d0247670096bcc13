"""Runs without gradients in compiled programs: chunk after chunk of steps, equal bit for bit to the stepped path."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from neurosim.backends.simulator import Progress, Run
from neurosim.backends.snntorch.simulation import driver
from neurosim.backends.snntorch.simulation.division import LONGEST, divided
from neurosim.backends.snntorch.simulation.feeding import Feed
from neurosim.backends.snntorch.simulation.neuron_source import ACTIVE, LAST
from neurosim.backends.snntorch.simulation.operating import operation
from neurosim.backends.snntorch.simulation.operations import Fed, Operations
from neurosim.backends.snntorch.simulation.plan import Plan, fixed_limit
from neurosim.backends.snntorch.simulation.rows import Rows, make_rows
from neurosim.backends.snntorch.simulation.trial import Trial
from neurosim.backends.snntorch.simulation.windows import advance
from neurosim.backends.snntorch.stepper import NEVER_STEP, Stepper
from neurosim.backends.states import plain_state
from neurosim.recording import RecordingBuilder, State
from neurosim.recording.plan import TracePlan

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule

#: Steps of a chunk at most, and the seconds that it should take: a run can be stopped between two.
MOST_STEPS = 4096
CHUNK_SECONDS = 0.1
#: No spikes to put together.
NOTHING = np.zeros((0, 7), dtype=np.int64)


@torch.no_grad()
def simulate_compiled(
    module: CircuitModule, plan: Plan, run: Run, builder: RecordingBuilder, progress: Progress | None
) -> State:
    """Run without gradients.

    Parameters
    ----------
    module
        In float64 on a CPU.
    plan
        From :func:`neurosim.backends.snntorch.simulation.plan.make_plan`.
    run, builder, progress
        See :meth:`neurosim.backends.simulator.Simulator.run`.
    """
    return _Simulation(module, plan, run, builder, progress).run_all()


class _Simulation:
    def __init__(
        self, module: CircuitModule, plan: Plan, run: Run, builder: RecordingBuilder, progress: Progress | None
    ) -> None:
        self.module, self.plan, self.run, self.builder, self.progress = module, plan, run, builder, progress
        self.stepper = Stepper(module, run.state, exact=True, events=True)
        self.before = max(module.program.history_depth.values(), default=0)
        self.feed = Feed(module, run, self.stepper)
        self.most = MOST_STEPS if self.feed.free else self.feed.most
        self.threads = torch.get_num_threads()
        self.division = divided(plan, self._least_delay(), self.threads)
        self.trials = [
            Trial(plan, self.stepper, number, self.before, self.most, self.division) for number in range(run.trials)
        ]
        for trial in self.trials:
            self.feed.write_constants(trial, plan)
        rows = {item.name: self._rows(item.name) for item in module.program.pulses if item.n}
        amounts = {name: self._amounts(name, rows[name]) for name in rows if name not in plan.edges}
        self.operations = Operations(plan, self.stepper, rows, amounts, self.feed.drawn, run.seed, self.division)
        for trial in self.trials:
            for name in self.stepper.plastic:
                trial.edges[name] = self.operations.edges[name].values(trial.number)
        traces = run.plan.traces
        self.sampled = [trace for trace in traces if self._lies_in_memory(trace)]
        self.looked_up = [trace for trace in traces if not self._lies_in_memory(trace)]

    def _least_delay(self) -> int:
        """Return after how many steps a spike of a neuron arrives at the earliest; 0 where edges have programs."""
        if self.plan.edges:
            return 0
        delays = [
            self.module.part(item.name).whole_delay().min() for item in self.module.program.pulses
            if item.n and item.pre in self.plan.homes
        ]  # fmt: skip
        return int(min(delays, default=LONGEST))

    def _rows(self, name: str) -> Rows:
        item, part = self.module.program.projections[name], self.module.part(name)
        key = (name, self.division.parts)
        if key in self.plan.rows:
            return self.plan.rows[key]
        home = self.plan.homes[item.post]
        sizes = self.module.program.populations
        rows = make_rows(
            item.edges, part.whole_delay(), sizes[item.pre].n, home.n, home.slots(), self.division.bounds(home)
        )  # fmt: skip
        if not part.learns_delays:
            self.plan.rows[key] = rows
        return rows

    def _amounts(self, name: str, rows: Rows) -> list[tuple[str, NDArray[np.float64]]]:
        """Return what each edge adds to which variable: one number, or one in the order of the rows."""
        edges, found = self.stepper.edges[name], []
        for target, printed in self.module.part(name).exact_expressions.terms:
            value = printed({key: edges[key] for key in printed.reads})["value"]
            amount = np.asarray(value, dtype=np.float64)
            found.append((target, amount if amount.ndim == 0 else np.ascontiguousarray(amount[rows.order])))
        return found

    def _lies_in_memory(self, trace: TracePlan) -> bool:
        home = self.plan.homes.get(trace.name)
        item = self.module.program.populations.get(trace.name)
        return home is not None and item is not None and trace.variable in (*item.state, *item.inputs)

    # -- chunks --------------------------------------------------------------------------------------------------

    def run_all(self) -> State:
        """Run to the end, or to where the run is asked to stop."""
        run = self.run
        step, end, steps = run.start, run.start + run.n_steps, min(run.block, self.most)
        while step < end:
            started = time.perf_counter()
            last = min(step + steps, end, self._next_look(step) + 1)
            self._chunk(step, last)
            step = last
            self.stepper.step_number = step
            self._look_up(step - 1)
            if self.progress is not None:
                self.progress(step - run.start, run.n_steps)
            if run.stop.requested:
                break
            seconds = time.perf_counter() - started
            steps = max(1, min(self.most, 2 * steps if 2 * seconds < CHUNK_SECONDS else steps // 2 or 1))
        self._hand_over()
        return plain_state(self.stepper.state(run.seed))

    def _next_look(self, step: int) -> int:
        """Return the next step at whose end something is looked up that no program writes down."""
        return min((trace.first_sample(step) for trace in self.looked_up), default=self.run.start + self.run.n_steps)

    def _chunk(self, first: int, last: int) -> None:
        fed, given = self.feed.chunk(first, last)
        samples = {trace.address: self._sample_room(trace, first, last) for trace in self.sampled}
        for trial in self.trials:
            fired = {name: np.nonzero(rows[:, trial.number]) for name, rows in given.items()}
            lines = self._sample_lines(samples, trial.number)
            step = first
            while step < last:
                begin = step
                for name, (steps, neurons) in fired.items():
                    later = steps >= begin - first
                    trial.spikes[name].feed(steps[later] - (begin - first), neurons[later], last - begin)
                step = self._advance(trial, fed, lines, first, begin, last)
                self._collect(trial, begin, step - begin)
        for trace in self.sampled:
            values = samples[trace.address]
            if values.shape[1]:
                where = trace.first_sample(first)
                self.builder.set_trace(trace.name, trace.variable, values, first_step=where, selected=True)

    def _sample_room(self, trace: TracePlan, first: int, last: int) -> NDArray[np.float64]:
        return np.empty((len(self.trials), len(trace.sample_steps(first, last - first)), trace.selected))

    def _advance(
        self, trial: Trial, fed: Fed, samples: list[list[list[int]]], start: int, first: int, last: int
    ) -> int:  # fmt: skip
        """Take a trial through some steps of a chunk, and return the step before which its memory was full."""
        operations, memory, dt, before = self.operations, trial.memory, self.stepper.dt, self.before
        trial.begin(self.division.window)
        sources = operations.sources(trial)
        if len(sources):
            whole, rooms = np.array([0, len(sources)]), operations.rooms(trial, of_sources=True)
            last = advance(sources, whole, NOTHING, rooms, memory, start, first, last, before, LONGEST, dt, 1)
        table, begins = operations.tables(trial, fed, samples)
        operations.prime(table, before)
        merges, rooms = operations.merges(trial), operations.rooms(trial, of_sources=False)
        window, threads = self.division.window, self.threads
        return advance(table, begins, merges, rooms, memory, start, first, last, before, window, dt, threads)

    def _sample_lines(self, samples: dict[str, NDArray[np.float64]], number: int) -> list[list[list[int]]]:
        """Return the operations that sample variables of a trial, by part."""
        lines: list[list[list[int]]] = [[] for _ in range(self.division.parts)]
        for trace in self.sampled:
            values = samples[trace.address]
            if not values.shape[1]:
                continue
            home = self.plan.homes[trace.name]
            chosen = np.arange(home.n) if trace.neurons is None else np.asarray(trace.neurons)
            for part, own in enumerate(lines):
                piece, key = self.division.piece(home, part), f"{trace.address}/{part}"
                columns = np.flatnonzero((chosen >= piece.neuron) & (chosen < piece.neuron + piece.n))
                if columns.size:
                    slots = self.operations.keep(key, home.slots(trace.variable)[chosen[columns]])
                    places = self.operations.keep(f"{key}/columns", columns)
                    line = [operation(driver.sample), trace.every_steps, slots, columns.size]
                    own.append([*line, values[number].ctypes.data, places, trace.selected])
        return lines

    def _collect(self, trial: Trial, first: int, count: int) -> None:
        """Hand the spikes of some steps on, and let the next chunk begin behind them."""
        for name, buffer in trial.spikes.items():
            if name in self.run.plan.spikes:
                steps, neurons = buffer.take(count)
                self.builder.add_spikes(name, steps + first, trial.number, neurons)
            buffer.drop(count)

    # -- what others read ----------------------------------------------------------------------------------------

    def _look_up(self, step: int) -> None:
        """Sample what no program writes down, from the values handed over to the stepper."""
        due = [trace for trace in self.looked_up if step % trace.every_steps == 0]
        if not due:
            return
        self._hand_over()
        for trace in due:
            value = self.stepper.value(trace.name, trace.variable)
            self.builder.sample(trace.name, trace.variable, step, value)

    def _hand_over(self) -> None:
        """Give the stepper the values of all trials as they are now."""
        stepper, homes = self.stepper, self.plan.homes

        def together(name: str, variable: str) -> torch.Tensor:
            return torch.from_numpy(np.stack([homes[name].read(trial.memory, variable) for trial in self.trials]))

        for name in stepper.plastic:
            edges = self.operations.edges[name]
            each = [edges.given_back(trial.edges[name]) for trial in self.trials]
            stepper.values[name] = {key: torch.from_numpy(np.stack([one[key] for one in each])) for key in each[0]}
        for name, home in homes.items():
            item = stepper.populations[name]
            if item.kind == "signal":
                stepper.values[name] = {"signal": together(name, "signal")}
                continue
            stepper.values[name] = {variable: together(name, variable) for variable in item.state}
            stepper.totals[name] = {variable: together(name, variable) for variable in item.inputs}
            if item.refractory is None:
                continue
            last = together(name, LAST)
            if ACTIVE in home.form.variables:
                stepper.active[name] = together(name, ACTIVE) != 0
            elif stepper.step_number > self.run.start:
                now = stepper.step_number - 1
                limit = fixed_limit(item, stepper.dynamics[name], stepper.fixed[name])
                stepper.active[name] = (now - last >= torch.as_tensor(limit)) & (last != now)
            stepper.last[name] = torch.where(last < NEVER_STEP / 2, NEVER_STEP, last.to(torch.int64))
        for name in stepper.history:
            depth = self.module.program.history_depth[name]
            stepper.history[name] = deque(self._past(name, age) for age in range(1, depth + 1))

    def _past(self, name: str, age: int) -> tuple[NDArray[Any], NDArray[Any]]:
        found = [trial.spikes[name].past(age) for trial in self.trials]
        trials = np.repeat(np.arange(len(found)), [len(neurons) for neurons in found])
        return trials, np.concatenate(found).astype(np.int64)
