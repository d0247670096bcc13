"""Statements printed as torch code, through :mod:`torch.fx`.

A printed program is an ``fx.GraphModule``: readable (``print(program.code)``), an ``nn.Module``, and open to
``torch.compile``. Whatever depends on parameters only is computed once before the time loop (the prologue).
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from neurosim.circuit.language import names_in
from neurosim.program.frozen import Frozen
from neurosim.program.normalise import constant_value
from neurosim.program.statements import Statement, name
from neurosim.program.torch_functions import DIFFERENTIABLE, EXACT, as_number, divided

_ARITHMETIC: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], Callable[..., Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip
_NAMED = {ast.Pow: "power", ast.FloorDiv: "floor_divided", ast.Mod: "remainder"}


@dataclass(frozen=True)
class Printed(Frozen):
    """A printed program: call it with the values of `reads`, in order; it returns those of `writes`."""

    call: Callable[..., tuple[Any, ...]]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    code: str

    def __call__(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the program writes, by name, from a mapping of what it reads."""
        results = self.call(*(values[item] for item in self.reads))
        return dict(zip(self.writes, results, strict=True))


class TorchPrinter:
    """Prints statements for one dtype.

    Parameters
    ----------
    dtype
        Compute dtype.
    exact
        Use numpy for what torch computes with other last bits (no gradients, CPU).
    """

    def __init__(self, dtype: torch.dtype, *, exact: bool) -> None:
        self.dtype = dtype
        self.functions = EXACT if exact else DIFFERENTIABLE

    def print(self, statements: Sequence[Statement], writes: Sequence[str]) -> Printed:
        """Print statements executed in order.

        Parameters
        ----------
        statements
            In normal form.
        writes
            Names whose last value is returned; a name that no statement assigns is passed through.
        """
        graph = fx.Graph()
        assigned: set[str] = set()
        reads: dict[str, None] = {}
        for statement in statements:
            reads.update(dict.fromkeys(sorted(statement.reads - assigned)))
            assigned.add(statement.target)
        reads.update(dict.fromkeys(item for item in writes if item not in assigned))
        values: dict[str, Any] = {item: graph.placeholder(item) for item in reads}
        for statement in statements:
            values[statement.target] = self._node(graph, statement.expression, values)
        graph.output(tuple(values[item] for item in writes))
        graph.lint()
        module = fx.GraphModule(nn.Module(), graph, "StepProgram")
        return Printed(module.forward, tuple(reads), tuple(writes), module.code)

    def print_expression(self, tree: ast.expr) -> Printed:
        """Print one expression; its value is written as ``value``."""
        return self.print([Statement("value", tree)], ["value"])

    def _node(self, graph: fx.Graph, tree: ast.expr, values: Mapping[str, Any]) -> Any:
        number = constant_value(tree)
        if number is not None:
            return number
        if isinstance(tree, ast.Constant):
            return tree.value
        if isinstance(tree, ast.Name):
            return values[tree.id]
        if isinstance(tree, ast.BinOp):
            left, right = self._node(graph, tree.left, values), self._node(graph, tree.right, values)
            if type(tree.op) in _NAMED:
                return graph.call_function(self.functions[_NAMED[type(tree.op)]], (left, right))
            if isinstance(tree.op, ast.Div) and isinstance(left, float):
                return graph.call_function(divided, (left, right))
            return graph.call_function(_ARITHMETIC[type(tree.op)], (left, right))
        if isinstance(tree, ast.UnaryOp):
            operand = self._node(graph, tree.operand, values)
            return graph.call_function(operator.neg if isinstance(tree.op, ast.USub) else torch.logical_not, (operand,))
        if isinstance(tree, ast.Compare):
            sides = (self._node(graph, tree.left, values), self._node(graph, tree.comparators[0], values))
            return graph.call_function(_COMPARE[type(tree.ops[0])], sides)
        if isinstance(tree, ast.BoolOp):
            combine = torch.logical_and if isinstance(tree.op, ast.And) else torch.logical_or
            result = self._node(graph, tree.values[0], values)
            for part in tree.values[1:]:
                result = graph.call_function(combine, (result, self._node(graph, part, values)))
            return result
        return self._call(graph, tree, values)

    def _call(self, graph: fx.Graph, tree: ast.expr, values: Mapping[str, Any]) -> Any:
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
            raise TypeError(f"cannot print {ast.unparse(tree)!r}")
        arguments = tuple(self._node(graph, argument, values) for argument in tree.args)
        if tree.func.id == "int":
            return graph.call_function(as_number, (*arguments, self.dtype))
        return graph.call_function(self.functions[tree.func.id], arguments)


def split_prologue(
    statements: Iterable[Statement], fixed: frozenset[str], prefix: str
) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
    """Split statements into those computed once and those of every step.

    Parameters
    ----------
    statements
        In normal form.
    fixed
        Names that do not change within a run.
    prefix
        Begins the names of what is computed once.

    Returns
    -------
    tuple
        (prologue, step): the step reads names that the prologue writes; operations and their order are unchanged.
    """
    prologue: list[Statement] = []
    names: dict[str, str] = {}
    constant = set(fixed)

    def lift(tree: ast.expr) -> ast.expr:
        reads = names_in(tree)
        if reads and reads <= constant and not isinstance(tree, ast.Name):
            text = ast.unparse(tree)
            if text not in names:
                names[text] = f"{prefix}{len(names)}"
                prologue.append(Statement(names[text], tree))
            return name(names[text])
        if isinstance(tree, ast.BinOp):
            return ast.BinOp(lift(tree.left), tree.op, lift(tree.right))
        if isinstance(tree, ast.UnaryOp):
            return ast.UnaryOp(tree.op, lift(tree.operand))
        if isinstance(tree, ast.Compare):
            return ast.Compare(lift(tree.left), tree.ops, [lift(side) for side in tree.comparators])
        if isinstance(tree, ast.BoolOp):
            return ast.BoolOp(tree.op, [lift(part) for part in tree.values])
        if isinstance(tree, ast.Call):
            return ast.Call(tree.func, [lift(argument) for argument in tree.args], [])
        return tree

    step = []
    for statement in statements:
        if statement.target.startswith("_") and statement.reads and statement.reads <= constant:
            prologue.append(statement)
            constant.add(statement.target)
        else:
            step.append(Statement(statement.target, lift(statement.expression)))
    return tuple(prologue), tuple(step)
