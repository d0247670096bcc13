from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

import neurosim as ns
from models.equations import integrate
from neurosim.errors import CircuitError, UnitError
from neurosim.models.receptors import as_receptor
from neurosim.units import ms, mV

TAU = 0.005


def course(receptor: ns.Alpha | ns.Exponential, target: str, weight: float):
    """Return the receptor's variable as a function of the time since a pulse."""
    cell = ns.models.leaky_integrator(tau_mem=20 * ms, receptors={"x": receptor})
    assert cell.receptors == {"x": target}
    cell = ns.NeuronModel(
        cell.equations,
        parameters={"tau_mem": 20 * ms, "tau_x": TAU * 1000 * ms, "v_leak": 0.0},
        initial={target: weight},
    )
    solution = integrate(cell, 0.05)
    return lambda time: solution.sol(time)[cell.names("differential").index("x")]


def test_alpha_peaks_at_the_weight_after_tau() -> None:
    x = course(ns.Alpha(TAU * 1000 * ms), "x_rise", 3.0)
    times = np.linspace(0, 0.02, 401)
    values = np.array([x(time) for time in times])
    assert values.max() == pytest.approx(3.0, rel=1e-6)
    assert times[values.argmax()] == pytest.approx(TAU)
    assert values == pytest.approx(3.0 * times / TAU * np.exp(1 - times / TAU), abs=1e-7)


def test_exponential_decays_from_the_weight() -> None:
    x = course(ns.Exponential(TAU * 1000 * ms), "x", 3.0)
    assert x(0.0) == 3.0
    assert x(TAU) == pytest.approx(3.0 / np.e, rel=1e-7)


@pytest.mark.parametrize(("receptor", "area"), [(ns.Alpha(5 * ms), np.e), (ns.Exponential(5 * ms), 1.0)])
def test_area_of_a_pulse(receptor: ns.Alpha | ns.Exponential, area: float) -> None:
    x = course(receptor, "x_rise" if isinstance(receptor, ns.Alpha) else "x", 1.0)
    assert quad(x, 0, 0.05, limit=200)[0] == pytest.approx(area * TAU, rel=1e-3)


def test_a_bare_time_is_an_exponential_current() -> None:
    assert as_receptor(5 * ms, "here") == ns.Exponential(5 * ms)


def test_receptors_compare_by_value() -> None:
    assert ns.Exponential(5 * ms, reversal=0 * mV) == ns.Exponential(5 * ms, reversal=0 * mV)
    assert ns.Exponential(5 * ms) != ns.Exponential(6 * ms)
    assert ns.Exponential(5 * ms) != ns.Exponential(5 * ms, reversal=0 * mV)
    assert ns.Exponential(5 * ms) != ns.Alpha(5 * ms)
    assert len({ns.Alpha(5 * ms), ns.Alpha(5 * ms)}) == 1


@pytest.mark.parametrize("tau", [0 * ms, -5 * ms, np.array([5, 0]) * ms, ns.Trainable()])
def test_tau_must_be_positive(tau: object) -> None:
    with pytest.raises(CircuitError, match="Alpha: tau must be a positive time"):
        ns.Alpha(tau)


def test_tau_needs_a_unit() -> None:
    with pytest.raises(UnitError, match="Exponential: tau needs a unit"):
        ns.Exponential(5)


def test_what_is_no_receptor() -> None:
    with pytest.raises(UnitError, match=r"receptor 'x' must be Exponential\(\.\.\.\), Alpha\(\.\.\.\) or a time"):
        ns.models.leaky_integrator(tau_mem=20 * ms, receptors={"x": 5})


@pytest.mark.parametrize("name", ["v", "i_ext", "tau_mem", "2x", "a b"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(CircuitError, match="cannot be called"):
        ns.models.leaky_integrator(tau_mem=20 * ms, receptors={name: 5 * ms})
