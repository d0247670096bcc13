"""The value of an expression of the closed grammar, computed with numpy by walking its tree.

Used where a value is wanted once, on the host: initial values given as text, and the folding of constants. The order
of operations is the tree's, in float64, so that a folded constant equals what a simulator would compute each step.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from neurosim.errors import EquationError

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "True": True, "False": False}


def timestep(time: Any, dt: Any) -> Any:
    """Return the index of the step that a time falls in, with Brian2's tolerance of a thousandth of a step."""
    return np.floor((time + 1e-3 * dt) / dt).astype(np.int64)


def exprel(x: Any) -> Any:
    """Return ``(exp(x) - 1)/x``, which is 1 at 0."""
    x = np.asarray(x, dtype=np.float64)
    small = np.abs(x) < 1e-16
    return np.where(small, 1.0, np.expm1(x) / np.where(small, 1.0, x))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": np.abs, "arccos": np.arccos, "arcsin": np.arcsin, "arctan": np.arctan, "ceil": np.ceil, "clip": np.clip,
    "cos": np.cos, "cosh": np.cosh, "exp": np.exp, "expm1": np.expm1, "exprel": exprel, "floor": np.floor,
    "int": lambda x: np.asarray(x).astype(np.int64), "log": np.log, "log10": np.log10, "log1p": np.log1p,
    "sign": np.sign, "sin": np.sin, "sinh": np.sinh, "sqrt": np.sqrt, "tan": np.tan, "tanh": np.tanh,
    "timestep": timestep,
}  # fmt: skip


def _number(value: Any) -> Any:
    """Return a truth value as 0 or 1; numpy neither subtracts nor negates them, and adds them by ``or``."""
    return np.asarray(value, dtype=np.float64)[()] if np.asarray(value).dtype == np.bool_ else value


def evaluate(tree: ast.expr, names: Mapping[str, Any]) -> Any:
    """Evaluate a checked tree.

    Parameters
    ----------
    tree
        From :func:`neurosim.circuit.language.parse_expression`.
    names
        Value of each name, float or array.

    Raises
    ------
    EquationError
        If a name has no value here.
    """
    if isinstance(tree, ast.Constant):
        return tree.value if isinstance(tree.value, bool) else np.float64(tree.value)  # type: ignore[arg-type]
    if isinstance(tree, ast.Name):
        if tree.id in names:
            return names[tree.id]
        if tree.id in CONSTANTS:
            return CONSTANTS[tree.id]
        raise EquationError(f"{tree.id!r} has no value here; known: {', '.join(sorted(names)) or 'nothing'}.")
    if isinstance(tree, ast.BinOp):
        left, right = evaluate(tree.left, names), evaluate(tree.right, names)
        with np.errstate(all="ignore"):
            return _BINARY[type(tree.op)](_number(left), _number(right))
    if isinstance(tree, ast.UnaryOp):
        value = evaluate(tree.operand, names)
        if isinstance(tree.op, ast.Not):
            return np.logical_not(value)
        value = _number(value)
        return -value if isinstance(tree.op, ast.USub) else value
    if isinstance(tree, ast.BoolOp):
        parts = [evaluate(part, names) for part in tree.values]
        combine = np.logical_and if isinstance(tree.op, ast.And) else np.logical_or
        result = parts[0]
        for part in parts[1:]:
            result = combine(result, part)
        return result
    if isinstance(tree, ast.Compare):
        return _COMPARE[type(tree.ops[0])](evaluate(tree.left, names), evaluate(tree.comparators[0], names))
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id in FUNCTIONS:
        with np.errstate(all="ignore"):
            return FUNCTIONS[tree.func.id](*(evaluate(argument, names) for argument in tree.args))
    raise EquationError(f"{ast.unparse(tree)!r} has no single value (random numbers differ at every call).")
