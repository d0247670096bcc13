"""Runs without gradients in compiled programs: chunk after chunk of steps, equal bit for bit to the stepped path."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.simulator import Progress, Run
from neurosim.backends.snntorch.simulation import driver
from neurosim.backends.snntorch.simulation.division import LONGEST
from neurosim.backends.snntorch.simulation.machine import Machine, prepared
from neurosim.backends.snntorch.simulation.operating import operation
from neurosim.backends.snntorch.simulation.operations import Fed
from neurosim.backends.snntorch.simulation.plan import Plan
from neurosim.backends.snntorch.simulation.simulated import Simulated
from neurosim.backends.snntorch.simulation.standing import Standing
from neurosim.backends.snntorch.simulation.trial import Trial
from neurosim.backends.snntorch.simulation.windows import advance
from neurosim.recording import RecordingBuilder, State
from neurosim.recording.plan import TracePlan

#: Steps of a chunk at most, and the seconds that it should take: a run can be stopped between two.
MOST_STEPS = 4096
CHUNK_SECONDS = 0.1
#: No spikes to put together.
NOTHING = np.zeros((0, 7), dtype=np.int64)


def simulate_compiled(
    simulated: Simulated, plan: Plan, run: Run, builder: RecordingBuilder, progress: Progress | None
) -> State:
    """Run without gradients.

    Parameters
    ----------
    simulated
        A circuit, or a module in float64 on a CPU.
    plan
        From :func:`neurosim.backends.snntorch.simulation.plan.make_plan`.
    run, builder, progress
        See :meth:`neurosim.backends.simulator.Simulator.run`.
    """
    return _Simulation(prepared(simulated, plan, run, MOST_STEPS), run, builder, progress).run_all()


class _Simulation:
    def __init__(self, machine: Machine, run: Run, builder: RecordingBuilder, progress: Progress | None) -> None:
        self.machine, self.run, self.builder, self.progress = machine, run, builder, progress
        self.plan, self.stepper, self.feed = machine.plan, machine.stepper, machine.feed
        self.trials, self.operations, self.division = machine.trials, machine.operations, machine.division
        self.before = machine.before
        self.most = min(machine.most, MOST_STEPS if self.feed.free else self.feed.most)
        traces = run.plan.traces
        self.sampled = [trace for trace in traces if self._lies_in_memory(trace)]
        self.looked_up = [trace for trace in traces if not self._lies_in_memory(trace)]
        self._places: dict[str, NDArray[np.int64]] = {}

    def _lies_in_memory(self, trace: TracePlan) -> bool:
        home = self.plan.homes.get(trace.name)
        item = self.stepper.populations.get(trace.name)
        return home is not None and item is not None and trace.variable in (*item.state, *item.inputs)

    # -- chunks --------------------------------------------------------------------------------------------------

    def run_all(self) -> State:
        """Run to the end, or to where the run is asked to stop."""
        run = self.run
        step, end, steps = run.start, run.start + run.n_steps, min(self.machine.pace or run.block, self.most)
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
        self.machine.pace = steps
        return self._end(step)

    def _end(self, step: int) -> State:
        """Return the state at the end, and leave the machine to the next run."""
        standing = self.machine.left(step)
        if standing is None:  # arrays are made here, so that nothing else stays in memory
            return replace(Standing(self.machine.frame, step, self.trials, copied=False).state(self.run.seed))
        return standing.state(self.run.seed)

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
        window, threads = self.division.window, self.machine.threads
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
                    if key not in self._places:  # kept alive for as long as the loop may read them
                        self._places[key] = home.slots(trace.variable)[chosen[columns]]
                        self._places[f"{key}/columns"] = columns
                    slots, places = (self._places[name].ctypes.data for name in (key, f"{key}/columns"))
                    line = [operation(driver.sample), trace.every_steps, slots, columns.size]
                    own.append([*line, values[number].ctypes.data, places, trace.selected])
        return lines

    def _collect(self, trial: Trial, first: int, count: int) -> None:
        """Hand the spikes of some steps on, and let the next chunk begin behind them."""
        for name, buffer in trial.spikes.items():
            if name in self.run.plan.spikes:
                self.builder.add_rows(name, first, trial.number, *buffer.take(count))
            buffer.drop(count)

    # -- what others read ----------------------------------------------------------------------------------------

    def _look_up(self, step: int) -> None:
        """Sample what no program writes down, from the values handed over to the stepper."""
        due = [trace for trace in self.looked_up if step % trace.every_steps == 0]
        if not due:
            return
        self._hand_over(step)
        for trace in due:
            value = self.stepper.value(trace.name, trace.variable)
            self.builder.sample(trace.name, trace.variable, step, value)

    def _hand_over(self, step: int) -> None:
        """Give the stepper the values of all trials as they are now, after a step."""
        stepper, standing = self.stepper, Standing(self.machine.frame, step + 1, self.trials, copied=False)

        def together(name: str, variables: Iterable[str]) -> dict[str, NDArray[np.float64]]:
            return {key: standing.neurons(name, key) for key in variables}

        for name in stepper.plastic:
            dynamics = stepper.projections[name].dynamics
            keys = () if dynamics is None else dynamics.state
            stepper.values[name] = {key: standing.edges(name, key) for key in keys}
        for name in self.plan.homes:
            item = stepper.populations[name]
            if item.kind == "signal":
                stepper.values[name] = together(name, ["signal"])
                continue
            stepper.values[name], stepper.totals[name] = together(name, item.state), together(name, item.inputs)
            if item.refractory is not None:
                stepper.active[name] = standing.active(name)
                stepper.last[name] = standing.last_steps(name)
