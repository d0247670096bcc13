"""The figures of the memory: which lines spike while it is taught and asked, and the weights that remain."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import numpy as np

from neurosim.circuit import Circuit
from neurosim.circuits.ca3_memory.circuit import BACKWARD, FORWARD
from neurosim.circuits.ca3_memory.operations import ANSWER, Learn, Operation, Programme, RecallByCue
from neurosim.circuits.ca3_memory.protocol import Published
from neurosim.errors import RecordError
from neurosim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CUE, _BIT, _LINE = "#b5472f", "#2f6db5", "#b9b9b9"


def plot(recording: Recording, circuit: Circuit, ax: Axes | None = None) -> Axes:
    """Draw the spikes of the input lines (pale) and of the output (dark), bits above cues.

    Parameters
    ----------
    recording
        With the spikes of ``"input"`` and ``"out"``; the first trial is drawn.
    circuit
        What :func:`~neurosim.circuits.ca3_memory.circuit.build` made.
    ax
        Where to draw; by default in a new figure.

    Raises
    ------
    RecordError
        If matplotlib is not installed, or the spikes were not recorded.
    """
    missing = [name for name in ("input", "out") if name not in recording.spikes]
    if missing:
        raise RecordError(f"the figure needs the spikes of {' and '.join(missing)}.")
    axes = _new_axes() if ax is None else ax
    cue = circuit.populations["cue_cue"].n
    for name, alpha, size in (("input", 0.3, 26.0), ("out", 1.0, 13.0)):
        trains = recording.spikes[name]
        chosen = trains.trials == 0
        times, neurons = 1e3 * trains.times[chosen], trains.neurons[chosen]
        colours = np.where(neurons < cue, _CUE, _BIT)
        axes.scatter(times, neurons + (neurons >= cue), c=colours, s=size, alpha=alpha, marker="s", linewidths=0)
    n = circuit.populations["out"].n
    axes.set_ylim(-0.8, n + 0.8)
    axes.set_yticks([*range(cue), *range(cue + 1, n + 1)], [*map(str, range(cue)), *map(str, range(n - cue))])
    axes.tick_params(axis="y", length=0, labelsize="x-small")
    axes.axhline(cue, color=_LINE, linewidth=0.8)
    for middle, text in (((cue - 1) / 2, "cue"), ((cue + 1 + n) / 2, "bit")):
        axes.text(
            -0.045, middle, text, rotation=90, ha="right", va="center", transform=axes.get_yaxis_transform()
        )  # fmt: skip
    axes.set_xlabel("time (ms)")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def figure(recording: Recording, experiment: Published) -> Figure:
    """Draw a published experiment: its operations over the spikes, and the weights at its end beside them."""
    from matplotlib.figure import Figure

    from neurosim.circuits.ca3_memory.circuit import build

    circuit = build(cue=experiment.cue, content=experiment.content, programme=experiment.programme)
    drawn = Figure(figsize=(11.0, 4.6), layout="constrained")
    raster, forward, backward = drawn.subplots(1, 3, width_ratios=(4.6, 1.0, 1.0))
    plot(recording, circuit, raster)
    _name_operations(raster, experiment.programme)
    if recording.state is None:
        raise RecordError("the figure needs the state at the end of the run.")
    weights = {name: np.asarray(recording.state.variables[name]["w"])[0] for name in (FORWARD, BACKWARD)}
    shapes = {FORWARD: (experiment.cue, experiment.content), BACKWARD: (experiment.content, experiment.cue)}
    matrices = {name: weights[name].reshape(shape) for name, shape in shapes.items()}
    draw_weights(matrices[FORWARD], forward, "cue to content")
    draw_weights(matrices[BACKWARD].T, backward, "content to cue")
    backward.set_ylabel("")
    return drawn


def draw_weights(weights: np.ndarray, ax: Axes, title: str) -> None:
    """Draw weights in ampere, (cue, bit), as an image with bits upwards."""
    ax.imshow(1e9 * weights.T, origin="lower", cmap="Greys", vmin=0.0, vmax=6.0, aspect="equal")
    ax.set_title(f"{title}\n(white 0, black 6 nA)", fontsize="small")
    ax.set_xlabel("cue")
    ax.set_ylabel("bit")
    if max(weights.shape) <= 16:
        ax.set_xticks(range(weights.shape[0]))
        ax.set_yticks(range(weights.shape[1]))
    ax.tick_params(length=0, labelsize="x-small")


def _name_operations(ax: Axes, programme: Programme) -> None:
    """Write over the raster what is done when, and mark when the answer comes."""
    for start, operation in programme:
        ax.axvline(start, color=_LINE, linewidth=0.8)
        if not isinstance(operation, Learn):
            ax.axvspan(start + ANSWER - 0.6, start + ANSWER + 0.6, color="#efe6c8", zorder=0)
        ax.text(
            start, 1.01, _label(operation), transform=ax.get_xaxis_transform(), rotation=30, fontsize="x-small",
            ha="left", va="bottom",
        )  # fmt: skip


def _label(operation: Operation) -> str:
    if isinstance(operation, Learn):
        return f"learn {operation.cue} ← {_set(operation.content)}"
    return f"cue {operation.cue}?" if isinstance(operation, RecallByCue) else f"bits {_set(operation.content)}?"


def _set(numbers: frozenset[int]) -> str:
    return "{" + ",".join(map(str, sorted(numbers))) + "}"


def _new_axes() -> Axes:
    if importlib.util.find_spec("matplotlib") is None:
        raise RecordError("Plots need matplotlib, which is not installed: pip install 'neurosim-circuits[plot]'.")
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(7.6, 4.0), layout="constrained")[1]
