"""A run without a simulator: spikes and values that are functions of the global step, trial and neuron."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from neurosim.recording import (
    Record,
    Recordable,
    Recording,
    RecordingBuilder,
    SpikeTrains,
    State,
    plan_recording,
)
from neurosim.recording.request import RecordSpec

DT = 1e-4
CATALOGUE = {
    "exc": Recordable("population", 7, True, {"v": "volt", "g": "siemens"}),
    "column/inh": Recordable("population", 4, True, {"v": "volt"}),
    "graded": Recordable("population", 3, False, {"v": "1"}),
    "input": Recordable("source", 5, True, {}),
    "exc_to_inh": Recordable("projection", 9, False, {"w": "siemens"}),
}
EVERYTHING = {
    "exc": ["spikes", Record("v", neurons=[4, 0], every=3 * DT), Record("g", reduce="mean")],
    "column/inh": ["spikes", "v"],
    "exc_to_inh": Record("w", every=5 * DT),
}

ToyRun = Callable[..., Recording]


def fired(step: int, trials: int, n: int) -> np.ndarray:
    trial, neuron = np.indices((trials, n))
    return (step * 7 + trial * 3 + neuron * 5) % 11 == 0


def values(step: int, trials: int, n: int) -> np.ndarray:
    trial, neuron = np.indices((trials, n))
    return np.sin(step * 0.37 + trial * 1.3 + neuron * 0.71) * 1e-2 - 0.05


def run_toy(
    start_step: int = 0,
    n_steps: int = 20,
    trials: int = 2,
    spec: RecordSpec = EVERYTHING,
    metadata: dict[str, object] | None = None,
) -> Recording:
    """Step through a window of the toy, as a backend would, and return its recording."""
    plan = plan_recording(spec, CATALOGUE, dt=DT, start_step=start_step, n_steps=n_steps, trials=trials)
    builder = RecordingBuilder(plan)
    for step in range(start_step, start_step + n_steps):
        for name, size in plan.spikes.items():
            trial, neuron = np.nonzero(fired(step, trials, size))
            builder.add_spikes(name, step, trial, neuron)
        for trace in builder.due(step):
            builder.sample(trace.name, trace.variable, step, values(step, trials, trace.size))
    end = start_step + n_steps
    state = State(
        step=end,
        dt=DT,
        trials=trials,
        variables={"exc": {"v": values(end, trials, 7)}, "exc_to_inh": {"w": values(end, trials, 9)}},
        spikes={"exc": np.stack([fired(end - 1 - row, trials, 7) for row in range(3)])},
        last_spike={"exc": np.full((trials, 7), -1e4)},
        not_refractory={"exc": fired(end, trials, 7)},
        circuit_digest="c0ffee",
        seed=3,
    )
    return builder.finish(state, {"backend": "toy", "seed": 3, "circuit_digest": "c0ffee", **(metadata or {})})


@pytest.fixture(scope="session")
def toy_run() -> ToyRun:
    return run_toy


@pytest.fixture(scope="session")
def catalogue() -> dict[str, Recordable]:
    return CATALOGUE


@pytest.fixture
def trains() -> SpikeTrains:
    return SpikeTrains(
        [0.03, 0.01, 0.02, 0.01], [2, 1, 0, 0], 4, trials=[0, 1, 0, 0], n_trials=2, duration=0.1, start=0.0
    )
