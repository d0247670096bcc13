"""What every backend offers: a simulator that runs a circuit, and what its runs share."""

from __future__ import annotations

import platform
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.backends.inputs import Inputs
from neurosim.backends.interruption import RunInterrupted, Stop
from neurosim.backends.states import check_state, initial_state, plain_state
from neurosim.backends.streaming import run_in_parts
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.synapse_model import LAST_UPDATE
from neurosim.errors import CircuitError
from neurosim.program.step_program import STEP_SEMANTICS, StepProgram
from neurosim.random import noise
from neurosim.recording import Recordable, Recording, RecordingBuilder, RecordPlan, State, plan_recording
from neurosim.units import seconds

if TYPE_CHECKING:
    from neurosim.backends.session import Session

Progress = Callable[[int, int], None]

#: Steps whose inputs and noise are computed at once, and how many random numbers these may be at most.
BLOCK = 256
BLOCK_NUMBERS = 1 << 23


class Simulator(ABC):
    """A circuit made ready to run on one backend."""

    circuit: Circuit
    program: StepProgram

    @property
    def resumable(self) -> bool:
        """Whether a run may go on from a state."""
        return True

    def run(
        self,
        duration: Any,
        *,
        inputs: Mapping[str, Any] | None = None,
        record: Any = None,
        state: State | None = None,
        seed: int = 0,
        trials: int = 1,
        progress: Progress | None = None,
        store: str | Path | None = None,
        resume: bool = False,
    ) -> Recording:
        """Run the circuit; nothing of the simulator changes.

        Parameters
        ----------
        duration
            A time, a multiple of dt.
        inputs
            By name of a source or injection (see :class:`neurosim.backends.inputs.Inputs`).
        record
            What to record; by default the spikes of every spiking population.
        state
            Where to go on from (``recording.state`` of either backend); by default the circuit's initial state.
        seed
            Fixes the run's noise.
        trials
            Independent repetitions that share everything but noise and inputs.
        progress
            Called with (steps done, steps in all) now and then.
        store
            A folder, such as ``run.zarr``: what is recorded goes there in parts, and memory holds one part.
        resume
            Go on where the run in `store` has come to, if there is one; it must be this very run.

        Returns
        -------
        Recording
            Spikes, traces, the state at the end, and metadata. From a store, what ``Recording.load(store)`` returns:
            spikes are read when they are asked for, traces where they are indexed.

        Raises
        ------
        CircuitError, UnitError, RecordError
            Before anything is run, if an input, the state or the record plan does not fit.
        FileFormatError
            Before anything is touched, if the store is there already, and is not to be gone on with or is that of
            another run.
        RunInterrupted
            At Ctrl-C: a ``KeyboardInterrupt`` that carries the recording of the steps done, from whose state a run
            goes on.
        """
        if resume and store is None:
            raise CircuitError("resume=True goes on with the run in a store: give store=.")
        self._check_way(state=state, store=store)
        run = Run(self.circuit, self.program, duration, inputs, record, state, seed, trials, stored=store is not None)
        if store is not None:
            facts = {**run.metadata, **self._metadata()}
            return run_in_parts(
                run, self._run, facts, store, parameters=self._trained(), resume=resume, progress=progress
            )
        builder = RecordingBuilder(run.plan)
        self._prepare()
        with run.stop:
            final = self._run(run, builder, progress)
        done = final.step - run.start
        recording = builder.finish(final, {**run.metadata, **self._metadata()}, n_steps=done)
        if run.stop.requested:
            raise RunInterrupted(recording, run.n_steps - done)
        return recording

    @abstractmethod
    def session(self, *, seed: int = 0, trials: int = 1, state: State | None = None, record: Any = None) -> Session:
        """Start a closed loop: the circuit advanced by calls, each with the input that the world gives by then.

        Parameters
        ----------
        seed, trials, state
            As in :meth:`run`.
        record
            What :meth:`~neurosim.backends.session.Session.step` returns, as in :meth:`run` but without ``every=``.

        Returns
        -------
        Session
            The one object that changes; the simulator does not. It equals a run of the same inputs, bit for bit.

        Raises
        ------
        CircuitError, RecordError
            If the state or the record plan does not fit.
        """

    def _prepare(self) -> None:
        """Do what a first run needs and Ctrl-C may cut short."""
        return

    def _check_way(self, *, state: State | None, store: object) -> None:
        """Refuse, with an `UnsupportedError`, a way to run that this simulator does not have."""
        return

    def _trained(self) -> str:
        """Return a checksum of what a run computes with beside the circuit."""
        return ""

    @abstractmethod
    def _run(self, run: Run, builder: RecordingBuilder, progress: Progress | None) -> State: ...

    @abstractmethod
    def _metadata(self) -> dict[str, Any]: ...


class Run:
    """The checked arguments of one run, the same for every backend."""

    def __init__(
        self,
        circuit: Circuit,
        program: StepProgram,
        duration: Any,
        inputs: Mapping[str, Any] | None,
        record: Any,
        state: State | None,
        seed: int,
        trials: int,
        *,
        stored: bool = False,
    ) -> None:
        self.circuit, self.program = circuit, program
        self.stop = Stop()
        self.seed = int(seed)
        self.trials = positive_integer(trials, "trials")
        self.n_steps = steps_of(duration, circuit.dt)
        if state is not None:
            check_state(state, circuit, program, self.trials)
            state = plain_state(state)
        #: Whether the run starts from the circuit's own state.
        self.fresh = state is None
        self._state = state
        self.start = 0 if state is None else state.step
        self.inputs = Inputs(
            circuit, inputs, start=self.start, n_steps=self.n_steps, trials=self.trials, seed=self.seed
        )
        self.plan: RecordPlan = plan_recording(
            record,
            catalogue(circuit, program),
            dt=circuit.dt,
            start_step=self.start,
            n_steps=self.n_steps,
            trials=self.trials,
            limit_bytes=sys.maxsize if stored else None,
        )
        self.metadata = {
            "circuit": circuit.name,
            "circuit_digest": program.digest,
            "circuit_seed": circuit.seed,
            "seed": self.seed,
            "semantics": STEP_SEMANTICS,
            "methods": {name: item.method for name, item in program.populations.items() if item.method},
            "versions": {"python": platform.python_version(), **{name: _version(name) for name in ("numpy", "brian2")}},
        }

    @property
    def state(self) -> State:
        """Where the run starts; the circuit's own state is made when it is asked for."""
        if self._state is None:
            self._state = initial_state(self.circuit, self.program, self.seed, self.trials)
        return self._state

    def part(self, state: State, n_steps: int) -> Run:
        """Return the part of this run that begins in a state of it."""
        part = copy(self)
        part._state, part.start, part.n_steps = plain_state(state), state.step, n_steps
        part.fresh = self.fresh and state is self._state
        part.plan = replace(self.plan, start_step=state.step, n_steps=n_steps)
        return part

    def noise(self, part: str, first: int, last: int) -> dict[str, np.ndarray]:
        """Return the random numbers of a population or projection, by symbol, each (time, trial, neuron or edge)."""
        return draw_noise(self.program, part, self.seed, self.trials, first, last)

    @property
    def block(self) -> int:
        """Number of steps whose inputs and noise are computed at once."""
        return steps_at_once(self.program, self.trials)


@cache
def _version(package: str) -> str:
    """Return the version of a package, looked up once: reading its metadata takes as long as a short run."""
    return version(package)


def steps_at_once(program: StepProgram, trials: int) -> int:
    """Return for how many steps inputs and noise are computed at once."""
    numbers = sum(len(item.noise) * size for item, size in program.noisy.values()) * trials
    return max(1, min(BLOCK, BLOCK_NUMBERS // max(numbers, 1)))


def positive_integer(value: Any, what: str) -> int:
    """Return a number of trials or steps.

    Raises
    ------
    CircuitError
        If it is no positive integer.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
        raise CircuitError(f"{what} must be a positive integer, got {value!r}.")
    return int(value)


def draw_noise(program: StepProgram, part: str, seed: int, trials: int, first: int, last: int) -> dict[str, np.ndarray]:
    """Return the random numbers of a part in a span of steps, by symbol, each (time, trial, neuron or edge)."""
    if part not in program.noisy:
        return {}
    item, size = program.noisy[part]
    span, steps = (0, trials), (first, last)
    return {
        site.symbol: noise(seed, part, trials=span, steps=steps, neurons=size, site=site.site, kind=site.kind)
        for site in item.noise
    }


def steps_of(duration: Any, dt: float) -> int:
    """Return the number of steps of a duration.

    Raises
    ------
    CircuitError
        If it is not a positive multiple of dt.
    """
    time = seconds(duration, "duration")
    steps = int(np.floor(time / dt + 0.5))
    if steps < 1 or abs(time / dt - steps) > 1e-6 * max(1.0, steps * 1e-3):
        raise CircuitError(f"the duration must be a positive multiple of dt = {dt:g} s, got {time:g} s.")
    return steps


def catalogue(circuit: Circuit, program: StepProgram) -> dict[str, Recordable]:
    """Return what can be recorded of each object."""
    items = program.recordable
    if items:
        return items
    for name, part in circuit.populations.items():
        item = program.populations[name]
        kind = "population" if isinstance(part.model, NeuronModel) else "source"
        variables = {variable: item.units[variable] for variable in (*item.state, *item.inputs, *item.subexpressions)}
        items[name] = Recordable(kind, part.n, item.spiking, variables)  # type: ignore[arg-type]
    for name, projection in program.projections.items():
        changing = () if projection.dynamics is None else projection.dynamics.state
        units = {key: projection.units[key] for key in (*changing, *projection.values) if key != LAST_UPDATE}
        items[name] = Recordable("projection", projection.n, False, units)
    return items
