"""What a run takes: operations that happened because something was active, and what they would be without sparsity.

A *synaptic operation* is a spike that acts on one edge. It is counted when the spike is emitted, with all edges of its
neuron whose weight is not 0 (or may change). A *multiply-accumulate* is an edge of a graded projection in one step.
*Dense* is what a matrix product of every projection would do in every step, connected or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import PoissonInput, Projection
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.errors import AnalysisError, nearest
from neurosim.recording import Recording

if TYPE_CHECKING:
    import pandas

_PICO = 1e-12


@dataclass(frozen=True)
class Hardware:
    """What operations cost on a machine, in joules.

    Parameters
    ----------
    name
        Of the machine.
    synaptic
        Of a synaptic operation.
    update
        Of a neuron in one step.
    multiply_accumulate
        Of one; None if the machine has none.
    learning
        Of a spike that changes a plastic edge; None if that is not known.
    source
        Where the numbers come from.
    """

    name: str
    synaptic: float
    update: float
    multiply_accumulate: float | None = None
    learning: float | None = None
    source: str = field(default="", repr=False)


_HOROWITZ = (
    "M. Horowitz: Computing's energy problem (and what we can do about it). ISSCC (2014), figure 1.1.9: 45 nm, 0.9 V"
)
_DAVIES = (
    "M. Davies et al.: Loihi: a neuromorphic manycore processor with on-chip learning. IEEE Micro 38:82 (2018), "
    "table 2: before silicon, 14 nm, 0.75 V; 23.6 pJ is said to be the least of a synaptic operation"
)
#: Published costs. Those of arithmetic leave out memory and communication, which cost more; an update is taken to be
#: one multiply-accumulate there, and that of an active neuron on Loihi
#: (81 pJ; 52 pJ of an inactive one).
HARDWARE: Mapping[str, Hardware] = MappingProxyType(
    {
        machine.name: machine
        for machine in (
            Hardware("float32-45nm", 0.9 * _PICO, 4.6 * _PICO, 4.6 * _PICO, 4.6 * _PICO, f"{_HOROWITZ}, 32-bit float"),
            Hardware("int8-45nm", 0.03 * _PICO, 0.23 * _PICO, 0.23 * _PICO, 0.23 * _PICO, f"{_HOROWITZ}, 8-bit"),
            Hardware("loihi", 23.6 * _PICO, 81.0 * _PICO, None, 120.0 * _PICO, _DAVIES),
        )
    }
)


@dataclass(frozen=True)
class Operations:
    """Operations of a run, all trials together.

    Parameters
    ----------
    synaptic
        Synaptic operations, by projection or Poisson input (of which the expected number is given).
    multiply_accumulate
        Multiply-accumulates, by graded projection.
    learning
        Spikes, of either side, that change a plastic edge, by projection.
    dense
        Multiply-accumulates of matrix products in every step, by projection.
    updates
        Steps of neurons, by population.
    seconds
        Simulated time, all trials together.
    """

    synaptic: Mapping[str, float]
    multiply_accumulate: Mapping[str, float]
    learning: Mapping[str, float]
    dense: Mapping[str, float]
    updates: Mapping[str, float]
    seconds: float

    @property
    def saved(self) -> float:
        """The share of dense operations that did not happen; NaN without projections."""
        dense = sum(self.dense.values())
        done = sum(self.synaptic.get(name, 0.0) + self.multiply_accumulate.get(name, 0.0) for name in self.dense)
        return 1.0 - done / dense if dense else float("nan")

    def energy(self, hardware: str | Hardware = "float32-45nm") -> Mapping[str, float]:
        """Return what the operations would cost.

        Parameters
        ----------
        hardware
            A name of ``HARDWARE``, or one of your own.

        Returns
        -------
        mapping of str to float
            Joules: ``synaptic``, ``multiply_accumulate``, ``learning``, ``updates``, ``total``, and ``dense``, which is
            what dense products would cost beside the updates (NaN on a machine without multiply-accumulates).

        Raises
        ------
        AnalysisError
            If there is no such machine, or it lacks an operation that the run needs.
        """
        if isinstance(hardware, str):
            if hardware not in HARDWARE:
                raise AnalysisError(f"there is no hardware {hardware!r}.{nearest(hardware, HARDWARE)}")
            hardware = HARDWARE[hardware]
        found = {}
        for name, price in (
            ("synaptic", hardware.synaptic),
            ("multiply_accumulate", hardware.multiply_accumulate),
            ("learning", hardware.learning),
            ("updates", hardware.update),
        ):
            number = sum(getattr(self, name).values())
            if number and price is None:
                raise AnalysisError(
                    f"hardware {hardware.name!r} has no cost of {name}, of which the run has {number:g}: give a "
                    "Hardware that has."
                )
            found[name] = number * (price or 0.0)
        found["total"] = sum(found.values())
        product = hardware.multiply_accumulate
        found["dense"] = float("nan") if product is None else sum(self.dense.values()) * product
        return MappingProxyType(found)

    def table(self) -> pandas.DataFrame:
        """Return a row for each part: synaptic, multiply_accumulate, learning, dense, updates."""
        import pandas

        kinds = ("synaptic", "multiply_accumulate", "learning", "dense", "updates")
        parts = dict.fromkeys(name for kind in kinds for name in getattr(self, kind))
        rows = {name: [getattr(self, kind).get(name, 0.0) for kind in kinds] for name in parts}
        return pandas.DataFrame.from_dict(rows, orient="index", columns=list(kinds))


def operations(circuit: Circuit, recording: Recording) -> Operations:
    """Count the operations of a run.

    Parameters
    ----------
    circuit
        What was run.
    recording
        Of the run: the spikes of every population that sends some, and how long it was.

    Raises
    ------
    AnalysisError
        If the recording is of another circuit, or lacks spikes that are to be counted.
    """
    _of_this_circuit(circuit, recording)
    steps = _steps(circuit, recording)
    synaptic: dict[str, float] = {}
    graded: dict[str, float] = {}
    learning: dict[str, float] = {}
    dense: dict[str, float] = {}
    for name, part in circuit.projections.items():
        dense[name] = float(circuit.populations[part.pre].n) * circuit.populations[part.post].n * steps
        edges = circuit.edges(name)
        acting = np.ones(edges.n, dtype=bool) if WEIGHT in part.synapse.state else edges.weight != 0
        if part.graded:
            graded[name] = float(np.count_nonzero(acting)) * steps
            continue
        if part.synapse.on_pre_statements:
            synaptic[name] = _reached(recording, part.pre, edges.pre[acting], name)
        if part.synapse.plastic:
            learning[name] = _changes(recording, part, edges.pre, edges.post)
    seconds = steps * circuit.dt
    for name, extra in circuit.poisson_inputs.items():
        synaptic[name] = _pulses(circuit, extra, seconds)
    updates = {
        name: float(population.n) * steps
        for name, population in circuit.populations.items()
        if isinstance(population.model, NeuronModel)
    }
    return Operations(synaptic, graded, learning, dense, updates, seconds)


def _reached(recording: Recording, population: str, ends: NDArray[np.int32], projection: str) -> float:
    """Return how many edges the spikes of a population reach."""
    if population not in recording.spikes:
        raise AnalysisError(
            f"operations: the recording has no spikes of {population!r}, which {projection!r} carries; run with "
            f"record={{{population!r}: 'spikes', ...}}."
        )
    trains = recording.spikes[population]
    degree = np.bincount(ends, minlength=trains.n)
    return float(degree[trains.neurons].sum())


def _changes(recording: Recording, part: Projection, pre: NDArray[np.int32], post: NDArray[np.int32]) -> float:
    changes = _reached(recording, part.pre, pre, part.name) if part.synapse.on_pre_statements else 0.0
    return changes + (_reached(recording, part.post, post, part.name) if part.synapse.on_post_statements else 0.0)


def _pulses(circuit: Circuit, extra: PoissonInput, seconds: float) -> float:
    rates = np.broadcast_to(np.asarray(circuit.rate(extra.name), dtype=np.float64), (extra.n,))
    return float(rates.sum()) * extra.count * seconds


def _steps(circuit: Circuit, recording: Recording) -> int:
    """Return the steps of all trials together."""
    if "n_steps" in recording.metadata:
        return int(recording.metadata["n_steps"]) * recording.n_trials
    if recording.support is None:
        raise AnalysisError("operations: the recording does not say how long it was.")
    return round(float(np.sum(recording.support.observed)) / circuit.dt)


def _of_this_circuit(circuit: Circuit, recording: Recording) -> None:
    told = recording.metadata.get("circuit_digest")
    if told is not None and told != circuit.digest():
        raise AnalysisError(f"operations: the recording is of another circuit than {circuit.name!r} (digests differ).")
    for name, trains in recording.spikes.items():
        if name in circuit.populations and circuit.populations[name].n != trains.n:
            raise AnalysisError(
                f"operations: {name!r} has {circuit.populations[name].n} neurons, its spikes are of {trains.n}."
            )
