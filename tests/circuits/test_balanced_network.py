from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns


def test_it_is_the_documented_network() -> None:
    circuit = ns.circuits.build("balanced-network")
    assert circuit.dt == 1e-4
    assert {name: part.n for name, part in circuit.populations.items()} == {"exc": 3200, "inh": 800}
    expected = {"tau_mem": 0.02, "tau_ampa": 0.005, "tau_gaba": 0.01, "tau_ref": 0.005}
    expected |= {"v_threshold": -0.05, "v_reset": -0.06, "v_leak": -0.049}
    for name in circuit.populations:
        assert {key: circuit.parameter(name, key) for key in expected} == pytest.approx(expected)
    assert list(circuit.projections) == ["exc_to_exc", "exc_to_inh", "inh_to_exc", "inh_to_inh"]
    for name, projection in circuit.projections.items():
        weight = 1.62e-3 if name.startswith("exc") else -9e-3
        assert projection.weight == pytest.approx(weight)
        assert projection.delay == 0.0
        n_pairs = circuit.populations[projection.pre].n * circuit.populations[projection.post].n
        assert len(circuit.edges(name).pre) == pytest.approx(0.02 * n_pairs, abs=5 * np.sqrt(0.02 * n_pairs))


def test_it_starts_between_reset_and_threshold() -> None:
    v = ns.circuits.build("balanced-network").initial("exc", "v")
    assert v.min() >= -0.06
    assert v.max() < -0.05
    assert v.mean() == pytest.approx(-0.055, abs=3e-4)


def test_a_smaller_network_keeps_its_in_degree() -> None:
    circuit = ns.circuits.build("balanced-network", scale=0.1)
    degrees = np.bincount(circuit.edges("exc_to_inh").post, minlength=80)
    assert degrees.mean() == pytest.approx(64, abs=4)
    tiny = ns.circuits.build("balanced-network", scale=0.01)
    assert len(tiny.edges("inh_to_exc").pre) == 8 * 32
