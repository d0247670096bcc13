from __future__ import annotations

import pytest

import neurosim as ns
from models.equations import known
from neurosim.errors import CircuitError, UnitError
from neurosim.units import ms, mV

CHECKS = {"tanh": [-0.76159416, 0, 0.76159416], "relu": [0, 0, 1], "sigmoid": [0.26894142, 0.5, 0.73105858]}


@pytest.mark.parametrize("nonlinearity", CHECKS)
def test_output(nonlinearity: str) -> None:
    cell = ns.models.rate_unit(gain=2.0, nonlinearity=nonlinearity)
    assert [known(cell, {"x": x})["r"] for x in (-0.5, 0, 0.5)] == pytest.approx(CHECKS[nonlinearity])


def test_it_has_no_dynamics() -> None:
    cell = ns.models.rate_unit()
    assert cell.names("differential") == ()
    assert not cell.spiking
    assert cell.first_variable == "r"


def test_units_in_a_chain() -> None:
    circuit = ns.Circuit("chain", dt=1 * ms)
    circuit.source("in", ns.SignalSource(2))
    circuit.population("a", 2, ns.models.rate_unit())
    circuit.population("b", 1, ns.models.rate_unit(nonlinearity="relu"))
    first = circuit.connect("in", "a", ns.OneToOne(), receptor="x", weight=1.0)
    second = circuit.connect("a", "b", ns.AllToAll(), receptor="x", weight=0.5)
    assert [line.expression for line in first.synapse.summed + second.synapse.summed] == ["w*signal_pre", "w*r_pre"]


def test_errors() -> None:
    with pytest.raises(CircuitError, match=r"unknown nonlinearity 'tahn'. Did you mean 'tanh'"):
        ns.models.rate_unit(nonlinearity="tahn")
    with pytest.raises(UnitError, match="gain must be a plain number"):
        ns.models.rate_unit(gain=3 * mV)
