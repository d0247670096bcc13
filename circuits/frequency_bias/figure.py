"""The figure: what each mixer leaves in the maps, and what a network can then tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from neurosim.analysis.frequency import plot_spatial
from neurosim.circuits.frequency_bias.study import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"none": "#4f4f4f", "average": "#2f6db5", "maximum": "#b5472f", "depthwise": "#3f8f5b"}


def plot_accuracy(outcomes: Mapping[str, Outcome], ax: Axes) -> Axes:
    """Draw which part of the textures of either frequency each network tells right; return the axes."""
    for place, (mixer, one) in enumerate(outcomes.items()):
        colour = COLOURS.get(mixer, "C0")
        ax.bar(place - 0.2, 100 * one.parts["low frequency"], 0.36, color=colour, alpha=0.4)
        ax.bar(place + 0.2, 100 * one.parts["high frequency"], 0.36, color=colour)
    ax.axhline(12.5, color="0.5", lw=0.8, ls=":")
    ax.set(ylim=(0, 104), ylabel="told right (%)", title="textures of low (pale) and high frequency")
    ax.set_xticks(range(len(outcomes)), list(outcomes))
    return ax


def figure(outcomes: Mapping[str, Outcome]) -> Figure:
    """Draw the spectra of the maps behind each mixer, and the accuracies, by the name of the mixer."""
    from matplotlib import pyplot

    drawn, axes = pyplot.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
    for mixer, one in outcomes.items():
        spectrum = one.spectra["mixed_1"]
        label = f"{mixer}: {spectrum.high_frequency_ratio:.2f} high"
        plot_spatial(spectrum, ax=axes[0], color=COLOURS.get(mixer, "C0"), label=label)
    axes[0].legend(frameon=False, fontsize="small")
    axes[0].set_title("maps behind the mixer")
    plot_accuracy(outcomes, axes[1])
    for one_axes in axes:
        one_axes.spines[["top", "right"]].set_visible(False)
    return drawn
