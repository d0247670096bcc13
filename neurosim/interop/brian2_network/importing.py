"""A Brian2 network as a circuit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from neurosim.circuit.circuit import Circuit
from neurosim.interop.brian2_network.actions import (
    actions_of_draft,
    actions_of_groups,
    actions_of_poisson,
    ranked,
)
from neurosim.interop.brian2_network.collecting import Objects, collected, common_step
from neurosim.interop.brian2_network.findings import Findings
from neurosim.interop.brian2_network.names import assigned, part_name
from neurosim.interop.brian2_network.neurons import Neurons, Written, add_neurons
from neurosim.interop.brian2_network.projections import Draft, base_of, drafts_of, view_of
from neurosim.interop.brian2_network.schedule import GRADED, Action, check_order, positions
from neurosim.interop.brian2_network.sources import add_poisson_input, add_poisson_source, add_spike_source
from neurosim.interop.brian2_network.synapses import lines_of
from neurosim.program.lowering import lower
from neurosim.recording.spikes import SpikeTrains
from neurosim.units import quantity, seconds


@dataclass(frozen=True)
class ImportedNetwork:
    """A Brian2 network as a circuit.

    Attributes
    ----------
    circuit
        The network, with the present values of its variables as parameters, weights and initial values.
    inputs
        What ``inputs=`` of a run takes: the spikes of every ``SpikeGeneratorGroup``, by name.
    remarks
        What differs from the network, or was left out, in sentences.
    """

    circuit: Circuit
    inputs: Mapping[str, SpikeTrains]
    remarks: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<ImportedNetwork: {self.circuit!r}, {len(self.inputs)} inputs, {len(self.remarks)} remarks>"


def from_brian2(
    network: Any = None,
    dt: Any = None,
    *,
    name: str | None = None,
    namespace: Mapping[str, Any] | None = None,
    level: int = 0,
) -> ImportedNetwork:
    """Make a circuit of a network written for Brian2.

    The circuit has the network's equations, connections, delays and the values that its variables hold now. Its parts
    are called as Brian2 calls the objects. It is a circuit like any other: it runs on every backend, and compiled for
    training (``trainable={"synapses.weight": ns.Trainable()}``) it is a torch module.

    Parameters
    ----------
    network
        A ``Network``; a list or dictionary of Brian2 objects; by default what ``run()`` would collect.
    dt
        Time step of the circuit, if other than the network's; delays and given spikes are put on its grid.
    name
        Of the circuit; by default the network's.
    namespace
        Where names in equations are looked up that the group's own namespace lacks; by default in the variables of
        the caller, as ``run`` does.
    level
        How many calls further up the caller is, as in Brian2's ``run``.

    Returns
    -------
    ImportedNetwork
        The circuit, the spikes of its generators, and remarks: what was left out (monitors) or differs.

    Raises
    ------
    UnsupportedError
        If a circuit cannot express the network, with everything that is in the way: other time steps or events,
        operations, functions of one's own, objects in an order that matters and that a circuit does not have.
    BackendError
        If `network` is neither a network nor objects.

    Notes
    -----
    Nothing is executed: equations and code pass the grammar of circuits as text. A network that draws random numbers
    draws others in a circuit; a network that draws none has the same spikes.

    Examples
    --------
    >>> from brian2 import NeuronGroup, Network, mV, ms
    >>> import neurosim as ns
    >>> tau = 10 * ms
    >>> cells = NeuronGroup(3, "dv/dt = -v/tau : volt", threshold="v > 1*mV", reset="v = 0*mV", name="cells")
    >>> ns.interop.from_brian2(Network(cells), name="decay").circuit
    <Circuit 'decay', dt 0.0001 s, seed 0: cells (3)>
    """
    from brian2.core.namespace import get_local_namespace

    findings = Findings()
    objects = collected(network, level + 1, findings)
    local = get_local_namespace(level + 1) if namespace is None else namespace
    own_step = common_step(network, objects, findings)
    step = own_step if dt is None else seconds(dt, "from_brian2: dt")
    circuit = Circuit(name or getattr(network, "name", None) or "network", dt=quantity(step, "second"))
    taken: set[str] = set()
    called = {item.name: _called(item, taken, findings) for item in objects.all}
    neurons = {group.name: Neurons(group, called[group.name]) for group in objects.groups}
    position = positions(objects.all, objects.schedule)
    inputs = _add_groups(circuit, objects, neurons, local, taken, findings)
    drafts = _drafts(objects, neurons, called, position, taken, findings)
    actions = _add_connections(circuit, objects, neurons, drafts, called, position, local, findings)
    check_order([*actions_of_groups(objects), *actions], position, findings)
    findings.raise_problems()
    with findings.collecting(circuit.name):
        lower(circuit)
    findings.raise_problems()
    return ImportedNetwork(circuit, MappingProxyType(inputs), tuple(findings.remarks))


def _called(item: Any, taken: set[str], findings: Findings) -> str:
    """Return what an object is called in the circuit."""
    name = part_name(item.name, taken)
    taken.add(name)
    if name != item.name:
        findings.remark(f"{item.name!r} is called {name!r} in the circuit")
    return name


def _add_groups(
    circuit: Circuit,
    objects: Objects,
    neurons: Mapping[str, Neurons],
    namespace: Mapping[str, Any],
    taken: set[str],
    findings: Findings,
) -> dict[str, SpikeTrains]:
    """Add populations and sources; return the spikes of generators."""
    written = _written(objects)
    for group in (*objects.neurons, *objects.poisson_groups):
        with findings.collecting(repr(group.name)):
            if group in objects.poisson_groups and not isinstance(group._rates, str):
                add_poisson_source(circuit, neurons[group.name], findings)
            else:
                add_neurons(circuit, neurons[group.name], written, namespace, taken, findings)
    inputs = {}
    for group in objects.generators:
        with findings.collecting(repr(group.name)):
            inputs[neurons[group.name].name] = add_spike_source(circuit, neurons[group.name], findings)
    return inputs


def _written(objects: Objects) -> Written:
    """Return which variables of groups receive pulses, and which are summed and for which neurons."""
    pulses: set[int] = set()
    sums: dict[int, list[slice]] = {}
    for synapses in objects.synapses:
        for pathway in synapses._pathways:
            pulses |= {id(synapses.variables[name]) for name in assigned(pathway.code) if name in synapses.variables}
        for target, updater in synapses.summed_updaters.items():
            part = slice(updater.target.start, updater.target.stop)
            sums.setdefault(id(synapses.variables[target]), []).append(part)
    pulses |= {id(part._group.variables[part.target_var]) for part in objects.poisson_inputs}
    return Written(frozenset(pulses), sums)


def _drafts(
    objects: Objects,
    neurons: Mapping[str, Neurons],
    called: Mapping[str, str],
    position: Mapping[int, int],
    taken: set[str],
    findings: Findings,
) -> list[Draft]:
    """Return the projections to be of all synapses whose groups are there."""
    drafts = []
    for synapses in objects.synapses:
        ends = {base_of(synapses.source), base_of(synapses.target)}
        absent = sorted(ends - neurons.keys())
        if absent:
            findings.refuse(f"{synapses.name!r} connects {', '.join(absent)}, not part of what was given")
            continue
        with findings.collecting(repr(synapses.name)):
            found = drafts_of(synapses, called[synapses.name], position, taken)
            used = {line.name for draft in found for line in draft.edge.lines}
            for line in lines_of(synapses):
                if line.name not in used:
                    findings.remark(f"{synapses.name!r}: nothing reads {line.name!r}; it was left out")
            drafts += found
    return drafts


def _add_connections(
    circuit: Circuit,
    objects: Objects,
    neurons: Mapping[str, Neurons],
    drafts: list[Draft],
    called: Mapping[str, str],
    position: Mapping[int, int],
    namespace: Mapping[str, Any],
    findings: Findings,
) -> list[Action]:
    """Add projections and background input in the order in which Brian2 has them; return what they do in a step."""
    graded = sorted((draft for draft in drafts if draft.updaters), key=lambda draft: position[id(draft.first)])
    arriving: list[Any] = [*(draft for draft in drafts if not draft.updaters), *objects.poisson_inputs]
    arriving.sort(key=lambda item: position[id(item.first if isinstance(item, Draft) else item)])
    actions: list[Action] = []
    for place, item in enumerate([*graded, *arriving]):
        name = item.synapses.name if isinstance(item, Draft) else item.name
        ends = (item.synapses.source, item.synapses.target) if isinstance(item, Draft) else (item._group,)
        if any(neurons[base_of(end)].name not in circuit for end in ends):
            continue  # what is wrong with the neurons is told already
        with findings.collecting(repr(name)):
            if isinstance(item, Draft):
                both = bool(item.pre and item.post)
                post_first = both and position[id(item.post[0])] < position[id(item.pre[0])]
                if item.relay is not None and item.relay.name not in circuit:
                    item.relay.add(circuit, namespace, findings)
                actions += actions_of_draft(item, place, len(drafts) + len(arriving), post_first=post_first)
                item.add(circuit, neurons, namespace, post_first, findings)
            else:
                actions += actions_of_poisson(item, place)
                target = view_of(item._group, circuit, neurons)
                names = neurons[base_of(item._group)].names
                add_poisson_input(circuit, called[item.name], item, target, names, namespace, findings)
    found = [item for item in actions if item.place[0] != GRADED]
    return [*ranked([item for item in actions if item.place[0] == GRADED]), *found]
