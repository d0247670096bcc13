"""What a linear classifier makes of the digits without and with time: what a network's accuracy stands beside.

Square roots of counts, a ridge regression onto the classes, the penalty chosen on part of the training voices. Three
readings of the same spikes: how many at each place, how many in each 50 ms, and both together; and two controls, the
last reading with times drawn anew (counts at places are left, see `EventSet.without_timing`) and with labels shuffled
among the training samples, which is to be at chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.stats
from numpy.typing import NDArray

from neurosim.datasets.events import EventSet
from neurosim.errors import CircuitError
from neurosim.random import Stream

Floats = NDArray[np.float64]

_BIN = 0.05  # seconds
_GROUPS = 70  # groups of places, where place and time are read together
_PENALTIES = np.geomspace(1e-2, 1e5, 15)
_HELD_BACK = 4  # every how many training voices choose the penalty


@dataclass(frozen=True, slots=True)
class Baseline:
    """How well a reading is classified.

    Attributes
    ----------
    name
        Of the reading.
    hits, n
        Samples that are classified rightly, and all.
    interval
        Of the accuracy, 95 %, exact binomial (Clopper and Pearson); it takes samples for independent, which those of
        one voice are not quite.
    """

    name: str
    hits: int
    n: int

    @property
    def accuracy(self) -> float:
        """Part that is classified rightly."""
        return self.hits / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of the accuracy."""
        found = scipy.stats.binomtest(self.hits, self.n).proportion_ci()
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.name:32s} {self.accuracy:6.1%}  ({low:.1%} .. {high:.1%}, {self.hits} of {self.n})"


def baselines(train: EventSet, test: EventSet, *, seed: int = 0) -> list[Baseline]:
    """Classify one set after training on another.

    Parameters
    ----------
    train, test
        Of the same classes and units, with different voices; `train` with two voices or more.
    seed
        Of the shuffled labels and the times that are drawn anew.

    Raises
    ------
    CircuitError
        If the sets do not fit each other.
    """
    if train.keys != test.keys or train.n_units != test.n_units or len(set(train.speakers.tolist())) < 2:
        raise CircuitError("baselines: give two sets of the same classes and units, the first with several voices.")
    steps = int(np.ceil(max(train.ends().max(), test.ends().max()) / _BIN))
    readings = {
        "counts at places": (readings_of(train, 1, train.n_units), readings_of(test, 1, test.n_units)),
        "total in 50 ms": (readings_of(train, steps, 1), readings_of(test, steps, 1)),
        "places x 50 ms": (readings_of(train, steps, _GROUPS), readings_of(test, steps, _GROUPS)),
        "places x 50 ms, times redrawn": (
            readings_of(train.without_timing(seed), steps, _GROUPS),
            readings_of(test.without_timing(seed), steps, _GROUPS),
        ),
    }
    found = [
        Baseline(name, classified(seen, train.labels, train.speakers, unseen, test.labels), len(test))
        for name, (seen, unseen) in readings.items()
    ]
    shuffled = train.labels[Stream(seed, "baselines/shuffled").permutation(len(train))]
    seen, unseen = readings["places x 50 ms"]
    hits = classified(seen, shuffled, train.speakers, unseen, test.labels)
    return [*found, Baseline("places x 50 ms, labels shuffled", hits, len(test))]


def readings_of(events: EventSet, n_steps: int, n_groups: int) -> Floats:
    """Return square roots of counts in steps of 50 ms (one step: everything), shape (sample, step * group)."""
    group = np.arange(events.n_units) * n_groups // events.n_units
    tables = []
    for sample in range(len(events)):
        (times, units), _ = events[sample]
        step = np.minimum((times / _BIN).astype(np.int64), n_steps - 1)
        tables.append(np.bincount(step * n_groups + group[units], minlength=n_steps * n_groups))
    return np.sqrt(np.array(tables, dtype=np.float64))


def classified(
    seen: Floats, labels: NDArray[np.int64], voices: NDArray[np.int64], unseen: Floats, truth: NDArray[np.int64]
) -> int:
    """Train on some samples and return how many others are classified rightly.

    The penalty is the one that classifies every fourth training voice best after training on the other voices.
    """
    who = np.unique(voices)
    held = np.isin(voices, who[:: min(_HELD_BACK, who.size)])
    trial = _Ridge(seen[~held], labels[~held], int(labels.max()) + 1)
    hits = [np.count_nonzero(trial.predict(seen[held], penalty) == labels[held]) for penalty in _PENALTIES]
    whole = _Ridge(seen, labels, int(labels.max()) + 1)
    return int(np.count_nonzero(whole.predict(unseen, _PENALTIES[int(np.argmax(hits))]) == truth))


class _Ridge:
    """Ridge regression onto the classes, for any penalty from one decomposition of the kernel (sample, sample)."""

    def __init__(self, features: Floats, labels: NDArray[np.int64], n_classes: int) -> None:
        self._mean = features.mean(axis=0)
        self._features = features - self._mean
        targets = np.eye(n_classes)[labels]
        self._offset = targets.mean(axis=0)
        self._values, self._vectors = scipy.linalg.eigh(self._features @ self._features.T)
        self._targets = self._vectors.T @ (targets - self._offset)

    def predict(self, features: Floats, penalty: float) -> NDArray[np.int64]:
        dual = self._vectors @ (self._targets / (np.maximum(self._values, 0.0) + penalty)[:, None])
        scores = (features - self._mean) @ self._features.T @ dual + self._offset
        found: NDArray[np.int64] = scores.argmax(axis=1)
        return found


def chance_of(splits: Mapping[str, EventSet]) -> str:
    """Say what chance is."""
    return f"chance {1 / len(next(iter(splits.values())).keys):.0%}"
