"""Plots with matplotlib: each draws into the Axes given, or a new figure, and returns the Axes."""

from neurosim.recording.plots.edges import connectivity, weights
from neurosim.recording.plots.lines import traces
from neurosim.recording.plots.plane import phase_plane
from neurosim.recording.plots.spiking import raster, rates

__all__ = ["connectivity", "phase_plane", "raster", "rates", "traces", "weights"]
