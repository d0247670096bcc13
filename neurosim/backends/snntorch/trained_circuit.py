"""A trained module back as a circuit: its parameters in the places that they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.backends.snntorch.delays import DELAY
from neurosim.backends.snntorch.folding import add_constant_inputs, folded_weights, refuse_other_layers
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.units import quantity

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule


def trained_circuit(module: CircuitModule) -> Circuit:
    """Return a module's circuit with the module's present values.

    Raises
    ------
    UnsupportedError
        If the module holds others that a circuit cannot express.
    """
    refuse_other_layers(module)
    values: dict[str, Any] = {}
    for name, _ in module.named_children():
        for variable, array in module.part(name).values.trained().items():
            key = "weight" if variable == WEIGHT and name in module.program.projections else variable
            values[f"{name}.{key}"] = _quantity(module, name, variable, array)
    values.update(folded_weights(module))
    if not values:
        return module.circuit
    circuit = module.circuit.replace(values)
    add_constant_inputs(circuit, module)
    return circuit


def _quantity(module: CircuitModule, name: str, variable: str, array: np.ndarray) -> Any:
    program = module.program
    if variable == DELAY and name in program.projections:
        return quantity(array * program.dt, "second")
    value = array if array.ndim else float(array)
    if name in program.populations:
        return quantity(value, program.populations[name].units[variable])
    if name in program.projections:
        return quantity(value, program.projections[name].units[variable])
    return quantity(value, module.circuit.poisson_inputs[name].weight_unit)
