"""Classes that differ in nothing but when spikes come relative to each other: two tasks with known best answers.

Items are drawn from a counter: item i of a set depends on the seed, the split and i alone. They are pairs (inputs,
target) as torch's map-style data sets give them, and need no file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import CircuitError
from neurosim.random import Stream

Frames = NDArray[np.float32]

#: Attempts at offsets that are not too alike before the sizes are refused.
_ATTEMPTS = 200


@dataclass(frozen=True)
class SpikeOrder:
    """Two channels that spike once each; the class is which comes first.

    Parameters
    ----------
    gap
        Steps from the first spike to the second.
    steps
        Length of an item.
    jitter
        Standard deviation by which each spike is shifted, in steps; the shift is rounded.
    size
        Number of items; classes alternate.
    seed, split
        Of the draw: sets of different splits share nothing.

    Notes
    -----
    The pair begins at a random step. Counts are the same in both classes. With jitter no detector is right more often
    than :attr:`best_accuracy`, which one that tells the order of the two spikes reaches.
    """

    gap: int = 10
    steps: int = 60
    jitter: float = 0.0
    size: int = 1000
    seed: int = 0
    split: str = "train"
    n_channels: int = field(default=2, init=False)
    n_classes: int = field(default=2, init=False)

    def __post_init__(self) -> None:
        """Check the parameters."""
        _check_sizes(self)
        if self.steps <= self.gap + 2 * self._reach:
            raise CircuitError(
                f"SpikeOrder: steps={self.steps} has no room for a gap of {self.gap} and jitter {self.jitter}."
            )

    @property
    def _reach(self) -> int:
        """Largest shift of a spike in steps: five standard deviations."""
        return math.ceil(5 * self.jitter)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[Frames, int]:
        """Return (inputs (time, channel), which channel is first)."""
        index = _checked_index(index, self.size)
        first = index % 2
        frames = np.zeros((self.steps, 2), dtype=np.float32)
        frames[self._times[index], [first, 1 - first]] = 1
        return frames, first

    @cached_property
    def _times(self) -> NDArray[np.int64]:
        """Steps of the first and the second spike of every item, shape (item, 2)."""
        stream = Stream(self.seed, f"spike-order/{self.split}")
        onsets = stream.child("onset").integers(self.steps - self.gap - 2 * self._reach, self.size) + self._reach
        shifts = _rounded(self.jitter * stream.child("jitter").normal(2 * self.size), self._reach).reshape(-1, 2)
        return np.asarray(onsets[:, None] + np.array([0, self.gap]) + shifts, dtype=np.int64)

    @property
    def best_accuracy(self) -> float:
        """What telling the order of the two spikes reaches, by the normal distribution: a tie is a guess."""
        if self.jitter == 0:
            return 1.0 if self.gap else 0.5
        return sum(
            one * other * (1.0 if self.gap + late - early > 0 else 0.5 if self.gap + late == early else 0.0)
            for early, one in _rounded_normal(self.jitter, self._reach).items()
            for late, other in _rounded_normal(self.jitter, self._reach).items()
        )


@dataclass(frozen=True)
class DelayPatterns:
    """Channels that all spike once a period; the class is by how much each is behind the others.

    Parameters
    ----------
    n_classes, n_channels
        Sizes.
    period
        Steps from a channel's spike to its next.
    cycles
        Periods of an item, whose length is ``period * cycles``.
    span
        Offsets of channels are less than this many steps; by default half the period.
    jitter
        Standard deviation by which each spike is shifted, in steps; rounded, and less than half a period.
    noise
        Probability of a further spike, in each channel and step.
    size
        Number of items; classes alternate.
    seed, split
        Of the draw. The offsets depend on the seed alone, so that splits have the same classes and share no item.

    Raises
    ------
    CircuitError
        If a size is not positive, or the span has no room for so many classes.

    Notes
    -----
    Every item begins at a random phase of the period, the same for all channels. Therefore **nothing that looks at one
    channel alone can tell the class**, at any resolution: its train is periodic with a phase that is uniform in every
    class. Without noise all channels have ``cycles`` spikes in every item and one in every period. Only times between
    spikes of different channels differ, and any two classes agree in half the channels at most, however they are
    shifted. A detector whose delays make up for the offsets of a class receives all its spikes at once.
    """

    n_classes: int = 4
    n_channels: int = 8
    period: int = 40
    cycles: int = 3
    span: int | None = None
    jitter: float = 0.0
    noise: float = 0.0
    size: int = 1000
    seed: int = 0
    split: str = "train"

    def __post_init__(self) -> None:
        """Check the parameters."""
        _check_sizes(self)
        if not 1 <= self.used_span <= self.period:
            raise CircuitError(f"DelayPatterns: span={self.span} must be 1 to the period of {self.period}.")
        if not 0 <= self.noise < 1:
            raise CircuitError(f"DelayPatterns: noise={self.noise} must be a probability less than 1.")
        _ = self.offsets  # what cannot be drawn is refused here

    @property
    def used_span(self) -> int:
        """The span, or half the period."""
        return max(1, self.period // 2) if self.span is None else self.span

    @property
    def steps(self) -> int:
        """Length of an item."""
        return self.period * self.cycles

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """By how many steps each channel is late, shape (class, channel)."""
        stream = Stream(self.seed, "delay-patterns")
        chosen: list[NDArray[np.int64]] = []
        for attempt in range(_ATTEMPTS * self.n_classes):
            drawn = stream.child("offsets").integers(self.used_span, self.n_channels, attempt * self.n_channels)
            if all(self._agreement(drawn, other) <= self.n_channels / 2 for other in chosen):
                chosen.append(drawn)
                if len(chosen) == self.n_classes:
                    return np.stack(chosen)
        raise CircuitError(
            f"DelayPatterns: {self.n_channels} channels with offsets below {self.used_span} have no room for "
            f"{self.n_classes} classes of which any two agree in half the channels at most."
        )

    def _agreement(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> int:
        """Return in how many channels two patterns agree under the best common shift."""
        return int(np.bincount((first - second) % self.period).max())

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[Frames, int]:
        """Return (inputs (time, channel), class)."""
        index = _checked_index(index, self.size)
        frames = np.zeros((self.steps, self.n_channels), dtype=np.float32)
        if self.noise:
            drawn = Stream(self.seed, self._path).child("noise").uniform(frames.size, frames.size * index)
            frames[drawn.reshape(frames.shape) < self.noise] = 1
        frames[self._times[index], np.arange(self.n_channels)] = 1
        return frames, index % self.n_classes

    @property
    def _path(self) -> str:
        return f"delay-patterns/{self.split}"

    @cached_property
    def _times(self) -> NDArray[np.int64]:
        """Steps of the spikes of every item, shape (item, cycle, channel)."""
        stream = Stream(self.seed, self._path)
        shape = (self.size, self.cycles, self.n_channels)
        shifts = self.jitter * stream.child("jitter").normal(math.prod(shape)).reshape(shape)
        begins = (
            self.period * np.arange(self.cycles)[:, None] + self.offsets[np.arange(self.size) % self.n_classes, None]
        )
        phases = stream.child("phase").integers(self.period, self.size)[:, None, None]
        # Shifts stay below half a period, so that no two spikes of a channel meet.
        return (phases + begins + _rounded(shifts, (self.period - 1) // 2)) % self.steps


def _check_sizes(task: SpikeOrder | DelayPatterns) -> None:
    for part in fields(task):
        value = getattr(task, part.name)
        if part.name in ("seed", "split", "noise", "jitter", "span") or (part.name == "gap" and value == 0):
            continue
        if value < 1:
            raise CircuitError(f"{type(task).__name__}: {part.name}={value!r} must be 1 at least.")
    if not 0 <= task.jitter < math.inf:
        raise CircuitError(f"{type(task).__name__}: jitter={task.jitter!r} must be a number of steps, 0 or more.")


def _rounded(shifts: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    return np.clip(np.rint(shifts), -most, most).astype(np.int64)


def _checked_index(index: int, size: int) -> int:
    if not -size <= index < size:
        raise IndexError(f"there is no item {index} of {size}")
    return index % size


def _rounded_normal(deviation: float, reach: int) -> dict[int, float]:
    """Return the probability of each shift: a normal number, rounded, cut at the reach."""
    edges = [-math.inf, *(step + 0.5 for step in range(-reach, reach)), math.inf]
    below = [0.5 * (1 + math.erf(edge / deviation / math.sqrt(2))) for edge in edges]
    return {step: below[number + 1] - below[number] for number, step in enumerate(range(-reach, reach + 1))}
