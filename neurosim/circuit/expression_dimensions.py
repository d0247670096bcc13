"""The dimension of an expression by the rules of Brian2's parser, where nothing is wrong with it.

Tests hold what is found here against that parser. Where something is wrong, or not known here, the answer is ``None``,
and Brian2 is asked, whose messages say what it is.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Set

from neurosim.unit_table import NONE, Dimension, multiplied, plain_number, raised

_SECOND: Dimension = (0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0)
#: Functions of plain numbers, by how many they take.
_PLAIN = {
    **dict.fromkeys(("rand", "randn"), 0),
    **dict.fromkeys(
        "arccos arcsin arctan cos cosh exp expm1 exprel int log log10 log1p poisson sin sinh tan tanh".split(), 1
    ),
}
#: Functions of one value of any dimension, by the power of it that they return.
_ANY = {"abs": 1.0, "ceil": 1.0, "floor": 1.0, "sign": 0.0, "sqrt": 0.5}


def dimension_found(tree: ast.expr, names: Mapping[str, Dimension]) -> Dimension | None:
    """Return the dimension of an expression, ``None`` where that is not certain.

    Parameters
    ----------
    tree
        The expression.
    names
        Dimensions by name; that of a condition is none.
    """
    if isinstance(tree, ast.Name):
        return NONE if tree.id in ("True", "False") else names.get(tree.id)
    if isinstance(tree, ast.Constant):
        return NONE if isinstance(tree.value, (bool, int, float)) else None
    if isinstance(tree, ast.UnaryOp):
        found = dimension_found(tree.operand, names)
        return NONE if found is not None and isinstance(tree.op, ast.Not) else found
    if isinstance(tree, ast.BoolOp):
        return None if None in [dimension_found(part, names) for part in tree.values] else NONE
    if isinstance(tree, ast.Compare):
        sides = {dimension_found(part, names) for part in (tree.left, *tree.comparators)}
        return NONE if len(sides) == 1 and None not in sides else None
    if isinstance(tree, ast.BinOp):
        return _of_operation(tree, names)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.keywords:
        given = [dimension_found(part, names) for part in tree.args]
        return None if tree.func.id in names else _of_call(tree.func.id, given)
    return None


def _of_operation(tree: ast.BinOp, names: Mapping[str, Dimension]) -> Dimension | None:
    left, right = dimension_found(tree.left, names), dimension_found(tree.right, names)
    if left is None or right is None:
        return None
    if isinstance(tree.op, (ast.Add, ast.Sub, ast.Mod)):
        return left if left == right else None
    if isinstance(tree.op, ast.Mult):
        return multiplied(left, right, 1)
    if isinstance(tree.op, ast.Div):
        return multiplied(left, right, -1)
    if left == right == NONE and isinstance(tree.op, (ast.FloorDiv, ast.Pow)):
        return NONE
    exponent = plain_number(tree.right) if isinstance(tree.op, ast.Pow) else None
    return None if exponent is None else raised(left, exponent)


def _of_call(function: str, given: list[Dimension | None]) -> Dimension | None:
    if None in given:
        return None
    if function in _PLAIN:
        return NONE if given == [NONE] * _PLAIN[function] else None
    if function in _ANY:
        return raised(given[0] or NONE, _ANY[function]) if len(given) == 1 else None
    if function == "clip":
        return given[0] if len(given) == 3 and given[0] == given[1] == given[2] else None
    if function == "timestep":
        return NONE if given == [_SECOND, _SECOND] else None
    return None


def is_condition_found(tree: ast.expr, conditions: Set[str], names: Set[str]) -> bool | None:
    """Tell whether an expression is true or false and no number, ``None`` where that is not certain.

    Parameters
    ----------
    tree
        The expression.
    conditions, names
        Names that are true or false, and all names.
    """
    if isinstance(tree, ast.Compare):
        return True
    if isinstance(tree, ast.BoolOp):
        return True if all(is_condition_found(part, conditions, names) for part in tree.values) else None
    if isinstance(tree, ast.UnaryOp):
        return isinstance(tree.op, ast.Not)
    if isinstance(tree, ast.Constant):
        return isinstance(tree.value, bool)
    if isinstance(tree, ast.Name):
        return tree.id in conditions or (tree.id not in names and tree.id in ("True", "False"))
    return False if isinstance(tree, ast.BinOp) else None
