"""The checks of ``connect`` and ``inject``, so that an error comes at the line that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from neurosim.circuit.dyadic import on_grid
from neurosim.circuit.language import identifiers
from neurosim.circuit.neuron_model import NeuronModel, Parameter, checked_initial, value_unit
from neurosim.circuit.parts import Population
from neurosim.circuit.signals import AnalogueSignal
from neurosim.circuit.synapse_model import RECEPTOR, WEIGHT, SynapseModel
from neurosim.circuit.values import Distribution, Trainable, Value, as_given, as_value, plain
from neurosim.errors import CircuitError, UnitError, nearest
from neurosim.units import DIMENSIONLESS, canonical


def pulse_target(post: Population, receptor: str, where: str) -> tuple[str, str]:
    """Return the variable that a pulse to a receptor adds to, and its unit."""
    if not isinstance(post.model, NeuronModel):
        raise CircuitError(f"{where}: {post.name!r} is a source and receives nothing; connect to a population.")
    variable = post.model.receptors.get(receptor, receptor)
    inputs = [*post.model.receptors, *post.model.names("parameter"), *post.model.names("differential")]
    if variable not in post.model.units or variable in post.model.names("subexpression"):
        raise CircuitError(
            f"{where}: {post.name!r} has no receptor or variable {receptor!r}.{nearest(receptor, inputs)}"
        )
    return variable, post.model.units[variable]


def receptor_synapse(pre: Population, post: Population, receptor: str, where: str) -> SynapseModel:
    """Return the synapse that ``receptor=`` stands for.

    From spiking neurons it is a pulse that adds ``w`` to the receptor's variable; from neurons and sources without
    spikes it is graded: ``w`` times their first variable, summed into it.
    """
    variable, unit = pulse_target(post, receptor, where)
    if pre.spiking:
        return SynapseModel(on_pre=f"{variable}_post += {WEIGHT}", name=receptor)
    if pre.first_variable is None:
        raise CircuitError(f"{where}: {pre.name!r} has neither spikes nor a variable to pass on.")
    return SynapseModel(f"{variable}_post = {WEIGHT}*{pre.first_variable}_pre : {unit} (summed)", name=receptor)


def with_receptor(synapse: SynapseModel, post: Population, receptor: str | None, where: str) -> SynapseModel:
    """Return a synapse whose ``receptor_post`` is the variable that pulses to a receptor add to.

    Raises
    ------
    CircuitError
        If ``receptor=`` is missing, or given to a synapse that names its variables itself.
    """
    statements = synapse.on_pre_statements
    open_ended = "receptor" not in post.variables and any(statement.target == RECEPTOR for statement in statements)
    if receptor is None:
        if open_ended:
            raise CircuitError(f"{where}: this synapse adds to a receptor; say which with receptor=.")
        return synapse
    if not open_ended:
        raise CircuitError(
            f"{where}: receptor= goes with a synapse that adds to 'receptor_post'; this one names what it changes "
            "itself. Leave receptor= out."
        )
    variable, _ = pulse_target(post, receptor, where)
    lines = (
        f"{f'{variable}_post' if item.target == RECEPTOR else item.target} {item.operator} {item.expression}"
        for item in statements
    )
    return SynapseModel(
        synapse.equations,
        on_pre="\n".join(lines),
        on_post=synapse.on_post,
        parameters={name: as_given(p.value, p.unit) for name, p in synapse.parameters.items()},
        initial={name: as_given(value, synapse.variables[name]) for name, value in synapse.initial.items()},
        method=synapse.method,
        update=synapse.update,
        post_first=synapse.post_first,
        name=synapse.name,
    )


def edge_initial(synapse: SynapseModel, given: Mapping[str, Any] | None, where: str) -> Mapping[str, Value]:
    """Return the initial values that ``connect`` gives to the variables of edges, in SI."""
    units = {name: unit for name, unit in synapse.variables.items() if name in synapse.state}
    return checked_initial(given or {}, units, where)


def weight_unit(pre: Population, post: Population, synapse: SynapseModel, weight: Any) -> str:
    """Return the unit that the weight must have: by the receptor for library pulses, else as given."""
    for line in synapse.lines:
        if line.kind == "differential" and line.name == WEIGHT:
            return canonical(line.unit)
    for statement in synapse.on_pre_statements:
        variable = statement.target.removesuffix("_post")
        if statement.operator == "+=" and statement.expression == WEIGHT and statement.target != variable:
            if variable in post.variables:
                return post.variables[variable]
    summed = synapse.summed
    passed_on = {f"{WEIGHT}*{name}_pre": variable_unit for name, variable_unit in pre.variables.items()}
    if len(summed) == 1 and (summed[0].expression or "") in passed_on:
        source_unit = passed_on[summed[0].expression or ""]
        target = canonical(summed[0].unit)
        if source_unit == target:
            return DIMENSIONLESS
        return canonical(f"({target})/({source_unit})") if source_unit != DIMENSIONLESS else target
    return canonical(value_unit(weight))


def reads_weight(synapse: SynapseModel) -> bool:
    """Tell whether a synapse reads ``w``, or changes it."""
    texts = [line.expression for line in synapse.lines if line.expression]
    statements = (*synapse.on_pre_statements, *synapse.on_post_statements, *synapse.update_statements)
    texts += [statement.expression for statement in statements]
    return WEIGHT in synapse.state or any(WEIGHT in identifiers(text, synapse.name) for text in texts)


def checked_overrides(
    defaults: Mapping[str, Parameter], units: Mapping[str, str], given: Mapping[str, Any] | None, where: str
) -> Mapping[str, Parameter]:
    """Return parameters that override a model's, in SI; a bare ``Trainable()`` marks the model's own value."""
    result: dict[str, Parameter] = {}
    known = {**{name: parameter.unit for name, parameter in defaults.items()}, **units}
    for name, value in (given or {}).items():
        if name not in known:
            raise CircuitError(f"{where}: the model has no parameter {name!r}.{nearest(name, known)}")
        checked = as_value(value, known[name], f"{where}: parameter {name!r}")
        default = plain(defaults[name].value) if name in defaults else None
        result[name] = Parameter(marked(checked, default, f"{where}: parameter {name!r}"), known[name])
    return MappingProxyType(result)


def marked(value: Value, default: float | np.ndarray | Distribution | None, where: str) -> Value:
    """Return a value whose mark has an initial value: its own, else the default."""
    if not isinstance(value, Trainable) or value.initial is not None:
        return value
    if default is None:
        raise CircuitError(f"{where} is Trainable without an initial value; give one.")
    return value.with_initial(default)


def check_signal(signal: Any, unit: str, count: int, where: str) -> None:
    """Refuse what is no signal, or one of another unit or number of neurons than its target."""
    if signal is None:
        return
    if not isinstance(signal, AnalogueSignal):
        raise CircuitError(f"{where}: give a signal such as Step(...), got {type(signal).__name__}.")
    if signal.unit != unit:
        raise UnitError(f"{where} must be in {unit}, the signal is in {signal.unit}.")
    try:
        signal.check(count)
    except CircuitError as error:
        raise CircuitError(f"{where}: {error}") from None


def injection_unit(population: Population, variable: str, where: str) -> str:
    """Return the unit of a variable that may receive an analogue input."""
    model = population.model
    if not isinstance(model, NeuronModel):
        raise CircuitError(f"{where}: {population.name!r} is a source and receives nothing.")
    if variable not in model.names("parameter"):
        raise CircuitError(
            f"{where}: {population.name!r} has no input variable {variable!r} (a line '{variable} : unit')."
            f"{nearest(variable, model.names('parameter'))}"
        )
    return model.units[variable]


def dyadic_weight(value: Value, where: str) -> Value:
    """Return weights on their dyadic grid; drawn ones are rounded when they are drawn.

    Raises
    ------
    CircuitError
        If they are trainable or not finite.
    """
    if isinstance(value, Trainable):
        raise CircuitError(
            f"{where}: dyadic=True and a trainable weight exclude each other: training leaves the grid. Train without, "
            "and connect the trained weights with dyadic=True."
        )
    if isinstance(value, Distribution):
        return value
    try:
        rounded = on_grid(value)
    except CircuitError as error:
        raise CircuitError(f"{where}: {error}") from None
    if isinstance(rounded, np.ndarray):
        rounded.flags.writeable = False
    return rounded


def delay_value(delay: Any, where: str) -> Value:
    """Return a delay in seconds; a plain 0 needs no unit."""
    if delay is None:
        return 0.0
    if value_unit(delay) == DIMENSIONLESS and np.ndim(getattr(delay, "initial", delay)) == 0 and delay == 0:
        return 0.0
    return as_value(delay, "second", where)
