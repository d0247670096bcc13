from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

import neurosim as ns
from models.equations import integrate, slopes
from neurosim.errors import CircuitError, UnitError
from neurosim.models.receptors import Receptor, as_receptor
from neurosim.units import Mohm, mmolar, ms, mV, nS, second

TAU = 0.005


def course(receptor: Receptor, target: str, weight: float):
    """Return the receptor's variable as a function of the time since a pulse."""
    cell = ns.models.leaky_integrator(tau_mem=20 * ms, receptors={"x": receptor})
    assert cell.receptors == {"x": target}
    cell = ns.NeuronModel(
        cell.equations,
        parameters={"tau_mem": 20 * ms, "v_leak": 0.0, **receptor.parameters("x")},
        initial={target: weight},
    )
    solution = integrate(cell, 0.2)
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


@pytest.mark.parametrize(
    ("receptor", "area"),
    [
        (ns.Alpha(5 * ms), np.e),
        (ns.Exponential(5 * ms), 1.0),
        # The filter of unit area of Nicola and Clopath (2017) has time constants of 2 and 20 ms and peaks at 0.0387/ms.
        (ns.DoubleExponential(2 * ms, 20 * ms), 1 / 0.0387 / 5),
    ],
)
def test_area_of_a_pulse(receptor: Receptor, area: float) -> None:
    x = course(receptor, "x" if isinstance(receptor, ns.Exponential) else "x_rise", 1.0)
    assert quad(x, 0, 0.2, limit=200)[0] == pytest.approx(area * TAU, rel=1e-3)


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
    with pytest.raises(UnitError, match=r"receptor 'x' must be a receptor .* or a time, got 5"):
        ns.models.leaky_integrator(tau_mem=20 * ms, receptors={"x": 5})


@pytest.mark.parametrize("name", ["v", "i_ext", "tau_mem", "2x", "a b"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(CircuitError, match="cannot be called"):
        ns.models.leaky_integrator(tau_mem=20 * ms, receptors={name: 5 * ms})


# --- double exponential, NMDA, delta ---


def test_double_exponential_peaks_at_the_weight() -> None:
    x = course(ns.DoubleExponential(2 * ms, 20 * ms), "x_rise", 3.0)
    times = np.linspace(0, 0.05, 5001)
    values = np.array([x(time) for time in times])
    peak = 2e-3 * 20e-3 / 18e-3 * np.log(10)
    assert times[values.argmax()] == pytest.approx(peak, abs=1.1e-5)
    assert values.max() == pytest.approx(3.0, rel=1e-5)
    shape = np.exp(-times / 0.02) - np.exp(-times / 0.002)
    largest = np.exp(-peak / 0.02) - np.exp(-peak / 0.002)
    assert values == pytest.approx(3.0 * shape / largest, abs=1e-6)
    # The form of unit area peaks at 0.0387 per ms for these constants.
    assert largest / 18 == pytest.approx(0.0387, abs=5e-5)


def test_double_exponential_tends_to_alpha() -> None:
    x = course(ns.DoubleExponential(4.99 * ms, 5 * ms), "x_rise", 1.0)
    alpha = course(ns.Alpha(4.995 * ms), "x_rise", 1.0)
    assert all(x(time) == pytest.approx(alpha(time), abs=1e-5) for time in (0.001, 0.005, 0.02))


@pytest.mark.parametrize("rise", [5, 5 - 1e-9, 6])
def test_the_rise_is_shorter(rise: float) -> None:
    with pytest.raises(CircuitError, match=r"must be shorter than tau_decay .*take Alpha\(tau\)"):
        ns.DoubleExponential(rise * ms, 5 * ms)
    with pytest.raises(CircuitError, match=r"NMDA: tau_rise .*must be shorter"):
        ns.NMDA(rise * ms, 5 * ms, 0 * mV)


@pytest.mark.parametrize("name", ["tau_rise", "tau_decay"])
def test_both_times_are_checked(name: str) -> None:
    given = {"tau_rise": 2 * ms, "tau_decay": 20 * ms}
    with pytest.raises(CircuitError, match=f"DoubleExponential: {name} must be a positive time"):
        ns.DoubleExponential(**{**given, name: 0 * ms})


@pytest.mark.parametrize(("v", "magnesium"), [(-70, 1.0), (-20.5, 1.0), (20, 1.0), (-40, 2.5)])
def test_magnesium_blocks_at_low_voltage(v: float, magnesium: float) -> None:
    given = ns.NMDA(2 * ms, 100 * ms, 5 * mV, magnesium=magnesium * mmolar)
    cell = lif_with(given)
    still = slopes(cell, {"v": v * 1e-3})["v"]
    driven = slopes(cell, {"v": v * 1e-3, "x": 1e-9})["v"]
    block = 1 / (1 + magnesium / 3.57 * np.exp(-0.062 * v))
    assert driven - still == pytest.approx(100e6 * 1e-9 * (5 - v) * 1e-3 * block / 0.02)


def test_block_as_documented() -> None:
    cell = lif_with(ns.NMDA(2 * ms, 100 * ms, 0 * mV))
    for v, opened in ((-0.0205, 0.5), (-0.07, 0.044)):
        pulled = slopes(cell, {"v": v, "x": 1e-9})["v"] - slopes(cell, {"v": v})["v"]
        assert pulled / (100e6 * 1e-9 * -v / 0.02) == pytest.approx(opened, abs=1e-3)


def test_nmda_needs_volts_and_a_reversal() -> None:
    with pytest.raises(CircuitError, match="NMDA: give reversal="):
        ns.NMDA(2 * ms, 100 * ms)
    with pytest.raises(UnitError, match="NMDA: magnesium needs a unit"):
        ns.NMDA(2 * ms, 100 * ms, 0 * mV, magnesium=1.0)
    with pytest.raises(UnitError, match="needs voltages in volt"):
        ns.models.izhikevich(receptors={"x": ns.NMDA(2 * ms, 100 * ms, 0.0)})


def lif_with(receptor: Receptor) -> ns.NeuronModel:
    return ns.models.lif(
        tau_mem=20 * ms, r=100 * Mohm, v_threshold=0 * mV, v_reset=-60 * mV, v_leak=-60 * mV,
        receptors={"x": receptor},
    )  # fmt: skip


def response(cell: ns.NeuronModel, weight: object, dt: float) -> np.ndarray:
    """Return v at 10, 20, 40 ms after a pulse at 0, in one cell."""
    circuit = ns.Circuit("one", dt=dt * ms)
    circuit.source("in", ns.SpikeSource(1))
    circuit.population("cell", 1, cell)
    circuit.connect("in", "cell", ns.AllToAll(), receptor="x", weight=weight)
    pulse = np.zeros((round(41 / dt), 1), dtype=bool)
    pulse[0] = True
    recording = ns.simulate(circuit, 0.041 * second, inputs={"in": pulse}, record={"cell": "v"})
    return np.array([recording["cell"]["v"].values[0, round(time / dt), 0] for time in (10, 20, 40)])


def test_nmda_against_an_independent_solution() -> None:
    def derivative(time: float, v: np.ndarray) -> np.ndarray:
        course = np.exp(-time / 0.1) - np.exp(-time / 0.002)
        peak = 0.002 * 0.1 / 0.098 * np.log(50)
        g = 20e-9 * course / (np.exp(-peak / 0.1) - np.exp(-peak / 0.002))
        return (-0.06 - v + 100e6 * g * (0 - v) / (1 + np.exp(-62 * v) / 3.57)) / 0.02

    expected = solve_ivp(derivative, (0, 0.041), [-0.06], rtol=1e-10, atol=1e-12, dense_output=True).sol
    found = response(lif_with(ns.NMDA(2 * ms, 100 * ms, 0 * mV)), 20 * nS, 0.01)
    risen = np.array([expected(time)[0] for time in (0.01, 0.02, 0.04)]) + 0.06
    assert risen.min() > 5e-4
    assert found + 0.06 == pytest.approx(risen, rel=0.01)


def test_delta_jumps_and_decays() -> None:
    found = response(lif_with(ns.Delta()), 5 * mV, 0.1)
    assert found + 0.06 == pytest.approx(5e-3 * np.exp(-np.array([10, 20, 40]) / 20), rel=1e-9)


def test_delta_adds_to_v_and_needs_no_reversal() -> None:
    cell = lif_with(ns.Delta())
    assert cell.receptors == {"x": "v"}
    assert "x" not in cell.units
    assert ns.Delta() == ns.Delta()
    assert ns.Delta() != ns.Exponential(5 * ms)
