"""Plots of a circuit's edges: who connects to whom, and how strongly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError
from neurosim.recording.plots.axes import labelled, limit_time, new_axes, time_scale, value_scale
from neurosim.recording.plots.lines import drawn_columns
from neurosim.recording.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.circuit import Circuit

#: Most neurons on either side that are drawn one by one.
LARGEST = 500
_VIEWS = ("matrix", "degrees")
_FEW_EDGES = 12


def connectivity(
    circuit: Circuit, projection: str, view: str | None = None, values: str = "weight", ax: Axes | None = None
) -> Axes:
    """Draw the edges of a projection: a matrix of neurons, or, of large populations, how many edges each has.

    Parameters
    ----------
    circuit
        Whose edges; they are drawn as realised.
    projection : str
        Which projection.
    view : {None, "matrix", "degrees"}
        A matrix (rows: from, columns: to) of the sums of edges, white where there is none; or the number of neurons
        with so many edges going out and coming in. By default a matrix of up to 500 neurons on either side.
    values : {"weight", "count"}
        What a matrix shows.
    ax
        Where to draw; by default in a new figure.
    """
    if values not in ("weight", "count"):
        raise RecordError(f"connectivity: values must be 'weight' or 'count', got {values!r}.")
    if view is not None and view not in _VIEWS:
        raise RecordError(f"connectivity: view must be 'matrix' or 'degrees', got {view!r}.")
    edges, part = circuit.edges(projection), circuit.projections[projection]
    shape = (circuit.populations[part.pre].n, circuit.populations[part.post].n)
    axes = new_axes(ax)
    if view == "degrees" or (view is None and max(shape) > LARGEST):
        _degrees(axes, edges.pre, edges.post, shape)
        axes.set_title(f"{projection}: {edges.n} edges", fontsize="medium")
        return axes
    matrix = np.full(shape, np.nan)
    places = (np.asarray(edges.pre), np.asarray(edges.post))
    matrix[places] = 0.0
    np.add.at(matrix, places, np.broadcast_to(edges.weight, places[0].shape) if values == "weight" else 1.0)
    unit = circuit_unit(circuit, projection) if values == "weight" else "1"
    factor, symbol = value_scale(matrix, unit)
    signed = bool(np.nanmin(matrix, initial=0.0) < 0)
    reach = float(np.nanmax(np.abs(matrix * factor), initial=0.0)) or 1.0
    image = axes.imshow(
        matrix * factor,
        aspect="auto",
        interpolation="nearest",
        cmap="RdBu_r" if signed else "viridis",
        vmin=-reach if signed else 0.0,
        vmax=reach,
    )
    axes.figure.colorbar(image, ax=axes, label=labelled(values, symbol))
    axes.locator_params(integer=True)
    axes.set_xlabel(f"to {part.post}")
    axes.set_ylabel(f"from {part.pre}")
    return axes


def weights(
    source: Circuit | Recording,
    projection: str,
    variable: str = "w",
    edges: Any = None,
    trial: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the weights of a projection: how they are distributed in a circuit, or how they change in a recording.

    Parameters
    ----------
    source
        A circuit: a histogram of the weights as realised. A recording: their course, a line an edge; of more than
        twelve edges the median, and the ranges that hold half and nine tenths of them.
    projection : str
        Which projection.
    variable : str
        Which variable of a recording.
    edges
        Which of the recorded edges, by position; by default all.
    trial
        Which trial of a recording.
    ax
        Where to draw; by default in a new figure.
    """
    if not isinstance(source, Recording):
        return _histogram(source, projection, ax)
    trace = source.traces[projection][variable]
    values, labels = drawn_columns(trace, projection, edges, trial)
    axes, times = new_axes(ax), trace["time"].values
    per_second, time_unit = time_scale(float(times[-1]) if times.size else 0.0)
    factor, symbol = value_scale(values, str(trace.attrs["units"]))
    if len(labels) <= _FEW_EDGES:
        for column, label in zip(values.T, labels, strict=True):
            axes.plot(times * per_second, column * factor, linewidth=1.0, label=label)
        axes.legend(frameon=False, fontsize="small")
    else:
        levels, stamps = np.quantile(values * factor, [0.05, 0.25, 0.5, 0.75, 0.95], axis=1), times * per_second
        for low, high, name in ((0, 4, "9 of 10 edges"), (1, 3, "half of them")):
            axes.fill_between(stamps, levels[low], levels[high], color="C0", alpha=0.2, linewidth=0, label=name)
        axes.plot(stamps, levels[2], color="C0", label="median")
        axes.legend(frameon=False, fontsize="small")
    if times.size:
        limit_time(axes, times[0] * per_second, times[-1] * per_second)
    axes.set_xlabel(f"time ({time_unit})")
    axes.set_ylabel(labelled(f"{projection}.{variable}", symbol))
    return axes


def circuit_unit(circuit: Circuit, projection: str) -> str:
    """Return the text of the unit of a projection's weights."""
    return str(circuit.projections[projection].weight_unit)


def _histogram(circuit: Circuit, projection: str, ax: Axes | None) -> Axes:
    found = circuit.edges(projection)
    values = np.broadcast_to(np.asarray(found.weight, dtype=np.float64), found.pre.shape)
    factor, symbol = value_scale(values, circuit_unit(circuit, projection))
    axes = new_axes(ax)
    axes.hist(values * factor, bins=min(50, max(10, int(np.sqrt(values.size)))))
    axes.set_xlabel(labelled("weight", symbol))
    axes.set_ylabel("edges")
    axes.set_title(f"{projection}: {values.size} edges", fontsize="medium")
    return axes


def _degrees(axes: Axes, pre: NDArray[Any], post: NDArray[Any], shape: tuple[int, int]) -> None:
    for ends, n, name in ((pre, shape[0], "out"), (post, shape[1], "in")):
        degrees = np.bincount(ends, minlength=n)
        counts = np.bincount(degrees)
        first = int(degrees.min(initial=0))
        axes.stairs(counts[first:], np.arange(first, counts.size + 1) - 0.5, label=f"{name}: mean {degrees.mean():.3g}")
    axes.set_xlabel("edges of a neuron")
    axes.set_ylabel("neurons")
    axes.legend(frameon=False, fontsize="small")
