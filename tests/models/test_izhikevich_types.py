from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

import neurosim as ns
from models.equations import growth, rest
from models.runs import spike_times
from neurosim.errors import CircuitError
from neurosim.units import mV, pA


@pytest.mark.parametrize(
    ("kind", "current"), [("RS", 3.7975), ("FS", 3.9375), ("LTS", 0.685), ("TC", 0.685), ("RZ", 0.2625)]
)
def test_where_rest_is_lost(kind: str, current: float) -> None:
    cell = ns.models.izhikevich_type(kind)
    lost = brentq(lambda i: growth(cell, rest(cell, i_ext=i), i_ext=i), current - 0.2, current + 0.05)
    assert lost == pytest.approx(current, abs=1e-4)


@pytest.mark.parametrize(("kind", "silent", "tonic"), [("RS", 3.7, 3.9), ("LTS", 0.6, 0.8)])
def test_steps_of_current(kind: str, silent: float, tonic: float) -> None:
    cell = ns.models.izhikevich_type(kind)
    b = cell.parameters["b"].value
    resting = brentq(lambda v: 0.04 * v**2 + 5 * v + 140 - b * v, -80, -60)
    circuit = ns.Circuit("two", dt=0.1e-3 * ns.units.second)
    circuit.population("cells", 2, cell, initial={"v": resting, "u": b * resting})
    circuit.inject("current", "cells", "i_ext", ns.Step(np.array([silent, tonic])))
    train = ns.simulate(circuit, 2.5 * ns.units.second).spikes["cells"]
    late = train.neurons[train.times > 1.5]
    assert np.sum(late == 0) == 0
    assert np.sum(late == 1) > 2


def test_reservoir_cell_fires_above_a_nanoampere() -> None:
    cell = ns.models.izhikevich_physical_type("reservoir", a=0.01e3 * ns.units.Hz, b=0 * ns.units.nS)
    assert len(spike_times(cell, 2.0, i_ext=ns.Step(1000 * pA))) == 0
    times = spike_times(cell, 4.0, i_ext=ns.Step(1200 * pA))
    assert 1 / np.diff(times[times > 1]).mean() == pytest.approx(10.0, abs=0.5)


def test_physical_kinds_and_options() -> None:
    cell = ns.models.izhikevich_physical_type("IB", v_peak=40 * mV)
    found = {name: parameter.value for name, parameter in cell.parameters.items()}
    expected = {"C": 150e-12, "k": 1.2e-6, "v_rest": -0.075, "v_t": -0.045, "v_peak": 0.04, "a": 10.0, "b": 5e-9}
    assert found == pytest.approx({**expected, "c": -0.056, "d": 130e-12})
    assert ns.models.izhikevich_physical_type("RS", name="izhikevich_physical") == ns.models.izhikevich_physical()
    assert ns.models.izhikevich_type("RS", name="izhikevich") == ns.models.izhikevich()


def test_unknown_kinds() -> None:
    with pytest.raises(CircuitError, match=r"unknown kind 'LST'. Did you mean 'LTS'"):
        ns.models.izhikevich_type("LST")
    with pytest.raises(CircuitError, match="unknown kind 'FS'"):
        ns.models.izhikevich_physical_type("FS")
