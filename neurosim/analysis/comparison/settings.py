"""How counts and spectra are taken of given spike trains, where the caller does not say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurosim.analysis.comparison.statistics import Settings
from neurosim.analysis.comparison.surrogates import observed
from neurosim.errors import AnalysisError
from neurosim.recording import SpikeTrains
from neurosim.recording.times import one_time


def settings_for(sides: Sequence[SpikeTrains], window: Any, bin: Any, segment: Any) -> Settings:
    """Return settings that fit all of some spike trains.

    Parameters
    ----------
    sides
        Which.
    window, bin
        Times.
    segment
        A time; by default 1 s or a quarter of the longest stretch that all have.

    Raises
    ------
    AnalysisError
        If a time is not positive.
    """
    width, counted = one_time(bin, "bin"), one_time(window, "window")
    if not width > 0 or not counted > 0:
        raise AnalysisError(f"bin and window must be positive, got {width:g} s and {counted:g} s.")
    length = _segment(sides, width) if segment is None else one_time(segment, "segment")
    return Settings(counted, width, length, min(trains.n for trains in sides))


def size_of(trains: SpikeTrains) -> str:
    """Return how much there is, in words."""
    neurons = f"{trains.n} neuron{'' if trains.n == 1 else 's'}"
    return f"{neurons}, {len(trains)} spikes, {float(trains.observed().sum()):.4g} s"


def _segment(sides: Sequence[SpikeTrains], width: float) -> float:
    supports = [observed(trains) for trains in sides]
    longest = min(float((support.stops - support.starts).max(initial=0.0)) for support in supports)
    return max(4, min(round(1.0 / width), int(longest / 4 / width))) * width
