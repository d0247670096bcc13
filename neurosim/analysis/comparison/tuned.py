"""Statistics of responses: time courses around events, rates by condition, how selective neurons are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.comparison.responses import Responses
from neurosim.analysis.comparison.statistics import Places, Settings, Statistic
from neurosim.analysis.spikes import tuning
from neurosim.errors import AnalysisError

Floats = NDArray[np.float64]


def _psth(responses: Responses, settings: Settings) -> Floats:
    """Return the mean time course of each neuron, condition after condition, shape (neuron, condition * bin)."""
    means = responses.means()
    return np.asarray(means.reshape(-1, means.shape[2]).T)


def _tuning(responses: Responses, settings: Settings) -> Floats:
    """Return the mean rate of each neuron in each condition, shape (neuron, condition)."""
    _needs_conditions(responses)
    return np.asarray(responses.means().mean(axis=1).T)


def _selectivity(responses: Responses, settings: Settings) -> Floats:
    _needs_conditions(responses)
    return tuning(responses.rates.mean(axis=1), responses.place).selectivity


def _needs_conditions(responses: Responses) -> None:
    if len(responses.conditions) < 2:
        number = "no" if not responses.conditions else "one"
        raise AnalysisError(f"there is {number} condition that both sides have; give label=.")


def _times(responses: Responses) -> Places:
    times = responses.times
    if len(responses.conditions) < 2:
        return times, "time from the event (s)"
    beside = times + _span(times) * np.arange(len(responses.conditions))[:, np.newaxis]
    return beside.reshape(-1), "time from the event (s), conditions side by side"


def _numbers(responses: Responses) -> Places:
    return np.arange(len(responses.conditions), dtype=np.float64), "condition"


def _span(times: Floats) -> float:
    width = times[1] - times[0] if times.size > 1 else 1.0
    return float(1.2 * (times[-1] - times[0]) + 2 * width)


def moved(responses: Responses, draw: np.random.Generator) -> Responses:
    """Return every trial moved round in time by a part that is drawn for it: events lose their effect."""
    bins = responses.rates.shape[1]
    if bins < 2:
        return responses
    turned = [np.roll(trial, int(by), axis=0) for trial, by in zip(
        responses.rates, draw.integers(0, bins, len(responses.rates)), strict=True)]  # fmt: skip
    return replace(responses, rates=np.stack(turned))


def relabelled(responses: Responses, draw: np.random.Generator) -> Responses:
    """Return the same trials with the conditions of others."""
    return replace(responses, place=draw.permutation(responses.place))


_ALL = (
    Statistic("psth", "Hz", "profile", _psth, moved, "trials shifted in time", of="responses", places=_times),
    Statistic("tuning", "Hz", "profile", _tuning, relabelled, "conditions dealt out to trials at random",
              of="responses", places=_numbers),
    Statistic("selectivity", "", "neuron", _selectivity, relabelled, "conditions dealt out to trials at random",
              of="responses"),
)  # fmt: skip
#: Every statistic of responses by its name.
RESPONSE_STATISTICS: Mapping[str, Statistic] = {one.name: one for one in _ALL}
