"""What a run will record, settled and counted in bytes before the run starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError, nearest
from neurosim.recording.memory import byte_text
from neurosim.recording.request import RATE, SPIKES
from neurosim.recording.values import NotRecordedError, same

Kind = Literal["population", "source", "projection"]
BYTES_PER_SPIKE = 24  # a float64 time and two int64 indices
BYTES_PER_BIN = 8


@dataclass(frozen=True)
class Recordable:
    """What one object of a circuit offers to be recorded.

    Parameters
    ----------
    kind : {"population", "source", "projection"}
        What the object is.
    size : int
        Number of neurons, or of edges.
    spiking : bool
        Whether it emits spikes.
    variables : mapping of str to str
        Name of each variable and the text of its unit: ``"volt"``, ``"1"``.
    """

    kind: Kind
    size: int
    spiking: bool
    variables: Mapping[str, str]

    def __post_init__(self) -> None:
        """Refuse a variable that would hide the spikes."""
        if SPIKES in self.variables:
            raise RecordError(f"A variable cannot be called {SPIKES!r}: that name asks for the spikes. Rename it.")


@dataclass(frozen=True, eq=False)
class TracePlan:
    """One variable to record, checked against the circuit.

    A sample is taken at every global step k with ``k % every_steps == 0`` (so that split runs join without a seam). It
    is the value at the end of step k, labelled with the time ``k * dt``.

    Parameters
    ----------
    name, variable : str
        The object's name, and its variable's.
    unit : str
        Text of the unit.
    kind : {"population", "source", "projection"}
        What the object is; the last axis of a trace is "edge" for a projection, else "neuron".
    size : int
        Number of all neurons (or edges) of the object.
    neurons : numpy.ndarray of int, shape (column,), or None
        The chosen ones in the order asked for; None for all.
    every_steps : int
        Steps between samples.
    reduce : {None, "mean", "sum"}
        Reduction over the chosen neurons.
    """

    name: str
    variable: str
    unit: str
    kind: Kind
    size: int
    neurons: NDArray[np.int64] | None
    every_steps: int
    reduce: str | None

    @property
    def address(self) -> str:
        """The address, as in ``"exc.v"``."""
        return f"{self.name}.{self.variable}"

    @property
    def dimension(self) -> str:
        """Name of the last axis: "neuron", or "edge" for a projection."""
        return "edge" if self.kind == "projection" else "neuron"

    @property
    def selected(self) -> int:
        """Number of chosen neurons (or edges)."""
        return self.size if self.neurons is None else int(self.neurons.size)

    @property
    def columns(self) -> int:
        """Number of values that a sample keeps: one if reduced."""
        return self.selected if self.reduce is None else 1

    def first_sample(self, start_step: int) -> int:
        """Return the first global step, not before `start_step`, at whose end a sample is taken."""
        return -(-start_step // self.every_steps) * self.every_steps

    def sample_steps(self, start_step: int, n_steps: int) -> range:
        """Return the global steps of a run at whose ends samples are taken."""
        return range(self.first_sample(start_step), start_step + n_steps, self.every_steps)

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        if not isinstance(other, TracePlan):
            return NotImplemented
        return same(vars(self), vars(other))

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class RatePlan:
    """The rate of a population to record, checked against the circuit.

    Bins lie on the grid of global steps: bin j holds the steps ``j * bin_steps`` to ``(j + 1) * bin_steps - 1``.

    Parameters
    ----------
    name : str
        The object's name.
    size : int
        Number of its neurons.
    neurons : numpy.ndarray of int, shape (chosen,), or None
        Which are counted; None for all.
    bin_steps : int
        Steps of a bin.
    """

    name: str
    size: int
    neurons: NDArray[np.int64] | None
    bin_steps: int

    @property
    def address(self) -> str:
        """The address, as in ``"exc.rate"``."""
        return f"{self.name}.{RATE}"

    @property
    def selected(self) -> int:
        """Number of neurons that are counted."""
        return self.size if self.neurons is None else int(self.neurons.size)

    def bins(self, start_step: int, n_steps: int) -> range:
        """Return the numbers of the bins that a run touches."""
        return (
            range(start_step // self.bin_steps, -(-(start_step + n_steps) // self.bin_steps)) if n_steps else range(0)
        )

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        if not isinstance(other, RatePlan):
            return NotImplemented
        return same(vars(self), vars(other))

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class RecordPlan:
    """Everything that a run will record: what `RecordingBuilder` allocates and a backend fills.

    Parameters
    ----------
    dt : float
        The step in seconds.
    start_step, n_steps : int
        The run covers the global steps ``start_step`` to ``start_step + n_steps - 1``.
    trials : int
        Number of trials.
    itemsize : int
        Bytes of a recorded value: 8 (float64) or 4 (float32).
    spikes : mapping of str to int
        The objects whose spikes a backend reports, each with its number of neurons.
    traces : tuple of TracePlan
        The variables that are recorded.
    rates : tuple of RatePlan
        The rates that are counted from the spikes.
    counted : frozenset of str
        The objects whose spikes are counted only, and not kept.
    """

    dt: float
    start_step: int
    n_steps: int
    trials: int
    itemsize: int
    spikes: Mapping[str, int]
    traces: tuple[TracePlan, ...]
    rates: tuple[RatePlan, ...] = ()
    counted: frozenset[str] = frozenset()

    def trace(self, name: str, variable: str) -> TracePlan:
        """Return the plan of one variable."""
        address = f"{name}.{variable}"
        for plan in self.traces:
            if plan.address == address:
                return plan
        raise NotRecordedError(f"{address} is not recorded.{nearest(address, (plan.address for plan in self.traces))}")

    def samples(self, trace: TracePlan) -> int:
        """Return the number of samples of a trace in this run."""
        return len(trace.sample_steps(self.start_step, self.n_steps))

    def bytes_of(self, trace: TracePlan | RatePlan) -> int:
        """Return the bytes that a trace or a rate takes."""
        if isinstance(trace, RatePlan):
            return self.trials * len(trace.bins(self.start_step, self.n_steps)) * BYTES_PER_BIN
        return self.trials * self.samples(trace) * trace.columns * self.itemsize

    @property
    def kept(self) -> dict[str, int]:
        """The objects whose spikes are recorded one by one, each with its number of neurons."""
        return {name: size for name, size in self.spikes.items() if name not in self.counted}

    @property
    def bytes(self) -> int:
        """The bytes of all traces and rates. Spikes come on top: how many there will be is not known."""
        return sum(map(self.bytes_of, self.traces)) + sum(map(self.bytes_of, self.rates))

    def describe(self) -> str:
        """Return the plan as text, one line an item, the largest trace first."""
        lines = [f"{byte_text(self.bytes)} of traces" + (f", and {BYTES_PER_SPIKE} bytes a spike" if self.kept else "")]
        for trace in sorted(self.traces, key=self.bytes_of, reverse=True):
            shape = f"{self.trials} trials x {self.samples(trace)} samples x {trace.columns} {trace.dimension}s"
            reduced = f" ({trace.reduce} of {trace.selected})" if trace.reduce else ""
            lines.append(
                f"  {trace.address}: {byte_text(self.bytes_of(trace))} = {shape}{reduced} x {self.itemsize} bytes"
            )
        for rate in self.rates:
            shape = f"{self.trials} trials x {len(rate.bins(self.start_step, self.n_steps))} bins"
            lines.append(
                f"  {rate.address}: {byte_text(self.bytes_of(rate))} = {shape} (mean of {rate.selected}) x "
                f"{BYTES_PER_BIN} bytes"
            )
        lines += [f"  {name}.{SPIKES}: {size} neurons" for name, size in self.kept.items()]
        return "\n".join(lines)
