"""Expressions for tests: random ones, their exact-enough value, and a bound of what rounding may do to it."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import numpy as np
from hypothesis import strategies as st

from neurosim.circuit.evaluation import evaluate
from neurosim.program.statements import Statement

VARIABLES = {"x": 1.7, "y": -0.3, "z": 12.5}
CONSTANTS = {"a": 0.1, "b": -3.0, "c": 7.5e-3, "d": 20.0, "one": 1.0, "nothing": 0.0}
#: Unit roundoff, with room for functions that are a few last bits off.
ROUNDOFF = 4 * np.finfo(float).eps


def tree(text: str) -> ast.expr:
    """Parse an expression; unlike a user, a program may have names that begin with an underscore."""
    return ast.parse(text, mode="eval").body


def expressions() -> st.SearchStrategy[str]:
    """Return texts of random expressions over the variables and constants above."""
    leaves = st.sampled_from([*VARIABLES, *CONSTANTS, "2", "0.5", "3.0", "1", "0"])

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        operators = st.sampled_from(["+", "-", "*", "*", "/"])
        return st.one_of(
            st.builds("({} {} {})".format, inner, operators, inner),
            st.builds("(-{})".format, inner),
            st.builds("({})**{}".format, inner, st.sampled_from(["2", "3", "4", "-1", "-2", "1", "5"])),
            st.builds("tanh({})".format, inner),
        )

    return st.recursive(leaves, grow, max_leaves=12)


def execute(statements: tuple[Statement, ...], names: Mapping[str, float]) -> dict[str, float]:
    """Execute statements one after another with numpy."""
    values = dict(names)
    for statement in statements:
        values[statement.target] = evaluate(statement.expression, values)
    return values


def with_bound(node: ast.expr, names: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    """Return an expression's value and a bound of its rounding error, to first order.

    Each operation adds one rounding of its result to what the errors of its operands become.
    """
    if isinstance(node, ast.Constant):
        return float(node.value), 0.0  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.UnaryOp):
        value, error = with_bound(node.operand, names)
        return -value, error
    if isinstance(node, ast.Call):
        value, error = with_bound(node.args[0], names)
        result = float(np.tanh(value))
        return result, error + ROUNDOFF * abs(result)
    assert isinstance(node, ast.BinOp)
    (left, left_error), (right, right_error) = with_bound(node.left, names), with_bound(node.right, names)
    if isinstance(node.op, (ast.Add, ast.Sub)):
        result, error = (left + right if isinstance(node.op, ast.Add) else left - right), left_error + right_error
    elif isinstance(node.op, ast.Mult):
        result, error = left * right, abs(left) * right_error + abs(right) * left_error
    elif isinstance(node.op, ast.Div):
        result = left / right
        error = (left_error + abs(result) * right_error) / abs(right)
    else:
        result = left**right
        error = abs(right * left ** (right - 1)) * left_error if left else 0.0
    return float(result), float(error + ROUNDOFF * abs(result))


def bounds(statements: tuple[Statement, ...], names: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Return value and bound of everything that statements assign."""
    values = {name: (value, 0.0) for name, value in names.items()}
    for statement in statements:
        values[statement.target] = with_bound(statement.expression, values)
    return values
