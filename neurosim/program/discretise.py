"""From differential equations to the statements of one step, by Brian2's own integrators."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from keyword import iskeyword

import numpy as np

from neurosim.circuit.language import (
    CONSTANT_NAMES,
    FUNCTIONS,
    SPECIAL_NAMES,
    Assignment,
    Equation,
    names_in,
    parse_expression,
)
from neurosim.errors import UnsupportedError
from neurosim.program.kept_solutions import keep_solution, kept_solution
from neurosim.program.normalise import normalised, refuse_cancellation
from neurosim.program.statements import NoiseSites, Statement, rename, substitute, transform
from neurosim.units import dimension_of, unit_names, unit_value

#: Methods tried, in order, when a model names none.
DEFAULT_METHODS = ("exact", "euler")
NOT_REFRACTORY = "not_refractory"
#: Raised when the same equations are to be put to the integrators in another way.
VERSION = 1
#: Names that a Brian2 group uses itself, as they are or with an underscore before them.
_OWN_NAMES = frozenset({"N", "spikespace"})
#: Names that mean something else in Brian2's equations, beside units, functions and constants.
_TAKEN_NAMES = _OWN_NAMES | {
    "t", "dt", "t_in_timesteps", "xi", "i", "not_refractory", "refractory", "refractory_until", "poisson",
}  # fmt: skip
#: Functions that avoid a cancellation, and that the integrators would expand into what cancels.
_OPAQUE = {name: f"{name}_opaque" for name in ("exprel", "expm1", "log1p")}


@dataclass(frozen=True)
class Continuous:
    """The part of a model that is integrated."""

    equations: tuple[Equation, ...]
    subexpressions: Mapping[str, ast.expr]
    units: Mapping[str, str]
    constants: Mapping[str, float]
    parameters: Mapping[str, float | np.ndarray]
    unless_refractory: frozenset[str]


def discretise(
    model: Continuous, method: str | None, dt: float, noise: NoiseSites, where: str
) -> tuple[tuple[Statement, ...], str | None]:
    """Return the normalised statements of one step and the method that made them.

    Parameters
    ----------
    model
        Differential equations, sub-expressions already expanded, and what their names mean.
    method
        Brian2's name of the integrator, or ``None`` for the first of :data:`DEFAULT_METHODS` that applies.
    dt
        Step, s.
    noise
        Takes the random numbers that ``xi`` asks for.
    where
        For messages.

    Raises
    ------
    UnsupportedError
        If the integrator cannot treat the equations.
    """
    if not model.equations:
        return (), None
    symbols = _Symbols(model)
    methods = (method,) if method is not None else DEFAULT_METHODS
    for candidate in methods:
        text = _integrate(model, symbols, candidate, dt, last=candidate == methods[-1], where=where)
        if text is not None:
            break
    statements = _parse(text or "", noise)
    masked = frozenset(symbols.forward[variable] for variable in model.unless_refractory)
    statements = tuple(_without_refractory(statements, masked))
    values: dict[str, float | np.ndarray] = {**symbols.values, "dt": dt}
    either = {NOT_REFRACTORY: np.array([[False], [True]])}
    refuse_cancellation(statements, {**values, **either}, where, symbols.original)
    constants = {symbol: float(symbols.values[symbol]) for symbol in symbols.constant}
    back = symbols.back
    folded = normalised(statements, {**constants, "dt": dt}, "_")
    return tuple(Statement(back.get(s.target, s.target), rename(s.expression, back)) for s in folded), candidate


def solve_between_events(model: Continuous, dt: float, elapsed: ast.expr, where: str) -> tuple[Assignment, ...]:
    """Return assignments that bring linear variables up to date after some time, by the exact solution.

    Parameters
    ----------
    model
        Equations whose other names do not change meanwhile.
    dt
        Any step; it does not enter.
    elapsed
        What the time is called.
    where
        For messages.

    Raises
    ------
    UnsupportedError
        If the equations have no exact solution that Brian2 finds.
    """
    if not model.equations:
        return ()
    symbols = _Symbols(model)
    text = _integrate(model, symbols, "exact", dt, last=True, where=where) or ""
    statements = _parse(text, NoiseSites())
    refuse_cancellation(statements, {**symbols.values, "dt": dt}, where, symbols.original)
    back = symbols.back
    # The solution is folded later, with the statements around it: here it only gets the users' names back.
    return tuple(
        Assignment(
            back.get(s.target, s.target), "=", ast.unparse(substitute(rename(s.expression, back), {"dt": elapsed}))
        )
        for s in statements
    )


@lru_cache(maxsize=4096)
def brian2_name(name: str) -> str:
    """Return a name that Brian2 accepts for a variable: the name itself, or with ``_variable`` added (``i``, units)."""
    if name in SPECIAL_NAMES:
        return name
    taken = (
        name in _TAKEN_NAMES
        or name in unit_names()
        or name in FUNCTIONS
        or name in CONSTANT_NAMES
        or name.startswith(("_", "xi_"))
        or iskeyword(name)
    )
    return f"{name}_variable" if taken or not (name.isascii() and name.isidentifier()) else name


class _Symbols:
    """Names that Brian2 accepts, one for all constants that are equal in value and dimension.

    ``exact`` divides by differences of time constants, so that two equal ones under two names give 0/0, while one
    shared name gives the right form.
    """

    def __init__(self, model: Continuous) -> None:
        self.forward: dict[str, str] = {}
        self.back: dict[str, str] = {}
        self.values: dict[str, float | np.ndarray] = {}
        self.units: dict[str, str] = {}
        self.constant: set[str] = set()
        shared: dict[tuple[float, str], str] = {}
        for original in model.units:
            symbol = brian2_name(original)
            if original in model.constants:
                key = (model.constants[original], str(dimension_of(model.units[original])))
                symbol = shared.setdefault(key, symbol)
                self.values[symbol] = model.constants[original]
                self.constant.add(symbol)
            elif original in model.parameters:
                self.values[symbol] = model.parameters[original]
            self.forward[original] = symbol
            self.back.setdefault(symbol, original)
            self.back[f"_{symbol}"] = f"_{symbol if original in _OWN_NAMES else original}"
            self.units[symbol] = model.units[original]

    def original(self, symbol: str) -> str:
        """Return the user's name of a symbol."""
        return self.back.get(symbol, symbol)


def _integrate(model: Continuous, symbols: _Symbols, method: str, dt: float, *, last: bool, where: str) -> str | None:
    """Return Brian2's abstract code of one step, or ``None`` where the method does not apply and is not the last."""
    lines = []
    trees = {
        equation.name: substitute(parse_expression(equation.expression or "", where), dict(model.subexpressions))
        for equation in model.equations
    }
    # The factor makes a refractory neuron's variables constant for those that go on. Where nothing that goes on reads
    # them it changes nothing that is kept, but it can make 0/0 in the exact solution: leave it out from the start.
    needs_factor = any(
        names_in(tree) & model.unless_refractory
        for variable, tree in trees.items()
        if variable not in model.unless_refractory
    )
    for equation in model.equations:
        tree = trees[equation.name]
        text = ast.unparse(_renamed_calls(rename(units_as_numbers(tree, model.units), symbols.forward), _OPAQUE))
        if needs_factor and equation.name in model.unless_refractory:
            text = f"int({NOT_REFRACTORY})*({text})"
        symbol = symbols.forward[equation.name]
        lines.append(f"d{symbol}/dt = {text} : 1")
    kinds = []
    for symbol in symbols.units:
        value = symbols.values.get(symbol)
        number = float(np.asarray(value)) if symbol in symbols.constant else None
        kinds.append((symbol, number, value is not None, value is not None and np.ndim(value) == 0))
    try:
        return _abstract_code("\n".join(lines), method, dt, tuple(kinds))
    except _NotIntegrable as error:
        if not last:
            return None
        raise UnsupportedError(
            f"{where}: method={method!r} cannot integrate these equations: {error} "
            "Choose 'exponential_euler', 'euler' or 'rk4'."
        ) from None


class _NotIntegrable(Exception):
    """An integrator does not take some equations."""


@lru_cache(maxsize=512)
def _abstract_code(
    equations: str, method: str, dt: float, symbols: tuple[tuple[str, float | None, bool, bool], ...]
) -> str:
    """Return what Brian2's integrator makes of equations (computer algebra takes seconds, so once for all processes).

    Parameters
    ----------
    equations
        In names that Brian2 accepts; every symbol is a plain number (dimensions were checked with the model).
    method, dt
        Name of the integrator, and step in seconds.
    symbols
        For each (name, value of a constant or ``None``, whether it is constant, whether all neurons share it).
    """
    question = repr((VERSION, version("brian2"), version("sympy"), equations, method, dt, symbols))
    found = kept_solution(question)
    if found is None:
        found = _solved(equations, method, dt, symbols)
        keep_solution(question, found)
    return found


def _solved(equations: str, method: str, dt: float, symbols: tuple[tuple[str, float | None, bool, bool], ...]) -> str:
    """Ask Brian2's integrator."""
    from brian2.core.functions import DEFAULT_FUNCTIONS
    from brian2.core.variables import Constant, Variable
    from brian2.equations.equations import Equations
    from brian2.stateupdaters.base import StateUpdateMethod, UnsupportedEquationsException

    class _TimeStep(Constant):  # type: ignore[misc]
        """The step, which the integrators read as an array of one."""

        def get_value(self) -> np.ndarray:
            return np.array([self.value])

    variables = dict(DEFAULT_FUNCTIONS)
    variables |= {"dt": _TimeStep("dt", dt), "t": Variable("t", scalar=True)}
    variables[NOT_REFRACTORY] = Variable(NOT_REFRACTORY, dtype=np.bool_)
    for name, value, fixed, shared in symbols:
        known = Variable(name, scalar=shared, constant=fixed) if value is None else Constant(name, value)
        variables[name] = known
    try:
        return str(StateUpdateMethod.apply_stateupdater(Equations(equations), variables, method))
    except UnsupportedEquationsException as error:
        raise _NotIntegrable(str(error)) from None


def units_as_numbers(tree: ast.expr, names: Mapping[str, str]) -> ast.expr:
    """Replace unit names that stand in an equation (``5*mV/ms``) by their SI values."""
    units = {used: unit_value(used)[0] for used in names_in(tree) if used not in names and used in unit_names()}
    return substitute(tree, {used: ast.Constant(value) for used, value in units.items()})


def _renamed_calls(tree: ast.expr, names: Mapping[str, str]) -> ast.expr:
    """Return the tree with functions renamed."""

    def visit(node: ast.expr) -> ast.expr | None:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            return ast.Call(ast.Name(names[node.func.id], ast.Load()), node.args, [])
        return None

    return transform(tree, visit)


def _parse(code: str, noise: NoiseSites) -> tuple[Statement, ...]:
    statements = []
    plain = {opaque: known for known, opaque in _OPAQUE.items()}
    for line in code.splitlines():
        if line.strip():
            target, _, expression = line.partition("=")
            tree = noise.replace(_renamed_calls(ast.parse(expression.strip(), mode="eval").body, plain))
            statements.append(Statement(target.strip(), tree))
    return tuple(statements)


def _is_refractory_factor(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "int"
        and isinstance(node.args[0], ast.Name)
        and node.args[0].id == NOT_REFRACTORY
    )


def _without_refractory(statements: tuple[Statement, ...], masked: frozenset[str]) -> list[Statement]:
    """Replace ``int(not_refractory)`` by 1 wherever only masked writes use the result.

    The new value of a masked variable counts only while the neuron is not refractory, so the factor is 1 whenever it
    matters; kept, it would make 0/0 in the branch that is thrown away, and NaN gradients with it.
    """
    needs_factor: set[str] = set()
    for statement in reversed(statements):
        target = statement.target
        final = not target.startswith("_")
        if (final and target not in masked) or target in needs_factor:
            needs_factor |= statement.reads
    result = []
    for statement in statements:
        if statement.target in needs_factor:
            result.append(statement)
            continue
        tree = transform(statement.expression, lambda node: ast.Constant(1.0) if _is_refractory_factor(node) else None)
        result.append(Statement(statement.target, tree))
    return result
