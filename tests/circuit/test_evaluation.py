"""Values of expressions against the same operations written in numpy."""

from __future__ import annotations

import ast
import math
import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from neurosim.circuit.evaluation import FUNCTIONS, evaluate, exprel, timestep
from neurosim.circuit.language import FUNCTIONS as KNOWN
from neurosim.circuit.language import RANDOM_FUNCTIONS, parse_expression
from neurosim.errors import EquationError

NAMES = {"x": np.float64(0.7), "y": np.array([-1.5, 0.0, 2.25]), "n": np.float64(3.0)}
# Python's operators, not numpy's functions: np.power of two scalars differs from ** in the last bit.
_OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
              "%": operator.mod, "**": operator.pow}  # fmt: skip
_ONE = {
    name: getattr(np, name)
    for name in ("abs", "arctan", "ceil", "cos", "exp", "expm1", "floor", "log", "sign", "sin", "sqrt", "tanh")
}


def value_of(text: str, names: dict[str, Any] | None = None) -> Any:
    return evaluate(parse_expression(text, "test"), NAMES if names is None else names)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> tuple[str, Any]:
    """Return a text and the value that numpy gives for the same operations in the same order."""
    kind = draw(st.sampled_from(["number", "name"] if depth == 0 else ["number", "name", "operation", "minus", "call"]))
    if kind == "number":
        number = draw(st.floats(0, 1e6, allow_nan=False) | st.integers(0, 50))
        return repr(number), np.float64(number)
    if kind == "name":
        name = draw(st.sampled_from(sorted(NAMES)))
        return name, NAMES[name]
    with np.errstate(all="ignore"):
        text, value = draw(expressions(depth - 1))
        if kind == "minus":
            return f"(-{text})", -value
        if kind == "call":
            name = draw(st.sampled_from(sorted(_ONE)))
            return f"{name}({text})", _ONE[name](value)
        right_text, right = draw(expressions(depth - 1))
        symbol = draw(st.sampled_from(sorted(_OPERATORS)))
        return f"({text} {symbol} {right_text})", _OPERATORS[symbol](value, right)


@given(expressions())
def test_equals_numpy_to_the_last_bit(case: tuple[str, Any]) -> None:
    text, expected = case
    np.testing.assert_array_equal(np.asarray(value_of(text)), np.asarray(expected))


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_comparisons(a: float, b: float) -> None:
    names = {"a": np.float64(a), "b": np.float64(b)}
    for text, expected in [
        ("a < b", a < b), ("a <= b", a <= b), ("a > b", a > b), ("a >= b", a >= b), ("a == b", a == b),
        ("a != b", a != b), ("a < b and b > 0", a < b and b > 0), ("not a < b", not a < b),
        ("a < b or b > 0 or a == 1", a < b or b > 0 or a == 1),
    ]:  # fmt: skip
        assert bool(value_of(text, names)) == expected


def test_logic_of_arrays_is_element_by_element() -> None:
    assert value_of("y < 0 or y > 2").tolist() == [True, False, True]
    assert value_of("y > -1 and not y > 2").tolist() == [False, True, False]


def test_truth_values_count_as_0_and_1_in_arithmetic() -> None:
    assert value_of("(x > 0) + (x < 1)") == 2.0
    assert value_of("(x > 0) - (x < 1)") == 0.0
    assert value_of("-(x > 0)") == -1.0
    assert value_of("3*(y > 0)").tolist() == [0.0, 0.0, 3.0]
    assert value_of("-(y < 1)").tolist() == [-1.0, -1.0, 0.0]


def test_division_is_true_division_and_has_no_exceptions() -> None:
    assert value_of("1/2") == 0.5
    assert value_of("7//2") == 3.0
    assert value_of("-7 % 3") == 2.0
    assert value_of("1/0") == math.inf
    assert math.isnan(value_of("0/0"))


def test_numbers_are_floats() -> None:
    # 2**-1 and 10**20 fail or differ for numpy's integers.
    assert value_of("2**-1") == 0.5
    assert value_of("10**20*10") == 1e21
    assert isinstance(value_of("3"), np.float64)
    assert value_of("True") is True


def test_constants() -> None:
    assert value_of("pi") == math.pi
    assert value_of("e") == math.e
    assert value_of("-inf") == -math.inf
    assert value_of("e", {"e": 1.0}) == 1.0  # a name of the model comes first


def test_every_function_that_draws_nothing_has_a_value() -> None:
    assert FUNCTIONS.keys() == KNOWN.keys() - RANDOM_FUNCTIONS
    for name in FUNCTIONS:
        arguments = ", ".join(["0.25", "0.5", "0.75"][: KNOWN[name]])
        assert np.isfinite(value_of(f"{name}({arguments})"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clip(y, -1, 2)", [-1, 0, 2]), ("int(y)", [-1, 0, 2]), ("int(y > 0)", [0, 0, 1]), ("sign(y)", [-1, 0, 1]),
        ("arcsin(0.5)", math.asin(0.5)), ("arccos(0.5)", math.acos(0.5)), ("log10(100)", 2), ("log1p(0)", 0),
        ("sinh(1)", math.sinh(1)), ("cosh(1)", math.cosh(1)), ("tan(1)", math.tan(1)),
    ],
)  # fmt: skip
def test_functions(text: str, expected: Any) -> None:
    np.testing.assert_allclose(value_of(text), expected, rtol=1e-15)


@given(st.floats(-700, 700))
def test_exprel_against_scipy(x: float) -> None:
    np.testing.assert_allclose(exprel(x), special.exprel(x), rtol=1e-14)


def test_exprel_at_zero() -> None:
    assert exprel(0.0) == 1.0
    assert exprel(np.array([0.0, 1e-17]))[1] == 1.0


@given(st.integers(0, 10**7), st.sampled_from([1e-4, 1e-3, 5e-4, 2.5e-5]))
def test_timestep_of_a_multiple_of_dt(step: int, dt: float) -> None:
    assert timestep(step * dt, dt) == step
    assert timestep((step + 0.5) * dt, dt) == step


def test_a_name_without_a_value() -> None:
    with pytest.raises(EquationError, match="'z' has no value here; known: n, x, y"):
        value_of("x + z")
    with pytest.raises(EquationError, match="known: nothing"):
        value_of("z", {})


def test_random_numbers_have_no_single_value() -> None:
    with pytest.raises(EquationError, match="no single value"):
        value_of("1 + rand()")


def test_only_checked_trees() -> None:
    with pytest.raises(EquationError):
        evaluate(ast.parse("x.real", mode="eval").body, NAMES)
    with pytest.raises(EquationError):
        evaluate(ast.parse("open(x)", mode="eval").body, NAMES)
