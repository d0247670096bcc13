"""What of a recording is fitted, and what is kept to see what a fit is worth: by time, trials, stimuli or neurons."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError, nearest
from neurosim.recording.recording import Recording
from neurosim.recording.restricting import known_support
from neurosim.recording.support import Support

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a recording.

    Parameters
    ----------
    support
        Which stretches of which trials.
    neurons
        Which neurons, by name of the population.
    """

    support: Support
    neurons: Mapping[str, Indices]

    @property
    def trials(self) -> Indices:
        """The trials of which some time belongs to the part, shape (trial,)."""
        return np.unique(self.support.trials)

    def of(self, recording: Recording) -> Recording:
        """Return what belongs to the part; trials keep their numbers, neurons are numbered anew."""
        return recording.select(list(self.neurons), neurons=dict(self.neurons)).restrict(self.support)


@dataclass(frozen=True, eq=False)
class Split:
    """The two parts of a recording.

    Parameters
    ----------
    fitted, held_out
        What is fitted, and what is not looked at before the end.
    """

    fitted: Part
    held_out: Part

    def __post_init__(self) -> None:
        for name, part in (("fitted", self.fitted), ("held out", self.held_out)):
            if not len(part.support) or not all(chosen.size for chosen in part.neurons.values()):
                raise RecordError(
                    f"held_out: nothing would be {name}; choose less than all of the recording, and more than nothing."
                )


class HeldOut(ABC):
    """What is held out of a recording."""

    @abstractmethod
    def split(self, recording: Recording, populations: Sequence[str]) -> Split:
        """Return what is fitted and what is held out.

        Parameters
        ----------
        recording
            Of which.
        populations
            Whose neurons count.

        Raises
        ------
        RecordError
            If one of the parts would be empty, or something named is not there.
        """


@dataclass(frozen=True)
class Time(HeldOut):
    """The last part of the time of every trial.

    Parameters
    ----------
    share
        How much of the observed time, above 0 and below 1.
    """

    share: float = 0.25

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise RecordError(f"held_out: a share of time must be above 0 and below 1, got {self.share}.")

    def split(self, recording: Recording, populations: Sequence[str]) -> Split:
        """Return the time before and after the moment at which that share of the observed time is left."""
        observed = known_support(recording)
        moments = np.zeros(observed.n_trials)
        for trial in range(observed.n_trials):
            starts, stops = observed.of_trial(trial)
            before = np.cumsum(stops - starts)
            if not before.size:
                continue
            wanted = (1 - self.share) * before[-1]
            place = int(np.searchsorted(before, wanted))
            moments[trial] = stops[place] - (before[place] - wanted)
        late = Support(moments, np.full(observed.n_trials, max(observed.stop, moments.max())),
                       np.arange(observed.n_trials), observed.n_trials)  # fmt: skip
        return _in_time(recording, populations, observed & late)


@dataclass(frozen=True)
class Trials(HeldOut):
    """Whole trials.

    Parameters
    ----------
    trials
        Their numbers, from 0.
    """

    trials: tuple[int, ...]

    def __init__(self, trials: int | Iterable[int]) -> None:
        chosen = (trials,) if isinstance(trials, int | np.integer) else tuple(trials)
        object.__setattr__(self, "trials", tuple(int(one) for one in chosen))

    def split(self, recording: Recording, populations: Sequence[str]) -> Split:
        """Return the other trials, and these."""
        observed = known_support(recording)
        for trial in self.trials:
            if not 0 <= trial < observed.n_trials:
                raise RecordError(f"held_out: there is no trial {trial}; there are {observed.n_trials}, from 0.")
        return _in_time(recording, populations, _only(observed, np.isin(observed.trials, self.trials)))


@dataclass(frozen=True)
class Stimuli(HeldOut):
    """The intervals in which some stimuli were given.

    Parameters
    ----------
    table
        Name of a table of the recording's ``intervals``.
    column
        Of the table, which names the stimulus.
    values
        Those that are held out.
    """

    table: str
    column: str
    values: tuple[Any, ...]

    def __init__(self, table: str, column: str, values: Any) -> None:
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "column", column)
        listed = values if isinstance(values, list | tuple | set | frozenset | np.ndarray) else (values,)
        object.__setattr__(self, "values", tuple(listed))

    def split(self, recording: Recording, populations: Sequence[str]) -> Split:
        """Return the intervals of other stimuli, and those of these. What lies in no interval of the table is unused.

        Raises
        ------
        RecordError
            Also if an interval of a stimulus that is held out overlaps one that is fitted.
        """
        if self.table not in recording.intervals:
            known = nearest(self.table, recording.intervals)
            raise RecordError(f"held_out: the recording has no intervals {self.table!r}.{known}")
        rows = recording.intervals[self.table]
        if self.column not in rows:
            raise RecordError(f"held_out: {self.table!r} has no column {self.column!r}.{nearest(self.column, rows)}")
        for value in self.values:
            if not (rows[self.column] == value).any():
                given = [str(one) for one in rows[self.column].unique()]
                raise RecordError(f"held_out: no {self.column} of {self.table!r} is {value!r}.{nearest('', given)}")
        observed = known_support(recording)
        chosen = rows[self.column].isin(self.values)
        kept, held = (
            observed & Support.of(rows[mark], observed.n_trials, f"intervals {self.table!r}")
            for mark in (~chosen, chosen)
        )
        if len(kept & held):
            raise RecordError(f"held_out: intervals of {self.table!r} that are held out overlap others.")
        everyone = _everyone(recording, populations)
        return Split(Part(kept, everyone), Part(held, everyone))


@dataclass(frozen=True, eq=False)
class Neurons(HeldOut):
    """Some neurons, all the time.

    Parameters
    ----------
    neurons
        Their numbers by name of the population; or numbers alone, where there is one population.
    """

    neurons: Any

    def split(self, recording: Recording, populations: Sequence[str]) -> Split:
        """Return the other neurons, and these; populations that are not named are fitted as a whole."""
        chosen: Mapping[str, Any] = (
            self.neurons if isinstance(self.neurons, Mapping) else dict.fromkeys(populations[:1], self.neurons)
        )
        if not isinstance(self.neurons, Mapping) and len(populations) != 1:
            raise RecordError("held_out: say of which population: {'exc': [0, 1]}.")
        everyone, observed = _everyone(recording, populations), known_support(recording)
        kept, held = dict(everyone), {}
        for name, numbers in chosen.items():
            if name not in everyone:
                raise RecordError(f"held_out: no spikes of {name!r} are fitted.{nearest(str(name), everyone)}")
            try:
                held[name] = everyone[name][numbers if isinstance(numbers, slice) else np.atleast_1d(numbers)]
            except IndexError as error:
                raise RecordError(f"held_out: population {name!r} of {everyone[name].size}: {error}.") from None
            kept[name] = np.setdiff1d(everyone[name], held[name])
        return Split(Part(observed, {n: one for n, one in kept.items() if one.size}), Part(observed, held))


def held_out_part(given: Any) -> HeldOut:
    """Return what is held out, from any of the forms in which it is given.

    Parameters
    ----------
    given
        A :class:`HeldOut`; a share of time; or None for the last quarter.
    """
    if given is None:
        return Time()
    if isinstance(given, HeldOut):
        return given
    if isinstance(given, float):
        return Time(given)
    raise RecordError(
        "held_out: a share of time such as 0.25, or Time, Trials, Stimuli or Neurons of neurosim.fitting, not "
        f"{given!r}."
    )


def without(whole: Support, removed: Support) -> Support:
    """Return the stretches of one support that lie in none of another."""
    starts, stops, trials = [], [], []
    for trial in range(whole.n_trials):
        first, last = removed.of_trial(trial)
        edge = max(whole.stop, removed.stop) + 1.0
        starts += [min(whole.start, removed.start) - 1.0, *last]
        stops += [*first, edge]
        trials += [trial] * (first.size + 1)
    return whole & Support(starts, stops, trials, whole.n_trials)


def _in_time(recording: Recording, populations: Sequence[str], held: Support) -> Split:
    everyone = _everyone(recording, populations)
    return Split(Part(without(known_support(recording), held), everyone), Part(held, everyone))


def _everyone(recording: Recording, populations: Sequence[str]) -> dict[str, Indices]:
    return {name: np.arange(recording.spikes[name].n) for name in populations}


def _only(support: Support, mark: NDArray[np.bool_]) -> Support:
    return Support(support.starts[mark], support.stops[mark], support.trials[mark], support.n_trials)
