"""The integrators are Brian2's; here each is held against numpy that knows nothing of Brian2."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

import neurosim as ns
from neurosim.errors import EquationError, UnsupportedError
from neurosim.units import ms, mV
from program.expressions import execute
from program.library import LIF, population

DT = 1e-4
TAU, TAU_U, RATE = 0.01, 0.03, 40.0
START = {"v": np.array([0.3, -1.2]), "u": np.array([0.9, 0.4])}
NONLINEAR = "dv/dt = (v**2*u - v)/tau : 1\ndu/dt = rate*(v - u**3) : 1"
PARAMETERS = {"tau": TAU * ns.units.second, "tau_u": TAU_U * ns.units.second, "rate": RATE * ns.units.Hz}


def stepped(equations: str, method: str | None, names: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """Return every name after one step of an integrator."""
    parameters = {key: value for key, value in PARAMETERS.items() if key in equations}
    model = ns.NeuronModel(equations, method=method, parameters=parameters)
    item = population(model, dt=DT * ns.units.second, n=2, **options)
    fixed = {key: value for key, value in item.parameters.items() if isinstance(value, np.ndarray)}
    return execute(item.integrate, {**START, **fixed, **(names or {})})


def slope(v: np.ndarray, u: np.ndarray) -> np.ndarray:
    return np.array([(v * v * u - v) / TAU, RATE * (v - u**3)])


def check(found: dict[str, Any], expected: np.ndarray) -> None:
    np.testing.assert_allclose([found["v"], found["u"]], expected, rtol=1e-12)


# -- each integrator ---------------------------------------------------------------------------------------------


def test_euler() -> None:
    state = np.array([START["v"], START["u"]])
    check(stepped(NONLINEAR, "euler"), state + DT * slope(*state))


def test_rk2_is_the_midpoint_rule() -> None:
    state = np.array([START["v"], START["u"]])
    middle = state + DT / 2 * slope(*state)
    check(stepped(NONLINEAR, "rk2"), state + DT * slope(*middle))


def test_rk4() -> None:
    state = np.array([START["v"], START["u"]])
    first = slope(*state)
    second = slope(*(state + DT / 2 * first))
    third = slope(*(state + DT / 2 * second))
    fourth = slope(*(state + DT * third))
    check(stepped(NONLINEAR, "rk4"), state + DT / 6 * (first + 2 * second + 2 * third + fourth))


def test_exponential_euler_solves_each_variable_with_the_others_held() -> None:
    equations = "dv/dt = (u*(2 - v) - v)/tau : 1\ndu/dt = rate*(v**2 - u) : 1"
    v, u = START["v"], START["u"]
    rate_v = (u + 1) / TAU
    expected_v = (v - 2 * u / (u + 1)) * np.exp(-rate_v * DT) + 2 * u / (u + 1)
    expected_u = (u - v**2) * np.exp(-RATE * DT) + v**2
    check(stepped(equations, "exponential_euler"), np.array([expected_v, expected_u]))


def test_exact_is_the_matrix_exponential() -> None:
    equations = "dv/dt = (u - v + 0.5)/tau : 1\ndu/dt = -u/tau_u : 1"
    matrix = expm(DT * np.array([[-1 / TAU, 1 / TAU, 0.5 / TAU], [0, -1 / TAU_U, 0], [0, 0, 0]]))
    expected = matrix @ np.array([START["v"], START["u"], [1.0, 1.0]])
    check(stepped(equations, "exact"), expected[:2])


def test_exact_with_one_value_per_neuron() -> None:
    tau = np.array([0.01, 0.02])
    found = stepped("dv/dt = (u - v)/tau : 1\ndu/dt = -u/tau_u : 1", "exact", parameters={"tau": tau * ns.units.second})
    for neuron, value in enumerate(tau):
        matrix = expm(DT * np.array([[-1 / value, 1 / value], [0, -1 / TAU_U]]))
        expected = matrix @ np.array([START["v"][neuron], START["u"][neuron]])
        np.testing.assert_allclose([found["v"][neuron], found["u"][neuron]], expected, rtol=1e-11)


def test_euler_with_additive_noise() -> None:
    draw = np.array([0.7, -1.1])
    found = stepped("dv/dt = -v/tau + 0.3*xi*tau**-0.5 : 1\ndu/dt = -u/tau : 1", "euler", {"randn_0": draw})
    v, u = START["v"], START["u"]
    check(found, np.array([v - DT * v / TAU + 0.3 * np.sqrt(DT / TAU) * draw, u - DT * u / TAU]))


def test_heun_with_multiplicative_noise() -> None:
    draw = np.array([0.7, -1.1])
    found = stepped("dv/dt = -v/tau + v*xi*tau**-0.5 : 1\ndu/dt = -u/tau : 1", "heun", {"randn_0": draw})
    v, u = START["v"], START["u"]
    increment = np.sqrt(DT / TAU) * draw
    support = v + v * increment
    check(found, np.array([v - DT * v / TAU + (v + support) / 2 * increment, u - DT * u / TAU]))


def test_time_is_that_of_the_start_of_the_step() -> None:
    found = stepped("dv/dt = t/(1*second**2) : 1\ndu/dt = -u/tau : 1", "euler", {"t": 3.0})
    np.testing.assert_allclose(found["v"], START["v"] + DT * 3.0, rtol=1e-13)


def test_refined_steps_converge_at_the_order_of_the_method() -> None:
    """Twice as many steps make the error smaller by the power that the method's name stands for."""

    def error(method: str, steps: int) -> float:
        model = ns.NeuronModel("dv/dt = -v**2/tau : 1", method=method, parameters={"tau": 10 * ms})
        item = population(model, dt=10 / steps * ms, n=1)
        values = {"v": np.array([2.0])}
        for _ in range(steps):
            values = execute(item.integrate, values)
        return abs(float(values["v"][0]) - 2.0 / 3.0)  # v = 2/(1 + 2 t/tau)

    for method, order in (("euler", 1), ("rk2", 2), ("rk4", 4)):
        assert error(method, 32) / error(method, 64) == pytest.approx(2**order, rel=0.15)


# -- which method -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equations", "method"),
    [
        ("dv/dt = -v/tau : 1", "exact"),
        ("dv/dt = -v**2/tau : 1", "euler"),
        ("dv/dt = -v/tau + xi*tau**-0.5 : 1", "euler"),
        ("x : 1", None),
    ],
)
def test_without_a_method_linear_equations_are_solved_exactly(equations: str, method: str | None) -> None:
    parameters = {"tau": 10 * ms} if "tau" in equations else {}
    assert population(ns.NeuronModel(equations, parameters=parameters)).method == method


@pytest.mark.parametrize("method", ["exact", "exponential_euler"])
def test_a_method_that_does_not_apply_is_refused_with_those_that_do(method: str) -> None:
    model = ns.NeuronModel("dv/dt = -v**2/tau : 1", method=method, parameters={"tau": 10 * ms})
    with pytest.raises(UnsupportedError, match=f"population 'p': method='{method}' cannot .* Choose .*'rk4'"):
        population(model)


# -- time constants that are equal --------------------------------------------------------------------------------


def cascade(tau: float, tau_u: float, method: str = "exact") -> dict[str, Any]:
    parameters = {"tau": tau * ms, "tau_u": tau_u * ms}
    model = ns.NeuronModel("dv/dt = (u - v)/tau : 1\ndu/dt = -u/tau_u : 1", method=method, parameters=parameters)
    return execute(population(model, dt=DT * ns.units.second).integrate, START)


def test_equal_time_constants_under_two_names() -> None:
    found, tau = cascade(10, 10), 0.01
    decay = np.exp(-DT / tau)
    check(found, np.array([(START["v"] + START["u"] * DT / tau) * decay, START["u"] * decay]))


def test_three_equal_time_constants() -> None:
    model = ns.models.lif(**LIF, receptors={"alpha": ns.Alpha(20 * ms)})
    item = population(model, dt=DT * ns.units.second)
    start = {"v": -0.06, "alpha": 1e-10, "alpha_rise": 2e-10, "i_ext": 0.0}
    tau, r = 0.02, 1e8
    matrix = np.array([[-1, r, 0], [0, -1, np.e], [0, 0, -1]]) / tau
    expected = expm(DT * matrix) @ np.array([0.0, start["alpha"], start["alpha_rise"]])
    found = execute(item.integrate, start)
    assert found["v"] + 0.06 == pytest.approx(expected[0], rel=1e-9)
    assert (found["alpha"], found["alpha_rise"]) == pytest.approx(tuple(expected[1:]), rel=1e-12)


def test_time_constants_that_are_nearly_equal_are_refused_by_name() -> None:
    with pytest.raises(EquationError, match=r"population 'p': tau, tau_u are too nearly equal"):
        cascade(10, 10 * (1 + 1e-7))


def test_time_constants_a_thousandth_apart_are_accurate() -> None:
    tau, tau_u = 0.01, 0.01 * (1 + 1e-3)
    matrix = expm(DT * np.array([[-1 / tau, 1 / tau], [0, -1 / tau_u]]))
    expected = matrix @ np.array([START["v"], START["u"]])
    found = cascade(10, 10 * (1 + 1e-3))
    np.testing.assert_allclose(found["v"] - START["v"], expected[0] - START["v"], rtol=1e-9)


def test_other_methods_do_not_mind() -> None:
    found = cascade(10, 10 * (1 + 1e-7), "exponential_euler")
    np.testing.assert_allclose(found["v"], (START["v"] - START["u"]) * np.exp(-DT / 0.01) + START["u"], rtol=1e-12)


@pytest.mark.parametrize("taus", [[10, 20], [20, 10 * (1 + 1e-9)]])
def test_a_value_per_neuron_that_meets_another_is_refused(taus: list[float]) -> None:
    model = ns.models.lif(**{**LIF, "tau_mem": 15 * ms}, receptors={"ampa": 10 * ms})
    with pytest.raises(EquationError, match="tau_ampa, tau_mem are too nearly equal"):
        population(model, n=2, parameters={"tau_mem": taus * ms})


def test_values_per_neuron_that_are_all_the_same_are_one_constant() -> None:
    model = ns.models.lif(**LIF, receptors={"ampa": 10 * ms})
    item = population(model, n=2, parameters={"tau_mem": [10, 10] * ms})
    assert item.constants["tau_mem"] == 0.01
    assert "tau_mem" not in item.parameters


def test_a_trainable_value_that_meets_another_is_refused_before_it_is_trained() -> None:
    model = ns.models.lif(**{**LIF, "tau_mem": ns.Trainable(20 * ms)}, receptors={"ampa": 20 * ms})
    with pytest.raises(EquationError, match="until they are trained"):
        population(model)
    model = ns.models.lif(
        **{**LIF, "tau_mem": ns.Trainable(20 * ms)}, receptors={"ampa": 20 * ms}, method="exponential_euler"
    )
    assert "tau_mem" in population(model).parameters


def test_a_removable_singularity_stays_removed() -> None:
    """Hodgkin-Huxley at v = v_t + 13 mV: Brian2 would expand x/(exp(x) - 1) into 0/0."""
    item = population(ns.models.hodgkin_huxley())
    state = {"v": np.array([-50.0, -50.0 + 1e-7]) * 1e-3, "m": 0.1, "h": 0.6, "n": 0.3, "i_ext": 0.0}
    found = execute(item.integrate, state)
    assert np.isfinite(found["m"]).all()
    assert found["m"][0] == pytest.approx(found["m"][1], rel=1e-6)


# -- names ----------------------------------------------------------------------------------------------------------


def test_names_that_brian2_keeps_for_itself_come_back_as_they_were() -> None:
    model = ns.NeuronModel("dN/dt = (i - N)/mA : 1\ndi/dt = -i/mA : 1", parameters={"mA": 10 * ms})
    item = population(model)
    assert item.state == ("N", "i")
    assert {statement.target for statement in item.integrate if not statement.target.startswith("_")} == {"N", "i"}
    assert not {name for statement in item.integrate for name in statement.reads if name.endswith("_variable")} - {
        f"_{name}_variable" for name in ("N", "i")
    }


def test_units_in_equations_become_numbers() -> None:
    model = ns.NeuronModel("dv/dt = (-60*mV - v)/(10*ms) : volt", method="euler")
    found = execute(population(model, dt=DT * ns.units.second).integrate, {"v": -0.05})
    assert found["v"] == pytest.approx(-0.05 - DT * 1.0, rel=1e-12)
    assert mV == 1e-3 * ns.units.volt
