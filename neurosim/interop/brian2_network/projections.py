"""``Synapses`` objects as projections to be: which there are, in which order, and what each does in a step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Edges
from neurosim.circuit.edge_values import delay_steps
from neurosim.circuit.parts import Population, View
from neurosim.circuit.synapse_model import SynapseModel
from neurosim.errors import UnsupportedError
from neurosim.interop.brian2_network.findings import Findings
from neurosim.interop.brian2_network.names import assigned, part_name, plain_code
from neurosim.interop.brian2_network.neurons import Neurons
from neurosim.interop.brian2_network.synapses import Edge, Line, lines_of, taking_part, translate
from neurosim.units import quantity, text_of_dimension


@dataclass
class Draft:
    """A projection to be.

    Attributes
    ----------
    synapses
        Brian2's object.
    name
        In the circuit.
    edge
        What it does.
    pre, post
        The pathways of Brian2 that deliver its spikes, in the order in which they do.
    updaters
        What sums its graded input in Brian2.
    """

    synapses: Any
    name: str
    edge: Edge
    pre: Sequence[Any] = ()
    post: Sequence[Any] = ()
    updaters: list[Any] = field(default_factory=list)

    @property
    def first(self) -> Any:
        """What decides on its place among the others."""
        return next(iter((*self.pre, *self.post, *self.updaters)))

    def add(
        self,
        circuit: Circuit,
        neurons: Mapping[str, Neurons],
        namespace: Mapping[str, Any],
        post_first: bool,
        findings: Findings,
    ) -> None:
        """Add the projection to a circuit.

        Raises
        ------
        NeurosimError
            If a circuit cannot express it.
        """
        source, target = (base_of(end) for end in (self.synapses.source, self.synapses.target))
        found = translate(self.synapses, self.edge, neurons[source], neurons[target], namespace, findings)
        model = SynapseModel(**found.model, post_first=post_first, name=self.name)
        delays = {
            key: self._delay(pathways[0], circuit.dt, findings)
            for key, pathways in (("delay", self.pre), ("post_delay", self.post))
            if pathways
        }
        circuit.connect(
            view_of(self.synapses.source, circuit, neurons), view_of(self.synapses.target, circuit, neurons),
            Edges(np.asarray(self.synapses.i[:]), np.asarray(self.synapses.j[:])),
            synapse=model, weight=found.weight, parameters=found.parameters, initial=found.initial, name=self.name,
            **delays,
        )  # fmt: skip

    def _delay(self, pathway: Any, dt: float, findings: Findings) -> Any:
        given = np.array(pathway.variables["delay"].get_value(), dtype=np.float64).reshape(-1)
        steps = delay_steps(given, dt, rounding=True, where=repr(pathway.name))
        moved = np.max(np.abs(given - steps * dt), initial=0.0)
        if moved > 1e-6 * dt:
            findings.remark(f"{pathway.name!r}: delays were put on the grid, as Brian2 does, by {moved:g} s at most")
        each = steps * dt if steps.size and np.any(steps != steps[0]) else float(steps[0] * dt) if steps.size else 0.0
        return quantity(each, "second")


def base_of(group: Any) -> str:
    """Return the name of the group that a group is, or is a part of."""
    from brian2.groups.subgroup import Subgroup

    return str(group.source.name if isinstance(group, Subgroup) else group.name)


def view_of(group: Any, circuit: Circuit, neurons: Mapping[str, Neurons]) -> Population | View:
    """Return a group, or a part of one, in the circuit."""
    population = circuit.populations[neurons[base_of(group)].name]
    whole = group.start == 0 and group.stop == population.n
    return population if whole else population[group.start : group.stop]


def drafts_of(synapses: Any, name: str, position: Mapping[int, int], taken: set[str]) -> list[Draft]:
    """Return the projections that a ``Synapses`` object becomes: one, or one for each thing that it does.

    Parameters
    ----------
    synapses
        Brian2's object.
    name
        In the circuit.
    position
        Of what the object contains in Brian2's step.
    taken
        Names of parts; those of the projections are added.

    Raises
    ------
    UnsupportedError
        For pathways that cannot be one, and what else circuits have no form for.
    """
    lines = lines_of(synapses)
    pathways = sorted(synapses._pathways, key=lambda pathway: position[id(pathway)])
    pre = [pathway for pathway in pathways if pathway.prepost == "pre"]
    post = [pathway for pathway in pathways if pathway.prepost == "post"]
    code = {id(pathway): plain_code(pathway.code) for pathway in pathways}
    on_pre, on_post = ("\n".join(code[id(pathway)] for pathway in side) for side in (pre, post))
    whole = Edge(taking_part(lines, list(code.values()), integrated=True), {}, on_pre, on_post)
    drafts = _graded(synapses, name, lines, whole, taken)
    if not pathways:
        if whole.state:
            raise UnsupportedError("it integrates variables that nothing reads; leave it out")
        return drafts
    if whole.state:
        for side in (pre, post):
            _refuse_unlike(synapses, side, {line.name for line in lines})
        return [*drafts, Draft(synapses, name, whole, pre, post)]
    for pathway in pathways:
        text = code[id(pathway)]
        edge = Edge(taking_part(lines, [text], integrated=False), {}, **{f"on_{pathway.prepost}": text})
        called = name if len(pathways) == 1 else _new(f"{name}_{pathway.objname}", taken)
        drafts.append(Draft(synapses, called, edge, **{pathway.prepost: [pathway]}))
    return drafts


def _new(name: str, taken: set[str]) -> str:
    free = part_name(name, taken)
    taken.add(free)
    return free


def _graded(synapses: Any, name: str, lines: list[Line], whole: Edge, taken: set[str]) -> list[Draft]:
    """Return the projection that does what a ``Synapses`` object sums, if it sums anything.

    Raises
    ------
    UnsupportedError
        If it sums into presynaptic neurons, or what each edge changes for itself.
    """
    summed = {}
    for target, updater in synapses.summed_updaters.items():
        if not target.endswith("_post"):
            raise UnsupportedError(
                f"it sums into {target!r}; connect the other way round, and sum into {target[:-4]}_post"
            )
        summed[target] = (updater.expression.code, text_of_dimension(synapses.variables[target].dim))
    if not summed:
        return []
    texts = [text for target, (expression, _) in summed.items() for text in (target, expression)]
    edge = Edge(taking_part(lines, texts, integrated=False), summed)
    changing = sorted({line.name for line in edge.lines} & whole.state)
    if changing:
        raise UnsupportedError(
            f"what it sums reads {', '.join(changing)}, which each edge integrates or changes for itself; give the "
            "variable to the presynaptic or postsynaptic neurons"
        )
    called = _new(f"{name}_graded", taken) if whole.on_pre or whole.on_post else name
    return [Draft(synapses, called, edge, updaters=list(synapses.summed_updaters.values()))]


def _refuse_unlike(synapses: Any, pathways: Sequence[Any], own: set[str]) -> None:
    """Refuse several pathways from one side that cannot be one.

    They can where they have the same delays, for then each edge does what they say one after the other; but what two
    of them add to a variable of a neuron would be added in another order.

    Raises
    ------
    UnsupportedError
        If they differ, naming them.
    """
    if len(pathways) < 2:
        return
    called = ", ".join(pathway.objname for pathway in pathways)
    first, *others = (np.asarray(pathway.variables["delay"].get_value()) for pathway in pathways)
    if any(np.any(first != other) for other in others):
        raise UnsupportedError(
            f"its pathways {called} have different delays and change variables of the same edge; a circuit has one "
            "delay for each side of an edge"
        )
    targets = Counter(target for pathway in pathways for target in assigned(pathway.code) if target not in own)
    twice = [target for target, count in targets.items() if count > 1 and target in synapses.variables]
    if twice:
        raise UnsupportedError(f"its pathways {called} all add to {', '.join(twice)}; write them as one")
