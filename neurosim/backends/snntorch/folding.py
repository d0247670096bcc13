"""Batch normalisation of a trained module, folded into its circuit: other weights, and a constant input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.backends.snntorch.layers import BatchNorm
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.connectivity import AllToAll
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.circuit.values import Trainable
from neurosim.errors import UnsupportedError
from neurosim.units import quantity

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule


def refuse_other_layers(module: CircuitModule) -> None:
    """Refuse layers that a circuit cannot express.

    Raises
    ------
    UnsupportedError
        Naming them. Dropout does nothing after training.
    """
    from neurosim.backends.snntorch.layers import Dropout

    names = [name for name, layer in module.layers() if not isinstance(layer, (BatchNorm, Dropout))]
    if names:
        raise UnsupportedError(
            f"a circuit has no place for the modules at {', '.join(names)}: only batch normalisation can be folded "
            "into it."
        )


def folded_weights(module: CircuitModule) -> dict[str, Any]:
    """Return the weights of every normalised projection, by address, to be put in place of the circuit's own."""
    found: dict[str, Any] = {}
    for name, layer in module.layers():
        if isinstance(layer, BatchNorm):
            part = module.part(name)
            factor, _ = layer.folded()
            weight = part.edge_value(WEIGHT, part.values.current()).detach().double().cpu().numpy()
            folded = quantity(weight * factor.cpu().numpy()[part.item.post_index], part.item.units[WEIGHT])
            trained = f"{name}.weight" in module.circuit.trainables()
            found[f"{name}.weight"] = Trainable(folded, per="edge") if trained else folded
    return found


def add_constant_inputs(circuit: Circuit, module: CircuitModule) -> None:
    """Add to a circuit the constant input of every normalised projection: a neuron that fires in every step."""
    for name, layer in module.layers():
        if isinstance(layer, BatchNorm):
            item = module.part(name).item
            _, constant = layer.folded()
            bias = f"{name}_constant"
            circuit.population(bias, 1, NeuronModel("", threshold="True"))
            circuit.connect(
                bias, item.post, AllToAll(), receptor=item.additions[0].target,
                weight=quantity(np.asarray(constant.cpu()), item.units[WEIGHT]),
            )  # fmt: skip
