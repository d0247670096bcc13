from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import CircuitError, UnsupportedError
from neurosim.units import ms, mV
from neurosim.verification import threshold_margins
from verification.networks import reservoir


def driven(rows: list[list[float]], **model: object) -> ns.Circuit:
    """Return neurons that take one row of numbers a step as they are, and spike from 1 on."""
    circuit = ns.Circuit("driven", dt=1 * ms)
    cell = ns.NeuronModel("v : 1\ni_ext : 1", threshold="v >= 1", update="v = i_ext", reset="v = 0", **model)
    circuit.population("cells", len(rows[0]), cell)
    circuit.inject("drive", "cells", "i_ext", ns.Signal(np.array(rows), 1 * ms))
    return circuit


def test_the_nearest_step_of_the_nearest_neuron() -> None:
    found = threshold_margins(driven([[0.5, 0.25], [4.0, 0.5], [0.5, 1.125], [0.0, 0.75]]), 4 * ms)
    assert list(found) == ["cells"]
    margin = found["cells"]
    assert (margin.step, margin.trial, margin.neuron) == (2, 0, 1)
    assert margin.distance == 0.125, "of a neuron that spikes, before its reset"
    assert (margin.scale, margin.unit) == (4.0, "1")
    assert margin.relative == 0.125 / 4


def test_what_is_refractory_is_not_tested() -> None:
    rows = [[2.0], [1.0], [1.0], [1.5]]
    assert threshold_margins(driven(rows), 4 * ms)["cells"].distance == 0
    margin = threshold_margins(driven(rows, refractory=3 * ms), 4 * ms)["cells"]
    assert (margin.distance, margin.step) == (0.5, 3)


def test_backends_agree_and_the_run_stays_what_it_was() -> None:
    circuit = reservoir(40)
    margins = [threshold_margins(circuit, 30 * ms, backend=name, seed=1)["cells"] for name in ("brian2", "snntorch")]
    assert margins[0] == margins[1]
    assert 0 < margins[0].relative < 0.01
    # Two thresholds that the nearest membrane lies between give different spikes; a tenth of the margin gives the same.
    name = "v_peak"
    value = float(np.mean(circuit.parameter("cells", name)))
    unit = circuit.populations["cells"].model.parameters[name].unit
    spikes = [
        ns.simulate(circuit.replace({f"cells.{name}": ns.units.quantity(value + shift, unit)}), 30 * ms, seed=1).spikes
        for shift in (0.0, 0.1 * margins[0].distance, -0.1 * margins[0].distance)
    ]
    assert spikes[0] == spikes[1] == spikes[2]


def test_units_of_the_membrane() -> None:
    circuit = ns.Circuit("volts", dt=1 * ms)
    cell = ns.models.lif(tau_mem=10 * ms, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV)
    circuit.population("cells", 2, cell, initial={"v": [-60, -50.5] * mV})
    margin = threshold_margins(circuit, 3 * ms)["cells"]
    assert (margin.unit, margin.neuron, margin.step) == ("volt", 1, 0)
    assert margin.distance == pytest.approx(10e-3 - 9.5e-3 * np.exp(-0.1))
    assert margin.scale == pytest.approx(60e-3)


def test_what_has_no_margin() -> None:
    circuit = driven([[0.0]])
    with pytest.raises(CircuitError, match=r"no population 'cell' has a threshold\. Did you mean 'cells'"):
        threshold_margins(circuit, 1 * ms, populations=("cell",))
    for threshold, message in (("v > 1 or v < -1", "no comparison"), ("rand() < v", "drawn anew")):
        circuit = ns.Circuit("odd", dt=1 * ms)
        circuit.population("cells", 1, ns.NeuronModel("v : 1", threshold=threshold))
        with pytest.raises(UnsupportedError, match=message):
            threshold_margins(circuit, 1 * ms)
