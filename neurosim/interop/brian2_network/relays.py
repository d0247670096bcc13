"""Variables of edges that are the same for all edges of a presynaptic neuron, as neurons of their own.

A synapse that sums what its edges integrate (``s_total_post = w*s : 1 (summed)``, as for NMDA receptors) has no form
in a circuit. Where the integrated variables depend on nothing but the presynaptic spikes, every edge of a neuron holds
the same values: a population with one neuron for each presynaptic one holds them once, fed one to one, and the sum
reads it. Both then happen at the same points of a step as in Brian2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.errors import UnsupportedError
from neurosim.interop.brian2_network.external import resolve
from neurosim.interop.brian2_network.findings import Findings
from neurosim.interop.brian2_network.names import identifiers, logical_lines, substituted, variable_names
from neurosim.interop.brian2_network.neurons import Neurons, integrator, shared_or_each
from neurosim.interop.brian2_network.synapses import Line, taking_part
from neurosim.units import quantity

_ADDITION = re.compile(r"([A-Za-z_]\w*)\s*[-+]=(?!=)(.*)\Z", re.DOTALL)


@dataclass(frozen=True)
class Relay:
    """A population to be, that holds what edges of one presynaptic neuron have in common.

    Attributes
    ----------
    synapses
        Brian2's object.
    name
        In the circuit.
    lines
        The equations that are integrated, and the sub-expressions that they read.
    code
        What a presynaptic spike adds to them.
    pathway
        Brian2's object that delivers the spikes.
    """

    synapses: Any
    name: str
    lines: Sequence[Line]
    code: str
    pathway: Any

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that change."""
        return tuple(line.name for line in self.lines if line.kind != "subexpression" and line.flag != "shared")

    @property
    def neurons(self) -> Neurons:
        """The names of the variables in the circuit."""
        return Neurons(None, self.name, variable_names(self.variables))

    def add(self, circuit: Circuit, namespace: Mapping[str, Any], findings: Findings) -> None:
        """Add the population to a circuit.

        Raises
        ------
        NeurosimError
            If a circuit cannot express it.
        """
        own = {line.name: line for line in self.lines}
        read = frozenset().union(*(identifiers(line.expression) for line in self.lines)) - own.keys() - {"t", "dt"}
        externals = resolve(self.synapses, read, namespace)
        names = variable_names([*own, *externals.constants])
        shared = {name: line for name, line in own.items() if line.flag == "shared"}
        model = NeuronModel(
            "\n".join(_text(line, names) for name, line in own.items() if name not in shared),
            method=integrator(self.synapses, namespace),
            parameters={
                **externals.quantities(names),
                **{names[name]: quantity(self._values(name)[0], line.unit) for name, line in shared.items()},
            },
            name=self.name,
        )
        initial = {
            names[name]: quantity(shared_or_each(self.by_neuron(self._values(name))), own[name].unit)
            for name in self.variables
        }
        circuit.population(self.name, len(self.synapses.source), model, initial=initial)
        findings.remark(
            f"{self.synapses.name!r}: {', '.join(self.variables)} is the same for all edges of a presynaptic neuron; "
            f"the population {self.name!r} holds it once"
        )

    def by_neuron(self, values: np.ndarray) -> np.ndarray:
        """Return one of the values for each presynaptic neuron, 0 for those without edges."""
        found = np.zeros(len(self.synapses.source))
        found[np.asarray(self.synapses.i[:])] = values
        return found

    def delays(self) -> np.ndarray:
        """Return the delay from each presynaptic neuron, in seconds."""
        return self.by_neuron(np.asarray(self.pathway.variables["delay"].get_value()))

    def check(self) -> None:
        """Refuse edges of one neuron that do not have the same values.

        Raises
        ------
        UnsupportedError
            With the name of what differs.
        """
        index = np.asarray(self.synapses.i[:])
        held = {name: self._values(name) for name in self.variables}
        held["delay"] = np.asarray(self.pathway.variables["delay"].get_value())
        for name, values in held.items():
            if np.any(self.by_neuron(values)[index] != values):
                raise UnsupportedError(f"{name!r} differs between edges of one presynaptic neuron")

    def _values(self, name: str) -> np.ndarray:
        return np.asarray(self.synapses.variables[name].get_value(), dtype=np.float64)


def _text(line: Line, names: Mapping[str, str]) -> str:
    left = {"differential equation": f"d{names[line.name]}/dt = ", "subexpression": f"{names[line.name]} = "}
    return f"{left.get(line.kind, names[line.name])}{substituted(line.expression, names)} : {line.unit}"


def relay_of(
    synapses: Any, lines: Sequence[Line], changing: set[str], code: Mapping[int, str], name: str
) -> tuple[Relay, dict[int, str]]:
    """Return the population for variables that a sum reads, and what remains of the code of the pathways.

    Parameters
    ----------
    synapses
        Brian2's object.
    lines
        All its equations.
    changing
        What the sum reads, directly or through others, of what changes.
    code
        Of each pathway, by its identity.
    name
        Of the population.

    Raises
    ------
    UnsupportedError
        If an edge may differ from others of its neuron, with the reason.
    """
    try:
        relay, rest = _split(synapses, lines, changing, code, name)
        relay.check()
    except UnsupportedError as error:
        raise UnsupportedError(
            f"what it sums reads {', '.join(sorted(changing))}, which each edge integrates or changes for itself "
            f"({error}); give the variable to the presynaptic or postsynaptic neurons"
        ) from None
    return relay, rest


def _split(
    synapses: Any, lines: Sequence[Line], changing: set[str], code: Mapping[int, str], name: str
) -> tuple[Relay, dict[int, str]]:
    texts = [line.expression for line in lines if line.name in changing]
    chosen = [
        line for line in taking_part(list(lines), [*texts, *changing], integrated=False)
        if line.name in changing or line.kind == "subexpression" or line.flag == "shared"
    ]  # fmt: skip
    inside = {line.name for line in chosen} | {"t", "dt"}
    read = frozenset().union(*(identifiers(line.expression) for line in chosen))
    _refuse(read, (read & set(synapses.variables)) - inside, "they read")
    shared = {line.name for line in chosen if line.flag == "shared"}
    pathways = {id(pathway): pathway for pathway in synapses._pathways}
    feeding: list[tuple[Any, str]] = []
    rest = {}
    for key, text in code.items():
        kept = []
        for statement in logical_lines(text):
            match = _ADDITION.match(statement)
            if match is not None and match[1] in changing and pathways[key].prepost == "pre":
                added = identifiers(match[2])
                _refuse(added, (added & set(synapses.variables)) - shared, "a spike adds to them")
                feeding.append((pathways[key], statement))
            else:
                _refuse(identifiers(statement), identifiers(statement) & changing, "other code reads or sets")
                kept.append(statement)
        rest[key] = "\n".join(kept)
    if len({id(pathway) for pathway, _ in feeding}) != 1:
        raise UnsupportedError("not one pathway adds to them")
    return Relay(synapses, name, chosen, "\n".join(text for _, text in feeding), feeding[0][0]), rest


def _refuse(read: frozenset[str], wrong: frozenset[str] | set[str], told: str) -> None:
    wrong = set(wrong) | (read & {"rand", "randn", "xi"})
    if wrong:
        raise UnsupportedError(f"{told} {', '.join(sorted(wrong))}")
