"""Learned delays inside loops: an edge that is seen between two steps is two edges with whole delays.

What each of the two adds is a tensor, :math:`w (1 - r)` and :math:`w r`, so that torch itself finds the gradients of
weights and delays from those of the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from neurosim.backends.snntorch.delays import whole_steps
from neurosim.backends.snntorch.loops.edge_table import EdgeTable

if TYPE_CHECKING:
    from neurosim.backends.snntorch.projection import Projection


def two_edges(part: Projection, delay: Tensor, amount: Tensor) -> tuple[EdgeTable, Tensor]:
    """Return the edges of a projection whose delays are learned, as they are at present, and what each adds.

    Parameters
    ----------
    part
        The projection; outside training its delays are those of a simulation.
    delay
        In steps, (edge,).
    amount
        What an edge adds for a spike, (edge,).
    """
    item, longest = part.item, part.longest
    if not part.training:
        steps = whole_steps(delay).clamp(0, longest).numpy()
        return EdgeTable(item.pre_index, item.post_index, steps, part.n_pre), amount
    # One that has come to the longest is seen from below, the way it can move.
    below = torch.floor(delay.detach()).clamp(0, max(longest - 1, 0))
    rest = delay - below
    near = below.numpy().astype(np.int64)
    steps = np.concatenate([near, np.minimum(near + 1, longest)])
    pre, post = (np.concatenate([index, index]) for index in (item.pre_index, item.post_index))
    return EdgeTable(pre, post, steps, part.n_pre), torch.cat([amount * (1 - rest), amount * rest])
