"""How fast the variables of a model change at given points: its right-hand sides, evaluated with numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.circuit.evaluation import evaluate
from neurosim.circuit.language import names_in, parse_expression
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.values import Distribution, plain
from neurosim.errors import EquationError, nearest
from neurosim.units import to_si, unit_names, unit_value

#: What the names that every equation knows stand for in a neuron at rest in time: no noise, no refractoriness.
STILL = {"t": 0.0, "xi": 0.0, "not_refractory": True, "lastspike": -1e4}


def vector_field(
    model: NeuronModel,
    points: Mapping[str, Any],
    *,
    parameters: Mapping[str, Any] | None = None,
    held: Mapping[str, Any] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return the derivatives of some variables.

    Parameters
    ----------
    model
        Whose equations.
    points : mapping of str to array
        Values of the variables that are asked for, in SI; of shapes that broadcast.
    parameters : mapping of str, optional
        Other values of the model's parameters, with units.
    held : mapping of str, optional
        Values, with units, of inputs (0 by default) and of variables that are not among the points.

    Returns
    -------
    dict of str to numpy.ndarray
        For each point's variable its derivative by time in SI, the noise left out.

    Raises
    ------
    EquationError
        If a name is unknown, or a value is missing.
    """
    where = f"model {model.name!r}"
    equations = {line.name: line.expression or "" for line in model.lines if line.kind == "differential"}
    values: dict[str, Any] = {**STILL, **dict.fromkeys(model.names("parameter"), 0.0)}
    for name, parameter in model.parameters.items():
        value = plain(parameter.value)
        if not isinstance(value, Distribution) and np.ndim(value) == 0:
            values[name] = value
    for name, given in {**(parameters or {}), **(held or {})}.items():
        if name not in model.units:
            raise EquationError(f"{where} has no {name!r}.{nearest(name, model.units)}")
        values[name] = to_si(given, model.units[name], f"{where}: {name}")
    values |= points
    for name in points:
        if name not in equations:
            raise EquationError(f"{where}: {name!r} has no differential equation.{nearest(name, equations)}")
    known = {line.name: line.expression or "" for line in model.lines if line.kind == "subexpression"}
    return {
        name: np.asarray(_value(equations[name], values, known, f"{where}: d{name}/dt"), dtype=np.float64)
        for name in points
    }


def _value(expression: str, values: dict[str, Any], known: Mapping[str, str], where: str) -> Any:
    """Return the value of an expression; sub-expressions that it names are computed first and kept."""
    tree = parse_expression(expression, where)
    for name in names_in(tree):
        if name in values:
            continue
        if name in known:
            values[name] = _value(known[name], values, known, where)
        elif name in unit_names():
            values[name] = unit_value(name)[0]
    return evaluate(tree, values)
