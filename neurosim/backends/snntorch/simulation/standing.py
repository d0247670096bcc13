"""Where the trials of a compiled simulation stand between two steps, kept as the loop has it.

A state is what a recording ends in, for anyone to read; most are never looked at. So they are made from this when they
are asked for, and a run that goes on from one in the same memory copies this back instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.simulation.carried import NEVER_STEP
from neurosim.backends.snntorch.simulation.edge_values import Ends, Room
from neurosim.backends.snntorch.simulation.neuron_source import ACTIVE, LAST
from neurosim.backends.snntorch.simulation.plan import Home
from neurosim.program.step_program import StepProgram
from neurosim.recording import NEVER, State
from neurosim.recording.values import read_only

if TYPE_CHECKING:
    from neurosim.backends.snntorch.simulation.trial import Trial

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class EdgeReader:
    """What reads the edges of a projection out of their array.

    Parameters
    ----------
    room, ends
        How the array is laid out.
    order
        The edge at each place.
    """

    room: Room
    ends: Ends
    order: Any

    def read(self, values: Numbers, variable: str) -> Numbers:
        """Return a variable of the edges in the order of the circuit."""
        found = np.empty(self.room.n)
        found[self.order] = self.room.read(values, variable, self.ends)
        return found


@dataclass(frozen=True)
class Frame:
    """What does not change from step to step, and how the rest is read.

    Parameters
    ----------
    program, homes
        Of the module.
    edges
        By plastic projection.
    limits
        How long neurons are refractory, in steps, by population, where that is fixed.
    dt
        Time step.
    before
        Steps whose spikes are under way.
    """

    program: StepProgram
    homes: Mapping[str, Home]
    edges: Mapping[str, EdgeReader]
    limits: Mapping[str, Numbers | None]
    dt: float
    before: int

    @cached_property
    def stateful(self) -> list[str]:
        """What has variables: populations, then projections."""
        program = self.program
        edges = ((name, program.projections[name].dynamics) for name in program.plastic)
        neurons = [name for name, item in program.populations.items() if item.kind == "neurons"]
        return [*neurons, *(name for name, dynamics in edges if dynamics is not None and dynamics.state)]

    @cached_property
    def resting(self) -> list[str]:
        """The populations that may be refractory."""
        return [name for name, item in self.program.populations.items() if item.refractory is not None]


class Standing:
    """The values of all trials before a step.

    Parameters
    ----------
    frame
        How they are read. What stands in one frame can be put back only into trials of the same.
    step
        The next step.
    trials
        Whose values they are.
    copied
        Whether they are copied; else trials do not go on before this has been read.
    """

    def __init__(self, frame: Frame, step: int, trials: list[Trial], *, copied: bool) -> None:
        self.frame, self.step = frame, step
        self._memory = [trial.memory.copy() if copied else trial.memory for trial in trials]
        self._spikes = [{name: buffer.under_way() for name, buffer in trial.spikes.items()} for trial in trials]
        self._edges = [
            {name: reader.room.kept(trial.edges[name], packed=copied) for name, reader in frame.edges.items()}
            for trial in trials
        ]

    def put_back(self, trials: list[Trial]) -> None:
        """Let trials stand here again."""
        for trial, memory, spikes, edges in zip(trials, self._memory, self._spikes, self._edges, strict=True):
            trial.memory[:] = memory
            for name, (neurons, bounds) in spikes.items():
                trial.spikes[name].set_under_way(neurons, bounds)
            for name, kept in edges.items():
                self.frame.edges[name].room.put_back(trial.edges[name], kept)

    # -- as arrays -------------------------------------------------------------------------------------------------

    def neurons(self, name: str, variable: str) -> Numbers:
        """Return a variable of a population, (trial, neuron)."""
        home = self.frame.homes[name]
        return np.stack([home.read(memory, variable) for memory in self._memory])

    def edges(self, name: str, variable: str) -> Numbers:
        """Return a variable of a projection, (trial, edge)."""
        reader = self.frame.edges[name]
        return np.stack([reader.read(reader.room.opened(edges[name]), variable) for edges in self._edges])

    def past(self, name: str, age: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the trials and neurons of the spikes of an earlier step; 1 is the last."""
        place = self.frame.before - age
        found = [neurons[bounds[place] : bounds[place + 1]] for neurons, bounds in (one[name] for one in self._spikes)]
        trials = np.repeat(np.arange(len(found)), [len(neurons) for neurons in found])
        return trials, np.concatenate(found).astype(np.int64)

    def spikes(self, name: str) -> NDArray[np.bool]:
        """Return the spikes that may still be under way, the latest first, (age, trial, neuron)."""
        program = self.frame.program
        depth, n = program.history_depth[name], program.populations[name].n
        found = np.zeros((depth, len(self._memory), n), dtype=np.bool_)
        for age in range(1, depth + 1):
            found[age - 1][self.past(name, age)] = True
        return found

    def last_steps(self, name: str) -> NDArray[np.int64]:
        """Return the step in which each neuron spiked last, (trial, neuron)."""
        last = self.neurons(name, LAST)
        return np.where(last < NEVER_STEP / 2, NEVER_STEP, last).astype(np.int64)

    def last_times(self, name: str) -> Numbers:
        """Return when each neuron spiked last, in seconds, (trial, neuron)."""
        steps = self.last_steps(name)
        return np.where(steps == NEVER_STEP, NEVER, steps.astype(np.float64) * self.frame.dt)

    def active(self, name: str) -> NDArray[np.bool]:
        """Return which neurons are not refractory, (trial, neuron)."""
        if ACTIVE in self.frame.homes[name].form.variables:
            awake: NDArray[np.bool] = self.neurons(name, ACTIVE) != 0
            return awake
        last, limit, now = self.neurons(name, LAST), self.frame.limits[name], self.step - 1
        if limit is None:
            raise TypeError("a refractory period that changes is noted by the loop")
        rested: NDArray[np.bool] = (now - last >= limit) & (last != now)
        return rested

    def state(self, seed: int) -> State:
        """Return the state, whose arrays are made when they are asked for."""
        frame = self.frame
        return State.deferred(
            self,
            step=self.step,
            dt=frame.dt,
            trials=len(self._memory),
            variables={name: partial(self._variables, name) for name in frame.stateful},
            spikes={name: self._made(self.spikes, name) for name in frame.program.history_depth},
            last_spike={name: self._made(self.last_times, name) for name in frame.resting},
            not_refractory={name: self._made(self.active, name) for name in frame.resting},
            circuit_digest=frame.program.digest,
            seed=seed,
        )

    def _variables(self, name: str) -> dict[str, Callable[[], Numbers]]:
        program = self.frame.program
        if name in program.populations:
            return {key: self._made(self.neurons, name, key) for key in program.populations[name].state}
        dynamics = program.projections[name].dynamics
        return {key: self._made(self.edges, name, key) for key in (() if dynamics is None else dynamics.state)}

    @staticmethod
    def _made(make: Callable[..., Any], *arguments: str) -> Callable[[], Any]:
        return partial(_made_read_only, make, *arguments)


def _made_read_only(make: Callable[..., Any], *arguments: str) -> Any:
    return read_only(make(*arguments))
