"""Statements printed as torch code, through :mod:`torch.fx`.

A printed program is an ``fx.GraphModule``: readable (``print(program.code)``), an ``nn.Module``, and open to
``torch.compile``.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn

from neurosim.program.frozen import Frozen
from neurosim.program.normalise import constant_value
from neurosim.program.statements import Statement
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
        writer = _Writer(self.dtype, self.functions)
        assigned: set[str] = set()
        reads: dict[str, None] = {}
        for statement in statements:
            reads.update(dict.fromkeys(sorted(statement.reads - assigned)))
            assigned.add(statement.target)
        reads.update(dict.fromkeys(item for item in writes if item not in assigned))
        writer.values = {item: writer.graph.placeholder(f"{item}_" if item == "self" else item) for item in reads}
        for statement in statements:
            writer.values[statement.target] = writer.node(statement.expression, statement.target)
        writer.graph.output(tuple(writer.values[item] for item in writes))
        writer.graph.lint()
        module = fx.GraphModule(nn.Module(), writer.graph, "StepProgram")
        return Printed(module.forward, tuple(reads), tuple(writes), module.code)

    def print_expression(self, tree: ast.expr) -> Printed:
        """Print one expression; its value is written as ``value``."""
        return self.print([Statement("value", tree)], ["value"])


class _Writer:
    """Writes expressions into one graph, each operation on the same operands once."""

    def __init__(self, dtype: torch.dtype, functions: Mapping[str, Callable[..., Any]]) -> None:
        self.dtype = dtype
        self.functions = functions
        self.graph = fx.Graph()
        self.values: dict[str, Any] = {}
        self._written: dict[tuple[Any, ...], fx.Node] = {}

    def node(self, tree: ast.expr, title: str | None = None) -> Any:
        """Return what stands for a tree: a number or a node, called `title` where it is new."""
        number = constant_value(tree)
        if number is not None:
            return number
        if isinstance(tree, ast.Constant):
            return tree.value
        if isinstance(tree, ast.Name):
            return self.values[tree.id]
        if isinstance(tree, ast.BinOp):
            left, right = self.node(tree.left), self.node(tree.right)
            function = _ARITHMETIC.get(type(tree.op)) or self.functions[_NAMED[type(tree.op)]]
            # torch would multiply by the reciprocal.
            by_hand = isinstance(tree.op, ast.Div) and isinstance(left, float)
            return self._call(divided if by_hand else function, (left, right), title)
        if isinstance(tree, ast.UnaryOp):
            negative = isinstance(tree.op, ast.USub)
            return self._call(operator.neg if negative else torch.logical_not, (self.node(tree.operand),), title)
        if isinstance(tree, ast.Compare):
            sides = (self.node(tree.left), self.node(tree.comparators[0]))
            return self._call(_COMPARE[type(tree.ops[0])], sides, title)
        if isinstance(tree, ast.BoolOp):
            combine = torch.logical_and if isinstance(tree.op, ast.And) else torch.logical_or
            result = self.node(tree.values[0])
            for part in tree.values[1:]:
                result = self._call(combine, (result, self.node(part)), title)
            return result
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
            raise TypeError(f"cannot print {ast.unparse(tree)!r}")
        arguments = tuple(self.node(argument) for argument in tree.args)
        if tree.func.id == "int":
            return self._call(as_number, (*arguments, self.dtype), title)
        return self._call(self.functions[tree.func.id], arguments, title)

    def _call(self, function: Callable[..., Any], arguments: tuple[Any, ...], title: str | None) -> fx.Node:
        # Numbers are compared as text: 0.0 equals -0.0.
        key = (function, *(item if isinstance(item, fx.Node) else repr(item) for item in arguments))
        if key not in self._written:
            self._written[key] = self.graph.create_node("call_function", function, arguments, name=title)
        return self._written[key]
