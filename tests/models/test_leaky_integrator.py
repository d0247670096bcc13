from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from models.equations import integrate
from neurosim.errors import UnitError
from neurosim.units import Mohm, ms, mV


def test_it_never_spikes() -> None:
    cell = ns.models.leaky_integrator(tau_mem=100 * ms)
    assert not cell.spiking
    assert cell.equations.splitlines() == ["dv/dt = (v_leak - v + i_ext)/tau_mem : 1", "i_ext : 1"]
    assert cell.method == "exact"


def test_it_leaks_and_integrates() -> None:
    cell = ns.models.leaky_integrator(tau_mem=100 * ms, v_leak=-60 * mV, r=100 * Mohm)
    solution = integrate(cell, 0.3, i_ext=100e-12)
    assert solution.sol(0.0)[0] == -0.06
    assert solution.sol(0.1)[0] == pytest.approx(-0.06 + 0.01 * (1 - np.exp(-1)), rel=1e-7)


def test_the_leak_must_have_the_unit_of_the_rest() -> None:
    with pytest.raises(UnitError, match="r is in ohm, but the voltages are plain"):
        ns.models.leaky_integrator(tau_mem=100 * ms, r=100 * Mohm)
