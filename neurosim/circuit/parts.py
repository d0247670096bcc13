"""The frozen parts of a circuit: populations, views of them, projections, injections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np

from neurosim.circuit.connectivity import Connectivity
from neurosim.circuit.neuron_model import NeuronModel, Parameter
from neurosim.circuit.signals import AnalogueSignal
from neurosim.circuit.sources import SIGNAL, SignalSource, Source
from neurosim.circuit.synapse_model import SynapseModel
from neurosim.circuit.values import Value, values_equal
from neurosim.errors import CircuitError, nearest
from neurosim.units import DIMENSIONLESS, quantity


@dataclass(frozen=True, eq=False)
class Population:
    """`n` neurons of one model, or a source; made by :meth:`Circuit.population` and :meth:`Circuit.source`."""

    name: str
    shape: tuple[int, ...]
    model: NeuronModel | Source
    parameters: Mapping[str, Parameter] = field(default_factory=lambda: MappingProxyType({}))
    initial: Mapping[str, Value | str] = field(default_factory=lambda: MappingProxyType({}))
    labels: tuple[str, ...] | None = None
    positions: np.ndarray | None = None  # SI, shape (neuron, 1 to 3)
    position_unit: str = DIMENSIONLESS

    @property
    def n(self) -> int:
        """Number of neurons."""
        return prod(self.shape)

    def __len__(self) -> int:
        return self.n

    @property
    def spiking(self) -> bool:
        """Whether the population emits spikes."""
        return self.model.spiking

    @property
    def variables(self) -> dict[str, str]:
        """Unit of every variable and parameter that can be addressed."""
        if isinstance(self.model, NeuronModel):
            return self.model.units
        return {SIGNAL: self.model.unit} if isinstance(self.model, SignalSource) else {}

    @property
    def first_variable(self) -> str | None:
        """The variable shown or passed on when none is named."""
        if isinstance(self.model, NeuronModel):
            return self.model.first_variable
        return SIGNAL if isinstance(self.model, SignalSource) else None

    @property
    def given_positions(self) -> Any:
        """The positions with their unit, as ``positions=`` takes them; ``None`` where there are none."""
        return None if self.positions is None else quantity(self.positions, self.position_unit)

    def __getitem__(self, selection: Any) -> View:
        """Return a view: a slice, an index, an array of indices or a mask, a label or a list of labels."""
        return View(self.name, self._indices(selection))

    def _indices(self, selection: Any) -> tuple[int, ...]:
        if isinstance(selection, str):
            selection = [selection]
        if isinstance(selection, (list, tuple)) and selection and all(isinstance(item, str) for item in selection):
            labels = self.labels or ()
            for label in selection:
                if label not in labels:
                    raise CircuitError(
                        f"population {self.name!r} has no neuron labelled {label!r}.{nearest(label, labels)}"
                    )
            return tuple(labels.index(label) for label in selection)
        everything = np.arange(self.n)
        if len(self.shape) > 1 and not (isinstance(selection, slice) and selection == slice(None)):
            everything = everything.reshape(self.shape)
        try:
            chosen = everything[np.asarray(selection) if isinstance(selection, list) else selection]
        except IndexError as error:
            raise CircuitError(f"population {self.name!r} (shape {self.shape}): {error}") from None
        indices = tuple(int(index) for index in np.ravel(chosen))
        if not indices:
            raise CircuitError(f"population {self.name!r}: the selection {selection!r} is empty.")
        return indices

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Population) and (
            (self.name, self.shape, self.model, self.labels) == (other.name, other.shape, other.model, other.labels)
            and self.position_unit == other.position_unit
            and values_equal(self.positions, other.positions)
            and dict(self.parameters) == dict(other.parameters)
            and self.initial.keys() == other.initial.keys()
            and all(values_equal(value, other.initial[name]) for name, value in self.initial.items())
        )

    def __hash__(self) -> int:
        return hash((self.name, self.shape))

    def __repr__(self) -> str:
        kind = self.model.name if isinstance(self.model, NeuronModel) else type(self.model).__name__
        size = self.n if len(self.shape) == 1 else "x".join(map(str, self.shape))
        return f"<{self.name}: {size} {kind}>"


@dataclass(frozen=True)
class View:
    """Some neurons of a population, usable wherever a population is."""

    population: str
    indices: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True, eq=False)
class Projection:
    """Edges from one population to another; made by :meth:`Circuit.connect`."""

    name: str
    pre: str
    post: str
    connectivity: Connectivity
    synapse: SynapseModel
    weight: Value
    weight_unit: str
    delay: Value
    parameters: Mapping[str, Parameter]
    pre_indices: tuple[int, ...] | None = None
    post_indices: tuple[int, ...] | None = None
    dyadic: bool = False
    post_delay: Value = 0.0
    initial: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def graded(self) -> bool:
        """Whether the projection is continuous instead of carrying spikes."""
        return self.synapse.graded

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Projection):
            return False
        names = ("name", "pre", "post", "connectivity", "synapse", "weight_unit", "pre_indices", "post_indices",
                 "dyadic")  # fmt: skip
        return (
            all(getattr(self, name) == getattr(other, name) for name in names)
            and dict(self.parameters) == dict(other.parameters)
            and values_equal(self.weight, other.weight)
            and values_equal(self.delay, other.delay)
            and values_equal(self.post_delay, other.post_delay)
            and self.initial.keys() == other.initial.keys()
            and all(values_equal(value, other.initial[name]) for name, value in self.initial.items())
        )

    def __hash__(self) -> int:
        return hash((self.name, self.pre, self.post))

    def __repr__(self) -> str:
        return f"<{self.name}: {self.pre} -> {self.post}, {self.connectivity!r}>"


@dataclass(frozen=True)
class Injection:
    """An analogue input to a variable of some neurons; made by :meth:`Circuit.inject`."""

    name: str
    population: str
    variable: str
    indices: tuple[int, ...]
    unit: str
    signal: AnalogueSignal | None = None

    @property
    def n(self) -> int:
        """Number of neurons that receive the input."""
        return len(self.indices)


@dataclass(frozen=True, eq=False)
class PoissonInput:
    """Many Poisson neurons of one rate, each neuron's own, whose pulses arrive at once; see :meth:`Circuit.poisson`."""

    name: str
    population: str
    variable: str
    indices: tuple[int, ...]
    count: int
    rate: Value
    weight: Value
    weight_unit: str

    @property
    def n(self) -> int:
        """Number of neurons that receive the input."""
        return len(self.indices)

    def __eq__(self, other: object) -> bool:
        names = ("name", "population", "variable", "indices", "count", "weight_unit")
        return (
            isinstance(other, PoissonInput)
            and all(getattr(self, name) == getattr(other, name) for name in names)
            and values_equal(self.rate, other.rate)
            and values_equal(self.weight, other.weight)
        )

    def __hash__(self) -> int:
        return hash((self.name, self.population, self.variable))


Part = Population | Projection | Injection | PoissonInput
