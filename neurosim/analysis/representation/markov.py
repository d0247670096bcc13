"""Hidden Markov chains whose emissions are known: smoothing and the likeliest path, scaled so that long ones fit.

Rabiner (1989), Proc IEEE 77:257.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.compiled import Compiled

Floats = NDArray[np.float64]


def _smooth_of(
    logs: Floats, initial: Floats, transitions: Floats, starts: NDArray[np.bool_], posterior: Floats, counts: Floats
) -> Any:
    """Fill the posterior of states and the expected numbers of transitions; return the log-likelihood."""
    steps, states = logs.shape
    forward, scales, emission = np.zeros((steps, states)), np.zeros(steps), np.zeros((steps, states))
    total = 0.0
    for step in range(steps):
        largest = logs[step].max()
        for state in range(states):
            emission[step, state] = np.exp(logs[step, state] - largest)
            if starts[step]:
                before = initial[state]
            else:
                before = 0.0
                for previous in range(states):
                    before += forward[step - 1, previous] * transitions[previous, state]
            forward[step, state] = before * emission[step, state]
        scales[step] = forward[step].sum()
        forward[step] /= scales[step]
        total += np.log(scales[step]) + largest
    backward, later = np.ones(states), np.ones(states)
    for step in range(steps - 1, -1, -1):
        if step == steps - 1 or starts[step + 1]:
            backward[:] = 1.0
        else:
            for state in range(states):
                later[state] = emission[step + 1, state] * backward[state] / scales[step + 1]
            for state in range(states):
                summed = 0.0
                for following in range(states):
                    joint = transitions[state, following] * later[following]
                    summed += joint
                    counts[state, following] += forward[step, state] * joint
                backward[state] = summed
        for state in range(states):
            posterior[step, state] = forward[step, state] * backward[state]
        posterior[step] /= posterior[step].sum()
    return total


def _path_of(logs: Floats, initial: Floats, transitions: Floats, starts: NDArray[np.bool_], path: Any) -> Any:
    """Fill the likeliest path, return its joint log-probability with the outcomes. All arguments are logarithms."""
    steps, states = logs.shape
    score, source = np.zeros((steps, states)), np.zeros((steps, states), dtype=np.int64)
    for step in range(steps):
        for state in range(states):
            if starts[step]:
                best, came = initial[state], 0
                if step > 0:  # the best end of what went before is carried on
                    came = score[step - 1].argmax()
                    best += score[step - 1, came]
            else:
                best, came = -np.inf, 0
                for previous in range(states):
                    value = score[step - 1, previous] + transitions[previous, state]
                    if value > best:
                        best, came = value, previous
            score[step, state], source[step, state] = best + logs[step, state], came
    path[steps - 1] = score[steps - 1].argmax()
    for step in range(steps - 1, 0, -1):
        path[step - 1] = source[step, path[step]]
    return score[steps - 1, path[steps - 1]]


_smooth, _path = Compiled(_smooth_of), Compiled(_path_of)


def smooth(
    logs: Floats, initial: Floats, transitions: Floats, starts: NDArray[np.bool_]
) -> tuple[float, Floats, Floats]:
    """Return the log-likelihood, the posterior of states and the expected numbers of transitions.

    Parameters
    ----------
    logs : numpy.ndarray, shape (step, state)
        Logarithms of the probability of what was observed in each state.
    initial : numpy.ndarray, shape (state,)
        Where a session begins.
    transitions : numpy.ndarray, shape (state, state)
        From the first axis to the second.
    starts : numpy.ndarray of bool, shape (step,)
        Where sessions begin; the first step does.
    """
    posterior, counts = np.zeros_like(logs), np.zeros_like(transitions)
    total = _smooth(np.ascontiguousarray(logs), initial, transitions, starts, posterior, counts)
    return float(total), posterior, counts


def likeliest_path(
    logs: Floats, initial: Floats, transitions: Floats, starts: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], float]:
    """Return the likeliest states (Viterbi) and their joint log-probability with what was observed; see `smooth`."""
    path = np.zeros(logs.shape[0], dtype=np.int64)
    with np.errstate(divide="ignore"):
        score = _path(np.ascontiguousarray(logs), np.log(initial), np.log(transitions), starts, path)
    return path, float(score)
