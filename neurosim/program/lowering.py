"""From a circuit to its step program."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.dimensions import DimensionChecker
from neurosim.circuit.language import RANDOM_FUNCTIONS, names_in, parse_expression
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import Injection, Population, Projection
from neurosim.circuit.realisation import realise_poisson_weight
from neurosim.circuit.sources import SIGNAL, SignalSource
from neurosim.circuit.values import Trainable
from neurosim.errors import CircuitError, EquationError, UnsupportedError
from neurosim.program.discretise import NOT_REFRACTORY, Continuous, discretise, units_as_numbers
from neurosim.program.normalise import fold, normalised, powers_as_products, without_silent
from neurosim.program.ordering import graded_ranks
from neurosim.program.projections import lower_projection
from neurosim.program.statements import NoiseSites, Statement, substitute, with_fresh_names
from neurosim.program.step_program import (
    Contribution,
    PoissonProgram,
    PopulationProgram,
    Refractory,
    StepProgram,
)

#: Names that every equation may read besides the model's own.
_TIME = {"t": "second", "dt": "second"}


def lower(circuit: Circuit) -> StepProgram:
    """Return the program of one step of a circuit.

    Parameters
    ----------
    circuit
        Any circuit; its edges, parameters and weights are realised here.

    Raises
    ------
    CircuitError
        If algebraic populations feed each other in a circle, or an input variable is used in two ways.
    UnsupportedError
        If an integrator cannot treat a model.
    """
    pulse_targets = _pulse_targets(circuit)
    contributions = _contributions(circuit)
    populations = {
        name: _population(circuit, part, contributions.get(name, {}), pulse_targets.get(name, frozenset()))
        for name, part in circuit.populations.items()
    }
    ranks = graded_ranks(circuit, populations)
    order = {name: position for position, name in enumerate(circuit.parts)}
    projections = [
        lower_projection(circuit, part, ranks.get(part.name, 0), order[part.name], populations)
        for part in circuit.projections.values()
    ]
    poisson = [
        PoissonProgram(
            name, part.population, part.variable, np.asarray(part.indices),
            realise_poisson_weight(circuit, part), part.weight_unit, order[name],
        )
        for name, part in circuit.poisson_inputs.items()
    ]  # fmt: skip
    graded = sorted((item for item in projections if item.graded), key=lambda item: (item.rank, item.order))
    pulses = [item for item in projections if not item.graded]
    return StepProgram(
        circuit.name, circuit.digest(), circuit.dt, populations, tuple(graded), tuple(pulses), tuple(poisson)
    )


def _pulse_targets(circuit: Circuit) -> dict[str, frozenset[str]]:
    targets: dict[str, frozenset[str]] = {}
    for projection in circuit.projections.values():
        names = {
            statement.target.removesuffix("_post")
            for statement in projection.synapse.on_pre_statements
            if statement.target.endswith("_post")
        }
        targets[projection.post] = targets.get(projection.post, frozenset()) | names
    for part in circuit.poisson_inputs.values():
        targets[part.population] = targets.get(part.population, frozenset()) | {part.variable}
    return targets


def _contributions(circuit: Circuit) -> dict[str, dict[str, tuple[Contribution, ...]]]:
    found: dict[str, dict[str, tuple[Contribution, ...]]] = {}

    def add(population: str, variable: str, contribution: Contribution) -> None:
        terms = found.setdefault(population, {})
        terms[variable] = (*terms.get(variable, ()), contribution)

    for name, part in circuit.parts.items():
        if isinstance(part, Projection) and part.graded:
            for line in part.synapse.summed:
                add(part.post, line.name, Contribution(name, "projection"))
        elif isinstance(part, Injection):
            add(part.population, part.variable, Contribution(name, "injection"))
    return found


def _population(
    circuit: Circuit,
    part: Population,
    inputs: Mapping[str, tuple[Contribution, ...]],
    pulse_targets: frozenset[str],
) -> PopulationProgram:
    if not isinstance(part.model, NeuronModel):
        kind = "signal" if isinstance(part.model, SignalSource) else "spikes"
        return PopulationProgram(
            part.name, part.n, kind, part.variables, (SIGNAL,) if kind == "signal" else (), {}, {}, {}, {}, {}, (), (),
            None, (), None, frozenset(), (), None,
        )  # fmt: skip
    model = part.model
    where = f"population {part.name!r}"
    changing = model.written | pulse_targets
    _check_inputs(part, model, inputs, changing)
    state = tuple(
        line.name
        for line in model.lines
        if line.kind == "differential" or (line.kind == "parameter" and line.name in changing)
    )
    constants, parameters = _fixed(circuit, part, model, set(state) | set(inputs))
    own = dict(model.units)
    for name in (_names_read(model, where) & {"i", "N"}) - own.keys():
        own[name] = "1"
        if name == "N":
            constants[name] = float(part.n)
        else:
            parameters[name] = np.arange(part.n, dtype=np.float64)
    dt = circuit.dt
    noise = NoiseSites()
    units = {**own, **_TIME}
    expand = {line.name: line.expression or "" for line in model.lines if line.kind == "subexpression"}
    written = _expanded({key: parse_expression(text, where) for key, text in expand.items()}, where)
    expanded = {key: units_as_numbers(tree, units) for key, tree in written.items()}
    masked = model.unless_refractory if model.refractory is not None else frozenset()
    continuous = Continuous(
        tuple(line for line in model.lines if line.kind == "differential"),
        expanded, own, constants, parameters, masked,
    )  # fmt: skip
    integrate, method = discretise(continuous, model.method, dt, noise, where)
    everything = {**constants, "dt": dt}
    variables = frozenset(state)
    update = _assignments(model, "update", variables, noise, expanded, units)
    reset = _assignments(model, "reset", variables, noise, expanded, units)
    threshold = None
    if model.threshold is not None:
        tree = substitute(parse_expression(model.threshold, where), dict(expanded))
        threshold = powers_as_products(units_as_numbers(noise.replace(tree), units), None)
    update, reset = normalised(update, everything, "_update_"), normalised(reset, everything, "_reset_")
    threshold = None if threshold is None else fold(threshold, everything)
    refractory = _refractory(model, units, everything, expanded, noise, where)
    symbols = [site.symbol for site in noise.sites]
    integrate, update, reset = (without_silent(given, symbols) for given in (integrate, update, reset))
    trees = [item.expression for item in (*integrate, *update, *reset)]
    trees += [] if threshold is None else [threshold]
    trees += [] if refractory is None else [refractory.expression]
    drawn = {used for tree in trees for used in names_in(tree)}
    return PopulationProgram(
        name=part.name, n=part.n, kind="neurons", units=own, state=state, constants=constants,
        parameters=parameters, inputs=dict(inputs),
        written=written,
        subexpressions={key: fold(tree, everything, collect=False) for key, tree in expanded.items()},
        integrate=integrate,
        update=update, threshold=threshold, reset=reset, refractory=refractory,
        masked=masked & variables, noise=tuple(site for site in noise.sites if site.symbol in drawn), method=method,
    )  # fmt: skip


def _names_read(model: NeuronModel, where: str) -> frozenset[str]:
    """Return every name that a model's expressions read.

    Raises
    ------
    EquationError
        If one is a name that only a neuron with a refractory period has.
    """
    texts = [*(line.expression for line in model.lines), model.threshold]
    texts += [model.refractory] if isinstance(model.refractory, str) else []
    texts += [statement.expression for statement in (*model.reset_statements, *model.update_statements)]
    names = frozenset().union(*(names_in(parse_expression(text, where)) for text in texts if text))
    used = sorted(names & {"lastspike", NOT_REFRACTORY})
    if used and model.refractory is None:
        raise EquationError(f"{where}: the equations read {', '.join(used)}, which need refractory= in the model.")
    return names


def _check_inputs(part: Population, model: NeuronModel, inputs: Mapping[str, object], changing: frozenset[str]) -> None:
    for variable in inputs:
        if variable in changing:
            raise CircuitError(
                f"population {part.name!r}: {variable!r} receives graded input or an injection, which set it in every "
                "step, so it cannot also receive pulses or be assigned. Declare one variable for each."
            )
        given = [
            values for values in (part.parameters, part.initial, model.parameters, model.initial) if variable in values
        ]
        if given:
            raise CircuitError(
                f"population {part.name!r}: {variable!r} is set in every step by its inputs; drop its parameter or "
                "initial value."
            )


def _fixed(
    circuit: Circuit, part: Population, model: NeuronModel, varying: set[str]
) -> tuple[dict[str, float], dict[str, float | np.ndarray]]:
    """Return what does not change in a run: numbers to fold, and what keeps a name (per neuron, or trainable)."""
    constants: dict[str, float] = {}
    parameters: dict[str, float | np.ndarray] = {}
    names = [*model.names("parameter"), *model.parameters]
    for name in dict.fromkeys(names):
        if name in varying:
            continue
        if name in part.parameters or name in model.parameters:
            given = (part.parameters.get(name) or model.parameters[name]).value
            value = circuit.parameter(part.name, name)
        elif name in part.initial or name in model.initial:
            given = 0.0
            value = circuit.initial(part.name, name)
        else:
            given, value = 0.0, 0.0
        if isinstance(value, np.ndarray) and not isinstance(given, Trainable) and np.all(value == value[0]):
            value = float(value[0])
        if isinstance(value, np.ndarray) or isinstance(given, Trainable):
            per_neuron = isinstance(given, Trainable) and given.per == "neuron"
            parameters[name] = np.array(np.broadcast_to(value, (part.n,))) if per_neuron else value
        else:
            constants[name] = value
    return constants, parameters


def _expanded(trees: Mapping[str, ast.expr], where: str) -> dict[str, ast.expr]:
    """Return sub-expressions in terms of variables and parameters only.

    Raises
    ------
    CircuitError
        If they refer to each other in a circle, naming it.
    UnsupportedError
        If one draws random numbers.
    """
    done: dict[str, ast.expr] = {}

    def expand(name: str, path: tuple[str, ...]) -> ast.expr:
        if name in path:
            circle = " -> ".join((*path[path.index(name) :], name))
            raise CircuitError(f"{where}: sub-expressions define each other in a circle: {circle}.")
        if name not in done:
            if any(isinstance(node, ast.Name) and node.id in RANDOM_FUNCTIONS for node in ast.walk(trees[name])):
                raise UnsupportedError(
                    f"{where}: the sub-expression {name!r} draws random numbers, and would be another number in every "
                    "place that reads it. Write rand() or randn() in the equation or statement that needs it."
                )
            inner = {used: expand(used, (*path, name)) for used in names_in(trees[name]) if used in trees}
            done[name] = substitute(trees[name], inner)
        return done[name]

    return {name: expand(name, ()) for name in trees}


def _assignments(
    model: NeuronModel,
    what: str,
    variables: frozenset[str],
    noise: NoiseSites,
    expanded: Mapping[str, ast.expr],
    units: Mapping[str, str],
) -> tuple[Statement, ...]:
    given = model.update_statements if what == "update" else model.reset_statements
    statements = with_fresh_names(given, variables, noise, f"_{what}_", dict(expanded))
    return tuple(Statement(s.target, units_as_numbers(s.expression, units)) for s in statements)


def _refractory(
    model: NeuronModel,
    units: Mapping[str, str],
    constants: Mapping[str, float],
    expanded: Mapping[str, ast.expr],
    noise: NoiseSites,
    where: str,
) -> Refractory | None:
    if model.refractory is None:
        return None
    if isinstance(model.refractory, float):
        return Refractory("time", repr(model.refractory), ast.Constant(model.refractory))
    checker = DimensionChecker({**units, "i": "1", "not_refractory": "boolean", "lastspike": "second"}, where)
    is_time = checker.dimension(model.refractory) == checker.names["dt"]
    written = noise.replace(parse_expression(model.refractory, where))
    tree = substitute(units_as_numbers(written, units), dict(expanded))
    return Refractory("time" if is_time else "condition", ast.unparse(written), fold(tree, constants))
