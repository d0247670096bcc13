"""Words said a little differently each time: for training sets only, in ways that were published for spoken digits.

References
----------
J. Mészáros, J. C. Knight, T. Nowotny: Efficient event-based delay learning in spiking neural networks. Nature
Communications (2025), arXiv:2501.07331 (shifts of all units, blends of two samples of a class).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.datasets.binned import BinnedEvents
from neurosim.datasets.events import EventSet
from neurosim.errors import CircuitError
from neurosim.random import Stream
from neurosim.units import seconds


class Augmented:
    """Samples of a set that are varied at random; a dataset for torch, whose items are like those of `BinnedEvents`.

    Parameters
    ----------
    events
        The training set.
    dt
        Length of a step, such as ``10 * ms``.
    n_steps
        Of all items.
    n_channels
        As of :meth:`~neurosim.datasets.events.EventSet.binned`.
    shift
        All units of a sample move by the same whole number, drawn evenly from -shift to shift; spikes that leave the
        range are lost.
    jitter
        Standard deviation by which the time of each spike is changed, a time; spikes stay after the beginning.
    blend
        Probability that a sample is mixed with another of its class: each spike of both is kept with probability 1/2,
        the other's times moved so that the mean times of both agree.
    seed
        Of the draws.
    source
        Name of the input in the items.

    Raises
    ------
    CircuitError
        If a number is out of its range.

    Notes
    -----
    What is drawn depends on the seed, the epoch and the index alone. :meth:`at` returns the set of an epoch; without
    it each look at an item takes a number from torch's generator for its epoch, which the trainer seeds.
    """

    def __init__(
        self,
        events: EventSet,
        dt: Any,
        n_steps: int,
        *,
        n_channels: int | None = None,
        shift: int = 0,
        jitter: Any = None,
        blend: float = 0.0,
        seed: int = 0,
        source: str = "in",
    ) -> None:
        deviation = 0.0 if jitter is None else seconds(jitter, "Augmented: jitter")
        if not 0 <= shift < events.n_units or deviation < 0 or not 0 <= blend <= 1:
            raise CircuitError(
                f"Augmented: shift={shift} must be 0 to {events.n_units - 1}, jitter={deviation} s not negative, and "
                f"blend={blend} a probability."
            )
        self.events, self.dt, self.n_steps, self.n_channels, self.source = events, dt, n_steps, n_channels, source
        self.shift, self.jitter, self.blend, self.seed = shift, deviation, blend, seed
        self.epoch: int | None = None

    def at(self, epoch: int) -> Augmented:
        """Return the set as it is in an epoch: the same items whenever they are looked at."""
        other = Augmented.__new__(Augmented)
        other.__dict__.update(self.__dict__, epoch=epoch)
        return other

    def __len__(self) -> int:
        return len(self.events)

    def __getitem__(self, index: int) -> tuple[dict[str, NDArray[np.float32]], int]:
        """Return ({source: counts (time, channel)}, label)."""
        return self.binned(index)[0]

    def binned(self, index: int) -> BinnedEvents:
        """Return one varied sample, binned: with its length, and how many spikes came too late."""
        times, units = self.spikes(index)
        index %= len(self)
        varied = EventSet.from_samples(
            [(times, units)],
            self.events.labels[index : index + 1],
            keys=self.events.keys,
            n_units=self.events.n_units,
        )
        return varied.binned(self.dt, n_steps=self.n_steps, n_channels=self.n_channels, source=self.source)

    def spikes(self, index: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return (times in seconds, units) of one varied sample, in order of time."""
        (times, units), label = self.events[index]
        index %= len(self)
        stream = Stream(self.seed, f"augmentation/{self._epoch()}/{index}")
        if stream.child("blend").uniform(1)[0] < self.blend:
            alike = np.flatnonzero(self.events.labels == label)
            other = int(alike[stream.child("other").integers(alike.size, 1)[0]])
            more, places = self.events[other][0]
            if other != index and times.size and more.size:
                more = np.maximum(more + (times.mean() - more.mean()), 0.0)
                times, units = np.concatenate([times, more]), np.concatenate([units, places])
                kept = stream.child("kept").uniform(times.size) < 0.5
                times, units = times[kept], units[kept]
        units = units + int(stream.child("shift").integers(2 * self.shift + 1, 1)[0]) - self.shift
        times = np.maximum(times + self.jitter * stream.child("jitter").normal(times.size), 0.0)
        inside = np.flatnonzero((units >= 0) & (units < self.events.n_units))
        order = inside[np.argsort(times[inside], kind="stable")]
        return times[order], units[order]

    def _epoch(self) -> int:
        if self.epoch is not None:
            return self.epoch
        import torch

        return int(torch.randint(2**62, ()).item())
