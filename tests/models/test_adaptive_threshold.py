from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import neurosim as ns
from models.equations import initial
from models.runs import spike_times
from neurosim.errors import CircuitError, UnitError
from neurosim.units import Hz, ms, mV, nA, pA


def test_generalised_neuron_without_adaptation_is_a_leaky_one() -> None:
    times = spike_times(ns.models.generalised_if(a=0 * Hz), 0.2, dt=0.01, i_ext=ns.Step(150 * pA))
    period = 0.02 * np.log(150 / (150 - 5e-9 * 0.02 * 1e12))
    assert period == pytest.approx(21.97e-3, abs=5e-6)
    assert np.diff(times) == pytest.approx(period, abs=1.1e-5)


def test_generalised_neuron_falls_silent() -> None:
    times = spike_times(ns.models.generalised_if(), 1.0, i_ext=ns.Step(150 * pA))
    assert len(times) == 5
    assert times[-1] < 0.2
    # A stronger current outruns the threshold: v settles 40 mV above rest, theta 40 mV.
    assert len(spike_times(ns.models.generalised_if(), 1.0, i_ext=ns.Step(210 * pA))) > 10


def independent_bursts(current: float, duration: float) -> list[float]:
    """Integrate the published equations from spike to spike, in volt, second, and current over capacitance."""

    def derivative(_: float, y: np.ndarray) -> list[float]:
        v, theta, i1, i2 = y
        return [current + i1 + i2 - 50 * (v + 0.07), 5 * (v + 0.07) - 10 * (theta + 0.05), -200 * i1, -20 * i2]

    def crossing(_: float, y: np.ndarray) -> float:
        return y[0] - y[1]

    crossing.terminal, crossing.direction = True, 1.0
    time, y, times = 0.0, np.array([-0.07, -0.05, 0.0, 0.0]), []
    while True:
        found = solve_ivp(derivative, (time, duration), y, events=crossing, rtol=1e-10, atol=1e-13)
        if not found.t_events[0].size:
            return times
        time, (_, theta, _, i2) = found.t_events[0][0], found.y_events[0][0]
        times.append(time)
        y = np.array([-0.07, max(theta, -0.06), 10.0, i2 - 0.6])


def test_generalised_neuron_bursts_as_an_independent_solution() -> None:
    cell = ns.models.generalised_if(jump1=1 * nA, jump2=-60 * pA)
    found = spike_times(cell, 0.12, dt=0.005, i_ext=ns.Step(200 * pA))
    expected = independent_bursts(2.0, 0.12)
    assert len(expected) == 8
    assert found == pytest.approx(expected, abs=1e-4)


def test_a_low_threshold_is_raised_by_a_spike() -> None:
    cell = ns.models.generalised_if(theta_rest=-65 * mV, theta_reset=-55 * mV)
    circuit = ns.Circuit("one", dt=0.1 * ms)
    circuit.population("cell", 1, cell)
    circuit.inject("current", "cell", "i_ext", ns.Step(150 * pA))
    recording = ns.simulate(circuit, 4 * ms, record={"cell": ["spikes", "theta"]})
    (first,) = recording.spikes["cell"].to_steps(circuit.dt)[:1]
    theta = recording["cell"]["theta"].values[0, :, 0]
    assert theta[first - 1] < -0.06
    assert theta[first] == -0.055


def test_multi_timescale_period() -> None:
    def gap(period: float) -> float:
        return 19 + 37 / np.expm1(period / 10) + 2 / np.expm1(period / 200) - 50

    period = brentq(gap, 1, 100) * 1e-3
    assert period == pytest.approx(16.92e-3, abs=5e-6)
    times = spike_times(ns.models.multi_timescale_threshold(), 1.5, dt=0.05, i_ext=ns.Step(1 * nA))
    assert np.diff(times)[-5:].mean() == pytest.approx(period, abs=5e-5)
    assert np.diff(times)[0] < 0.8 * period  # it adapts


def test_voltage_goes_on_through_spikes() -> None:
    cell = ns.models.multi_timescale_threshold()
    assert cell.unless_refractory == frozenset()
    circuit = ns.Circuit("one", dt=0.1 * ms)
    circuit.population("cell", 1, cell)
    circuit.inject("current", "cell", "i_ext", ns.Step(1 * nA))
    recording = ns.simulate(circuit, 20 * ms, record={"cell": ["spikes", "v"]})
    assert len(recording.spikes["cell"].times) > 1
    steps = np.arange(1, 201)
    assert recording["cell"]["v"].values[0, :, 0] == pytest.approx(-0.02 - 0.05 * np.exp(-steps * 0.1 / 5), abs=1e-12)


def test_at_most_one_spike_in_the_refractory_period() -> None:
    cell = ns.models.multi_timescale_threshold(alpha1=0 * mV, alpha2=0 * mV)
    times = spike_times(cell, 0.1, i_ext=ns.Step(1 * nA))
    assert np.diff(times) == pytest.approx(2e-3, abs=1.1e-4)


def test_starts_names_and_units() -> None:
    start = {"v": -0.07, "theta": -0.05, "i1": 0.0, "i2": 0.0, "i_ext": 0.0}
    assert initial(ns.models.generalised_if()) == start
    assert initial(ns.models.multi_timescale_threshold()) == {"v": -0.07, "h1": 0.0, "h2": 0.0, "i_ext": 0.0}
    for build, name in ((ns.models.generalised_if, "theta"), (ns.models.multi_timescale_threshold, "h1")):
        with pytest.raises(CircuitError, match=f"cannot be called '{name}'"):
            build(receptors={name: 5 * ms})
    with pytest.raises(UnitError, match="a needs a unit"):
        ns.models.generalised_if(a=5)
    with pytest.raises(UnitError, match="omega without a unit"):
        ns.models.multi_timescale_threshold(omega=19)
