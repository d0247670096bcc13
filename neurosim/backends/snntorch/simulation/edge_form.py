"""What is known of the edges of a projection: the neurons at both ends, and the programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neurosim.backends.snntorch.simulation.edge_layout import Layout
from neurosim.backends.snntorch.simulation.neuron_source import NeuronForm, Program
from neurosim.program.step_program import PopulationProgram


@dataclass(frozen=True)
class End:
    """The neurons at one end of a projection: their program, their place in memory, what they share."""

    item: PopulationProgram
    form: NeuronForm
    shared: frozenset[str]


@dataclass(frozen=True)
class EdgeForm:
    """The programs of a projection.

    Parameters
    ----------
    layout
        Of the values.
    graded
        By target: what every edge adds to it, in order.
    programs
        Of edges with a state, each only where it does something: ``"edge"``, ``"source"`` and ``"target"`` advance what
        is kept there by a step, ``"common"`` computes what edges compute alike; ``"pre"`` and ``"post"`` are what
        spikes do to edges, ``"source_event"`` and ``"target_event"`` what they do to what is kept for neurons.
    settles
        Whether a step can leave edges as they are: ``"edge"`` then counts those that it changed, ``"pre"`` and
        ``"post"`` those that the next step would change again.
    looks_back
        Whether ``"post"`` reads where presynaptic neurons are: it is given that edge by edge, in the order of the
        edges concerned.
    marked
        What is kept for presynaptic neurons and stands otherwise after integration than after spikes, for events.
    """

    layout: Layout
    graded: tuple[tuple[str, Program], ...] = ()
    programs: Mapping[str, Program] | None = None
    settles: bool = False
    looks_back: bool = False
    marked: frozenset[str] = frozenset()
