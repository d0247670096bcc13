"""Statements of one step, and how a user's assignments become them.

Every program writes fresh temporaries and copies them back last. It never assigns ``x = x + ...``, which a simulator
may rewrite into an addition in place with its terms reordered, so that a temporary that is another name of ``x`` would
change with it; and nothing reads a variable after it was written.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from neurosim.circuit.language import RANDOM_FUNCTIONS, Assignment, names_in
from neurosim.random import NoiseKind

_OPERATORS: dict[str, type[ast.operator]] = {"+=": ast.Add, "-=": ast.Sub, "*=": ast.Mult, "/=": ast.Div}


@dataclass(frozen=True)
class Statement:
    """``target = expression``; the expression is a tree of the closed grammar."""

    target: str
    expression: ast.expr

    @property
    def text(self) -> str:
        """The statement as one line of Brian2's abstract code."""
        return f"{self.target} = {ast.unparse(self.expression)}"

    @property
    def reads(self) -> frozenset[str]:
        """The names that the expression reads."""
        return names_in(self.expression)


@dataclass(frozen=True)
class NoiseSite:
    """One call of ``rand()`` or ``randn()``: a symbol that the run fills with a new number per neuron and step."""

    symbol: str
    kind: NoiseKind
    site: int


class NoiseSites:
    """Numbers the calls of random functions of one population, in the order of the text."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.sites: list[NoiseSite] = []

    def replace(self, tree: ast.expr) -> ast.expr:
        """Return the tree with every random call replaced by its symbol."""

        def visit(node: ast.expr) -> ast.expr | None:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RANDOM_FUNCTIONS:
                kind: NoiseKind = "normal" if node.func.id == "randn" else "uniform"
                site = NoiseSite(f"{node.func.id}_{self.prefix}{len(self.sites)}", kind, len(self.sites))
                self.sites.append(site)
                return name(site.symbol)
            return None

        return transform(tree, visit)


def name(identifier: str) -> ast.Name:
    """Return a tree that reads a name."""
    return ast.Name(identifier, ast.Load())


def transform(tree: ast.expr, visit: Callable[[ast.expr], ast.expr | None]) -> ast.expr:
    """Rebuild a tree bottom-up; `visit` returns a replacement of a node or ``None`` to keep it."""

    def rebuild(node: ast.expr) -> ast.expr:
        node = with_parts(node, rebuild) or node
        replacement = visit(node)
        return node if replacement is None else replacement

    return rebuild(tree)


def with_parts(tree: ast.expr, of_part: Callable[[ast.expr], ast.expr]) -> ast.expr | None:
    """Return an operation or call with its operands replaced, or ``None`` where the tree is neither."""
    if isinstance(tree, ast.BinOp):
        return ast.BinOp(of_part(tree.left), tree.op, of_part(tree.right))
    if isinstance(tree, ast.UnaryOp):
        return ast.UnaryOp(tree.op, of_part(tree.operand))
    if isinstance(tree, ast.Compare):
        return ast.Compare(of_part(tree.left), tree.ops, [of_part(side) for side in tree.comparators])
    if isinstance(tree, ast.BoolOp):
        return ast.BoolOp(tree.op, [of_part(part) for part in tree.values])
    if isinstance(tree, ast.Call):
        return ast.Call(tree.func, [of_part(part) for part in tree.args], [])
    return None


def rename(tree: ast.expr, names: dict[str, str]) -> ast.expr:
    """Return the tree with variables renamed."""
    if not names:
        return tree
    return transform(
        tree, lambda node: name(names[node.id]) if isinstance(node, ast.Name) and node.id in names else None
    )


def substitute(tree: ast.expr, trees: dict[str, ast.expr]) -> ast.expr:
    """Return the tree with variables replaced by expressions."""
    return transform(tree, lambda node: trees.get(node.id) if isinstance(node, ast.Name) else None)


def with_fresh_names(
    assignments: Iterable[Assignment],
    variables: frozenset[str],
    noise: NoiseSites,
    prefix: str,
    subexpressions: dict[str, ast.expr],
) -> tuple[Statement, ...]:
    """Turn sequential assignments into fresh temporaries followed by one copy per variable.

    Parameters
    ----------
    assignments
        In the order of execution; a later one reads what an earlier one wrote.
    variables
        Names that are written back; any other target is a temporary.
    noise
        Takes the random calls.
    prefix
        Begins the names of the temporaries.
    subexpressions
        Written out where they are read, so that they see what was assigned before.
    """
    current: dict[str, str] = {}
    statements: list[Statement] = []
    for count, assignment in enumerate(assignments):
        tree = ast.parse(assignment.expression, mode="eval").body
        if assignment.operator != "=":
            operator = _OPERATORS[assignment.operator]()
            tree = ast.BinOp(name(assignment.target), operator, tree)
        tree = rename(noise.replace(substitute(tree, subexpressions)), current)
        fresh = f"{prefix}{assignment.target}_{count}"
        statements.append(Statement(fresh, tree))
        current[assignment.target] = fresh
    copies = [Statement(target, name(fresh)) for target, fresh in current.items() if target in variables]
    return tuple(statements + copies)
