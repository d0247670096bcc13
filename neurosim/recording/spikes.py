"""Spikes in long form: one row a spike, with its time, neuron and trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import RecordError
from neurosim.recording.times import grid_steps, in_seconds, one_time, positive_step
from neurosim.recording.values import read_only, same

if TYPE_CHECKING:
    import xarray

BIN_TOLERANCE = 1e-9  # in bins: a spike this close below an edge belongs to the bin that begins there


@dataclass(frozen=True, init=False, eq=False, repr=False)
class SpikeTrains:
    """The spikes of one population, sorted by trial, then time, then neuron.

    Parameters
    ----------
    times : array_like, shape (spike,)
        When each spike happened: seconds, or a quantity of time.
    neurons : array_like of int, shape (spike,)
        Which neuron fired, ``0 <= neuron < n``.
    n : int
        How many neurons were observed, silent ones included.
    trials : array_like of int, shape (spike,), optional
        Which trial each spike belongs to, ``0 <= trial < n_trials``. By default all belong to trial 0.
    n_trials : int
        How many trials were observed, silent ones included.
    duration : float or quantity, optional
        How long each trial was observed, in seconds; rates need it.
    start : float or quantity
        When the observation began, in seconds.

    Raises
    ------
    RecordError
        If lengths differ, an index is out of range, or a spike lies outside the observed time.
    UnitError
        If a quantity is no time.

    Examples
    --------
    >>> spikes = SpikeTrains([0.020, 0.010], [1, 0], n=3, duration=0.1)
    >>> spikes.times.tolist(), spikes.neurons.tolist()
    ([0.01, 0.02], [0, 1])
    """

    times: NDArray[np.float64]
    neurons: NDArray[np.int64]
    n: int
    trials: NDArray[np.int64]
    n_trials: int
    duration: float | None
    start: float

    def __init__(
        self,
        times: Any,
        neurons: ArrayLike,
        n: int,
        trials: ArrayLike | None = None,
        n_trials: int = 1,
        duration: Any = None,
        start: Any = 0.0,
    ) -> None:
        n, n_trials = _count(n, "n", least=0), _count(n_trials, "n_trials", least=1)
        time = np.asarray(in_seconds(times, "times"))
        if time.ndim != 1:
            raise RecordError(f"times must be one-dimensional, one value a spike; got shape {time.shape}.")
        neuron = _indices(neurons, "neurons", time.size, n, "n")
        trial = (
            np.zeros(time.size, np.int64)
            if trials is None
            else _indices(trials, "trials", time.size, n_trials, "n_trials")
        )
        first = one_time(start, "start")
        length = None if duration is None else one_time(duration, "duration")
        _check_inside(time, first, length)
        order = np.lexsort((neuron, time, trial))
        for name, value in (
            ("times", read_only(time[order])),
            ("neurons", read_only(neuron[order])),
            ("n", n),
            ("trials", read_only(trial[order])),
            ("n_trials", n_trials),
            ("duration", length),
            ("start", first),
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def from_steps(
        cls,
        steps: ArrayLike,
        neurons: ArrayLike,
        n: int,
        dt: float,
        *,
        trials: ArrayLike | None = None,
        n_trials: int = 1,
        start_step: int = 0,
        n_steps: int | None = None,
    ) -> SpikeTrains:
        """Build from global step numbers: the time of a spike is the product ``step * dt``.

        Parameters
        ----------
        steps : array_like of int, shape (spike,)
            Step of each spike.
        neurons, n, trials, n_trials
            As in the constructor.
        dt : float
            The step in seconds.
        start_step, n_steps : int
            The observed steps; without `n_steps` there is no duration.
        """
        step = np.asarray(steps)
        if step.size and step.dtype.kind not in "iu":
            raise RecordError(f"steps must be integers, got {step.dtype}.")
        duration = None if n_steps is None else n_steps * positive_step(dt)
        return cls(step * positive_step(dt), neurons, n, trials, n_trials, duration, start_step * dt)

    @classmethod
    def from_dense(cls, fired: Any, dt: float, start_step: int = 0) -> SpikeTrains:
        """Build from an array that is true where a neuron fired.

        Parameters
        ----------
        fired : array_like of bool or 0/1, shape (time, trial, neuron)
            Row i is step ``start_step + i``.
        dt : float
            The step in seconds.
        start_step : int
            The step of the first row.
        """
        array = np.asarray(fired)
        if array.ndim != 3:
            raise RecordError(f"Dense spikes must have the dimensions (time, trial, neuron); got shape {array.shape}.")
        if array.dtype != np.bool_ and not np.isin(array, (0, 1)).all():
            raise RecordError("Dense spikes must be booleans, or 0 and 1; other values were found.")
        steps, trials, neurons = np.nonzero(array)
        n_steps, n_trials, n = array.shape
        return cls.from_steps(
            steps + start_step, neurons, n, dt, trials=trials, n_trials=n_trials, start_step=start_step, n_steps=n_steps
        )

    def to_steps(self, dt: float) -> NDArray[np.int64]:
        """Return the step number of each spike.

        Raises
        ------
        RecordError
            If a time is further than 1e-6 steps from the grid.
        """
        return grid_steps(self.times, dt, "spike times")

    def to_dense(self, dt: float, n_steps: int, start_step: int | None = None) -> NDArray[np.bool_]:
        """Return the spikes of a window of steps as an array that is true where a neuron fired.

        Parameters
        ----------
        dt : float
            The step in seconds; times must lie on its grid.
        n_steps : int
            Length of the window. Spikes outside it are left out, so that split runs can share one input.
        start_step : int, optional
            First step of the window; by default the step of `start`.

        Returns
        -------
        numpy.ndarray of bool, shape (time, trial, neuron)

        Raises
        ------
        RecordError
            If a time is off the grid, or a neuron fires twice in one step.
        """
        first = int(grid_steps(self.start, dt, "start")) if start_step is None else start_step
        rows = self.to_steps(dt) - first
        inside = (rows >= 0) & (rows < n_steps)
        dense = np.zeros((n_steps, self.n_trials, self.n), dtype=np.bool_)
        dense[rows[inside], self.trials[inside], self.neurons[inside]] = True
        if (lost := np.count_nonzero(inside) - np.count_nonzero(dense)) > 0:
            raise RecordError(
                f"{lost} spikes share their step of {dt:g} s with another spike of the same neuron, which a dense "
                "array cannot hold. Use a smaller dt, or remove the repeated spikes."
            )
        return dense

    def of_trial(self, index: int) -> SpikeTrains:
        """Return the spikes of one trial, as a single trial."""
        if not 0 <= index < self.n_trials:
            raise RecordError(f"No trial {index}: there are {self.n_trials}, numbered from 0.")
        chosen = self.trials == index
        return SpikeTrains(self.times[chosen], self.neurons[chosen], self.n, duration=self.duration, start=self.start)

    def counts(self) -> xarray.DataArray:
        """Return the number of spikes of each neuron, dims (trial, neuron)."""
        return self._labelled(self._count_array(), "spike_count", "1")

    def rates(self) -> xarray.DataArray:
        """Return the firing rate of each neuron in hertz, dims (trial, neuron)."""
        return self._labelled(self._count_array() / self._observed(), "rate", "hertz")

    def mean_rate(self) -> float:
        """Return the firing rate in hertz, averaged over all neurons and trials."""
        if self.n == 0:
            raise RecordError("There are no neurons to average a rate over.")
        return len(self) / (self.n * self.n_trials * self._observed())

    def population_rate(self, bin: Any) -> xarray.DataArray:
        """Return the rate per neuron in hertz in successive bins of time.

        Parameters
        ----------
        bin : float or quantity
            Width of a bin in seconds. Time left over after the last whole bin is not counted.

        Returns
        -------
        xarray.DataArray
            Dims (trial, time); a bin is labelled with the time at which it begins.
        """
        import xarray

        width = one_time(bin, "bin")
        if width <= 0:
            raise RecordError(f"bin must be a positive time, got {width:g} s.")
        if self.n == 0:
            raise RecordError("There are no neurons to average a rate over.")
        n_bins = int(np.floor(self._observed() / width + BIN_TOLERANCE))
        if n_bins < 1:
            raise RecordError(f"A bin of {width:g} s is longer than the {self._observed():g} s that were observed.")
        column = np.floor((self.times - self.start) / width + BIN_TOLERANCE).astype(np.int64)
        whole = column < n_bins
        counts = np.bincount(self.trials[whole] * n_bins + column[whole], minlength=self.n_trials * n_bins)
        return xarray.DataArray(
            counts.reshape(self.n_trials, n_bins) / (self.n * width),
            dims=("trial", "time"),
            coords={
                "trial": np.arange(self.n_trials),
                "time": ("time", self.start + np.arange(n_bins) * width, {"units": "second"}),
            },
            name="population_rate",
            attrs={"units": "hertz", "bin": width},
        )

    def __len__(self) -> int:
        """Return the number of spikes."""
        return int(self.times.size)

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        if not isinstance(other, SpikeTrains):
            return NotImplemented
        return same(list(vars(self).values()), list(vars(other).values()))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return the extent, not the spikes."""
        extent = "of unknown duration" if self.duration is None else f"in {self.duration:g} s"
        trials = "" if self.n_trials == 1 else f" x {self.n_trials} trials"
        return f"SpikeTrains({len(self)} spikes of {self.n} neurons{trials} {extent}, from {self.start:g} s)"

    def _count_array(self) -> NDArray[np.int64]:
        flat = np.bincount(self.trials * self.n + self.neurons, minlength=self.n_trials * self.n)
        return flat.reshape(self.n_trials, self.n)

    def _labelled(self, values: np.ndarray, name: str, unit: str) -> xarray.DataArray:
        import xarray

        coords = {"trial": np.arange(self.n_trials), "neuron": np.arange(self.n)}
        return xarray.DataArray(values, dims=("trial", "neuron"), coords=coords, name=name, attrs={"units": unit})

    def _observed(self) -> float:
        if self.duration is None or self.duration == 0:
            raise RecordError("A rate needs the observed time: give these SpikeTrains a duration= above zero.")
        return self.duration


def _count(value: Any, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise RecordError(f"{name} must be a whole number of at least {least}, got {value!r}.")
    return int(value)


def _indices(values: ArrayLike, name: str, length: int, limit: int, limit_name: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        raise RecordError(f"{name} must be integers, got {array.dtype}.")
    if array.shape != (length,):
        raise RecordError(f"{name} must have one value a spike: {length} times, but {name} has shape {array.shape}.")
    array = array.astype(np.int64)
    if length and not (array.min() >= 0 and array.max() < limit):
        wrong = array[(array < 0) | (array >= limit)][0]
        raise RecordError(
            f"{name} holds {wrong}, but {limit_name} = {limit} allows 0 to {limit - 1}. Check {limit_name}."
        )
    return array


def _check_inside(times: NDArray[np.float64], start: float, duration: float | None) -> None:
    if duration is not None and duration < 0:
        raise RecordError(f"duration must not be negative, got {duration:g} s.")
    if not times.size:
        return
    end = np.inf if duration is None else start + duration
    slack = 1e-9 * max(1.0, abs(start), 0.0 if np.isinf(end) else abs(end))  # decimal times are not exact floats
    if times.min() < start - slack or times.max() > end + slack:
        raise RecordError(
            f"Spikes lie from {times.min():g} s to {times.max():g} s, outside the observed {start:g} s to {end:g} s. "
            "Check start= and duration=, and that the times are in seconds."
        )
