"""From rules to numbers: edges, weights, delays, parameters and initial values, drawn from the circuit's seed.

Every object draws from a stream of its own, named by its address, so that adding a part never changes another.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.circuit.connectivity import AllToAll, Edges, OneToOne
from neurosim.circuit.evaluation import evaluate
from neurosim.circuit.language import names_in, parse_expression
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import EdgeTable, Population, Projection
from neurosim.circuit.values import Distribution, Trainable, Value, plain, realise
from neurosim.errors import CircuitError, nearest
from neurosim.random import Stream
from neurosim.units import unit_names, unit_value

if TYPE_CHECKING:
    from neurosim.circuit.circuit import Circuit

logger = logging.getLogger(__name__)

#: How far from a multiple of dt, in steps, a delay may lie and still be that multiple.
GRID_TOLERANCE = 1e-6


def check_size(value: Value | str, size: int, where: str) -> None:
    """Refuse an array that does not have one value for each."""
    inner = value if isinstance(value, str) else plain(value)
    if isinstance(inner, np.ndarray) and inner.shape != (size,):
        raise CircuitError(f"{where} has shape {inner.shape}; give one value or an array of shape ({size},).")


def stream_of(circuit: Circuit, part: str, what: str) -> Stream:
    """Return the stream of random numbers of one object of a circuit."""
    return Stream(circuit.seed, f"{part}/{what}")


def realise_parameter(circuit: Circuit, population: Population, name: str) -> float | np.ndarray:
    """Return a parameter: a float where all neurons share it, else (neuron,)."""
    model = population.model
    if not isinstance(model, NeuronModel):
        raise CircuitError(f"source {population.name!r} has no parameters.")
    given = population.parameters.get(name) or model.parameters.get(name)
    if given is None:
        raise CircuitError(
            f"population {population.name!r} has no parameter {name!r}.{nearest(name, model.parameters)}"
        )
    check_size(given.value, population.n, f"population {population.name!r}: {name!r}")
    return realise(given.value, population.n, stream_of(circuit, population.name, f"parameter/{name}"))


def realise_edge_parameter(circuit: Circuit, projection: Projection, name: str) -> float | np.ndarray:
    """Return a synapse parameter: a float where all edges share it, else (edge,)."""
    given = projection.parameters.get(name) or projection.synapse.parameters.get(name)
    if given is None:
        known = {**projection.synapse.parameters}
        raise CircuitError(f"projection {projection.name!r} has no parameter {name!r}.{nearest(name, known)}")
    count = len(circuit.edges(projection).pre)
    check_size(given.value, count, f"projection {projection.name!r}: {name!r}")
    return realise(given.value, count, stream_of(circuit, projection.name, f"parameter/{name}"))


def realise_initial(circuit: Circuit, population: Population, variable: str) -> np.ndarray:
    """Return initial values, shape (neuron,): the population's, else the model's, else a parameter's, else 0."""
    model = population.model
    if not isinstance(model, NeuronModel):
        return np.zeros(population.n)
    value = population.initial.get(variable, model.initial.get(variable))
    if value is None and (variable in population.parameters or variable in model.parameters):
        value = realise_parameter(circuit, population, variable)
    if value is None:
        return np.zeros(population.n)
    if isinstance(value, str):
        names = names_in(parse_expression(value, f"initial {variable!r} of {population.name!r}"))
        result = evaluate(parse_expression(value, ""), _initial_names(circuit, population, names))
    else:
        check_size(value, population.n, f"population {population.name!r}: initial {variable!r}")
        result = realise(value, population.n, stream_of(circuit, population.name, f"initial/{variable}"))
    return np.array(np.broadcast_to(np.asarray(result, dtype=np.float64), (population.n,)))


def _initial_names(circuit: Circuit, population: Population, names: frozenset[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    model = population.model
    for name in names:
        if name in population.parameters or (isinstance(model, NeuronModel) and name in model.parameters):
            values[name] = realise_parameter(circuit, population, name)
        elif name in population.variables:
            values[name] = realise_initial(circuit, population, name)
        elif name == "i":
            values[name] = np.arange(population.n, dtype=np.float64)
        elif name == "N":
            values[name] = float(population.n)
        elif name in unit_names():
            values[name] = unit_value(name)[0]
    return values


def check_initial(population: Population) -> None:
    """Refuse initial values given as text that refer to themselves, to a sub-expression, or to unknown names."""
    model = population.model
    if not isinstance(model, NeuronModel):
        return
    texts = {**model.initial, **population.initial}
    graph = {
        name: names_in(parse_expression(text, f"population {population.name!r}: initial {name!r}"))
        for name, text in texts.items()
        if isinstance(text, str)
    }
    known = {*model.units, "i", "N", "pi", "e"} - set(model.names("subexpression"))
    for name, names in graph.items():
        for used in sorted(names):
            if used not in known and used not in unit_names():
                raise CircuitError(
                    f"population {population.name!r}: initial {name!r} = {texts[name]!r} uses {used!r}, which has no "
                    f"value there.{nearest(used, known)}"
                )
        seen, todo = set(), [name]
        while todo:
            for used in graph.get(todo.pop(), frozenset()):
                if used == name:
                    raise CircuitError(
                        f"population {population.name!r}: the initial value of {name!r} depends on itself."
                    )
                if used not in seen:
                    seen.add(used)
                    todo.append(used)


def check_projection(circuit: Circuit, projection: Projection) -> None:
    """Refuse sizes, weights and delays that cannot work, at the line that adds the projection."""
    where = f"projection {projection.name!r}"
    arrays = [plain(projection.weight), plain(projection.delay)]
    arrays += [plain(parameter.value) for parameter in projection.parameters.values()]
    if any(isinstance(array, np.ndarray) for array in arrays) or isinstance(projection.connectivity, (OneToOne, Edges)):
        if isinstance(projection.connectivity, AllToAll) and projection.connectivity.autapses:
            ends = [circuit.populations[end].n for end in (projection.pre, projection.post)]
            ends[0] = len(projection.pre_indices) if projection.pre_indices else ends[0]
            ends[1] = len(projection.post_indices) if projection.post_indices else ends[1]
            count = ends[0] * ends[1]
        else:
            count = len(realise_pairs(circuit, projection)[0])
        check_size(projection.weight, count, f"{where}: weight")
        check_size(projection.delay, count, f"{where}: delay")
        for name, parameter in projection.parameters.items():
            check_size(parameter.value, count, f"{where}: {name!r}")
    delay = plain(projection.delay)
    if isinstance(delay, (float, np.ndarray)):
        delay_steps(delay, circuit.dt, rounding=circuit.round_delays, where=where)
    elif delay is None:
        raise CircuitError(f"{where}: the trainable delay needs an initial value.")
    if plain(projection.weight) is None:
        raise CircuitError(f"{where}: the trainable weight needs an initial value.")


def realise_pairs(circuit: Circuit, projection: Projection) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(pre, post)`` neuron indices of the edges."""
    pre, post = (circuit.populations[end] for end in (projection.pre, projection.post))
    first, second = projection.pre_indices, projection.post_indices
    same = pre.name == post.name and first == second
    if pre.name == post.name and not same and getattr(projection.connectivity, "autapses", True) is False:
        overlap = set(first or range(pre.n)) & set(second or range(post.n))
        if overlap:
            raise CircuitError(
                f"projection {projection.name!r}: autapses=False needs both ends to be the same neurons or to share "
                f"none; they share {len(overlap)}."
            )
    sizes = (len(first) if first else pre.n, len(second) if second else post.n)
    rows, columns = projection.connectivity.realise(*sizes, same, stream_of(circuit, projection.name, "connectivity"))
    if first is not None:
        rows = np.asarray(first)[rows]
    if second is not None:
        columns = np.asarray(second)[columns]
    return rows, columns


def realise_edges(circuit: Circuit, projection: Projection) -> EdgeTable:
    """Return the edges of a projection with their weights (SI) and delays (s)."""
    where = f"projection {projection.name!r}"
    pre, post = realise_pairs(circuit, projection)
    weight = _per_edge(projection.weight, len(pre), stream_of(circuit, projection.name, "weight"), f"{where}: weight")
    delay = _per_edge(projection.delay, len(pre), stream_of(circuit, projection.name, "delay"), f"{where}: delay")
    drawn = isinstance(plain(projection.delay), Distribution)
    trained = isinstance(projection.delay, Trainable)
    steps = delay_steps(delay, circuit.dt, rounding=drawn or trained or circuit.round_delays, where=where)
    if not drawn and not trained and len(delay):
        moved = float(np.max(np.abs(delay - steps * circuit.dt)))
        if moved > GRID_TOLERANCE * circuit.dt:
            logger.warning("%s: delays rounded to multiples of dt = %g s, by up to %g s", where, circuit.dt, moved)
    return EdgeTable(pre, post, weight, steps * circuit.dt)


def _per_edge(value: Value, count: int, stream: Stream, where: str) -> np.ndarray:
    check_size(value, count, where)
    return np.array(np.broadcast_to(np.asarray(realise(value, count, stream), dtype=np.float64), (count,)))


def delay_steps(delay: float | np.ndarray, dt: float, *, rounding: bool, where: str) -> np.ndarray:
    """Return delays in steps.

    Raises
    ------
    CircuitError
        If one is negative, not finite, or (without `rounding`) no multiple of dt.
    """
    delay = np.asarray(delay, dtype=np.float64)
    if np.any(~np.isfinite(delay)) or np.any(delay < 0):
        worst = delay[~(delay >= 0)] if delay.ndim else delay
        raise CircuitError(f"{where}: delays must be finite and not negative, got {np.ravel(worst)[0]} s.")
    exact = delay / dt
    steps = np.floor(exact + 0.5)
    if not rounding:
        off = np.abs(exact - steps) > GRID_TOLERANCE
        if np.any(off):
            value = float(np.ravel(delay)[np.argmax(np.ravel(off))])
            raise CircuitError(
                f"{where}: the delay {value:g} s is no multiple of dt = {dt:g} s (nearest: "
                f"{np.floor(value / dt + 0.5) * dt:g} s). Change it, or pass round_delays=True to the circuit."
            )
    return steps.astype(np.int64)


def trainables(circuit: Circuit) -> dict[str, Trainable]:
    """Return everything marked trainable, by address."""
    found: dict[str, Trainable] = {}
    for name, population in circuit.populations.items():
        model = population.model
        if isinstance(model, NeuronModel):
            parameters = {**model.parameters, **population.parameters}
            values: dict[str, Value | str] = {key: parameter.value for key, parameter in parameters.items()}
            initial = {**model.initial, **population.initial}
            values |= {key: value for key, value in initial.items() if key not in values}
            found |= {f"{name}.{key}": value for key, value in values.items() if isinstance(value, Trainable)}
    for name, projection in circuit.projections.items():
        edge_values = {"weight": projection.weight, "delay": projection.delay}
        given = {**projection.synapse.parameters, **projection.parameters}
        edge_values |= {key: parameter.value for key, parameter in given.items()}
        found |= {f"{name}.{key}": value for key, value in edge_values.items() if isinstance(value, Trainable)}
    return found
