from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from models.equations import known
from neurosim.errors import CircuitError, UnitError
from neurosim.units import ms, mV

CHECKS = {
    "linear": [-1, 0, 1],
    "relu": [0, 0, 1],
    "sigmoid": [0.26894142, 0.5, 0.73105858],
    "softplus": [0.31326169, 0.69314718, 1.31326169],
    "step": [0, 0, 1],
    "tanh": [-0.76159416, 0, 0.76159416],
}


@pytest.mark.parametrize("nonlinearity", CHECKS)
def test_output(nonlinearity: str) -> None:
    cell = ns.models.rate_unit(gain=2.0, nonlinearity=nonlinearity)
    assert [known(cell, {"x": x})["r"] for x in (-0.5, 0, 0.5)] == pytest.approx(CHECKS[nonlinearity])


def test_softplus_does_not_overflow() -> None:
    cell = ns.models.rate_unit(nonlinearity="softplus")
    assert [known(cell, {"x": x})["r"] for x in (-2000.0, 2000.0)] == [0.0, 2000.0]


@pytest.mark.parametrize("nonlinearity", CHECKS)
def test_backends_agree(nonlinearity: str) -> None:
    circuit = ns.Circuit("unit", dt=1 * ms)
    circuit.population("unit", 1, ns.models.rate_unit(nonlinearity=nonlinearity))
    circuit.inject("x", "unit", "x", ns.Signal(np.linspace(-3, 3, 20), 1 * ms))
    values = [
        ns.simulate(circuit, 20 * ms, backend=backend, record={"unit": "r"})["unit"]["r"].values
        for backend in ("brian2", "snntorch")
    ]
    assert np.ptp(values[0]) > 0.9
    assert np.array_equal(*values)


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
