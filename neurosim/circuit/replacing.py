"""Another circuit with some values replaced, by address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connecting import reads_weight
from neurosim.circuit.edge_values import delay_steps
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import PoissonInput, Population, Projection, View
from neurosim.circuit.values import Trainable, Value, as_given, as_value, plain
from neurosim.errors import CircuitError, nearest
from neurosim.units import quantity

#: What is addressed without the name of a part.
OWN = ("dt", "seed")
_ALIASES = {"w": "weight"}


def addresses(circuit: Circuit) -> tuple[str, ...]:
    """Return everything in a circuit that can be replaced: ``"exc.tau_mem"``, ``"exc_to_inh.weight"``, ``"dt"``."""
    parts = _addressed(circuit)
    return (*OWN, *(f"{name}.{attribute}" for name, part in parts.items() for attribute in _attributes(part)))


def replace(circuit: Circuit, values: Mapping[str, Any]) -> Circuit:
    """Return a circuit with some values replaced; the original stays as it is.

    Parameters
    ----------
    circuit
        Any circuit.
    values
        New values by address: ``"population.parameter"``, ``"population.variable"`` (an initial value),
        ``"projection.weight"`` (or ``".w"``), ``"projection.delay"``, ``"projection.parameter"``, ``"dt"``, ``"seed"``.
        A plain value in the place of a :class:`Trainable` becomes its initial value; a ``Trainable`` without an
        initial value marks what is there.

    Returns
    -------
    Circuit
        Edges and drawn values of the parts that are not named stay the same, unless the seed changes.

    Raises
    ------
    CircuitError
        If an address does not exist or occurs twice, or a value has the wrong size; also if given delays are off the
        grid of a new ``dt``, and likewise what was learned: as many whole steps of the old ``dt`` as it stands for.
    UnitError
        If a value has the wrong unit.
    """
    own = {address: value for address, value in values.items() if address in OWN}
    changes: dict[str, dict[str, Any]] = {}
    for address, value in values.items():
        if address not in own:
            name, attribute = _resolved(circuit, address)
            if attribute in changes.setdefault(name, {}):
                raise CircuitError(f"replace: '{name}.{attribute}' is given twice.")
            changes[name][attribute] = value
    result = Circuit(
        circuit.name,
        dt=own.get("dt", quantity(circuit.dt, "second")),
        seed=own.get("seed", circuit.seed),
        round_delays=circuit.round_delays,
    )
    with result._taking_paths():
        for name, part in circuit.parts.items():
            if isinstance(part, Population) and isinstance(part.model, NeuronModel) and name in changes:
                _add_population(result, part, part.model, changes[name])
            elif isinstance(part, Projection) and (own or name in changes):
                _add_projection(result, part, _with_learned_delay(circuit, result, part, changes.get(name, {})))
            elif isinstance(part, PoissonInput) and name in changes:
                _add_poisson(result, part, changes[name])
            else:
                result._add(part)
    if not own:
        result._edges.update({name: table for name, table in circuit._edges.items() if name not in changes})
    return result


def _addressed(circuit: Circuit) -> dict[str, Population | Projection | PoissonInput]:
    return {**circuit.populations, **circuit.projections, **circuit.poisson_inputs}


def _attributes(part: Population | Projection | PoissonInput) -> tuple[str, ...]:
    if isinstance(part, PoissonInput):
        return ("weight", "rate")
    if isinstance(part, Projection):
        given = {**part.synapse.parameters, **part.parameters}
        weight = ("weight",) if reads_weight(part.synapse) else ()
        post = ("post_delay",) if part.synapse.on_post_statements else ()
        state = (name for name in part.synapse.state if name in part.synapse.variables)
        return (*weight, *(() if part.graded else ("delay",)), *post, *given, *state)
    if not isinstance(part.model, NeuronModel):
        return ()
    lines = part.model.names("differential") + part.model.names("parameter")
    return tuple(dict.fromkeys((*part.model.parameters, *lines)))


def _resolved(circuit: Circuit, address: str) -> tuple[str, str]:
    name, _, attribute = address.partition(".")
    parts = _addressed(circuit)
    if name not in parts:
        hint = nearest(address, addresses(circuit))
        raise CircuitError(f"replace: circuit {circuit.name!r} has no {address!r}.{hint}")
    part = parts[name]
    known = _attributes(part)
    if attribute not in known and not isinstance(part, Population):
        attribute = _ALIASES.get(attribute, attribute)
    if attribute not in known:
        kind = type(part).__name__.lower()
        raise CircuitError(f"replace: {kind} {name!r} has no value {attribute!r}.{nearest(attribute, known)}")
    return name, attribute


def _add_population(result: Circuit, part: Population, model: NeuronModel, changes: Mapping[str, Any]) -> None:
    current = {**model.parameters, **part.parameters}
    initial_now = {**model.initial, **part.initial}
    parameters = {name: as_given(parameter.value, parameter.unit) for name, parameter in part.parameters.items()}
    initial = {
        name: value if isinstance(value, str) else as_given(value, model.units[name])
        for name, value in part.initial.items()
    }
    for name, value in changes.items():
        where = f"replace: '{part.name}.{name}'"
        if name in current:
            parameters[name] = _renewed(current[name].value, current[name].unit, value, where)
        else:
            initial[name] = _renewed(initial_now.get(name, 0.0), model.units[name], value, where)
    result.population(
        part.name, part.shape, model,
        parameters=parameters, initial=initial, labels=part.labels, positions=part.given_positions,
    )  # fmt: skip


def _add_projection(result: Circuit, part: Projection, changes: Mapping[str, Any]) -> None:
    now = {name: (p.value, p.unit) for name, p in {**part.synapse.parameters, **part.parameters}.items()}
    now |= {"weight": (part.weight, part.weight_unit), "delay": (part.delay, "second")}
    now |= {"post_delay": (part.post_delay, "second")}
    initial_now: dict[str, Value] = {**part.synapse.initial, **part.initial}
    state = {name: unit for name, unit in part.synapse.variables.items() if name in part.synapse.state}
    now |= {name: (initial_now.get(name, 0.0), unit) for name, unit in state.items()}
    overridden = {"weight", "delay", "post_delay", *part.parameters, *part.initial}
    given = {name: as_given(*now[name]) for name in now if name in overridden}
    given |= {name: _renewed(*now[name], value, f"replace: '{part.name}.{name}'") for name, value in changes.items()}
    weight, delay, post_delay = (given.pop(name) for name in ("weight", "delay", "post_delay"))
    # connect() takes the unit of the weight from the weight where the equations do not say; here it is known.
    as_value(weight, part.weight_unit, f"projection {part.name!r}: weight")
    result.connect(
        part.pre if part.pre_indices is None else View(part.pre, part.pre_indices),
        part.post if part.post_indices is None else View(part.post, part.post_indices),
        part.connectivity,
        synapse=part.synapse,
        weight=weight if reads_weight(part.synapse) else None,
        delay=None if part.graded else delay,
        parameters={name: value for name, value in given.items() if name not in state},
        initial={name: value for name, value in given.items() if name in state},
        post_delay=post_delay if part.synapse.on_post_statements else None,
        name=part.name,
        dyadic=part.dyadic,
    )


def _with_learned_delay(circuit: Circuit, result: Circuit, part: Projection, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the changes with the learned delays as the whole steps that a simulation takes them for, if dt changes.

    Raises
    ------
    CircuitError
        If the new grid does not hold them: training would have to start again from other delays.
    """
    if "delay" in changes or result.dt == circuit.dt or result.round_delays or not isinstance(part.delay, Trainable):
        return changes
    given = plain(part.delay)
    if not isinstance(given, (float, np.ndarray)):
        return changes
    where = f"projection {part.name!r}, learned at dt = {circuit.dt:g} s"
    whole = delay_steps(given, circuit.dt, rounding=True, where=where) * circuit.dt
    delay_steps(whole, result.dt, rounding=False, where=where)
    return {**changes, "delay": quantity(whole, "second")}


def _add_poisson(result: Circuit, part: PoissonInput, changes: Mapping[str, Any]) -> None:
    now = {"weight": (part.weight, part.weight_unit), "rate": (part.rate, "hertz")}
    given = {name: as_given(*value) for name, value in now.items()}
    given |= {name: _renewed(*now[name], value, f"replace: '{part.name}.{name}'") for name, value in changes.items()}
    target = View(part.population, part.indices)
    result.poisson(part.name, target, receptor=part.variable, count=part.count, **given)


def _renewed(now: Value | str, unit: str, value: Any, where: str) -> Any:
    """Return what takes the place of a value, trainable if either is marked so."""
    if isinstance(value, Trainable) and value.initial is None:
        if isinstance(now, str):
            raise CircuitError(f"{where} is the expression {now!r}; give the Trainable an initial value.")
        return value.with_initial(as_given(plain(now), unit))
    if isinstance(now, Trainable) and not isinstance(value, Trainable):
        if isinstance(value, str):
            raise CircuitError(f"{where} is trainable; it can become a number, not the expression {value!r}.")
        marked: Trainable = as_given(now, unit)
        return marked.with_initial(value)
    return value
