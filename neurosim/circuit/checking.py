"""The checks of a whole part before it is added: sizes, marks, initial values, delays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from neurosim.circuit.connectivity import AllToAll
from neurosim.circuit.dimensions import DimensionChecker
from neurosim.circuit.edge_values import delay_steps
from neurosim.circuit.language import CONSTANT_NAMES, RANDOM_FUNCTIONS, calls_in, names_in, parse_expression
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import Population, Projection
from neurosim.circuit.realisation import check_size, placed_rule, realise_rule, sizes
from neurosim.circuit.values import Trainable, Uniform, Value, plain
from neurosim.errors import CircuitError, EquationError, UnitError, nearest
from neurosim.units import DIMENSIONLESS, unit_names

if TYPE_CHECKING:
    from neurosim.circuit.named_parts import NamedParts


def check_population(population: Population, model: NeuronModel) -> None:
    """Refuse sizes, marks and initial values that cannot work, at the line that adds the population."""
    where = f"population {population.name!r}"
    parameters = {**model.parameters, **population.parameters}
    initial = {**model.initial, **population.initial}
    twice = sorted(parameters.keys() & initial.keys())
    if twice:
        raise CircuitError(f"{where}: {twice[0]!r} is given as a parameter and as an initial value; give one of them.")
    for name, value in [*((name, parameter.value) for name, parameter in parameters.items()), *initial.items()]:
        check_size(value, population.n, f"{where}: {name!r}")
        check_sharing(value, ("neuron", "all"), f"{where}: {name!r}")
    _check_initial(population, model)


def check_sharing(value: Value | str, known: tuple[str, ...], where: str) -> None:
    """Refuse a mark that shares a value in a way that its part does not know, or an array where all share one."""
    if not isinstance(value, Trainable) or value.per is None:
        return
    if value.per not in known:
        raise CircuitError(f"{where}: per={value.per!r} has no meaning here; use {', '.join(map(repr, known))}.")
    initial = value.initial
    if value.per == "all" and isinstance(initial, np.ndarray) and np.any(initial != initial.reshape(-1)[:1]):
        raise CircuitError(f"{where}: per='all' shares one value, but the initial values differ; give one.")


def _check_initial(population: Population, model: NeuronModel) -> None:
    """Refuse initial values given as text that cannot be computed once, before a run.

    Such are those that refer to themselves, to a sub-expression or to an unknown name, that draw random numbers, or
    whose unit is not the variable's.
    """
    where = f"population {population.name!r}"
    initial = {**model.initial, **population.initial}
    texts = {name: value for name, value in initial.items() if isinstance(value, str)}
    trees = {name: parse_expression(text, f"{where}: initial {name!r}") for name, text in texts.items()}
    graph = {name: names_in(tree) for name, tree in trees.items()}
    known = {*model.units, "i", "N", *CONSTANT_NAMES} - set(model.names("subexpression"))
    for name, tree in trees.items():
        if calls_in(tree) & RANDOM_FUNCTIONS:
            raise CircuitError(
                f"{where}: initial {name!r} = {texts[name]!r} draws random numbers; give a distribution such as "
                "Uniform(low, high) instead."
            )
        for used in sorted(graph[name]):
            if used not in known and used not in unit_names():
                raise CircuitError(
                    f"{where}: initial {name!r} = {texts[name]!r} uses {used!r}, which has no value there."
                    f"{nearest(used, known)}"
                )
        if name in _reached(graph, name):
            raise CircuitError(f"{where}: the initial value of {name!r} depends on itself.")
    checker = DimensionChecker({**model.units, "i": DIMENSIONLESS, "N": DIMENSIONLESS}, where)
    for name in texts.keys() & population.initial.keys():  # the model's own were checked with the model
        checker.expect(texts[name], model.units[name], f"initial {name} =")


def _reached(graph: Mapping[str, frozenset[str]], start: str) -> set[str]:
    """Return everything that a value depends on, directly or through others."""
    reached: set[str] = set()
    todo = [start]
    while todo:
        for used in graph.get(todo.pop(), frozenset()) - reached:
            reached.add(used)
            todo.append(used)
    return reached


def check_projection(circuit: NamedParts, projection: Projection) -> None:
    """Refuse sizes, weights and delays that cannot work, at the line that adds the projection."""
    where = f"projection {projection.name!r}"
    values = {"weight": projection.weight, "delay": projection.delay}
    given = {**projection.synapse.parameters, **projection.parameters}
    values |= {repr(name): parameter.value for name, parameter in given.items()}
    values |= {f"initial {name!r}": value for name, value in projection.synapse.initial.items()}
    values |= {f"initial {name!r}": value for name, value in projection.initial.items()}
    values |= {"post_delay": projection.post_delay} if projection.synapse.on_post_statements else {}
    for name, value in values.items():
        check_sharing(value, ("edge", "pre", "post", "all"), f"{where}: {name}")
        if plain(value) is None:
            raise CircuitError(f"{where}: the trainable {name} needs an initial value.")
    _check_rule(circuit, projection)
    if kernel_shape(circuit, projection) is not None:
        del values["weight"]  # a kernel, of one value for each of its elements
    if any(isinstance(plain(value), np.ndarray) for value in values.values()):
        count = _edge_count(circuit, projection)
        for name, value in values.items():
            check_size(value, count, f"{where}: {name}")
    for given_delay in (projection.delay, projection.post_delay):
        delay = plain(given_delay)
        if isinstance(delay, Uniform) and delay.low < 0:
            raise CircuitError(f"{where}: delays must not be negative; {delay!r} can be.")
        if isinstance(delay, (float, np.ndarray)):
            rounding = circuit.round_delays or isinstance(given_delay, Trainable)
            delay_steps(delay, circuit.dt, rounding=rounding, where=where)


def _check_rule(circuit: NamedParts, projection: Projection) -> None:
    """Refuse a rule that does not fit the neurons at its ends, without drawing what fits."""
    n_pre, n_post, same = sizes(circuit, projection)
    try:
        placed_rule(circuit, projection).check_fit(n_pre, n_post, same)
    except (CircuitError, EquationError, UnitError) as error:
        raise type(error)(f"projection {projection.name!r}: {error}") from None


def kernel_shape(circuit: NamedParts, projection: Projection) -> tuple[int, ...] | None:
    """Return the shape of the weights that edges share, ``None`` where every edge has its own.

    Raises
    ------
    CircuitError
        If the shapes of the populations do not fit.
    """
    try:
        return placed_rule(circuit, projection).kernel_shape
    except CircuitError as error:
        raise CircuitError(f"projection {projection.name!r}: {error}") from None


def _edge_count(circuit: NamedParts, projection: Projection) -> int:
    n_pre, n_post, same = sizes(circuit, projection)
    rule = projection.connectivity
    if isinstance(rule, AllToAll):
        return n_pre * n_post - (n_pre if same and not rule.autapses else 0)
    return len(realise_rule(circuit, projection)[1])
