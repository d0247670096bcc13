from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from models.runs import spike_times
from neurosim.errors import CircuitError, UnitError
from neurosim.units import ms, mV, nA, pA


def activity(v: float) -> float:
    return 1 / (1 + np.exp(-(v + 38e-3) / 6e-3))


def test_slopes_with_the_published_constants() -> None:
    circuit = ns.Circuit("one", dt=0.1 * ms)
    start = {"v": -60 * mV, "v_dend": -35 * mV, "w_soma": -50 * pA, "w_dend": -100 * pA}
    circuit.population("cell", 1, ns.models.pyramidal(), initial=start)
    state = ns.simulate(circuit, 0.1 * ms).state.variables["cell"]
    f = activity(-35e-3)
    expected = {
        "v": -0.06 + 1e-4 * (-0.01 / 0.016 + (1300e-12 * f - 50e-12) / 370e-12),
        "w_soma": -50e-12 * (1 - 1e-4 / 0.1),
        "v_dend": -0.035 + 1e-4 * (-0.035 / 0.007 + (1200e-12 * f - 100e-12) / 170e-12),
        "w_dend": -100e-12 + 1e-4 * (-13e-9 * 0.035 + 100e-12) / 0.03,
    }
    for name, value in expected.items():
        assert state[name].item() == pytest.approx(value, rel=1e-12), name


def test_rest() -> None:
    circuit = ns.Circuit("one", dt=0.1 * ms)
    circuit.population("cell", 1, ns.models.pyramidal())
    state = ns.simulate(circuit, 500 * ms).state.variables["cell"]
    v, v_dend = state["v"].item(), state["v_dend"].item()
    assert (v, v_dend) == pytest.approx((-69.72e-3, -69.84e-3), abs=5e-6)
    f = activity(v_dend)
    assert v == pytest.approx(-0.07 + 0.016 * 1300e-12 * f / 370e-12, abs=1e-8)
    assert (v_dend + 0.07) * (170e-12 / 0.007 + 13e-9) == pytest.approx(1200e-12 * f, rel=1e-5)


def test_a_coincidence_makes_a_burst() -> None:
    cell = ns.models.pyramidal()
    soma = ns.Step(2 * nA, start=100 * ms, stop=105 * ms)
    dendrite = ns.Step(500 * pA, start=90 * ms, stop=120 * ms)
    alone = spike_times(cell, 0.2, i_ext=soma)
    assert len(alone) == 1
    assert len(spike_times(cell, 0.2, i_dend=dendrite)) == 0
    assert len(spike_times(cell, 0.2, i_ext=soma, i_dend=dendrite)) >= 3


def test_the_spike_travels_back_for_two_milliseconds() -> None:
    circuit = ns.Circuit("two", dt=0.1 * ms)
    for name, c_dend in (("cell", 2600 * pA), ("cut", 0 * pA)):
        circuit.population(name, 1, ns.models.pyramidal(c_dend=c_dend))
        circuit.inject(f"{name}_current", name, "i_ext", ns.Step(2 * nA, stop=5 * ms))
    recording = ns.simulate(circuit, 15 * ms, record={"cell": ["spikes", "v_dend"], "cut": ["v_dend"]})
    (spike,) = recording.spikes["cell"].to_steps(circuit.dt)
    difference = (recording["cell"]["v_dend"].values - recording["cut"]["v_dend"].values)[0, :, 0]
    assert np.flatnonzero(difference)[0] == spike + 5
    assert difference.argmax() == spike + 24  # the last of 20 steps


def test_receptors_of_both_compartments() -> None:
    cell = ns.models.pyramidal(
        receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV)},
        dendrite_receptors={"nmda": ns.NMDA(2 * ms, 100 * ms, 0 * mV), "kick": ns.Delta()},
    )
    assert dict(cell.receptors) == {"ampa": "ampa", "nmda": "nmda_rise", "kick": "v_dend"}
    lines = {line.name: line.expression for line in cell.lines}
    assert "ampa*(reversal_ampa - v)" in lines["v"]
    assert "nmda*(reversal_nmda - v_dend)/(1 + magnesium_nmda/(3.57*mmolar)*exp(-0.062*v_dend/mV))" in lines["v_dend"]
    with pytest.raises(CircuitError, match="dendrite: a receptor cannot be called 'ampa'"):
        ns.models.pyramidal(receptors={"ampa": 5 * ms}, dendrite_receptors={"ampa": 5 * ms})
    with pytest.raises(UnitError, match="b needs a unit"):
        ns.models.pyramidal(b=-200)
