"""Figures of fits: each draws into the axes given, or a new figure, and returns the axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.recording.plots.axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.fitting.result import Fit


def plot_history(fit: Fit, *, ax: Axes | None = None) -> Axes:
    """Draw the loss of each step, and the least so far.

    Parameters
    ----------
    fit
        What :func:`neurosim.fitting.fit` returned.
    ax
        Where to draw; by default in a new figure.
    """
    axes = new_axes(ax)
    losses = np.array([row["loss"] for row in fit.history])
    steps = np.arange(1, losses.size + 1)
    axes.plot(steps, losses, ".", color="0.7", ms=4, label="loss of the step")
    axes.plot(steps, np.minimum.accumulate(losses), color="C0", lw=1.4, label="least so far")
    if losses.size and losses.min() > 0 and losses.max() > 10 * losses.min():
        axes.set_yscale("log")
    axes.set(xlabel="step", ylabel="loss")
    axes.legend(frameon=False)
    return axes
