"""Dimensions of expressions are those that Brian2's parser finds, or left to it."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.circuit.expression_dimensions import dimension_found, is_condition_found
from neurosim.errors import EquationError, UnitError
from neurosim.units import (
    dimension_of,
    dimension_of_expression,
    expression_functions,
    expression_variable,
    is_condition,
)

UNITS = {"v": "volt", "w": "volt", "i": "amp", "t": "second", "dt": "second", "x": "1", "on": "boolean"}
NAMES = {name: dimension_of("1" if unit == "boolean" else unit) for name, unit in UNITS.items()}
VARIABLES = {**expression_functions(), **{name: expression_variable(name, unit=unit) for name, unit in UNITS.items()}}


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.sampled_from(["+", "-", "*", "*", "/", "/", "%", "//", "<", ">=", "=="])
    plain = st.sampled_from(["exp", "abs", "sqrt", "floor", "int", "sign", "tanh", "log", "ceil", "exprel"])
    return st.one_of(
        st.builds("({} {} {})".format, inner, binary, inner),
        st.builds("({})**{}".format, inner, st.sampled_from(["2", "-1", "0.5", "3", "x"])),
        st.builds("{}({})".format, plain, inner),
        st.builds("clip({}, {}, {})".format, inner, inner, inner),
        st.builds("timestep({}, {})".format, inner, inner),
        st.builds("(-{})".format, inner),
        st.builds("(not {})".format, inner),
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
    )


expressions = st.recursive(st.sampled_from([*UNITS, "1", "2.5", "True", "rand()"]), grow, max_leaves=6)


@given(expressions)
def test_against_brian2(text: str) -> None:
    tree = ast.parse(text, mode="eval").body
    try:
        expected = dimension_of_expression(text, VARIABLES, "here")
    except (UnitError, EquationError):
        expected = None
    found = dimension_found(tree, NAMES)
    assert found is None or found == expected
    if found is not None:
        condition = is_condition_found(tree, {"on"}, NAMES.keys())
        assert condition is None or condition == is_condition(text, VARIABLES)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("(v - w)/(2*t)", "volt/second"), ("v*i", "watt"), ("exp(v/w)*x", "1"), ("sqrt(v*v)", "volt"),
        ("(v/i)**-2", "siemens**2"), ("clip(v, w, v)", "volt"), ("timestep(t, dt)", "1"), ("v > w and not on", "1"),
        ("abs(-i)", "amp"), ("int(on)*v", "volt"),
    ],
)  # fmt: skip
def test_what_is_found(text: str, unit: str) -> None:
    assert dimension_found(ast.parse(text, mode="eval").body, NAMES) == dimension_of(unit)


@pytest.mark.parametrize("text", ["v + i", "v < t", "exp(v)", "clip(v, i, v)", "v**x", "unknown", "timestep(v, dt)"])
def test_what_is_left_to_brian2(text: str) -> None:
    assert dimension_found(ast.parse(text, mode="eval").body, NAMES) is None
