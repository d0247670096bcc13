"""A circuit from a file of NIR."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import AllToAll, Connectivity, Edges, OneToOne
from neurosim.circuit.signals import Step
from neurosim.circuit.sources import SignalSource, SpikeSource
from neurosim.errors import CircuitError, FileFormatError, UnsupportedError
from neurosim.interop.nir_graph.convention import area, library
from neurosim.interop.nir_graph.flat_graph import POPULATIONS, SPIKING, FlatGraph, flat_graph
from neurosim.interop.nir_graph.neurons import Neuron, absorbed, free_name, neuron_model, read_neuron
from neurosim.interop.nir_graph.paths import Path, PathError
from neurosim.units import canonical, quantity, seconds

logger = logging.getLogger(__name__)
INPUTS = {"spikes": "SpikeSource", "signal": "SignalSource"}
UNITS = {"plain": "1", "SI": "volt"}


def from_nir(
    file: str | FilePath | Any,
    *,
    dt: Any = None,
    inputs: str | Mapping[str, str] | None = None,
    spikes: str | None = None,
    units: str | None = None,
    method: str | None = None,
    seed: int = 0,
    round_delays: bool = False,
) -> Circuit:
    """Return the circuit of a NIR graph (https://neuroir.org).

    Nodes become populations under their own names (what cannot stand in a name becomes ``_``), an ``LI`` that drives
    one other node alone becomes a receptor of it, what lies between two populations becomes a projection, and a bias a
    constant injection. Weights of 0 are no edges, and an input that has no other leads nowhere and is left out.

    Parameters
    ----------
    file
        Path of a file, or a ``nir.NIRGraph``.
    dt
        Time step of the circuit. A graph is in continuous time and has none; by default that of the circuit which a
        file of neurosim was written from.
    inputs
        What the inputs of the graph are, which it does not say: ``"spikes"`` or ``"signal"``, for all or by name. By
        default what a file of neurosim notes, else spikes.
    spikes
        ``"dirac"``: a spike has an area of 1, as NIR says. ``"step"``: it is a current of 1 for one `dt`, as snnTorch,
        Norse and others execute a file; take this for files that were trained there. By default what a file of
        neurosim notes, else ``"dirac"``.
    units
        ``"plain"`` for neurons in plain numbers, ``"SI"`` for volt, ampere and ohm (the numbers are the same). By
        default what a file of neurosim notes, else plain.
    method
        Integrator of the neurons; by default ``"exact"`` where the membrane leaks. Others use ``"euler"``.
    seed, round_delays
        Of the circuit.

    Raises
    ------
    FileFormatError
        If the file is none of NIR, or its graph is not consistent.
    UnsupportedError
        If a circuit cannot hold something of the graph, with everything that is in the way; if nir is not installed.
    CircuitError
        If no dt is given and the file notes none, or a delay is no multiple of it.
    """
    given = None if dt is None else seconds(dt, "from_nir: dt")
    graph = _read(file)
    noted = graph.metadata if isinstance(graph.metadata, dict) else {}
    if given is None and "dt" not in noted:
        raise CircuitError("from_nir: give dt=, such as 1*ms: a graph of NIR is in continuous time.")
    step = float(noted["dt"]) if given is None else given
    reading = spikes or str(noted.get("spikes", "dirac"))
    spike = area(reading, step)
    if units is not None and units not in UNITS:
        raise UnsupportedError(f"units={units!r} must be 'plain' or 'SI'.")
    try:
        flat = flat_graph(graph)
    except PathError as error:
        raise UnsupportedError(f"this graph of NIR cannot become a circuit: {error}.") from None
    name = str(noted.get("circuit", "nir"))
    circuit = Circuit(name, dt=quantity(step, "second"), seed=seed, round_delays=round_delays)
    _Reader(flat, circuit, inputs, spike, None if units is None else UNITS[units], method).read()
    return circuit


def _read(file: Any) -> Any:
    nir = library("from_nir")
    if isinstance(file, nir.NIRGraph):
        return file
    source = FilePath(file)
    if not source.is_file():
        raise FileFormatError(f"there is no file {source}.")
    try:
        # Shapes are followed here; the check of nir 1.0.8 refuses graphs with groups of channels.
        graph = nir.read(source, type_check=False)
    except (AssertionError, AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise FileFormatError(f"{source} cannot be read as a graph of NIR: {error}") from error
    return graph


class _Reader:
    """Adds the parts of one graph to a circuit, and gathers what stands in the way."""

    def __init__(
        self, graph: FlatGraph, circuit: Circuit, inputs: str | Mapping[str, str] | None, spike: float,
        unit: str | None, method: str | None,
    ) -> None:  # fmt: skip
        self.graph, self.circuit, self.given, self.spike = graph, circuit, inputs, spike
        self.unit, self.method = unit, method
        self.drives = absorbed(graph)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.names: dict[str, str] = {}  # of the parts, by node
        self.neurons: dict[str, Neuron] = {}
        self.problems: list[str] = []

    def read(self) -> None:
        """Add everything, or raise with everything that cannot be."""
        graph = self.graph
        populations = [name for name in graph.nodes if graph.kind(name) in POPULATIONS]
        for name in (*graph.inputs, *populations):
            self.shapes[name] = self._shape(name)
        for name in (*graph.inputs, *(name for name in populations if name not in self.drives)):
            self.names[name] = free_name(name, self.names.values())
        self._check_inputs()
        reached = {name: self._paths(name) for name in populations}
        used = {path.origin for paths in reached.values() for path in paths if path.matrix is None or path.matrix.nnz}
        for name in graph.inputs:
            if name in used:
                self._add_input(name)
        constants = {name: self._constant(name) for name in populations}
        for name in populations:
            if name not in self.drives:
                self._add_population(name, reached, constants)
        for name in self.neurons:
            for node in self.neurons[name].entries:
                for path in reached[node]:
                    if path.origin in self.neurons or path.origin in used:
                        self._connect(path, name, node)
                self._inject(name, node, constants[node])
        if self.problems:
            listed = "\n".join(f"- {problem}" for problem in dict.fromkeys(self.problems))
            raise UnsupportedError(f"this graph of NIR cannot become a circuit:\n{listed}")

    # -- populations -----------------------------------------------------------------------------------------------

    def _shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of what a node puts out: where its values are single, that of the weights before it."""
        node = self.graph.nodes[name]
        if name in self.graph.inputs:
            return tuple(int(length) for length in np.atleast_1d(node.input_type["input"]))
        value = node.threshold if self.graph.kind(name) == "Threshold" else node.r
        shape = np.shape(value) or (1,)
        if int(np.prod(shape)) == 1:
            for before in self.graph.before(name):
                if self.graph.kind(before) in ("Linear", "Affine"):
                    return (int(np.shape(self.graph.nodes[before].weight)[0]),)
        return tuple(int(length) for length in shape)

    def _check_inputs(self) -> None:
        given = self.given if isinstance(self.given, Mapping) else {}
        for name in given:
            if name not in self.graph.inputs:
                self.problems.append(f"inputs: there is no input {name!r}; there are {', '.join(self.graph.inputs)}")
        kinds = [self.given, *given.values()] if isinstance(self.given, Mapping) else [self.given]
        for kind in kinds:
            if isinstance(kind, str) and kind not in INPUTS:
                self.problems.append(f"inputs: {kind!r} must be 'spikes' or 'signal'")

    def _spikes(self, name: str) -> bool:
        """Tell whether a node puts spikes out."""
        if name not in self.graph.inputs:
            return self.graph.kind(name) in SPIKING
        said = self.given.get(name) if isinstance(self.given, Mapping) else self.given
        if said is None:
            said = "signal" if self.graph.nodes[name].metadata.get("source") == "SignalSource" else "spikes"
        return said != "signal"

    def _unit_of(self, name: str) -> str:
        noted = str(self.graph.nodes[name].metadata.get("unit", "1"))
        return self.unit or (noted if noted in UNITS.values() else "1")

    def _add_input(self, name: str) -> None:
        shape = self.shapes[name] if len(self.shapes[name]) > 1 else self.shapes[name][0]
        if self._spikes(name):
            self.circuit.source(self.names[name], SpikeSource(shape))
            return
        noted = str(self.graph.nodes[name].metadata.get("unit", "1"))
        self.circuit.source(self.names[name], SignalSource(shape, noted if self.unit is None else
                                                           {"1": "1", "volt": "amp"}[self.unit]))  # fmt: skip

    def _add_population(
        self, name: str, reached: Mapping[str, list[Path]], constants: Mapping[str, np.ndarray | None]
    ) -> None:
        shape = self.shapes[name]
        try:
            neuron = read_neuron(self.graph, name, self.drives, int(np.prod(shape)), self._unit_of(name))
        except PathError as error:
            self.problems.append(f"node {name!r}: {error}")
            return
        valued = {
            node for node in neuron.entries
            if constants[node] is not None or any(not self._spikes(path.origin) for path in reached[node])
        }  # fmt: skip
        if self.graph.kind(name) == "Threshold" and any(self._spikes(path.origin) for path in reached[name]):
            self.problems.append(f"node {name!r}: spikes reach a threshold without a membrane")
        model = neuron_model(self.graph, neuron, valued, self.method)
        self.circuit.population(self.names[name], shape if len(shape) > 1 else shape[0], model)
        self.neurons[name] = neuron

    # -- what reaches them -----------------------------------------------------------------------------------------

    def _paths(self, name: str) -> list[Path]:
        try:
            found = [path for path in self.graph.paths(name, self.shapes) if path.origin not in self.drives]
        except PathError as error:
            self.problems.append(f"before node {name!r}: {error}")
            return []
        size = int(np.prod(self.shapes[name]))
        wrong = [path for path in found if path.n != size]
        self.problems += [
            f"node {name!r} holds {size} numbers, and {path.n} come from {path.origin!r}" for path in wrong
        ]
        return [path for path in found if path.n == size]

    def _constant(self, name: str) -> np.ndarray | None:
        try:
            constant = np.broadcast_to(self.graph.constant(name, self.shapes), (int(np.prod(self.shapes[name])),))
        except (PathError, ValueError):
            return None  # which the paths have said already
        return np.array(constant) if np.any(constant) else None

    def _connect(self, path: Path, name: str, node: str) -> None:
        neuron, pre = self.neurons[name], self.names[path.origin]
        entry, pulses = neuron.entries[node], self._spikes(path.origin)
        delays = path.before, path.after
        if not pulses and any(np.any(delay) for delay in delays):
            self.problems.append(f"between {path.origin!r} and {node!r}: values are delayed, a circuit delays spikes")
            return
        factor = entry.jump * self.spike if pulses else np.ones(neuron.n)
        variable = entry.variable if pulses else entry.values
        if not variable:
            return  # a threshold that pulses reach, which is a problem by now
        target = self.circuit.populations[self.names[name]].variables[variable]
        unit = target
        if not pulses:
            source = self.circuit.populations[pre]
            given = source.variables[source.first_variable or ""]
            unit = "1" if given == target else target if given == "1" else canonical(f"({target})/({given})")
        label = free_name(path.names[-1] if path.names else f"{pre}_to_{self.names[name]}", self.circuit.parts)
        arguments: dict[str, Any] = {"receptor": variable, "name": label}
        for rule, weight, rows, columns in self._edges(path, factor):
            delay = _edge_delays(delays, rows, columns)
            if pulses and np.any(delay):
                arguments["delay"] = quantity(delay, "second")
            self.circuit.connect(pre, self.names[name], rule, weight=quantity(weight, unit), **arguments)

    def _edges(self, path: Path, factor: np.ndarray) -> Iterator[tuple[Connectivity, Any, np.ndarray, np.ndarray]]:
        """Yield the rule of a path, its weights, and both ends of its edges; nothing where it has none."""
        if path.rule is not None and path.kernel is not None:
            per_channel = factor.reshape(path.shape[0], -1)
            one_delay = np.all(path.after == path.after[0])
            if one_delay and np.all(per_channel == per_channel[:, :1]) and np.any(path.kernel):
                weight = path.kernel * per_channel[:, 0].reshape(-1, *[1] * (path.kernel.ndim - 1))
                yield path.rule, weight, np.zeros(1, dtype=int), np.zeros(1, dtype=int)
                return
        if path.matrix is None:
            each = np.arange(path.n)
            yield OneToOne(), _single(factor), each, each
            return
        matrix = path.matrix.tocoo()
        rows, columns = matrix.coords[1], matrix.coords[0]
        kept = matrix.data != 0
        rows, columns, weight = rows[kept], columns[kept], (matrix.data * factor[columns])[kept]
        if np.array_equal(rows, columns) and np.array_equal(rows, np.arange(path.n)):
            yield OneToOne(), _single(weight), rows, columns
        elif rows.size:
            order = np.lexsort((columns, rows))
            rows, columns = rows[order], columns[order]
            whole = rows.size == matrix.shape[0] * matrix.shape[1]
            yield AllToAll() if whole else Edges(rows, columns), weight[order], rows, columns

    def _inject(self, name: str, node: str, constant: np.ndarray | None) -> None:
        if constant is None:
            return
        neuron, part = self.neurons[name], self.names[name]
        variable = neuron.entries[node].values
        unit = self.circuit.populations[part].variables[variable]
        label = free_name(f"{part}_constant" if node == name else f"{part}_{variable}_constant", self.circuit.parts)
        self.circuit.inject(label, part, variable, Step(quantity(_single(constant), unit)))


def _edge_delays(delays: tuple[np.ndarray, np.ndarray], rows: np.ndarray, columns: np.ndarray) -> Any:
    """Return the delay of each edge in seconds, one number where all have the same."""
    before, after = delays
    each = (before[rows] if before.size > 1 else before[0]) + (after[columns] if after.size > 1 else after[0])
    return _single(np.broadcast_to(each, rows.shape)) if rows.size else 0.0


def _single(values: np.ndarray) -> Any:
    return float(values[0]) if values.size and np.all(values == values[0]) else np.array(values)
