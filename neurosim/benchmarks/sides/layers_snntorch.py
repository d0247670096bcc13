"""The layers in snnTorch: a loop over `Leaky`, or `RLeaky` for a layer that is connected with itself."""

from __future__ import annotations

from typing import Any

import snntorch
import torch
from snntorch import surrogate
from torch import Tensor, nn

from neurosim.benchmarks.layers import DECAY
from neurosim.benchmarks.sides.training import Layers, Training


class Net(Layers):
    """The loop."""

    def step(self, cell: nn.Module, current: Tensor, state: Any) -> Any:
        """Return spikes and state of one layer after one step."""
        nothing = torch.zeros_like(current)
        if isinstance(cell, snntorch.RLeaky):
            spikes, potential = cell(current, *((nothing, nothing) if state is None else state))
            return spikes, (spikes, potential)
        return cell(current, nothing if state is None else state)


class Side(Training):
    """The network."""

    def build(self) -> nn.Module:
        """Return the module."""
        cells: list[nn.Module] = []
        for place, weight in enumerate(self.weights, start=1):
            options: dict[str, Any] = {"reset_mechanism": "zero", "reset_delay": False}
            if "surrogate" in self.settings:
                options["spike_grad"] = surrogate.SFS(**self.settings["surrogate"])
            if place in self.recurrent:
                cell = snntorch.RLeaky(DECAY, linear_features=weight.shape[0], **options)
                cell.recurrent = nn.Linear(weight.shape[0], weight.shape[0], bias=False)
                cell.recurrent.weight.data.copy_(self.recurrent[place])
            else:
                cell = snntorch.Leaky(DECAY, **options)
            cells.append(cell)
        return Net(self.weights, cells)
