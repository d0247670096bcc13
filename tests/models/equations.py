"""A model's equations as functions of numbers, with no simulator: what the tests hold against closed forms."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import root

from neurosim.circuit.evaluation import evaluate
from neurosim.circuit.language import Assignment, names_in, parse_expression
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.units import unit_names, unit_value


def value_of(text: str, names: Mapping[str, float]) -> float:
    """Evaluate an expression; units that stand in it have their SI value."""
    tree, units = _read(text)
    return float(evaluate(tree, {**units, **names}))


@functools.cache
def _read(text: str) -> tuple[ast.expr, dict[str, float]]:
    tree = parse_expression(text.replace("randn()", "noise"), "test")
    return tree, {name: unit_value(name)[0] for name in names_in(tree) & unit_names()}


def known(model: NeuronModel, values: Mapping[str, float]) -> dict[str, float]:
    """Return parameters, variables (0 where not given) and sub-expressions by name."""
    variables = [*model.names("differential"), *model.names("parameter")]
    names = {**dict.fromkeys(variables, 0.0), **known_parameters(model), **values}
    for line in model.lines:
        if line.kind == "subexpression":
            names[line.name] = value_of(line.expression, names)
    return names


def initial(model: NeuronModel) -> dict[str, float]:
    """Return the initial values of all variables."""
    names = known_parameters(model)
    for name in [*model.names("differential"), *model.names("parameter")]:
        given = model.initial.get(name, 0.0)
        names[name] = value_of(given, names) if isinstance(given, str) else float(given)
    return {name: names[name] for name in [*model.names("differential"), *model.names("parameter")]}


def known_parameters(model: NeuronModel) -> dict[str, float]:
    return {name: float(parameter.value) for name, parameter in model.parameters.items()}


def slopes(model: NeuronModel, state: Mapping[str, float]) -> dict[str, float]:
    """Return the time derivative of every variable, SI per second."""
    names = known(model, state)
    return {line.name: value_of(line.expression, names) for line in model.lines if line.kind == "differential"}


def integrate(model: NeuronModel, duration: float, threshold: float | None = None, **inputs: float):
    """Integrate accurately from the initial values, inputs held; event 0 is v rising through `threshold`."""
    start = initial(model) | inputs
    names = model.names("differential")

    def derivative(_: float, y: np.ndarray) -> list[float]:
        return list(slopes(model, {**start, **dict(zip(names, y, strict=True))}).values())

    def crossing(_: float, y: np.ndarray) -> float:
        return y[names.index("v")] - threshold

    crossing.direction = 1.0
    events = None if threshold is None else [crossing]
    y0 = [start[name] for name in names]
    return solve_ivp(
        derivative, (0, duration), y0, method="LSODA", rtol=1e-8, atol=1e-11, events=events, dense_output=True
    )


def rest(model: NeuronModel, **inputs: float) -> dict[str, float]:
    """Return the equilibrium next to the initial values."""
    start = initial(model) | inputs
    names = model.names("differential")
    scale = np.array([max(abs(start[name]), 1e-12) for name in names])

    def derivative(y: np.ndarray) -> np.ndarray:
        found = slopes(model, {**start, **dict(zip(names, y * scale, strict=True))})
        return np.array([found[name] for name in names]) / scale

    solution = root(derivative, np.array([start[name] for name in names]) / scale, method="lm", tol=1e-12)
    assert solution.success, solution.message
    return dict(zip(names, (float(value) for value in solution.x * scale), strict=True))


def growth(model: NeuronModel, state: Mapping[str, float], **inputs: float) -> float:
    """Return the largest real part of the eigenvalues at an equilibrium, per second: negative where it is stable."""
    names = model.names("differential")
    jacobian = np.empty((len(names), len(names)))
    for column, name in enumerate(names):
        step = 1e-5 * max(abs(state[name]), 1e-9)
        up, down = (
            slopes(model, {**initial(model), **inputs, **state, name: state[name] + sign * step}) for sign in (1, -1)
        )
        jacobian[:, column] = [(up[row] - down[row]) / (2 * step) for row in names]
    return float(np.linalg.eigvals(jacobian).real.max())


def execute(statements: tuple[Assignment, ...], names: Mapping[str, float]) -> dict[str, float]:
    """Execute assignments in order."""
    result = dict(names)
    for statement in statements:
        value = value_of(statement.expression, result)
        result[statement.target] = value if statement.operator == "=" else result[statement.target] + value
    return result


def iterate(model: NeuronModel, steps: int, **inputs: float) -> tuple[list[int], list[dict[str, float]]]:
    """Iterate a map: update, threshold, reset. Return the steps of spikes, and the states after each step."""
    names = {**known_parameters(model), **initial(model), "noise": 0.0}
    update, reset = model.update_statements, model.reset_statements
    spikes, states, above = [], [], False
    for step in range(steps):
        if isinstance(model.refractory, str):
            above = bool(value_of(model.refractory, names))
        names = execute(update, {**names, **inputs})
        if value_of(model.threshold, names) and not above:
            spikes.append(step)
            names = execute(reset, names)
        states.append(names)
    return spikes, states
