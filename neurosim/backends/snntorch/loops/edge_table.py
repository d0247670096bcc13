"""The edges of a projection as both loops go along them."""

from __future__ import annotations

import numpy as np

from neurosim.program.frozen import Frozen

Array = np.ndarray


class EdgeTable(Frozen):
    """The edges of a projection in the orders of both loops.

    Parameters
    ----------
    pre, post
        The neurons at the ends of each edge, (edge,).
    delay
        In steps, (edge,).
    n_pre
        Number of presynaptic neurons.
    """

    def __init__(self, pre: Array, post: Array, delay: Array, n_pre: int) -> None:
        self.pre, self.post, self.delay = (np.ascontiguousarray(array, np.int64) for array in (pre, post, delay))
        self.n_pre = n_pre
        #: Arrivals of a step in the order of the contract: the earliest emission first, then the neuron, then the edge.
        self.order = np.lexsort((np.arange(len(pre)), pre, -self.delay))
        self.delays = np.unique(self.delay)[::-1].copy()
        rank = np.searchsorted(-self.delays, -self.delay)
        keys = (rank * n_pre + self.pre)[self.order]
        self.starts = np.searchsorted(keys, np.arange(len(self.delays) * n_pre + 1))
        self.by_pre = np.argsort(self.pre, kind="stable")
        self.pre_starts = np.searchsorted(self.pre[self.by_pre], np.arange(n_pre + 1))
