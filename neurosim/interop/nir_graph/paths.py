"""What lies between two populations in a graph of NIR: weights, delays and shapes, put together along a path."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from neurosim.circuit.convolution import Convolution
from neurosim.errors import CircuitError

#: Kinds of nodes that compute without a state.
BETWEEN = (
    "Affine",
    "Linear",
    "Scale",
    "Conv1d",
    "Conv2d",
    "Delay",
    "Flatten",
    "SumPool2d",
    "AvgPool2d",
    "Input",
    "Output",
)


class PathError(Exception):
    """A path cannot be followed; says why."""


@dataclass(frozen=True)
class Path:
    """What has become of the output of a population.

    Parameters
    ----------
    origin
        The node that it comes from.
    shape
        Of what is passed on here.
    names
        Nodes that hold weights or delays, in order.
    matrix
        (here, origin); ``None`` where every number is passed on as it is.
    before, after
        Seconds of delay of each number before the weights, and behind them.
    rule, kernel
        The convolution, where the path is one and nothing else.
    """

    origin: str
    shape: tuple[int, ...]
    names: tuple[str, ...] = ()
    matrix: Any = None
    before: np.ndarray = field(default_factory=lambda: np.zeros(1))
    after: np.ndarray = field(default_factory=lambda: np.zeros(1))
    rule: Convolution | None = None
    kernel: np.ndarray | None = None

    @property
    def n(self) -> int:
        """How many numbers are passed on."""
        return int(np.prod(self.shape))

    def through(self, name: str, node: Any) -> Path:
        """Return the path behind a node.

        Raises
        ------
        PathError
            If the shapes do not fit, or a delay cannot be moved past weights.
        """
        kind = type(node).__name__
        if kind in ("Input", "Output"):
            return self
        if kind == "Flatten":
            return replace(self, shape=flattened(self.shape, int(node.start_dim), int(node.end_dim)))
        if kind == "Delay":
            return self._delayed(name, np.asarray(node.delay, dtype=np.float64).reshape(-1))
        if kind == "Scale":
            scale = np.broadcast_to(np.asarray(node.scale, dtype=np.float64).reshape(-1), (self.n,))
            return self._multiplied(name, sparse.diags_array(scale).tocsr(), self.shape)
        if kind in ("Linear", "Affine"):
            weight = np.asarray(node.weight, dtype=np.float64)
            if weight.ndim != 2 or weight.shape[1] != self.n:
                raise PathError(f"{name!r} has weights of shape {weight.shape}, and {self.n} numbers reach it")
            return self._multiplied(name, sparse.csr_array(weight), (weight.shape[0],))
        return self._convolved(name, node, kind)

    def _multiplied(self, name: str, matrix: Any, shape: tuple[int, ...]) -> Path:
        whole = matrix if self.matrix is None else matrix @ self.matrix
        if np.any(self.after != self.after[0]):
            raise PathError(f"{name!r} mixes what has different delays")
        after = self.after[:1]
        return replace(self, shape=shape, names=(*self.names, name), matrix=whole, after=after, rule=None, kernel=None)

    def _delayed(self, name: str, delay: np.ndarray) -> Path:
        names = (*self.names, name)
        if self.matrix is None:
            return replace(self, names=names, before=self.before + delay)
        return replace(self, names=names, after=self.after + delay)

    def _convolved(self, name: str, node: Any, kind: str) -> Path:
        if "Pool" in kind:
            size = tuple(int(length) for length in np.broadcast_to(np.asarray(node.kernel_size), (2,)))
            weight = np.ones((self.shape[0], 1, *size)) / (np.prod(size) if kind == "AvgPool2d" else 1)
            stride, padding, dilation, groups = node.stride, node.padding, 1, self.shape[0]
        else:
            weight = np.asarray(node.weight, dtype=np.float64)
            stride, padding, dilation, groups = node.stride, node.padding, node.dilation, int(node.groups)
        d = weight.ndim - 2
        if len(self.shape) != d + 1:
            raise PathError(f"{name!r} needs {d + 1} axes, and what reaches it has shape {self.shape}")
        given: Any = padding if isinstance(padding, str) else _each(padding, d)
        try:
            rule = Convolution(weight.shape[2:], stride=_each(stride, d), padding=given, dilation=_each(dilation, d),
                               groups=groups)  # fmt: skip
            sliding = rule.shaped(self.shape, (weight.shape[0], *_lengths(rule, self.shape, weight))).sliding
        except CircuitError as error:
            raise PathError(f"{name!r}: {error}") from None
        if sliding.kernel != weight.shape:
            raise PathError(f"{name!r} has a kernel of shape {weight.shape} for an input of shape {self.shape}")
        pre, post = sliding.ends()
        entries = (weight.reshape(-1)[sliding.elements()], (post, pre))
        matrix = sparse.coo_array(entries, shape=(int(np.prod(sliding.post)), self.n)).tocsr()
        alone = self.matrix is None and not np.any(self.before != self.before[0])
        path = self._multiplied(name, matrix, sliding.post)
        return replace(path, rule=rule, kernel=weight) if alone else path


def _each(value: Any, d: int) -> tuple[int, ...]:
    return tuple(int(one) for one in np.broadcast_to(np.asarray(value), (d,)))


def _lengths(rule: Convolution, shape: tuple[int, ...], weight: np.ndarray) -> tuple[int, ...]:
    """Return the size of the output of a convolution."""
    stride: Any = rule.stride
    dilation: Any = rule.dilation
    found = []
    for axis, (length, elements) in enumerate(zip(shape[1:], weight.shape[2:], strict=True)):
        wide = dilation[axis] * (elements - 1)
        padding: Any = rule.padding
        around = {"same": wide, "valid": 0}[padding] if isinstance(padding, str) else 2 * padding[axis]
        found.append((length + around - wide - 1) // stride[axis] + 1)
    return tuple(found)


def flattened(shape: tuple[int, ...], start: int, end: int) -> tuple[int, ...]:
    """Return a shape with the axes from `start` to `end`, both included, made one."""
    last = end % len(shape)
    if start >= len(shape) or last < start:
        return shape
    return (*shape[:start], int(np.prod(shape[start : last + 1])), *shape[last + 1 :])


def constant_through(constant: np.ndarray, path: Path, name: str, node: Any) -> np.ndarray:
    """Return what a constant in front of a node becomes behind it, with what the node adds itself.

    Parameters
    ----------
    constant
        (numbers in front,).
    path
        A path that has come up to the node.
    name, node
        The node.
    """
    kind = type(node).__name__
    if kind in ("Input", "Output", "Flatten", "Delay"):
        return constant
    alone = Path(path.origin, path.shape).through(name, node)
    result: np.ndarray = alone.matrix @ constant
    bias = getattr(node, "bias", None)
    if bias is not None:
        bias = np.asarray(bias, dtype=np.float64)
        per_channel = kind in ("Conv1d", "Conv2d")
        result = result + (np.repeat(bias, alone.n // bias.size) if per_channel else bias.reshape(-1))
    return result
