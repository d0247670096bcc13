"""Convolutions inside loops: which places of a grid a spike reaches, through which elements of the kernel.

Every channel sees the same places, so that the list is as long as the edges of one pair of channels; edges themselves
are never made.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from neurosim.circuit.sliding import Sliding
from neurosim.program.frozen import Frozen

Array = np.ndarray


class KernelLinks(Frozen):
    """A kernel between two grids as both loops go through it.

    Parameters
    ----------
    sliding
        Where the kernel lies.
    delay
        Of all its edges, in steps.
    """

    def __init__(self, sliding: Sliding, delay: int) -> None:
        self.delay, self.groups = delay, sliding.groups
        grids = (sliding.pre[1:], sliding.post[1:], sliding.kernel[2:])
        before, behind, elements = (prod(grid) for grid in grids)
        one = replace(
            sliding, pre=(1, *grids[0]), post=(1, *grids[1]), kernel=(1, 1, *grids[2]), groups=1
        )  # a pair of channels
        source, self.to = one.ends()
        self.element = one.elements().astype(np.int64)
        #: Places, channels and channels of a group before the synapse, places and channels of a group behind it, and
        #: elements of the kernel for a pair of channels.
        own, others = sliding.kernel[1], sliding.post[0] // sliding.groups
        self.sizes = np.array([before, sliding.pre[0], own, behind, others, elements], np.int64)
        #: Where the links of each place before the synapse begin, (place + 1,).
        self.starts = np.searchsorted(source, np.arange(before + 1))

    def arrays(self, place: int) -> dict[str, Any]:
        """Return what the loops of an arrival take, by the names that they have there."""
        return {
            f"delay_{place}": self.delay, f"sizes_{place}": self.sizes, f"starts_{place}": self.starts,
            f"posts_{place}": self.to, f"elements_{place}": self.element,
        }  # fmt: skip
