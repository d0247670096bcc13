"""A turn of several steps, one after another, as in training: what is timed is what a processor does that is at it."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

#: Of a turn.
STEPS = 4


def seconds_of_one(step: Callable[[], None], *, first: bool) -> float:
    """Return the seconds of one step out of a turn; the first turn has one step only."""
    steps = 1 if first else STEPS
    start = perf_counter()
    for _ in range(steps):
        step()
    return (perf_counter() - start) / steps
