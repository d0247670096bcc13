"""Times and rates as training counts them: in steps and per step, or in seconds and hertz where dt is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import TrainingError
from neurosim.recording.times import one_time, positive_step
from neurosim.units import is_quantity, to_si, unit_of


def step_length(dt: Any) -> float:
    """Return what a step is: `dt` in seconds where it is given, else 1."""
    return 1.0 if dt is None else positive_step(one_time(dt, "dt"))


def one_number(value: Any, where: str, unit: str | None = None) -> float:
    """Return a number, or a quantity in its SI unit (which must be `unit`, where that is given).

    Raises
    ------
    TrainingError
        If it is not one finite number.
    """
    number = to_si(value, unit if unit is not None and is_quantity(value) else unit_of(value), where)
    if not isinstance(number, float) or not np.isfinite(number):
        raise TrainingError(f"{where} must be one finite number, got {value}.")
    return number


def a_time(value: Any, dt: Any, where: str) -> float:
    """Return a time in steps; in seconds where `dt` is given.

    Raises
    ------
    TrainingError
        If it has a unit and `dt` is lacking.
    """
    _require_dt(value, dt, where)
    return one_number(value, where, "second")


def a_rate(value: Any, dt: Any, where: str) -> float:
    """Return a rate in spikes per step; in hertz where `dt` is given.

    Raises
    ------
    TrainingError
        If it has a unit and `dt` is lacking, or is negative.
    """
    _require_dt(value, dt, where)
    rate = one_number(value, where, "hertz")
    if rate < 0:
        raise TrainingError(f"{where} must not be negative, got {value}.")
    return rate


def _require_dt(value: Any, dt: Any, where: str) -> None:
    if is_quantity(value) and dt is None:
        raise TrainingError(f"{where} has a unit: give dt= as well, such as dt=circuit.dt, or a plain number of steps.")
