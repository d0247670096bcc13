"""What all plots share: axes, and units that read well."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import RecordError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SYMBOLS = {
    "volt": "V",
    "amp": "A",
    "siemens": "S",
    "second": "s",
    "ohm": "Ω",
    "hertz": "Hz",
    "farad": "F",
    "metre": "m",
}
_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}


def new_axes(ax: Axes | None) -> Axes:
    """Return the axes given, or those of a new figure."""
    if ax is not None:
        return ax
    if importlib.util.find_spec("matplotlib") is None:
        raise RecordError("Plots need matplotlib, which is not installed: pip install 'neurosim-circuits[plot]'.")
    from matplotlib import pyplot

    _, axes = pyplot.subplots(figsize=(7.0, 3.6), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def time_scale(end: float) -> tuple[float, str]:
    """Return the factor and the unit in which a run of this length reads well."""
    return (1e3, "ms") if end <= 2.0 else (1.0, "s")


def value_scale(values: np.ndarray, unit: str) -> tuple[float, str]:
    """Return the factor and the unit in which the largest magnitude reads well."""
    if unit == "1":
        return 1.0, ""
    symbol = _SYMBOLS.get(unit)
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max(initial=0.0))
    if symbol is None or largest == 0:
        return 1.0, symbol or unit
    power = int(np.clip(3 * np.floor(np.log10(largest) / 3), min(_PREFIXES), max(_PREFIXES)))
    return 10.0**-power, f"{_PREFIXES[power]}{symbol}"


def limit_time(axes: Axes, start: float, end: float) -> None:
    """Let the time axis end where the run does."""
    if end > start:
        axes.set_xlim(start, end)


def labelled(what: str, unit: str) -> str:
    """Return the label of an axis."""
    return f"{what} ({unit})" if unit else what
