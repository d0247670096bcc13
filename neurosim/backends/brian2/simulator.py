"""The reference backend: a circuit run by Brian2's own objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.backends.brian2.outcome import report
from neurosim.backends.brian2.prepared import Prepared
from neurosim.backends.brian2.project import Project
from neurosim.backends.brian2.session import Brian2Session
from neurosim.backends.brian2.states import join_trials, recent_spikes
from neurosim.backends.simulator import Progress, Run, Simulator
from neurosim.circuit.circuit import Circuit
from neurosim.errors import BackendError, UnsupportedError, nearest
from neurosim.program.lowering import lower
from neurosim.recording import RecordingBuilder, State

STANDALONE = "cpp_standalone"
TARGETS = ("numpy", "cython", STANDALONE)


@dataclass(frozen=True)
class Brian2Options:
    """Options of the Brian2 backend.

    Parameters
    ----------
    target
        Code generation target: ``"numpy"`` (no compiler needed), ``"cython"`` (compiles for about a minute, then runs
        faster), or ``"cpp_standalone"`` (a C++ program, built in a process of its own and run from the initial state).
    directory
        Of ``"cpp_standalone"``: where the program is built, kept for inspection. By default a temporary folder.
    timeout
        Of ``"cpp_standalone"``: seconds that building, and running, may take each.
    """

    target: str = "numpy"
    directory: str | Path | None = None
    timeout: float | None = None

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise BackendError(f"Brian2 target {self.target!r} is unknown.{nearest(self.target, TARGETS)}")
        for name in ("directory", "timeout"):
            if getattr(self, name) is not None and self.target != STANDALONE:
                raise BackendError(f"{name}= is an option of target={STANDALONE!r}, not of {self.target!r}.")
        if self.timeout is not None and not self.timeout > 0:
            raise BackendError(f"timeout= must be a positive number of seconds, got {self.timeout!r}.")


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
        self._project: Project | None = None
        if options.target == STANDALONE:
            self._project = Project(circuit, self.program, options.directory, options.timeout)

    @property
    def resumable(self) -> bool:
        """Whether a run may go on from a state: not with target ``"cpp_standalone"``."""
        return self._project is None

    def _prepared(self) -> Prepared:
        if self._network is None:
            self._network = Prepared(self.circuit, self.program, self.options.target)
        return self._network

    def session(
        self, *, seed: int = 0, trials: int = 1, state: State | None = None, record: Any = None
    ) -> Brian2Session:
        """Start a closed loop; every trial has a prepared network of its own (see :meth:`Simulator.session`).

        Raises
        ------
        UnsupportedError
            With target ``"cpp_standalone"``.
        """
        if self._project is not None:
            raise UnsupportedError(
                f"target={STANDALONE!r} runs a program from its beginning to its end, and cannot be stepped: session() "
                "needs target='numpy' or 'cython'."
            )
        return Brian2Session(
            self.circuit, self.program, self.options.target, seed=seed, trials=trials, state=state, record=record
        )

    def _metadata(self) -> dict[str, Any]:
        return {"backend": "brian2", "target": self.options.target, "dtype": "float64"}

    def _prepare(self) -> None:
        if self._project is None:
            self._prepared()

    def _check_way(self, *, state: State | None, store: object) -> None:
        for name, given in (("state", state), ("store", store)):
            if given is not None and not self.resumable:
                raise UnsupportedError(
                    f"target={STANDALONE!r} runs from the initial state to the end: {name}= needs target='numpy' or "
                    "'cython'."
                )

    def _run(self, run: Run, builder: RecordingBuilder, progress: Progress | None) -> State:
        if self._project is not None:
            folders = self._project.execute(run, progress)
            return report(self._project, run, folders, self._project.build(run)[1], builder)
        network = self._prepared()
        # One trial stays in the network; several take turns block by block, so that all stop at the same step.
        alone = run.trials == 1
        trials = [Stretch(run.start, state=run.state.trial(number)) for number in range(run.trials)]
        if alone:
            network.restore(run.state, 0)
        end = run.start + run.n_steps
        for first in range(run.start, end, run.block):
            last = min(first + run.block, end)
            rows = {name: run.inputs.rows(name, first, last) for name in run.inputs.targets}
            noise = [
                (network.noise_array(name, symbol), values)
                for name in self.program.noisy
                for symbol, values in run.noise(name, first, last).items()
            ]
            stretches: list[Stretch] = []
            for number, trial in enumerate(trials):
                if not alone:
                    network.restore(trial.state, 0)
                stretch = self._advance(
                    network, run, builder, first, last,
                    {name: values[:, number] for name, values in rows.items()},
                    [(array, values[:, number]) for array, values in noise],
                )  # fmt: skip
                if not alone:
                    stretch.state = self._state(network, run, trial.state, first, stretch)
                stretches.append(stretch)
                if progress is not None:
                    progress((first - run.start) * run.trials + (number + 1) * (last - first), run.trials * run.n_steps)
                if stretch.end < last:
                    break
            if not alone and (len(stretches) < run.trials or stretches[-1].end < last):
                break  # stopped amid the block, which not all trials have done
            self._report_spikes(run, builder, stretches)
            self._report_samples(run, builder, stretches, first)
            for trial, stretch in zip(trials, stretches, strict=True):
                trial.add(stretch)
                trial.forget(self.program.history_depth)
            if run.stop.requested:
                break
        if trials[0].end == run.start:
            raise KeyboardInterrupt
        if alone:
            trials[0].state = self._state(network, run, run.state, run.start, trials[0])
        return join_trials([trial.state for trial in trials])

    def _advance(
        self,
        network: Prepared,
        run: Run,
        builder: RecordingBuilder,
        first: int,
        last: int,
        rows: dict[str, np.ndarray],
        noise: list[tuple[np.ndarray, np.ndarray]],
    ) -> Stretch:
        """Advance one trial from step `first` to `last`, or until the run is to stop."""
        spiking = [name for name, item in self.program.populations.items() if item.spiking]
        stretch = Stretch(first, run.state)
        for step in range(first, last):
            for name, values in rows.items():
                network.feed(name, values[step - first])
            for array, values in noise:
                array[:] = values[step - first]
            network.advance()
            for name in spiking:
                neurons = network.spikes(name)
                if len(neurons):
                    stretch.spikes.setdefault(name, []).append((step, neurons.copy()))
            for trace in builder.due(step):
                value = network.read(trace.name, trace.variable, step)
                chosen = value if trace.neurons is None else value[trace.neurons]
                stretch.samples.setdefault(trace.address, []).append(chosen)
            stretch.end = step + 1
            if run.stop.requested:
                break
        return stretch

    def _state(self, network: Prepared, run: Run, before: State, first: int, stretch: Stretch) -> State:
        """Return the state at the end of a stretch that began at step `first` in the state `before`."""
        history = {
            name: recent_spikes(
                before.spikes[name][:, 0], stretch.spikes.get(name, ()), stretch.end, stretch.end - first
            )
            for name, item in self.program.populations.items()
            if item.spiking
        }
        return network.state(run.state, stretch.end, run.seed, history)

    def _report_spikes(self, run: Run, builder: RecordingBuilder, trials: list[Stretch]) -> None:
        """Give the builder the spikes of all trials."""
        for number, trial in enumerate(trials):
            for name, found in trial.spikes.items():
                if name in run.plan.spikes:
                    steps = np.repeat([step for step, _ in found], [len(neurons) for _, neurons in found])
                    builder.add_spikes(name, steps, number, np.concatenate([neurons for _, neurons in found]))

    def _report_samples(self, run: Run, builder: RecordingBuilder, trials: list[Stretch], first: int) -> None:
        """Give the builder the samples that all trials took from step `first` on."""
        for trace in run.plan.traces:
            if trace.address in trials[0].samples:
                rows = np.stack([np.stack(trial.samples[trace.address]) for trial in trials])
                builder.set_trace(trace.name, trace.variable, rows, first_step=trace.first_sample(first), selected=True)


@dataclass
class Stretch:
    """What one trial did in some steps: spikes as (step, neurons), samples by address, and the state at the end."""

    end: int
    state: State
    spikes: dict[str, list[tuple[int, np.ndarray]]] = field(default_factory=dict)
    samples: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def add(self, next_one: Stretch) -> None:
        """Append the stretch that follows, whose samples the builder has."""
        self.end, self.state = next_one.end, next_one.state
        for name, spikes in next_one.spikes.items():
            self.spikes.setdefault(name, []).extend(spikes)

    def forget(self, depth: Mapping[str, int]) -> None:
        """Let go of spikes that are no longer under way; what is recorded of them is with the builder."""
        for name, spikes in self.spikes.items():
            oldest = self.end - depth.get(name, 0)
            self.spikes[name] = [(step, neurons) for step, neurons in spikes if step >= oldest]
