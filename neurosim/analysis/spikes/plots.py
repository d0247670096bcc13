"""Figures of spike statistics; each draws into the Axes given, or a new figure, and returns the Axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neurosim.analysis.spikes.correlation import Correlogram
from neurosim.analysis.spikes.intervals import intervals
from neurosim.analysis.spikes.population import PopulationSpectrum
from neurosim.analysis.spikes.responses import Psth, TriggeredAverage, Tuning
from neurosim.errors import AnalysisError
from neurosim.recording.plots.axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_intervals(source: Any, population: str | None = None, *, bins: int = 60, ax: Axes | None = None) -> Axes:
    """Draw the intervals of all neurons as a histogram over their logarithm.

    Parameters
    ----------
    source, population
        As of :func:`neurosim.analysis.spikes.intervals`.
    bins
        How many bars.
    ax
        Where to draw; by default in a new figure.
    """
    values = intervals(source, population).values
    values = values[values > 0]
    if not values.size:
        raise AnalysisError("plot_intervals: no neuron has two spikes.")
    axes = new_axes(ax)
    low, high = values.min(), values.max()
    edges = np.geomspace(low, high * (1 + 1e-9), bins + 1) if low < high else np.array([low / 2, low * 2])
    axes.hist(values * 1e3, (edges * 1e3).tolist(), histtype="stepfilled", alpha=0.6)
    axes.set(xscale="log", xlabel="interval (ms)", ylabel="intervals")
    return axes


def plot_psth(found: Psth, neuron: int | None = None, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw the rate around an event, with its standard error.

    Parameters
    ----------
    found
        What :func:`neurosim.analysis.spikes.psth` returned.
    neuron
        Whose; by default the mean over neurons, without an error.
    ax
        Where to draw; by default in a new figure.
    **style
        Of the line, as matplotlib takes it.
    """
    axes = new_axes(ax)
    rate = found.rate.mean(axis=1) if neuron is None else found.rate[:, neuron]
    line = axes.step(found.times, rate, where="post", **style)[0]
    if neuron is not None:
        error = found.error[:, neuron]
        axes.fill_between(
            found.times, rate - error, rate + error, step="post", alpha=0.25, lw=0, color=line.get_color()
        )
    axes.axvline(0, color="0.7", lw=0.8)
    axes.set(xlabel="time from the event (s)", ylabel="rate (Hz)")
    return axes


def plot_tuning(found: Tuning, neuron: int = 0, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw the response of a neuron to each condition, with its standard error.

    Parameters
    ----------
    found
        What :func:`neurosim.analysis.spikes.tuning` returned.
    neuron
        Whose.
    ax
        Where to draw; by default in a new figure.
    **style
        Of the line, as matplotlib takes it.
    """
    axes = new_axes(ax)
    numbers = found.conditions.dtype.kind in "iuf"
    places = found.conditions if numbers else np.arange(found.conditions.size)
    axes.errorbar(places, found.mean[:, neuron], np.nan_to_num(found.error[:, neuron]), **{"marker": "o", **style})
    if not numbers:
        axes.set_xticks(places, [str(name) for name in found.conditions])
    axes.set(xlabel="condition", ylabel="response")
    return axes


def plot_correlogram(found: Correlogram, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw the rate of one neuron around the spikes of another.

    Parameters
    ----------
    found
        What :func:`neurosim.analysis.spikes.correlogram` returned.
    ax
        Where to draw; by default in a new figure.
    **style
        Of the bars, as matplotlib takes it.
    """
    axes = new_axes(ax)
    axes.bar(found.lags * 1e3, found.rate, width=np.diff(found.lags[:2])[0] * 1e3, **style)
    axes.set(xlabel="lag (ms)", ylabel="rate (Hz)")
    return axes


def plot_population_spectrum(found: PopulationSpectrum, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw the spectrum of a population, beside that of independent neurons, which is 1.

    Parameters
    ----------
    found
        What :func:`neurosim.analysis.spikes.population_spectrum` returned.
    ax
        Where to draw; by default in a new figure.
    **style
        Of the line, as matplotlib takes it.
    """
    axes = new_axes(ax)
    axes.axhline(1, color="0.7", lw=0.8)
    axes.loglog(found.frequency, found.power, **style)
    axes.set(xlabel="frequency (Hz)", ylabel="power relative to independent spikes")
    return axes


def plot_triggered_average(found: TriggeredAverage, neuron: int = 0, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw the average stimulus before spikes: a line, or a picture where it has several channels.

    Parameters
    ----------
    found
        What :func:`neurosim.analysis.spikes.spike_triggered_average` returned.
    neuron
        Whose.
    ax
        Where to draw; by default in a new figure.
    **style
        Of the line, or of the picture, as matplotlib takes it.
    """
    axes = new_axes(ax)
    average = found.average[..., neuron]
    if average.ndim == 1:
        axes.plot(-found.lags * 1e3, average, **style)
        axes.set(ylabel="stimulus")
    else:
        most = float(np.nanmax(np.abs(average)))
        shown = average[::-1].T  # from the earliest on
        extent = (-found.lags[-1] * 1e3, -found.lags[0] * 1e3, -0.5, average.shape[1] - 0.5)
        axes.imshow(
            shown, **{"aspect": "auto", "origin": "lower", "extent": extent, "vmin": -most, "vmax": most,
                      "cmap": "RdBu_r", **style},
        )  # fmt: skip
        axes.set(ylabel="channel")
    axes.set(xlabel="time from the spike (ms)")
    return axes


def plot_matrix(matrix: ArrayLike, *, label: str = "", ax: Axes | None = None, **style: Any) -> Axes:
    """Draw correlations or distances between neurons.

    Parameters
    ----------
    matrix : array_like, shape (neuron, neuron)
        What is drawn.
    label
        Of the colours.
    ax
        Where to draw; by default in a new figure.
    **style
        Of the picture, as matplotlib takes it.
    """
    values = np.asarray(matrix, dtype=np.float64)
    if values.ndim != 2 or not values.size:
        raise AnalysisError(f"plot_matrix: a matrix, got shape {values.shape}.")
    axes = new_axes(ax)
    picture = axes.imshow(values, **{"interpolation": "nearest", **style})
    figure = axes.get_figure()
    if figure is not None:
        figure.colorbar(picture, ax=axes, label=label)
    axes.set(xlabel="neuron", ylabel="neuron")
    return axes
