"""A simulation beside a recording: which statistics agree, and how well they could."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from neurosim.analysis.comparison.likeness import LIKENESSES
from neurosim.analysis.comparison.pairing import SIDES, Drawn, Pair
from neurosim.analysis.comparison.responses import Asked
from neurosim.analysis.comparison.result import Comparison, pair_name
from neurosim.analysis.comparison.statistics import STATISTICS
from neurosim.analysis.comparison.tuned import RESPONSE_STATISTICS
from neurosim.analysis.features import SPIKES
from neurosim.errors import AnalysisError, nearest
from neurosim.recording import Recording

#: Every statistic that can be compared.
NAMES = (*STATISTICS, *RESPONSE_STATISTICS, *LIKENESSES)


def compare(
    simulated: Recording,
    recorded: Recording,
    pairs: Mapping[str, str] | None = None,
    *,
    statistics: Iterable[str] = tuple(NAMES),
    window: Any = 0.1,
    bin: Any = 0.005,
    segment: Any = None,
    variable: Any = SPIKES,
    events: Any = None,
    label: Any = None,
    response: Any = None,
    response_bin: Any = 0.02,
    resamples: int = 300,
    surrogates: int = 20,
    halves: int = 20,
    confidence: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare the spikes of populations of a simulation with those of a recording.

    Neurons are not matched: what is compared is how a statistic is distributed over neurons or pairs of them, mean
    profiles (spectra, time courses, rates by condition), and what the populations as wholes do in conditions that both
    have seen.

    Parameters
    ----------
    simulated, recorded
        Any two recordings; the observed time of their spikes must be known. Leave out what should not count, such as
        the first part of a simulation, by ``recording.restrict((0.5, 10))``.
    pairs
        Which population of the recording each of the simulation is held against. By default those of the same name,
        or the only one of each.
    statistics
        Names in ``analysis.comparison.NAMES``. Of spikes: ``rate``, ``cv`` and ``lv`` of intervals, ``fano`` factor of
        counts, ``correlation`` of counts, ``spectrum`` of the population in decibels above Poisson spikes,
        ``timescale`` of the autocorrelation, ``dimensions`` of counts. Of trials: ``psth``, ``tuning`` (rates by
        condition), ``selectivity`` (the share of variance that conditions explain, by neuron), ``rsa`` and ``cka``
        (dissimilarities of conditions, centred kernel alignment), ``trajectory`` (the angle between courses in time
        after the best rotation).
    window
        In which spikes are counted for ``fano``, ``correlation`` and ``dimensions``; ``timescale`` is of counts in a
        fifth of it, over lags of up to five of them.
    bin, segment
        Of spectra: in which spikes are counted, and the stretches that are averaged over, by default 1 s or a quarter
        of the longest stretch that both sides have.
    variable
        What responses in trials are of: ``"spikes"``, or the name of a trace such as fluorescence, or a pair of what
        the simulation and the recording have. Rates are compared with traces by what has no unit: ``selectivity``,
        ``rsa``, ``cka``, ``trajectory``.
    events
        What trials begin with: the name of a table of events or intervals, or a pair of what the simulation and the
        recording have: a name, times in seconds, or None for its own trials. By default, own trials on both sides.
    label
        What was shown: a column of the table of events (or of the recording's ``"trials"``), or a pair of what both
        sides have: a column, or the label of each trial. Trials count whose label both sides have.
    response : (start, stop), optional
        Seconds from the event (of own trials, in their time) that are looked at; by default whole trials.
    response_bin
        The width of bins of the course in time.
    resamples
        How often neurons are drawn anew for intervals (pieces of time or trials, where there are fewer than five
        neurons).
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
    >>> from neurosim.recording import SpikeTrains
    >>> draw = np.random.default_rng(0)
    >>> def poisson(rate):
    ...     times = draw.uniform(0, 10, draw.poisson(rate * 10 * 8))
    ...     return Recording({"e": SpikeTrains(times, draw.integers(0, 8, times.size), 8, duration=10)})
    >>> found = compare(poisson(20.0), poisson(10.0), statistics=["rate"])
    >>> found["rate"].difference.low > 5
    True
    """
    names = [_checked(name) for name in statistics]
    if not names:
        raise AnalysisError("compare: there is no statistic.")
    if min(resamples, surrogates, halves) < 2 or not 0 < confidence < 1:
        raise AnalysisError(
            "compare: resamples, surrogates and halves must be 2 or more, and confidence between 0 and 1; got "
            f"{resamples}, {surrogates}, {halves} and {confidence}."
        )
    asked = Asked.of(events, label, response, response_bin, variable)
    both = _pairs(simulated, recorded, pairs, asked.variables)
    drawn = Drawn(resamples, surrogates, halves, confidence)
    lines, left_out, sizes = [], {}, {}
    used: dict[str, Any] = {}
    for first, second in both.items():
        heading = pair_name(first, second)
        pair = Pair((first, second), (simulated, recorded), (window, bin, segment), asked)
        sizes[heading], used[heading] = pair.size, None if pair.settings is None else asdict(pair.settings)
        for name in names:
            try:
                lines.append(pair.line(name, drawn, np.random.default_rng([seed, *name.encode()])))
            except AnalysisError as error:
                left_out[f"{heading}: {name}"] = str(error)
        left_out |= {f"{heading}: {what}": why for what, why in pair.left_out.items()}
    part = None if asked.window is None else list(asked.window)
    facts = {"pairs": used, "response": part, "response_bin": asked.bin, **asdict(drawn), "seed": seed}
    return Comparison(tuple(lines), left_out, sizes, facts)


def _checked(name: str) -> str:
    if name not in NAMES:
        raise AnalysisError(f"compare: there is no statistic {name!r}.{nearest(str(name), NAMES)}")
    return name


def _pairs(
    simulated: Recording, recorded: Recording, pairs: Mapping[str, str] | None, variables: tuple[str, str]
) -> dict[str, str]:
    known = []
    for side, name, variable in zip((simulated, recorded), SIDES, variables, strict=True):
        if not isinstance(side, Recording):
            raise AnalysisError(f"compare: {name} must be a Recording, got {type(side).__name__}.")
        if variable == SPIKES:
            known.append(list(side.spikes))
        else:
            known.append([population for population, group in side.traces.items() if variable in group])
        if not known[-1]:
            what = "spikes; give variable= the name of a trace" if variable == SPIKES else f"trace {variable!r}"
            raise AnalysisError(f"compare: the {name} recording holds no {what}.")
    ours, theirs = known
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
            raise AnalysisError(
                f"compare: the simulation has no {variables[0]} of {first!r}.{nearest(str(first), ours)}"
            )
        if second not in theirs:
            raise AnalysisError(
                f"compare: the recording has no {variables[1]} of {second!r}.{nearest(str(second), theirs)}"
            )
    if not pairs:
        raise AnalysisError("compare: pairs= names no population.")
    return dict(pairs)
