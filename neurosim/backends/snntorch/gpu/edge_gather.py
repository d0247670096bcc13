"""Edges as kernels of Triton gather along them: by the neuron at either end, each with its delay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neurosim.program.frozen import Frozen

Array = np.ndarray


class EdgeGather(Frozen):
    """The edges of a projection by the neuron at either end.

    Parameters
    ----------
    pre, post
        The neurons at the ends of each edge, (edge,).
    order
        The edges in the order in which they add to a neuron, (edge,).
    n_pre, n_post
        How many neurons there are.
    """

    def __init__(self, pre: Array, post: Array, order: Array, n_pre: int, n_post: int) -> None:
        pre, post = (np.ascontiguousarray(array, np.int64) for array in (pre, post))
        by_post = order[np.argsort(post[order], kind="stable")]
        by_pre = np.argsort(pre, kind="stable")
        post_starts = np.searchsorted(post[by_post], np.arange(n_post + 1))
        pre_starts = np.searchsorted(pre[by_pre], np.arange(n_pre + 1))
        self._arrays = (pre, post, by_post, post_starts, by_pre, pre_starts)
        self._on: dict[torch.device, GatherOn] = {}

    def on(self, device: torch.device) -> GatherOn:
        """Return the edges on a device; they go there once."""
        if device not in self._on:
            self._on[device] = GatherOn(*(torch.from_numpy(array).to(device) for array in self._arrays))
        return self._on[device]


@dataclass(frozen=True)
class GatherOn:
    """The arrays of an :class:`EdgeGather` on a device."""

    pre: Tensor
    post: Tensor
    by_post: Tensor
    post_starts: Tensor
    by_pre: Tensor
    pre_starts: Tensor


@dataclass(frozen=True)
class DelayedEdges:
    """Edges with their delays, in steps, int64, (edge,)."""

    edges: GatherOn
    delay: Tensor

    def by_post(self, place: int, amounts: Tensor) -> dict[str, Tensor]:
        """Return the arrays that the way forward takes for an arrival."""
        found, order = self.edges, self.edges.by_post
        return {
            f"ES_{place}": found.post_starts, f"EP_{place}": found.pre[order], f"ED_{place}": self.delay[order],
            f"EA_{place}": amounts[order],
        }  # fmt: skip

    def by_pre(self, place: int, amounts: Tensor) -> dict[str, Tensor]:
        """Return the arrays that the way back takes for an arrival."""
        found, order = self.edges, self.edges.by_pre
        return {
            f"FS_{place}": found.pre_starts, f"FP_{place}": found.post[order], f"FD_{place}": self.delay[order],
            f"FA_{place}": amounts[order],
        }  # fmt: skip


def order_of_arrival(pre: Array, delay: Array) -> Array:
    """Return edges in the order of the contract: the earliest emission first, then the neuron, then the edge."""
    order: Array = np.lexsort((np.arange(len(pre)), pre, -delay))
    return order
