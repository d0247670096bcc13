"""The figure of the worm: what each class of motor neuron does while command neurons are driven."""

from __future__ import annotations

import importlib.util
import re
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from neurosim.circuit import Circuit, Injection, Step
from neurosim.circuits.celegans_connectome.circuit import POPULATION
from neurosim.errors import RecordError
from neurosim.recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Classes of the motor neurons of the ventral cord from top to bottom: B types crawl forward, A types backward.
CLASSES = ("DB", "VB", "DA", "VA", "AS", "DD", "VD")
_LARGEST = 8.0  # mV, the end of the colour scale
_COLOURS = ("#b5472f", "#2f6db5", "#3f8f5b", "#8a5fa8", "#a07a2c", "#4f4f4f")


def motor_neurons(labels: tuple[str, ...]) -> dict[str, list[int]]:
    """Return the motor neurons of each class, by number: ``{"DB": [index of DB1, index of DB2, ...], ...}``."""
    found: dict[str, list[tuple[int, int]]] = {name: [] for name in CLASSES}
    for index, label in enumerate(labels):
        match = re.fullmatch(r"([A-Z]{2})(\d+)", label)
        if match and match[1] in found:
            found[match[1]].append((int(match[2]), index))
    return {name: [index for _, index in sorted(members)] for name, members in found.items() if members}


def plot(recording: Recording, circuit: Circuit, ax: Axes | None = None) -> Axes:
    """Draw the depolarisation of the motor neurons over time, sorted by class, and of the driven neurons below.

    Parameters
    ----------
    recording
        With ``v`` of all neurons of the population ``"worm"``; the first trial is drawn.
    circuit
        What :func:`~neurosim.circuits.celegans_connectome.circuit.build` made.
    ax
        Where to draw the motor neurons; by default in a new figure. The bars of the stimuli stand above it and the
        driven neurons below it.

    Returns
    -------
    matplotlib.axes.Axes
        The axes of the motor neurons.

    Raises
    ------
    RecordError
        If matplotlib is not installed, or v of some neurons was not recorded.
    """
    labels = circuit.populations[POPULATION].labels or ()
    trace = recording.traces[POPULATION]["v"]
    if trace.ndim != 3 or trace.shape[2] != len(labels):
        raise RecordError(f"the figure needs v of all {len(labels)} neurons: record={{{POPULATION!r}: 'v'}}.")
    axes = _new_axes() if ax is None else ax
    times = np.append(trace["time"].values, trace["time"].values[-1] + float(recording.metadata["dt"]))
    rise = (trace.values[0] - circuit.parameter(POPULATION, "v_th")) * 1e3
    classes = motor_neurons(labels)
    order = [index for members in classes.values() for index in members]
    image = axes.pcolormesh(
        times, np.arange(len(order) + 1), rise[:, order].T, cmap="magma", vmin=0.0, vmax=_LARGEST, rasterized=True
    )
    edges = np.cumsum([0, *(len(members) for members in classes.values())])
    for edge in edges[1:-1]:
        axes.axhline(edge, color="white", linewidth=0.8)
    axes.set_yticks((edges[:-1] + edges[1:]) / 2, list(classes))
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelbottom=False)
    axes.set_ylim(len(order), 0)
    axes.set_xlim(times[0], times[-1])
    axes.set_ylabel("motor neurons")
    bar = axes.figure.colorbar(image, ax=axes, extend="max", fraction=0.04, pad=0.015, aspect=28)
    bar.set_label("depolarisation (mV)")
    bar.outline.set_visible(False)
    below = axes.inset_axes((0.0, -0.43, 1.0, 0.39), sharex=axes)
    for colour, injection in zip(cycle(_COLOURS), circuit.injections.values(), strict=False):
        neurons = [labels[index] for index in injection.indices]
        _stimulus_bar(axes, injection, ", ".join(neurons), colour)
        mean = rise[:, list(injection.indices)].mean(axis=1)
        below.plot(times[:-1], mean, color=colour, linewidth=1.4, label=", ".join(neurons))
    below.spines[["top", "right"]].set_visible(False)
    below.set_xlabel("time (s)")
    below.set_ylabel("driven cells (mV)")
    below.legend(frameon=False, fontsize="small", loc="upper right", handlelength=1.2)
    return axes


def _new_axes() -> Axes:
    if importlib.util.find_spec("matplotlib") is None:
        raise RecordError("Plots need matplotlib, which is not installed: pip install 'neurosim-circuits[plot]'.")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.6, 5.0))
    figure.subplots_adjust(left=0.075, right=0.965, top=0.92, bottom=0.345)
    return axes


def _stimulus_bar(axes: Axes, injection: Injection, text: str, colour: str) -> None:
    """Draw above the axes when a current is on, and into which neurons."""
    signal = injection.signal
    if not isinstance(signal, Step):
        return
    start, stop = max(signal.start, axes.get_xlim()[0]), min(signal.stop, axes.get_xlim()[1])
    if start < stop:
        above = axes.get_xaxis_transform()
        axes.plot([start, stop], [1.03, 1.03], transform=above, color=colour, linewidth=4, clip_on=False,
                  solid_capstyle="butt")  # fmt: skip
        axes.text((start + stop) / 2, 1.055, text, transform=above, color=colour, ha="center", va="bottom")
