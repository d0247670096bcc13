"""Convolutions inside loops: which places of a grid a spike reaches, through which elements of the kernel.

Every channel sees the same places, so that the list is as long as the edges of one pair of channels; edges themselves
are never made.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from neurosim.backends.snntorch.loops.convolving import channels_before_last, graded_kernel_gradients
from neurosim.backends.snntorch.threads import in_parts
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
        source, self.to, self.element = sliding.links()
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


class KernelBothWays(Frozen):
    """A kernel between two grids of graded values: from each neuron behind it, and from each before it.

    Parameters
    ----------
    sliding
        Where the kernel lies.
    """

    def __init__(self, sliding: Sliding) -> None:
        self.links = KernelLinks(sliding, 0)
        before, channels, own, behind, others, elements = self.links.sizes
        order = np.argsort(self.links.to, kind="stable")
        source = np.repeat(np.arange(before), np.diff(self.links.starts))
        #: The same links as seen from behind: sizes, starts, places before, elements.
        self.turned = (
            np.array([behind, channels // own * others, others, before, own, elements], np.int64),
            np.searchsorted(self.links.to[order], np.arange(behind + 1)),
            source[order],
            self.links.element[order],
        )

        by_element = np.argsort(self.links.element, kind="stable")
        starts = np.searchsorted(self.links.element[by_element], np.arange(elements + 1))
        self._by_element = (starts, source[by_element], self.links.to[by_element])

    def arrays(self, number: int) -> dict[str, Any]:
        """Return what the loops of a term take, by the names that they have there."""
        back = (self.links.sizes, self.links.starts, self.links.to, self.links.element)
        found = {f"G{letter}_{number}": array for letter, array in zip("HSXP", self.turned, strict=True)}
        return found | {f"G{letter}_{number}": array for letter, array in zip("ABCD", back, strict=True)}

    def forward(self, kernel: Array) -> Array:
        """Return a kernel as the way forward reads it."""
        behind, own = kernel.shape[:2]
        groups = self.links.groups
        swapped = kernel.reshape(groups, behind // groups, own, -1).swapaxes(1, 2)
        return channels_before_last(swapped.reshape(groups * own, behind // groups, -1))

    def gradient(self, g: Array, y: Array, shape: tuple[int, ...], threads: int) -> Array:
        """Return the gradient of the kernel from gradients (row, post) and what was read, (row, pre)."""
        behind, own = shape[:2]
        found = np.empty((behind, own, prod(shape[2:])), g.dtype)
        in_parts(graded_kernel_gradients, behind, threads, found, g, y, self.links.sizes, *self._by_element)
        return found.reshape(shape)
