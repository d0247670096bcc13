"""How a network is divided for its run: into windows of steps, and into parts of its neurons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.simulation.plan import Home, Plan

#: Neurons of a part: their variables stay in the second cache for a window.
PART = 8192
#: Edges of a row that a part has at least on average: to find where they begin takes as long as many of them, and every
#: part keeps that of all rows. A hundred thousand neurons of a hundred edges that fire at 20 Hz take 0.8 to 1.2 ns each
#: in a step in one to four parts, and 3.3 in thirteen; where nobody fires the number of parts makes no difference.
OF_A_ROW = 32
#: Neuron-steps of a window that a part has at least, so that waiting for others is rare.
LEAST = 2**13
#: Steps of a window at most.
LONGEST = 64


@dataclass(frozen=True)
class Piece:
    """The blocks of a population that a part holds, from `first` to before `last`."""

    home: Home
    first: int
    last: int

    @property
    def base(self) -> int:
        """Where its first block begins."""
        return self.home.base + self.first * self.home.form.stride

    @property
    def neuron(self) -> int:
        """Its first neuron."""
        return self.first * self.home.form.width

    @property
    def n(self) -> int:
        """Number of its neurons."""
        return max(0, min(self.home.n, self.last * self.home.form.width) - self.neuron)


@dataclass(frozen=True)
class Division:
    """Windows and parts.

    Parameters
    ----------
    window
        Steps that are taken at once; with several parts, no more than the least delay.
    parts
        Number of parts.
    """

    window: int
    parts: int

    def piece(self, home: Home, part: int) -> Piece:
        """Return what a part holds of a population."""
        return Piece(home, home.blocks * part // self.parts, home.blocks * (part + 1) // self.parts)

    def bounds(self, home: Home) -> NDArray[np.int64]:
        """Return the first neuron of each part of a population, and its number of neurons, (part + 1,)."""
        return np.array([self.piece(home, part).neuron for part in range(self.parts)] + [home.n])

    def largest(self, home: Home) -> int:
        """Return the number of neurons of the largest part."""
        return max(self.piece(home, part).n for part in range(self.parts))


def divided(plan: Plan, least: int, threads: int, edges: float) -> Division:
    """Return how a network is divided.

    Parameters
    ----------
    plan
        Where everything lies.
    least
        Steps after which a spike of a neuron arrives at the earliest; 0 where parts must stay together otherwise.
    threads
        How many may take parts.
    edges
        Edges of a neuron on average.
    """
    window = min(least, LONGEST)
    neurons, blocks = (sum(getattr(home, what) for home in plan.homes.values()) for what in ("n", "blocks"))
    parts = max(min(-(-neurons // PART), int(edges) // OF_A_ROW), threads)
    parts = min(-(-parts // threads) * threads, window * neurons // LEAST, blocks)
    return Division(window, parts) if parts > 1 else Division(LONGEST, 1)
