"""Plots of recordings with matplotlib: each draws into the Axes given, or a new figure, and returns the Axes."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import RecordError
from neurosim.recording.planning import choose
from neurosim.recording.recording import Recording
from neurosim.recording.request import Record
from neurosim.recording.spikes import SpikeTrains

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes

_SYMBOLS = {
    "volt": "V",
    "amp": "A",
    "siemens": "S",
    "second": "s",
    "ohm": "Ω",
    "hertz": "Hz",
    "farad": "F",
    "metre": "m",
}
_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
_MOST_LABELLED = 6


def raster(
    recording: Recording, populations: str | Iterable[str] | None = None, trial: int = 0, ax: Axes | None = None
) -> Axes:
    """Draw the spikes of one trial, a row a neuron, population above population.

    Parameters
    ----------
    recording
        What to draw.
    populations
        Names, from the bottom up; by default all whose spikes were recorded.
    trial
        Which trial.
    ax
        Where to draw; by default in a new figure.
    """
    names = (
        [populations]
        if isinstance(populations, str)
        else list(recording.spikes if populations is None else populations)
    )
    trains = [recording.spikes[name].of_trial(trial) for name in names]
    if not trains:
        raise RecordError("There is nothing to draw: this recording holds no spikes.")
    axes = _axes(ax)
    scale, unit = _time_scale(max((_end(one) for one in trains), default=0.0))
    height = sum(one.n for one in trains)
    middles, bottom = [], 0
    for one in trains:
        axes.plot(
            one.times * scale,
            bottom + one.neurons,
            linestyle="none",
            marker="|" if height <= 150 else "o",
            markersize=min(7.0, max(1.0, 250 / max(height, 1))) if height <= 150 else (1.6 if height <= 1500 else 0.9),
            markeredgewidth=1.0 if height <= 150 else 0.0,
            rasterized=True,
        )
        middles.append(bottom + (one.n - 1) / 2)
        bottom += one.n
        if one is not trains[-1]:
            axes.axhline(bottom - 0.5, color="0.6", linewidth=0.6)
    axes.set_yticks(middles, [f"{name} ({one.n})" for name, one in zip(names, trains, strict=True)])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.5, max(height, 1) - 0.5)
    _limit_time(axes, min(one.start for one in trains) * scale, max(_end(one) for one in trains) * scale)
    axes.set_xlabel(f"time ({unit})")
    axes.set_ylabel("neuron")
    return axes


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
    columns, labels = _columns(trace, name, neurons, trial)
    axes = _axes(ax)
    times = trace["time"].values
    time_scale, time_unit = _time_scale(float(times[-1]) if times.size else 0.0)
    value_scale, value_unit = _value_scale(columns, str(trace.attrs["units"]))
    many = columns.shape[1] > _MOST_LABELLED
    for values, label in zip(columns.T, labels, strict=True):
        axes.plot(
            times * time_scale,
            values * value_scale,
            linewidth=0.7 if many else 1.1,
            alpha=0.7 if many else 1,
            label=label,
        )
    if times.size:
        _limit_time(axes, times[0] * time_scale, times[-1] * time_scale)
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
    axes.set_ylabel(f"{name}.{variable}" + (f" ({value_unit})" if value_unit else ""))
    return axes


def rates(recording: Recording, population: str, bin: Any, ax: Axes | None = None) -> Axes:
    """Draw the rate per neuron in bins of time: its mean over trials, and each trial faintly where there are several.

    Parameters
    ----------
    recording
        What to draw.
    population : str
        Whose spikes.
    bin : float or quantity
        Width of a bin in seconds.
    ax
        Where to draw; by default in a new figure.
    """
    rate = recording.population_rate(population, bin)
    axes = _axes(ax)
    starts = rate["time"].values
    edges = np.append(starts, starts[-1] + rate.attrs["bin"])
    scale, unit = _time_scale(float(edges[-1]))
    line = axes.stairs(rate.values.mean(axis=0), edges * scale, linewidth=1.4, label=population)
    color = line.get_edgecolor()
    if rate.sizes["trial"] > 1:
        for values in rate.values:
            axes.stairs(values, edges * scale, linewidth=0.5, alpha=0.35, color=color, zorder=line.get_zorder() - 1)
    _limit_time(axes, edges[0] * scale, edges[-1] * scale)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"time ({unit})")
    axes.set_ylabel(f"{population} rate (Hz)")
    return axes


def _columns(trace: xarray.DataArray, name: str, neurons: Any, trial: int) -> tuple[np.ndarray, list[str]]:
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


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    if importlib.util.find_spec("matplotlib") is None:
        raise RecordError("Plots need matplotlib, which is not installed: pip install 'neurosim-circuits[plot]'.")
    from matplotlib import pyplot

    _, axes = pyplot.subplots(figsize=(7.0, 3.6), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _end(trains: SpikeTrains) -> float:
    if trains.duration is not None:
        return trains.start + trains.duration
    return float(trains.times.max(initial=trains.start))


def _time_scale(end: float) -> tuple[float, str]:
    return (1e3, "ms") if end <= 2.0 else (1.0, "s")


def _value_scale(values: np.ndarray, unit: str) -> tuple[float, str]:
    """Return the factor and the unit in which the largest magnitude reads well."""
    if unit == "1":
        return 1.0, ""
    symbol = _SYMBOLS.get(unit)
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max(initial=0.0))
    if symbol is None or largest == 0:
        return 1.0, symbol or unit
    power = int(np.clip(3 * np.floor(np.log10(largest) / 3), min(_PREFIXES), max(_PREFIXES)))
    return 10.0**-power, f"{_PREFIXES[power]}{symbol}"


def _limit_time(axes: Axes, start: float, end: float) -> None:
    if end > start:
        axes.set_xlim(start, end)
