"""A graph of NIR without graphs in it: nodes and edges, and how populations reach each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.interop.nir_graph.paths import BETWEEN, Path, PathError, constant_through

#: Nodes with a state, or a threshold: populations.
POPULATIONS = ("LIF", "CubaLIF", "LI", "CubaLI", "IF", "I", "Threshold")
SPIKING = ("LIF", "CubaLIF", "IF", "Threshold")


@dataclass(frozen=True)
class FlatGraph:
    """Nodes and edges; the inputs of inner graphs only pass on.

    Parameters
    ----------
    nodes
        By name, those of inner graphs as ``graph.node``.
    edges
        Pairs of names.
    inputs
        Names of the nodes through which something comes from outside.
    """

    nodes: Mapping[str, Any]
    edges: tuple[tuple[str, str], ...]
    inputs: tuple[str, ...]

    def kind(self, name: str) -> str:
        """Return the kind of a node."""
        return type(self.nodes[name]).__name__

    def before(self, name: str) -> list[str]:
        """Return the nodes with an edge to a node."""
        return [first for first, second in self.edges if second == name]

    def after(self, name: str) -> list[str]:
        """Return the nodes that a node has an edge to."""
        return [second for first, second in self.edges if first == name]

    def is_origin(self, name: str) -> bool:
        """Tell whether what a node puts out does not only depend on what just came in."""
        return name in self.inputs or self.kind(name) in POPULATIONS

    def paths(self, name: str, shapes: Mapping[str, tuple[int, ...]]) -> Iterator[Path]:
        """Yield every path that leads to a population, up to it.

        Parameters
        ----------
        name
            The population's node.
        shapes
            Of what every origin puts out.

        Raises
        ------
        PathError
            If one cannot be followed, or goes in a circle without a population.
        """
        for first in self.before(name):
            yield from self._paths(first, shapes, (name,))

    def _paths(self, name: str, shapes: Mapping[str, tuple[int, ...]], behind: tuple[str, ...]) -> Iterator[Path]:
        if self.is_origin(name):
            yield Path(name, shapes[name])
            return
        if name in behind:
            raise PathError(f"{name!r} leads back to itself without a population between")
        for first in self.before(name):
            for path in self._paths(first, shapes, (name, *behind)):
                yield path.through(name, self.nodes[name])

    def constant(self, name: str, shapes: Mapping[str, tuple[int, ...]]) -> Any:
        """Return the constant current that reaches a population through biases, 0.0 where there is none."""
        return sum((self._constant(first, shapes) for first in self.before(name)), 0.0)

    def _constant(self, name: str, shapes: Mapping[str, tuple[int, ...]]) -> Any:
        if self.is_origin(name):
            return 0.0
        path = next((path for first in self.before(name) for path in self._paths(first, shapes, (name,))), None)
        if path is None:
            return 0.0
        total = np.zeros(path.n) + sum((self._constant(first, shapes) for first in self.before(name)), 0.0)
        return constant_through(total, path, name, self.nodes[name])


def flat_graph(graph: Any) -> FlatGraph:
    """Return a graph with the nodes of inner graphs among its own.

    Raises
    ------
    PathError
        If a node is of an unknown kind, or an edge leads from or to none.
    """
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    _gather(graph, "", nodes, edges)
    unknown = sorted({type(node).__name__ for node in nodes.values()} - {*POPULATIONS, *BETWEEN})
    if unknown:
        raise PathError(f"there are nodes of kind {', '.join(unknown)}")
    inputs = tuple(name for name, node in graph.nodes.items() if type(node).__name__ == "Input")
    return FlatGraph(nodes, tuple(dict.fromkeys(edges)), inputs)


def _gather(graph: Any, prefix: str, nodes: dict[str, Any], edges: list[tuple[str, str]]) -> None:
    inner = {name for name, node in graph.nodes.items() if type(node).__name__ == "NIRGraph"}
    for name, node in graph.nodes.items():
        if name in inner:
            _gather(node, f"{prefix}{name}.", nodes, edges)
        else:
            nodes[prefix + name] = node
    for first, second in graph.edges:
        for end in (first, second):
            if end not in graph.nodes:
                raise PathError(f"an edge leads from {first!r} to {second!r}, and there is no node {end!r}")
        sources = _ends(graph, first, "Output") if first in inner else [first]
        targets = _ends(graph, second, "Input") if second in inner else [second]
        edges += [(prefix + one, prefix + other) for one in sources for other in targets]


def _ends(graph: Any, name: str, kind: str) -> list[str]:
    """Return the inputs, or outputs, of an inner graph by their names in the outer."""
    inner = graph.nodes[name].nodes
    found = [f"{name}.{one}" for one, node in inner.items() if type(node).__name__ == kind]
    if len(found) != 1:
        raise PathError(f"the inner graph {name!r} has {len(found)} nodes of kind {kind}, and must have one")
    return found
