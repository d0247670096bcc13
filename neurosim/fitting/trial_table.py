"""The trials of a recording as rows of numbers: outcomes, inputs, sessions, and which are held out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import AnalysisError, nearest
from neurosim.fitting.held_out import HeldOut
from neurosim.recording import Recording, Support
from neurosim.recording.support import EDGE_TOLERANCE

Floats = NDArray[np.float64]
_UNIT = re.compile(r"(?P<population>.+)\[(?P<number>\d+)\]")
_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class TrialRows:
    """Trials in the order of time, session by session.

    Parameters
    ----------
    outcomes : numpy.ndarray, shape (trial,)
        What happened.
    inputs : numpy.ndarray, shape (trial, input)
        What it may depend on; the last one is 1.
    sessions : numpy.ndarray of int, shape (trial,)
        The number of the session of each.
    fitted, held_out : numpy.ndarray of bool, shape (trial,)
        Which trials are fitted, and which are held out; some may be neither.
    rows : numpy.ndarray of int, shape (trial,)
        The row of the table that each was.
    what : str
        What was held out, in words.
    """

    outcomes: Floats
    inputs: Floats
    sessions: NDArray[np.int64]
    fitted: NDArray[np.bool_]
    held_out: NDArray[np.bool_]
    rows: NDArray[np.int64]
    what: str


def trial_rows(
    recording: Recording,
    outcome: str,
    inputs: Sequence[str],
    *,
    table: str,
    session: str | None,
    held_out: Any,
) -> TrialRows:
    """Return the trials of a recording (see :func:`neurosim.fitting.fit_states`).

    Raises
    ------
    AnalysisError
        If something does not exist, holds no numbers, or a part would be empty.
    """
    if table not in recording.intervals:
        raise AnalysisError(f"fit_states: no intervals {table!r}.{nearest(table, list(recording.intervals))}")
    frame = recording.intervals[table]
    starts, stops = (frame[name].to_numpy(np.float64) for name in ("start", "stop"))
    trials = frame["trial"].to_numpy(np.int64) if "trial" in frame else np.zeros(len(frame), dtype=np.int64)
    if session is not None:
        names = _column(frame, session).to_numpy()
    else:
        several = np.unique(trials).size < trials.size
        names = trials if several else np.zeros(trials.size, dtype=np.int64)
    sessions = np.unique(names, return_inverse=True)[1]
    columns = [_numbers(frame, name) for name in inputs]
    happened = _outcomes(recording, frame, outcome, starts, stops, trials)
    known = np.isfinite(happened)
    for column in columns:
        known &= np.isfinite(column)
    order = np.lexsort((starts, trials, sessions))
    order = order[known[order]]
    if not order.size:
        raise AnalysisError("fit_states: no trial has an outcome and all inputs.")
    fitted, held, what = _parts(recording, held_out, starts[order], stops[order], trials[order], sessions[order])
    if not fitted.any() or not held.any():
        raise AnalysisError(f"fit_states: held_out={what}: hold some of the {order.size} trials out, and leave some.")
    x = np.column_stack([*(column[order] for column in columns), np.ones(order.size)])
    return TrialRows(happened[order], x, sessions[order], fitted, held, order, what)


def _outcomes(
    recording: Recording, frame: Any, outcome: str, starts: Floats, stops: Floats, trials: NDArray[np.int64]
) -> Floats:
    match = _UNIT.fullmatch(outcome)
    if match is None or outcome in frame:
        return _numbers(frame, outcome)
    name, number = match["population"], int(match["number"])
    if name not in recording.spikes:
        raise AnalysisError(f"fit_states: there are no spikes of {name!r}.{nearest(name, list(recording.spikes))}")
    trains = recording.spikes[name]
    if number >= trains.n:
        raise AnalysisError(f"fit_states: {name!r} has units 0 to {trains.n - 1}, not {number}.")
    mine = trains.neurons == number
    counts = np.empty(starts.size)
    for trial in np.unique(trials):
        times = np.sort(trains.times[mine & (trains.trials == trial)]) + EDGE_TOLERANCE
        rows = trials == trial
        counts[rows] = np.searchsorted(times, stops[rows]) - np.searchsorted(times, starts[rows])
    return counts


def _parts(
    recording: Recording,
    held_out: Any,
    starts: Floats,
    stops: Floats,
    trials: NDArray[np.int64],
    sessions: NDArray[np.int64],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], str]:
    """Return which trials are fitted, which are held out, and what that is in words."""
    if isinstance(held_out, HeldOut):
        split = held_out.split(recording, [])
        inside = [_inside(part.support, starts, stops, trials) for part in (split.fitted, split.held_out)]
        return inside[0], inside[1], repr(held_out)
    share = _SHARE if held_out is None else held_out
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
        raise AnalysisError(
            f"fit_states: held_out={held_out!r}: a share between 0 and 1, or Stimuli, Time or Trials of "
            "neurosim.fitting."
        )
    held = np.zeros(starts.size, dtype=np.bool_)
    for number in np.unique(sessions):
        rows = np.flatnonzero(sessions == number)
        held[rows[rows.size - round(share * rows.size) :]] = True
    return ~held, held, f"the last {share:g} of the trials of each session"


def _inside(support: Support, starts: Floats, stops: Floats, trials: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which trials lie in a support as a whole."""
    found = np.zeros(starts.size, dtype=np.bool_)
    for row, (start, stop, trial) in enumerate(zip(starts, stops, trials, strict=True)):
        first, last = support.of_trial(int(trial))
        found[row] = bool(((first <= start + EDGE_TOLERANCE) & (stop <= last + EDGE_TOLERANCE)).any())
    return found


def _numbers(frame: Any, name: str) -> Floats:
    column = _column(frame, name)
    try:
        return np.asarray(column.to_numpy(np.float64, na_value=np.nan))
    except (TypeError, ValueError):
        raise AnalysisError(f"fit_states: the column {name!r} holds no numbers; give 0 and 1, or numbers.") from None


def _column(frame: Any, name: str) -> Any:
    if name not in frame:
        raise AnalysisError(
            f"fit_states: trials have no column {name!r}.{nearest(name, list(map(str, frame.columns)))}"
        )
    return frame[name]
