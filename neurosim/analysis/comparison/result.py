"""What a comparison ends in: a line for each statistic; a table, a figure, JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.comparison.resampling import Estimate
from neurosim.errors import AnalysisError, nearest

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Line:
    """One statistic of two populations.

    Parameters
    ----------
    simulated_population, recorded_population, statistic, unit : str
        What was compared.
    simulated, recorded, difference : Estimate
        What describes each side, by default the mean over neurons (pairs, columns of a profile), and the first less
        the second. Where both sides are held against each other as wholes (`kind` is ``"likeness"``), how far halves of
        each lie apart; there is no difference then.
    distance : float
        How far the distributions over neurons or pairs lie apart (the area between their cumulative forms), or the
        profiles (the mean difference without its sign), or both sides as wholes; in the unit of the statistic.
    ceiling : Estimate
        The distance of random halves of the recording from each other: nearer cannot be asked for.
    null : Estimate
        The distance of surrogates from the recording they were made of.
    null_kind : str
        What the surrogates lack.
    simulated_values, recorded_values : numpy.ndarray
        What was compared: for each neuron, pair or column. Of wholes, numbers that belong together.
    kind : str
        ``"neuron"``, ``"pair"``, ``"profile"`` or ``"likeness"``.
    places : numpy.ndarray, shape (column,), optional
        Where the columns of a profile stand.
    axis : str
        What the places, or the values of a likeness, are.
    distance_low, distance_high : float
        The interval of the distance of wholes; NaN of others, whose `difference` has one.
    """

    simulated_population: str
    recorded_population: str
    statistic: str
    unit: str
    simulated: Estimate
    recorded: Estimate
    difference: Estimate
    distance: float
    ceiling: Estimate
    null: Estimate
    null_kind: str
    simulated_values: Floats
    recorded_values: Floats
    kind: str
    places: Floats | None = None
    axis: str = ""
    distance_low: float = float("nan")
    distance_high: float = float("nan")

    @property
    def score(self) -> float:
        """1 where the simulation is as near as the recording is to itself, 0 where it is no nearer than surrogates.

        NaN where surrogates are as near as halves are: then the statistic tells nothing here.
        """
        span = self.null.value - self.ceiling.value
        return (self.null.value - self.distance) / span if span > 0 else float("nan")

    @property
    def interval(self) -> Estimate:
        """The distance with its interval, if it has one."""
        return Estimate(self.distance, self.distance_low, self.distance_high)

    @property
    def label(self) -> str:
        """The statistic with its unit."""
        return f"{self.statistic} ({self.unit})" if self.unit else self.statistic

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; None for what is not known."""
        estimates = {
            name: {key: _known(value) for key, value in asdict(getattr(self, name)).items()}
            for name in ("simulated", "recorded", "difference", "ceiling", "null")
        }
        return {
            "simulated_population": self.simulated_population,
            "recorded_population": self.recorded_population,
            "statistic": self.statistic,
            "unit": self.unit,
            **estimates,
            "null_kind": self.null_kind,
            "distance": _known(self.distance),
            "distance_low": _known(self.distance_low),
            "distance_high": _known(self.distance_high),
            "score": _known(self.score),
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """Statistics of a simulation beside those of a recording.

    Parameters
    ----------
    lines : tuple of Line
        One for each pair of populations and statistic.
    left_out : mapping of str to str
        Why there is no line, by ``"population: statistic"``.
    sizes : mapping of str to str
        How much there was of each pair of populations.
    settings : mapping
        What it was made with, the seed included.
    """

    lines: tuple[Line, ...]
    left_out: Mapping[str, str]
    sizes: Mapping[str, str]
    settings: Mapping[str, Any]

    def __getitem__(self, statistic: str) -> Line:
        """Return the line of a statistic, or of ``"population.statistic"`` (the simulated population's name)."""
        found = [line for line in self.lines if statistic in (line.statistic, _address(line))]
        if len(found) == 1:
            return found[0]
        if found:
            raise AnalysisError(f"say of which population: {', '.join(_address(line) for line in found)}.")
        known = [line.statistic for line in self.lines]
        raise AnalysisError(f"the comparison has no {statistic!r}.{nearest(statistic, known)}")

    def __iter__(self) -> Iterator[Line]:
        """Iterate over the lines."""
        return iter(self.lines)

    def table(self) -> pandas.DataFrame:
        """Return the lines as a table, a column for each number."""
        import pandas

        rows = []
        for line in self.lines:
            row: dict[str, Any] = {
                "simulated_population": line.simulated_population,
                "recorded_population": line.recorded_population,
                "statistic": line.label,
            }
            for name in ("simulated", "recorded", "difference"):
                estimate = getattr(line, name)
                row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
            row |= {name: getattr(line, name) for name in ("distance", "distance_low", "distance_high")}
            row |= {"ceiling": line.ceiling.value, "null": line.null.value}
            rows.append({**row, "score": line.score})
        return pandas.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "lines": [line.to_dict() for line in self.lines],
            "left_out": dict(self.left_out),
            "sizes": dict(self.sizes),
            "settings": dict(self.settings),
        }

    def to_json(self) -> str:
        """Return JSON."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw for each statistic how far the simulation is, between halves of the recording and surrogates."""
        from neurosim.analysis.comparison.plots import plot_comparison

        return plot_comparison(self, ax=ax)

    def __str__(self) -> str:
        """Return a table for reading."""
        text = []
        for heading, size in self.sizes.items():
            lines = [line for line in self.lines if _pair(line) == heading]
            head = ("statistic", "simulated", "recorded", "difference", "distance", "ceiling", "null", "score")
            rows = [
                (
                    line.label, str(line.simulated), str(line.recorded), str(line.difference), str(line.interval),
                    _short(line.ceiling.value), _short(line.null.value), _short(line.score),
                )
                for line in lines
            ]  # fmt: skip
            text += [f"{heading} ({size})", *aligned([head, *rows])]
        return "\n".join([*text, *missing(self.left_out)])


def missing(left_out: Mapping[str, str]) -> list[str]:
    """Return what is left out as lines of text: names ``"population: statistic"`` with the same reason in one."""
    together: dict[tuple[str, str], list[str]] = {}
    for name, why in left_out.items():
        population, _, statistic = name.rpartition(": ")
        together.setdefault((population, why), []).append(statistic)
    return [f"left out: {population}: {', '.join(names)}: {why}" for (population, why), names in together.items()]


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows as lines of text whose columns begin below each other."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def pair_name(simulated: str, recorded: str) -> str:
    """Return how two populations are called together."""
    return f"{simulated} beside {recorded}"


def _pair(line: Line) -> str:
    return pair_name(line.simulated_population, line.recorded_population)


def _address(line: Line) -> str:
    return f"{line.simulated_population}.{line.statistic}"


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _short(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3g}"
