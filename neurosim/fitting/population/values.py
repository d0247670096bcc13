"""The trainable values of a circuit before and after it was fitted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.delays import DELAY
from neurosim.backends.snntorch.module import CircuitModule
from neurosim.circuit import Circuit
from neurosim.fitting.result import FittedValue
from neurosim.training.trainable_values import trainable_values

Floats = NDArray[np.float64]


def values_of(module: CircuitModule) -> dict[str, Floats]:
    """Return the trainable values of a module by address, in SI units."""
    found = {}
    for value in trainable_values(module, "*"):
        step = module.program.dt if value.address.endswith(f".{DELAY}") else 1.0  # delays are held in steps
        found[value.address] = value.get().detach().cpu().double().numpy() * value.scale * step
    return found


def fitted_values(
    circuit: Circuit, before: Mapping[str, Floats], after: Mapping[str, Floats]
) -> tuple[FittedValue, ...]:
    """Return the values of a fit."""
    marks = circuit.trainables()
    found = []
    for address, fitted in after.items():
        low, high = marks[address].bounds or (None, None)
        found.append(FittedValue(address, _unit(circuit, address), before[address], fitted, low, high))
    return tuple(found)


def _unit(circuit: Circuit, address: str) -> str:
    part, _, variable = address.rpartition(".")
    if part in circuit.populations:
        return circuit.populations[part].variables[variable]
    if part in circuit.poisson_inputs:
        return circuit.poisson_inputs[part].weight_unit
    projection = circuit.projections[part]
    if variable in ("weight", DELAY):
        return projection.weight_unit if variable == "weight" else "second"
    return {**projection.synapse.parameters, **projection.parameters}[variable].unit
