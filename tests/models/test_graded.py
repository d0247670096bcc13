from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from models.equations import initial, integrate, rest, slopes, value_of
from neurosim.errors import CircuitError, UnitError
from neurosim.units import ms, mV, pA, psiemens


def test_it_starts_at_rest() -> None:
    for shift in (0, 10):
        cell = ns.models.graded(v_half=(-35 + shift) * mV)
        found = slopes(cell, initial(cell))
        assert found == pytest.approx({"v": 0, "s": 0}, abs=1e-12)
    assert initial(ns.models.graded())["s"] == pytest.approx(1 / 11)


def test_activation_follows_the_membrane() -> None:
    cell = ns.models.graded()
    found = rest(cell, i_ext=0.2e-12)  # 20 mV above rest
    opening = 1 / (1 + np.exp(-0.125 * 20))
    assert found == pytest.approx({"v": -0.015, "s": opening / (opening + 5)})


def test_time_constant_of_the_membrane() -> None:
    solution = integrate(ns.models.graded(), 0.5, i_ext=0.1e-12)
    assert solution.sol(0.1)[0] == pytest.approx(-0.035 + 0.01 * (1 - np.exp(-1)), rel=1e-7)


def test_synapses_between_graded_neurons() -> None:
    circuit = ns.Circuit("pair", dt=0.1 * ms)
    circuit.population("cells", 3, ns.models.graded())
    pairs = ns.Edges(np.array([0, 1]), np.array([1, 2]))
    chemical = circuit.connect(
        "cells",
        "cells",
        pairs,
        synapse=ns.models.graded_synapse(reversal=np.array([0, -48]) * mV),
        weight=100 * psiemens,
    )
    gap = circuit.connect("cells", "cells", pairs, synapse=ns.models.gap_junction(), weight=5 * psiemens, name="gap")
    assert chemical.graded
    assert gap.graded
    assert (chemical.weight_unit, gap.weight_unit) == ("siemens", "siemens")
    assert np.array_equal(chemical.synapse.parameters["reversal"].value, [0.0, -0.048])


def test_currents_of_the_synapses() -> None:
    names = {"w": 1e-10, "s_pre": 0.5, "reversal": -0.048, "v_pre": -0.02}
    cell, v = ns.models.graded(), -0.03

    def current(synapse: ns.SynapseModel) -> float:
        """Return what one synapse sends into a cell at v."""
        inputs = {line.name: value_of(line.expression, names) for line in synapse.summed}
        return 1e-12 * (slopes(cell, {"v": v, **inputs})["v"] - slopes(cell, {"v": v})["v"])

    assert current(ns.models.graded_synapse(reversal=-48 * mV)) == pytest.approx(1e-10 * 0.5 * (-0.048 + 0.03))
    assert current(ns.models.gap_junction()) == pytest.approx(1e-10 * (-0.02 + 0.03))


def test_a_gap_junction_needs_neurons_that_have_one() -> None:
    circuit = ns.Circuit("pair", dt=0.1 * ms)
    circuit.population("cells", 2, ns.models.leaky_integrator(tau_mem=10 * ms))
    with pytest.raises(CircuitError, match="g_gap"):
        circuit.connect("cells", "cells", ns.AllToAll(), synapse=ns.models.gap_junction(), weight=5 * psiemens)


def test_units_are_named() -> None:
    with pytest.raises(UnitError, match=r"model 'graded': beta must be in .*volt.*, got"):
        ns.models.graded(beta=0.125 * mV)
    with pytest.raises(UnitError, match="synapse 'graded_synapse': reversal must be in volt"):
        ns.models.graded_synapse(reversal=3 * pA)


def test_what_a_synapse_and_a_junction_send() -> None:
    """The check values of their docstrings: 17.5 pA and 10 pA."""
    cell = ns.models.graded()
    at = {"v": -35e-3, "s": 0.0}
    synapse = slopes(cell, {**at, "g_syn": 0.5e-9, "i_syn": 0.5e-9 * 0.0})["v"] - slopes(cell, at)["v"]
    assert synapse * 1e-12 == pytest.approx(17.5e-12)
    at = {"v": -40e-3, "s": 0.0}
    junction = slopes(cell, {**at, "g_gap": 1e-9, "i_gap": 1e-9 * -30e-3})["v"] - slopes(cell, at)["v"]
    assert junction * 1e-12 == pytest.approx(10e-12)
