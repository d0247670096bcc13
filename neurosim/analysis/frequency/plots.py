"""Figures of responses in frequency: each draws into the axes given, or a new figure, and returns the axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.analysis.frequency.spatial import SpatialSpectrum
from neurosim.analysis.frequency.transfer import TransferFunction
from neurosim.errors import AnalysisError
from neurosim.recording.plots.axes import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TEMPORAL = "temporal frequency (Hz)"
_SPATIAL = "spatial frequency (cycles/pixel)"


def plot_gain(
    measured: TransferFunction, *, theory: Any = None, relative: bool = False, ax: Axes | None = None, **style: Any
) -> Axes:
    """Draw the gain over frequency, both logarithmic, with a band of one standard error.

    Parameters
    ----------
    measured
        What to draw.
    theory
        Complex or real values at its frequencies, drawn as a dashed line.
    relative
        Divide by the gain at the lowest frequency.
    ax
        Where to draw; by default in a new figure.
    style
        Of the line.
    """
    axes = new_axes(ax)
    scale = 1 / measured.gain[0] if relative else 1.0
    gain, error = measured.gain * scale, measured.error * scale
    marker = {"marker": "o", "markersize": 3.5} if measured.coherence is None else {}
    (line,) = axes.plot(measured.frequency, gain, **{"lw": 1.2, "label": measured.facts.response, **marker, **style})
    axes.fill_between(measured.frequency, np.maximum(gain - error, gain / 10), gain + error, color=line.get_color(),
                      alpha=0.2, lw=0)  # fmt: skip
    if theory is not None:
        expected = np.abs(np.asarray(theory))
        expected = expected / expected[0] if relative else expected
        axes.plot(measured.frequency, expected, color="0.2", lw=1, ls="--", label="theory")
    axes.set(xscale="log", yscale="log", xlabel=_TEMPORAL, ylabel="relative gain" if relative else "gain")
    return axes


def plot_phase(measured: TransferFunction, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw the phase in degrees over frequency, where the coherence is above its level."""
    axes = new_axes(ax)
    phase = np.where(measured.significant, np.degrees(measured.phase), np.nan)
    axes.plot(measured.frequency, phase, **{"lw": 1.2, "label": measured.facts.response, **style})
    axes.set(xscale="log", xlabel=_TEMPORAL, ylabel="phase (degrees)")
    return axes


def plot_coherence(measured: TransferFunction, *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw the coherence over frequency, and the level that unrelated signals stay below, dotted."""
    if measured.coherence is None:
        raise AnalysisError("plot_coherence: a sum of sines gives no coherence; use broadband noise.")
    axes = new_axes(ax)
    options = {"lw": 1.2, "label": measured.facts.response, **style}
    (line,) = axes.plot(measured.frequency, measured.coherence, **options)
    axes.axhline(measured.level, color=line.get_color(), lw=0.8, ls=":")
    axes.set(xscale="log", ylim=(0, 1.02), xlabel=_TEMPORAL, ylabel="coherence")
    return axes


def plot_spatial(spectrum: SpatialSpectrum, what: str = "power", *, ax: Axes | None = None, **style: Any) -> Axes:
    """Draw a spectrum over space.

    Parameters
    ----------
    spectrum
        What to draw.
    what : {"power", "amplitude"}
        The power of rings, by all power but the mean's; or the relative log amplitude along the diagonal.
    ax, style
        Where to draw; how.
    """
    if what not in ("power", "amplitude"):
        raise AnalysisError(f"plot_spatial: what must be 'power' or 'amplitude', got {what!r}.")
    axes = new_axes(ax)
    if what == "power":
        axes.plot(spectrum.radius, spectrum.power, **{"lw": 1.2, **style})
        axes.axvline(spectrum.above, color="0.7", lw=0.8, ls=":")
        axes.set(yscale="log", xlabel=_SPATIAL, ylabel="part of the power")
    else:
        axes.plot(spectrum.frequency, spectrum.relative_log_amplitude, **{"lw": 1.2, **style})
        axes.set(xlabel=_SPATIAL, ylabel="relative log amplitude")
    return axes
