"""Figures of sparsity; each draws into the Axes given, or a new figure, and returns the Axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.analysis.sparsity.dictionaries import Dictionary
from neurosim.analysis.sparsity.forms import lifetime_sparseness, population_sparseness
from neurosim.analysis.sparsity.measures import gini
from neurosim.analysis.sparsity.operations import HARDWARE, Hardware, Operations
from neurosim.analysis.sparsity.patterns import Operating
from neurosim.analysis.sparsity.penalties import Penalty
from neurosim.errors import AnalysisError
from neurosim.recording.plots.axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_sparseness(source: Any, measure: str = "treves_rolls", *, ax: Axes | None = None, **where: Any) -> Axes:
    """Draw how sparse the population is in each sample, and each neuron over the samples: two histograms.

    Parameters
    ----------
    source, measure, **where
        As of :func:`neurosim.analysis.sparsity.population_sparseness`.
    ax
        Where to draw; by default in a new figure.
    """
    axes = new_axes(ax)
    for found in (population_sparseness(source, measure, **where), lifetime_sparseness(source, measure, **where)):
        values = np.array([] if found.values is None else found.values)
        values = values[~np.isnan(values)]
        if values.size:
            label = f"{found.form}: {found.mean:.2f}" + (f" ({found.excluded} silent)" if found.excluded else "")
            axes.hist(values, bins=30, density=True, histtype="step", lw=1.5, label=label)
    axes.set(xlabel=measure.replace("_", " "), ylabel="density")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
    return axes


def plot_lorenz(rates: ArrayLike, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw which share of the activity the least active neurons have; the Gini index is twice the area above it.

    Parameters
    ----------
    rates
        0 or more, shape (neuron,).
    ax
        Where to draw; by default in a new figure.
    **style
        Of the line, as matplotlib takes it.
    """
    values = np.sort(np.asarray(rates, dtype=np.float64))
    if values.ndim != 1:
        raise AnalysisError(f"plot_lorenz: rates must have one axis, got shape {values.shape}.")
    index = gini(values)
    if np.isnan(index):
        raise AnalysisError("plot_lorenz: nothing is active.")
    values = values[~np.isnan(values)]
    axes = new_axes(ax)
    share = np.concatenate([[0.0], np.cumsum(values) / values.sum()])
    axes.plot([0, 1], [0, 1], color="0.7", lw=0.8)
    axes.plot(np.linspace(0, 1, share.size), share, **{"lw": 1.5, "label": f"Gini {index:.2f}", **style})
    axes.set(xlabel="share of neurons", ylabel="share of activity", xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False)
    return axes


def plot_operating_points(points: Sequence[Operating], *, ax: Axes | None = None, label: str = "") -> Axes:
    """Draw both errors of a neuron over its threshold, and mark where they are least together.

    Parameters
    ----------
    points
        What :func:`neurosim.analysis.sparsity.operating_points` returned.
    ax
        Where to draw; by default in a new figure.
    label
        What is said of them in the legend.
    """
    if not points:
        raise AnalysisError("plot_operating_points: there are none.")
    axes = new_axes(ax)
    thresholds = [point.threshold for point in points]
    name = f"{label}: " if label else ""
    line = axes.plot(thresholds, [point.false_positive for point in points], label=f"{name}false positives")[0]
    axes.plot(
        thresholds, [point.false_negative for point in points], ls="--", color=line.get_color(),
        label=f"{name}false negatives",
    )  # fmt: skip
    best = min(points, key=lambda point: point.error)
    axes.plot(best.threshold, best.error, "o", color=line.get_color())
    axes.set(xlabel="threshold (active synapses)", ylabel="probability", yscale="log", ylim=(1e-15, 2.0))
    axes.legend(frameon=False)
    return axes


def plot_operators(
    penalties: Sequence[Penalty], *, step: float = 1.0, limit: float = 3.0, ax: Axes | None = None
) -> Axes:
    """Draw what becomes of coefficients.

    Parameters
    ----------
    penalties
        A line each.
    step
        As of :meth:`neurosim.analysis.sparsity.Penalty.shrink`.
    limit
        The largest coefficient.
    ax
        Where to draw; by default in a new figure.
    """
    axes = new_axes(ax)
    before = np.linspace(-limit, limit, 1001)
    axes.plot(before, before, color="0.8", lw=0.8)
    for penalty in penalties:
        axes.plot(before, penalty.shrink(before, step), label=f"{penalty.name} {penalty.weight:g}")
    axes.set(xlabel="coefficient before", ylabel="coefficient after")
    axes.legend(frameon=False)
    return axes


def plot_dictionary(dictionary: Dictionary | ArrayLike, *, columns: int = 16, ax: Axes | None = None) -> Axes:
    """Draw the columns of a dictionary as pictures, each between its own extremes.

    Parameters
    ----------
    dictionary
        Of square patches: what was learned, or an array (pixel, unit).
    columns
        How many pictures stand beside each other.
    ax
        Where to draw; by default in a new figure.
    """
    held = np.asarray(dictionary.columns if isinstance(dictionary, Dictionary) else dictionary, dtype=np.float64)
    size = round(len(held) ** 0.5) if held.ndim == 2 else 0
    if held.ndim != 2 or size * size != len(held) or columns < 1:
        raise AnalysisError(f"plot_dictionary: shape {held.shape} is not (pixel, unit) of square patches.")
    pictures = (held / np.maximum(np.abs(held).max(axis=0), 1e-300)).T.reshape(-1, size, size)
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (size + 1) + 1, columns * (size + 1) + 1), np.nan)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        sheet[row * (size + 1) + 1 : (row + 1) * (size + 1), column * (size + 1) + 1 : (column + 1) * (size + 1)] = (
            picture
        )
    axes = new_axes(ax)
    axes.imshow(sheet, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
    axes.set_axis_off()
    return axes


def plot_energy(
    operations: Operations, hardware: Sequence[str | Hardware] = tuple(HARDWARE), *, ax: Axes | None = None
) -> Axes:
    """Draw what a run would cost on machines, and what dense products would.

    Parameters
    ----------
    operations
        Of the run.
    hardware
        Machines, by name or as they are.
    ax
        Where to draw; by default in a new figure.
    """
    axes = new_axes(ax)
    names = [machine if isinstance(machine, str) else machine.name for machine in hardware]
    costs = [operations.energy(machine) for machine in hardware]
    below = np.zeros(len(costs))
    for kind in ("synaptic", "multiply_accumulate", "learning", "updates"):
        heights = np.array([cost[kind] for cost in costs])
        if heights.any():
            axes.bar(names, heights, bottom=below, width=0.6, label=kind.replace("_", " "))
        below += heights
    dense = [cost["dense"] + cost["updates"] for cost in costs]
    axes.plot(names, dense, "k_", ms=30, label="dense products and updates")
    axes.set(ylabel="energy (J)", yscale="log")
    axes.legend(frameon=False)
    return axes
