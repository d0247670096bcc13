"""The phase plane of a neuron model: where its variables stand still, and where a run went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.circuit.vector_field import vector_field
from neurosim.errors import RecordError, nearest
from neurosim.recording.plots.axes import labelled, new_axes, value_scale
from neurosim.recording.recording import Recording
from neurosim.recording.support import EDGE_TOLERANCE
from neurosim.units import to_si

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.circuit import NeuronModel

_GRID = 200
_ARROWS = 18
_COLORS = ("C1", "C2")


def phase_plane(
    model: NeuronModel,
    variables: tuple[str, str] | None = None,
    *,
    limits: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    held: Mapping[str, Any] | None = None,
    recording: Recording | None = None,
    population: str | None = None,
    neuron: int = 0,
    trial: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the nullclines of two variables, arrows along their flow, and a recorded trajectory on top.

    Parameters
    ----------
    model
        Whose equations.
    variables : (str, str), optional
        The variable along x and that along y; by default the two that have differential equations.
    limits : mapping of str to (low, high), optional
        What to show of a variable; by default the range of the trajectory and a tenth more on either side.
    parameters : mapping of str, optional
        Other values of the model's parameters.
    held : mapping of str, optional
        Values of inputs, such as ``{"i_ext": 1 * nA}``, and of further variables, which stand still; inputs are 0 by
        default.
    recording, population, neuron, trial
        A trajectory: which recording, whose traces, which recorded column, which trial. Where the spikes were recorded,
        too, it is broken at resets.
    ax
        Where to draw; by default in a new figure.

    Raises
    ------
    RecordError
        If the model has not two such variables, or there is neither a trajectory nor limits.
    EquationError
        If an equation needs a value that is not given.
    """
    x, y = _two(model, variables)
    path = None if recording is None else _trajectory(recording, population, (x, y), neuron, trial)
    spans = [
        _span(model, name, limits or {}, None if path is None else path[:, place]) for place, name in enumerate((x, y))
    ]
    units = [model.units[name] for name in (x, y)]
    (x_factor, x_symbol), (y_factor, y_symbol) = (
        value_scale(np.array(span), unit) for span, unit in zip(spans, units, strict=True)
    )
    axes = new_axes(ax)
    grid = np.meshgrid(np.linspace(*spans[0], _GRID), np.linspace(*spans[1], _GRID))
    flow = vector_field(model, {x: grid[0], y: grid[1]}, parameters=parameters, held=held)
    for name, color in zip((x, y), _COLORS, strict=True):
        values = np.broadcast_to(flow[name], grid[0].shape)
        speed = np.where(np.isfinite(values), values, np.nan)
        axes.plot([], [], color=color, label=f"d{name}/dt = 0")
        if np.isfinite(speed).any() and np.nanmin(speed) < 0 < np.nanmax(speed):
            axes.contour(grid[0] * x_factor, grid[1] * y_factor, speed, levels=[0.0], colors=[color])
    _arrows(axes, grid, [flow[x], flow[y]], spans, (x_factor, y_factor))
    if path is not None:
        axes.plot(path[:, 0] * x_factor, path[:, 1] * y_factor, color="0.2", linewidth=0.9, label=f"{population}")
        axes.plot(path[:1, 0] * x_factor, path[:1, 1] * y_factor, marker="o", color="0.2", markersize=4)
    axes.set_xlim(*(edge * x_factor for edge in spans[0]))
    axes.set_ylim(*(edge * y_factor for edge in spans[1]))
    axes.set_xlabel(labelled(x, x_symbol))
    axes.set_ylabel(labelled(y, y_symbol))
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),  # above the axes, where it hides nothing
        borderaxespad=0.2,
        columnspacing=1.0,
        handlelength=1.2,
        frameon=False,
        fontsize="small",
        ncols=3,
    )
    return axes


def _two(model: NeuronModel, variables: tuple[str, str] | None) -> tuple[str, str]:
    changing = model.names("differential")
    if variables is None:
        if len(changing) != 2:
            raise RecordError(
                f"phase_plane: the model {model.name!r} has {len(changing)} differential equations "
                f"({', '.join(changing) or 'none'}), not two. Name two of them in variables=, give the others in held=."
            )
        variables = (changing[0], changing[1])
    for name in variables:
        if name not in changing:
            raise RecordError(f"phase_plane: {name!r} has no differential equation.{nearest(name, changing)}")
    return variables


def _trajectory(
    recording: Recording, population: str | None, variables: tuple[str, str], neuron: int, trial: int
) -> NDArray[np.float64]:
    if population is None:
        raise RecordError("phase_plane: say whose trajectory to draw: population='...'.")
    first, second = (recording.traces[population][name] for name in variables)
    if not np.array_equal(first["time"].values, second["time"].values):
        raise RecordError(
            f"phase_plane: {' and '.join(variables)} of {population!r} were not recorded at the same times."
        )
    columns = []
    for trace in (first, second):
        if not (trace.ndim == 3 and 0 <= neuron < trace.shape[2] and 0 <= trial < trace.shape[0]):
            raise RecordError(
                f"phase_plane: {population}.{trace.name} has no column {neuron} in a trial {trial}; its shape is "
                f"{dict(trace.sizes)}."
            )
        columns.append(np.asarray(trace.values[trial, :, neuron], dtype=np.float64))
    path = np.stack(columns, axis=1)
    if population not in recording.spikes:
        return path
    trains, label = recording.spikes[population], int(first[first.dims[2]].values[neuron])
    resets = trains.times[(trains.neurons == label) & (trains.trials == trial)]
    times = first["time"].values
    jumps = np.unique(np.searchsorted(times, resets - EDGE_TOLERANCE))
    return np.insert(path, jumps[(jumps > 0) & (jumps < times.size)], np.nan, axis=0)  # no line along a reset


def _span(
    model: NeuronModel, name: str, limits: Mapping[str, Any], path: NDArray[np.float64] | None
) -> tuple[float, float]:
    if name in limits:
        low, high = (to_si(edge, model.units[name], f"phase_plane: limits[{name!r}]") for edge in limits[name])
        return float(low), float(high)
    if path is None or not path.size:
        raise RecordError(f"phase_plane: give limits= of {name!r}, or a recording whose range is shown.")
    low, high = float(np.nanmin(path)), float(np.nanmax(path))
    margin = 0.1 * (high - low) or 0.1 * abs(high) or 1.0
    return low - margin, high + margin


def _arrows(
    axes: Axes,
    grid: Sequence[NDArray[np.float64]],
    flow: list[NDArray[np.float64]],
    spans: list[tuple[float, float]],
    factors: tuple[float, float],
) -> None:
    """Draw arrows of one length along the flow as it looks on the page."""
    step = _GRID // _ARROWS
    some = (slice(step // 2, None, step),) * 2
    parts = [
        np.broadcast_to(speed, grid[0].shape)[some] / (span[1] - span[0])
        for speed, span in zip(flow, spans, strict=True)
    ]
    length = np.hypot(*parts)
    shown = [np.divide(part, length, out=np.zeros_like(part), where=length > 0) for part in parts]
    axes.quiver(
        grid[0][some] * factors[0], grid[1][some] * factors[1], *shown, color="0.75", pivot="mid", scale=28, width=0.003
    )
