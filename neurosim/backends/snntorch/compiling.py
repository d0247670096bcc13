"""What a circuit is compiled to: a torch module, or a simulator of compiled loops where no gradient is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.backends.snntorch.compiled_simulator import CompiledSimulator
from neurosim.backends.snntorch.options import SnntorchOptions
from neurosim.circuit.circuit import Circuit

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule

__all__ = ["SnntorchOptions", "compiled_circuit"]


def compiled_circuit(circuit: Circuit, options: SnntorchOptions) -> CircuitModule | CompiledSimulator:
    """Return a circuit compiled as the options ask; torch is loaded only where they need it."""
    if options.only_simulates:
        return CompiledSimulator(circuit, options)
    from neurosim.backends.snntorch.module import CircuitModule

    return CircuitModule(circuit, options)
