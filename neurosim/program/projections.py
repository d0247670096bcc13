"""From a projection of a circuit to its part of the step program."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.edge_values import GRID_TOLERANCE
from neurosim.circuit.language import RANDOM_FUNCTIONS, calls_in, names_in, parse_expression
from neurosim.circuit.parts import Projection
from neurosim.circuit.realisation import realise_kernel
from neurosim.circuit.synapse_model import LAST_UPDATE, WEIGHT
from neurosim.circuit.values import Trainable, plain
from neurosim.errors import UnsupportedError
from neurosim.program.convolution import ConvolutionProgram, sliding_of
from neurosim.program.discretise import units_as_numbers
from neurosim.program.normalise import fold, powers_as_products
from neurosim.program.statements import Statement, substitute
from neurosim.program.step_program import PopulationProgram, ProjectionProgram
from neurosim.program.synapse_dynamics import lower_dynamics, own_subexpressions, summed_terms


def lower_projection(
    circuit: Circuit, part: Projection, rank: int, order: int, populations: Mapping[str, PopulationProgram]
) -> ProjectionProgram:
    """Return the program of one projection, its edges realised.

    Parameters
    ----------
    circuit
        The circuit.
    part
        Its projection.
    rank
        Of a graded projection: see :func:`neurosim.program.ordering.graded_ranks`.
    order
        Place among the projections of the circuit.
    populations
        The programs of all populations.

    Raises
    ------
    UnsupportedError
        If what a pulse adds depends on the order of arrivals, a graded synapse draws random numbers, or a synapse reads
        its delay.
    """
    where = f"projection {part.name!r}"
    sliding = sliding_of(circuit, part)
    values: dict[str, float | np.ndarray] = {
        WEIGHT: realise_kernel(circuit, part) if sliding else _weight(circuit, part)
    }
    units = {WEIGHT: part.weight_unit}
    own: dict[str, float] = {}
    for name, parameter in {**part.synapse.parameters, **part.parameters}.items():
        value = circuit.edge_parameter(part.name, name)
        units[name] = parameter.unit
        if isinstance(value, float) and not isinstance(parameter.value, Trainable):
            own[name] = value
        else:
            values[name] = value
    constants = {"dt": circuit.dt, **own}
    for end, suffix in ((part.pre, "_pre"), (part.post, "_post")):
        constants |= {f"{name}{suffix}": value for name, value in populations[end].constants.items()}
    known = {**units, "t": "second", "dt": "second"}
    known |= {f"{name}_pre": unit for name, unit in circuit.populations[part.pre].variables.items()}
    known |= {f"{name}_post": unit for name, unit in circuit.populations[part.post].variables.items()}
    dynamics = None
    if not part.graded:
        known |= part.synapse.variables
        ends = populations[part.pre].at_end("_pre") | populations[part.post].at_end("_post")
        end_constants = {name: value for name, value in constants.items() if name not in own and name != "dt"}
        dynamics = lower_dynamics(circuit, part, values, own, known, ends, end_constants)
    if dynamics is not None:
        values[WEIGHT] = _weight(circuit, part)  # edges with a state go one by one, whatever shares their weights
        values = {name: value for name, value in values.items() if name not in dynamics.state}
        edges = circuit.edges(part)
        units |= part.synapse.variables | {LAST_UPDATE: "second"}
        return ProjectionProgram(
            part.name, part.pre, part.post, False, edges, values, own, units, (),
            rank, order, dynamics,
        )  # fmt: skip
    additions = []
    if part.graded:
        terms = summed_terms(part, where)
    else:
        terms = _pulse_terms(part, where)
    terms = [(target, _expand_ends(tree, populations[part.pre], populations[part.post])) for target, tree in terms]
    _refuse_unsupported(part, terms, where)
    for target, tree in terms:
        tree = units_as_numbers(tree, known)
        # Brian2 checks the units of summed variables, so it gets the text as written; hence no reordering here.
        folded = fold(tree, constants, collect=not part.graded)
        additions.append(Statement(target, folded if part.graded else powers_as_products(folded, None)))
    if sliding is not None:
        return ConvolutionProgram(circuit, part, sliding, values, own, units, tuple(additions), rank, order)
    return ProjectionProgram(
        part.name, part.pre, part.post, part.graded, circuit.edges(part), values, own, units, tuple(additions), rank,
        order, reach=_reach(circuit, part),
    )  # fmt: skip


def _reach(circuit: Circuit, part: Projection) -> int:
    """Return the longest delay that training may come to, in steps; 0 where delays are not learned or not bounded."""
    if not isinstance(part.delay, Trainable) or part.delay.bounds is None or part.delay.bounds[1] is None:
        return 0
    return math.ceil(float(part.delay.bounds[1]) / circuit.dt - GRID_TOLERANCE)


def _weight(circuit: Circuit, part: Projection) -> float | np.ndarray:
    """Return the weight of every edge: a number where one was given for all, else (edge,)."""
    shared = plain(part.weight)
    return shared if isinstance(shared, float) else circuit.edges(part).weight


def _pulse_terms(part: Projection, where: str) -> list[tuple[str, ast.expr]]:
    """Return what ``on_pre`` adds to each variable, with its temporaries written out."""
    temporaries = own_subexpressions(part, where)
    terms = []
    for statement in part.synapse.on_pre_statements:
        tree = substitute(parse_expression(statement.expression, where), temporaries)
        if not statement.target.endswith("_post"):
            temporaries[statement.target] = tree
        else:
            tree = ast.UnaryOp(ast.USub(), tree) if statement.operator == "-=" else tree
            terms.append((statement.target.removesuffix("_post"), tree))
    return terms


def _expand_ends(tree: ast.expr, pre: PopulationProgram, post: PopulationProgram) -> ast.expr:
    """Write sub-expressions of the neurons at both ends out in terms of their variables."""
    trees: dict[str, ast.expr] = {}
    for population, suffix in ((pre, "_pre"), (post, "_post")):
        trees |= population.at_end(suffix)
    return substitute(tree, trees)


def _refuse_unsupported(part: Projection, terms: list[tuple[str, ast.expr]], where: str) -> None:
    """Raise once, with everything in a synapse that the two backends would not compute alike.

    Raises
    ------
    UnsupportedError
        See :func:`lower_projection`.
    """
    problems = []
    written = {f"{target}_post" for target, _ in terms}
    if part.pre == part.post:
        written |= {f"{target}_pre" for target, _ in terms}
    for target, tree in terms:
        if calls_in(tree) & RANDOM_FUNCTIONS:
            problems.append("it draws random numbers")
        if "delay" in names_in(tree):
            problems.append("it reads its delay")
        again = sorted(names_in(tree) & written)
        if again and not part.graded:
            problems.append(
                f"what it adds to {target}_post reads {', '.join(again)}, which it changes: with two arrivals in one "
                "step the result would depend on their order"
            )
    if problems:
        raise UnsupportedError(f"{where}: this synapse is not supported: {'; '.join(dict.fromkeys(problems))}.")
