"""When something was observed: stretches of time, in each trial."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError
from neurosim.recording.times import in_seconds, one_time
from neurosim.recording.values import read_only, same

if TYPE_CHECKING:
    import pandas

#: In seconds. Decimal times are not exact floats: a time this close below an edge lies on it.
EDGE_TOLERANCE = 1e-9

Intervals: TypeAlias = Any  # a Support, a table with start and stop, pairs (start, stop), or one such pair


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Support:
    """Half-open stretches ``[start, stop)`` of time in seconds: sorted, without overlap, none empty.

    Stretches of a trial that overlap or touch become one; empty ones are left out. A trial may have none.

    Parameters
    ----------
    starts, stops : array_like, shape (stretch,)
        Where each stretch begins and ends: seconds, or quantities of time.
    trials : array_like of int, shape (stretch,), optional
        Which trial each belongs to; by default every one holds in all trials.
    n_trials : int
        How many trials there are.

    Raises
    ------
    RecordError
        If a stretch ends before it begins, or belongs to no trial.

    Examples
    --------
    >>> Support([0.0, 0.5, 2.0], [1.0, 1.5, 3.0])
    Support([0, 1.5) and [2, 3) s)
    """

    starts: NDArray[np.float64]
    stops: NDArray[np.float64]
    trials: NDArray[np.int64]
    n_trials: int

    def __init__(self, starts: Any, stops: Any, trials: Any = None, n_trials: int = 1) -> None:
        first, last = (
            np.atleast_1d(np.asarray(in_seconds(values, name), dtype=np.float64)).reshape(-1)
            for values, name in ((starts, "starts"), (stops, "stops"))
        )
        if n_trials < 1:
            raise RecordError(f"n_trials must be at least 1, got {n_trials}.")
        if first.size != last.size:
            raise RecordError(f"Every stretch has a start and a stop: got {first.size} starts, {last.size} stops.")
        if np.any(last < first):
            wrong = int(np.flatnonzero(last < first)[0])
            raise RecordError(f"A stretch from {first[wrong]:g} s to {last[wrong]:g} s ends before it begins.")
        if trials is None:
            trial = np.repeat(np.arange(n_trials), first.size)
            first, last = np.tile(first, n_trials), np.tile(last, n_trials)
        else:
            trial = np.asarray(trials, dtype=np.int64).reshape(-1)
            if trial.size != first.size or np.any((trial < 0) | (trial >= n_trials)):
                raise RecordError(f"trials= needs one number from 0 to {n_trials - 1} a stretch, got {trials!r}.")
        for name, value in zip(("starts", "stops", "trials"), _merged(first, last, trial), strict=True):
            object.__setattr__(self, name, read_only(value))
        object.__setattr__(self, "n_trials", int(n_trials))

    @classmethod
    def whole(cls, start: float, stop: float, n_trials: int = 1) -> Support:
        """Return one stretch that all trials share, in seconds; an empty one is none.

        Raises
        ------
        RecordError
            If it ends before it begins, or an end is not finite.
        """
        if not (n_trials >= 1 and math.isfinite(stop - start) and stop > start):
            return cls(start, stop, n_trials=n_trials)  # which says what is wrong
        support = object.__new__(cls)
        columns = np.full(n_trials, start, np.float64), np.full(n_trials, stop, np.float64), np.arange(n_trials)
        for name, column in zip(("starts", "stops", "trials"), columns, strict=True):
            object.__setattr__(support, name, read_only(column))
        object.__setattr__(support, "n_trials", int(n_trials))
        return support

    @classmethod
    def of(cls, intervals: Intervals, n_trials: int = 1, where: str = "intervals") -> Support:
        """Read stretches in any of the forms in which they are given.

        Parameters
        ----------
        intervals
            A `Support`; a table with columns ``start`` and ``stop`` (and ``trial``); pairs ``(start, stop)``, shape
            (stretch, 2); or one pair. Plain numbers are seconds.
        n_trials : int
            How many trials there are. What names no trial holds in all of them.
        where : str
            How it is called in the error message.
        """
        if isinstance(intervals, Support):
            if intervals.n_trials == n_trials:
                return intervals
            if intervals.n_trials == 1:
                return cls(intervals.starts, intervals.stops, n_trials=n_trials)
            raise RecordError(f"{where}: a support of {intervals.n_trials} trials does not fit {n_trials}.")
        if hasattr(intervals, "columns"):
            missing = {"start", "stop"} - set(intervals.columns)
            if missing:
                raise RecordError(f"{where}: a table of intervals needs the column {min(missing)!r}.")
            trials = intervals["trial"].to_numpy() if "trial" in intervals else None
            return cls(intervals["start"].to_numpy(), intervals["stop"].to_numpy(), trials, n_trials)
        pairs = _pairs(intervals, where)
        return cls(pairs[:, 0], pairs[:, 1], n_trials=n_trials)

    @property
    def observed(self) -> NDArray[np.float64]:
        """Seconds in all of each trial, shape (trial,)."""
        return np.bincount(self.trials, self.stops - self.starts, minlength=self.n_trials).astype(np.float64)

    @property
    def start(self) -> float:
        """When the first stretch of any trial begins, in seconds; 0 where there is none."""
        return float(self.starts.min()) if self.starts.size else 0.0

    @property
    def stop(self) -> float:
        """When the last stretch of any trial ends, in seconds; 0 where there is none."""
        return float(self.stops.max()) if self.stops.size else 0.0

    @property
    def table(self) -> pandas.DataFrame:
        """The stretches as a table with the columns trial, start and stop (s)."""
        import pandas

        return pandas.DataFrame({"trial": self.trials, "start": self.starts, "stop": self.stops})

    def of_trial(self, index: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the starts and the stops of one trial."""
        first, last = np.searchsorted(self.trials, (index, index + 1))
        return self.starts[first:last], self.stops[first:last]

    def select(self, trials: NDArray[np.int64]) -> Support:
        """Return the stretches of some trials, renumbered in the order given."""
        chosen = [self.of_trial(int(index)) for index in trials]
        return _joined(chosen)

    def contains(self, times: NDArray[np.float64], trials: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell for each time whether it was observed.

        Parameters
        ----------
        times : numpy.ndarray, shape (time,)
            Seconds.
        trials : numpy.ndarray of int, shape (time,)
            The trial of each.
        """
        inside = np.zeros(times.shape, dtype=np.bool_)
        order = np.argsort(trials, kind="stable")
        edges = np.searchsorted(trials[order], np.arange(self.n_trials + 1))
        for index in np.flatnonzero(np.diff(edges)):
            starts, stops = self.of_trial(int(index))
            chosen = order[edges[index] : edges[index + 1]]
            late = times[chosen] + EDGE_TOLERANCE
            stretch = np.searchsorted(starts, late, side="right") - 1
            known = stretch >= 0
            inside[chosen[known]] = late[known] < stops[stretch[known]]
        return inside

    def covered(self, edges: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how many seconds of each bin were observed, shape (trial, bin), given the bins' edges in order."""
        result = np.zeros((self.n_trials, edges.size - 1))
        for index in range(self.n_trials):
            starts, stops = self.of_trial(index)
            if not starts.size:
                continue
            corners = np.stack([starts, stops], axis=1).reshape(-1)
            seen = np.stack([np.zeros(starts.size), stops - starts], axis=1).reshape(-1).cumsum()
            result[index] = np.diff(np.interp(edges, corners, seen))
        return result

    def __and__(self, other: Support) -> Support:
        """Return what lies in both."""
        if self.n_trials != other.n_trials:
            raise RecordError(f"Supports of {self.n_trials} and of {other.n_trials} trials have nothing in common.")
        return _joined([_intersection(self.of_trial(index), other.of_trial(index)) for index in range(self.n_trials)])

    def __or__(self, other: Support) -> Support:
        """Return what lies in either."""
        if self.n_trials != other.n_trials:
            raise RecordError(f"Supports of {self.n_trials} and of {other.n_trials} trials cannot be joined.")
        parts = [
            np.concatenate([getattr(one, name) for one in (self, other)]) for name in ("starts", "stops", "trials")
        ]
        return Support(parts[0], parts[1], parts[2], self.n_trials)

    def __len__(self) -> int:
        """Return the number of stretches in all trials."""
        return int(self.starts.size)

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        if not isinstance(other, Support):
            return NotImplemented
        return same(list(vars(self).values()), list(vars(other).values()))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return the stretches of one trial, or a summary of several trials."""
        if self.n_trials > 1:
            return f"Support({len(self)} stretches in {self.n_trials} trials, {self.observed.sum():g} s)"
        shown = [f"[{start:g}, {stop:g})" for start, stop in zip(self.starts[:3], self.stops[:3], strict=True)]
        more = [f"{len(self) - 3} more"] if len(self) > 3 else []
        return f"Support({' and '.join(shown + more)} s)" if shown else "Support(nothing)"


def _pairs(intervals: Any, where: str) -> NDArray[np.float64]:
    """Return pairs (start, stop) as an array, shape (stretch, 2)."""
    if isinstance(intervals, list | tuple) and any(isinstance(pair, list | tuple) for pair in intervals):
        if any(np.size(pair) != 2 for pair in intervals):
            raise RecordError(f"{where}: every interval is a pair (start, stop); got {intervals!r}.")
        return np.array([[one_time(time, where) for time in pair] for pair in intervals])
    array = np.asarray(in_seconds(intervals, where))
    if array.size == 0:
        return np.empty((0, 2))
    if array.shape == (2,):
        array = array[np.newaxis]
    if array.ndim != 2 or array.shape[1] != 2:
        raise RecordError(
            f"{where}: give a pair (start, stop), pairs of shape (stretch, 2), a table with columns start and stop, "
            f"or a Support; got shape {array.shape}."
        )
    return array


def _merged(
    starts: NDArray[np.float64], stops: NDArray[np.float64], trials: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    some = stops > starts
    starts, stops, trials = starts[some], stops[some], trials[some]
    order = np.lexsort((starts, trials))
    starts, stops, trials = starts[order], stops[order], trials[order]
    if starts.size < 2:
        return starts, stops, trials
    begins = np.ones(starts.size, dtype=np.bool_)
    for index in np.unique(trials):
        first, last = np.searchsorted(trials, (index, index + 1))
        reach = np.maximum.accumulate(stops[first:last])
        begins[first + 1 : last] = starts[first + 1 : last] > reach[:-1] + EDGE_TOLERANCE
    heads = np.flatnonzero(begins)
    return starts[heads], np.maximum.reduceat(stops, heads), trials[heads]


def _intersection(
    one: tuple[NDArray[np.float64], NDArray[np.float64]], other: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first = np.searchsorted(other[1], one[0], side="right")
    last = np.searchsorted(other[0], one[1], side="left")
    partners = np.maximum(last - first, 0)
    left = np.repeat(np.arange(one[0].size), partners)
    right = np.arange(left.size) - np.repeat(partners.cumsum() - partners, partners) + np.repeat(first, partners)
    return np.maximum(one[0][left], other[0][right]), np.minimum(one[1][left], other[1][right])


def _joined(of_trials: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Support:
    """Return the support whose trials have these stretches."""
    trials = np.repeat(np.arange(len(of_trials)), [starts.size for starts, _ in of_trials])
    starts, stops = (np.concatenate([one[column] for one in of_trials]) for column in range(2))
    return Support(starts, stops, trials, len(of_trials))
