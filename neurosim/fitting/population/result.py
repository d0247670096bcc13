"""What a fit to a population ends in: the circuit, and its bits a spike beside those of the baselines."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.comparison.resampling import Estimate
from neurosim.analysis.features import Features
from neurosim.errors import AnalysisError, nearest
from neurosim.fitting.result import FITTED, HELD_OUT, Fit, Score

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

    from neurosim.fitting.population.inputs import Scaling

Floats = NDArray[np.float64]
CIRCUIT, OWN_PAST, RIDGE = "circuit", "own past", "ridge of the same bin"
_RESAMPLES = 2000


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PopulationFit(Fit):
    """A circuit fitted to a population, scored on time that it was not fitted to.

    Parameters
    ----------
    circuit, values, scores, history, method, settings
        See :class:`neurosim.fitting.Fit`. The scores are medians over units of bits a spike, with bounds for other
        units of this kind, and quartiles over units.
    recorded : Features
        Counts in the bins that were held out, (row, unit), with their times in seconds and their trials.
    expected : mapping of str to numpy.ndarray
        What was expected there, by ``"circuit"``, ``"own past"`` and ``"ridge of the same bin"``, (row, unit).
    bits : mapping of str to numpy.ndarray
        Bits a spike of each unit there, (unit,), beyond its mean in that very time; NaN of a unit that was silent.
    scalings : mapping of str to Scaling
        How recorded spikes became the values of signals.
    """

    recorded: Features
    expected: Mapping[str, Floats]
    bits: Mapping[str, Floats]
    scalings: Mapping[str, Scaling]

    def median(self, name: str = CIRCUIT, *, confidence: float = 0.95) -> Estimate:
        """Return the median over units of a predictor's bits a spike, between bounds for other units of this kind.

        Parameters
        ----------
        name
            Of the predictor.
        confidence
            Of the interval: units are drawn anew, with replacement, 2,000 times.
        """
        return median(self._bits(name), confidence)

    def gain(self, baseline: str, *, confidence: float = 0.95) -> Estimate:
        """Return the median over units of how many bits a spike the circuit knows beyond a baseline (see `median`)."""
        return median(self._bits(CIRCUIT) - self._bits(baseline), confidence)

    def table(self) -> pandas.DataFrame:
        """Return a row for each unit: its spikes in the time held out, and the bits a spike of each predictor."""
        import pandas

        spikes = self.recorded.values.sum(0)
        return pandas.DataFrame({"unit": self.recorded.units, "spikes": spikes, **self.bits})

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; None of what is not known."""
        bits = {
            name: [None if math.isnan(value) else float(value) for value in values]
            for name, values in self.bits.items()
        }
        return {**super().to_dict(), "units": self.recorded.units.tolist(), "bits": bits}

    def plot_bits(self, *, ax: Axes | None = None) -> Axes:
        """Draw the bits a spike of each unit, by predictor."""
        from neurosim.fitting.population.plots import plot_bits

        return plot_bits(self, ax=ax)

    def plot_activity(
        self, units: Any = None, *, start: Any = None, duration: Any = None, ax: Axes | None = None
    ) -> Axes:
        """Draw recorded counts of some units and what the circuit expected, in time that was held out."""
        from neurosim.fitting.population.plots import plot_activity

        return plot_activity(self, units, start=start, duration=duration, ax=ax)

    def __repr__(self) -> str:
        return f"<PopulationFit of {self.circuit.name!r}: {self.median()} bits a spike>"

    def _bits(self, name: str) -> Floats:
        if name not in self.bits:
            raise AnalysisError(f"the fit has no predictor {name!r}.{nearest(name, list(self.bits))}")
        return self.bits[name]


def median(values: Floats, confidence: float = 0.95) -> Estimate:
    """Return the median of those that are known, and where it lies for units that are drawn anew.

    Raises
    ------
    AnalysisError
        If the confidence is none.
    """
    if not 0 < confidence < 1:
        raise AnalysisError(f"confidence must lie between 0 and 1, got {confidence}.")
    known = values[np.isfinite(values)]
    if not known.size:
        return Estimate(math.nan, math.nan, math.nan)
    draw = np.random.default_rng(0)
    medians = np.median(known[draw.integers(0, known.size, (_RESAMPLES, known.size))], axis=1)
    low, high = np.quantile(medians, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(float(np.median(known)), float(low), float(high))


def scores_of(fitted: Mapping[str, Floats], held_out: Mapping[str, Floats]) -> tuple[Score, ...]:
    """Return the scores of both parts, given bits a spike of each unit by predictor; held out, differences as well."""
    differences = {f"{CIRCUIT} less {name}": held_out[CIRCUIT] - held_out[name] for name in held_out if name != CIRCUIT}
    return tuple(
        Score(part, name, _measures(values))
        for part, each in ((FITTED, fitted), (HELD_OUT, {**held_out, **differences}))
        for name, values in each.items()
    )


def _measures(values: Floats) -> dict[str, float]:
    found, known = median(values), values[np.isfinite(values)]
    low, high = np.quantile(known, [0.25, 0.75]) if known.size else (math.nan, math.nan)
    return {
        "bits a spike": found.value, "from": found.low, "to": found.high, "lower quartile": float(low),
        "upper quartile": float(high), "units": float(known.size),
    }  # fmt: skip
