"""What a `SpikeTrains` asks of the columns that it is given."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import RecordError
from neurosim.recording.support import Support


def whole_number(value: Any, name: str, least: int) -> int:
    """Return a count, or refuse it."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise RecordError(f"{name} must be a whole number of at least {least}, got {value!r}.")
    return int(value)


def indices(values: ArrayLike, name: str, length: int, limit: int, limit_name: str) -> NDArray[np.int64]:
    """Return a column of indices below a limit, one a spike, or refuse it."""
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        raise RecordError(f"{name} must be integers, got {array.dtype}.")
    if array.shape != (length,):
        raise RecordError(f"{name} must have one value a spike: {length} times, but {name} has shape {array.shape}.")
    array = array.astype(np.int64)
    if length and not (array.min() >= 0 and array.max() < limit):
        wrong = array[(array < 0) | (array >= limit)][0]
        raise RecordError(
            f"{name} holds {wrong}, but {limit_name} = {limit} allows 0 to {limit - 1}. Check {limit_name}."
        )
    return array


def check_inside(
    times: NDArray[np.float64],
    trials: NDArray[np.int64],
    start: float,
    duration: float | None,
    stretches: Support | None,
) -> None:
    """Refuse spikes outside the observed time; one at its very end passes, as other formats have it."""
    if duration is not None and duration < 0:
        raise RecordError(f"duration must not be negative, got {duration:g} s.")
    if not times.size:
        return
    end = np.inf if duration is None else start + duration
    slack = 1e-9 * max(1.0, abs(start), 0.0 if np.isinf(end) else abs(end))  # decimal times are not exact floats
    if times.min() < start - slack or times.max() > end + slack:
        raise RecordError(
            f"Spikes lie from {times.min():g} s to {times.max():g} s, outside the observed {start:g} s to {end:g} s. "
            "Check start= and duration=, and that the times are in seconds."
        )
    if stretches is not None:
        wider = Support(stretches.starts - slack, stretches.stops + 2 * slack, stretches.trials, stretches.n_trials)
        outside = ~wider.contains(times, trials)
        if outside.any():
            first = int(np.flatnonzero(outside)[0])
            raise RecordError(
                f"{np.count_nonzero(outside)} of {times.size} spikes lie outside the observed stretches, the first at "
                f"{times[first]:g} s in trial {trials[first]}. Check support=, or restrict() the spikes to it."
            )
