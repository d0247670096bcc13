"""A population in the circuit's own words: its threshold, reset and integrator as they were written.

Brian2 then makes the statements of a step itself, with names for the parameters, so that a reader can change them. It
rounds otherwise than neurosim's statements, and draws its own random numbers.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.backends.brian2.texts import expression, renaming
from neurosim.circuit.language import Assignment, parse_expression
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.errors import EquationError, UnsupportedError
from neurosim.program.discretise import NOT_REFRACTORY, brian2_name
from neurosim.program.normalise import refuse_cancellation
from neurosim.program.statements import Statement
from neurosim.program.step_program import PopulationProgram


@dataclass(frozen=True)
class NativeTexts:
    """What stands for the statements of a population's step.

    Parameters
    ----------
    method
        Brian2's name of the integrator, or None where nothing is integrated.
    threshold, reset, refractory, update
        As the model has them, in names that Brian2 accepts; None for none.
    dropped
        Variables of the group that only its statements read: random numbers.
    """

    method: str | None
    threshold: str | None
    reset: str | None
    refractory: str | None
    update: str | None
    dropped: frozenset[str]


def native_texts(model: NeuronModel, item: PopulationProgram) -> NativeTexts:
    """Return a model's own texts."""
    names = renaming(item.units)

    def renamed(text: str) -> str:
        return expression(parse_expression(text, item.name), names)

    def statements(given: Iterable[Assignment]) -> str:
        return "\n".join(f"{names.get(s.target, s.target)} {s.operator} {renamed(s.expression)}" for s in given)

    return NativeTexts(
        method=item.method,
        threshold=None if model.threshold is None else renamed(model.threshold),
        reset=None if model.threshold is None else statements(model.reset_statements),
        refractory=renamed(model.refractory) if isinstance(model.refractory, str) else None,
        update=statements(model.update_statements) or None,
        dropped=frozenset(site.symbol for site in item.noise),
    )


def refuse_equal_time_constants(group: Any, item: PopulationProgram) -> None:
    """Refuse a population whose exact solution Brian2 writes with a division by zero.

    Raises
    ------
    UnsupportedError
        If two of its time constants are equal, or nearly so.
    """
    from brian2.stateupdaters.base import StateUpdateMethod

    if item.method != "exact":
        return
    names = group.equations.names | group.equations.identifiers | {"dt"}
    variables = group.resolve_all(names, {}, user_identifiers=set())
    code = StateUpdateMethod.apply_stateupdater(group.equations, variables, item.method)
    statements = []
    for line in code.splitlines():
        target, _, right = line.partition("=")
        if right:
            statements.append(Statement(target.strip(), ast.parse(right.strip(), mode="eval").body))
    values: dict[str, float | np.ndarray] = {NOT_REFRACTORY: np.array([[False], [True]])}
    values |= {brian2_name(name): value for name, value in {**item.constants, **item.parameters}.items()}
    values["dt"] = float(group.clock.dt_)
    try:
        refuse_cancellation(statements, values, f"population {item.name!r}", str)
    except EquationError as error:
        raise UnsupportedError(f"{error} Or export exact statements, which have no such division.") from None
