from __future__ import annotations

import ast

import numpy as np
import pytest
from hypothesis import assume, given

from neurosim.errors import EquationError
from neurosim.program.normalise import constant, constant_value, fold, normalised, powers_as_products
from neurosim.program.statements import Statement
from program.expressions import CONSTANTS, VARIABLES, bounds, execute, expressions, tree


def folded(text: str, constants: dict[str, float] | None = None, *, collect: bool = True) -> str:
    return ast.unparse(fold(tree(text), constants or {}, collect=collect))


def normal(*statements: str, constants: dict[str, float] | None = None) -> list[str]:
    pairs = (statement.split(" = ") for statement in statements)
    given = [Statement(target, tree(text)) for target, text in pairs]
    return [statement.text for statement in normalised(given, constants or {}, "_")]


# -- constants ---------------------------------------------------------------------------------------------------


def test_constant_subtrees_are_evaluated_in_the_order_of_the_tree() -> None:
    assert folded("0.1 + 0.2 + 0.3") == repr((0.1 + 0.2) + 0.3) == "0.6000000000000001"
    assert folded("0.1 + (0.2 + 0.3)") == "0.6"
    assert folded("x*(a + b)", {"a": 0.1, "b": 0.2}) == f"x * {0.1 + 0.2!r}"


def test_functions_of_constants_are_numpys() -> None:
    assert folded("exp(-dt/tau)", {"dt": 1e-4, "tau": 0.02}) == repr(float(np.exp(-1e-4 / 0.02)))


def test_constant_factors_are_collected_into_one_at_the_end() -> None:
    assert folded("2*x*3") == "x * 6.0"
    assert folded("(a*x)*(y*b)", {"a": 2.0, "b": 5.0}) == "x * y * 10.0"
    assert folded("x*3/4") == "x * 0.75"
    assert folded("-(x*3)") == "x * -3.0"


def test_a_division_stays_a_division() -> None:
    assert folded("x/3") == "x / 3.0"
    assert folded("2/x") == "2.0 / x"


def test_without_collecting_every_operation_stays_where_it_was_written() -> None:
    assert folded("2*x*3", collect=False) == "2.0 * x * 3.0"
    assert folded("1*x + 0", collect=False) == "1.0 * x + 0.0"
    assert folded("(2*3)*x", collect=False) == "6.0 * x"


def test_neutral_elements_are_dropped() -> None:
    assert [folded(text) for text in ("x*1", "1*x", "x/1", "x**1", "x + 0", "0 + x", "x - 0")] == ["x"] * 7
    assert folded("0*x") == "x * 0.0", "0 times an infinity is not 0"
    assert folded("0 - x") == "0.0 - x"


def test_negative_constants_print_with_their_sign_apart() -> None:
    assert folded("a*x", {"a": -2.0}) == "x * -2.0"
    assert folded("a**x", {"a": -2.0}) == "(-2.0) ** x", "the sign belongs to the base, not to the power"
    assert folded("y - a*x", {"a": -2.0}) == "y - x * -2.0"
    assert isinstance(constant(-2.0), ast.UnaryOp)
    assert isinstance(constant(-0.0), ast.UnaryOp)
    assert [constant_value(constant(value)) for value in (-2.0, 0.0, 3.5)] == [-2.0, 0.0, 3.5]


def test_names_of_numbers_are_folded() -> None:
    assert folded("2*pi*x") == f"x * {2 * np.pi!r}"
    assert folded("e*x") == f"x * {np.e!r}"
    assert folded("clip(x, 0, inf)") == "clip(x, 0.0, 1e309)", "Python and Brian2 read that as infinity"


def test_conditions_are_left_alone() -> None:
    assert folded("x > a and not y > 2", {"a": 1.0}) == "x > 1.0 and (not y > 2.0)"
    assert folded("int(not_refractory)*x") == "int(not_refractory) * x"


def test_constants_without_a_value_are_refused() -> None:
    with pytest.raises(EquationError, match=r"0\.0 / 0\.0 is not a number"):
        fold(tree("x + (a - a)/(b - b)"), {"a": 1.0, "b": 2.0})


# -- powers ------------------------------------------------------------------------------------------------------


def test_small_powers_of_names_become_products() -> None:
    assert normal("y = x**2") == ["y = x * x"]
    assert normal("y = x**3") == ["y = x * x * x"]
    assert normal("y = x**4") == ["y = x * x * x * x"]
    assert normal("y = x**-2") == ["y = 1.0 / (x * x)"]
    assert normal("y = x**-1") == ["y = 1.0 / x"]


def test_other_powers_stay() -> None:
    assert normal("y = x**5") == ["y = x ** 5.0"]
    assert normal("y = x**0.5") == ["y = x ** 0.5"]
    assert normal("y = x**n") == ["y = x ** n"]
    assert normal("y = x**0") == ["y = x ** 0.0"]


def test_the_base_of_a_power_is_computed_once() -> None:
    assert normal("y = (x + 1)**2 + (x + 1)**3", "z = (x + 1)**2") == [
        "_base_0 = x + 1.0",
        "y = _base_0 * _base_0 + _base_0 * _base_0 * _base_0",
        "z = _base_0 * _base_0",
    ]


def test_a_base_is_computed_anew_after_what_it_reads_has_changed() -> None:
    assert normal("_x = (x + 1)**2", "x = _x", "y = (x + 1)**2") == [
        "_base_0 = x + 1.0",
        "_x = _base_0 * _base_0",
        "x = _x",
        "_base_1 = x + 1.0",
        "y = _base_1 * _base_1",
    ]


def test_without_a_place_for_the_base_a_compound_power_stays() -> None:
    assert ast.unparse(powers_as_products(tree("(x + y)**2 + x**2"), None)) == "(x + y) ** 2 + x * x"
    assert ast.unparse(powers_as_products(tree("(x + y)**-1"), None)) == "1.0 / (x + y)"


def test_nested_powers() -> None:
    assert normal("y = (x**2 + 1)**2") == ["_base_0 = x * x + 1.0", "y = _base_0 * _base_0"]


# -- statements --------------------------------------------------------------------------------------------------


def test_a_temporary_that_is_constant_disappears() -> None:
    assert normal("_k = dt/tau", "_x = x*_k", "x = _x", constants={"dt": 1e-4, "tau": 0.01}) == [
        f"_x = x * {1e-4 / 0.01!r}",
        "x = _x",
    ]


def test_a_variable_that_becomes_constant_stays() -> None:
    assert normal("v = a", constants={"a": -0.06}) == ["v = -0.06"]


@given(expressions())
def test_the_value_stays_within_rounding(text: str) -> None:
    names = VARIABLES | CONSTANTS
    original = (Statement("value", tree(text)),)
    with np.errstate(all="ignore"):
        try:
            before = bounds(original, names)["value"]
            statements = normalised(original, CONSTANTS, "_")
            after = bounds(statements, names)["value"]
        except (ZeroDivisionError, OverflowError, EquationError):
            assume(False)
        assume(np.isfinite([*before, *after]).all())
        value = execute(statements, names)["value"]
    assert abs(value - before[0]) <= before[1] + after[1]


@given(expressions())
def test_normalising_twice_changes_nothing(text: str) -> None:
    try:
        once = normalised([Statement("value", tree(text))], CONSTANTS, "_")
        twice = normalised(once, {}, "_")
    except EquationError:
        assume(False)
    assert [statement.text for statement in twice] == [statement.text for statement in once]


@given(expressions())
def test_folding_without_collecting_keeps_every_bit(text: str) -> None:
    names = VARIABLES | CONSTANTS
    with np.errstate(all="ignore"):
        try:
            kept = fold(tree(text), CONSTANTS, collect=False)
        except EquationError:
            assume(False)
        before = execute((Statement("value", tree(text)),), {key: np.float64(value) for key, value in names.items()})
        after = execute((Statement("value", kept),), {key: np.float64(value) for key, value in names.items()})
    assert np.array_equal(before["value"], after["value"], equal_nan=True)


@given(expressions())
def test_a_normal_form_holds_no_constant_names_and_no_small_powers(text: str) -> None:
    try:
        statements = normalised([Statement("value", tree(text))], CONSTANTS, "_")
    except EquationError:
        assume(False)
    for statement in statements:
        assert not statement.reads & CONSTANTS.keys()
        for node in ast.walk(statement.expression):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
                exponent = constant_value(node.right)
                assert exponent is None or not 1 <= abs(exponent) <= 4
