"""A session cut into trials around the moments of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError
from neurosim.recording.restricting import blanked, known_support, samples_inside, without_extent
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.support import EDGE_TOLERANCE, Support
from neurosim.recording.tables import rows_in, typed
from neurosim.recording.times import in_seconds, one_time

if TYPE_CHECKING:
    import pandas
    import xarray

    from neurosim.recording.recording import Recording

_OFF_GRID = 1e-6  # in samples: how far from a bin's edge an event may lie


def per_trial(recording: Recording, event: Any, window: Any) -> Recording:
    """Return a recording with a trial for each event; see `Recording.per_trial`."""
    from neurosim.recording.recording import Recording

    before, after = _window(window)
    trials = _table(recording, event)
    moments, sources = trials["time"].to_numpy(np.float64), trials["source_trial"].to_numpy(np.int64)
    if not moments.size:
        raise RecordError("per_trial: there is no such event, so there would be no trial.")
    if not np.isfinite(moments).all() or sources.min() < 0 or sources.max() >= recording.n_trials:
        raise RecordError("per_trial: every event needs a finite time, in a trial of this recording.")
    cuts = Cuts(moments, sources, before, after)
    support = cuts.support(known_support(recording))
    intervals = {
        name: rows_in(cuts.table(table), support) for name, table in recording.intervals.items() if name != "trials"
    }
    intervals["trials"] = trials.assign(trial=np.arange(len(trials)), start=before, stop=after)
    return Recording(
        {name: cuts.spikes(trains) for name, trains in recording.spikes.items()},
        {
            name: {variable: cuts.trace(trace, support, f"{name}.{variable}") for variable, trace in group.items()}
            for name, group in recording.traces.items()
        },
        None,
        {**without_extent(recording.metadata), "trials": len(trials)},
        support=support,
        intervals=intervals,
        events={name: rows_in(cuts.table(table), support) for name, table in recording.events.items()},
        units=recording.units,
    )


class Cuts:
    """Windows around moments, each of which becomes a trial whose time is 0 at its moment.

    Parameters
    ----------
    moments : numpy.ndarray, shape (trial,)
        When each event happened, in seconds.
    sources : numpy.ndarray of int, shape (trial,)
        In which trial of the recording it did.
    before, after : float
        Where the window begins and ends, in seconds from the event.
    """

    def __init__(self, moments: NDArray[np.float64], sources: NDArray[np.int64], before: float, after: float) -> None:
        self.moments, self.sources, self.before, self.after = moments, sources, before, after
        self.n = int(moments.size)

    def support(self, support: Support) -> Support:
        """Return what was observed of each window, in its own time."""
        numbers = np.arange(self.n)
        windows = Support(np.full(self.n, self.before), np.full(self.n, self.after), numbers, self.n)
        starts, stops, trials = [], [], []
        for number, (moment, source) in enumerate(zip(self.moments, self.sources, strict=True)):
            first, last = support.of_trial(int(source))
            starts.append(first - moment)
            stops.append(last - moment)
            trials.append(np.full(first.size, number))
        return windows & Support(np.concatenate(starts), np.concatenate(stops), np.concatenate(trials), self.n)

    def spikes(self, trains: SpikeTrains) -> SpikeTrains:
        """Return the spikes of each window; one that lies in several windows is in several trials."""
        if trains.support is None:
            raise RecordError("per_trial: the observed time of some spikes is not known: give them a duration=.")
        observed = self.support(trains.support)
        times, neurons, trials = [], [], []
        for number, (moment, source) in enumerate(zip(self.moments, self.sources, strict=True)):
            begin, end = np.searchsorted(trains.trials, (source, source + 1))
            edges = (moment + self.before - EDGE_TOLERANCE * 2, moment + self.after)
            low, high = begin + np.searchsorted(trains.times[begin:end], edges)
            times.append(trains.times[low:high] - moment)
            neurons.append(trains.neurons[low:high])
            trials.append(np.full(high - low, number))
        relative, neuron, trial = np.concatenate(times), np.concatenate(neurons), np.concatenate(trials)
        inside = observed.contains(relative, trial)
        return SpikeTrains(relative[inside], neuron[inside], trains.n, trial[inside], self.n, support=observed)

    def trace(self, trace: xarray.DataArray, support: Support, address: str) -> xarray.DataArray:
        """Return the samples of each window; each takes the label of the grid of its window that is nearest."""
        times = trace["time"].values
        period = sampling_period(times, f"per_trial: {address}")
        first, last = (int(np.ceil(edge / period - _OFF_GRID)) for edge in (self.before, self.after))
        offsets = (self.moments - times[0]) / period
        if "bin" in trace.attrs and np.any(np.abs(offsets - np.rint(offsets)) > _OFF_GRID):
            raise RecordError(
                f"per_trial: {address} was counted in bins of {trace.attrs['bin']:g} s, and an event lies within one. "
                "Record the spikes, or choose events on the edges of the bins."
            )
        labels = np.arange(first, last)
        rows = np.rint(offsets).astype(np.int64)[:, np.newaxis] + labels
        known = (rows >= 0) & (rows < times.size)
        rows = np.clip(rows, 0, times.size - 1)
        whole = known.all(axis=0) if self.n == 1 else np.zeros(labels.size, dtype=np.bool_)
        stamps = np.where(whole, times[rows[0]] - self.moments[0], labels * period)
        result = trace.isel(trial=self.sources[0:1], time=rows[0]).drop_vars("observed", errors="ignore")
        values = trace.values[self.sources[:, np.newaxis], rows]
        coords = {name: label for name, label in result.coords.items() if name not in ("trial", "time")}
        coords |= {"trial": np.arange(self.n), "time": ("time", stamps, dict(trace["time"].attrs))}
        if "observed" in trace.coords:  # of bins, only whole ones are kept
            known &= np.abs(trace["observed"].values[rows] - trace.attrs["bin"]) < EDGE_TOLERANCE
            coords["observed"] = ("time", np.full(stamps.size, trace.attrs["bin"]), trace["observed"].attrs)
        import xarray

        cut = xarray.DataArray(values, dims=trace.dims, coords=coords, name=trace.name, attrs=trace.attrs)
        return blanked(cut, known & samples_inside(cut, support))

    def table(self, table: pandas.DataFrame) -> pandas.DataFrame:
        """Return the rows as seen from each event, before they are cut to the windows."""
        import pandas

        parts = []
        for number, (moment, source) in enumerate(zip(self.moments, self.sources, strict=True)):
            rows = table if "trial" not in table else table[table["trial"] == source]
            edges = ["start", "stop"] if "start" in rows else ["time"]
            first, last = rows[edges[0]], rows[edges[-1]]
            near = (last >= moment + self.before - EDGE_TOLERANCE) & (first <= moment + self.after)
            shifted = {name: rows[name][near] - moment for name in edges}
            parts.append(rows[near].assign(**shifted, trial=number))
        return pandas.concat(parts, ignore_index=True)


def sampling_period(times: NDArray[np.float64], where: str) -> float:
    """Return the time between samples, or refuse samples that are not evenly spaced."""
    if times.size < 2:
        raise RecordError(f"{where} has {times.size} samples, too few to know how they are spaced.")
    period = float((times[-1] - times[0]) / (times.size - 1))
    if not np.allclose(np.diff(times), period, rtol=0, atol=1e-4 * period):
        raise RecordError(f"{where} is not evenly sampled; resample it first, or leave it out with select().")
    return period


def _window(window: Any) -> tuple[float, float]:
    if not isinstance(window, list | tuple) or len(window) != 2:
        values = in_seconds(window, "window")
        if np.shape(values) != (2,):
            raise RecordError(f"per_trial: window is a pair (before, after) in seconds, got {window!r}.")
        window = (float(values[0]), float(values[1]))
    before, after = (one_time(edge, "window") for edge in window)
    if not before < after:
        raise RecordError(f"per_trial: the window must begin before it ends, got {before:g} s to {after:g} s.")
    return before, after


def _table(recording: Recording, event: Any) -> pandas.DataFrame:
    """Return a row for each trial to come: ``time``, ``source_trial``, and whatever is known of the event."""
    import pandas

    if isinstance(event, str):
        if event in recording.events and event in recording.intervals:
            raise RecordError(f"per_trial: {event!r} names events and intervals; give the table itself.")
        if event in recording.intervals:  # their starts are meant, whatever times they hold beside
            given = recording.intervals[event].drop(columns="time", errors="ignore")
        else:
            given = recording.events[event]
    elif hasattr(event, "columns"):
        given = event
    else:
        given = pandas.DataFrame({"time": np.atleast_1d(in_seconds(event, "event"))})
    table = typed(given, "per_trial: event")
    if "time" not in table:
        if "start" not in table:
            raise RecordError("per_trial: a table of events needs a column 'time', or 'start'.")
        table = table.rename(columns={"start": "time"}).drop(columns="stop", errors="ignore")
    if "trial" in table:
        return table.drop(columns="source_trial", errors="ignore").rename(columns={"trial": "source_trial"})
    n = recording.n_trials
    everywhere = table.loc[np.tile(np.arange(len(table)), n)].reset_index(drop=True)
    return everywhere.assign(source_trial=np.repeat(np.arange(n), len(table)))
