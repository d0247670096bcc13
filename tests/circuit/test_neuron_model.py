"""The equations of a neuron as data: what they hold, and every way in which they are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosim.circuit.language import Assignment
from neurosim.circuit.neuron_model import METHODS, NeuronModel, Parameter
from neurosim.circuit.values import Normal, Trainable, Uniform
from neurosim.errors import CircuitError, EquationError, UnitError
from neurosim.units import Mohm, ms, mV, pA

LIF = """
dv/dt = (v_leak - v + r*i)/tau : volt (unless refractory)
drive = r*i : volt
i : amp
"""
PARAMETERS: dict[str, Any] = {"tau": 20 * ms, "r": 100 * Mohm, "v_leak": -60 * mV, "v_t": -50 * mV}


def lif(equations: str = LIF, **changes: Any) -> NeuronModel:
    given = {
        "threshold": "v > v_t",
        "reset": "v = v_leak",
        "refractory": 2 * ms,
        "parameters": PARAMETERS,
        "name": "lif",
    }
    return NeuronModel(equations, **{**given, **changes})


def test_what_a_model_holds() -> None:
    model = lif(initial={"v": "v_leak", "i": 3 * pA}, receptors={"ampa": "i"}, method="exact")
    assert model.equations == ("dv/dt = (v_leak - v + r*i)/tau : volt (unless refractory)\ndrive = r*i : volt\ni : amp")
    assert model.units == {
        "v": "volt", "drive": "volt", "i": "amp", "tau": "second", "r": "ohm", "v_leak": "volt", "v_t": "volt",
    }  # fmt: skip
    assert model.parameters["tau"] == Parameter(0.02, "second")
    assert model.refractory == 0.002
    assert dict(model.initial) == {"v": "v_leak", "i": pytest.approx(3e-12)}
    assert dict(model.receptors) == {"ampa": "i"}
    assert model.names("differential") == ("v",)
    assert model.names("subexpression") == ("drive",)
    assert model.names("parameter") == ("i",)
    assert model.unless_refractory == {"v"}
    assert model.reset_statements == (Assignment("v", "=", "v_leak"),)
    assert model.written == {"v"}
    assert model.spiking
    assert str(model).splitlines()[-2:] == ["threshold: v > v_t", "reset: v = v_leak"]


def test_models_are_frozen() -> None:
    model = lif()
    with pytest.raises(AttributeError):
        model.method = "euler"  # type: ignore[misc]
    with pytest.raises(TypeError):
        model.parameters["tau"] = Parameter(1.0, "second")  # type: ignore[index]


def test_equal_by_value() -> None:
    assert lif() == lif()
    assert hash(lif()) == hash(lif())
    assert lif("  " + LIF.replace("\n", "\n  ") + "# a comment") == lif()
    array = {**PARAMETERS, "tau": np.array([1.0, 2.0]) * ms}
    assert lif(parameters=array) == lif(parameters=array)
    for change in (
        {"threshold": "v >= v_t"}, {"reset": "v = v_t"}, {"refractory": 3 * ms}, {"refractory": None},
        {"method": "euler"}, {"update": "v = v_t"}, {"initial": {"v": "v_leak"}}, {"initial": {"v": -60 * mV}},
        {"parameters": {**PARAMETERS, "tau": 10 * ms}}, {"parameters": {**PARAMETERS, "x": 1}},
        {"parameters": {**PARAMETERS, "tau": Trainable(20 * ms)}},
        {"receptors": {"ampa": "i"}}, {"name": "other"}, {"parameters": array}, {"equations": LIF + "j : amp"},
    ):  # fmt: skip
        assert lif(**change) != lif()
    assert lif() != "lif"


def test_a_declared_parameter_has_the_unit_of_its_line() -> None:
    model = NeuronModel("dx/dt = -x/tau : 1\ntau : second", parameters={"tau": 3 * ms})
    assert model.parameters["tau"].unit == "second"
    with pytest.raises(UnitError, match="parameter 'tau' must be in second"):
        NeuronModel("dx/dt = -x/tau : 1\ntau : second", parameters={"tau": 3 * mV})


def test_values_of_every_kind() -> None:
    model = lif(
        parameters={**PARAMETERS, "tau": Uniform(1 * ms, 2 * ms), "v_t": Trainable(Normal(-50 * mV, 1 * mV))},
        initial={"v": Normal(-60 * mV, 1 * mV), "i": [1, 2] * pA},
    )
    assert model.units["tau"] == "second"
    assert model.parameters["v_t"] == Parameter(Trainable(Normal(-50 * mV, 1 * mV)), "volt")


@pytest.mark.parametrize(
    "refractory", ["tau_ref", "2*ms", "v > v_t", "tau_ref + 1*ms", "v > v_t and t > 3*ms", None, False]
)
def test_refractory_is_a_time_or_a_condition(refractory: Any) -> None:
    assert lif(refractory=refractory, parameters={**PARAMETERS, "tau_ref": 5 * ms}).refractory == (refractory or None)


@pytest.mark.parametrize("method", [None, *METHODS])
def test_methods(method: str | None) -> None:
    assert lif(method=method).method == method


def test_a_map_and_an_algebraic_unit() -> None:
    logistic = NeuronModel("x : 1\ny : 1", update="old = x; x = a*x*(1 - x); y = old", parameters={"a": 3.9})
    assert logistic.first_variable == "x"
    assert logistic.written == {"x", "y"}
    assert not logistic.spiking
    rate = NeuronModel("r = tanh(i) : 1\ni : 1")
    assert rate.first_variable == "r"
    assert NeuronModel("i : amp").first_variable is None


def test_noise_is_for_differential_equations() -> None:
    NeuronModel("dx/dt = -x/tau + sigma*xi*tau**-0.5 : 1", parameters={"tau": 5 * ms, "sigma": 1.0})
    with pytest.raises(EquationError, match=r"'xi' in .* is not defined"):
        NeuronModel("x : 1", update="x = x + xi*(1*ms)**0.5")
    with pytest.raises(EquationError, match=r"'xi' in .* is not defined"):
        NeuronModel("dx/dt = -x/ms : 1", threshold="xi > 3*second**-0.5")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"equations": ""}, EquationError, "'v' in 'v > v_t' is not defined"),
        ({"equations": LIF.replace("tau", "taw")}, EquationError, r"'taw' in .* is not defined\. Did you mean 'tau'"),
        ({"equations": LIF.replace(": volt", ": 1")}, UnitError, "must be in|do not agree"),
        ({"equations": LIF.replace("/tau", "")}, UnitError, r"dv/dt = .* must be in .*, but it is in volt"),
        ({"equations": LIF.replace("drive = r*i", "drive = i")}, UnitError, "'i' must be in volt, but it is in amp"),
        ({"equations": LIF.replace("i : amp", "i : mA")}, UnitError, "model 'lif': 'i': 'mA' is not a unit"),
        ({"equations": LIF + "x : 1 (shared)"}, EquationError, r"\(shared\) has no meaning for 'x', a parameter"),
        ({"equations": LIF + "x : 1 (event-driven)"}, EquationError, r"\(event-driven\) has no meaning"),
        ({"equations": LIF + "x = i : amp (constant)"}, EquationError, r"\(constant\) has no meaning for 'x'"),
        ({"equations": LIF + "x : 1 (summed)"}, EquationError, "belongs in a SynapseModel"),
        ({"equations": LIF + "x_post = v : volt (summed)"}, EquationError, "belongs in a SynapseModel"),
        ({"equations": LIF + "dq/dt = 0/ms : integer"}, EquationError, "'q' cannot be integer"),
        ({"threshold": "v"}, EquationError, "threshold 'v' must be a condition"),
        ({"threshold": "v > 3"}, UnitError, "the units in 'v > 3' do not agree"),
        ({"threshold": "v > v_threshold"}, EquationError, "'v_threshold' in 'v > v_threshold' is not defined"),
        ({"threshold": "v.real > v_t"}, EquationError, "attribute access"),
        ({"threshold": None, "refractory": None}, EquationError, "a reset without a threshold never happens"),
        ({"threshold": None, "reset": None}, EquationError, "refractory= needs a threshold"),
        ({"threshold": None, "reset": None, "refractory": None}, EquationError, "means nothing for a neuron without"),
        ({"reset": "v = 3"}, UnitError, "reset 'v = 3' must have the unit volt"),
        ({"reset": "vv = v_leak"}, EquationError, r"reset assigns to 'vv', .* Did you mean 'v'\?"),
        ({"reset": "drive = v_leak"}, EquationError, "reset may not assign to 'drive'"),
        ({"reset": "v_leak = v"}, EquationError, "reset may not assign to 'v_leak'"),
        ({"reset": "v += w"}, EquationError, "'w' in 'w' is not defined"),
        ({"reset": "print(v)"}, EquationError, "is not an assignment"),
        ({"update": "v = open(v)"}, EquationError, "unknown function 'open'"),
        ({"update": "drive = v"}, EquationError, "update may not assign to 'drive'"),
        ({"method": "exacto"}, EquationError, "unknown method 'exacto'. Did you mean 'exact'"),
        ({"refractory": -2 * ms}, CircuitError, "refractory must not be negative, got -0.002 s"),
        ({"refractory": 2}, UnitError, r"refractory needs a unit \(second\)"),
        ({"refractory": "v"}, EquationError, "refractory 'v' must be a condition"),
        ({"refractory": "tau_ref"}, EquationError, "'tau_ref' in 'tau_ref' is not defined"),
        ({"parameters": {**PARAMETERS, "tau": 20}}, UnitError, "must be in|do not agree"),
        ({"parameters": {**PARAMETERS, "tau": float("nan") * ms}}, CircuitError, "parameter 'tau' holds NaN"),
        ({"parameters": {**PARAMETERS, "v": 1 * mV}}, EquationError, "'v' is a variable, no parameter"),
        ({"parameters": {**PARAMETERS, "drive": 1 * mV}}, EquationError, "'drive' is a variable, no parameter"),
        ({"parameters": {**PARAMETERS, "__class__": 1}}, EquationError, "'__class__' cannot be a variable"),
        ({"parameters": {**PARAMETERS, "exp": 1}}, EquationError, "'exp' has a meaning of its own"),
        ({"parameters": {**PARAMETERS, "dt": 1 * ms}}, EquationError, "'dt' has a meaning of its own"),
        ({"parameters": {**PARAMETERS, "x": Trainable()}}, CircuitError, "Trainable without an initial value"),
        ({"parameters": {**PARAMETERS, "x": "3"}}, UnitError, "must be a number"),
        ({"initial": {"vv": 3 * mV}}, CircuitError, r"no variable 'vv' to give an initial value\. Did you mean 'v'\?"),
        ({"initial": {"drive": 3 * mV}}, CircuitError, "no variable 'drive'"),
        ({"initial": {"v": 3}}, UnitError, r"initial 'v' needs a unit \(volt\)"),
        ({"initial": {"v": "v_leek"}}, EquationError, r"'v_leek' in 'v_leek' is not defined\. Did you mean 'v_leak'"),
        ({"initial": {"v": "tau"}}, UnitError, "initial v = 'tau' must be in volt, but it is in second"),
        ({"initial": {"v": "v_leak.real"}}, EquationError, "attribute access"),
        ({"initial": {"v": float("nan") * mV}}, CircuitError, "initial 'v' holds NaN"),
        ({"initial": {"v": Trainable()}}, CircuitError, "initial 'v' is Trainable without an initial value"),
        ({"receptors": {"ampa": "j"}}, EquationError, "receptor 'ampa' adds to 'j', which is no variable"),
        ({"receptors": {"ampa": "drive"}}, EquationError, "receptor 'ampa' adds to 'drive'"),
    ],
)  # fmt: skip
def test_models_that_cannot_be(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        lif(**changes)
    assert "model 'lif'" in str(caught.value)


def test_a_model_of_nothing() -> None:
    with pytest.raises(EquationError, match="give equations"):
        NeuronModel("")
    NeuronModel("", threshold="rand() < 0.1")
