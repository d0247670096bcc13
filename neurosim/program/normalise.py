"""One normal form of expressions for every backend: constants folded and collected, small powers as products."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Collection, Iterable, Mapping

import numpy as np

from neurosim.circuit.evaluation import evaluate
from neurosim.circuit.language import SPECIAL_NAMES, names_in
from neurosim.errors import EquationError
from neurosim.program.statements import Statement, name, transform

#: Integer powers written as products: the same bits in every library, which ``pow`` does not promise.
LARGEST_PRODUCT = 4
#: A sum of parameters in a denominator that is smaller than this part of its terms has lost too many digits.
CANCELLATION = 1e-6


def constant(value: float) -> ast.expr:
    """Return a number as a tree; a negative one is the negation of a positive, printed with its sign apart."""
    if value < 0 or (value == 0 and math.copysign(1.0, value) < 0):
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def constant_value(tree: ast.expr) -> float | None:
    """Return the number that a tree is, or ``None``."""
    if isinstance(tree, ast.Constant) and not isinstance(tree.value, bool):
        return float(tree.value)  # type: ignore[arg-type]
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub) and isinstance(tree.operand, ast.Constant):
        return -float(tree.operand.value)  # type: ignore[arg-type]
    return None


def fold(tree: ast.expr, constants: Mapping[str, float], *, collect: bool = True) -> ast.expr:
    """Return the tree with constant sub-trees evaluated in float64 and the constant factors of a product made one.

    Parameters
    ----------
    tree
        Any expression.
    constants
        SI values of names that are constant.
    collect
        Whether constant factors may move; without it every operation stays where it was written, which is what Brian2
        computes from the same text.

    Raises
    ------
    EquationError
        If a constant sub-tree has no finite value (0/0).
    """

    def visit(node: ast.expr) -> ast.expr | None:
        if isinstance(node, ast.Name) and node.id in constants:
            return constant(float(constants[node.id]))
        if isinstance(node, ast.Name) and node.id in ("pi", "e", "inf"):
            return constant({"pi": math.pi, "e": math.e, "inf": math.inf}[node.id])
        if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
            return ast.Constant(float(node.value))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
            return node.operand
        if isinstance(node, (ast.BinOp, ast.UnaryOp)) or (isinstance(node, ast.Call) and node.args):
            parts = _operands(node)
            if all(constant_value(part) is not None for part in parts) and not _boolean(node):
                return _evaluated(node)
            if isinstance(node, ast.UnaryOp):
                return _collected_sign(node) if collect else None
        return _collected(node) if collect and isinstance(node, ast.BinOp) else None

    return transform(tree, visit)


def without_silent(statements: Iterable[Statement], symbols: Collection[str]) -> tuple[Statement, ...]:
    """Return normal statements without the random numbers that a factor of 0 silences: they are finite, and add 0.

    Parameters
    ----------
    statements
        From :func:`normalised`.
    symbols
        Names that stand for random numbers.
    """

    def silent(node: ast.expr) -> ast.expr | None:
        inner, factor = _split(node)
        return constant(0.0) if factor == 0.0 and isinstance(inner, ast.Name) and inner.id in symbols else None

    found = []
    for statement in statements:
        tree = transform(statement.expression, silent)
        changed = names_in(tree) != statement.reads
        found.append(Statement(statement.target, fold(tree, {})) if changed else statement)
    return tuple(found)


def _operands(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    return list(node.args) if isinstance(node, ast.Call) else []


def _boolean(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def _evaluated(node: ast.expr) -> ast.expr:
    value = float(evaluate(node, {}))
    if math.isnan(value):
        raise EquationError(f"{ast.unparse(node)} is not a number; two constants make 0/0 or inf - inf.")
    return constant(value)


def _collected_sign(node: ast.UnaryOp) -> ast.expr | None:
    inner, factor = _split(node.operand)
    return _times(inner, -factor) if isinstance(node.op, ast.USub) and factor != 1.0 else None


def _split(tree: ast.expr) -> tuple[ast.expr, float]:
    """Return ``(x, c)`` of a tree that is ``x * c``."""
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult):
        value = constant_value(tree.right)
        if value is not None:
            return tree.left, value
    return tree, 1.0


def _times(tree: ast.expr, factor: float) -> ast.expr:
    return tree if factor == 1.0 else ast.BinOp(tree, ast.Mult(), constant(factor))


def _collected(node: ast.BinOp) -> ast.expr | None:
    """Collect the constant factors of a product into one at its end, and drop neutral elements."""
    left, right = constant_value(node.left), constant_value(node.right)
    if isinstance(node.op, ast.Mult):
        if left is not None:
            inner, factor = _split(node.right)
            return _times(inner, left * factor)
        if right is not None:
            inner, factor = _split(node.left)
            return _times(inner, factor * right)
        (first, first_factor), (second, second_factor) = _split(node.left), _split(node.right)
        if first_factor != 1.0 or second_factor != 1.0:
            return _times(ast.BinOp(first, ast.Mult(), second), first_factor * second_factor)
    if isinstance(node.op, ast.Div) and right is not None:
        inner, factor = _split(node.left)
        if factor != 1.0 and right != 0.0:
            return _times(inner, factor / right)
    return _without_neutral(node)


def _without_neutral(node: ast.BinOp) -> ast.expr | None:
    left, right = constant_value(node.left), constant_value(node.right)
    if isinstance(node.op, (ast.Div, ast.Pow)) and right == 1.0:
        return node.left
    if isinstance(node.op, ast.Add) and left == 0.0:
        return node.right
    if isinstance(node.op, (ast.Add, ast.Sub)) and right == 0.0:
        return node.left
    return None


def powers_as_products(tree: ast.expr, hoist: Callable[[ast.expr], ast.expr] | None) -> ast.expr:
    """Write ``x**2``, ``x**3``, ``x**4`` (and their reciprocals) as products.

    Parameters
    ----------
    tree
        Folded expression.
    hoist
        Gives a compound base a name of its own, so that it is computed once; without it such a power stays.
    """

    def visit(node: ast.expr) -> ast.expr | None:
        if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)):
            return None
        exponent = constant_value(node.right)
        if exponent is None or exponent != int(exponent) or not 1 <= abs(exponent) <= LARGEST_PRODUCT:
            return None
        base = node.left
        if not isinstance(base, ast.Name):
            if hoist is None and abs(exponent) != 1:
                return None
            base = base if abs(exponent) == 1 or hoist is None else hoist(base)
        product: ast.expr = base
        for _ in range(int(abs(exponent)) - 1):
            product = ast.BinOp(product, ast.Mult(), base)
        return product if exponent > 0 else ast.BinOp(ast.Constant(1.0), ast.Div(), product)

    return transform(tree, visit)


def normalised(statements: Iterable[Statement], constants: Mapping[str, float], prefix: str) -> tuple[Statement, ...]:
    """Return statements in normal form; bases of powers become statements of their own.

    Parameters
    ----------
    statements
        Any.
    constants
        SI values of the names that are constant.
    prefix
        Begins the names of new temporaries.
    """
    result: list[Statement] = []

    def hoist(base: ast.expr) -> ast.expr:
        text = ast.unparse(base)
        if text not in known:
            known[text] = f"{prefix}base_{len(names)}"
            names.add(known[text])
            result.append(Statement(known[text], base))
        return name(known[text])

    names: set[str] = set()
    known: dict[str, str] = {}
    constants = dict(constants)
    for statement in statements:
        expression = fold(powers_as_products(fold(statement.expression, constants), hoist), {})
        value = constant_value(expression)
        if value is not None and statement.target.startswith("_"):
            constants[statement.target] = value
            continue
        result.append(Statement(statement.target, expression))
        # What was hoisted stays valid only while nothing it reads changes.
        known = {text: temporary for text, temporary in known.items() if statement.target not in _reads(text)}
    return tuple(result)


def _reads(text: str) -> frozenset[str]:
    return names_in(ast.parse(text, mode="eval"))


def refuse_cancellation(
    statements: Iterable[Statement], values: Mapping[str, float | np.ndarray], where: str, names: Callable[[str], str]
) -> None:
    """Refuse nearly equal parameters whose difference is divided by, as in the exact solution of two time constants.

    Raises
    ------
    EquationError
        Naming the parameters. Equal ones share a symbol before integration and never come here.
    """
    for statement in statements:
        for node in ast.walk(statement.expression):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                for total in _sums(node.right):
                    _refuse_difference(total, values, where, names)


def _sums(tree: ast.expr) -> list[ast.BinOp]:
    """Return the sums in a tree, each whole: a part of a sum may vanish without harm."""
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, (ast.Add, ast.Sub)):
        return [tree] + [inner for term in _terms(tree) for inner in _sums(term)]
    return [total for child in ast.iter_child_nodes(tree) if isinstance(child, ast.expr) for total in _sums(child)]


def _terms(tree: ast.expr) -> list[ast.expr]:
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, (ast.Add, ast.Sub)):
        return _terms(tree.left) + _terms(tree.right)
    return [tree]


def _refuse_difference(
    total: ast.BinOp, values: Mapping[str, float | np.ndarray], where: str, names: Callable[[str], str]
) -> None:
    reads = names_in(total)
    if not reads <= values.keys():
        return
    sizes = np.broadcast_arrays(*(np.abs(evaluate(term, values)) for term in _terms(total)))
    scale = np.max(sizes, axis=0)
    if np.any((np.abs(evaluate(total, values)) < CANCELLATION * scale) & (scale > 0)):
        listed = ", ".join(sorted({names(used) for used in reads - SPECIAL_NAMES})) or "time constants"
        raise EquationError(
            f"{where}: {listed} are too nearly equal (or equal only for some neurons, while refractory, or until they "
            "are trained): the exact solution divides by their difference and loses more than half of the digits. "
            "Make them one constant or more different, or choose method='exponential_euler'."
        )
