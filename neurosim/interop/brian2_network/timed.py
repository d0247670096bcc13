"""A ``TimedArray`` as signals of a circuit: the samples, and the last of them held for ever after."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from neurosim.circuit.signals import AnalogueSignal, Signal, Step
from neurosim.errors import UnsupportedError
from neurosim.units import quantity, text_of_dimension

#: Integrators that look at an input once a step, at its start.
ONCE_A_STEP = ("exact", "exponential_euler", "euler", None)


def calls_replaced(text: str, name: str, array: Any, n: int) -> str:
    """Return a text in which the calls ``name(t)`` and ``name(t, i)`` are the bare name.

    Raises
    ------
    UnsupportedError
        If the array is read otherwise.
    """
    columns = array.values.shape[1] if array.values.ndim == 2 else None
    second = "" if columns is None else r",\s*i\s*"
    replaced = re.sub(rf"(?<![\w.]){name}\s*\(\s*t\s*{second}\)", name, text)
    if re.search(rf"(?<![\w.]){name}\s*\(", replaced):
        wanted = f"{name}(t)" if columns is None else f"{name}(t, i)"
        raise UnsupportedError(f"the TimedArray {name!r} may be read as {wanted} only, in {' '.join(text.split())!r}")
    if columns is not None and columns != n:
        raise UnsupportedError(f"the TimedArray {name!r} has {columns} columns for {n} neurons")
    return replaced


def signals(array: Any, dt: float) -> list[AnalogueSignal]:
    """Return signals that add up to a ``TimedArray`` as the steps of length `dt` see it."""
    unit = text_of_dimension(array.dim)
    values, every = array.values, array.dt
    if abs(every / dt - round(every / dt)) > 1e-6 or every < dt * (1 - 1e-6):
        # Brian2 counts in fractions of the array's step, to which it rounds: read it as its own code does.
        upsampling = max(int(2 ** math.ceil(math.log2(8 / dt * every))), 1)
        steps = np.arange(math.ceil(len(values) * every / dt) + 1)
        index = np.int_(np.round(steps * dt / (every / upsampling)) / upsampling)
        values, every = values[np.clip(index, 0, len(values) - 1)], dt
    found: list[AnalogueSignal] = [Signal(quantity(values, unit), quantity(every, "second"))]
    if np.any(values[-1]):
        end = quantity(len(values) * every, "second")
        found.append(Step(quantity(values[-1] if values.ndim == 2 else float(values[-1]), unit), start=end))
    return found
