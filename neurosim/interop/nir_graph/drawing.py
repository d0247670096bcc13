"""The graph while it is drawn: nodes and edges by name, and the projections between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from neurosim.interop.links import MOST_ENTRIES, Link
from neurosim.interop.nir_graph.ports import Port

#: Delays that may differ within a projection: each is a branch of its own, with a matrix of its own.
MOST_BRANCHES = 64


class Drawing:
    """A graph of NIR that is being drawn.

    Parameters
    ----------
    nir
        The package.
    dt
        Seconds in a step, for delays.
    """

    def __init__(self, nir: Any, dt: float) -> None:
        self.nir, self.dt = nir, dt
        self.nodes: dict[str, Any] = {}
        self.edges: list[tuple[str, str]] = []
        self.shapes: dict[str, tuple[int, ...]] = {}  # of what a population puts out
        self.constants: dict[str, np.ndarray] = {}  # currents into a node that no Affine has taken up yet
        self.problems: list[str] = []

    def add(self, name: str, node: Any, **metadata: Any) -> str:
        """Add a node; what is said beside it is for people."""
        self.nodes[name] = node
        node.metadata = metadata
        return name

    def chain(self, *names: str) -> None:
        """Connect nodes one behind the other."""
        self.edges += pairwise(names)

    # -- projections -------------------------------------------------------------------------------------------------

    def link(self, link: Link, pre: str, port: Port) -> None:
        """Draw a projection from a node to a port.

        Parameters
        ----------
        link
            The projection.
        pre
            The node of its presynaptic population.
        port
            Where it goes.
        """
        name = link.name.replace("/", ".")
        if not link.rows.size:
            return
        n_pre, n_post = (int(np.prod(self.shapes[node])) for node in (pre, port.node))
        before, after, branches = delays_of(link, n_pre, n_post) or mean_delay(link)
        for number, (delay, chosen) in enumerate(branches):
            own = f"{name}.{number}" if len(branches) > 1 else name
            steps = [pre]
            if delay or before is not None:
                each = np.full(int(np.prod(self.shapes[pre])), delay * self.dt) if before is None else before * self.dt
                steps.append(self.add(f"{own}.delay", self.nir.Delay(each.reshape(self.shapes[pre]))))
            steps += self._weights(own, link, chosen, pre, port)
            if after is not None:
                steps.append(self.add(f"{own}.delay", self.nir.Delay(after * self.dt)))
            self.chain(*steps, port.node)

    def _weights(self, name: str, link: Link, chosen: np.ndarray | None, pre: str, port: Port) -> list[str]:
        """Add the nodes that hold the weights; return their names."""
        shape, to = self.shapes[pre], self.shapes[port.node]
        if chosen is None and (node := self._convolution(link, shape, to, port.factor)) is not None:
            return [self.add(name, node)]
        one_to_one = np.arange(port.factor.size)
        same = np.array_equal(link.rows, one_to_one) and np.array_equal(link.columns, one_to_one)
        if chosen is None and shape == to and same and port.node not in self.constants:
            return [self.add(name, self.nir.Scale((link.weight * port.factor).reshape(shape)))]
        n_pre, n_post = int(np.prod(shape)), int(np.prod(to))
        if n_pre * n_post > MOST_ENTRIES:
            self.problems.append(f"projection {link.name!r}: its matrix would have {n_pre * n_post} entries")
            return []
        weight = link.matrix(n_pre, n_post, chosen) * port.factor[:, None]
        flat = [] if len(shape) == 1 else [self.add(f"{name}.flatten", self.flatten(shape))]
        constant = self.constants.pop(port.node, None)
        if constant is None or np.any(link.delay):
            if constant is not None:
                self.constants[port.node] = constant
            return [*flat, self.add(name, self.nir.Linear(weight))]
        return [*flat, self.add(name, self.nir.Affine(weight, constant))]

    def flatten(self, shape: tuple[int, ...]) -> Any:
        """Return a node that makes one axis of all."""
        return self.nir.Flatten({"input": np.array(shape)}, 0, -1)

    def _convolution(self, link: Link, shape: tuple[int, ...], to: tuple[int, ...], factor: np.ndarray) -> Any:
        """Return ``Conv1d`` or ``Conv2d``, ``None`` where a matrix must do."""
        sliding, kernel = link.sliding, link.kernel
        if sliding is None or kernel is None or (shape, to) != (sliding.pre, sliding.post):
            return None
        per_channel = factor.reshape(to[0], -1)
        if not drawable(link) or np.any(per_channel != per_channel[:, :1]):
            return None
        weight = kernel * per_channel[:, 0].reshape(-1, *[1] * (kernel.ndim - 1))
        padding = tuple(before for before, _ in sliding.padding)
        bias = np.zeros(to[0])
        if len(padding) == 1:
            return self.nir.Conv1d(
                shape[1], weight, sliding.stride[0], padding[0], sliding.dilation[0], sliding.groups, bias
            )
        return self.nir.Conv2d(shape[1:], weight, sliding.stride, padding, sliding.dilation, sliding.groups, bias)


Delays = tuple[np.ndarray | None, np.ndarray | None, Sequence[tuple[float, np.ndarray | None]]]


def delays_of(link: Link, n_pre: int, n_post: int) -> Delays | None:
    """Return the delays of a projection, in steps, as NIR holds them.

    Parameters
    ----------
    link
        The projection.
    n_pre, n_post
        Numbers of neurons.

    Returns
    -------
    before, after
        Of each presynaptic, or each postsynaptic, neuron; ``None`` where that is not it.
    branches
        Delays that some edges share, and which, a mask; ``None`` for all. The whole is ``None`` where there would be
        too many.
    """
    found = np.unique(link.delay)
    if found.size <= 1:
        return None, None, [(float(found[0]) if found.size else 0.0, None)]
    for ends, n, first in ((link.rows, n_pre, True), (link.columns, n_post, False)):
        each = np.zeros(n)
        each[ends] = link.delay
        if np.array_equal(each[ends], link.delay):
            return (each, None, [(0.0, None)]) if first else (None, each, [(0.0, None)])
    if found.size > MOST_BRANCHES:
        return None
    return None, None, [(float(delay), link.delay == delay) for delay in found]


def mean_delay(link: Link) -> Delays:
    """Return one delay for all edges, in steps: their mean."""
    return None, None, [(float(link.delay.mean()), None)]


def drawable(link: Link) -> bool:
    """Tell whether NIR has a node for the convolution of a projection.

    It has none in three dimensions, and derives wrong shapes for groups and for kernels that are not square (nir 1.0.8,
    ``nir/ir/conv.py``), so that a file with them would not be read again.
    """
    sliding = link.sliding
    return (
        sliding is not None
        and len(sliding.stride) < 3
        and sliding.groups == 1
        and len(set(sliding.kernel[2:])) == 1
        and all(before == after for before, after in sliding.padding)
    )


def grids(links: Mapping[str, Link], shapes: Mapping[str, tuple[int, ...]], flat: set[str]) -> set[str]:
    """Return the populations that keep the axes of their shape: those that convolutions alone reach.

    NIR has a node that makes one axis of many and none that does the opposite; so what is reached by a matrix has one.

    Parameters
    ----------
    links
        All projections.
    shapes
        Of all populations.
    flat
        Populations that cannot keep them for another reason.
    """
    found = {name for name, shape in shapes.items() if len(shape) > 1 and name not in flat}
    while True:
        lost = {
            link.post for link in links.values()
            if link.post in found
            and (link.pre not in found or not drawable(link) or (link.delay.size and np.ptp(link.delay) > 0))
        }  # fmt: skip
        if not lost:
            return found
        found -= lost
