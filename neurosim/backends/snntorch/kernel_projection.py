"""A projection by a kernel as a torch module: training convolves, simulation goes edge by edge."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor, nn
from torch.nn.functional import conv1d, conv2d, conv3d, pad

from neurosim.backends.snntorch.options import SnntorchOptions
from neurosim.backends.snntorch.parameters import Tie, Values
from neurosim.backends.snntorch.projection import (
    EndReader,
    Projection,
    Tensors,
    is_weight_times,
    per_edge,
)
from neurosim.backends.snntorch.workspace import Workspace
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.circuit.values import Trainable
from neurosim.program.convolution import ConvolutionProgram
from neurosim.program.torch_printer import Printed

_CONVOLVE = (conv1d, conv2d, conv3d)


class KernelProjection(Projection):
    """Edges that share the weights of a kernel.

    Its parameter is the kernel. Where each edge adds ``w`` (or ``w`` times a presynaptic variable) after one delay for
    all, the path with gradients is torch's convolution and the edges are not even made; they are as soon as something
    asks for them one by one (a simulation, ``propagation="ordered"``).

    Parameters
    ----------
    item
        The projection's program.
    trainable, ties
        See :class:`neurosim.backends.snntorch.parameters.Values`.
    options
        Of the module.
    """

    def __init__(
        self,
        item: ConvolutionProgram,
        trainable: Mapping[str, Trainable],
        ties: dict[str, Tie],
        options: SnntorchOptions,
    ) -> None:
        nn.Module.__init__(self)
        self.item: ConvolutionProgram = item
        self.sliding = item.sliding
        self.n_pre, self.n_post = int(np.prod(item.sliding.pre)), int(np.prod(item.sliding.post))
        self.by_matrix = False
        self.learns_delays = False
        self.by_convolution = (
            options.propagation == "auto" and is_weight_times(item) and (item.graded or item.shared_delay is not None)
        )
        dtype = options.torch_dtype
        self.dynamics = None
        self.print_expressions(dtype)
        self._say_where()
        values = {name: item.values[name] for name in item.values if name != WEIGHT}
        values = {
            name: np.array(np.broadcast_to(value, (item.n,))) if per_edge(trainable.get(name)) else value
            for name, value in values.items()
        }
        kernel = item.kernel
        if per_edge(trainable.get(WEIGHT)):
            kernel = np.array(np.broadcast_to(kernel, item.sliding.kernel))
        self.values = Values(self, {WEIGHT: kernel, **values}, trainable, ties, item.name, dtype, item)

    @property
    def element(self) -> Tensor:
        """The element of the kernel that each edge has, int64, (edge,)."""
        return self._indices("element")

    def current(self, *, by_edge: bool) -> Tensors:
        """Return the values of the edges in SI: numbers, (edge,), or the kernel where training convolves."""
        found: Tensors = self.values.current()
        if self.by_convolution and not by_edge:
            found[WEIGHT] = found[WEIGHT].expand(self.sliding.kernel)
            return found
        if found[WEIGHT].ndim:
            found[WEIGHT] = found[WEIGHT].reshape(-1).index_select(0, self.element)
        return found

    def edge_value(self, name: str, edge_values: Tensors) -> Tensor:
        """Return a value per edge, in the order of the edges, (edge,)."""
        value = edge_values[name]
        if value.ndim > 1:
            value = value.reshape(-1).index_select(0, self.element)
        return value.expand(self.item.n)

    def deliver(
        self, history: list[Tensor], edge_values: Tensors, ends: EndReader, target: str, value: Tensor
    ) -> Tensor:
        """Return a target variable after this step's arrivals, differentiable in spikes and values."""
        if not self.by_convolution or edge_values[WEIGHT].ndim < 2:
            return super().deliver(history, edge_values, ends, target, value)
        return value + self._convolved(history[self.item.max_delay], edge_values[WEIGHT])

    def _block(self, train: Tensor, edge_values: Tensors, printed: Printed, workspace: Workspace) -> Tensor:
        if not self.by_convolution:
            return super()._block(train, edge_values, printed, workspace)
        steps = train.shape[0] - self.longest
        rows = train[:steps].reshape(-1, self.n_pre)  # one delay for all: the oldest step of the train comes first
        return self._convolved(rows, edge_values[WEIGHT]).reshape(steps, train.shape[1], self.n_post)

    def total(self, target: str, edge_values: Tensors, ends: EndReader, batch: int, *, exact: bool) -> Tensor:
        """Return what a graded projection sums into a variable, (batch, n_post)."""
        if not self.by_convolution or edge_values[WEIGHT].ndim < 2:
            return super().total(target, edge_values, ends, batch, exact=exact)
        (printed,) = (printed for _, printed in self.expressions.terms)
        key = next(key for key in printed.reads if key != WEIGHT)
        return self._convolved(ends.whole(key).expand(batch, self.n_pre), edge_values[WEIGHT])

    def _convolved(self, values: Tensor, kernel: Tensor) -> Tensor:
        """Return what arrives at every neuron, (batch, n_post), from the values of all, (batch, n_pre)."""
        sliding = self.sliding
        grid = values.reshape(values.shape[0], *sliding.pre)
        padding = tuple(before for before, _ in sliding.padding)
        if any(before != after for before, after in sliding.padding):
            # torch pads alike on both sides: add the rest first, the last dimension leading in its order.
            grid = pad(grid, [side for pair in reversed(sliding.padding) for side in pair])
            padding = (0,) * len(padding)
        convolve = _CONVOLVE[len(padding) - 1]
        result = convolve(grid, kernel, None, sliding.stride, padding, sliding.dilation, sliding.groups)
        return result.reshape(values.shape[0], self.n_post)
