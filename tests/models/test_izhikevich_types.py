from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

import neurosim as ns
from models.equations import growth, rest, slopes
from models.runs import spike_times
from neurosim.errors import CircuitError
from neurosim.units import ms, mV, pA


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


def test_a_step_below_the_loss_of_rest_gives_one_spike_or_many() -> None:
    """RS and LTS answer with one spike and return; FS is bistable, and goes on firing."""
    found = {}
    for kind, current in (("RS", 3.75), ("LTS", 0.65), ("FS", 3.9)):
        cell = ns.models.izhikevich_type(kind)
        b = cell.parameters["b"].value
        resting = brentq(lambda v, b=b: 0.04 * v**2 + 5 * v + 140 - b * v, -80, -60)
        circuit = ns.Circuit(kind, dt=0.05 * ms)
        circuit.population("cell", 1, cell, initial={"v": resting, "u": b * resting})
        circuit.inject("current", "cell", "i_ext", ns.Step(current))
        found[kind] = len(ns.simulate(circuit, 500 * ms).spikes["cell"])
    assert (found["RS"], found["LTS"]) == (1, 1)
    assert found["FS"] > 5


@pytest.mark.parametrize(
    ("kind", "current"),
    [("RS", 51.429), ("LTS", 114.75), ("FS", 73.684), ("TC", 40), ("RTN", 47.04), ("reservoir", 1000)],
)
def test_where_rest_of_physical_cells_is_lost(kind: str, current: float) -> None:
    """Up from rest, the first equilibrium that ceases to exist (saddle-node) or to be stable (Hopf)."""
    cell = ns.models.izhikevich_physical_type(kind)
    values = {name: parameter.value for name, parameter in cell.parameters.items()}
    v = values["v_rest"] + np.arange(1e-5, 25e-3, 1e-5)
    u = np.array([slopes(cell, {"v": x})["u"] / values["a"] for x in v])  # what u approaches
    rise = np.array([[slopes(cell, {"v": x + d, "u": y})["v"] for d in (0, 1e-7)] for x, y in zip(v, u, strict=True)])
    holding = -values["C"] * rise[:, 0]  # the current that makes it an equilibrium
    trace = (rise[:, 1] - rise[:, 0]) / 1e-7 - values["a"]
    lost = np.argmax((np.gradient(holding) <= 0) | (trace >= 0))
    assert holding[lost] == pytest.approx(current * 1e-12, rel=1e-3)


def test_spikes_of_the_cells_with_a_reset_of_their_own() -> None:
    step = ns.Step(np.array([300.0]) * pA)
    found = {}
    for kind in ("LTS", "FS", "TC", "RTN"):
        circuit = ns.Circuit(kind, dt=0.05 * ms)
        circuit.population("cell", 1, ns.models.izhikevich_physical_type(kind))
        circuit.inject("current", "cell", "i_ext", step)
        recording = ns.simulate(circuit, 300 * ms, record={"cell": ["spikes", "v", "u"]})
        spikes = recording.spikes["cell"].to_steps(0.05e-3)
        assert len(spikes) > 5
        v, u = (recording.traces["cell"][name].values[0, :, 0] * 1e12 for name in "vu")
        found[kind] = (v[spikes] * 1e-9, u[spikes], u[spikes - 1])
    v, u, _ = found["LTS"]
    unbound = u < 669
    assert v[unbound] == pytest.approx(-53 + 0.04 * (u[unbound] - 20))
    v, u, before = found["FS"]
    assert v == pytest.approx(np.full(v.size, -45.0))
    assert np.all(np.abs(u - before) < 0.2 * 0.05 * (0.025 * 85**3))  # a step of integration, no jump
    v, u, _ = found["TC"]
    assert v == pytest.approx(-60 - 0.1 * (u - 10))
    assert found["RTN"][0] == pytest.approx(np.full(found["RTN"][0].size, -55.0))


def test_recovery_is_bounded_in_low_threshold_cells() -> None:
    circuit = ns.Circuit("bound", dt=0.05 * ms)
    circuit.population("cell", 1, ns.models.izhikevich_physical_type("LTS"))
    circuit.inject("current", "cell", "i_ext", ns.Step(2000 * pA))
    recording = ns.simulate(circuit, 500 * ms, record={"cell": ["spikes", "u"]})
    after = recording.traces["cell"]["u"].values[0, recording.spikes["cell"].to_steps(0.05e-3), 0]
    assert after.max() == pytest.approx(670e-12)
    assert np.sum(np.isclose(after, 670e-12)) > 5


def test_relay_cell_bursts_on_rebound() -> None:
    cell = ns.models.izhikevich_physical_type("TC")
    rebound = spike_times(cell, 1.5, dt=0.05, i_ext=ns.Step(-1200 * pA, start=0 * ms, stop=500 * ms))
    first = rebound[rebound < rebound[0] + 0.05]
    assert rebound[0] > 0.5
    assert len(first) >= 3
    assert np.diff(first).min() < 0.01
    assert len(spike_times(cell, 0.3, dt=0.05, i_ext=ns.Step(35 * pA))) == 0


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
    with pytest.raises(CircuitError, match="unknown kind 'RZ'"):
        ns.models.izhikevich_physical_type("RZ")
    with pytest.raises(CircuitError, match=r"izhikevich_physical_type\('FS'\) has no 'd'"):
        ns.models.izhikevich_physical_type("FS", d=10 * pA)
