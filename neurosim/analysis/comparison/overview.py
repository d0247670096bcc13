"""One recording at a glance: rates, variability, correlations, spectrum, sparseness and dimensions; traces as well."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.comparison.resampling import Estimate, Pieces, Side, cut, interval
from neurosim.analysis.comparison.result import aligned, missing
from neurosim.analysis.comparison.settings import settings_for, size_of
from neurosim.analysis.comparison.statistics import STATISTICS, Settings
from neurosim.analysis.comparison.traces import Samples, segment_of, size_of_trace, trace_facts, trace_names
from neurosim.analysis.sparsity import lifetime_sparseness, population_sparseness
from neurosim.analysis.spikes import population_spectrum, synchrony
from neurosim.analysis.spikes.trains import coarser, counted_in
from neurosim.errors import AnalysisError
from neurosim.recording import Recording, SpikeTrains
from neurosim.recording.times import one_time

Floats = NDArray[np.float64]

#: What looks at times in the same steps as a statistic.
_SAME = {"spectral peak": "spectrum"}


@dataclass(frozen=True)
class Fact:
    """A number that describes a population, or a variable of it.

    Parameters
    ----------
    population, name, unit : str
        Of what; of a trace, the first is ``"population.variable"``.
    estimate : Estimate
        The mean over neurons, pairs or frequencies with its interval; without one where the population as a whole has
        the number.
    """

    population: str
    name: str
    unit: str
    estimate: Estimate

    @property
    def label(self) -> str:
        """The name with its unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True, eq=False)
class Overview:
    """What `overview` found.

    Parameters
    ----------
    facts : tuple of Fact
        All numbers of all populations.
    left_out : mapping of str to str
        Why a number is missing, by ``"population: name"``.
    sizes : mapping of str to str
        How much there is of each population.
    settings : mapping
        What it was made with.
    """

    facts: tuple[Fact, ...]
    left_out: Mapping[str, str]
    sizes: Mapping[str, str]
    settings: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; None for what is not known."""
        facts = [
            {
                "population": fact.population,
                "name": fact.name,
                "unit": fact.unit,
                **{key: value if math.isfinite(value) else None for key, value in asdict(fact.estimate).items()},
            }
            for fact in self.facts
        ]
        return {
            "facts": facts,
            "left_out": dict(self.left_out),
            "sizes": dict(self.sizes),
            "settings": dict(self.settings),
        }

    def __str__(self) -> str:
        """Return a table for each population."""
        text = []
        for population, size in self.sizes.items():
            rows = [(fact.label, str(fact.estimate)) for fact in self.facts if fact.population == population]
            text += [f"{population}: {size}", *(f"  {line}" for line in aligned(rows or [("nothing", "")]))]
        return "\n".join([*text, *missing(self.left_out)])


def overview(
    recording: Recording,
    *,
    window: Any = 0.1,
    bin: Any = 0.005,
    segment: Any = None,
    resamples: int = 300,
    confidence: float = 0.95,
    seed: int = 0,
) -> Overview:
    """Describe the spikes and traces of every population of a recording.

    Parameters
    ----------
    recording
        Simulated or measured, with a known observed time.
    window, bin, segment, resamples, confidence, seed
        As of :func:`neurosim.analysis.comparison.compare`. Synchrony and sparseness (Treves and Rolls: 1 of even
        activity, near 0 of sparse) are those of counts in windows. Of traces only the last four count, and a segment
        is by default a quarter of the longest stretch; intervals are those of neurons, of which there must be five.

    Raises
    ------
    AnalysisError
        If there are neither spikes nor traces.
    """
    traces = trace_names(recording)
    if not list(recording.spikes) and not traces:
        raise AnalysisError("overview: the recording holds neither spikes nor traces.")
    facts, left_out, sizes = [], {}, {}
    used: dict[str, Any] = {}
    for name, trains in recording.spikes.items():
        sizes[name] = size_of(trains)
        settings = settings_for([trains], window, bin, segment)
        used[name] = asdict(settings)
        pieces = cut(trains, 2 * settings.window)
        width = counted_in(recording, name)
        for what, (unit, estimate) in _facts(trains, settings, pieces, resamples, confidence, seed).items():
            finest = (
                STATISTICS[_SAME.get(what, what)].finest(settings) if _SAME.get(what, what) in STATISTICS else width
            )
            wrong = coarser(width, finest)
            if wrong is not None:
                left_out[f"{name}: {what}"] = f"{wrong}."
                continue
            try:
                facts.append(Fact(name, what, unit, estimate()))
            except AnalysisError as error:
                left_out[f"{name}: {what}"] = str(error)
    given = None if segment is None else one_time(segment, "segment")
    for name, (population, variable) in traces.items():
        trace = recording.traces[population][variable]
        samples = Samples.of(trace, recording.support)
        sizes[name] = size_of_trace(trace, samples)
        used[name] = {"step": _known(samples.step), "segment": _known(segment_of(samples, given))}
        lacking = samples.columns - samples.values.shape[1]
        if lacking:
            left_out[f"{name}: {lacking} of {samples.columns} neurons"] = "they miss samples."
        for what, (unit, estimate) in trace_facts(trace, samples, given, resamples, confidence, seed).items():
            try:
                facts.append(Fact(name, what, unit, estimate()))
            except AnalysisError as error:
                left_out[f"{name}: {what}"] = str(error)
    return Overview(tuple(facts), left_out, sizes, {"populations": used, "resamples": resamples, "seed": seed})


def _known(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None


def _facts(
    trains: SpikeTrains, settings: Settings, pieces: Pieces, resamples: int, confidence: float, seed: int
) -> dict[str, tuple[str, Callable[[], Estimate]]]:
    """Return what computes each number, and its unit."""

    def of_statistic(name: str) -> Callable[[], Estimate]:
        def estimate() -> Estimate:
            side = Side.of(trains, STATISTICS[name], settings, pieces)
            draw = np.random.default_rng([seed, *name.encode()])
            return interval(side.described, side.resampled(resamples, draw), confidence)

        return estimate

    def plain(measure: Callable[[], float]) -> Callable[[], Estimate]:
        return lambda: Estimate(float(measure()), float("nan"), float("nan"))

    def peak() -> float:
        return population_spectrum(trains, bin=settings.bin, segment=settings.segment).peak()[0]

    recording = Recording({"spikes": trains})
    statistics = {name: (one.unit, of_statistic(name)) for name, one in STATISTICS.items()}
    return {
        **statistics,
        "silent neurons": ("", plain(lambda: 1 - np.unique(trains.neurons).size / max(trains.n, 1))),
        "spectral peak": ("Hz", plain(peak)),
        "synchrony": ("", plain(lambda: synchrony(trains, window=settings.window))),
        "population Treves-Rolls": ("", plain(lambda: population_sparseness(recording, bin=settings.window).mean)),
        "lifetime Treves-Rolls": ("", plain(lambda: lifetime_sparseness(recording, bin=settings.window).mean)),
    }
