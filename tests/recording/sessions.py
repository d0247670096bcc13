"""Recordings of every kind of content, drawn by hypothesis, and one written out."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from neurosim.recording import Recording, SpikeTrains, Support
from neurosim.recording.traces import trace_array

TENTH = 0.1
LENGTH = 4.0


def session(
    n_trials: int = 2,
    support: Support | None = None,
    spikes: list[tuple[int, int, int]] = ((3, 1, 0), (17, 0, 1), (17, 2, 0), (30, 2, 1)),  # type: ignore[assignment]
) -> Recording:
    """Return a recording of 4 s: spikes (tenth of a second, neuron, trial), a trace every 0.2 s, all tables."""
    observed = Support(0.0, LENGTH, n_trials=n_trials) if support is None else support
    rows = [(t * TENTH, neuron, trial % n_trials) for t, neuron, trial in spikes]
    known = observed.contains(np.array([row[0] for row in rows]), np.array([row[2] for row in rows], dtype=int))
    kept = [row for row, inside in zip(rows, known, strict=True) if inside]
    columns: tuple[Any, ...] = tuple(zip(*kept, strict=True)) if kept else ([], [], [])
    trains = SpikeTrains(columns[0], columns[1], 3, columns[2], n_trials, support=observed)
    samples = np.arange(20)
    values = np.sin(samples[:, None] * 0.3 + np.arange(2)) * np.arange(1, n_trials + 1)[:, None, None] - 0.05
    trace = trace_array(values, variable="v", unit="volt", time=samples * 0.2, columns=np.array([2, 0]))
    return Recording(
        {"exc": trains},
        {"exc": {"v": trace}},
        metadata={"backend": "toy", "dt": TENTH, "trials": n_trials, "licence": "MIT"},
        support=observed,
        intervals={
            "epochs": {"start": [0.0, 2.0], "stop": [1.5, 4.0], "tag": ["sleep", "wake"]},
            "pauses": {"start": [0.5], "stop": [0.7], "trial": [0]},
        },
        events={"tone": {"time": [1.0, 2.5], "pitch": [440.0, 880.0], "loud": [True, False]}},
        units={
            "population": ["exc"] * 3,
            "neuron": [0, 1, 2],
            "id": ["a", "b", "c"],
            "location": ["CA1", None, "CA3"],
            "depth": [0.1, np.nan, 0.3],
            "identified": [True, True, False],
            "channel": [4, 4, 9],
        },
    )


steps = st.integers(0, 40).map(lambda step: step * TENTH)
pairs = st.tuples(steps, steps).map(lambda pair: (min(pair), max(pair)))
stretches = st.lists(pairs, max_size=4).map(lambda rows: Support.of(rows, 2))
spike_rows = st.lists(st.tuples(st.integers(0, 39), st.integers(0, 2), st.integers(0, 1)), max_size=30, unique=True)
