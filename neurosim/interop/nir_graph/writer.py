"""The drawing of a circuit as a graph of NIR, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.parts import Population
from neurosim.circuit.sources import PoissonSource, SignalSource
from neurosim.errors import UnsupportedError
from neurosim.interop.layer_steps import always_fires, constant_signal
from neurosim.interop.linear_neuron import (
    LinearNeuron,
    NotLinearError,
    Threshold,
    known_values,
    read_map,
    read_neuron,
    read_threshold,
)
from neurosim.interop.links import Link, NotALinkError, read_link
from neurosim.interop.nir_graph.convention import area
from neurosim.interop.nir_graph.drawing import MOST_BRANCHES, Drawing, delays_of, grids
from neurosim.interop.nir_graph.ports import Port, Ports, in_the_way, ports_of, threshold_ports
from neurosim.program.lowering import lower
from neurosim.program.step_program import PopulationProgram, StepProgram


class Writer:
    """Draws one circuit, and gathers what stands in the way."""

    def __init__(self, circuit: Circuit, nir: Any, spikes: str, allowed: frozenset[str]) -> None:
        self.circuit, self.nir, self.allowed = circuit, nir, allowed
        self.program: StepProgram = lower(circuit)
        self.drawing = Drawing(nir, circuit.dt)
        self.spike = area(spikes, circuit.dt)
        self.lost: list[str] = []
        self.always: set[str] = set()  # populations that spike in every step
        self.ports: dict[str, Ports] = {}

    def drawn(self) -> Drawing:
        """Return the drawing, if nothing is in the way."""
        drawing = self.drawing
        items = self.program.populations
        self.always = {name for name, item in items.items() if always_fires(item)}
        neurons = {
            name: self._neuron(item)
            for name, item in items.items()
            if item.kind == "neurons" and name not in self.always
        }
        links = self._links(neurons)
        self._driving_by_itself()
        used = self._used(links)
        shapes = {name: part.shape for name, part in self.circuit.populations.items()}
        constant = {name: links.pop(name) for name in list(links) if links[name].pre in self.always}
        reached_by_more = {part.population for part in self.circuit.injections.values()}
        reached_by_more |= {link.post for link in constant.values()}
        kept = grids(links, shapes, reached_by_more)
        for name, part in self.circuit.populations.items():
            drawing.shapes[_node(name)] = part.shape if name in kept else (part.n,)
        if not drawing.problems:
            for name, part in self.circuit.populations.items():
                if name not in self.always:
                    self._population(part, neurons.get(name), used)
            self._always_there(constant)
            self._injections()
            for link in links.values():
                port = self._port(link)
                drawing.link(link, _node(link.pre), port)
            self._remaining_constants()
            self._outputs(links)
        if drawing.problems:
            listed = "\n".join(f"- {problem}" for problem in dict.fromkeys(drawing.problems))
            raise UnsupportedError(
                f"circuit {self.circuit.name!r} cannot be written as NIR. What ends in a word in brackets can be left "
                f"out, by allow_lossy:\n{listed}"
            )
        return drawing

    def _loses(self, kind: str, where: str, what: str) -> None:
        """Note a loss where it is allowed, else a problem."""
        if kind in self.allowed:
            self.lost.append(f"{where}: {what}")
        else:
            self.drawing.problems.append(f"{where}: {what} ({kind})")

    # -- populations -----------------------------------------------------------------------------------------------

    def _neuron(self, item: PopulationProgram) -> LinearNeuron | Threshold | None:
        where = f"population {item.name!r}"
        try:
            if not item.state and item.threshold is not None:
                alone = read_threshold(item, known_values(item))
                if alone is not None and alone.reset is None and alone.lowered is None:
                    return alone
            neuron = read_map(self.circuit, item) if item.update else read_neuron(self.circuit, item)
        except NotLinearError as error:
            self.drawing.problems.append(f"{where}: {error}")
            return None
        if item.update:
            self._loses("map", where, "it is a discrete map, here the equation whose Euler step that is")
        if item.refractory is not None:
            self._loses("refractory", where, f"it is refractory for {item.refractory.text}")
        if (problem := in_the_way(neuron)) is not None:
            self.drawing.problems.append(f"{where}: {problem}")
        if neuron.threshold is not None and neuron.threshold.reset is None:
            if neuron.threshold.lowered is None:
                self.drawing.problems.append(f"{where}: a spike does not reset it")
            else:
                self._loses("reset", where, f"a spike lowers {neuron.variable}, where NIR sets it")
        begin = {neuron.variable: neuron.leak, **{name: 0.0 for name in neuron.filters}}
        if any(np.any(self.circuit.initial(item.name, name) != value) for name, value in begin.items()):
            self._loses("initial", where, "it does not begin at rest, and NIR says nothing about where neurons begin")
        return neuron

    def _population(
        self, part: Population, neuron: LinearNeuron | Threshold | None, used: Mapping[str, Mapping[str, set[str]]]
    ) -> None:
        drawing, name = self.drawing, _node(part.name)
        shape = drawing.shapes[name]
        if neuron is None:
            kind = type(part.model).__name__
            drawing.add(name, self.nir.Input({"input": np.array(shape)}), source=kind, unit=_unit(part))
            return
        if isinstance(neuron, Threshold):
            ports = threshold_ports(name, neuron)
        else:
            ports = ports_of(name, neuron, used[part.name], self.spike)
        self.ports[part.name] = ports
        for node, (kind, values) in ports.nodes.items():
            shaped = {key: np.array(value).reshape(shape) for key, value in values.items()}
            metadata = {"unit": _unit(part), "variable": neuron.variable} if node == name else {}
            drawing.shapes[node] = shape
            drawing.add(node, getattr(self.nir, kind)(**shaped), **metadata)
        drawing.edges += ports.edges
        if ports.nodes[name][0] in ("CubaLIF", "CubaLI"):
            drawing.nodes[name].metadata["synapse"] = next(iter({**ports.pulses, **_filters(neuron)}))

    # -- what reaches them -----------------------------------------------------------------------------------------

    def _links(self, neurons: Mapping[str, LinearNeuron | Threshold | None]) -> dict[str, Link]:
        links = {}
        for name, item in self.program.projections.items():
            where = f"projection {name!r}"
            try:
                if item.dynamics is not None and (static := self._as_static(name)) is not None:
                    self._loses("plasticity", where, "its synapses change")
                    link = static
                else:
                    link = read_link(self.circuit, item)
            except NotALinkError as error:
                self.drawing.problems.append(f"{where}: {error}")
                continue
            links[name] = link
            self._check_delays(link)
            pre, post = neurons.get(link.pre), neurons.get(link.post)
            if isinstance(pre, LinearNeuron) and link.source not in (None, pre.variable):
                self.drawing.problems.append(f"{where}: it passes {link.source} on, where NIR has {pre.variable}")
            if isinstance(post, (LinearNeuron, Threshold)) and not _takes(post, link):
                self.drawing.problems.append(f"{where}: {link.post!r} does nothing linear with {link.target}")
        return links

    def _as_static(self, name: str) -> Link | None:
        """Return a plastic projection as what a spike adds at the start; ``None`` where that is not the weight."""
        part, edges = self.circuit.projections[name], self.circuit.edges(name)
        added = [item for item in part.synapse.on_pre_statements if item.target.endswith("_post")]
        if len(added) != 1 or (added[0].operator, added[0].expression) != ("+=", "w"):
            return None
        target = added[0].target.removesuffix("_post")
        return Link(name, part.pre, part.post, None, target, edges.pre, edges.post, edges.weight, edges.steps)

    def _used(self, links: Mapping[str, Link]) -> dict[str, dict[str, set[str]]]:
        used: dict[str, dict[str, set[str]]] = {
            name: {"pulses": set(), "values": set()} for name in self.circuit.populations
        }
        for link in links.values():
            used[link.post]["pulses" if link.source is None else "values"].add(link.target)
        for injection in self.circuit.injections.values():
            used[injection.population]["values"].add(injection.variable)
        return used

    def _driving_by_itself(self) -> None:
        """Note what drives the circuit by itself: a graph of NIR has inputs."""
        for name in sorted(self.always):
            self._loses("map", f"population {name!r}", "it spikes in every step, here it is a constant current")
        for name, part in self.circuit.populations.items():
            if isinstance(part.model, PoissonSource):
                self._loses("input", f"source {name!r}", "its spikes are drawn, here they are an input")
        for name, drive in self.circuit.poisson_inputs.items():
            self._loses("input", f"poisson {name!r}", f"background pulses of {drive.population!r} are left out")
        for name, injection in self.circuit.injections.items():
            if injection.signal is not None and constant_signal(injection.signal) is None:
                self._loses("input", f"injection {name!r}", "its signal is left out, here it is an input")

    def _check_delays(self, link: Link) -> None:
        if delays_of(link, *(self.circuit.populations[name].n for name in (link.pre, link.post))) is not None:
            return
        mean = float(link.delay.mean())
        off, n = float(np.abs(link.delay - mean).max()), np.unique(link.delay).size
        self._loses(
            "delay", f"projection {link.name!r}",
            f"{n} different delays, more than {MOST_BRANCHES}, become their mean, {mean * self.circuit.dt:g} s, which "
            f"is off by up to {off * self.circuit.dt:g} s",
        )  # fmt: skip

    def _port(self, link: Link) -> Port:
        ports = self.ports[link.post]
        # What reaches the membrane through a variable that nothing reads has no node, and does nothing.
        found = (ports.pulses if link.source is None else ports.values).get(link.target)
        return found or Port(ports.name, np.zeros(self.circuit.populations[link.post].n))

    def _injections(self) -> None:
        drawing = self.drawing
        given = {}
        for name, injection in self.circuit.injections.items():
            port = self.ports[injection.population].values.get(injection.variable)
            constant = constant_signal(injection.signal)
            if port is not None and constant is None:
                given[name] = (injection, port)
            elif port is not None:
                chosen = np.array(injection.indices)
                total = drawing.constants.setdefault(port.node, np.zeros(port.factor.size))
                total[chosen] += constant * port.factor[chosen]
        for name, (injection, port) in given.items():
            n, node = injection.n, _node(name)
            drawing.shapes[node] = (n,)
            drawing.add(node, self.nir.Input({"input": np.array([n])}), source="SignalSource", unit=injection.unit)
            link = Link(
                f"{name}.to", name, injection.population, "signal", injection.variable, np.arange(n),
                np.array(injection.indices), np.ones(n), np.zeros(n, dtype=np.int64),
            )  # fmt: skip
            drawing.link(link, node, port)

    def _always_there(self, links: Mapping[str, Link]) -> None:
        """Make a constant current of what spikes in every step, of the same mean."""
        for link in links.values():
            port = self._port(link)
            total = self.drawing.constants.setdefault(port.node, np.zeros(port.factor.size))
            weight = link.weight * port.factor[link.columns] * self.spike / self.circuit.dt
            np.add.at(total, link.columns, weight)

    def _remaining_constants(self) -> None:
        """Give every constant current that no projection could take up to an ``Affine`` of its own."""
        drawing, inputs = self.drawing, [n for n, node in self.drawing.nodes.items() if type(node) is self.nir.Input]
        if not inputs and self.ports:
            # NIR checks a graph from its inputs on.
            drawing.shapes["nothing"] = (1,)
            inputs = [drawing.add("nothing", self.nir.Input({"input": np.array([1])}))]
            first = next(iter(self.ports.values())).name
            drawing.constants.setdefault(first, np.zeros(int(np.prod(drawing.shapes[first]))))
        for node, constant in drawing.constants.items():
            name, before = f"{node}.constant", inputs[0]
            n_before = int(np.prod(drawing.shapes[before]))
            flat = []
            if len(drawing.shapes[before]) > 1:
                flat = [drawing.add(f"{name}.flatten", drawing.flatten(drawing.shapes[before]))]
            drawing.add(name, self.nir.Affine(np.zeros((constant.size, n_before)), constant))
            drawing.chain(before, *flat, name, node)

    def _outputs(self, links: Mapping[str, Link]) -> None:
        """Mark what leads nowhere else as an output; everything, where all leads somewhere."""
        leading = {link.pre for link in links.values() if link.pre != link.post}
        ends = [ports.name for name, ports in self.ports.items() if name not in leading]
        for name in ends or [ports.name for ports in self.ports.values()]:
            shape = {"output": np.array(self.drawing.shapes[name])}
            self.drawing.chain(name, self.drawing.add(f"{name}.output", self.nir.Output(shape)))


def _node(name: str) -> str:
    """Return the name of a part as a node's: a file has folders where there is a ``/``."""
    return name.replace("/", ".")


def _unit(part: Population) -> str:
    if isinstance(part.model, SignalSource):
        return part.model.unit
    return part.variables.get(part.first_variable or "", "1")


def _filters(neuron: LinearNeuron | Threshold) -> dict[str, Any]:
    return dict(neuron.filters) if isinstance(neuron, LinearNeuron) else {}


def _takes(neuron: LinearNeuron | Threshold, link: Link) -> bool:
    if isinstance(neuron, Threshold):
        return link.source is not None and link.target == neuron.variable
    if link.source is None:
        return link.target in neuron.lifts() or link.target in neuron.filters
    return link.target in neuron.gains or any(link.target in one.gains for one in neuron.filters.values())
