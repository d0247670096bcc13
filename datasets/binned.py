"""Spikes counted in steps of time and groups of units: what goes into a module, a step each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neurosim.datasets.events import EventSet
from neurosim.errors import CircuitError, nearest
from neurosim.units import seconds

Start = Literal["zero", "first_event"]

_STEP = 0.01  # seconds
_CHANNELS = 140
# Times in float32 are up to half of this, relatively, from the step's edge that they mean.
_EDGE = 2.0**-23


@dataclass(frozen=True, eq=False)
class BinnedEvents:
    """Counts of spikes; a dataset for torch.

    Attributes
    ----------
    counts
        Whole numbers, shape (sample, time, channel); after the end of a sample nothing but zeros.
    labels
        Shape (sample,).
    speakers
        Shape (sample,).
    lengths
        How many steps each sample has, shape (sample,): leave the others out of sums over time.
    keys
        Names of the classes.
    dt
        Seconds a step.
    cut
        How many spikes are not counted, because they come after the last step.
    source
        Name of the input in the items.
    """

    counts: NDArray[np.unsignedinteger]
    labels: NDArray[np.int64]
    speakers: NDArray[np.int64]
    lengths: NDArray[np.int64]
    keys: tuple[str, ...]
    dt: float
    cut: int
    source: str = "in"

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, index: int) -> tuple[dict[str, NDArray[np.float32]], int]:
        """Return ({source: counts (time, channel)}, label) of a sample."""
        return {self.source: self.counts[index].astype(np.float32)}, int(self.labels[index])


def binned(
    events: EventSet,
    dt: object = None,
    *,
    n_channels: int | None = None,
    n_steps: int | None = None,
    start: Start = "zero",
    partial: bool = True,
    source: str = "in",
) -> BinnedEvents:
    """Count the spikes of a set; see `EventSet.binned`.

    Raises
    ------
    CircuitError
        If the units cannot be grouped so, `start` is unknown, or a number is not positive.
    UnitError
        If `dt` is no time.

    Notes
    -----
    A spike exactly on the edge between two steps belongs to the later one. Times are often kept in float32, which holds
    few edges exactly, so what is below an edge by at most 2**-23 of the time counts as on it.
    """
    step = _STEP if dt is None else seconds(dt, "binned: dt")
    if n_channels is None:
        n_channels = _CHANNELS if events.n_units % _CHANNELS == 0 else events.n_units
    if step <= 0 or n_channels < 1 or events.n_units % n_channels or (n_steps is not None and n_steps < 1):
        raise CircuitError(
            f"binned: dt={step} s and n_steps={n_steps} must be positive, and n_channels={n_channels} must divide the "
            f"{events.n_units} units."
        )
    if start not in get_args(Start):
        raise CircuitError(f"binned: start={start!r} is not known.{nearest(str(start), get_args(Start))}")
    pairs = [events[i][0] for i in range(len(events))]
    first = [times.min() if start == "first_event" and times.size else 0.0 for times, _ in pairs]
    last = np.where(events.ends() > 0, events.ends() - first, 0.0)
    known = events.durations is not None  # else the end is a spike, which belongs to the step that it begins
    needed = _steps_until(last, step, partial=partial, inclusive=not known)
    length = int(needed.max(initial=1)) if n_steps is None else n_steps
    group = events.n_units // n_channels
    tables, cut = [], 0
    for (times, units), begin, own in zip(pairs, first, needed, strict=True):
        index = np.floor((times - begin) / step * (1 + _EDGE)).astype(np.int64)
        kept = index < min(length, int(own))
        cut += int(times.size - np.count_nonzero(kept))
        places = index[kept] * n_channels + units[kept] // group
        tables.append(np.bincount(places, minlength=length * n_channels).astype(np.uint16))
    counts: NDArray[np.unsignedinteger] = np.array(tables, dtype=np.uint16).reshape(len(events), length, n_channels)
    if counts.max(initial=0) < 2**8:
        counts = counts.astype(np.uint8)
    lengths = np.minimum(needed, length)
    return BinnedEvents(counts, events.labels, events.speakers, lengths, events.keys, step, cut, source)


def _steps_until(ends: NDArray[np.float64], step: float, *, partial: bool, inclusive: bool) -> NDArray[np.int64]:
    """Return how many steps samples have; at least one.

    With `inclusive` the end is a spike, which must be counted even where it begins a step.
    """
    whole = np.floor(ends / step * (1 + _EDGE)).astype(np.int64)
    if not partial:
        return np.maximum(whole, 1)
    exact = np.abs(whole * step - ends) <= _EDGE * ends
    steps: NDArray[np.int64] = np.maximum(np.where(exact & (not inclusive), whole, whole + 1), 1)
    return steps
