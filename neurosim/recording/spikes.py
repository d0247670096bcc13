"""Spikes in long form: one row a spike, with its time, neuron and trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import RecordError
from neurosim.recording.rates import binned_rate, spike_counts
from neurosim.recording.spike_checks import check_inside, indices, whole_number
from neurosim.recording.support import Intervals, Support
from neurosim.recording.times import grid_steps, in_seconds, one_time, positive_step
from neurosim.recording.values import read_only, same

if TYPE_CHECKING:
    import xarray


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
    support : Support or intervals, optional
        The observed stretches, where there are gaps or trials differ; then without `duration` and `start`, which become
        the time from the first stretch to the end of the last.

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
    _stretches: Support | None

    def __init__(
        self,
        times: Any,
        neurons: ArrayLike,
        n: int,
        trials: ArrayLike | None = None,
        n_trials: int = 1,
        duration: Any = None,
        start: Any = 0.0,
        support: Intervals | None = None,
    ) -> None:
        n, n_trials = whole_number(n, "n", least=0), whole_number(n_trials, "n_trials", least=1)
        time = np.asarray(in_seconds(times, "times"))
        if time.ndim != 1:
            raise RecordError(f"times must be one-dimensional, one value a spike; got shape {time.shape}.")
        neuron = indices(neurons, "neurons", time.size, n, "n")
        trial = (
            np.zeros(time.size, np.int64)
            if trials is None
            else indices(trials, "trials", time.size, n_trials, "n_trials")
        )
        first = one_time(start, "start")
        length = None if duration is None else one_time(duration, "duration")
        stretches = None
        if support is not None:
            if duration is not None or first != 0:
                raise RecordError("Give the observed time as support=, or as duration= and start=, not as both.")
            stretches = Support.of(support, n_trials, "support")
            first, length = stretches.start, stretches.stop - stretches.start
        check_inside(time, trial, first, length, stretches)
        times, neurons, trials = (read_only(values) for values in _in_order(time, neuron, trial))
        for name, value in (
            ("times", times),
            ("neurons", neurons),
            ("n", n),
            ("trials", trials),
            ("n_trials", n_trials),
            ("duration", length),
            ("start", first),
            ("_stretches", stretches),
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
        return self.select(trials=np.array([index]))

    @property
    def support(self) -> Support | None:
        """The observed stretches; None where they are not known."""
        if self._stretches is not None or self.duration is None:
            return self._stretches
        return Support.whole(self.start, self.start + self.duration, self.n_trials)

    @property
    def has_gaps(self) -> bool:
        """Whether what was observed is more than a start and a duration that all trials share."""
        return self._stretches is not None

    def within(self, support: Support) -> SpikeTrains:
        """Return the same spikes with another observed time, in which they all must lie."""
        return SpikeTrains(self.times, self.neurons, self.n, self.trials, self.n_trials, support=support)

    def select(self, neurons: NDArray[np.int64] | None = None, trials: NDArray[np.int64] | None = None) -> SpikeTrains:
        """Return the spikes of some neurons and trials, both renumbered in the order given.

        Parameters
        ----------
        neurons, trials : numpy.ndarray of int, optional
            Which ones, each at most once; by default all.
        """
        kept = np.ones(len(self), dtype=np.bool_)
        columns = {"neurons": self.neurons, "trials": self.trials}
        for name, chosen, size in (("neurons", neurons, self.n), ("trials", trials, self.n_trials)):
            if chosen is not None:
                place = np.full(size, -1)
                place[chosen] = np.arange(chosen.size)
                columns[name] = place[columns[name]]
                kept &= columns[name] >= 0
        observed: dict[str, Any] = {"duration": self.duration, "start": self.start}
        if self._stretches is not None:
            observed = {"support": self._stretches if trials is None else self._stretches.select(trials)}
        return SpikeTrains(
            self.times[kept],
            columns["neurons"][kept],
            self.n if neurons is None else neurons.size,
            columns["trials"][kept],
            self.n_trials if trials is None else trials.size,
            **observed,
        )

    def restrict(self, intervals: Intervals) -> SpikeTrains:
        """Return the spikes in some intervals of time; what is observed shrinks to what lies in them.

        Parameters
        ----------
        intervals
            Half-open ``[start, stop)``: a `Support`, a table, pairs or one pair (see `Support.of`).

        Raises
        ------
        RecordError
            If the observed time is not known.
        """
        if self.support is None:
            raise RecordError("What was observed is not known: give these SpikeTrains a duration= or support=.")
        left = self.support & Support.of(intervals, self.n_trials)
        kept = left.contains(self.times, self.trials)
        return SpikeTrains(self.times[kept], self.neurons[kept], self.n, self.trials[kept], self.n_trials, support=left)

    def counts(self) -> xarray.DataArray:
        """Return the number of spikes of each neuron, dims (trial, neuron)."""
        return self._labelled(spike_counts(self), "spike_count", "1")

    def rates(self) -> xarray.DataArray:
        """Return the firing rate of each neuron in hertz, by observed time, dims (trial, neuron).

        Of a trial in which nothing was observed there is no rate: NaN.
        """
        observed = self.observed()[:, np.newaxis]
        rates = np.full((self.n_trials, self.n), np.nan)
        np.divide(spike_counts(self), observed, out=rates, where=observed > 0)
        return self._labelled(rates, "rate", "hertz")

    def mean_rate(self) -> float:
        """Return the firing rate in hertz, averaged over all neurons and the observed time of all trials."""
        if self.n == 0:
            raise RecordError("There are no neurons to average a rate over.")
        return len(self) / (self.n * float(self.observed().sum()))

    def population_rate(self, bin: Any) -> xarray.DataArray:
        """Return the rate per neuron in hertz in successive bins of time.

        Parameters
        ----------
        bin : float or quantity
            Width of a bin in seconds. Time left over after the last whole bin is not counted.

        Returns
        -------
        xarray.DataArray
            Dims (trial, time); a bin is labelled with the time at which it begins. The rate is that of the observed
            part of a bin, NaN where nothing of it was observed.
        """
        return binned_rate(self, one_time(bin, "bin"))

    def observed(self) -> NDArray[np.float64]:
        """Return how long each trial was observed in seconds, shape (trial,).

        Raises
        ------
        RecordError
            If that is not known, or is nothing in all trials.
        """
        if self._stretches is not None:
            seconds = self._stretches.observed
        else:
            seconds = np.full(self.n_trials, self.duration or 0.0)
        if not seconds.any():
            raise RecordError("A rate needs the observed time: give these SpikeTrains a duration= above zero.")
        return seconds

    def __len__(self) -> int:
        """Return the number of spikes."""
        return int(self.times.size)

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        if not isinstance(other, SpikeTrains):
            return NotImplemented
        return same(_content(self), _content(other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return the extent, not the spikes."""
        extent = "of unknown duration" if self.duration is None else f"in {self.duration:g} s"
        trials = "" if self.n_trials == 1 else f" x {self.n_trials} trials"
        return f"SpikeTrains({len(self)} spikes of {self.n} neurons{trials} {extent}, from {self.start:g} s)"

    def _labelled(self, values: np.ndarray, name: str, unit: str) -> xarray.DataArray:
        import xarray

        coords = {"trial": np.arange(self.n_trials), "neuron": np.arange(self.n)}
        return xarray.DataArray(values, dims=("trial", "neuron"), coords=coords, name=name, attrs={"units": unit})


def _in_order(
    time: NDArray[np.float64], neuron: NDArray[np.int64], trial: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return copies of spikes in the order of trial, time, neuron: what a simulation gives is mostly in it already."""
    ascends = neuron[1:] >= neuron[:-1]
    for values in (time, trial):
        ascends = (values[1:] > values[:-1]) | ((values[1:] == values[:-1]) & ascends)
    if ascends.all():
        return time.copy(), neuron.copy(), trial.copy()
    order = np.lexsort((neuron, time, trial))
    return time[order], neuron[order], trial[order]


def _content(trains: SpikeTrains) -> list[Any]:
    """Return what makes trains equal: the observed time counts, not how it was given."""
    columns = [trains.times, trains.neurons, trains.trials, trains.n, trains.n_trials]
    support = trains.support
    return [*columns, *([trains.start] if support is None else vars(support).values())]
