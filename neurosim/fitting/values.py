"""The trainable values of a circuit as a vector of free numbers within limits, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.parts import Projection
from neurosim.circuit.values import Trainable
from neurosim.errors import TrainingError, UnsupportedError
from neurosim.fitting.result import FittedValue
from neurosim.units import quantity

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Address:
    """One trainable value.

    Parameters
    ----------
    address, unit
        Which, and in what unit.
    initial
        SI: one, or one for each neuron or edge.
    place
        Which of the free numbers each of them is, of the shape of `initial`.
    low, high
        Limits in SI, or None.
    """

    address: str
    unit: str
    initial: Floats
    place: NDArray[np.int64]
    low: float | None
    high: float | None


@dataclass(frozen=True, eq=False)
class FreeNumbers:
    """All trainable values of a circuit.

    Parameters
    ----------
    addresses
        Each value.
    size
        How many free numbers there are.
    """

    addresses: tuple[Address, ...]
    size: int

    @classmethod
    def of(cls, circuit: Circuit) -> FreeNumbers:
        """Read them from a circuit.

        Raises
        ------
        TrainingError
            If nothing is trainable, or ties join values of different sizes.
        UnsupportedError
            If something trainable is neither a parameter, a weight nor a delay.
        """
        marks = circuit.trainables()
        if not marks:
            raise TrainingError(
                f"fit: nothing of circuit {circuit.name!r} is marked Trainable; for instance circuit.replace("
                "{'cell.tau_mem': ns.Trainable(bounds=(5 * ms, 50 * ms))})."
            )
        found, size = [], 0
        ties: dict[str, tuple[int, int]] = {}
        for address, mark in marks.items():
            values, unit, ends = _now(circuit, address)
            values, inner, number = _shared(values, mark, ends)
            first = size
            if mark.tie is not None:
                first, known = ties.setdefault(mark.tie, (size, number))
                if known != number:
                    raise TrainingError(f"fit: {address}: tie={mark.tie!r} joins {known} values with {number}.")
            size = max(size, first + number)
            found.append(Address(address, unit, values, inner + first, *_limits(mark)))
        return cls(tuple(found), size)

    def spread(self, numbers: Floats) -> dict[str, Floats]:
        """Return the values of each address, SI, from free numbers in SI, (..., number)."""
        return {one.address: numbers[..., one.place] for one in self.addresses}

    def initial(self) -> Floats:
        """Return the free numbers as the circuit has them, SI."""
        numbers = np.zeros(self.size)
        for one in self.addresses:
            numbers[one.place] = one.initial
        return numbers

    def limits(self) -> tuple[Floats, Floats]:
        """Return the lowest and highest value of each free number, SI, infinite where there is no limit."""
        low, high = np.full(self.size, -np.inf), np.full(self.size, np.inf)
        for one in self.addresses:
            low[one.place] = np.maximum(low[one.place], -np.inf if one.low is None else one.low)
            high[one.place] = np.minimum(high[one.place], np.inf if one.high is None else one.high)
        return low, high

    def in_circuit(self, circuit: Circuit, numbers: Floats) -> Circuit:
        """Return the circuit with free numbers in SI, (number,), written into it."""
        return circuit.replace(self.quantities(self.spread(numbers)))

    def quantities(self, values: Mapping[str, Floats]) -> dict[str, Any]:
        """Return values in SI with their units, as a circuit takes them."""
        units = {one.address: one.unit for one in self.addresses}
        return {
            address: quantity(array if array.ndim else float(array), units[address])
            for address, array in values.items()
        }

    def outcome(self, circuit: Circuit) -> tuple[FittedValue, ...]:
        """Return what became of each value in a circuit."""
        after = {one.address: one.initial for one in FreeNumbers.of(circuit).addresses}
        return tuple(
            FittedValue(one.address, one.unit, one.initial, after[one.address], one.low, one.high)
            for one in self.addresses
        )


def _now(circuit: Circuit, address: str) -> tuple[Floats, str, Mapping[str, NDArray[np.int64]]]:
    """Return the value of an address, its unit, and the neurons at the ends of each edge where it is of edges."""
    name, _, attribute = address.rpartition(".")
    part = circuit.parts[name]
    none: dict[str, NDArray[np.int64]] = {}
    if name in circuit.populations:
        population = circuit.populations[name]
        known = {**getattr(population.model, "parameters", {}), **population.parameters}
        if attribute in known:
            return np.asarray(circuit.parameter(name, attribute), dtype=np.float64), known[attribute].unit, none
    elif isinstance(part, Projection):
        edges = circuit.edges(name)
        ends = {"pre": np.asarray(edges.pre), "post": np.asarray(edges.post)}
        if attribute == "weight":
            return np.asarray(edges.weight, dtype=np.float64), part.weight_unit, ends
        if attribute == "delay":
            return np.asarray(edges.delay, dtype=np.float64) * 1.0, "second", ends
        parameters = {**part.synapse.parameters, **part.parameters}
        if attribute in parameters:
            values = circuit.edge_parameter(name, attribute)
            return np.asarray(values, dtype=np.float64), parameters[attribute].unit, ends
    raise UnsupportedError(
        f"fit: {address} is trainable, but only parameters of neurons, and weights, delays and parameters of "
        "projections can be fitted."
    )


def _shared(
    values: Floats, mark: Trainable, ends: Mapping[str, NDArray[np.int64]]
) -> tuple[Floats, NDArray[np.int64], int]:
    """Return values, which free number each is (from 0), and how many there are."""
    if mark.per == "all" or not values.ndim:
        return values, np.zeros(values.shape, np.int64), 1
    if mark.per in ("pre", "post"):
        neurons, place = np.unique(ends[mark.per], return_inverse=True)
        return values, np.asarray(place, np.int64), neurons.size
    return values, np.arange(values.size), values.size


def _limits(mark: Trainable) -> tuple[float | None, float | None]:
    low, high = mark.bounds or (None, None)
    if mark.sign is not None:
        low, high = (max(low or 0.0, 0.0), high) if mark.sign > 0 else (low, min(high or 0.0, 0.0))
    return low, high
