"""States of single trials: the spikes that are still under way, and several trials as one state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from neurosim.recording import State


def recent_spikes(before: np.ndarray, found: Sequence[tuple[int, np.ndarray]], end: int, n_steps: int) -> np.ndarray:
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
