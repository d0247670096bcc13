"""How the values of a projection's edges lie in one array: what its head says."""

from __future__ import annotations

from dataclasses import dataclass

from neurosim.backends.snntorch.simulation.edge_levels import Levels

#: What is kept for presynaptic neurons, as it stands before this step's integration, after it, and after its spikes.
BEFORE, INTEGRATED, LATEST = range(3)


@dataclass(frozen=True)
class Layout:
    """The head of the values of a projection: three places for each variable, then what this class names.

    Parameters
    ----------
    variables
        What is kept, in order: with each edge, for presynaptic neurons, for postsynaptic ones.
    levels
        Which is which; constants of edges are with the edges.
    common
        How many numbers all edges compute alike.
    together
        Whether the variables of an edge lie beside each other: where spikes reach edges far apart, and steps seldom go
        over all of them. Else each variable lies by itself.
    """

    variables: tuple[str, ...]
    levels: Levels
    common: int = 0
    together: bool = False

    def level(self, variable: str) -> str:
        """Return ``"edge"``, ``"source"`` or ``"target"``."""
        return next((key for key in ("source", "target") if variable in getattr(self.levels, key)), "edge")

    @property
    def apart(self) -> int:
        """How far a variable of an edge lies from that of the next edge."""
        of_edges = [key for key in self.variables if self.level(key) == "edge"]
        return max(1, len(of_edges)) if self.together else 1

    def begin(self, variable: str, when: int = BEFORE) -> int:
        """Return the place that says where a variable begins."""
        return 3 * self.variables.index(variable) + (when if variable in self.levels.source else 0)

    @property
    def ahead(self) -> int:
        """Place of how far the present lies behind the oldest past that is kept for presynaptic neurons."""
        return 3 * len(self.variables)

    @property
    def now(self) -> int:
        """Place of the number of the present step among those that are kept."""
        return self.ahead + 1

    @property
    def unsettled(self) -> int:
        """Place of whether the next step changes edges."""
        return self.ahead + 2

    @property
    def numbers(self) -> int:
        """Where the numbers begin that all edges compute alike; behind them, those of the step before."""
        return self.ahead + 3

    @property
    def size(self) -> int:
        """Numbers of the head."""
        return self.numbers + 2 * self.common
