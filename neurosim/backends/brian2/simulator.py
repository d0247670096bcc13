"""The reference backend: a circuit run by Brian2's own objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.backends.brian2.session import Session
from neurosim.backends.brian2.texts import input_name
from neurosim.backends.simulator import Progress, Run, Simulator
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.evaluation import evaluate
from neurosim.errors import BackendError, nearest
from neurosim.program.lowering import lower
from neurosim.program.step_program import Contribution
from neurosim.recording import RecordingBuilder, State

#: Steps whose inputs and noise are computed at once.
BLOCK = 256
TARGETS = ("numpy", "cython")


@dataclass(frozen=True)
class Brian2Options:
    """Options of the Brian2 backend.

    Parameters
    ----------
    target
        Code generation target: ``"numpy"`` (no compiler needed) or ``"cython"`` (compiles for about a minute, then
        runs faster).
    """

    target: str = "numpy"

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise BackendError(f"Brian2 target {self.target!r} is unknown.{nearest(self.target, TARGETS)}")


class Brian2Simulator(Simulator):
    """A circuit ready to run in Brian2.

    Parameters
    ----------
    circuit
        What to run.
    options
        See :class:`Brian2Options`.
    """

    def __init__(self, circuit: Circuit, options: Brian2Options) -> None:
        self.circuit = circuit
        self.options = options
        self.program = lower(circuit)
        self._session: Session | None = None

    def _prepared(self) -> Session:
        if self._session is None:
            self._session = Session(self.circuit, self.program, self.options.target)
        return self._session

    def _metadata(self) -> dict[str, Any]:
        return {"backend": "brian2", "target": self.options.target, "dtype": "float64"}

    def _run(self, run: Run, builder: RecordingBuilder, progress: Progress | None) -> State:
        session = self._prepared()
        trials = [self._trial(session, run, builder, trial, progress) for trial in range(run.trials)]
        for position, trace in enumerate(run.plan.traces):
            rows = [np.stack(samples[position]) for _, samples in trials if samples[position]]
            if rows:
                builder.set_trace(trace.name, trace.variable, np.stack(rows), selected=True)
        return join_trials([state for state, _ in trials])

    def _trial(
        self, session: Session, run: Run, builder: RecordingBuilder, trial: int, progress: Progress | None
    ) -> tuple[State, list[list[np.ndarray]]]:
        """Run one trial; return the state at its end and the samples of each trace."""
        self._restore(session, run.state, trial)
        spiking = [name for name, item in self.program.populations.items() if item.spiking]
        found: dict[str, list[tuple[int, np.ndarray]]] = {name: [] for name in spiking}
        samples: dict[str, list[np.ndarray]] = {trace.address: [] for trace in run.plan.traces}
        end = run.start + run.n_steps
        for first in range(run.start, end, BLOCK):
            last = min(first + BLOCK, end)
            rows = {name: run.inputs.rows(name, first, last)[:, trial] for name in run.inputs.targets}
            noise = [
                (session.noise_array(name, symbol), values[:, trial])
                for name in self.program.populations
                for symbol, values in run.noise(name, first, last).items()
            ]
            for step in range(first, last):
                for name, values in rows.items():
                    session.feed(name, values[step - first])
                for array, values in noise:
                    array[:] = values[step - first]
                session.advance()
                for name in spiking:
                    neurons = session.spikes(name)
                    if len(neurons):
                        found[name].append((step, neurons.copy()))
                for trace in builder.due(step):
                    value = self._value(session, trace.name, trace.variable, step)
                    samples[trace.address].append(value if trace.neurons is None else value[trace.neurons])
            if progress is not None:
                progress(trial * run.n_steps + last - run.start, run.trials * run.n_steps)
        for name in set(spiking) & set(run.plan.spikes):
            if found[name]:
                steps = np.repeat([step for step, _ in found[name]], [len(neurons) for _, neurons in found[name]])
                builder.add_spikes(name, steps, trial, np.concatenate([neurons for _, neurons in found[name]]))
        history = {
            name: recent_spikes(run.state.spikes[name][:, trial], found[name], end, run.n_steps) for name in spiking
        }
        return self._state(session, run, trial, history), list(samples.values())

    def _restore(self, session: Session, state: State, trial: int) -> None:
        for name, variables in state.variables.items():
            for variable, values in variables.items():
                session.value(name, variable)[:] = values[trial]
        for name in state.last_spike:
            session.value(name, "lastspike")[:] = state.last_spike[name][trial]
            session.value(name, "not_refractory")[:] = state.not_refractory[name][trial]
        session.set_time(state.step)
        session.set_queues({name: np.asarray(rows)[:, trial] for name, rows in state.spikes.items()})

    def _value(self, session: Session, name: str, variable: str, step: int) -> np.ndarray:
        if name in self.program.projections:
            projection = self.program.projections[name]
            return np.array(np.broadcast_to(projection.values[variable], (projection.n,)))
        item = self.program.populations[name]
        if variable in item.state:
            return session.value(name, variable).copy()
        inputs = {key: _total(session, name, key, terms) for key, terms in item.inputs.items()}
        if variable in inputs:
            return np.array(inputs[variable])
        names = {key: session.value(name, key) for key in item.state} | inputs | dict(item.parameters)
        time = {"t": step * self.circuit.dt, "dt": self.circuit.dt}
        return np.array(np.broadcast_to(evaluate(item.subexpressions[variable], {**names, **time}), (item.n,)))

    def _state(self, session: Session, run: Run, trial: int, history: dict[str, np.ndarray]) -> State:
        return State(
            step=run.start + run.n_steps,
            dt=self.circuit.dt,
            variables={
                name: {variable: session.value(name, variable)[None].copy() for variable in variables}
                for name, variables in run.state.variables.items()
            },
            spikes={name: rows[:, None] for name, rows in history.items()},
            last_spike={name: session.value(name, "lastspike")[None].copy() for name in run.state.last_spike},
            not_refractory={
                name: session.value(name, "not_refractory")[None].astype(bool) for name in run.state.not_refractory
            },
            circuit_digest=self.program.digest,
            seed=run.seed,
        )


def _total(session: Session, population: str, variable: str, terms: tuple[Contribution, ...]) -> np.ndarray:
    """Return the sum of an input's contributions, left to right, as Brian2's sub-expression adds them."""
    total = session.value(population, input_name(variable, terms[0].source)).copy()
    for term in terms[1:]:
        total = total + session.value(population, input_name(variable, term.source))
    return total


def recent_spikes(before: np.ndarray, found: list[tuple[int, np.ndarray]], end: int, n_steps: int) -> np.ndarray:
    """Return the spikes of the last steps, bool (depth, neuron), row 0 the last step.

    Parameters
    ----------
    before
        The same at the start of the run.
    found
        (step, neurons) of the run, ascending.
    end, n_steps
        Step after the last, and length of the run.
    """
    depth = len(before)
    rows = np.zeros_like(before, dtype=bool)
    if n_steps < depth:
        rows[n_steps:] = before[: depth - n_steps]
    for step, neurons in reversed(found):
        if end - 1 - step >= depth:
            break
        rows[end - 1 - step, neurons] = True
    return rows


def join_trials(states: list[State]) -> State:
    """Return single-trial states as one state of all trials."""
    from dataclasses import replace

    first = states[0]
    if len(states) == 1:
        return first

    def joined(pick: Any, axis: int) -> dict[str, Any]:
        return {key: np.concatenate([pick(state)[key] for state in states], axis=axis) for key in pick(first)}

    return replace(
        first,
        trials=len(states),
        variables={name: joined(lambda state, name=name: state.variables[name], 0) for name in first.variables},
        spikes=joined(lambda state: state.spikes, 1),
        last_spike=joined(lambda state: state.last_spike, 0),
        not_refractory=joined(lambda state: state.not_refractory, 0),
    )
