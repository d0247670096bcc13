"""Signals from their data form: what reads the ``to_dict`` of every kind that files know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurosim.circuit.filtered_noise import FilteredNoise
from neurosim.circuit.signals import AnalogueSignal, Signal, Step
from neurosim.circuit.stimuli import Pulses, Ramp, Sine
from neurosim.circuit.values import value_from_dict
from neurosim.errors import FileFormatError, nearest
from neurosim.units import quantity

Arrays = dict[str, np.ndarray]


def signal_from_dict(data: dict[str, Any], arrays: Arrays) -> AnalogueSignal:
    """Read what ``to_dict`` wrote.

    Raises
    ------
    FileFormatError
        If the kind of signal is unknown or an array is missing.
    """
    readers = {kind.__name__: read for kind, read in _READ.items()}
    if data["signal"] not in readers:
        raise FileFormatError(f"unknown signal {data['signal']!r}.{nearest(str(data['signal']), readers)}")
    return readers[data["signal"]](_Fields(data, arrays))


def check_signal_readable(signal: AnalogueSignal, where: str) -> None:
    """Refuse a signal of a user's own, which could be written but never read.

    Raises
    ------
    FileFormatError
        With the kinds that a file can hold.
    """
    if type(signal) not in _READ:
        known = ", ".join(kind.__name__ for kind in _READ)
        raise FileFormatError(f"{where}: no file can hold a {type(signal).__name__} of your own; give one of {known}.")


class _Fields:
    """The fields of one signal, as its constructor takes them."""

    def __init__(self, data: dict[str, Any], arrays: Arrays) -> None:
        self.data, self.arrays = data, arrays

    def plain(self, name: str) -> Any:
        return value_from_dict(self.data[name], self.arrays)

    def level(self, name: str) -> Any:
        return quantity(self.plain(name), self.data["unit"])

    def time(self, name: str) -> Any:
        return quantity(self.data[name], "second")

    def window(self) -> dict[str, Any]:
        ends = {"start": self.time("start")}
        return ends if self.data["stop"] == float("inf") else {**ends, "stop": self.time("stop")}


_READ: dict[type[AnalogueSignal], Callable[[_Fields], AnalogueSignal]] = {
    Step: lambda given: Step(given.level("amplitude"), **given.window()),
    Signal: lambda given: Signal(given.level("values"), given.time("every"), start=given.time("start")),
    Ramp: lambda given: Ramp(given.level("start_value"), given.level("end_value"), **given.window()),
    Sine: lambda given: Sine(
        given.level("amplitude"), quantity(given.plain("frequency"), "hertz"), phase=given.plain("phase"),
        offset=given.level("offset"), **given.window(),
    ),
    Pulses: lambda given: Pulses(
        given.level("amplitude"), width=given.time("width"), period=given.time("period"), **given.window()
    ),
    FilteredNoise: lambda given: FilteredNoise(
        given.level("mean"), given.level("std"), given.time("tau"), shared=given.plain("shared"), **given.window()
    ),
}  # fmt: skip
