"""Trials laid one after the other, for forms that know one line of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosim.recording.recording import Recording

if TYPE_CHECKING:
    import pandas

_OFF_GRID = 1e-6  # in steps


@dataclass(frozen=True)
class Layout:
    """Where the time of each trial lies on the line.

    Parameters
    ----------
    offsets : tuple of float
        What is added to the time of each trial: whole seconds, at least one of them between two trials. A single trial
        that does not begin before 0 stays where it is.
    first, last : float
        Where each trial begins and ends in its own time.
    """

    offsets: tuple[float, ...]
    first: float
    last: float

    @classmethod
    def of(cls, recording: Recording) -> Layout:
        """Return the layout of a recording."""
        moments = [trains.times for trains in recording.spikes.values()]
        moments += [trace["time"].values for group in recording.traces.values() for trace in group.values()]
        moments += [
            table[name].to_numpy()
            for tables in (recording.intervals, recording.events)
            for table in tables.values()
            for name in ("start", "stop", "time")
            if name in table and (name != "time" or "start" not in table)
        ]
        if recording.support is not None:
            moments += [recording.support.starts, recording.support.stops]
        some = [one for one in moments if one.size]
        first = float(min((one.min() for one in some), default=0.0))
        last = float(max((one.max() for one in some), default=0.0))
        base, span = float(np.ceil(max(0.0, -first))), float(np.ceil(last - first)) + 1.0
        return cls(tuple(base + span * trial for trial in range(recording.n_trials)), first, last)

    @property
    def moved(self) -> bool:
        """Whether the times of any trial change."""
        return any(self.offsets)

    def laid(self, times: NDArray[np.float64], trials: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return times on the line."""
        return np.asarray(times + np.array(self.offsets)[trials], dtype=np.float64)

    def own(self, laid: NDArray[np.float64], trials: NDArray[np.int64], dt: float | None) -> NDArray[np.float64]:
        """Return the times of trials from those on the line, on the grid of steps where they lie on it."""
        return on_grid(laid - np.array(self.offsets)[trials], dt)

    def trials_of(self, laid: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the trial in which each time on the line lies."""
        begins = np.array(self.offsets) + self.first - 0.5  # half of the least distance between two trials
        return np.clip(np.searchsorted(begins, laid, side="right") - 1, 0, len(self.offsets) - 1)

    def table(self, table: pandas.DataFrame) -> pandas.DataFrame:
        """Return the rows on the line, one for each trial that they hold in, in order of time.

        Columns ``own_...`` keep the times of the trial, and ``row`` the place in the table, where these would be lost.
        """
        times = ["time"] if "start" not in table else ["start", "stop"]
        rows = table.assign(row=np.arange(len(table)))
        if "trial" not in table:
            n = len(self.offsets)
            rows = rows.loc[np.tile(np.arange(len(table)), n)].reset_index(drop=True)
            trials = np.repeat(np.arange(n), len(table))
            rows = rows.assign(trial=trials) if n > 1 else rows
        else:
            trials = rows["trial"].to_numpy()
        if self.moved:
            rows = rows.assign(**{f"own_{name}": rows[name] for name in times})
        rows = rows.assign(**{name: self.laid(rows[name].to_numpy(), trials) for name in times})
        return rows.sort_values(times[0], kind="stable", ignore_index=True)


def on_grid(times: NDArray[np.float64], dt: float | None) -> NDArray[np.float64]:
    """Return times with those that lie on the grid of steps put there exactly."""
    if dt is None:
        return times
    steps = np.rint(times / dt)
    return np.where(np.abs(times / dt - steps) <= _OFF_GRID, steps * dt, times)
