r"""A population as nodes of NIR, and where in them a pulse or a value of the circuit goes.

A linear membrane with one synapse is a ``CubaLIF`` or ``CubaLI``; any other is an ``LIF``, ``LI``, ``IF`` or ``I`` with
an ``LI`` before it for each filter. What the circuit adds to a variable is multiplied by a factor, so that the equation
of the node does with it what the circuit's does: resistances are chosen such that this factor is 1 where it can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.interop.linear_neuron import Filter, LinearNeuron, Threshold


@dataclass(frozen=True)
class Port:
    """Where something enters.

    Parameters
    ----------
    node
        Name of the node.
    factor
        What the number of the circuit is multiplied by, (neuron,).
    """

    node: str
    factor: np.ndarray


@dataclass
class Ports:
    """The nodes of one population, and where things enter.

    Parameters
    ----------
    name
        Of the node that spikes, or holds v.
    nodes
        Kind and values by name.
    edges
        Between them.
    pulses, values
        By variable of the circuit: where a pulse, or a value, goes.
    """

    name: str
    nodes: dict[str, tuple[str, dict[str, np.ndarray]]] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    pulses: dict[str, Port] = field(default_factory=dict)
    values: dict[str, Port] = field(default_factory=dict)


def ports_of(name: str, neuron: LinearNeuron, used: Mapping[str, set[str]], spike: float) -> Ports:
    """Return the nodes of a linear neuron.

    Parameters
    ----------
    name
        Of the node.
    neuron
        The population.
    used
        ``{"pulses": ..., "values": ...}``: the variables that something reaches.
    spike
        The area of a spike.
    """
    filters = _reached(neuron, used)
    direct = [key for key in neuron.gains if key in used["values"]]
    if len(filters) == 1 and neuron.tau is not None and not direct and not set(neuron.lifts()) & used["pulses"]:
        variable, one = next(iter(filters.items()))
        inputs = [key for key in one.gains if key in used["values"]]
        if not set(one.gains) & filters.keys() and len(inputs) <= 1:
            return _with_synapse(name, neuron, variable, one, inputs, spike)
    return _with_filters(name, neuron, filters, direct, used, spike)


def threshold_ports(name: str, threshold: Threshold) -> Ports:
    """Return the node of neurons that spike while their input is above a threshold."""
    ports = Ports(name, {name: ("Threshold", {"threshold": threshold.above})})
    ports.values[threshold.variable] = Port(name, np.ones_like(threshold.value))
    return ports


def _reached(neuron: LinearNeuron, used: Mapping[str, set[str]]) -> dict[str, Filter]:
    """Return the filters that something reaches and that reach the membrane."""
    reached: set[str] = set()
    for _ in neuron.filters:
        reached |= {
            name for name, one in neuron.filters.items()
            if name in used["pulses"] or set(one.gains) & (used["values"] | reached)
        }  # fmt: skip
    acting = {name for name in neuron.filters if name in neuron.gains}
    for _ in neuron.filters:
        acting |= {inner for name in acting for inner in neuron.filters[name].gains if inner in neuron.filters}
    return {name: one for name, one in neuron.filters.items() if name in reached & acting}


def _spiking_values(neuron: LinearNeuron) -> dict[str, np.ndarray]:
    threshold = neuron.threshold
    if threshold is None:
        return {}
    # A reset that lowers v is refused, or was to be lost: then this is where a neuron comes to that is just above.
    reset = threshold.value - threshold.lowered if threshold.lowered is not None else threshold.reset
    return {"v_threshold": threshold.above, "v_reset": threshold.value * 0.0 if reset is None else reset}


def _with_synapse(
    name: str, neuron: LinearNeuron, variable: str, one: Filter, inputs: list[str], spike: float
) -> Ports:
    gain = one.gains[inputs[0]] if inputs else one.tau
    values: dict[str, Any] = {
        "tau_syn": one.tau, "tau_mem": neuron.tau, "r": neuron.gains[variable], "v_leak": neuron.leak, "w_in": gain,
        **_spiking_values(neuron),
    }  # fmt: skip
    ports = Ports(name, {name: ("CubaLI" if neuron.threshold is None else "CubaLIF", values)})
    ports.pulses[variable] = Port(name, one.tau / gain / spike)
    ports.values |= {key: Port(name, np.ones_like(gain)) for key in inputs}
    return ports


def _with_filters(
    name: str, neuron: LinearNeuron, filters: Mapping[str, Filter], direct: list[str], used: Mapping[str, set[str]],
    spike: float,
) -> Ports:  # fmt: skip
    n = neuron.leak.size
    driving = [key for key in (*filters, *direct) if key in neuron.gains]
    tau = np.ones(n) if neuron.tau is None else neuron.tau
    # Where nothing but pulses comes in, any resistance will do: tau keeps their numbers, to the last digit; those who
    # read a spike as a step may take 1 for granted (norse 1.1 does, for an LIF).
    free = tau if spike == 1 else np.ones(n)
    r = next((neuron.gains[key] for key in driving if np.all(neuron.gains[key] != 0)), free)
    values: dict[str, Any] = {"r": r, **_spiking_values(neuron)}
    kind = "IF" if neuron.threshold is not None else "I"
    if neuron.tau is not None:
        kind, values = f"L{kind}", {"tau": neuron.tau, "v_leak": neuron.leak, **values}
    ports = Ports(name, {name: (kind, values)})
    for variable, jump in neuron.lifts().items():
        if variable in used["pulses"]:
            ports.pulses[variable] = Port(name, tau / r / spike * jump)
    ports.values |= {key: Port(name, neuron.gains[key] / r) for key in direct}
    for variable, one in filters.items():
        _add_filter(ports, neuron, variable, one, filters, r, used, spike)
    return ports


def _add_filter(
    ports: Ports, neuron: LinearNeuron, variable: str, one: Filter, filters: Mapping[str, Filter], r: np.ndarray,
    used: Mapping[str, set[str]], spike: float,
) -> None:  # fmt: skip
    """Add an ``LI`` for a filter; its output is the variable times what whatever follows makes of it."""
    node = f"{ports.name}.{variable}"
    following = [name for name, other in filters.items() if variable in other.gains]
    inputs = [key for key in one.gains if key in used["values"] or key in filters]
    gain = next((one.gains[key] for key in inputs), one.tau)
    scale = neuron.gains[variable] / r if variable in neuron.gains else np.ones_like(r)
    ports.nodes[node] = ("LI", {"tau": one.tau, "r": gain * scale, "v_leak": np.zeros_like(r)})
    ports.edges += [(node, ports.name)] if variable in neuron.gains else []
    ports.edges += [(node, f"{ports.name}.{name}") for name in following]
    if variable in used["pulses"]:
        ports.pulses[variable] = Port(node, one.tau / gain / spike)
    ports.values |= {key: Port(node, one.gains[key] / gain) for key in inputs if key in used["values"]}


def in_the_way(neuron: LinearNeuron) -> str | None:
    """Return why ``LI`` nodes cannot hold the filters of a neuron, ``None`` where they can."""
    for variable in neuron.filters:
        readers = [name for name, other in neuron.filters.items() if variable in other.gains]
        if len(readers) + (variable in neuron.gains) > 1:
            return f"{variable} drives more than one variable"
        for name in readers:
            if len(neuron.filters[name].gains) > 1:
                return f"{name} is driven by {variable} and more"
    shared = [key for one in neuron.filters.values() for key in one.gains if key not in neuron.filters]
    if len(set(shared)) < len(shared) or set(shared) & set(neuron.gains):
        return "one input drives several variables"
    return None
