"""Figures of comparisons: each draws into the axes given, or a new figure, and returns the axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import AnalysisError
from neurosim.recording.plots.axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analysis.comparison.result import Comparison, Line

Floats = NDArray[np.float64]


def plot_comparison(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """Draw the distance of the simulation in each statistic, relative to that of surrogates.

    Parameters
    ----------
    comparison
        What to draw: a row for each line. The bar ends where surrogates are, which is 1, and begins where halves of
        the recording lie from each other; the dot is the simulation.
    ax
        Where to draw; by default in a new figure.

    Raises
    ------
    AnalysisError
        If no line has surrogates that differ from the recording.
    """
    lines = [line for line in comparison.lines if line.null.value > 0]
    if not lines:
        raise AnalysisError("plot_comparison: there is no statistic whose surrogates differ from the recording.")
    axes = new_axes(ax)
    several = len({line.simulated_population for line in lines}) > 1
    for row, line in enumerate(lines):
        halves = 0.0 if math.isnan(line.ceiling.value) else line.ceiling.value / line.null.value
        axes.plot([halves, 1.0], [row, row], color="0.8", lw=7, solid_capstyle="butt", zorder=1,
                  label="from halves of the recording to surrogates" if row == 0 else None)  # fmt: skip
        axes.plot(line.distance / line.null.value, row, "o", color="C0", label="simulation" if row == 0 else None)
    names = [f"{line.simulated_population} {line.statistic}" if several else line.statistic for line in lines]
    axes.set_yticks(range(len(lines)), names)
    axes.set(xlabel="distance from the recording (surrogates: 1)", ylim=(len(lines) - 0.5, -0.5))
    axes.set_xlim(left=0.0)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    return axes


def plot_line(line: Line, *, ax: Axes | None = None) -> Axes:
    """Draw what a line compares.

    Parameters
    ----------
    line
        Of a comparison. Of values by neuron or pair, how they are distributed on both sides, cumulatively; of profiles
        (spectra, time courses, rates by condition) both; of wholes, what belongs together, one side over the other.
    ax
        Where to draw; by default in a new figure.
    """
    axes = new_axes(ax)
    if line.kind == "likeness":
        _scattered(line, axes)
        return axes
    sides = ((line.recorded_values, f"recorded {line.recorded_population}", "0.3"),
             (line.simulated_values, f"simulated {line.simulated_population}", "C0"))  # fmt: skip
    for values, name, colour in sides:
        if line.places is not None:
            _profile(line.places, values, name, colour, axes)
        else:
            ordered = np.sort(values)
            share = np.arange(1, ordered.size + 1) / ordered.size
            axes.step(ordered, share, where="post", color=colour, lw=1.2, label=name)
    if line.places is None:
        shown = "squared correlation, corrected" if line.statistic == "dimensions" else line.label
        axes.set(xlabel=shown, ylabel="cumulative share", ylim=(0, 1.02))
    elif line.statistic == "spectrum":
        axes.set(xscale="log", xlabel=line.axis, ylabel="power (dB above Poisson)")
    else:
        quantity = "autocorrelation" if line.statistic == "timescale" else f"mean response ({line.unit})"
        axes.set(xlabel=line.axis, ylabel=quantity)
    axes.legend(frameon=False)
    return axes


def _profile(places: Floats, values: Floats, name: str, colour: str, axes: Axes) -> None:
    """Draw a line, which is broken where conditions stand side by side."""
    apart = np.diff(places)
    breaks = np.flatnonzero(apart > 1.5 * apart.min(initial=np.inf)) + 1
    regular = breaks.size < places.size / 4
    for part, (x, y) in enumerate(
        zip(np.split(places, breaks), np.split(values, breaks), strict=True) if regular else [(places, values)]
    ):
        axes.plot(x, y, color=colour, lw=1.2, marker="." if x.size < 10 else "", label=None if part else name)


def _scattered(line: Line, axes: Axes) -> None:
    axes.scatter(line.recorded_values, line.simulated_values, s=6, color="C0", alpha=0.5, linewidths=0)
    both = np.concatenate([line.recorded_values, line.simulated_values])
    axes.plot([both.min(), both.max()], [both.min(), both.max()], color="0.7", lw=0.8, zorder=0)
    axes.set(xlabel=f"recorded {line.recorded_population}", ylabel=f"simulated {line.simulated_population}")
    axes.set_title(f"{line.statistic}: {line.axis}", fontsize="medium")
