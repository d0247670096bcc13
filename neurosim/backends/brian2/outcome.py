"""What a compiled program left in its folder, as spikes, traces and the state at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.backends.brian2.project import Project
from neurosim.backends.brian2.states import join_trials, recent_spikes
from neurosim.backends.simulator import Run
from neurosim.recording import RecordingBuilder, State


def report(
    project: Project, run: Run, folders: Sequence[Path], answer: Mapping[str, Any], builder: RecordingBuilder
) -> State:
    """Give the builder what all trials did, and return the state at the end.

    Parameters
    ----------
    project, run
        What was run.
    folders
        Of the results, by trial.
    answer
        Where in them everything is.
    builder
        Of the recording.
    """
    states = []
    for trial, folder in enumerate(folders):
        fired = {name: _spikes(folder, files, run.plan.dt) for name, files in answer["spikes"].items()}
        for name in run.plan.spikes:
            steps, neurons = fired[name]
            builder.add_spikes(name, steps, trial, neurons)
        states.append(_state(run, folder, answer["state"], fired, trial))
    for trace in run.plan.traces:
        if project.is_fixed(trace.name, trace.variable):
            item = project.program.projections[trace.name]
            values = np.broadcast_to(item.values[trace.variable], (run.plan.samples(trace), item.n))
            builder.set_trace(trace.name, trace.variable, np.stack([values] * run.trials))
            continue
        shape = (run.plan.samples(trace), trace.selected)
        rows = [_array(folder, answer["traces"][trace.address]).reshape(shape) for folder in folders]
        builder.set_trace(trace.name, trace.variable, np.stack(rows), selected=True)
    return join_trials(states)


def _array(folder: Path, facts: Mapping[str, str]) -> np.ndarray:
    return np.fromfile(folder / facts["file"], dtype=np.dtype(facts["dtype"]))


def _spikes(folder: Path, files: Mapping[str, Any], dt: float) -> tuple[np.ndarray, np.ndarray]:
    """Return (steps, neurons) of one population's spikes."""
    steps = np.rint(_array(folder, files["t"]) / dt).astype(np.int64)
    return steps, _array(folder, files["i"]).astype(np.int64)


def _state(
    run: Run, folder: Path, files: Mapping[str, Any], fired: Mapping[str, tuple[np.ndarray, np.ndarray]], trial: int
) -> State:
    before = run.state.trial(trial)
    history = {}
    for name, rows in before.spikes.items():
        steps, neurons = fired.get(name, (np.zeros(0, np.int64), np.zeros(0, np.int64)))
        found = [(int(step), neurons[steps == step]) for step in np.unique(steps[steps >= run.n_steps - len(rows)])]
        history[name] = recent_spikes(rows[:, 0], found, run.n_steps, run.n_steps)[:, None]

    def held(kind: str, name: str, size: int) -> np.ndarray:
        return _array(folder, files[f"{kind} {name}"])[None] if size else np.zeros((1, 0))

    return State(
        step=run.n_steps,
        dt=run.plan.dt,
        variables={
            name: {
                variable: held("variables", f"{name} {variable}", values.shape[1])
                for variable, values in variables.items()
            }
            for name, variables in before.variables.items()
        },
        spikes=history,
        last_spike={name: held("last_spike", name, values.shape[1]) for name, values in before.last_spike.items()},
        not_refractory={
            name: held("not_refractory", name, values.shape[1]).astype(bool)
            for name, values in before.not_refractory.items()
        },
        circuit_digest=before.circuit_digest,
        seed=run.seed,
    )
