"""Expressions that are affine in some variables: a coefficient for each, and a constant.

Other simulators hold a neuron as numbers (a time constant, a resistance, a threshold), where a circuit holds it as
equations. What is read here is therefore the form of the equations and not the names in them, so that a user's own
leaky integrate-and-fire neuron is found to be one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.circuit.evaluation import evaluate
from neurosim.circuit.language import names_in
from neurosim.errors import EquationError
from neurosim.program.statements import Statement

#: A number for all neurons, or one for each.
Number = float | np.ndarray


class NotAffineError(Exception):
    """An expression is not affine in its variables; says which."""


@dataclass(frozen=True)
class Affine:
    """``sum(coefficients[x] * x) + constant``.

    Parameters
    ----------
    coefficients
        By variable; one that does not occur has none.
    constant
        What remains.
    """

    coefficients: Mapping[str, Number] = field(default_factory=dict)
    constant: Number = 0.0

    def of(self, variable: str) -> Number:
        """Return the coefficient of a variable, 0 where it does not occur."""
        return self.coefficients.get(variable, 0.0)

    def plus(self, other: Affine, sign: float = 1.0) -> Affine:
        """Return the sum, or with ``sign=-1`` the difference."""
        names = dict.fromkeys((*self.coefficients, *other.coefficients))
        coefficients = {name: _sum(self.coefficients.get(name), other.coefficients.get(name), sign) for name in names}
        return Affine(coefficients, _sum(self.constant, other.constant, sign))

    def times(self, factor: Number) -> Affine:
        """Return the product with a number."""
        return Affine({name: value * factor for name, value in self.coefficients.items()}, self.constant * factor)

    def over(self, divisor: Number) -> Affine:
        """Return the quotient by a number."""
        return Affine({name: value / divisor for name, value in self.coefficients.items()}, self.constant / divisor)


def _sum(first: Number | None, second: Number | None, sign: float) -> Number:
    """Add what is there: a number that stands alone stays what it was, bit for bit."""
    if second is None:
        return 0.0 if first is None else first
    signed = second if sign > 0 else -second
    return signed if first is None else first + signed


def affine(tree: ast.expr, known: Mapping[str, Any], variables: Iterable[str]) -> Affine:
    """Return an expression in terms of its variables.

    Parameters
    ----------
    tree
        From :func:`neurosim.circuit.language.parse_expression`.
    known
        Values of the other names: floats, or arrays (neuron,).
    variables
        The names that stay.

    Raises
    ------
    NotAffineError
        If it is no sum of multiples of the variables, or reads a name that has no value.
    """
    return _affine(tree, known, {name: Affine({name: 1.0}) for name in variables})


def executed(statements: Iterable[Statement], known: Mapping[str, Any], variables: Iterable[str]) -> dict[str, Affine]:
    """Return what the statements of a program make of its variables, each in terms of all as they stood before.

    Raises
    ------
    NotAffineError
        If that is not affine.
    """
    forms = {name: Affine({name: 1.0}) for name in variables}
    names = tuple(forms)
    for statement in statements:
        forms[statement.target] = _affine(statement.expression, known, forms)
    return {name: forms[name] for name in names}


def quotient(tree: ast.expr, known: Mapping[str, Any], variables: Iterable[str]) -> tuple[Affine, Number]:
    """Return numerator and divisor of a rate of change, such as ``(v_leak - v + r*i)/tau``; the divisor is 1 without.

    Kept apart, because a time constant that is divided by and multiplied with again loses its last digits.
    """
    forms = {name: Affine({name: 1.0}) for name in variables}
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Div) and not names_in(tree.right) & forms.keys():
        return _affine(tree.left, known, forms), _number(tree.right, known)
    return _affine(tree, known, forms), 1.0


def _affine(tree: ast.expr, known: Mapping[str, Any], forms: Mapping[str, Affine]) -> Affine:
    if isinstance(tree, ast.Name) and tree.id in forms:
        return forms[tree.id]
    if not names_in(tree) & forms.keys():
        return Affine(constant=_number(tree, known))
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, (ast.USub, ast.UAdd)):
        inner = _affine(tree.operand, known, forms)
        return inner.times(-1.0) if isinstance(tree.op, ast.USub) else inner
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)):
        return _combined(tree, _affine(tree.left, known, forms), _affine(tree.right, known, forms))
    raise NotAffineError(f"{ast.unparse(tree)} is not linear")


def _combined(tree: ast.BinOp, left: Affine, right: Affine) -> Affine:
    if isinstance(tree.op, (ast.Add, ast.Sub)):
        return left.plus(right, -1.0 if isinstance(tree.op, ast.Sub) else 1.0)
    if isinstance(tree.op, ast.Mult) and not right.coefficients:
        return left.times(right.constant)
    if isinstance(tree.op, ast.Mult) and not left.coefficients:
        return right.times(left.constant)
    if isinstance(tree.op, ast.Div) and not right.coefficients:
        return left.over(right.constant)
    raise NotAffineError(f"{ast.unparse(tree)} is not linear")


def _number(tree: ast.expr, known: Mapping[str, Any]) -> Number:
    try:
        value = np.asarray(evaluate(tree, known), dtype=np.float64)
    except EquationError as error:
        raise NotAffineError(str(error).rstrip(".")) from None
    return float(value) if value.ndim == 0 else value
