"""From rules to numbers: edges, weights, delays, parameters and initial values, drawn from the circuit's seed.

Every object draws from a stream of its own, named by its address, so that adding a part never changes another.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.circuit.connectivity import Connectivity
from neurosim.circuit.dyadic import on_grid
from neurosim.circuit.edge_sampling import EdgeArrays
from neurosim.circuit.edge_values import GRID_TOLERANCE, Ends, edge_steps, edge_values
from neurosim.circuit.evaluation import evaluate
from neurosim.circuit.language import names_in, parse_expression
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import PoissonInput, Population, Projection
from neurosim.circuit.positions import positions_of
from neurosim.circuit.realised_edges import Ascending, EdgeTable, as_int32, index_column, shortest
from neurosim.circuit.sources import PoissonSource
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.circuit.values import Distribution, Trainable, Value, plain, realise
from neurosim.errors import CircuitError, nearest
from neurosim.random import Stream
from neurosim.units import unit_names, unit_value

if TYPE_CHECKING:
    from neurosim.circuit.circuit import Circuit
    from neurosim.circuit.named_parts import NamedParts

logger = logging.getLogger(__name__)


def check_size(value: Value | str, size: int, where: str) -> None:
    """Refuse an array that does not have one value for each."""
    inner = value if isinstance(value, str) else plain(value)
    if isinstance(inner, np.ndarray) and inner.shape != (size,):
        raise CircuitError(f"{where} has shape {inner.shape}; give one value or an array of shape ({size},).")


def stream_of(circuit: NamedParts, part: str, what: str) -> Stream:
    """Return the stream of random numbers of one object of a circuit."""
    return Stream(circuit.seed, f"{part}/{what}")


def realise_parameter(circuit: NamedParts, population: Population, name: str) -> float | np.ndarray:
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
    known = {**projection.synapse.parameters, **projection.parameters}
    if name not in known:
        raise CircuitError(f"projection {projection.name!r} has no parameter {name!r}.{nearest(name, known)}")
    edges = circuit.edges(projection)
    value = known[name].value
    check_size(value, edges.n, f"projection {projection.name!r}: parameter/{name}")
    ends = _ends(circuit, projection, edges.sources, edges.post)
    return edge_values(value, stream_of(circuit, projection.name, f"parameter/{name}"), ends)


def realise_edge_initial(circuit: Circuit, projection: Projection, variable: str) -> np.ndarray:
    """Return where a variable of the edges of a projection starts, SI, shape (edge,)."""
    edges = circuit.edges(projection)
    if variable == WEIGHT:
        return np.array(edges.weight)
    synapse = projection.synapse
    known = [name for name in synapse.state if name != WEIGHT]
    if variable not in known:
        raise CircuitError(f"projection {projection.name!r} has no variable {variable!r}.{nearest(variable, known)}")
    value = projection.initial.get(variable, synapse.initial.get(variable, 0.0))
    check_size(value, edges.n, f"projection {projection.name!r}: initial {variable!r}")
    ends = _ends(circuit, projection, edges.sources, edges.post)
    values = edge_values(value, stream_of(circuit, projection.name, f"initial/{variable}"), ends)
    return np.array(np.broadcast_to(values, (edges.n,)))


def realise_post_delay(circuit: Circuit, projection: Projection) -> np.ndarray:
    """Return the delays of postsynaptic spikes in steps, int32, shape (edge,)."""
    edges = circuit.edges(projection)
    check_size(projection.post_delay, edges.n, f"projection {projection.name!r}: post_delay")
    ends = _ends(circuit, projection, edges.sources, edges.post)
    return as_int32(_delays_on_grid(circuit, projection, projection.post_delay, "post_delay", ends))


def realise_rate(circuit: NamedParts, name: str) -> float | np.ndarray:
    """Return the rate of a Poisson source or input in hertz: a float where all neurons share it, else (neuron,)."""
    part = circuit.parts.get(name)
    if isinstance(part, Population) and isinstance(part.model, PoissonSource):
        return realise(part.model.rate, part.n, stream_of(circuit, name, "rate"))
    if isinstance(part, PoissonInput):
        return realise(part.rate, part.n, stream_of(circuit, name, "rate"))
    raise CircuitError(f"{name!r} is no Poisson source or input and has no rate.")


def realise_poisson_weight(circuit: NamedParts, part: PoissonInput) -> float | np.ndarray:
    """Return the weight of a Poisson input: a float where all neurons share it, else (neuron,)."""
    weight = realise(part.weight, part.n, stream_of(circuit, part.name, "weight"))
    each = isinstance(part.weight, Trainable) and part.weight.per == "neuron"
    return np.full(part.n, weight) if each and isinstance(weight, float) else weight


def realise_initial(circuit: NamedParts, population: Population, variable: str) -> np.ndarray:
    """Return initial values, shape (neuron,): the population's, else the model's, else a parameter's, else 0."""
    model = population.model
    if variable not in population.variables:
        hint = nearest(variable, population.variables)
        raise CircuitError(f"population {population.name!r} has no variable {variable!r}.{hint}")
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
    values = np.array(np.broadcast_to(np.asarray(result, dtype=np.float64), (population.n,)))
    if np.any(np.isnan(values)):
        raise CircuitError(
            f"population {population.name!r}: the initial value of {variable!r}, {value!r}, is not a number for "
            f"{int(np.isnan(values).sum())} of {population.n} neurons."
        )
    return values


def _initial_names(circuit: NamedParts, population: Population, names: frozenset[str]) -> dict[str, Any]:
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


def sizes(circuit: NamedParts, projection: Projection) -> tuple[int, int, bool]:
    """Return the numbers of neurons at both ends, and whether they are the same neurons."""
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
    return (len(first) if first else pre.n, len(second) if second else post.n, same)


def placed_rule(circuit: NamedParts, projection: Projection) -> Connectivity:
    """Return the rule of a projection for the positions and shapes of what is at its ends."""
    ends = [
        (circuit.populations[name], indices)
        for name, indices in ((projection.pre, projection.pre_indices), (projection.post, projection.post_indices))
    ]
    pre, post = (positions_of(population, indices) for population, indices in ends)
    shapes = (population.shape if indices is None else None for population, indices in ends)
    return projection.connectivity.placed(pre, post).shaped(*shapes)


def realise_rule(circuit: NamedParts, projection: Projection) -> EdgeArrays:
    """Return ``(pre, post)`` of the edges, counted among the neurons that the projection connects."""
    n_pre, n_post, same = sizes(circuit, projection)
    stream = stream_of(circuit, projection.name, "connectivity")
    try:
        return placed_rule(circuit, projection).edges(n_pre, n_post, same, stream)
    except CircuitError as error:
        raise CircuitError(f"projection {projection.name!r}: {error}") from None


def realise_pairs(circuit: NamedParts, projection: Projection) -> tuple[np.ndarray | Ascending, np.ndarray]:
    """Return ``(pre, post)`` neuron indices of the edges, int32; sorted ones as where the edges of each begin."""
    rows, columns = realise_rule(circuit, projection)
    post = _neurons(columns, projection.post_indices)
    del columns  # its memory is wanted for what follows
    if projection.pre_indices is not None or isinstance(rows, np.ndarray):
        rows = _neurons(rows.column() if isinstance(rows, Ascending) else rows, projection.pre_indices)
    return shortest(rows, circuit.populations[projection.pre].n), post


def _neurons(indices: np.ndarray, chosen: tuple[int, ...] | None) -> np.ndarray:
    """Return neurons of the whole population for indices among those chosen."""
    return index_column(indices, "neurons") if chosen is None else index_column(np.asarray(chosen), "neurons")[indices]


def realise_edges(circuit: NamedParts, projection: Projection) -> EdgeTable:
    """Return the edges of a projection with their weights (SI) and delays."""
    where = f"projection {projection.name!r}"
    pre, post = realise_pairs(circuit, projection)
    ends = _ends(circuit, projection, pre, post)
    check_size(projection.delay, post.size, f"{where}: delay")
    rule = placed_rule(circuit, projection)
    if rule.kernel_shape is None:
        check_size(projection.weight, post.size, f"{where}: weight")
        weight = edge_values(projection.weight, stream_of(circuit, projection.name, "weight"), ends)
        weight = on_grid(weight) if projection.dyadic else weight
    else:
        weight = realise_kernel(circuit, projection)
    element = rule.elements() if isinstance(weight, np.ndarray) else None
    weights = weight if isinstance(weight, np.ndarray) else np.broadcast_to(np.float64(weight), post.size)
    steps = _delays_on_grid(circuit, projection, projection.delay, "delay", ends)
    return EdgeTable(pre, post, weights, steps, circuit.dt, element)


def shared_delay(circuit: NamedParts, projection: Projection) -> int | None:
    """Return the delay that all edges have, in steps; ``None`` where it may differ from edge to edge."""
    if not isinstance(plain(projection.delay), float):
        return None
    one = np.zeros(1, dtype=np.int32)
    return int(_delays_on_grid(circuit, projection, projection.delay, "delay", _ends(circuit, projection, one, one))[0])


def realise_kernel(circuit: NamedParts, projection: Projection) -> float | np.ndarray:
    """Return the weights that edges share (SI): a float where all share one, else in the shape of the kernel.

    Raises
    ------
    CircuitError
        If every edge has a weight of its own.
    """
    shape = placed_rule(circuit, projection).kernel_shape
    if shape is None:
        raise CircuitError(
            f"projection {projection.name!r} has no kernel: the edges of {projection.connectivity!r} share no weights."
        )
    weight = realise(projection.weight, int(np.prod(shape)), stream_of(circuit, projection.name, "weight"))
    weight = on_grid(weight) if projection.dyadic else weight
    return weight.reshape(shape) if isinstance(weight, np.ndarray) else weight


def _delays_on_grid(circuit: NamedParts, projection: Projection, given: Value, what: str, ends: Ends) -> np.ndarray:
    """Return delays in steps, (edge,): drawn and trained ones rounded, given ones checked."""
    where = f"projection {projection.name!r}"
    drawn = isinstance(plain(given), Distribution) or isinstance(given, Trainable)
    stream = stream_of(circuit, projection.name, what)
    rounding = drawn or circuit.round_delays
    steps, moved = edge_steps(given, stream, ends, circuit.dt, rounding=rounding, where=where)
    if not drawn and moved > GRID_TOLERANCE * circuit.dt:
        logger.warning("%s: delays rounded to multiples of dt = %g s, by up to %g s", where, circuit.dt, moved)
    return steps


def _ends(circuit: NamedParts, projection: Projection, pre: np.ndarray | Ascending, post: np.ndarray) -> Ends:
    """Return the neurons at both ends of all edges."""
    return Ends(pre, post, (circuit.populations[projection.pre].n, circuit.populations[projection.post].n))


def trainables(circuit: NamedParts) -> dict[str, Trainable]:
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
    for name, part in circuit.poisson_inputs.items():
        if isinstance(part.weight, Trainable):
            found[f"{name}.weight"] = part.weight
    return found
