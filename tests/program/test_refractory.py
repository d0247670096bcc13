"""While a neuron is refractory its flagged variables stand still, and what reads them sees them stand still."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import EquationError
from neurosim.units import ms, second
from program import by_hand
from program.library import population

DT = 1e-4
TAUS = {"tau": 10 * ms, "tau_w": 30 * ms}
SPIKING = {"threshold": "v > 1", "reset": "v = 0", "refractory": 3 * ms}
#: v is held while refractory; w goes on.
READ_BY_ANOTHER = "dv/dt = (1.5 - v - 0.3*w)/tau : 1 (unless refractory)\ndw/dt = (v - w)/tau_w : 1"
READS_ANOTHER = "dv/dt = (1.5 - v - 0.3*w)/tau : 1 (unless refractory)\ndw/dt = (0.5 - w)/tau_w : 1"
ALONE = "dv/dt = (1.5 - v)/tau : 1 (unless refractory)\ndw/dt = -v*w/tau_w : 1"
METHODS = ["euler", "exponential_euler", "rk2"]


def texts(equations: str, method: str | None) -> dict[str, str]:
    parameters = {name: value for name, value in TAUS.items() if name in equations}
    item = population(ns.NeuronModel(equations, method=method, parameters=parameters, **SPIKING))
    return {statement.target: statement.text for statement in item.integrate}


@pytest.mark.parametrize("method", [*METHODS, "exact"])
def test_where_only_masked_writes_use_it_the_factor_is_gone(method: str) -> None:
    assert "not_refractory" not in "".join(texts(READS_ANOTHER, method).values())


@pytest.mark.parametrize("method", ["rk2", "exact"])
def test_where_a_variable_that_goes_on_uses_it_the_factor_stays(method: str) -> None:
    """A method that looks ahead moves v on the way to w: while refractory it must not."""
    found = texts(READ_BY_ANOTHER, method)
    assert "not_refractory" in "".join(text for target, text in found.items() if target != "_v")
    assert "not_refractory" not in found["_v"], "the new v counts only where the neuron is not refractory"


@pytest.mark.parametrize("method", ["euler", "exponential_euler"])
def test_a_method_that_reads_old_values_only_needs_no_factor(method: str) -> None:
    assert "not_refractory" not in "".join(texts(READ_BY_ANOTHER, method).values())


def test_a_factor_that_the_user_wrote_stays() -> None:
    equations = "dv/dt = (1.5 - v)/tau : 1 (unless refractory)\ndw/dt = -w*int(not_refractory)/tau_w : 1"
    found = texts(equations, "euler")
    assert "not_refractory" in found["_w"]
    assert "not_refractory" not in found["_v"]


@pytest.mark.parametrize(
    ("equations", "method"),
    [(READ_BY_ANOTHER, "exact"), (READ_BY_ANOTHER, "rk2"), (READS_ANOTHER, "euler"), (ALONE, "exponential_euler")],
)
def test_as_brian2_by_hand(equations: str, method: str) -> None:
    start = {"v": np.array([0.0, 0.4, 0.99]), "w": np.array([0.2, 0.9, 0.5])}
    parameters = {name: value for name, value in TAUS.items() if name in equations}
    spikes, final = by_hand.simulate(
        equations, 600, DT, n=3, initial=start, namespace=TAUS, threshold="v > 1", reset="v = 0",
        refractory=3 * ms, method=method,
    )  # fmt: skip
    assert len(spikes) > 3
    circuit = ns.Circuit("refractory", dt=DT * second)
    model = ns.NeuronModel(equations, method=method, parameters=parameters, **SPIKING)
    circuit.population("p", 3, model, initial=start)
    for backend in ("brian2", "snntorch"):
        recording = ns.simulate(circuit, 60 * ms, backend=backend)
        found = recording.spikes["p"]
        assert sorted(zip(found.to_steps(DT).tolist(), found.neurons.tolist(), strict=True)) == spikes
        for name, value in final.items():
            np.testing.assert_allclose(recording.state.variables["p"][name][0], value, rtol=1e-9)


def test_an_exact_solution_that_would_be_0_over_0_while_active_is_refused() -> None:
    """With one time constant for both, the solution of w divides by 1/tau - int(not_refractory)/tau."""
    equations = "dv/dt = -v/tau : 1 (unless refractory)\ndw/dt = (v - w)/tau : 1"
    with pytest.raises(EquationError, match=r"population 'p': time constants are too nearly equal .*while refractory"):
        texts(equations, "exact")
    assert texts(equations, "exponential_euler")


def test_without_a_refractory_period_the_flag_means_nothing() -> None:
    equations = "dv/dt = (1.5 - v)/tau : 1 (unless refractory)"
    item = population(ns.NeuronModel(equations, threshold="v > 1", reset="v = 0", parameters={"tau": 10 * ms}))
    assert item.masked == frozenset()
    assert item.refractory is None
