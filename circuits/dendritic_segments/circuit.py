"""A neuron with active dendrites beside one that adds up the same synapses: both have stored the same patterns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.sparsity import draw_patterns
from neurosim.circuit import AllToAll, Circuit, Edges, NeuronModel, Signal
from neurosim.errors import CircuitError
from neurosim.random import Stream
from neurosim.units import ms

NAME = "dendritic-segments"
#: What is fed with the cells that are active: 1 where one is in a step, else 0.
PROGRAMME = "programme"
#: Steps from a pattern to the answers of segments, and of neurons.
SEGMENTS_AFTER, NEURONS_AFTER = 1, 2


def build(
    *,
    cells: int = 300,
    active: int = 30,
    synapses: int = 20,
    threshold: int = 8,
    patterns: int = 10,
    replaced: int = 8,
    seed: int = 0,
) -> Circuit:
    """Build the circuit.

    Parameters
    ----------
    cells
        Cells that patterns consist of.
    active
        Active ones in each pattern.
    synapses
        Synapses of each segment, all on cells of its own pattern.
    threshold
        Active synapses from which on a segment answers; the neuron without active dendrites needs as many in all.
    patterns
        How many are stored, each on a segment of its own.
    replaced
        How many cells of a pattern are replaced when it is shown in a run that is not told what to show: all stored
        patterns, one a step, then as many random ones.
    seed
        Of the patterns and of the synapses.

    Returns
    -------
    Circuit
        Populations ``"cells"``, ``"segments"``, ``"dendritic"`` (a neuron that answers if any segment does) and
        ``"adding"`` (one that counts all synapses, each once); injection ``"programme"``. One pattern may be shown in
        each step, of 1 ms.

    Raises
    ------
    CircuitError
        If the numbers do not fit each other.

    References
    ----------
    S. Ahmad, J. Hawkins: How do neurons operate on sparse distributed representations? arXiv:1601.00720 (2016).
    """
    if not 1 <= synapses <= active <= cells or patterns < 1 or not 1 <= threshold:
        raise CircuitError(
            f"{NAME}: synapses={synapses} of active={active} of cells={cells} must be 1 at least, in this order, and "
            f"patterns={patterns} and threshold={threshold} 1 at least."
        )
    if not 0 <= replaced <= min(active, cells - active):
        raise CircuitError(
            f"{NAME}: replaced={replaced} of {active} cells cannot be replaced by {cells - active} others."
        )
    stored = stored_patterns(cells=cells, active=active, patterns=patterns, seed=seed)
    segments = _chosen(stored, synapses, Stream(seed, f"{NAME}/synapses"))
    circuit = Circuit(NAME, dt=1 * ms, seed=seed)
    line = NeuronModel("drive : 1", threshold="drive > 0.5", name="line")
    lines = circuit.population("cells", cells, line)
    compartments = circuit.population("segments", patterns, _counter(threshold, "segment"))
    dendritic = circuit.population("dendritic", 1, _counter(1, "any"))
    adding = circuit.population("adding", 1, _counter(threshold, "sum"))
    segment, cell = np.nonzero(segments)
    circuit.connect(lines, compartments, Edges(cell, segment), receptor="arrived", weight=1.0)
    circuit.connect(compartments, dendritic, AllToAll(), receptor="arrived", weight=1.0)
    distinct = np.flatnonzero(segments.any(axis=0))
    circuit.connect(lines, adding, Edges(distinct, np.zeros_like(distinct)), receptor="arrived", weight=1.0)
    shown = np.concatenate([
        with_noise(stored, replaced, Stream(seed, f"{NAME}/noise")),
        draw_patterns(cells, active, patterns, Stream(seed, f"{NAME}/random")),
    ])  # fmt: skip
    circuit.inject(PROGRAMME, lines, "drive", Signal(shown.astype(float), 1 * ms))
    return circuit


def stored_patterns(*, cells: int, active: int, patterns: int, seed: int) -> NDArray[np.bool_]:
    """Return the patterns that :func:`build` stores with this seed, bool (pattern, cell)."""
    return draw_patterns(cells, active, patterns, Stream(seed, f"{NAME}/patterns"))


def with_noise(patterns: NDArray[np.bool_], replaced: int, stream: Stream) -> NDArray[np.bool_]:
    """Return patterns in which so many active cells have changed places with silent ones, bool (pattern, cell)."""
    gone = _chosen(patterns, replaced, stream.child("silent"))
    come = _chosen(~patterns, replaced, stream.child("instead"))
    return np.asarray((patterns & ~gone) | come)


def _chosen(patterns: NDArray[np.bool_], count: int, stream: Stream) -> NDArray[np.bool_]:
    """Return so many of the active cells of each pattern."""
    places = np.nonzero(patterns)[1].reshape(len(patterns), -1)
    taken = draw_patterns(places.shape[1], count, len(patterns), stream)
    chosen = np.zeros_like(patterns)
    chosen[np.nonzero(taken)[0], places[taken]] = True
    return chosen


def _counter(threshold: int, name: str) -> NeuronModel:
    """Return a unit that fires where enough arrived in the last step, and forgets."""
    return NeuronModel(
        "arrived : 1\nlast : 1",
        update="last = arrived\narrived = 0",
        threshold="last > least",
        parameters={"least": threshold - 0.5},
        name=name,
    )
