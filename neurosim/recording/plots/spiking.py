"""Plots of spikes: every single one, and how many in a bin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import RecordError
from neurosim.recording.plots.axes import limit_time, new_axes, time_scale
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    axes = new_axes(ax)
    scale, unit = time_scale(max((end_of(one) for one in trains), default=0.0))
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
    limit_time(axes, min(one.start for one in trains) * scale, max(end_of(one) for one in trains) * scale)
    axes.set_xlabel(f"time ({unit})")
    axes.set_ylabel("neuron")
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
    axes = new_axes(ax)
    starts = rate["time"].values
    edges = np.append(starts, starts[-1] + rate.attrs["bin"])
    scale, unit = time_scale(float(edges[-1]))
    line = axes.stairs(rate.values.mean(axis=0), edges * scale, linewidth=1.4, label=population)
    color = line.get_edgecolor()
    if rate.sizes["trial"] > 1:
        for values in rate.values:
            axes.stairs(values, edges * scale, linewidth=0.5, alpha=0.35, color=color, zorder=line.get_zorder() - 1)
    limit_time(axes, edges[0] * scale, edges[-1] * scale)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"time ({unit})")
    axes.set_ylabel(f"{population} rate (Hz)")
    return axes


def end_of(trains: SpikeTrains) -> float:
    """Return when the observation ended, or, if that is not known, when the last spike was."""
    if trains.duration is not None:
        return trains.start + trains.duration
    return float(trains.times.max(initial=trains.start))
