"""A recording within some intervals of time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError
from neurosim.recording.support import EDGE_TOLERANCE, Intervals, Support
from neurosim.recording.tables import rows_in

if TYPE_CHECKING:
    import xarray

    from neurosim.recording.recording import Recording

_EXTENT = ("start_step", "n_steps", "start", "duration", "parts")


def restrict(recording: Recording, intervals: Intervals) -> Recording:
    """Return a recording within some intervals; see `Recording.restrict`."""
    from neurosim.recording.recording import Recording

    given = recording.intervals[intervals] if isinstance(intervals, str) else intervals
    left = known_support(recording) & Support.of(given, recording.n_trials)
    return Recording(
        {name: trains.restrict(left) for name, trains in recording.spikes.items()},
        {
            name: {variable: _trace(trace, left) for variable, trace in group.items()}
            for name, group in recording.traces.items()
        },
        None,
        without_extent(recording.metadata),
        support=left,
        intervals={name: rows_in(table, left) for name, table in recording.intervals.items()},
        events={name: rows_in(table, left) for name, table in recording.events.items()},
        units=recording.units,
    )


def known_support(recording: Recording) -> Support:
    """Return what was observed, or say that it is not known."""
    if recording.support is None:
        raise RecordError("What was observed is not known: give this Recording a support=.")
    return recording.support


def without_extent(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata without the extent of the run that they are of; the support has taken its place."""
    return {name: value for name, value in metadata.items() if name not in _EXTENT}


def samples_inside(trace: xarray.DataArray, support: Support) -> NDArray[np.bool_]:
    """Tell which samples were observed, shape (trial, time); a bin must lie inside as a whole."""
    trials, times = trace.sizes["trial"], trace["time"].values
    if "observed" in trace.coords:
        seconds = trace["observed"].values
        edges = np.stack([times, times + seconds], axis=1).reshape(-1)
        covered: NDArray[np.bool_] = np.abs(support.covered(edges)[:, ::2] - seconds) < EDGE_TOLERANCE
        return covered
    inside = [support.contains(times, np.full(times.size, index)) for index in range(trials)]
    return np.array(inside).reshape(trials, times.size)


def _trace(trace: xarray.DataArray, support: Support) -> xarray.DataArray:
    """Return the samples that were observed in some trial, NaN in trials where they were not."""
    inside = samples_inside(trace, support)
    some = inside.any(axis=0)
    return blanked(trace.isel(time=some), inside[:, some])


def blanked(trace: xarray.DataArray, known: NDArray[np.bool_]) -> xarray.DataArray:
    """Return a trace that is NaN where a sample, shape (trial, time), is not known."""
    if known.all():
        return trace
    values = np.array(trace.values if trace.dtype.kind == "f" else trace.values.astype(np.float64))
    values[~known] = np.nan
    return trace.copy(data=values)
