"""Convolution: edges between two grids that share the weights of a kernel."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from math import prod
from typing import Any, ClassVar, Literal

import numpy as np

from neurosim.circuit.connectivity import Connectivity
from neurosim.circuit.edge_sampling import EdgeArrays
from neurosim.circuit.sliding import Shape, Sliding
from neurosim.circuit.values import Distribution, Trainable, Value, plain
from neurosim.errors import CircuitError
from neurosim.random import Stream

Sizes = int | tuple[int, ...]
#: What a population's shape says, by the number of dimensions of the kernel; torch has no more either.
_NAMED = {1: "(channel, length)", 2: "(channel, height, width)", 3: "(channel, depth, height, width)"}


@dataclass(frozen=True, eq=False)
class Convolution(Connectivity, readable=True):
    """A kernel that slides over a grid; every place of it connects to one neuron of each output channel.

    Both sides are whole populations of shape (channel, length), (channel, height, width) or (channel, depth, height,
    width). The arithmetic is that of ``torch.nn.Conv2d``: cross-correlation, so that the neuron at place ``o`` of the
    output receives ``kernel[k]`` times what is at ``o*stride + k*dilation - padding``.

    ``weight=`` of ``connect`` is the kernel, of shape (channels out, channels in / groups, *kernel_size): one number
    for all of it, an array of that shape (or flat), a distribution (drawn once for each element of the kernel), or a
    :class:`Trainable` of one of these, which is trained as the kernel. Delays and other parameters belong to the edges,
    as with every rule.

    Parameters
    ----------
    kernel_size
        Its size: one number for every dimension, or one for each.
    channels
        Number of output channels, where it shall be said; it must be that of the postsynaptic population.
    stride
        How far the kernel moves from one output to the next; one number, or one for each dimension.
    padding
        How many places without neurons are thought around the input: one number, or one for each dimension; or
        ``"valid"`` (none), or ``"same"`` (as many as keep the size; the greater half behind; only with stride 1).
    dilation
        Distance of two neighbouring elements of the kernel; one number, or one for each dimension.
    groups
        Cut the channels of both sides into so many groups, each connected to its own. With as many groups as channels
        every channel has a kernel of its own ("depth-wise").

    Notes
    -----
    An average over patches ("average pooling") is a depth-wise convolution with a fixed weight:
    ``connect("c1", "pooled", Convolution(2, stride=2, groups=16), receptor="v", weight=0.25)``.

    Examples
    --------
    >>> from neurosim.circuit import Circuit, NeuronModel, SpikeSource, Trainable, Normal
    >>> from neurosim.units import ms
    >>> circuit = Circuit("edges of an image", dt=1 * ms)
    >>> _ = circuit.source("image", SpikeSource((1, 28, 28)))
    >>> _ = circuit.population("c1", (16, 13, 13), NeuronModel("v : 1", threshold="v > 1", reset="v = 0"))
    >>> rule = Convolution(3, stride=2)
    >>> _ = circuit.connect("image", "c1", rule, receptor="v", weight=Trainable(Normal(0, 0.3)))
    >>> circuit.kernel("image_to_c1").shape, circuit.edges("image_to_c1").pre.size
    ((16, 1, 3, 3), 24336)
    """

    kernel_size: Sizes
    channels: int | None = field(default=None, kw_only=True)
    stride: Sizes = field(default=1, kw_only=True)
    padding: Sizes | Literal["same", "valid"] = field(default=0, kw_only=True)
    dilation: Sizes = field(default=1, kw_only=True)
    groups: int = field(default=1, kw_only=True)
    _shapes: ClassVar[tuple[Shape | None, Shape | None]] = (None, None)

    def __post_init__(self) -> None:
        """Check the parameters."""
        for name in ("kernel_size", "stride", "dilation"):
            object.__setattr__(self, name, _sizes(name, getattr(self, name), 1))
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise CircuitError(f"Convolution: padding={self.padding!r} must be 'same', 'valid' or whole numbers.")
            if self.padding == "same" and np.any(np.asarray(self.stride) != 1):
                raise CircuitError("Convolution: padding='same' keeps the size, so the stride must be 1.")
        else:
            object.__setattr__(self, "padding", _sizes("padding", self.padding, 0))
        object.__setattr__(self, "groups", _whole("groups", self.groups, 1))
        if self.channels is not None:
            object.__setattr__(self, "channels", _whole("channels", self.channels, 1))
        lengths = {len(value) for value in self._given() if isinstance(value, tuple)}
        if len(lengths) > 1:
            raise CircuitError(f"{self!r}: kernel_size, stride, padding and dilation are for different dimensions.")

    def _given(self) -> tuple[Any, ...]:
        return self.kernel_size, self.stride, self.padding, self.dilation

    def __repr__(self) -> str:
        """Show what is not the default."""
        defaults = {"channels": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}
        given = [f"{name}={getattr(self, name)!r}" for name, value in defaults.items() if getattr(self, name) != value]
        return f"Convolution({', '.join([str(self.kernel_size), *given])})"

    def shaped(self, pre: Shape | None, post: Shape | None) -> Convolution:
        """Return the rule between populations of these shapes; ``None`` for neurons that have no shape."""
        copy = object.__new__(Convolution)
        copy.__dict__.update(self.__dict__, _shapes=(pre, post))
        return copy

    @property
    def sliding(self) -> Sliding:
        """Where the kernel lies between the populations that are connected.

        Raises
        ------
        CircuitError
            If the shapes do not fit.
        """
        pre, post = self._shapes
        if pre is None or post is None:
            raise CircuitError(
                f"{self!r} connects whole populations with a shape (channel, height, width): a view, or a group of "
                "neurons, has none."
            )
        dimensions = next((len(value) for value in self._given() if isinstance(value, tuple)), len(pre) - 1)
        if dimensions not in _NAMED or len(pre) != 1 + dimensions:
            wanted = _NAMED.get(dimensions, " or ".join(_NAMED.values()))
            raise CircuitError(f"{self!r} needs shapes {wanted}; the presynaptic side has {pre}, the other {post}.")
        size, stride, dilation = (
            value if isinstance(value, tuple) else (value,) * dimensions
            for value in (self.kernel_size, self.stride, self.dilation)
        )
        padding = self._padding(size, dilation)
        expected = tuple(
            (length + sum(around) - wide * (elements - 1) - 1) // step + 1
            for length, around, wide, elements, step in zip(pre[1:], padding, dilation, size, stride, strict=True)
        )
        if min(expected) < 1:
            raise CircuitError(
                f"{self!r}: the kernel is larger than its input: the presynaptic side has {pre}, the other {post}."
            )
        if post[1:] != expected or (self.channels is not None and post[0] != self.channels):
            channels = "channels" if self.channels is None else self.channels
            raise CircuitError(
                f"{self!r} from {pre} gives ({channels}, {', '.join(map(str, expected))}), but the postsynaptic side "
                f"has {post}."
            )
        if pre[0] % self.groups or post[0] % self.groups:
            raise CircuitError(
                f"{self!r}: the channels of {pre} and {post} cannot be cut into {self.groups} equal groups."
            )
        kernel = (post[0], pre[0] // self.groups, *size)
        return Sliding(pre, post, kernel, stride, padding, dilation, self.groups)

    def _padding(self, size: Shape, dilation: Shape) -> tuple[tuple[int, int], ...]:
        if self.padding == "same":
            whole = [wide * (elements - 1) for wide, elements in zip(dilation, size, strict=True)]
            return tuple((added // 2, added - added // 2) for added in whole)
        given: Any = 0 if self.padding == "valid" else self.padding
        return tuple((each, each) for each in (given if isinstance(given, tuple) else (given,) * len(size)))

    @property
    def kernel_shape(self) -> Shape:
        """Shape of the weights: (channels out, channels in / groups, *kernel_size)."""
        return self.sliding.kernel

    def elements(self) -> np.ndarray:
        """Return which element of the kernel, counted in flat order, each edge has: int32, shape (edge,)."""
        return self.sliding.elements()

    def check_fit(self, n_pre: int, n_post: int, same: bool) -> None:
        """Refuse shapes that do not fit."""
        sliding = self.sliding
        if (prod(sliding.pre), prod(sliding.post)) != (n_pre, n_post):
            raise CircuitError(f"{self!r} is for shapes {sliding.pre} and {sliding.post}, got {n_pre} and {n_post}.")

    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        return self.sliding.ends()


def kernel_value(value: Value, shape: Shape, where: str) -> Value:
    """Return weights that edges share, arrays in the shape of the kernel.

    Raises
    ------
    CircuitError
        If an array has another number of values, or a mark shares them in another way.
    """
    if isinstance(value, Trainable):
        if value.per not in (None, "all"):
            raise CircuitError(
                f"{where}: per={value.per!r} has no meaning for a kernel; leave it out, or say per='all'."
            )
        return value if value.initial is None else value.with_initial(kernel_value(plain(value), shape, where))
    if isinstance(value, (float, Distribution)):
        return value
    if value.shape not in (shape, (prod(shape),)):
        raise CircuitError(
            f"{where} has shape {value.shape}; the kernel has shape {shape} "
            f"(channels out, channels in / groups, size): give that, or its {prod(shape)} values."
        )
    kernel = value.reshape(shape)
    kernel.flags.writeable = False
    return kernel


def _sizes(name: str, value: Any, least: int) -> Sizes:
    if isinstance(value, (tuple, list)):
        if len(value) not in _NAMED:
            raise CircuitError(f"Convolution: {name}={value!r} must be for 1 to {max(_NAMED)} dimensions.")
        return tuple(_whole(name, one, least) for one in value)
    return _whole(name, value, least)


def _whole(name: str, value: Any, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < least or isinstance(value, (bool, np.bool)):
        raise CircuitError(f"Convolution: {name}={value!r} must be a whole number, {least} or more.")
    return number
