"""The closed grammar of equations: Brian2's equation language, read as data and never executed.

A text is parsed with :mod:`ast` and every node is held against a list of what may stand in an equation: numbers,
names, arithmetic, comparisons, ``and``/``or``/``not`` and calls of known functions by name. Everything else
(attributes, subscripts, strings, lambdas, unknown functions, dunder names) is refused with the place and the reason.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
from dataclasses import dataclass
from functools import lru_cache

from neurosim.errors import EquationError, nearest

#: Functions that may be called in equations, with the number of arguments each takes.
FUNCTIONS: dict[str, int] = {
    "abs": 1, "arccos": 1, "arcsin": 1, "arctan": 1, "ceil": 1, "clip": 3, "cos": 1, "cosh": 1, "exp": 1, "expm1": 1,
    "exprel": 1, "floor": 1, "int": 1, "log": 1, "log10": 1, "log1p": 1, "rand": 0, "randn": 0, "sign": 1, "sin": 1,
    "sinh": 1, "sqrt": 1, "tan": 1, "tanh": 1, "timestep": 2,
}  # fmt: skip
#: Functions that draw a random number.
RANDOM_FUNCTIONS = frozenset({"rand", "randn"})
#: Names with a meaning of their own in every equation (besides ``i`` and ``N``, which a model may redefine).
SPECIAL_NAMES = frozenset({"t", "dt", "not_refractory", "lastspike"})
CONSTANT_NAMES = frozenset({"pi", "e", "inf", "True", "False"})

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_ALLOWED = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name, ast.Constant, ast.Load,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.USub, ast.UAdd, ast.Not, ast.And, ast.Or,
    ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq,
)  # fmt: skip


@dataclass(frozen=True)
class Assignment:
    """One statement ``target = expression`` (or ``+=``, kept as written)."""

    target: str
    operator: str
    expression: str


@dataclass(frozen=True)
class Equation:
    """One line of a model: a differential equation, a sub-expression or a declared variable."""

    kind: str  # "differential", "subexpression", "parameter", or in a synapse "summed" (then `name` is without _post)
    name: str
    expression: str | None
    unit: str
    flags: tuple[str, ...] = ()


def is_name(text: object) -> bool:
    """Tell whether `text` may name a population, a variable, a parameter.

    An underscore at the end is refused, because ``_pre``, ``_post`` and ``_to_`` are added to names.
    """
    return isinstance(text, str) and bool(_NAME.match(text)) and "__" not in text and not text.endswith("_")


def is_path(text: object) -> bool:
    """Tell whether `text` may name a part of a circuit: a name, or names joined by ``/`` (``"left/exc"``)."""
    return isinstance(text, str) and all(is_name(name) for name in text.split("/"))


def parse_expression(text: str, where: str) -> ast.expr:
    """Parse one expression of the closed grammar.

    Parameters
    ----------
    text
        For instance ``"(v_leak - v)/tau"``.
    where
        What the text belongs to, for error messages.

    Returns
    -------
    ast.expr
        The checked tree.

    Raises
    ------
    EquationError
        For anything outside the grammar, naming the offending piece.
    """
    source = " ".join(text.split())
    if "#" in source or not source.isascii():
        raise EquationError(f"{where}: {source!r} may hold neither comments nor letters beyond ASCII.")
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise EquationError(f"{where}: cannot read {source!r}: {getattr(error, 'msg', error)}.") from None
    for node in ast.walk(tree):
        _check_node(node, source, where)
    return tree


def _check_node(node: ast.AST, source: str, where: str) -> None:
    if isinstance(node, ast.Attribute):
        raise EquationError(
            f"{where}: attribute access is not allowed in equations: {ast.unparse(node)!r} in {source!r}."
        )
    if not isinstance(node, _ALLOWED):
        raise EquationError(
            f"{where}: {type(node).__name__} is not allowed in equations ({source!r}); use numbers, names, "
            "+ - * / // % **, comparisons, and/or/not, and functions."
        )
    if isinstance(node, ast.Name) and not is_name(node.id):
        raise EquationError(
            f"{where}: the name {node.id!r} is not allowed (a letter first, single underscores, none at the end)."
        )
    if isinstance(node, ast.Constant) and not _is_finite_number(node.value):
        raise EquationError(f"{where}: {node.value!r} is not a finite number ({source!r}).")
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        raise EquationError(f"{where}: write the chained comparison {ast.unparse(node)!r} with 'and'.")
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.keywords:
            raise EquationError(f"{where}: {ast.unparse(node)!r} is not a call of a known function.")
        if node.func.id not in FUNCTIONS:
            raise EquationError(f"{where}: unknown function {node.func.id!r}.{nearest(node.func.id, FUNCTIONS)}")
        if len(node.args) != FUNCTIONS[node.func.id]:
            raise EquationError(
                f"{where}: {node.func.id} takes {FUNCTIONS[node.func.id]} arguments, got {len(node.args)}."
            )


def _is_finite_number(value: object) -> bool:
    try:
        return isinstance(value, (int, float)) and math.isfinite(value)
    except OverflowError:
        return False


def names_in(tree: ast.AST) -> frozenset[str]:
    """Return the variables that a tree reads (function names are not variables)."""
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in functions)


def calls_in(tree: ast.AST) -> frozenset[str]:
    """Return the functions that a tree calls."""
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return frozenset(function.id for function in calls if isinstance(function, ast.Name))


def identifiers(text: str, where: str) -> frozenset[str]:
    """Return the variables that an expression reads."""
    return names_in(parse_expression(text, where))


_STATEMENT = re.compile(r"(?P<target>[A-Za-z_]\w*)\s*(?P<operator>[-+*/]?=)(?!=)\s*(?P<expression>.+)\Z", re.DOTALL)


@lru_cache(maxsize=1024)  # models ask for their statements again and again
def parse_statements(text: str, where: str) -> tuple[Assignment, ...]:
    """Parse assignments separated by newlines or semicolons (comments start with ``#``).

    Raises
    ------
    EquationError
        If a statement is not ``name = expression`` (or ``+=``, ``-=``, ``*=``, ``/=``) of the closed grammar.
    """
    statements = []
    for line in _logical_lines(text):
        match = _STATEMENT.match(line)
        if match is None or not is_name(match["target"]):
            raise EquationError(f"{where}: {line!r} is not an assignment such as 'v = v_reset' or 'u += d'.")
        parse_expression(match["expression"], where)
        statements.append(Assignment(match["target"], match["operator"], " ".join(match["expression"].split())))
    return tuple(statements)


def _logical_lines(text: str) -> list[str]:
    without_comments = [line.split("#", 1)[0].strip() for line in text.splitlines()]
    return [piece.strip() for line in without_comments for piece in line.split(";") if piece.strip()]


_DIFFERENTIAL = re.compile(r"d(?P<name>[A-Za-z]\w*)\s*/\s*dt\Z")
_FLAGS = re.compile(r"(?P<unit>[^()]*(?:\([^()]*\)[^()]*)*?)\s*(?:\((?P<flags>[A-Za-z][A-Za-z ,-]*)\))?\Z")
KNOWN_FLAGS = ("unless refractory", "constant", "shared", "event-driven", "clock-driven", "summed")


def parse_equations(text: str, where: str) -> tuple[Equation, ...]:
    """Parse model lines: ``dv/dt = ... : volt (unless refractory)``, ``x = ... : 1``, ``i : amp``.

    An expression may go on over several lines until its ``: unit``.

    Raises
    ------
    EquationError
        For a line that is none of the three, an unknown flag, a name defined twice or a forbidden expression.
    """
    equations: list[Equation] = []
    pending = ""
    for line in _logical_lines(text):
        pending = f"{pending} {line}".strip()
        if ":" in pending:
            equations.append(_parse_equation(pending, where))
            pending = ""
    if pending:
        raise EquationError(f"{where}: {pending!r} has no unit; end it with ': volt', ': 1', ...")
    seen: set[str] = set()
    for equation in equations:
        if equation.name in seen:
            raise EquationError(f"{where}: {equation.name!r} is defined twice.")
        seen.add(equation.name)
    return tuple(equations)


def _parse_equation(line: str, where: str) -> Equation:
    left, _, declared = line.rpartition(":")
    match = _FLAGS.match(declared.strip())
    if match is None or not match["unit"].strip():
        raise EquationError(f"{where}: cannot read the unit in {line!r}.")
    flags = tuple(flag.strip() for flag in (match["flags"] or "").split(",") if flag.strip())
    for flag in flags:
        if flag not in KNOWN_FLAGS:
            raise EquationError(f"{where}: unknown flag {flag!r} in {line!r}.{nearest(flag, KNOWN_FLAGS)}")
    unit = match["unit"].strip()
    head, equals, expression = left.partition("=")
    head = head.strip()
    if not equals:
        return Equation("parameter", checked_name(head, where), None, unit, flags)
    parse_expression(expression, where)
    expression = " ".join(expression.split())
    if "summed" in flags:
        stem = head.removesuffix("_post")
        if stem == head:
            raise EquationError(f"{where}: a (summed) line writes a postsynaptic variable: {head}_post = ...")
        return Equation("summed", checked_name(stem, where), expression, unit, flags)
    differential = _DIFFERENTIAL.match(head)
    if differential is not None:
        return Equation("differential", checked_name(differential["name"], where), expression, unit, flags)
    return Equation("subexpression", checked_name(head, where), expression, unit, flags)


def checked_name(name: str, where: str) -> str:
    """Return a name that a model's variable or parameter may have.

    Raises
    ------
    EquationError
        If it is no name, has a meaning of its own in equations, or ends as the names that synapses read do.
    """
    if not is_name(name):
        raise EquationError(
            f"{where}: {name!r} cannot be a variable (letters, digits and single underscores, a letter first, no "
            "underscore at the end)."
        )
    reserved = name in SPECIAL_NAMES | CONSTANT_NAMES or name in FUNCTIONS or name == "xi" or name.startswith("xi_")
    if reserved or keyword.iskeyword(name):
        raise EquationError(f"{where}: {name!r} has a meaning of its own in equations; choose another name.")
    if name.endswith(("_pre", "_post")):
        raise EquationError(f"{where}: {name!r} ends in _pre or _post, which is how synapses read their neurons.")
    return name
