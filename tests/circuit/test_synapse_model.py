"""The equations of a synapse as data."""

from __future__ import annotations

from typing import Any

import pytest

from neurosim.circuit.language import Assignment, Equation
from neurosim.circuit.neuron_model import Parameter
from neurosim.circuit.synapse_model import SynapseModel
from neurosim.circuit.values import Trainable
from neurosim.errors import CircuitError, EquationError, UnitError
from neurosim.units import ms, mV

GAP = "i_gap_post = w*(v_pre - v_post) : amp (summed)"


def test_a_pulse() -> None:
    pulse = SynapseModel(on_pre="ampa_post += w*q", parameters={"q": 2.0}, name="scaled")
    assert not pulse.graded
    assert pulse.on_pre_statements == (Assignment("ampa_post", "+=", "w*q"),)
    assert dict(pulse.parameters) == {"q": Parameter(2.0, "1")}
    assert pulse.name == "scaled"
    assert pulse.summed == ()


def test_a_graded_synapse() -> None:
    gap = SynapseModel(GAP, name="gap")
    assert gap.graded
    assert gap.summed == (Equation("summed", "i_gap", "w*(v_pre - v_post)", "amp", ("summed",)),)
    assert gap.equations == GAP
    assert gap.variables == {}


def test_plastic_synapses_are_read() -> None:
    equations = "dx/dt = -x/tau : 1 (event-driven)\ny : volt"
    model = SynapseModel(equations, on_pre="x += 1", on_post="x -= 1", parameters={"tau": 5 * ms})
    assert model.variables == {"x": "1", "y": "volt"}
    assert model.on_post_statements == (Assignment("x", "-=", "1"),)


def test_equal_by_value() -> None:
    assert SynapseModel(GAP) == SynapseModel(GAP)
    assert hash(SynapseModel(GAP)) == hash(SynapseModel(GAP))
    pulse: dict[str, Any] = {"on_pre": "v_post += w", "parameters": {"q": 1.0}}
    assert SynapseModel(**pulse) == SynapseModel(**pulse)
    for change in (
        {"on_pre": "v_post += 2*w"}, {"on_post": "v_post += w"}, {"parameters": {"q": 2.0}}, {"parameters": {}},
        {"name": "x"}, {"parameters": {"q": 1 * mV}}, {"equations": "y : 1"},
    ):  # fmt: skip
        assert SynapseModel(**{**pulse, **change}) != SynapseModel(**pulse)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({}, EquationError, "it does nothing as it is"),
        ({"equations": "y : 1"}, EquationError, "it does nothing as it is"),
        ({"equations": GAP, "on_pre": "v_post += w"}, EquationError, "either graded or a pulse; write two projections"),
        ({"equations": GAP, "on_post": "v_post += w"}, EquationError, "either graded or a pulse"),
        ({"equations": GAP.replace("(summed)", "(summed, constant)")}, EquationError, "can only be .summed."),
        (
            {"equations": GAP.replace("_post = ", " = ", 1)},
            EquationError,
            "a .summed. line writes a postsynaptic variable",
        ),
        ({"equations": "i_gap_post = w*v_pre.x : amp (summed)"}, EquationError, "attribute access"),
        ({"equations": "y : mA", "on_pre": "v_post += w"}, UnitError, "synapse 'syn': 'y': 'mA' is not a unit"),
        ({"equations": "w : 1", "on_pre": "v_post += w"}, EquationError, r"'w' is what connect\(weight=\) sets"),
        ({"on_pre": "v_post += w", "parameters": {"w": 1}}, EquationError, r"'w' is what connect\(weight=\) sets"),
        ({"on_pre": "v_post += w", "parameters": {"weight": 1}}, EquationError, r"'weight' is what connect\(weight=\)"),
        (
            {"on_pre": "v_post += w", "parameters": {"delay": 1 * ms}},
            EquationError,
            r"'delay' is what connect\(delay=\)",
        ),
        ({"on_pre": "v_post += w", "parameters": {"v_pre": 1}}, EquationError, "ends in _pre or _post"),
        ({"on_pre": "v_post += w", "parameters": {"q": float("nan")}}, CircuitError, "parameter 'q' holds NaN"),
        ({"on_pre": "v_post += w", "parameters": {"q": Trainable()}}, CircuitError, "Trainable without an initial"),
        ({"on_pre": "v_post + w"}, EquationError, "on_pre of synapse 'syn': 'v_post . w' is not an assignment"),
        ({"on_pre": "v_post += open(w)"}, EquationError, "unknown function 'open'"),
        ({"on_post": "v_post += lambda: w"}, EquationError, "on_post of synapse 'syn': Lambda is not allowed"),
    ],
)
def test_synapses_that_cannot_be(given: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SynapseModel(**given, name="syn")
