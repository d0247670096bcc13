"""Figures of fits to populations: each draws into the axes given, or a new figure, and returns the axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import AnalysisError
from neurosim.fitting.population.result import CIRCUIT
from neurosim.recording.plots.axes import new_axes
from neurosim.recording.times import one_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.fitting.population.result import PopulationFit

_SHOWN = 8


def plot_bits(fit: PopulationFit, *, ax: Axes | None = None) -> Axes:
    """Draw the bits a spike of each unit as a dot, by predictor, with the medians and their bounds.

    Parameters
    ----------
    fit
        What to draw.
    ax
        Where to draw; by default in a new figure.
    """
    axes = new_axes(ax)
    draw = np.random.default_rng(0)
    for row, (name, values) in enumerate(fit.bits.items()):
        known = values[np.isfinite(values)]
        axes.plot(known, row + draw.uniform(-0.25, 0.25, known.size), ".", color="0.7", ms=4, zorder=1)
        found = fit.median(name)
        axes.plot([found.low, found.high], [row, row], color=f"C{row}", lw=3, solid_capstyle="butt")
        axes.plot(found.value, row, "o", color=f"C{row}")
    axes.axvline(0.0, color="k", lw=0.6)
    axes.set_yticks(range(len(fit.bits)), list(fit.bits))
    axes.set(xlabel="bits a spike beyond the unit's mean, held out", ylim=(len(fit.bits) - 0.5, -0.5))
    return axes


def plot_activity(
    fit: PopulationFit,
    units: Any = None,
    *,
    start: Any = None,
    duration: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw recorded counts of some units in grey and what the circuit expected as a line, in time that was held out.

    Parameters
    ----------
    fit
        What to draw.
    units
        Numbers of units; by default the eight that are expected best.
    start, duration
        The stretch of time in the first trial that is shown; by default the first 20 s that were held out.
    ax
        Where to draw; by default in a new figure.

    Raises
    ------
    AnalysisError
        If nothing was held out in that stretch.
    """
    axes = new_axes(ax)
    times, trials = fit.recorded.times, fit.recorded.groups
    if times is None or trials is None:
        raise AnalysisError("plot_activity: it is not known when the counts were.")
    first = float(times[0]) if start is None else one_time(start, "start")
    last = first + (20.0 if duration is None else one_time(duration, "duration"))
    rows = np.flatnonzero((trials == trials[0]) & (times >= first) & (times < last))
    if not rows.size:
        raise AnalysisError(f"plot_activity: nothing was held out from {first:g} to {last:g} s.")
    bits = np.nan_to_num(fit.bits[CIRCUIT], nan=-np.inf)
    chosen = np.argsort(-bits, kind="stable")[:_SHOWN] if units is None else np.atleast_1d(units)
    width = float(fit.settings["bin"])
    for row, unit in enumerate(chosen):
        counts, expected = fit.recorded.values[rows, unit], fit.expected[CIRCUIT][rows, unit]
        height = 1.2 * max(float(np.quantile(counts, 0.99)), float(expected.max()), 1e-9)
        axes.fill_between(times[rows], row, row - np.minimum(counts / height, 1), step="post", color="0.8", lw=0,
                          label="recorded" if row == 0 else None)  # fmt: skip
        axes.plot(times[rows] + width / 2, row - expected / height, color="C0", lw=1,
                  label="expected by the circuit" if row == 0 else None)  # fmt: skip
    axes.set_yticks(range(len(chosen)), fit.recorded.units[chosen])
    axes.set(xlabel="time (s)", ylim=(len(chosen) - 0.5, -1.1))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    return axes
