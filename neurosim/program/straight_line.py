"""Straight-line programs of numbers: every name is assigned once, so that a program can be printed and run backwards.

The adjoint of a program is the chain rule, line by line from the last to the first (Griewank and Walther, Evaluating
Derivatives, SIAM 2008, section 3): what a line's value adds to the derivative of the names that it reads.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from neurosim.circuit.language import names_in
from neurosim.program.normalise import constant, constant_value
from neurosim.program.statements import name, rename


class Uncovered(Exception):
    """Something that compiled loops do not know; whoever asked takes the general path."""


@dataclass(frozen=True)
class Let:
    """``target = tree``: a number."""

    target: str
    tree: ast.expr


@dataclass(frozen=True)
class Test:
    """``target = tree``: a condition, without a derivative."""

    target: str
    tree: ast.expr


@dataclass(frozen=True)
class Choose:
    """``target = then if condition else otherwise``; where a spike chooses, its surrogate feels the difference."""

    target: str
    condition: str
    then: ast.expr
    otherwise: ast.expr
    spike: str | None = None


@dataclass(frozen=True)
class Fire:
    """A spike, ``1 if condition else 0``, whose derivative is `slope` times that of `distance`, where it may fire."""

    target: str
    condition: str
    distance: str
    slope: str
    may: str | None


Line = Let | Test | Choose | Fire

_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_FUNCTIONS = {
    "exp": "math.exp", "log": "math.log", "sqrt": "math.sqrt", "tanh": "math.tanh", "sin": "math.sin",
    "cos": "math.cos", "expm1": "math.expm1", "log1p": "math.log1p", "cosh": "math.cosh", "sinh": "math.sinh",
    "abs": "abs", "minimum": "min", "maximum": "max",
}  # fmt: skip


def printed(tree: ast.expr) -> str:
    """Return a tree as the text of a loop; numbers are made with ``real``, in the loop's own precision.

    Raises
    ------
    Uncovered
        If it holds something that loops do not know.
    """
    number = constant_value(tree)
    if number is not None:
        return f"real({number!r})".replace("inf", "1e999")  # too large a number is infinite; no name is
    if isinstance(tree, ast.Constant):
        return repr(bool(tree.value))
    if isinstance(tree, ast.Name):
        return tree.id
    if isinstance(tree, ast.BinOp):
        if type(tree.op) in _OPERATORS:
            return f"({printed(tree.left)} {_OPERATORS[type(tree.op)]} {printed(tree.right)})"
        if isinstance(tree.op, ast.Pow):
            return f"({printed(tree.left)} ** {printed(tree.right)})"
    if isinstance(tree, ast.UnaryOp):
        return f"(-{printed(tree.operand)})" if isinstance(tree.op, ast.USub) else f"(not {printed(tree.operand)})"
    if isinstance(tree, ast.Compare):
        return f"({printed(tree.left)} {_COMPARISONS[type(tree.ops[0])]} {printed(tree.comparators[0])})"
    if isinstance(tree, ast.BoolOp):
        word = " and " if isinstance(tree.op, ast.And) else " or "
        return "(" + word.join(printed(part) for part in tree.values) + ")"
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
        if tree.func.id == "int" and is_condition(tree.args[0]):
            return f"(real(1.0) if {printed(tree.args[0])} else real(0.0))"
        if tree.func.id == "clip":
            value, low, high = (printed(argument) for argument in tree.args)
            return f"min(max({value}, {low}), {high})"
        if tree.func.id in _FUNCTIONS:
            return f"{_FUNCTIONS[tree.func.id]}({', '.join(printed(argument) for argument in tree.args)})"
    raise Uncovered(ast.unparse(tree))


def is_condition(tree: ast.expr) -> bool:
    """Tell whether a tree is a condition, not a number."""
    if isinstance(tree, ast.Name):
        return tree.id.endswith(("not_refractory", "fired", "active", "active_after"))
    return isinstance(tree, (ast.Compare, ast.BoolOp)) or (
        isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
    )


def forward_text(line: Line) -> str:
    """Return a line as text."""
    if isinstance(line, (Let, Test)):
        return f"{line.target} = {printed(line.tree)}"
    if isinstance(line, Choose):
        return f"{line.target} = {printed(line.then)} if {line.condition} else {printed(line.otherwise)}"
    return f"{line.target} = real(1.0) if {line.condition} else real(0.0)"


class Adjoint:
    """Writes the lines that carry derivatives from the last line of a program to its first.

    Parameters
    ----------
    seeds
        The derivative by each name that the program's results depend on, as text.
    """

    def __init__(self, seeds: Mapping[str, Iterable[str]]) -> None:
        self.lines: list[str] = []
        self.terms: dict[str, list[str]] = {target: list(texts) for target, texts in seeds.items()}
        self._count = 0

    def through(self, program: Iterable[Line]) -> None:
        """Go back through the lines of a program."""
        for line in reversed(list(program)):
            seed = None if isinstance(line, Test) else self.total(line.target)
            if seed is None:
                continue
            if isinstance(line, Let):
                self._into(line.tree, seed)
            elif isinstance(line, Choose):
                self._into(line.then, self._fresh(f"{seed} if {line.condition} else real(0.0)"))
                self._into(line.otherwise, self._fresh(f"real(0.0) if {line.condition} else {seed}"))
                if line.spike is not None:
                    self._add(line.spike, f"{seed} * ({printed(line.then)} - {printed(line.otherwise)})")
            elif isinstance(line, Fire):
                felt = f"{seed} * {line.slope}"
                self._add(line.distance, felt if line.may is None else f"({felt} if {line.may} else real(0.0))")

    def total(self, target: str) -> str | None:
        """Return the name of the derivative by a name, or ``None`` where nothing depends on it."""
        terms = self.terms.get(target)
        if not terms:
            return None
        if len(terms) > 1 or not terms[0].isidentifier():
            self.terms[target] = [self._fresh(" + ".join(terms))]
        return self.terms[target][0]

    def _fresh(self, text: str) -> str:
        self._count += 1
        self.lines.append(f"d_{self._count} = {text}")
        return f"d_{self._count}"

    def _add(self, target: str, text: str) -> None:
        self.terms.setdefault(target, []).append(text if text.isidentifier() else self._fresh(text))

    def _into(self, tree: ast.expr, seed: str) -> None:
        """Add what a tree's derivatives are, `seed` times."""
        if not names_in(tree):
            return
        if isinstance(tree, ast.Name):
            self._add(tree.id, seed)
        elif isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
            self._into(tree.operand, self._fresh(f"-{seed}"))
        elif isinstance(tree, ast.BinOp):
            self._into_operation(tree, seed)
        elif isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
            self._into_call(tree.func.id, tree.args, seed)
        elif not isinstance(tree, (ast.Compare, ast.BoolOp)):
            raise Uncovered(ast.unparse(tree))

    def _into_operation(self, tree: ast.BinOp, seed: str) -> None:
        left, right = printed(tree.left), printed(tree.right)
        if isinstance(tree.op, ast.Add):
            self._into(tree.left, seed)
            self._into(tree.right, seed)
        elif isinstance(tree.op, ast.Sub):
            self._into(tree.left, seed)
            self._into_scaled(tree.right, f"-{seed}")
        elif isinstance(tree.op, ast.Mult):
            self._into_scaled(tree.left, f"{seed} * {right}")
            self._into_scaled(tree.right, f"{seed} * {left}")
        elif isinstance(tree.op, ast.Div):
            self._into_scaled(tree.left, f"{seed} / {right}")
            self._into_scaled(tree.right, f"-{seed} * {left} / ({right} * {right})")
        elif isinstance(tree.op, ast.Pow) and not names_in(tree.right):
            lower = printed(ast.BinOp(tree.right, ast.Sub(), constant(1.0)))
            self._into_scaled(tree.left, f"{seed} * {right} * {left} ** {lower}")
        else:
            raise Uncovered(ast.unparse(tree))

    def _into_scaled(self, tree: ast.expr, text: str) -> None:
        if names_in(tree):
            self._into(tree, self._fresh(text))

    def _into_call(self, function: str, arguments: list[ast.expr], seed: str) -> None:
        if function == "int":
            return
        if function in ("minimum", "maximum", "clip"):
            self._into_choice(function, arguments, seed)
            return
        if function not in _DERIVATIVES:
            raise Uncovered(function)
        (argument,) = arguments
        self._into_scaled(argument, f"{seed} * {_DERIVATIVES[function](printed(argument))}")

    def _into_choice(self, function: str, arguments: list[ast.expr], seed: str) -> None:
        if function == "clip":
            value, low, high = arguments
            self._into(_call("minimum", _call("maximum", value, low), high), seed)
            return
        first, *others = (printed(argument) for argument in arguments)
        sign = "<" if function == "minimum" else ">"
        # Where both are equal each has half, as torch's own derivative does.
        for argument, mine, other in ((arguments[0], first, others[0]), (arguments[1], others[0], first)):
            half = f"(real(0.5) * {seed} if {mine} == {other} else real(0.0))"
            self._into_scaled(argument, f"{seed} if {mine} {sign} {other} else {half}")


def _call(function: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(name(function), list(arguments), [])


_DERIVATIVES: dict[str, Callable[[str], str]] = {
    "exp": lambda x: f"math.exp({x})",
    "expm1": lambda x: f"math.exp({x})",
    "log": lambda x: f"(real(1.0) / {x})",
    "log1p": lambda x: f"(real(1.0) / (real(1.0) + {x}))",
    "sqrt": lambda x: f"(real(0.5) / math.sqrt({x}))",
    "tanh": lambda x: f"(real(1.0) - math.tanh({x}) * math.tanh({x}))",
    "sin": lambda x: f"math.cos({x})",
    "cos": lambda x: f"(-math.sin({x}))",
    "sinh": lambda x: f"math.cosh({x})",
    "cosh": lambda x: f"math.sinh({x})",
    "abs": lambda x: f"(real(1.0) if {x} > real(0.0) else (real(-1.0) if {x} < real(0.0) else real(0.0)))",
}


class Names:
    """Gives every assignment of a variable a name of its own, and remembers the latest."""

    def __init__(self) -> None:
        self.latest: dict[str, str] = {}
        self._count = 0

    def fresh(self, variable: str) -> str:
        """Return a new name for a variable, from now on the latest."""
        self._count += 1
        self.latest[variable] = f"x{self._count}_{variable}"
        return self.latest[variable]

    def read(self, tree: ast.expr) -> ast.expr:
        """Return a tree that reads the latest names; what was never assigned keeps its own, ``x_name``."""
        return rename(tree, {used: self.latest.get(used, f"x_{used}") for used in names_in(tree)})

    def now(self, variable: str) -> ast.expr:
        """Return a tree that reads a variable as it is now."""
        return name(self.latest.get(variable, f"x_{variable}"))
