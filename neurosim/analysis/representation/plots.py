"""Figures of representations; each takes ``ax=`` and returns it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.analysis.representation.arrays import numpy_of
from neurosim.analysis.representation.dissimilarity import square
from neurosim.analysis.representation.inference import ModelComparison
from neurosim.analysis.representation.subsampling import Subsampling
from neurosim.errors import AnalysisError
from neurosim.recording.plots.axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_rdm(rdm: Any, labels: Sequence[Any] | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw dissimilarities as a matrix.

    Parameters
    ----------
    rdm : array_like, shape (pair,)
        As `rdm` returns them.
    labels
        The names of the conditions.
    ax
        Where to draw; by default in a new figure.
    """
    values = numpy_of(square(rdm))
    if labels is not None and len(labels) != len(values):
        raise AnalysisError(f"labels: one for each of the {len(values)} conditions, got {len(labels)}.")
    axes = new_axes(ax)
    image = axes.imshow(values, cmap="viridis")
    axes.figure.colorbar(image, ax=axes, label="dissimilarity")
    if labels is not None:
        axes.set_xticks(range(len(labels)), [str(label) for label in labels], rotation=90)
        axes.set_yticks(range(len(labels)), [str(label) for label in labels])
    axes.set_xlabel("condition")
    axes.set_ylabel("condition")
    return axes


def plot_models(comparison: ModelComparison, *, ax: Axes | None = None) -> Axes:
    """Draw the models' mean similarities with their standard errors, the subjects, and the noise ceiling as a band."""
    axes = new_axes(ax)
    places = np.arange(len(comparison.names))
    if comparison.ceiling is not None:
        axes.axhspan(comparison.ceiling.lower, comparison.ceiling.upper, color="0.85", label="noise ceiling")
    axes.bar(places, comparison.mean, width=0.6, color="C0", alpha=0.5, yerr=comparison.error, capsize=3)
    for place, scores in zip(places, comparison.scores, strict=True):
        axes.plot(np.full(scores.size, place), scores, linestyle="", marker=".", color="0.3", markersize=4)
    axes.axhline(0, color="0.3", linewidth=0.8)
    axes.set_xticks(places, comparison.names)
    axes.set_ylabel(f"similarity ({comparison.method.replace('_', ' ')})")
    if comparison.ceiling is not None:
        axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0))
    return axes


def plot_subsampling(report: Subsampling, *, ax: Axes | None = None) -> Axes:
    """Draw a similarity by the number of units, a line for each number of conditions; shuffled conditions dashed."""
    axes = new_axes(ax)
    for place, size in enumerate(dict.fromkeys(sample.conditions for sample in report.samples)):
        chosen = [sample for sample in report.samples if sample.conditions == size]
        units = [sample.units_y if report.side == "y" else sample.units_x for sample in chosen]
        means = [sample.mean for sample in chosen]
        axes.errorbar(units, means, [sample.sd for sample in chosen], color=f"C{place}", marker="o", markersize=4,
                      label=f"{size} conditions")  # fmt: skip
        axes.plot(units, [sample.null_mean for sample in chosen], color=f"C{place}", linestyle="--", linewidth=1)
    axes.set_xscale("log")
    numbers = sorted({sample.units_y if report.side == "y" else sample.units_x for sample in report.samples})
    axes.set_xticks(numbers, [str(number) for number in numbers])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("units")
    axes.set_ylabel(report.metric)
    axes.legend(frameon=False)
    return axes


def plot_states(posterior: Any, *, ax: Axes | None = None) -> Axes:
    """Draw the probability of each hidden state over trials, stacked; shape (trial, state), as `GLMHMM` returns it."""
    values = numpy_of(posterior)
    if values.ndim != 2 or not np.allclose(values.sum(1), 1):
        raise AnalysisError("posterior: probabilities (trial, state) that add up to 1 in each trial.")
    axes = new_axes(ax)
    axes.stackplot(np.arange(len(values)), values.T, labels=[f"state {k}" for k in range(values.shape[1])])
    axes.set_xlim(0, len(values) - 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("trial")
    axes.set_ylabel("probability of the state")
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=values.shape[1])
    return axes
