"""The reference backend: a circuit run by Brian2's own objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.backends.brian2.prepared import Prepared
from neurosim.backends.brian2.session import Brian2Session
from neurosim.backends.brian2.states import join_trials, recent_spikes
from neurosim.backends.simulator import Progress, Run, Simulator
from neurosim.circuit.circuit import Circuit
from neurosim.errors import BackendError, nearest
from neurosim.program.lowering import lower
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
        self._network: Prepared | None = None

    def _prepared(self) -> Prepared:
        if self._network is None:
            self._network = Prepared(self.circuit, self.program, self.options.target)
        return self._network

    def session(
        self, *, seed: int = 0, trials: int = 1, state: State | None = None, record: Any = None
    ) -> Brian2Session:
        """Start a closed loop; every trial has a prepared network of its own (see :meth:`Simulator.session`)."""
        return Brian2Session(
            self.circuit, self.program, self.options.target, seed=seed, trials=trials, state=state, record=record
        )

    def _metadata(self) -> dict[str, Any]:
        return {"backend": "brian2", "target": self.options.target, "dtype": "float64"}

    def _run(self, run: Run, builder: RecordingBuilder, progress: Progress | None) -> State:
        network = self._prepared()
        trials = [self._trial(network, run, builder, trial, progress) for trial in range(run.trials)]
        for position, trace in enumerate(run.plan.traces):
            rows = [np.stack(samples[position]) for _, samples in trials if samples[position]]
            if rows:
                builder.set_trace(trace.name, trace.variable, np.stack(rows), selected=True)
        return join_trials([state for state, _ in trials])

    def _trial(
        self, network: Prepared, run: Run, builder: RecordingBuilder, trial: int, progress: Progress | None
    ) -> tuple[State, list[list[np.ndarray]]]:
        """Run one trial; return the state at its end and the samples of each trace."""
        network.restore(run.state, trial)
        spiking = [name for name, item in self.program.populations.items() if item.spiking]
        found: dict[str, list[tuple[int, np.ndarray]]] = {name: [] for name in spiking}
        samples: dict[str, list[np.ndarray]] = {trace.address: [] for trace in run.plan.traces}
        end = run.start + run.n_steps
        for first in range(run.start, end, BLOCK):
            last = min(first + BLOCK, end)
            rows = {name: run.inputs.rows(name, first, last)[:, trial] for name in run.inputs.targets}
            noise = [
                (network.noise_array(name, symbol), values[:, trial])
                for name in self.program.populations
                for symbol, values in run.noise(name, first, last).items()
            ]
            for step in range(first, last):
                for name, values in rows.items():
                    network.feed(name, values[step - first])
                for array, values in noise:
                    array[:] = values[step - first]
                network.advance()
                for name in spiking:
                    neurons = network.spikes(name)
                    if len(neurons):
                        found[name].append((step, neurons.copy()))
                for trace in builder.due(step):
                    value = network.read(trace.name, trace.variable, step)
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
        return network.state(run.state, end, run.seed, history), list(samples.values())
