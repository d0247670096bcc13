"""The value of an expression in normal form, computed by numpy: bit for bit what the exact mode of torch computes.

:mod:`neurosim.program.torch_functions` says which functions that mode takes from numpy; the rest are single operations
of IEEE arithmetic, the same everywhere. A simulation in compiled loops needs no torch for what it computes once.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from neurosim.circuit.evaluation import FUNCTIONS
from neurosim.program.normalise import constant_value
from neurosim.program.statements import Statement

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: np.power, ast.FloorDiv: np.floor_divide, ast.Mod: np.remainder,
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip


def _timestep(time: Any, dt: Any) -> Any:
    """Return the step that a time falls in, as a real number, with Brian2's tolerance of a thousandth of a step."""
    return np.floor((time + 1e-3 * dt) / dt)


def _as_number(value: Any) -> Any:
    """Return 0 or 1 of a condition, the whole part of a number."""
    value = np.asarray(value)
    return value.astype(np.float64) if value.dtype == np.bool_ else np.trunc(value)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **FUNCTIONS, "int": _as_number, "timestep": _timestep, "minimum": np.minimum, "maximum": np.maximum,
}  # fmt: skip


def exact_number(tree: ast.expr, values: Mapping[str, Any]) -> Any:
    """Return the value of an expression in normal form.

    Parameters
    ----------
    tree
        The expression.
    values
        Of the names in it: float64 or bool, numbers or arrays.
    """
    with np.errstate(all="ignore"):
        return _number(tree, values)


def exact_numbers(statements: Iterable[Statement], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values, and what statements make of them one after another, by name."""
    found = dict(values)
    for statement in statements:
        found[statement.target] = exact_number(statement.expression, found)
    return found


def _number(tree: ast.expr, values: Mapping[str, Any]) -> Any:
    number = constant_value(tree)
    if number is not None:
        return np.float64(number)
    if isinstance(tree, ast.Constant):
        return tree.value
    if isinstance(tree, ast.Name):
        return values[tree.id]
    if isinstance(tree, ast.BinOp):
        return _BINARY[type(tree.op)](_number(tree.left, values), _number(tree.right, values))
    if isinstance(tree, ast.UnaryOp):
        value = _number(tree.operand, values)
        return np.negative(value) if isinstance(tree.op, ast.USub) else np.logical_not(value)
    if isinstance(tree, ast.Compare):
        return _COMPARE[type(tree.ops[0])](_number(tree.left, values), _number(tree.comparators[0], values))
    if isinstance(tree, ast.BoolOp):
        combine = np.logical_and if isinstance(tree.op, ast.And) else np.logical_or
        result = _number(tree.values[0], values)
        for part in tree.values[1:]:
            result = combine(result, _number(part, values))
        return result
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        raise TypeError(f"cannot compute {ast.unparse(tree)!r}")
    return _FUNCTIONS[tree.func.id](*(_number(argument, values) for argument in tree.args))
