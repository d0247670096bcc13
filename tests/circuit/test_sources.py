"""Populations that are fed at run time."""

from __future__ import annotations

from typing import Any

import pytest

from neurosim.circuit.sources import SignalSource, SpikeSource, checked_shape
from neurosim.errors import CircuitError, UnitError
from neurosim.units import mV, pA


def test_units_of_signals() -> None:
    assert SignalSource(3).unit == "1"
    assert SignalSource(3, pA).unit == "amp"
    assert SignalSource(3, 5 * mV).unit == "volt"
    assert SignalSource(3, "siemens").unit == "siemens"
    with pytest.raises(UnitError, match="'mV' is not a unit"):
        SignalSource(3, "mV")


def test_which_spike() -> None:
    assert SpikeSource(3).spiking
    assert not SignalSource(3).spiking


def test_equal_by_value() -> None:
    assert SpikeSource(3) == SpikeSource(3) != SpikeSource(4)
    assert SignalSource(3, pA) == SignalSource(3, "amp") != SignalSource(3)


def test_shapes() -> None:
    assert checked_shape(3, "x") == (3,)
    assert checked_shape((16, 28, 28), "x") == (16, 28, 28)


@pytest.mark.parametrize("n", [0, -1, 2.0, "3", None, True, (), (3, 0), (3, 2.5), [3]])
def test_sizes_that_cannot_be(n: Any) -> None:
    with pytest.raises(CircuitError, match="population 'exc': the size must be a positive integer or a tuple of them"):
        checked_shape(n, "population 'exc'")
