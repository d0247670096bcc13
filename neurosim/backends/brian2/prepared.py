"""Prepared Brian2 objects, advanced step by step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from neurosim.backends.brian2.network import Objects, build
from neurosim.backends.brian2.texts import count_name, input_name, variable_name
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.evaluation import evaluate
from neurosim.circuit.parts import Injection
from neurosim.program.step_program import Contribution, StepProgram
from neurosim.recording import State


@contextmanager
def preferences(target: str) -> Iterator[None]:
    """Set Brian2's code generation for the time of preparing, and put back what the user had."""
    from brian2 import prefs

    # The programs are in normal form already: rewriting them again could only change the order of operations.
    wanted = {"codegen.target": target, "codegen.loop_invariant_optimisations": False}
    before = {name: prefs[name] for name in wanted}
    try:
        for name, value in wanted.items():
            prefs[name] = value
        yield
    finally:
        for name, value in before.items():
            prefs[name] = value


class Prepared:
    """One network, prepared once and then advanced by running its objects in their order.

    ``Network.run`` prepares every object anew at each call, which costs more than a thousand steps of a small network;
    the loop over the sorted objects is Brian2's own.
    """

    def __init__(self, circuit: Circuit, program: StepProgram, target: str) -> None:
        from brian2 import Network

        self.circuit = circuit
        self.program = program
        with preferences(target):
            self.objects: Objects = build(circuit, program)
            self.network = Network(*self.objects.all)
            self.network._clocks = {self.objects.clock}  # Network.run would set it
            self.network.before_run({})
            runners = [item for item in self.network.sorted_objects if item.active and _does_something(item)]
        self._runners = [item.run for item in runners]
        clock = self.objects.clock.variables
        self._timestep, self._time = clock["timestep"].get_value(), clock["t"].get_value()
        self._dt = float(clock["dt"].get_value()[0])
        self._values = {
            name: {key: variable.get_value() for key, variable in group.variables.items() if _is_array(variable)}
            for name, group in {**self.objects.groups, **self.objects.synapses}.items()
        }
        self._names: dict[tuple[str, str], str] = {}
        self._feeds = self._find_feeds(circuit)
        self._spaces = {
            name: self._values[name]["_spikespace"] for name, item in program.populations.items() if item.spiking
        }

    def _find_feeds(self, circuit: Circuit) -> dict[str, tuple[np.ndarray, Any]]:
        """Return for each input the array that its rows are written into, and where in it."""
        feeds: dict[str, tuple[np.ndarray, Any]] = {}
        for name, item in self.program.populations.items():
            if item.kind != "neurons":
                feeds[name] = (self._values[name]["fed" if item.kind == "spikes" else "signal"], slice(None))
        for name, part in circuit.injections.items():
            if isinstance(part, Injection):
                array = self._values[part.population][input_name(part.variable, name)]
                feeds[name] = (array, np.asarray(part.indices))
        for drive in self.program.poisson:
            feeds[drive.name] = (self._values[drive.post][count_name(drive)], drive.index)
        return feeds

    def value(self, part: str, variable: str) -> np.ndarray:
        """Return the live array of a variable, shape (neuron,) or (edge,)."""
        key = (part, variable)
        if key not in self._names:
            self._names[key] = variable_name(self.program, part, variable)
        array: np.ndarray = self._values[part][self._names[key]]
        return array

    def noise_array(self, part: str, symbol: str) -> np.ndarray:
        """Return the live array that a random symbol is read from."""
        array: np.ndarray = self._values[part][symbol]
        return array

    def feed(self, name: str, row: np.ndarray) -> None:
        """Set the input of the next step."""
        array, where = self._feeds[name]
        array[where] = row

    def set_time(self, step: int) -> None:
        """Put the clock at the start of a step."""
        self._timestep[0] = step
        self._time[0] = step * self._dt
        self.network.t_ = step * self._dt

    def advance(self) -> None:
        """Execute one step."""
        for run in self._runners:
            run()
        self._timestep[0] += 1
        self._time[0] = self._timestep[0] * self._dt

    def spikes(self, population: str) -> np.ndarray:
        """Return the indices of the neurons that spiked in the last step (a view, valid until the next)."""
        space: np.ndarray = self._spaces[population]
        return space[: space[-1]]

    def set_queues(self, history: dict[str, np.ndarray]) -> None:
        """Put the spikes that are under way back into the queues.

        Parameters
        ----------
        history
            Recent spikes of each population, bool (depth, neuron), row 0 the last step done.
        """
        for item in self.program.pulses:
            synapses = self.objects.synapses[item.name]
            if item.n and item.acts_on_pre:
                self._set_queue(synapses.pre.queue, item.pre_index, item.delay, history[item.pre])
            if item.n and item.dynamics is not None and item.acts_on_post:
                self._set_queue(synapses.post.queue, item.post_index, item.dynamics.post_delay, history[item.post])

    def _set_queue(self, queue: Any, neurons: np.ndarray, delay: np.ndarray, history: np.ndarray) -> None:
        rows = arrivals(neurons, delay, history, int(delay.max()))
        if hasattr(queue, "X_flat"):  # the queue in pure Python, where Brian2's compiled one is missing
            pairs = [(ahead, edge) for ahead, row in enumerate(rows) for edge in row]
            longest = max((len(row) for row in rows), default=0)
            shape = (len(rows), max(queue.X.shape[1], longest + 1))
            queue.currenttime = 0
            queue._restore_from_full_state((self._dt, np.array(pairs, dtype=int).reshape(-1, 2), shape))
        else:
            queue._restore_from_full_state((0, rows))

    def restore(self, state: State, trial: int) -> None:
        """Put the network where one trial of a state stands."""
        for name, variables in state.variables.items():
            for variable, values in variables.items():
                self.value(name, variable)[:] = values[trial]
        for name in state.last_spike:
            self.value(name, "lastspike")[:] = state.last_spike[name][trial]
            self.value(name, "not_refractory")[:] = state.not_refractory[name][trial]
        self.set_time(state.step)
        self.set_queues({name: np.asarray(rows)[:, trial] for name, rows in state.spikes.items()})

    def read(self, name: str, variable: str, step: int) -> np.ndarray:
        """Return a copy of what a trace holds at the end of `step`, the last one done: shape (neuron,) or (edge,)."""
        if name in self.program.projections:
            projection = self.program.projections[name]
            if projection.dynamics is not None and variable in projection.dynamics.state:
                return self.value(name, variable).copy()
            return np.array(np.broadcast_to(projection.values[variable], (projection.n,)))
        item = self.program.populations[name]
        if variable in item.state:
            return self.value(name, variable).copy()
        inputs = {key: self._total(name, key, terms) for key, terms in item.inputs.items()}
        if variable in inputs:
            return np.array(inputs[variable])
        names = {key: self.value(name, key) for key in item.state} | inputs | dict(item.parameters)
        time = {"t": step * self.circuit.dt, "dt": self.circuit.dt}
        return np.array(np.broadcast_to(evaluate(item.subexpressions[variable], {**names, **time}), (item.n,)))

    def _total(self, population: str, variable: str, terms: tuple[Contribution, ...]) -> np.ndarray:
        """Return the sum of an input's contributions, left to right, as Brian2's sub-expression adds them."""
        total = self.value(population, input_name(variable, terms[0].source)).copy()
        for term in terms[1:]:
            total = total + self.value(population, input_name(variable, term.source))
        return total

    def state(self, start: State, step: int, seed: int, history: dict[str, np.ndarray]) -> State:
        """Return the state of this trial before `step`.

        Parameters
        ----------
        start
            Any state of the circuit; it names the variables.
        step, seed
            Of the state.
        history
            Recent spikes of each population, bool (depth, neuron), row 0 the last step done.
        """
        return State(
            step=step,
            dt=self.circuit.dt,
            variables={
                name: {variable: self.value(name, variable)[None].copy() for variable in variables}
                for name, variables in start.variables.items()
            },
            spikes={name: rows[:, None] for name, rows in history.items()},
            last_spike={name: self.value(name, "lastspike")[None].copy() for name in start.last_spike},
            not_refractory={
                name: self.value(name, "not_refractory")[None].astype(bool) for name in start.not_refractory
            },
            circuit_digest=self.program.digest,
            seed=seed,
        )


def arrivals(neurons: np.ndarray, delay: np.ndarray, history: np.ndarray, max_delay: int) -> list[list[int]]:
    """Return for each step ahead the edges whose spike arrives then, by (emission, neuron, edge).

    Parameters
    ----------
    neurons, delay
        The neuron whose spike each edge waits for, and its delay in steps.
    history
        Bool (depth, neuron), row ``r`` the spikes of ``r + 1`` steps before the next step.
    max_delay
        Longest delay; ``max_delay + 1`` lists are returned.
    """
    rows: list[list[int]] = [[] for _ in range(max_delay + 1)]
    for back in range(len(history), 0, -1):
        fired = history[back - 1]
        if not fired.any():
            continue
        due = np.flatnonzero(fired[neurons] & (delay >= back))
        due = due[np.argsort(neurons[due], kind="stable")]
        ahead = delay[due] - back
        for step in np.unique(ahead):
            rows[step].extend(due[ahead == step].tolist())
    return rows


def _is_array(variable: Any) -> bool:
    from brian2.core.variables import ArrayVariable

    return isinstance(variable, ArrayVariable)


def _does_something(item: Any) -> bool:
    return bool(getattr(item, "_code_objects", ()))
