"""The task of a fit: which circuit, fed with what, is to give which spikes and traces in which part of a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neurosim.circuit.circuit import Circuit
from neurosim.errors import RecordError, nearest
from neurosim.fitting.given import given_inputs
from neurosim.fitting.held_out import HeldOut, Part, Split
from neurosim.fitting.losses import Compared, Loss, Need
from neurosim.recording.recording import Recording
from neurosim.recording.restricting import known_support
from neurosim.recording.support import Support

Floats = NDArray[np.float64]
#: A population of the circuit, and one of its variables, or None for its spikes.
Key = tuple[str, str | None]


@dataclass(frozen=True, eq=False)
class Task:
    """What is fitted to what.

    Parameters
    ----------
    circuit
        With trainable values.
    recording
        Trials that begin at 0 s.
    pairs
        Recorded population by population of the circuit; neuron by neuron the same.
    inputs
        What is fed in, (time, trial, neuron) in SI by name.
    split
        What is fitted and what is held out.
    loss
        What is minimised.
    repeats
        How often each trial is simulated, with noise of its own.
    """

    circuit: Circuit
    recording: Recording
    pairs: Mapping[str, str]
    inputs: Mapping[str, Floats]
    split: Split
    loss: Loss
    repeats: int

    @property
    def dt(self) -> float:
        """The step of the circuit, in seconds."""
        return self.circuit.dt

    def n_steps(self, part: Part) -> int:
        """Return how many steps have to be simulated for a part: from 0 s to its end."""
        return steps_to(part.support.stop, self.dt)

    def fed(self, part: Part) -> dict[str, Floats]:
        """Return what is fed in for a part, (time, trial, neuron)."""
        n_steps, trials = self.n_steps(part), part.trials
        return {name: values[:n_steps, trials] for name, values in self.inputs.items()}

    @cached_property
    def needs(self) -> tuple[Key, ...]:
        """What the loss reads, with populations by name."""
        return tuple((self.population(name), variable) for name, variable in self.loss.needs)

    @property
    def records(self) -> dict[str, list[str]]:
        """What has to be recorded of a simulation."""
        found: dict[str, list[str]] = {}
        for population, variable in self.needs:
            found.setdefault(population, []).append(variable or "spikes")
        return found

    def population(self, name: str | None) -> str:
        """Return the population that a loss means.

        Raises
        ------
        RecordError
            If it names none, and several are compared; or one that is not.
        """
        if name is None and len(self.pairs) == 1:
            return next(iter(self.pairs))
        if name is None:
            raise RecordError(f"fit: the loss must say which of the populations it means: {', '.join(self.pairs)}.")
        if name not in self.pairs:
            raise RecordError(
                f"fit: the loss compares {name!r}, which is paired with nothing.{nearest(name, self.pairs)}"
            )
        return name

    def recorded(self, part: Part) -> dict[Key, tuple[Tensor, Tensor]]:
        """Return what was recorded and what of it counts, each (time, trial, neuron), by what the loss reads."""
        found = {}
        for population, variable in self.needs:
            counted = torch.from_numpy(self.counted(part, population))
            values = self._spikes(part, population) if variable is None else self._trace(part, population, variable)
            found[population, variable] = torch.from_numpy(values), counted
        return found

    def compared(
        self, recorded: Mapping[Key, tuple[Tensor, Tensor]], simulated: Mapping[Key, Tensor]
    ) -> dict[Need, Compared]:
        """Return what a loss is called with.

        Parameters
        ----------
        recorded
            What :meth:`recorded` returned.
        simulated
            (time, trial, repeat, candidate, neuron) by what the loss reads.
        """
        found = {}
        for need, key in zip(self.loss.needs, self.needs, strict=True):
            mine = simulated[key]
            theirs, counted = (one.to(mine) for one in recorded[key])
            found[need] = Compared(mine, theirs, counted, self.dt)
        return found

    def counted(self, part: Part, population: str) -> Floats:
        """Return which steps of which neurons belong to a part, 0 or 1, (time, trial, neuron)."""
        n_steps, trials = self.n_steps(part), part.trials
        times = np.asarray((np.arange(n_steps) + 0.5) * self.dt)
        name = self.pairs[population]
        n = self.recording.spikes[name].n
        inside = np.stack([_contains(part.support, times, trial) for trial in trials], axis=1)
        mine = np.zeros(n)
        mine[part.neurons.get(name, np.zeros(0, np.int64))] = 1.0
        return inside[:, :, np.newaxis] * mine

    def _spikes(self, part: Part, population: str) -> Floats:
        n_steps, trials = self.n_steps(part), part.trials
        trains = self.recording.spikes[self.pairs[population]]
        steps = np.floor(trains.times / self.dt + 1e-6).astype(np.int64)
        place = np.full(trains.n_trials, -1)
        place[trials] = np.arange(trials.size)
        kept = (steps >= 0) & (steps < n_steps) & (place[trains.trials] >= 0)
        dense = np.zeros((n_steps, trials.size, trains.n))
        np.add.at(dense, (steps[kept], place[trains.trials[kept]], trains.neurons[kept]), 1.0)
        return dense

    def _trace(self, part: Part, population: str, variable: str) -> Floats:
        """Return a recorded trace where it was sampled, in the nearest steps, NaN elsewhere."""
        n_steps, trials = self.n_steps(part), part.trials
        trace = self.recording.traces[self.pairs[population]][variable]
        steps = np.rint(np.asarray(trace["time"].values) / self.dt).astype(np.int64)
        kept = (steps >= 0) & (steps < n_steps)
        dense = np.full((n_steps, trials.size, trace.shape[2]), np.nan)
        dense[steps[kept]] = np.asarray(trace.values, dtype=np.float64)[trials][:, kept].transpose(1, 0, 2)
        return dense


def make_task(
    circuit: Circuit,
    recording: Recording,
    *,
    inputs: Mapping[str, Any] | None,
    pairs: Mapping[str, str] | None,
    loss: Loss,
    held_out: HeldOut,
    repeats: int,
) -> Task:
    """Return the task of a fit, checked.

    Raises
    ------
    RecordError
        If populations do not fit each other, or trials do not begin at 0 s or later.
    """
    found = _paired(circuit, recording, pairs)
    support = known_support(recording)
    if support.start < 0:
        raise RecordError(
            f"fit: a trial begins at {support.start:g} s; a simulation begins at 0 s. Let trials begin there, with "
            "recording.per_trial(event, window) and a window from 0."
        )
    n_steps = steps_to(support.stop, circuit.dt)
    split = held_out.split(recording, list(dict.fromkeys(found.values())))
    fed = given_inputs(circuit, recording, inputs, n_steps)
    task = Task(circuit, recording, found, fed, split, loss, repeats)
    for population, variable in task.needs:
        if variable is not None:
            recording.traces[found[population]][variable]  # names the nearest one if there is none
    return task


def steps_to(stop: float, dt: float) -> int:
    """Return the number of steps that end at a time or after it."""
    return max(1, int(np.ceil(stop / dt - 1e-6)))


def _paired(circuit: Circuit, recording: Recording, pairs: Mapping[str, str] | None) -> dict[str, str]:
    spiking = [name for name, part in circuit.populations.items() if part.spiking]
    if pairs is None:
        found = {name: name for name in spiking if name in recording.spikes}
        if not found:
            raise RecordError(
                f"fit: no population of the circuit ({', '.join(spiking) or 'none spikes'}) has the name of a recorded "
                f"one ({', '.join(recording.spikes) or 'none'}): give pairs={{'of the circuit': 'recorded'}}."
            )
    else:
        found = dict(pairs)
    for mine, theirs in found.items():
        if mine not in spiking:
            raise RecordError(f"fit: pairs: the circuit has no spiking population {mine!r}.{nearest(mine, spiking)}")
        n, recorded = circuit.populations[mine].n, recording.spikes[theirs].n
        if n != recorded:
            raise RecordError(f"fit: {mine!r} has {n} neurons, {theirs!r} of the recording {recorded}.")
    return found


def _contains(support: Support, times: Floats, trial: int) -> NDArray[np.bool_]:
    return support.contains(times, np.full(times.size, trial))
