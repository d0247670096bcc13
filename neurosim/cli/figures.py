"""Figures of what a command computed: rasters and traces, or the circuit's own figure."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.errors import RecordError
from neurosim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_PANELS = 6
_MOST_LINES = 6


def check_plot(path: Path) -> None:
    """Refuse a figure that could not be written, before anything is computed.

    Raises
    ------
    RecordError
        If matplotlib is not installed, or does not write such files.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise RecordError("--plot needs matplotlib, which is not installed: pip install 'neurosim-circuits[plot]'.")
    from matplotlib.backend_bases import FigureCanvasBase

    known = FigureCanvasBase.get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in known:
        raise RecordError(
            f"--plot {path}: the name must end in one of {', '.join(f'.{kind}' for kind in sorted(known))}."
        )


def figure(recordings: Mapping[str, Recording], circuit: Circuit, own: str | None) -> Figure:
    """Draw recordings of one circuit side by side.

    Parameters
    ----------
    recordings
        By title; a single one goes without.
    circuit
        What was run.
    own
        The module with the circuit's own ``plot(recording, circuit, ax)``, or None for rasters and traces.
    """
    return _general_figure(recordings, circuit) if own is None else _own_figure(recordings, circuit, own)


def save(drawn: Figure, path: Path) -> None:
    """Write a figure, in the format that the name asks for."""
    drawn.savefig(path, dpi=150)


def _own_figure(recordings: Mapping[str, Recording], circuit: Circuit, own: str) -> Figure:
    from matplotlib.figure import Figure

    plot: Any = import_module(own).plot
    drawn = Figure(figsize=(7.6 * len(recordings), 5.2))
    axes = drawn.subplots(1, len(recordings), squeeze=False)[0]
    margin = 0.075 / len(recordings)
    drawn.subplots_adjust(
        left=margin, right=1 - margin / 2, top=0.88 if len(recordings) > 1 else 0.92, bottom=0.345, wspace=0.12
    )
    for ax, (title, recording) in zip(axes, recordings.items(), strict=True):
        plot(recording, circuit, ax)
        if len(recordings) > 1:
            ax.set_title(title, pad=24, loc="left", fontweight="bold")
    return drawn


def _general_figure(recordings: Mapping[str, Recording], circuit: Circuit) -> Figure:
    from matplotlib.figure import Figure

    from neurosim.recording import plots

    first = next(iter(recordings.values()))
    traces = [(name, variable) for name, group in first.traces.items() for variable in group]
    raster = [name for name, trains in first.spikes.items() if trains.n]
    panels: list[tuple[str, str] | None] = [None] if raster else []
    panels += traces[: _MOST_PANELS - len(panels)]
    if not panels:
        raise RecordError("--plot: nothing was recorded that could be drawn; give --record.")
    heights = [2.2 if panel is None else 1.0 for panel in panels]
    drawn = Figure(figsize=(7.0 * len(recordings), 0.8 + 1.6 * sum(heights)), layout="constrained")
    grid = drawn.subplots(len(panels), len(recordings), squeeze=False, sharex=True, sharey="row", height_ratios=heights)
    for column, (title, recording) in zip(grid.T, recordings.items(), strict=True):
        for ax, panel in zip(column, panels, strict=True):
            ax.spines[["top", "right"]].set_visible(False)
            if panel is None:
                plots.raster(recording, raster, ax=ax)
            else:
                _trace(first, recording, circuit, *panel, ax)
            if ax is not column[-1]:
                ax.set_xlabel("")
            if recording is not first:
                ax.set_ylabel("")
        if len(recordings) > 1:
            column[0].set_title(title, loc="left", fontweight="bold")
    return drawn


def _trace(first: Recording, recording: Recording, circuit: Circuit, name: str, variable: str, ax: Axes) -> None:
    """Draw the columns of a trace that move most, by the names of the neurons where they have any."""
    from neurosim.recording import plots

    values = first.traces[name][variable].values
    if values.ndim != 3 or values.shape[2] <= _MOST_LINES:
        plots.traces(recording, name, variable, ax=ax)
        chosen = np.arange(values.shape[2]) if values.ndim == 3 else np.arange(0)
    else:
        chosen = np.sort(np.argsort(-np.ptp(values[0], axis=0), kind="stable")[:_MOST_LINES])
        plots.traces(recording, name, variable, neurons=chosen, ax=ax)
    part = circuit.populations.get(name)
    legend = ax.get_legend()
    if part is not None and part.labels is not None and legend is not None:
        columns = recording.traces[name][variable]["neuron"].values[chosen]
        for text, neuron in zip(legend.texts, columns, strict=True):
            text.set_text(part.labels[int(neuron)])
