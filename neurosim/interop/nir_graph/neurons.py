"""Populations of a circuit from the nodes of NIR: equations as the library of models writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.circuit.language import is_name
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.interop.nir_graph.flat_graph import SPIKING, FlatGraph
from neurosim.interop.nir_graph.paths import PathError
from neurosim.units import quantity

#: Units of a neuron by its membrane's: current, what turns current into voltage, the same in a second.
_UNITS = {"1": ("1", "1", "hertz"), "volt": ("amp", "ohm", "ohm/second")}
_TAKEN = frozenset(
    {"v", "i_ext", "r", "tau_mem", "v_leak", "v_threshold", "v_reset", "t", "dt", "i", "N", "xi", "e", "pi"}
)


@dataclass(frozen=True)
class Entry:
    """A variable that a node's input adds to.

    Parameters
    ----------
    variable
        What pulses add to.
    values
        What values and constant currents add to.
    jump
        What a pulse of area 1 and height 1 adds, (neuron,).
    """

    variable: str
    values: str
    jump: np.ndarray


@dataclass
class Neuron:
    """A population while it is put together from nodes.

    Parameters
    ----------
    name
        The node that spikes, or holds v.
    n
        Number of neurons.
    unit
        Of the membrane: ``"1"`` or ``"volt"``.
    synapses
        By node, each before what it drives.
    entries
        By node.
    """

    name: str
    n: int
    unit: str
    synapses: dict[str, dict[str, Any]] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)


def absorbed(graph: FlatGraph) -> dict[str, str]:
    """Return the ``LI`` nodes that are synapses, each with the node that it drives.

    Such a node leads to one other alone, without anything between, and rests at 0.
    """
    found = {}
    for name in graph.nodes:
        following = graph.after(name)
        if graph.kind(name) == "LI" and len(following) == 1 and not np.any(graph.nodes[name].v_leak):
            if graph.kind(following[0]) in ("LIF", "LI", "IF", "I") and following[0] != name:
                found[name] = following[0]
    for name in list(found):
        # Those in a circle are populations that drive each other.
        seen, here = {name}, found.get(name)
        while here in found and here not in seen:
            seen.add(here)
            here = found[here]
        if here in seen:
            del found[name]
    return found


def read_neuron(graph: FlatGraph, name: str, drives: Mapping[str, str], n: int, unit: str) -> Neuron:
    """Return the population of a node, with what pulses and values add to; see :func:`neuron_model`."""
    neuron = Neuron(name, n, unit)
    node, kind = graph.nodes[name], graph.kind(name)
    if kind in ("CubaLIF", "CubaLI"):
        values = {"tau": _each(node.tau_syn, n), "gain": _each(node.w_in, n), "drives": name}
        _add_synapse(neuron, name, str(node.metadata.get("synapse", "syn")), values)
        return neuron
    if kind == "Threshold":
        neuron.entries[name] = Entry("", "v", np.zeros(n))
        return neuron
    tau = _each(node.tau, n) if kind in ("LIF", "LI") else np.ones(n)
    neuron.entries[name] = Entry("v", "i_ext", _each(node.r, n) / tau)
    _add_before(graph, neuron, name, drives, n)
    return neuron


def _add_before(graph: FlatGraph, neuron: Neuron, name: str, drives: Mapping[str, str], n: int) -> None:
    for before in graph.before(name):
        if drives.get(before) == name:
            node = graph.nodes[before]
            values = {"tau": _each(node.tau, n), "gain": _each(node.r, n), "drives": name}
            own = before.removeprefix(f"{neuron.name}.")
            _add_synapse(neuron, before, own if own != before else "syn", values)
            _add_before(graph, neuron, before, drives, n)


def _add_synapse(neuron: Neuron, node: str, wanted: str, values: dict[str, Any]) -> None:
    taken = _TAKEN | {item["variable"] for item in neuron.synapses.values()}
    variable = free_name(wanted, taken)
    neuron.synapses[node] = {"variable": variable, **values}
    neuron.entries[node] = Entry(variable, f"i_{variable}", values["gain"] / values["tau"])


def free_name(wanted: str, taken: Any) -> str:
    """Return a name that may stand in equations, or name a part, and that is not taken: as wanted, if it can be."""
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in wanted)
    words = "_".join(word for word in letters.split("_") if word)
    name = words if words[:1].isalpha() else f"n_{words}" if words else "node"
    name = name if is_name(name) else "node"
    number, found = 2, name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


def neuron_model(graph: FlatGraph, neuron: Neuron, valued: set[str], method: str | None) -> NeuronModel:
    """Return the equations of a population.

    Parameters
    ----------
    graph, neuron
        The nodes.
    valued
        The nodes that values or constant currents enter.
    method
        Integrator; ``None`` for ``"exact"`` where the membrane leaks, and the circuit's choice where not.
    """
    kind, node, n = graph.kind(neuron.name), graph.nodes[neuron.name], neuron.n
    unit = neuron.unit
    current, resistance, rate = _UNITS[unit]
    if kind == "Threshold":
        parameters = {"v_threshold": quantity(_compact(node.threshold, n), unit)}
        return NeuronModel(f"v : {unit}", threshold="v > v_threshold", parameters=parameters, name="threshold")
    leaky = kind not in ("IF", "I")
    lines, parameters, receptors = [], {}, {}
    for name, item in neuron.synapses.items():
        variable = item["variable"]
        inner = [other["variable"] for other in neuron.synapses.values() if other["drives"] == name]
        own = _own_drive(variable, inner, name in valued)
        if graph.kind(name) in ("CubaLIF", "CubaLI"):
            own = f"gain_{variable}*i_{variable}" if name in valued else ""
        lines.append(
            f"d{variable}/dt = {f'({own} - {variable})' if own else f'-{variable}'}/tau_{variable} : {current}"
        )
        parameters[f"tau_{variable}"] = quantity(_compact(item["tau"], n), "second")
        if own:
            parameters[f"gain_{variable}"] = _compact(item["gain"], n)
        lines += [f"i_{variable} : {current}"] if name in valued else []
        receptors[variable] = variable
    driving = [item["variable"] for name, item in neuron.synapses.items() if item["drives"] == neuron.name]
    through_r = bool(driving) or (neuron.name in valued and neuron.name in neuron.entries)
    drive = " + ".join([*driving, "i_ext"])
    if leaky:
        drive = f"r*({drive})" if through_r else drive
        first = f"dv/dt = (v_leak - v + {drive})/tau_mem : {unit}"
        tau = node.tau_mem if kind in ("CubaLIF", "CubaLI") else node.tau
        parameters = {"tau_mem": quantity(_compact(tau, n), "second"), **parameters}
        parameters["v_leak"] = quantity(_compact(node.v_leak, n), unit)
    else:
        first = f"dv/dt = r*({drive}) : {unit}"
    if through_r or not leaky:
        parameters["r"] = quantity(_compact(node.r, n), resistance if leaky else rate)
    spikes = kind in SPIKING
    if spikes:
        parameters |= {key: quantity(_compact(getattr(node, key), n), unit) for key in ("v_threshold", "v_reset")}
    external = current if through_r or not leaky else unit
    return NeuronModel(
        "\n".join([first, f"i_ext : {external}", *lines]),
        threshold="v > v_threshold" if spikes else None,
        reset="v = v_reset" if spikes else None,
        method=method or ("exact" if leaky else None),
        parameters=parameters,
        initial={"v": "v_leak"} if leaky else {},
        receptors=receptors,
        name={"LIF": "lif", "CubaLIF": "lif", "IF": "if", "I": "integrator"}.get(kind, "leaky_integrator"),
    )


def _own_drive(variable: str, inner: list[str], valued: bool) -> str:
    """Return what drives a synapse but for pulses."""
    terms = [*inner, *([f"i_{variable}"] if valued else [])]
    if not terms:
        return ""
    return f"gain_{variable}*{terms[0]}" if len(terms) == 1 else f"gain_{variable}*({' + '.join(terms)})"


def _each(value: Any, n: int) -> np.ndarray:
    array = np.asarray(value, dtype=np.float64).reshape(-1)
    if array.size not in (1, n):
        raise PathError(f"a value has {array.size} numbers for {n} neurons")
    return np.array(np.broadcast_to(array, (n,)))


def _compact(value: Any, n: int) -> Any:
    """Return one number where all neurons have the same, else one for each."""
    each = _each(value, n)
    return float(each[0]) if np.all(each == each[0]) else each
