"""Responses to the same conditions on both sides: rates in each bin of each trial, and what was shown."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.comparison.resampling import LEAST_PIECES
from neurosim.analysis.features import SPIKES, features
from neurosim.errors import AnalysisError, RecordError
from neurosim.recording import Recording
from neurosim.recording.times import one_time

#: What responses are of spikes.
RATE = "rate (Hz)"
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Responses:
    """What a population did in every trial.

    Parameters
    ----------
    rates : numpy.ndarray, shape (trial, bin, neuron)
        Hertz; of traces, their means in the bins.
    times : numpy.ndarray, shape (bin,)
        Where each bin begins, seconds from the event.
    place : numpy.ndarray of int, shape (trial,)
        The number of each trial's condition.
    conditions : tuple of str
        Their names; none where trials are not told apart, which then are all of number 0.
    quantity : str
        What was measured: ``"rate (Hz)"``, or the name of a trace with its unit.
    """

    rates: Floats
    times: Floats
    place: Integers
    conditions: tuple[str, ...] = ()
    quantity: str = RATE

    @property
    def n_conditions(self) -> int:
        """How many conditions there are; one where trials are not told apart."""
        return max(len(self.conditions), 1)

    @property
    def samples(self) -> Integers:
        """How many trials there are of each condition, shape (condition,)."""
        return np.bincount(self.place, minlength=self.n_conditions)

    def means(self) -> Floats:
        """Return the mean over the trials of each condition, shape (condition, bin, neuron)."""
        total = np.zeros((self.n_conditions, *self.rates.shape[1:]))
        np.add.at(total, self.place, self.rates)
        return np.asarray(total / self.samples[:, np.newaxis, np.newaxis])

    def neurons(self, chosen: Integers) -> Responses:
        """Return some neurons, perhaps one several times."""
        return replace(self, rates=self.rates[:, :, chosen])

    def trials(self, chosen: Integers) -> Responses:
        """Return some trials, perhaps one several times."""
        return replace(self, rates=self.rates[chosen], place=self.place[chosen])


class Trials:
    """The trials of each condition, to be drawn anew or dealt into halves.

    Parameters
    ----------
    responses
        Whose.
    """

    def __init__(self, responses: Responses) -> None:
        self._responses = responses
        self._of = [np.flatnonzero(responses.place == number) for number in range(responses.n_conditions)]

    @property
    def enough(self) -> bool:
        """Whether there are two trials of every condition, and four in all."""
        return min(one.size for one in self._of) >= 2 and self._responses.place.size >= LEAST_PIECES

    def resampled(self, number: int, draw: np.random.Generator) -> list[Responses]:
        """Return so many resamples, with as many trials of each condition."""
        return [
            self._responses.trials(np.concatenate([one[draw.integers(0, one.size, one.size)] for one in self._of]))
            for _ in range(number)
        ]

    def halves(self, draw: np.random.Generator) -> tuple[Responses, Responses]:
        """Return two random halves of the trials of each condition; of an odd number, one is left out."""
        orders = [draw.permutation(one) for one in self._of]
        first, second = (
            np.concatenate([order[half * (order.size // 2) : (half + 1) * (order.size // 2)] for order in orders])
            for half in range(2)
        )
        return self._responses.trials(first), self._responses.trials(second)


@dataclass(frozen=True)
class Asked:
    """How responses are taken out of both recordings; each field but the last two holds one thing for each side.

    Parameters
    ----------
    events
        What :meth:`neurosim.recording.Recording.per_trial` takes; None where the recording's own trials count.
    labels
        A column of the trials' table, or the label of each trial, or None.
    window
        From when to when (s), or None: whole trials.
    bin
        Width of a bin (s).
    variables
        What of each side: ``"spikes"``, or the name of a trace.
    """

    events: tuple[Any, Any]
    labels: tuple[Any, Any]
    window: tuple[float, float] | None
    bin: float
    variables: tuple[str, str] = (SPIKES, SPIKES)

    @classmethod
    def of(cls, events: Any, label: Any, response: Any, bin: Any, variable: Any = SPIKES) -> Asked:
        """Check what a caller gave.

        Raises
        ------
        AnalysisError
            If a pair is none, a time is not positive, or events come without a window.
        """
        sides, variables = (_each(events, "events"), _each(label, "label")), _each(variable, "variable")
        if not all(isinstance(one, str) for one in variables):
            raise AnalysisError(f"compare: variable= is 'spikes' or the name of a trace, got {variable!r}.")
        width = one_time(bin, "response_bin")
        if not width > 0:
            raise AnalysisError(f"compare: response_bin must be positive, got {width:g} s.")
        if response is None:
            if any(one is not None for one in sides[0]):
                raise AnalysisError("compare: events= need response=, such as (0, 0.5) in seconds from each.")
            return cls(*sides, None, width, variables)
        if len(response) != 2:
            raise AnalysisError(f"compare: response= is a pair (start, stop), got {response!r}.")
        window = one_time(response[0], "response"), one_time(response[1], "response")
        if not window[0] < window[1]:
            raise AnalysisError(f"compare: response= must end after it begins, got {window[0]:g} and {window[1]:g} s.")
        return cls(*sides, window, width, variables)

    def find(
        self, recordings: tuple[Recording, Recording], populations: tuple[str, str]
    ) -> tuple[Responses, Responses, dict[str, str]]:
        """Return the responses of two populations to the conditions that both have seen.

        Returns
        -------
        simulated, recorded : Responses
            Their conditions are the same, in the same order.
        left_out : dict of str to str
            Why a condition is missing.

        Raises
        ------
        AnalysisError
            If a side has no trials, both have no bin or no condition in common, or events do not fit.
        """
        found = [self._side(number, recordings[number], populations[number]) for number in range(2)]
        (one, first), (other, second) = found
        if one.times.shape != other.times.shape or not np.allclose(one.times, other.times, atol=1e-6):
            raise AnalysisError(
                f"trials are from {one.times[0]:g} to {one.times[-1] + self.bin:g} s and from {other.times[0]:g} to "
                f"{other.times[-1] + self.bin:g} s; give response=(start, stop)."
            )
        if first is None or second is None:
            return one, other, {}
        names = {_key(label): str(label) for label in (*first.tolist(), *second.tolist())}
        keys = [[_key(label) for label in labels.tolist()] for labels in (first, second)]
        common = [key for key in names if key in keys[0] and key in keys[1]]
        if not common:
            shown = (", ".join(map(str, np.unique(labels)[:4])) for labels in (first, second))
            raise AnalysisError("no condition has the same label on both sides: {} ...; {} ...".format(*shown))
        common = [key for _, key in sorted((str(type(key)), key) for key in common)]
        left_out = {
            f"condition {names[key]}": f"it is in the {'simulation' if key in keys[0] else 'recording'} alone"
            for key in names
            if key not in common
        }
        conditions = tuple(names[key] for key in common)
        return _labelled(one, keys[0], common, conditions), _labelled(other, keys[1], common, conditions), left_out

    def _side(self, side: int, recording: Recording, population: str) -> tuple[Responses, NDArray[Any] | None]:
        event, label, what = self.events[side], self.labels[side], ("simulated", "recorded")[side]
        variable = self.variables[side]
        if event is None and recording.n_trials < 2:
            raise AnalysisError(f"{what}: there is one trial and no event; give events= and response=.")
        if variable != SPIKES:
            stamps = recording.traces[population][variable]["time"].values
            period = float(np.diff(stamps).max(initial=0.0))
            if period > self.bin * (1 + 1e-6):
                raise AnalysisError(
                    f"{what}: {variable} has samples {period:g} s from each other; give response_bin= of that or more."
                )
        column = {"label" if isinstance(label, str) else "labels": label}
        try:
            table = features(
                recording, population, variable=variable, bin=self.bin, events=event, window=self.window, **column
            )
        except (AnalysisError, RecordError) as error:
            raise AnalysisError(f"{what}: {error}") from error
        groups, times = np.asarray(table.groups), np.asarray(table.times)
        begins = np.unique(np.round(times, 9))
        seen = np.isfinite(table.values).all(axis=1)  # of traces, samples may be missing
        groups, times, values = (part[seen] for part in (groups, times, table.values))
        whole = np.flatnonzero(np.bincount(groups, minlength=1) == begins.size)
        if whole.size < 2:
            raise AnalysisError(f"{what}: fewer than two trials were observed from beginning to end.")
        rows = np.isin(groups, whole)
        rates = values[rows].reshape(whole.size, begins.size, -1) / (self.bin if variable == SPIKES else 1.0)
        labels = None if table.labels is None else table.labels[seen][rows][:: begins.size]
        quantity = RATE if variable == SPIKES else table.quantity
        return Responses(rates, begins, np.zeros(whole.size, dtype=np.int64), (), quantity), labels


def _labelled(
    responses: Responses, keys: list[Hashable], common: list[Hashable], conditions: tuple[str, ...]
) -> Responses:
    number = {key: place for place, key in enumerate(common)}
    kept = np.array([trial for trial, key in enumerate(keys) if key in number])
    place = np.array([number[keys[trial]] for trial in kept], dtype=np.int64)
    return replace(responses.trials(kept), place=place, conditions=conditions)


def _key(label: Any) -> Hashable:
    """Return what equal labels have in common: 1 and 1.0 are the same, "1" is another."""
    return float(label) if isinstance(label, int | float) else str(label)


def _each(given: Any, name: str) -> tuple[Any, Any]:
    if given is None or isinstance(given, str):
        return given, given
    if isinstance(given, tuple) and len(given) == 2:
        return given
    raise AnalysisError(f"compare: {name}= is a name, or a pair: what the simulation and what the recording have.")
