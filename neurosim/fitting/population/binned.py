"""Recordings on one grid of bins, trial by trial; what was not observed as a whole is NaN."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.binning import binned_counts
from neurosim.errors import AnalysisError
from neurosim.fitting.held_out import Part
from neurosim.recording import SpikeTrains
from neurosim.recording.rates import BIN_TOLERANCE
from neurosim.recording.support import EDGE_TOLERANCE

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Bins of time.

    Parameters
    ----------
    start, width
        Where the first begins and how long each is, in seconds.
    trials, bins
        How many there are.
    """

    start: float
    width: float
    trials: int
    bins: int

    @classmethod
    def of(cls, trains: SpikeTrains, width: float) -> Grid:
        """Return the bins of what was observed of some spikes.

        Raises
        ------
        AnalysisError
            If there is no whole bin.
        """
        trains.observed()  # says what is missing where it is not known
        duration = trains.duration or 0.0
        bins = int(np.floor(duration / width + BIN_TOLERANCE))
        if bins < 1:
            raise AnalysisError(f"a bin of {width:g} s is longer than the {duration:g} s that were observed.")
        return cls(trains.start, width, trains.n_trials, bins)

    @property
    def edges(self) -> Floats:
        """Where bins begin and end, in seconds, (bin + 1,)."""
        return np.asarray(self.start + np.arange(self.bins + 1) * self.width)

    def counts(self, trains: SpikeTrains) -> Floats:
        """Return counts, (trial, bin, neuron).

        Raises
        ------
        AnalysisError
            If the spikes have another number of trials, or nothing of them was observed here.
        """
        if trains.n_trials != self.trials:
            raise AnalysisError(f"{trains.n_trials} trials are given to see where {self.trials} are predicted.")
        found = binned_counts(trains, self.width, (self.start, self.start + self.bins * self.width))
        values = np.full((self.trials, self.bins, trains.n), np.nan)
        values[found.trials, np.rint((found.times - self.start) / self.width).astype(np.int64)] = found.values
        if not len(found.values):
            raise AnalysisError("nothing was observed in a whole bin at these times.")
        return values

    def inside(self, part: Part) -> NDArray[np.bool_]:
        """Return which bins belong to a part of the recording as a whole, (trial, bin)."""
        return np.asarray(part.support.covered(self.edges) >= self.width - 2 * EDGE_TOLERANCE)
