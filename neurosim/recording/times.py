"""Times as this floor takes them, and their place on the grid of steps.

Data containers hold SI seconds, so a plain number is a time in seconds here; a quantity is converted (and refused if it
is no time). A time on the grid is always the product ``step * dt``, never a running sum, so that the same step has
the same float on every backend.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError
from neurosim.units import to_si, unit_of

TOLERANCE_STEPS = 1e-6  # how far from the grid of steps a time may lie, in steps


def in_seconds(value: object, where: str) -> Any:
    """Convert a time, or an array of times, to seconds.

    Parameters
    ----------
    value
        A quantity of time, or plain numbers in seconds.
    where
        How the value is called in the error message.

    Returns
    -------
    float or numpy.ndarray
        Seconds: a float for a scalar, else a new float64 array.

    Raises
    ------
    UnitError
        If the value is a quantity but no time, or no number at all.
    RecordError
        If a time is NaN or infinite.
    """
    result = to_si(value, "1" if unit_of(value) == "1" else "second", where)
    if not np.all(np.isfinite(result)):
        raise RecordError(f"{where} must be finite; it holds NaN or an infinite time.")
    return result


def one_time(value: object, where: str) -> float:
    """Convert a single time to seconds (see :func:`in_seconds`)."""
    result = in_seconds(value, where)
    if not isinstance(result, float):
        raise RecordError(f"{where} must be a single time, got an array of shape {np.shape(result)}.")
    return result


def grid_steps(times: Any, dt: float, where: str) -> NDArray[np.int64]:
    """Return the step number of each time.

    Parameters
    ----------
    times
        Seconds, any shape.
    dt
        The step in seconds.
    where
        How the times are called in the error message.

    Raises
    ------
    RecordError
        If a time is further than 1e-6 steps from the grid.
    """
    positions = np.asarray(times, dtype=np.float64) / positive_step(dt)
    steps = np.rint(positions)
    off = np.abs(positions - steps) > TOLERANCE_STEPS
    if np.any(off):
        first = np.atleast_1d(positions)[np.atleast_1d(off)][0]
        raise RecordError(
            f"{where}: {np.count_nonzero(off)} of {positions.size} times are no multiple of dt = {dt:g} s (the first "
            f"is {first * dt:.12g} s, step {first:.9g}). Round them to the grid, or choose a dt that divides them."
        )
    return steps.astype(np.int64)


def positive_step(dt: float) -> float:
    """Return `dt` if it is a usable time step, else raise."""
    if not (np.isfinite(dt) and dt > 0):
        raise RecordError(f"dt must be a positive time in seconds, got {dt!r}.")
    return dt
