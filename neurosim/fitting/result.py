"""What a fit ends in: the circuit with its values written back, how it got there, and what it is worth."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.comparison.result import aligned
from neurosim.errors import AnalysisError, nearest
from neurosim.units import quantity, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.circuit.circuit import Circuit

#: The parts of a recording that are scored.
FITTED, HELD_OUT = "fitted", "held out"


@dataclass(frozen=True, eq=False)
class FittedValue:
    """A trainable value before and after.

    Parameters
    ----------
    address
        As in the circuit: ``"cell.tau_mem"``.
    unit
        Unit text of the numbers.
    initial, fitted
        SI values: one, or one for each neuron or edge.
    low, high
        Its limits, or None.
    """

    address: str
    unit: str
    initial: NDArray[np.float64]
    fitted: NDArray[np.float64]
    low: float | None = None
    high: float | None = None

    @property
    def quantity(self) -> Any:
        """The fitted value with its unit."""
        return quantity(self.fitted if self.fitted.ndim else float(self.fitted), self.unit)

    @property
    def at_limit(self) -> bool:
        """Whether the fit ended on a limit (within a thousandth of the range), so that the best may lie beyond."""
        if not self.fitted.size:
            return False
        span = (self.high - self.low) if self.low is not None and self.high is not None else np.abs(self.fitted).max()
        near = [one for one in (self.low, self.high) if one is not None]
        return any(bool((np.abs(self.fitted - one) <= 1e-3 * span).any()) for one in near)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "address": self.address,
            "unit": self.unit,
            "initial": self.initial.tolist(),
            "fitted": self.fitted.tolist(),
            "low": self.low,
            "high": self.high,
            "at_limit": self.at_limit,
        }


@dataclass(frozen=True)
class Score:
    """How near a fitted circuit comes to something that was recorded.

    Parameters
    ----------
    part
        ``"fitted"`` or ``"held out"``.
    what
        Of what: a trial, a population.
    measures
        Numbers by name.
    """

    part: str
    what: str
    measures: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Fit:
    """A circuit fitted to a recording.

    Parameters
    ----------
    circuit
        With the fitted values written back, still marked trainable.
    values
        What was fitted.
    scores
        Of the fitted part and of the one held out.
    history
        The numbers of each step: ``loss`` at least.
    method
        How it was fitted.
    settings
        What with: JSON values, the seed among them.
    """

    circuit: Circuit
    values: tuple[FittedValue, ...]
    scores: tuple[Score, ...]
    history: tuple[Mapping[str, float], ...]
    method: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not {FITTED, HELD_OUT} <= {score.part for score in self.scores}:
            raise AnalysisError("Fit: scores of both parts are needed, the fitted one and the one held out.")

    def __getitem__(self, address: str) -> Any:
        """Return a fitted value with its unit."""
        for value in self.values:
            if value.address == address:
                return value.quantity
        raise AnalysisError(f"{address!r} was not fitted.{nearest(address, [value.address for value in self.values])}")

    @property
    def fitted(self) -> tuple[Score, ...]:
        """The scores of what was fitted."""
        return tuple(score for score in self.scores if score.part == FITTED)

    @property
    def held_out(self) -> tuple[Score, ...]:
        """The scores of what was held out."""
        return tuple(score for score in self.scores if score.part == HELD_OUT)

    @property
    def converged(self) -> bool:
        """Whether the last tenth of the steps improved the loss by less than a hundredth."""
        best = np.minimum.accumulate([row["loss"] for row in self.history])
        before = best[-max(1, len(best) // 10) - 1] if len(best) > 1 else math.inf
        return bool(before - best[-1] <= 0.01 * abs(before)) if math.isfinite(before) else False

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; None for numbers that are not known."""
        return {
            "circuit": self.circuit.name,
            "circuit_digest": self.circuit.digest(),
            "method": self.method,
            "values": [value.to_dict() for value in self.values],
            "scores": [
                {"part": score.part, "what": score.what, "measures": _known(score.measures)} for score in self.scores
            ],
            "history": [_known(row) for row in self.history],
            "settings": dict(self.settings),
        }

    def to_json(self) -> str:
        """Return JSON."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw the loss over the steps, and the scores of the loss on both parts."""
        from neurosim.fitting.plots import plot_history

        return plot_history(self, ax=ax)

    def __str__(self) -> str:
        """Return tables for reading: the values, and the scores."""
        head = f"{self.circuit.name}: fitted by {self.method}, {len(self.history)} steps"
        values = [("value", "initial", "fitted", "limits", ""), *map(_row, self.values)]
        measures = list(dict.fromkeys(name for score in self.scores for name in score.measures))
        scores = [
            ("part", "of", *measures),
            *((one.part, one.what, *(_short(one.measures.get(name, math.nan)) for name in measures))
              for one in self.scores),
        ]  # fmt: skip
        return "\n".join([head, "", *aligned(values), "", *aligned(scores)])


def _row(value: FittedValue) -> tuple[str, ...]:
    limits = " to ".join("" if one is None else readable(_rounded(one), value.unit) for one in (value.low, value.high))
    return (
        value.address, _shown(value.initial, value.unit), _shown(value.fitted, value.unit),
        "" if limits == " to " else limits, "at its limit" if value.at_limit else "",
    )  # fmt: skip


def _shown(values: NDArray[np.float64], unit: str) -> str:
    """Return one value, or the least and largest of several."""
    if not values.size:
        return "none"
    ends = [readable(_rounded(one), unit) for one in (values.min(), values.max())]
    return ends[0] if values.size == 1 else f"{ends[0]} to {ends[1]} ({values.size})"


def _rounded(value: float) -> float:
    return float(f"{float(value):.4g}")


def _short(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e6 else f"{value:.3g}"


def _known(numbers: Mapping[str, float]) -> dict[str, float | None]:
    return {name: float(value) if math.isfinite(value) else None for name, value in numbers.items()}


def mean_measure(scores: Sequence[Score], name: str) -> float:
    """Return the mean of a measure over scores, those left out of which it is not known.

    Raises
    ------
    AnalysisError
        If no score has it.
    """
    values = [score.measures[name] for score in scores if name in score.measures]
    if not values:
        known = {measure for score in scores for measure in score.measures}
        raise AnalysisError(f"no score has {name!r}.{nearest(name, known)}")
    return float(np.nanmean(values))
