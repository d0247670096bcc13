"""One step of one population, written as a straight line from the statements that the general path executes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from neurosim.backends.snntorch.population import Dynamics
from neurosim.circuit.language import names_in
from neurosim.program.statements import Statement, name
from neurosim.program.step_program import PopulationProgram
from neurosim.program.straight_line import Choose, Fire, Let, Line, Names, Test, is_condition

#: What the number of steps that a neuron rests is called.
LIMIT = "refractory_limit"


@dataclass(frozen=True)
class StepLines:
    """One step of a population as a straight line.

    Parameters
    ----------
    program
        The lines.
    final
        The last name of each variable.
    """

    program: list[Line]
    final: dict[str, str]


def step_lines(item: PopulationProgram, dynamics: Dynamics, deliveries: Sequence[str]) -> StepLines:
    """Return one step as a straight line: integrate, fire, deliver, reset.

    Parameters
    ----------
    item, dynamics
        The population. What it reads is called ``x_name``, ``active`` says which neurons do not rest.
    deliveries
        The variable that each delivery adds to, in order; they bring ``x_arrival_0``, ``x_arrival_1``, ...

    Raises
    ------
    Uncovered
        If the population does something that the lines do not know.
    """
    names, program = Names(), list[Line]()
    refractory = item.refractory is not None
    if refractory:
        names.latest["not_refractory"] = "active"

    def execute(statements: Iterable[Statement], *, masked: bool, reset: bool = False) -> None:
        for statement in statements:
            tree = names.read(statement.expression)
            old, target = names.now(statement.target), statement.target
            if target not in item.state:
                kind = Test if is_condition(tree) else Let
                program.append(kind(names.fresh(target), tree))
            elif reset:
                program.append(Choose(names.fresh(target), "fired", tree, old, spike="spike"))
            elif masked and refractory and target in item.masked:
                program.append(Choose(names.fresh(target), "active", tree, old))
            else:
                program.append(Let(names.fresh(target), tree))

    execute(dynamics.steps["fixed_integrate_"], masked=True)
    execute(dynamics.steps["fixed_update_"], masked=True)
    if item.threshold is not None:
        (condition,) = dynamics.steps["threshold"]
        distance, width = dynamics.steps["distance"]
        tree = names.read(condition.expression)
        program.append(Test("fired", ast.BoolOp(ast.And(), [tree, name("active")]) if refractory else tree))
        ratio = ast.BinOp(distance.expression, ast.Div(), width.expression)
        program.append(Let("distance", names.read(ratio)))
        program.append(Fire("spike", "fired", "distance", "slope", "active" if refractory else None))
        if refractory:
            still = ast.BoolOp(ast.And(), [name("active"), ast.UnaryOp(ast.Not(), name("fired"))])
            program.append(Test("active_after", still))
            names.latest["not_refractory"] = "active_after"
    for place, target in enumerate(deliveries):
        old = names.now(target)
        more = ast.BinOp(old, ast.Add(), name(f"x_arrival_{place}"))
        if refractory and target in item.masked:
            program.append(Choose(names.fresh(target), "active_after", more, old))
        else:
            program.append(Let(names.fresh(target), more))
    execute(dynamics.steps["fixed_reset_"], masked=False, reset=True)
    return StepLines(program, {variable: names.latest.get(variable, f"x_{variable}") for variable in item.state})


@dataclass(frozen=True)
class Reads:
    """What the lines of a step are given.

    Parameters
    ----------
    fixed
        The values that do not change within a run.
    driven
        The inputs of every step.
    time
        Whether they read the time.
    """

    fixed: tuple[str, ...]
    driven: tuple[str, ...]
    time: bool


def what_is_read(item: PopulationProgram, lines: StepLines, deliveries: Sequence[str], driven: Sequence[str]) -> Reads:
    """Return what the lines of a step are given besides the state (for the arguments see :func:`step_lines`).

    Parameters
    ----------
    item, lines, deliveries
        The population, its lines, and what they were made of.
    driven
        The inputs that have a value in every step: input variables, random numbers.
    """
    given = [*driven, *(f"arrival_{place}" for place in range(len(deliveries)))]
    read = leaves(lines.program)
    fixed = sorted(read - set(item.state) - set(given) - {"t"})
    limit = [] if item.refractory is None else [LIMIT]
    return Reads((*fixed, *limit), tuple(key for key in given if key in read), "t" in read)


def leaves(program: Sequence[Line]) -> set[str]:
    """Return what a program reads and does not assign, without the prefix of such names."""
    read: set[str] = set()
    for line in program:
        if isinstance(line, (Let, Test)):
            read |= names_in(line.tree)
        elif isinstance(line, Choose):
            read |= names_in(line.then) | names_in(line.otherwise)
    return {used.removeprefix("x_") for used in read if used.startswith("x_")}
