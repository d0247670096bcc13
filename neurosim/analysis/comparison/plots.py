"""Figures of comparisons: each draws into the axes given, or a new figure, and returns the axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import AnalysisError
from neurosim.recording.plots.axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analysis.comparison.result import Comparison, Line


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


def plot_line(line: Line, *, frequency: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw how a statistic is distributed on both sides, cumulatively; or both spectra.

    Parameters
    ----------
    line
        Of a comparison.
    frequency
        Of a spectrum: the lowest frequency (Hz), the inverse of a segment.
    ax
        Where to draw; by default in a new figure.
    """
    if line.statistic == "spectrum" and frequency is None:
        raise AnalysisError("plot_line: give the lowest frequency= of a spectrum, the inverse of its segment.")
    axes = new_axes(ax)
    sides = ((line.recorded_values, f"recorded {line.recorded_population}", "0.3"),
             (line.simulated_values, f"simulated {line.simulated_population}", "C0"))  # fmt: skip
    for values, name, colour in sides:
        if frequency is not None:
            axes.plot(frequency * np.arange(1, values.size + 1), values, color=colour, lw=1.2, label=name)
        else:
            ordered = np.sort(values)
            share = np.arange(1, ordered.size + 1) / ordered.size
            axes.step(ordered, share, where="post", color=colour, lw=1.2, label=name)
    if frequency is not None:
        axes.set(xscale="log", xlabel="frequency (Hz)", ylabel="power (dB above Poisson)")
    else:
        axes.set(xlabel=line.label, ylabel="cumulative share", ylim=(0, 1.02))
    axes.legend(frameon=False)
    return axes
