"""One population beside another, by one statistic after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analysis.comparison.likeness import LIKENESSES
from neurosim.analysis.comparison.resampling import Side, centre, cut, interval
from neurosim.analysis.comparison.responses import Asked, Responses, Trials
from neurosim.analysis.comparison.result import Line
from neurosim.analysis.comparison.settings import settings_for, size_of
from neurosim.analysis.comparison.statistics import STATISTICS, Settings, Statistic
from neurosim.analysis.comparison.tuned import RESPONSE_STATISTICS
from neurosim.analysis.features import SPIKES
from neurosim.analysis.spikes.trains import coarser, counted_in
from neurosim.errors import AnalysisError
from neurosim.recording import Recording

SIDES = ("simulated", "recorded")


@dataclass(frozen=True)
class Drawn:
    """How many are drawn for intervals, nulls and ceilings, and how sure intervals are."""

    resamples: int
    surrogates: int
    halves: int
    confidence: float


class Pair:
    """A simulated population beside a recorded one; what several statistics need is made once.

    Parameters
    ----------
    names
        Of both populations.
    recordings
        Simulated and recorded.
    how
        Window, bin and segment, as the caller gave them.
    asked
        How responses are taken out.
    """

    def __init__(
        self, names: tuple[str, str], recordings: tuple[Recording, Recording], how: tuple[Any, Any, Any], asked: Asked
    ) -> None:
        self.names, self._recordings, self._asked = names, recordings, asked
        each = list(zip(recordings, names, asked.variables, strict=True))
        self.size = " and ".join(_size(*side) for side in each)
        trains = [recording.spikes[name] for recording, name, _ in each if name in recording.spikes]
        self.settings = settings_for(trains, *how) if len(trains) == 2 else None
        self._trains = (trains[0], trains[1]) if self.settings is not None else None
        self._pieces: list[Any] = (
            [] if self.settings is None else [cut(side, 2 * self.settings.window) for side in trains]
        )
        self._responses: tuple[Responses, Responses] | AnalysisError | None = None
        self.left_out: dict[str, str] = {}

    def line(self, name: str, drawn: Drawn, draw: np.random.Generator) -> Line:
        """Compare by one statistic."""
        if name in LIKENESSES:
            self._check_times(self._asked.bin, self._asked.variables)
            return LIKENESSES[name].line(
                self.names, self.responses(), drawn.resamples, drawn.surrogates, drawn.halves, drawn.confidence, draw
            )
        statistic = STATISTICS[name] if name in STATISTICS else RESPONSE_STATISTICS[name]
        settings, sources, parts = self._spikes(statistic) if statistic.of == "spikes" else self._trials(statistic)
        one, other = (self._side(number, statistic, settings, sources[number], parts[number]) for number in range(2))
        places, axis = None, ""
        if statistic.places is not None:
            places, axis = statistic.places(settings if statistic.of == "spikes" else sources[1])
        unit = statistic.unit if statistic.of == "spikes" or not statistic.unit else _unit_of(sources[1].quantity)
        draws = [side.resampled(drawn.resamples, draw) for side in (one, other)]
        apart = draws[0] - draws[1] if all(side.size for side in draws) else np.empty(0)
        chance = np.array([other.surrogate_distance(draw) for _ in range(drawn.surrogates)])
        return Line(
            *self.names, statistic.name, unit,
            interval(one.described, draws[0], drawn.confidence),
            interval(other.described, draws[1], drawn.confidence),
            interval(one.described - other.described, apart, drawn.confidence),
            statistic.distance(one.values, other.values, settings),
            centre(other.half_distances(drawn.halves, draw), drawn.confidence),
            centre(chance, drawn.confidence),
            statistic.null, one.values, other.values, statistic.kind, places, axis,
        )  # fmt: skip

    def _spikes(self, statistic: Statistic) -> tuple[Settings, tuple[Any, Any], list[Any]]:
        if self.settings is None or self._trains is None:
            raise AnalysisError("one side has no spikes of this population.")
        self._check_times(statistic.finest(self.settings), (SPIKES, SPIKES))
        return self.settings, self._trains, self._pieces

    def _trials(self, statistic: Statistic) -> tuple[Settings, tuple[Any, Any], list[Any]]:
        self._check_times(self._asked.bin, self._asked.variables)
        sources = self.responses()
        if statistic.unit and sources[0].quantity != sources[1].quantity:
            raise AnalysisError(f"{sources[0].quantity} and {sources[1].quantity} are not the same quantity.")
        return _NO_SETTINGS, sources, [Trials(one) for one in sources]

    def responses(self) -> tuple[Responses, Responses]:
        """Return what both sides did in the conditions that they share."""
        if self._responses is None:
            try:
                *found, self.left_out = self._asked.find(self._recordings, self.names)
                self._responses = found[0], found[1]
            except AnalysisError as error:
                self._responses = error
        if isinstance(self._responses, AnalysisError):
            raise self._responses
        return self._responses

    def _check_times(self, finest: float, variables: tuple[str, str]) -> None:
        for side, recording, name, variable in zip(SIDES, self._recordings, self.names, variables, strict=True):
            wrong = coarser(counted_in(recording, name), finest) if variable == SPIKES else None
            if wrong is not None:
                raise AnalysisError(f"{side}: {wrong}.")

    def _side(self, number: int, statistic: Statistic, settings: Settings, source: Any, parts: Any) -> Side:
        try:
            return Side.of(source, statistic, settings, parts)
        except AnalysisError as error:
            raise AnalysisError(f"{SIDES[number]}: {error}") from error


#: Of responses, which are measured without.
_NO_SETTINGS = Settings(math.nan, math.nan, math.nan, 0)


def _unit_of(quantity: str) -> str:
    """Return the unit that stands in brackets behind a quantity; none of a plain number."""
    unit = quantity.rpartition("(")[2].rstrip(")")
    return "" if unit == "1" else unit


def _size(recording: Recording, name: str, variable: str) -> str:
    if variable == SPIKES:
        return size_of(recording.spikes[name])
    trace = recording.traces[name][variable]
    return f"{variable} of {trace.shape[-1]} units, {trace.sizes['time']} samples"
