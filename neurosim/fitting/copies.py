"""Many copies of a circuit in one, beside each other and not connected: candidates that are simulated at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Edges
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import Injection, PoissonInput, Population, Projection, View
from neurosim.circuit.signals import AnalogueSignal
from neurosim.circuit.sources import PoissonSource, SignalSource, SpikeSource
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.errors import UnsupportedError
from neurosim.units import quantity

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Copies:
    """Copies of a circuit in one.

    Parameters
    ----------
    circuit
        Neuron `i` of copy `k` is neuron ``k*n + i``.
    count
        How many.

    Notes
    -----
    Structure and drawn values are those of the original in every copy. Noise is not: each copy draws its own.
    """

    circuit: Circuit
    count: int

    @classmethod
    def of(cls, circuit: Circuit, count: int) -> Copies:
        """Make them.

        Raises
        ------
        UnsupportedError
            If the circuit shares weights between edges (convolutions), or holds a signal for each neuron.
        """
        wide = Circuit(circuit.name, dt=quantity(circuit.dt, "second"), seed=circuit.seed, round_delays=True)
        for part in circuit.parts.values():
            if isinstance(part, Population):
                _population(circuit, wide, part, count)
            elif isinstance(part, Projection):
                _projection(circuit, wide, part, count)
            elif isinstance(part, Injection):
                indices = _neurons(part.indices, circuit.populations[part.population].n, count)
                target = View(part.population, indices)
                wide.inject(part.name, target, part.variable, _signal(part, len(indices)))
            elif isinstance(part, PoissonInput):
                _poisson(circuit, wide, part, count)
            else:
                raise UnsupportedError(f"copies: {part!r} cannot be copied.")
        return cls(wide, count)

    def with_values(self, values: Mapping[str, Floats], units: Mapping[str, str]) -> Circuit:
        """Return the copies with values of their own.

        Parameters
        ----------
        values
            By address, in SI: (copy,), or (copy, neuron or edge).
        units
            Of each address.
        """
        changes = {}
        for address, array in values.items():
            name, _, attribute = address.rpartition(".")
            part = self.circuit.parts[name]
            size = self.circuit.edges(name).n if isinstance(part, Projection) else part.n
            each = np.asarray(array).reshape(self.count, -1)
            flat = np.broadcast_to(each, (self.count, size // self.count)).reshape(-1)
            if attribute == "delay" and isinstance(part, Projection):
                flat = np.rint(flat / self.circuit.dt) * self.circuit.dt
            changes[address] = quantity(np.array(flat), units[address])
        return self.circuit.replace(changes)

    def fed(self, values: Floats) -> Floats:
        """Return what is fed into one circuit, (time, trial, neuron), for all copies."""
        if values.shape[2] == 1:
            return np.broadcast_to(values, (*values.shape[:2], self.count))
        return np.tile(values, (1, 1, self.count))


def _population(circuit: Circuit, wide: Circuit, part: Population, count: int) -> None:
    model, n = part.model, part.n * count
    if isinstance(model, SpikeSource):
        wide.source(part.name, SpikeSource(n))
    elif isinstance(model, SignalSource):
        wide.source(part.name, SignalSource(n, model.unit))
    elif isinstance(model, PoissonSource):
        wide.source(part.name, PoissonSource(n, quantity(_tiled(circuit.rate(part.name), count), "hertz")))
    else:
        known = {**model.parameters, **part.parameters}
        parameters = {
            name: quantity(_tiled(circuit.parameter(part.name, name), count), parameter.unit)
            for name, parameter in known.items()
        }
        wide.population(part.name, n, model, parameters=parameters, initial=_initial(circuit, part, model, count))


def _initial(circuit: Circuit, part: Population, model: NeuronModel, count: int) -> dict[str, Any]:
    """Return where variables start: expressions stay, for they follow the parameters of each copy."""
    found: dict[str, Any] = {}
    for name, value in {**model.initial, **part.initial}.items():
        found[name] = (
            value
            if isinstance(value, str)
            else quantity(np.tile(circuit.initial(part.name, name), count), model.units[name])
        )
    return found


def _projection(circuit: Circuit, wide: Circuit, part: Projection, count: int) -> None:
    if part.connectivity.kernel_shape is not None:
        raise UnsupportedError(f"copies: {part.name!r} shares weights between edges and cannot be copied.")
    edges = circuit.edges(part.name)
    pre, post = (
        (np.arange(count)[:, np.newaxis] * circuit.populations[name].n + np.asarray(side)).reshape(-1)
        for name, side in ((part.pre, edges.pre), (part.post, edges.post))
    )
    synapse = part.synapse
    given = {**synapse.parameters, **part.parameters}
    parameters = {
        name: quantity(_tiled(circuit.edge_parameter(part.name, name), count), value.unit)
        for name, value in given.items()
    }
    initial = {
        name: quantity(np.tile(circuit.edge_initial(part.name, name), count), synapse.variables[name])
        for name in synapse.state
        if name != WEIGHT and name in synapse.variables
    }
    post_delay = None
    if synapse.on_post_statements:
        post_delay = quantity(np.tile(circuit.post_delay_steps(part.name), count) * circuit.dt, "second")
    from neurosim.circuit.connecting import reads_weight

    wide.connect(
        part.pre,
        part.post,
        Edges(pre, post),
        synapse=synapse,
        weight=quantity(np.tile(edges.weight, count), part.weight_unit) if reads_weight(synapse) else None,
        delay=None if part.graded else quantity(np.tile(edges.delay, count), "second"),
        parameters=parameters,
        initial=initial,
        post_delay=post_delay,
        name=part.name,
    )


def _poisson(circuit: Circuit, wide: Circuit, part: PoissonInput, count: int) -> None:
    from neurosim.circuit.realisation import realise_poisson_weight

    indices = _neurons(part.indices, circuit.populations[part.population].n, count)
    wide.poisson(
        part.name,
        View(part.population, indices),
        receptor=part.variable,
        count=part.count,
        rate=quantity(_tiled(circuit.rate(part.name), count), "hertz"),
        weight=quantity(_tiled(realise_poisson_weight(circuit, part), count), part.weight_unit),
    )


def _signal(part: Injection, n: int) -> AnalogueSignal | None:
    if part.signal is not None:
        try:
            part.signal.check(n)
        except ValueError:
            raise UnsupportedError(
                f"copies: injection {part.name!r} holds a signal for each neuron; give it as inputs= instead."
            ) from None
    return part.signal


def _neurons(indices: tuple[int, ...], n: int, count: int) -> tuple[int, ...]:
    return tuple((np.arange(count)[:, np.newaxis] * n + np.asarray(indices)).reshape(-1).tolist())


def _tiled(value: float | NDArray[Any], count: int) -> float | NDArray[Any]:
    return value if np.ndim(value) == 0 else np.tile(value, count)
