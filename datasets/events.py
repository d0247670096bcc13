"""Labelled spike trains: what a data set of spoken words is, wherever it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import CircuitError
from neurosim.random import Stream

if TYPE_CHECKING:
    from neurosim.datasets.binned import BinnedEvents, Start


@dataclass(frozen=True, eq=False)
class EventSet:
    """Samples of spikes, each with a label; a dataset for torch, whose items are ``((times, units), label)``.

    Parameters
    ----------
    times
        Of all spikes, sample after sample, seconds, shape (spike,), any float type.
    units
        Which unit each comes from, shape (spike,).
    offsets
        Sample ``i`` has the spikes ``offsets[i]`` up to ``offsets[i + 1]``; shape (sample + 1,).
    labels
        Shape (sample,), indices in `keys`.
    keys
        Names of the classes.
    n_units
        How many units there are.
    speakers
        Who speaks, shape (sample,); numbers mean the same in all splits of a data set.
    durations
        How long the samples are, seconds, shape (sample,); None where it is not known: up to the last spike then.
    facts
        Where the data come from: JSON values.
    """

    times: NDArray[np.floating]
    units: NDArray[np.integer]
    offsets: NDArray[np.int64]
    labels: NDArray[np.int64]
    keys: tuple[str, ...]
    n_units: int
    speakers: NDArray[np.int64]
    durations: NDArray[np.float64] | None = None
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def from_samples(
        cls,
        samples: Sequence[tuple[ArrayLike, ArrayLike]],
        labels: ArrayLike,
        *,
        keys: Iterable[str],
        n_units: int,
        speakers: ArrayLike | None = None,
        durations: ArrayLike | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> EventSet:
        """Put samples together.

        Parameters
        ----------
        samples
            A pair (times, units) each, arrays of shape (spike,).
        labels, keys, n_units, speakers, durations, facts
            As of the class; without speakers all are number 0.
        """
        times = [np.asarray(pair[0]) for pair in samples]
        units = [np.asarray(pair[1]) for pair in samples]
        known = {} if facts is None else dict(facts)
        return cls(
            times=np.concatenate(times) if times else np.empty(0, np.float32),
            units=np.concatenate(units) if units else np.empty(0, np.uint16),
            offsets=np.concatenate([[0], np.cumsum([one.size for one in times])]).astype(np.int64),
            labels=np.asarray(labels, dtype=np.int64),
            keys=tuple(keys),
            n_units=n_units,
            speakers=np.zeros(len(times), np.int64) if speakers is None else np.asarray(speakers, dtype=np.int64),
            durations=None if durations is None else np.asarray(durations, dtype=np.float64),
            facts=MappingProxyType(known),
        )

    def __post_init__(self) -> None:
        n_samples = self.offsets.size - 1
        told = {"labels": self.labels, "speakers": self.speakers, "durations": self.durations}
        for name, values in told.items():
            if values is not None and values.shape != (n_samples,):
                raise CircuitError(f"EventSet: {name} of shape {values.shape} for {n_samples} samples.")
        if self.times.shape != self.units.shape or self.offsets[0] != 0 or self.offsets[-1] != self.times.size:
            raise CircuitError(
                f"EventSet: {self.times.size} times, {self.units.size} units and offsets up to {self.offsets[-1]} "
                "do not belong together."
            )
        for name, whole, limit in (("units", self.units, self.n_units), ("labels", self.labels, len(self.keys))):
            if whole.size and not 0 <= whole.min() <= whole.max() < limit:
                raise CircuitError(f"EventSet: {name} from {whole.min()} to {whole.max()}; there are {limit}.")
        if not np.isfinite(self.times).all() or (self.times.size and self.times.min() < 0):
            raise CircuitError("EventSet: times must be finite and not negative.")

    def __len__(self) -> int:
        return self.offsets.size - 1

    def __getitem__(self, index: int) -> tuple[tuple[NDArray[np.float64], NDArray[np.int64]], int]:
        """Return ((times in seconds, units), label) of a sample."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        begin, end = self.offsets[index % len(self)], self.offsets[index % len(self) + 1]
        pair = self.times[begin:end].astype(np.float64), self.units[begin:end].astype(np.int64)
        return pair, int(self.labels[index])

    def ends(self) -> NDArray[np.float64]:
        """Return how long the samples are, or where that is not known their last spikes; seconds, shape (sample,)."""
        if self.durations is not None:
            return self.durations
        return np.array([self[i][0][0].max(initial=0.0) for i in range(len(self))])

    def select(self, which: ArrayLike) -> EventSet:
        """Return some samples.

        Parameters
        ----------
        which
            Indices, or a condition for each sample, shape (sample,).
        """
        chosen = np.asarray(which)
        indices = np.arange(len(self))[chosen if chosen.size else np.empty(0, np.int64)]
        picked = [slice(self.offsets[i], self.offsets[i + 1]) for i in indices]
        return replace(
            self,
            times=np.concatenate([self.times[:0], *(self.times[part] for part in picked)]),
            units=np.concatenate([self.units[:0], *(self.units[part] for part in picked)]),
            offsets=np.concatenate([[0], np.cumsum([part.stop - part.start for part in picked])]).astype(np.int64),
            labels=self.labels[indices],
            speakers=self.speakers[indices],
            durations=None if self.durations is None else self.durations[indices],
        )

    def without_timing(self, seed: int) -> EventSet:
        """Return a control in which only counts are left: each spike gets a time drawn evenly within its sample.

        Every unit of every sample keeps its number of spikes. What classifies this as well as the data needs no time.

        Parameters
        ----------
        seed
            0 .. 2**64 - 1.
        """
        drawn = Stream(seed, "events/without_timing").uniform(self.times.size)
        times = drawn * np.repeat(self.ends(), np.diff(self.offsets))
        order = np.lexsort((times, np.repeat(np.arange(len(self)), np.diff(self.offsets))))
        return replace(self, times=times[order], units=self.units[order])

    def binned(
        self,
        dt: object = None,
        *,
        n_channels: int | None = None,
        n_steps: int | None = None,
        start: Start = "zero",
        partial: bool = True,
        source: str = "in",
    ) -> BinnedEvents:
        """Count spikes in steps of time: a dataset for torch, whose items are ``({source: counts}, label)``.

        Parameters
        ----------
        dt
            Length of a step, a time such as ``10 * ms``; 10 ms by default.
        n_channels
            Neighbouring units are added up to so many channels; must divide `n_units`. By default 140 if that does,
            else one for each unit.
        n_steps
            Of all samples; by default as many as the longest needs. What comes later is cut off and
            counted in `BinnedEvents.cut`.
        start
            Where the first step begins: at ``"zero"``, or at the ``"first_event"`` of each sample.
        partial
            Whether the last step of a sample counts although the sample ends within it.
        source
            The source or injection that the counts are for.

        Returns
        -------
        BinnedEvents
            Counts, shape (sample, time, channel).
        """
        from neurosim.datasets.binned import binned

        return binned(self, dt, n_channels=n_channels, n_steps=n_steps, start=start, partial=partial, source=source)
