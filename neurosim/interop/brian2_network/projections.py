"""``Synapses`` objects as projections to be: which there are, in which order, and what each does in a step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import Connectivity, Edges, OneToOne
from neurosim.circuit.edge_values import delay_steps
from neurosim.circuit.parts import Population, View
from neurosim.circuit.synapse_model import SynapseModel
from neurosim.errors import UnsupportedError
from neurosim.interop.brian2_network.findings import Findings
from neurosim.interop.brian2_network.names import assigned, part_name, plain_code
from neurosim.interop.brian2_network.neurons import Neurons
from neurosim.interop.brian2_network.relays import Relay, relay_of
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
    relay
        The population that holds what its edges have in common, if any: it reads from it, or (with `pre`) feeds it.
    """

    synapses: Any
    name: str
    edge: Edge
    pre: Sequence[Any] = ()
    post: Sequence[Any] = ()
    updaters: list[Any] = field(default_factory=list)
    relay: Relay | None = None

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
        source, target = (neurons[base_of(end)] for end in (self.synapses.source, self.synapses.target))
        ends = [view_of(end, circuit, neurons) for end in (self.synapses.source, self.synapses.target)]
        rule: Connectivity = Edges(np.asarray(self.synapses.i[:]), np.asarray(self.synapses.j[:]))
        own_ends: dict[str, str] = {}
        if self.relay is not None:
            held = self.relay.neurons
            suffix = "post" if self.pre else "pre"
            own_ends = {name: f"{called}_{suffix}" for name, called in held.names.items()}
            ends[1 if self.pre else 0] = circuit.populations[held.name]
            source, target = (source, held) if self.pre else (held, target)
            rule = OneToOne() if self.pre else rule
        found = translate(self.synapses, self.edge, source, target, own_ends, namespace, findings)
        model = SynapseModel(**found.model, post_first=post_first, name=self.name)
        delays = {
            key: self._delay(pathways[0], circuit.dt, findings)
            for key, pathways in (("delay", self.pre), ("post_delay", self.post))
            if pathways
        }
        circuit.connect(
            ends[0], ends[1], rule, synapse=model, weight=found.weight, parameters=found.parameters,
            initial=found.initial, name=self.name, **delays,
        )  # fmt: skip

    def _delay(self, pathway: Any, dt: float, findings: Findings) -> Any:
        given = np.array(pathway.variables["delay"].get_value(), dtype=np.float64).reshape(-1)
        given = given if self.relay is None else self.relay.delays()
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
    code = {id(pathway): plain_code(pathway.code) for pathway in pathways}
    whole = _whole(lines, pathways, code)
    drafts = []
    sums = _sums(synapses, lines)
    if sums is not None:
        changing = {line.name for line in sums.lines} & whole.state
        relay = None
        if changing:
            relay, code = relay_of(synapses, lines, changing, code, _new(f"{name}_presynaptic", taken))
            lines = [line for line in lines if line.name not in changing]
            sums = Edge(taking_part(lines, sums.texts, integrated=False), sums.summed)
            feed = Edge([line for line in relay.lines if line.flag == "shared"], {}, relay.code)
            drafts.append(Draft(synapses, _new(f"{name}_feed", taken), feed, [relay.pathway], relay=relay))
            pathways = [pathway for pathway in pathways if code[id(pathway)]]
            whole = _whole(lines, pathways, code)
        called = _new(f"{name}_graded", taken) if pathways or relay is not None else name
        updaters = list(synapses.summed_updaters.values())
        drafts.append(Draft(synapses, called, sums, updaters=updaters, relay=relay))
    if not pathways:
        if whole.state:
            raise UnsupportedError("it integrates variables that nothing reads; leave it out")
        return drafts
    if whole.state:
        pre, post = ([pathway for pathway in pathways if pathway.prepost == end] for end in ("pre", "post"))
        for side in (pre, post):
            _refuse_unlike(synapses, side, {line.name for line in lines})
        return [*drafts, Draft(synapses, name, whole, pre, post)]
    for pathway in pathways:
        text = code[id(pathway)]
        edge = Edge(taking_part(lines, [text], integrated=False), {}, **{f"on_{pathway.prepost}": text})
        called = name if len(pathways) == 1 else _new(f"{name}_{pathway.objname}", taken)
        pre, post = ([pathway] if pathway.prepost == end else [] for end in ("pre", "post"))
        drafts.append(Draft(synapses, called, edge, pre, post))
    return drafts


def _whole(lines: list[Line], pathways: Sequence[Any], code: Mapping[int, str]) -> Edge:
    """Return all that the pathways do as one."""
    on_pre, on_post = (
        "\n".join(code[id(pathway)] for pathway in pathways if pathway.prepost == end) for end in ("pre", "post")
    )
    return Edge(taking_part(lines, [on_pre, on_post], integrated=True), {}, on_pre, on_post)


def _new(name: str, taken: set[str]) -> str:
    free = part_name(name, taken)
    taken.add(free)
    return free


def _sums(synapses: Any, lines: list[Line]) -> Edge | None:
    """Return what a ``Synapses`` object sums, if it sums anything.

    Raises
    ------
    UnsupportedError
        If it sums into presynaptic neurons.
    """
    summed = {}
    for target, updater in synapses.summed_updaters.items():
        if not target.endswith("_post"):
            raise UnsupportedError(
                f"it sums into {target!r}; connect the other way round, and sum into {target[:-4]}_post"
            )
        summed[target] = (updater.expression.code, text_of_dimension(synapses.variables[target].dim))
    texts = [text for target, (expression, _) in summed.items() for text in (target, expression)]
    return Edge(taking_part(lines, texts, integrated=False), summed) if summed else None


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
