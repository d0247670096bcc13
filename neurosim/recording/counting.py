"""Rates of populations, counted while a run goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError
from neurosim.recording.plan import RatePlan, RecordPlan
from neurosim.recording.request import RATE

if TYPE_CHECKING:
    import xarray


class RateCounter:
    """The spikes of a population in bins: numbers (trial, bin), whatever the number of neurons and of spikes.

    Parameters
    ----------
    rate
        What to count.
    plan
        The run.
    """

    def __init__(self, rate: RatePlan, plan: RecordPlan) -> None:
        self.rate = rate
        self._bins = rate.bins(plan.start_step, plan.n_steps)
        self._steps = range(plan.start_step, plan.start_step + plan.n_steps)
        self._counts = np.zeros((plan.trials, len(self._bins)), dtype=np.int64)
        self._chosen = None
        if rate.neurons is not None:
            self._chosen = np.zeros(rate.size, dtype=np.bool_)
            self._chosen[rate.neurons] = True

    def add(self, steps: NDArray[np.int64], trials: NDArray[np.int64], neurons: NDArray[np.int64]) -> None:
        """Count spikes, shape (spike,) each."""
        for name, values, limits in (
            ("step", steps, self._steps),
            ("trial", trials, range(self._counts.shape[0])),
            ("neuron", neurons, range(self.rate.size)),
        ):
            if values.min() < limits.start or values.max() >= limits.stop:
                raise RecordError(
                    f"Spikes of {self.rate.name!r} lie outside this run: {name} {values.min()} to {values.max()}, not "
                    f"{limits.start} to {limits.stop - 1}."
                )
        if self._chosen is not None:
            inside = self._chosen[neurons]
            steps, trials = steps[inside], trials[inside]
        place = trials * len(self._bins) + (steps // self.rate.bin_steps - self._bins.start)
        self._counts += np.bincount(place, minlength=self._counts.size).reshape(self._counts.shape)

    def finish(self, plan: RecordPlan) -> xarray.DataArray:
        """Return the rates of a run, which may have been stopped before its end."""
        bins = self.rate.bins(plan.start_step, plan.n_steps)
        edges = np.arange(bins.start, bins.stop + 1) * self.rate.bin_steps
        edges = np.clip(edges, plan.start_step, plan.start_step + plan.n_steps)
        return _rate_trace(self._counts[:, : len(bins)], edges[:-1], np.diff(edges), plan.dt, self.rate)


def joined_rates(first: xarray.DataArray, second: xarray.DataArray, dt: float) -> xarray.DataArray:
    """Return the rates of a run from those of its two parts; a bin that was cut in two is counted together."""
    n, bin_steps = int(first.attrs["neurons"]), round(first.attrs["bin"] / dt)
    parts = []
    for one in (first, second):
        lengths = np.rint(one["observed"].values / dt).astype(np.int64)
        counts = np.rint(one.values * (n * (lengths * dt))).astype(np.int64)
        parts.append((counts, np.rint(one["time"].values / dt).astype(np.int64), lengths))
    (counts, starts, lengths), (more, later, longer) = parts
    if starts.size and later.size and later[0] % bin_steps:
        counts, lengths = counts.copy(), lengths.copy()
        counts[:, -1] += more[:, 0]
        lengths[-1] += longer[0]
        more, later, longer = more[:, 1:], later[1:], longer[1:]
    rate = RatePlan("", n, None, bin_steps)
    return _rate_trace(
        np.concatenate([counts, more], axis=1),
        np.concatenate([starts, later]),
        np.concatenate([lengths, longer]),
        dt,
        rate,
    )


def _rate_trace(
    counts: NDArray[np.int64], starts: NDArray[np.int64], lengths: NDArray[np.int64], dt: float, rate: RatePlan
) -> xarray.DataArray:
    """Return the rates with their labels: where each bin begins, and how much of it the run observed."""
    import xarray

    seconds = lengths * dt
    return xarray.DataArray(
        counts / (rate.selected * seconds),
        dims=("trial", "time"),
        coords={
            "trial": np.arange(counts.shape[0]),
            "time": ("time", starts * dt, {"units": "second"}),
            "observed": ("time", seconds, {"units": "second"}),
        },
        name=RATE,
        attrs={
            "units": "hertz",
            "reduce": "mean over neurons",
            "bin": rate.bin_steps * dt,
            "neurons": rate.selected,
        },
    )
