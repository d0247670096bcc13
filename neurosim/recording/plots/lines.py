"""Plots of variables over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import RecordError
from neurosim.recording.planning import choose
from neurosim.recording.plots.axes import labelled, limit_time, new_axes, time_scale, value_scale
from neurosim.recording.recording import Recording
from neurosim.recording.request import Record

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

_MOST_LABELLED = 6


def traces(
    recording: Recording, name: str, variable: str, neurons: Any = None, trial: int = 0, ax: Axes | None = None
) -> Axes:
    """Draw the course of a variable, a line a neuron.

    Parameters
    ----------
    recording
        What to draw.
    name, variable : str
        The trace.
    neurons
        Which of the recorded columns, by position: a slice, whole numbers or booleans; by default all.
    trial
        Which trial.
    ax
        Where to draw; by default in a new figure.
    """
    trace = recording.traces[name][variable]
    columns, labels = drawn_columns(trace, name, neurons, trial)
    axes = new_axes(ax)
    times = trace["time"].values
    per_second, time_unit = time_scale(float(times[-1]) if times.size else 0.0)
    per_unit, value_unit = value_scale(columns, str(trace.attrs["units"]))
    many = columns.shape[1] > _MOST_LABELLED
    for values, label in zip(columns.T, labels, strict=True):
        axes.plot(
            times * per_second,
            values * per_unit,
            linewidth=0.7 if many else 1.1,
            alpha=0.7 if many else 1,
            label=label,
        )
    if times.size:
        limit_time(axes, times[0] * per_second, times[-1] * per_second)
    if not many:
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),  # above the axes, where it hides no line
            borderaxespad=0.2,
            columnspacing=1.0,
            handlelength=1.2,
            frameon=False,
            fontsize="small",
            ncols=columns.shape[1],
        )
    axes.set_xlabel(f"time ({time_unit})")
    axes.set_ylabel(labelled(f"{name}.{variable}", value_unit))
    return axes


def drawn_columns(trace: xarray.DataArray, name: str, neurons: Any, trial: int) -> tuple[np.ndarray, list[str]]:
    """Return the values to draw, shape (time, line), and what to call each line."""
    address = f"{name}.{trace.name}"
    if not 0 <= trial < trace.sizes["trial"]:
        raise RecordError(f"No trial {trial}: there are {trace.sizes['trial']}, numbered from 0.")
    values = trace.values[trial]
    if values.ndim == 1:
        if neurons is not None:
            raise RecordError(f"{address} was recorded reduced: it has no neurons to choose from.")
        return values[:, np.newaxis], [str(trace.attrs.get("reduce", trace.name))]
    dimension = str(trace.dims[2])
    chosen = choose(Record(address, neurons=neurons).neurons, values.shape[1], f"plot of {address}")
    columns = slice(None) if chosen is None else chosen
    return values[:, columns], [f"{dimension} {index}" for index in trace[dimension].values[columns]]
