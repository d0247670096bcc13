"""The layers in Norse: a loop over `LIFBoxCell`, whose neuron differs in detail."""

from __future__ import annotations

import torch
from norse.torch import LIFBoxCell, LIFBoxParameters
from torch import nn

from neurosim.benchmarks.layers import DT, TAU
from neurosim.benchmarks.sides.training import Layers, Training


class Side(Training):
    """The network."""

    def build(self) -> nn.Module:
        """Return the module."""
        parameters = LIFBoxParameters(tau_mem_inv=torch.tensor(1e3 / TAU), v_th=torch.tensor(1.0))
        cells: list[nn.Module] = [LIFBoxCell(parameters, dt=DT * 1e-3) for _ in self.weights]
        return Layers([weight * TAU for weight in self.weights], cells)
