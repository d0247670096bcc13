"""A simulation beside a recording: which statistics agree, and how well they could."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from neurosim.analysis.comparison.resampling import Pieces, Side, centre, cut, interval
from neurosim.analysis.comparison.result import Comparison, Line, pair_name
from neurosim.analysis.comparison.settings import settings_for, size_of
from neurosim.analysis.comparison.statistics import STATISTICS, Settings, Statistic
from neurosim.errors import AnalysisError, nearest
from neurosim.recording import Recording, SpikeTrains


def compare(
    simulated: Recording,
    recorded: Recording,
    pairs: Mapping[str, str] | None = None,
    *,
    statistics: Iterable[str] = tuple(STATISTICS),
    window: Any = 0.1,
    bin: Any = 0.005,
    segment: Any = None,
    resamples: int = 300,
    surrogates: int = 20,
    halves: int = 20,
    confidence: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare the spikes of populations of a simulation with those of a recording.

    Neurons are not matched: what is compared is how a statistic is distributed over neurons or pairs of them, and the
    spectrum of their summed activity.

    Parameters
    ----------
    simulated, recorded
        Any two recordings; the observed time of their spikes must be known. Leave out what should not count, such as
        the first part of a simulation, by ``recording.restrict((0.5, 10))``.
    pairs
        Which population of the recording each of the simulation is held against. By default those of the same name,
        or the only one of each.
    statistics
        Names in ``analysis.comparison.STATISTICS``: ``rate``, ``cv`` and ``lv`` of intervals, ``fano`` factor of
        counts, ``correlation`` of counts, ``spectrum`` of the population in decibels above Poisson spikes.
    window
        In which spikes are counted for ``fano`` and ``correlation``.
    bin, segment
        Of spectra: in which spikes are counted, and the stretches that are averaged over, by default 1 s or a quarter
        of the longest stretch that both sides have.
    resamples
        How often neurons are drawn anew for intervals (pieces of time, where there are fewer than five neurons).
    surrogates, halves
        How many are drawn for the null and the ceiling.
    confidence
        Of the intervals.
    seed
        Of all that is drawn.

    Returns
    -------
    Comparison
        With `str`, `table`, `plot`, `to_dict`. What could not be computed is named in `left_out`, with the reason.

    Raises
    ------
    AnalysisError
        If a population or statistic does not exist, or which ones are meant is not clear.
    RecordError
        If it is not known how long spikes were observed.

    Examples
    --------
    >>> draw = np.random.default_rng(0)
    >>> def poisson(rate):
    ...     times = draw.uniform(0, 10, draw.poisson(rate * 10 * 8))
    ...     return Recording({"e": SpikeTrains(times, draw.integers(0, 8, times.size), 8, duration=10)})
    >>> found = compare(poisson(20.0), poisson(10.0), statistics=["rate"])
    >>> found["rate"].difference.low > 5
    True
    """
    chosen = [_statistic(name) for name in statistics]
    if not chosen:
        raise AnalysisError("compare: there is no statistic.")
    if min(resamples, surrogates, halves) < 2 or not 0 < confidence < 1:
        raise AnalysisError(
            "compare: resamples, surrogates and halves must be 2 or more, and confidence between 0 and 1; got "
            f"{resamples}, {surrogates}, {halves} and {confidence}."
        )
    both = _pairs(simulated, recorded, pairs)
    lines, left_out, sizes = [], {}, {}
    used: dict[str, Any] = {}
    for first, second in both.items():
        sides = simulated.spikes[first], recorded.spikes[second]
        heading = pair_name(first, second)
        sizes[heading] = " and ".join(size_of(side) for side in sides)
        settings = settings_for(sides, window, bin, segment)
        used[heading] = asdict(settings)
        both_pieces = [cut(side, 2 * settings.window) for side in sides]
        for statistic in chosen:
            try:
                measured = [
                    _side(side, statistic, settings, pieces, name)
                    for side, pieces, name in zip(sides, both_pieces, _NAMES, strict=True)
                ]
            except AnalysisError as error:
                left_out[f"{heading}: {statistic.name}"] = str(error)
                continue
            draw = np.random.default_rng([seed, *statistic.name.encode()])
            lines.append(
                _line((first, second), measured[0], measured[1], resamples, surrogates, halves, confidence, draw)
            )
    facts = {
        "pairs": used, "resamples": resamples, "surrogates": surrogates, "halves": halves, "confidence": confidence,
        "seed": seed,
    }  # fmt: skip
    return Comparison(tuple(lines), left_out, sizes, facts)


_NAMES = ("simulated", "recorded")


def _side(trains: SpikeTrains, statistic: Statistic, settings: Settings, pieces: Pieces, name: str) -> Side:
    try:
        return Side.of(trains, statistic, settings, pieces)
    except AnalysisError as error:
        raise AnalysisError(f"{name}: {error}") from error


def _line(
    names: tuple[str, str],
    simulated: Side,
    recorded: Side,
    resamples: int,
    surrogates: int,
    halves: int,
    confidence: float,
    draw: np.random.Generator,
) -> Line:
    statistic = recorded.statistic
    means = [side.resampled_means(resamples, draw) for side in (simulated, recorded)]
    values = [statistic.mean(side.measured) for side in (simulated, recorded)]
    apart = means[0] - means[1] if all(one.size for one in means) else np.empty(0)
    chance = [_surrogate_distance(recorded, draw) for _ in range(surrogates)]
    return Line(
        *names,
        statistic.name,
        statistic.unit,
        interval(values[0], means[0], confidence),
        interval(values[1], means[1], confidence),
        interval(values[0] - values[1], apart, confidence),
        statistic.distance(simulated.values, recorded.values),
        centre(recorded.half_distances(halves, draw), confidence),
        centre(np.array(chance), confidence),
        statistic.null,
        simulated.values,
        recorded.values,
    )


def _surrogate_distance(recorded: Side, draw: np.random.Generator) -> float:
    statistic = recorded.statistic
    other = statistic.measure(statistic.surrogate(recorded.trains, draw), recorded.settings)
    return statistic.distance(statistic.values(other), recorded.values)


def _statistic(name: str) -> Statistic:
    if name not in STATISTICS:
        raise AnalysisError(f"compare: there is no statistic {name!r}.{nearest(str(name), STATISTICS)}")
    return STATISTICS[name]


def _pairs(simulated: Recording, recorded: Recording, pairs: Mapping[str, str] | None) -> dict[str, str]:
    for side, name in ((simulated, "simulated"), (recorded, "recorded")):
        if not isinstance(side, Recording):
            raise AnalysisError(f"compare: {name} must be a Recording, got {type(side).__name__}.")
        if not list(side.spikes):
            raise AnalysisError(f"compare: the {name} recording holds no spikes.")
    ours, theirs = list(simulated.spikes), list(recorded.spikes)
    if pairs is None:
        common = {name: name for name in ours if name in theirs}
        if common:
            return common
        if len(ours) == len(theirs) == 1:
            return {ours[0]: theirs[0]}
        raise AnalysisError(
            f"compare: no population has the same name on both sides ({', '.join(ours)}; {', '.join(theirs)}); give "
            f"pairs={{{ours[0]!r}: {theirs[0]!r}}}."
        )
    for first, second in pairs.items():
        if first not in ours:
            raise AnalysisError(f"compare: the simulation has no spikes of {first!r}.{nearest(str(first), ours)}")
        if second not in theirs:
            raise AnalysisError(f"compare: the recording has no spikes of {second!r}.{nearest(str(second), theirs)}")
    if not pairs:
        raise AnalysisError("compare: pairs= names no population.")
    return dict(pairs)
