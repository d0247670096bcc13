"""``Synapses`` objects as projections to be: which there are, in which order, and what each does in a step."""

from __future__ import annotations

from collections.abc import Mapping
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
from neurosim.interop.brian2_network.names import plain_code
from neurosim.interop.brian2_network.neurons import Neurons
from neurosim.interop.brian2_network.synapses import Edge, lines_of, taking_part, translate
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
        The pathways of Brian2 that deliver its spikes, if any.
    updaters
        What sums its graded input in Brian2.
    """

    synapses: Any
    name: str
    edge: Edge
    pre: Any = None
    post: Any = None
    updaters: list[Any] = field(default_factory=list)

    @property
    def first(self) -> Any:
        """What decides on its place among the others."""
        return next(runner for runner in (self.pre, self.post, *self.updaters) if runner is not None)

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
            key: self._delay(runner, circuit.dt, findings)
            for key, runner in (("delay", self.pre), ("post_delay", self.post))
            if runner is not None
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


def drafts_of(synapses: Any, name: str) -> list[Draft]:
    """Return the projections that a ``Synapses`` object becomes: one, or one for each thing that it does.

    Raises
    ------
    UnsupportedError
        For several pathways over variables that change, and what else circuits have no form for.
    """
    lines = lines_of(synapses)
    pre = [pathway for pathway in synapses._pathways if pathway.prepost == "pre"]
    post = [pathway for pathway in synapses._pathways if pathway.prepost == "post"]
    summed = {}
    for target, updater in synapses.summed_updaters.items():
        if not target.endswith("_post"):
            raise UnsupportedError(
                f"it sums into {target!r}; connect the other way round, and sum into {target[:-4]}_post"
            )
        summed[target] = (updater.expression.code, text_of_dimension(synapses.variables[target].dim))
    code = [plain_code(pathway.code) for pathway in (*pre, *post)]
    whole = Edge(
        taking_part(lines, code, integrated=True), {},
        "\n".join(code[: len(pre)]), "\n".join(code[len(pre) :]),
    )  # fmt: skip
    drafts = []
    if summed:
        texts = [text for pair in summed.items() for text in (pair[0], pair[1][0])]
        edge = Edge(taking_part(lines, texts, integrated=False), summed)
        changing = sorted({line.name for line in edge.lines} & whole.state)
        if changing:
            raise UnsupportedError(
                f"what it sums reads {', '.join(changing)}, which each edge integrates or changes for itself; give the "
                "variable to the presynaptic or postsynaptic neurons"
            )
        graded = Draft(synapses, name, edge, updaters=list(synapses.summed_updaters.values()))
        graded.name = f"{name}_graded" if code else name
        drafts.append(graded)
    if whole.state and (len(pre) > 1 or len(post) > 1):
        listed = ", ".join(pathway.objname for pathway in (*pre, *post))
        raise UnsupportedError(
            f"it has several pathways ({listed}) over variables that change; a circuit has one on_pre and one on_post"
        )
    if whole.state or (len(pre) == 1 and len(post) <= 1):
        if not code:
            raise UnsupportedError("it integrates variables that nothing reads; leave it out")
        return [*drafts, Draft(synapses, name, whole, pre[0] if pre else None, post[0] if post else None)]
    for pathway, text in zip((*pre, *post), code, strict=True):
        part = f"{name}_{pathway.objname}"
        edge = Edge(taking_part(lines, [text], integrated=False), {}, **{f"on_{pathway.prepost}": text})
        drafts.append(Draft(synapses, part, edge, **{pathway.prepost: pathway}))
    return drafts
