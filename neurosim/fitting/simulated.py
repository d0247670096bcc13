"""What a simulation of a task gave, as a recording and as tensors that a loss reads."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from neurosim.backends.compile import compile
from neurosim.circuit.circuit import Circuit
from neurosim.fitting.copies import Copies
from neurosim.fitting.given import with_unit
from neurosim.fitting.held_out import Part
from neurosim.fitting.task import Key, Task
from neurosim.recording.recording import Recording
from neurosim.units import quantity


def simulated(task: Task, circuit: Circuit, part: Part, *, seed: int, copies: Copies | None = None) -> Recording:
    """Return a run of a circuit over the trials of a part, each `task.repeats` times.

    Parameters
    ----------
    task
        What is fed in and what is recorded.
    circuit
        That of the task with other values, or copies of it.
    part
        Of the recording.
    seed
        Of the noise.
    copies
        What `circuit` holds, if that is more than one.

    Returns
    -------
    Recording
        Trial ``trial*repeats + repeat`` of the part's trials in order.
    """
    fed = {}
    for name, values in task.fed(part).items():
        each = values if copies is None else copies.fed(values)
        fed[name] = with_unit(circuit, name, np.repeat(each, task.repeats, axis=1) if task.repeats > 1 else each)
    simulator = compile(circuit, "snntorch", dtype="float64", training=False)
    recording: Recording = simulator.run(
        quantity(task.n_steps(part) * task.dt, "second"),
        inputs=fed,
        record=task.records,
        trials=part.trials.size * task.repeats,
        seed=seed,
    )
    return recording


def on_steps(task: Task, recording: Recording, part: Part, candidates: int = 1) -> dict[Key, Tensor]:
    """Return spikes and traces of a run, (time, trial, repeat, candidate, neuron), by what the loss reads.

    Parameters
    ----------
    task, part
        As for :func:`simulated`.
    recording
        What it returned: neuron ``candidate*n + neuron``.
    candidates
        How many copies of the circuit there were.
    """
    found = {}
    n_steps, trials = task.n_steps(part), part.trials.size
    for population, variable in task.needs:
        n = task.circuit.populations[population].n
        shape = (n_steps, trials, task.repeats, candidates, n)
        if variable is None:
            trains = recording.spikes[population]
            dense = np.zeros((n_steps, trials * task.repeats, candidates * n), dtype=np.float32)
            dense[trains.to_steps(task.dt), trains.trials, trains.neurons] = 1.0
        else:
            dense = np.array(recording.traces[population][variable].values.transpose(1, 0, 2), order="C")
        found[population, variable] = torch.from_numpy(dense.reshape(shape))
    return found


def loss_of(task: Task, recording: Recording, part: Part, candidates: int = 1) -> Tensor:
    """Return the loss of a run on a part, (candidate,)."""
    with torch.no_grad():
        return task.loss(task.compared(task.recorded(part), on_steps(task, recording, part, candidates)))
