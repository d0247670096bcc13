"""The dense products of the layers alone, forward and backward: what a dense framework cannot beat."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from neurosim.benchmarks.sides.training import Training


class Side(Training):
    """Every product over all steps at once; of a layer that is connected with itself, one in every step."""

    def build(self) -> nn.Module:
        """Return what holds the weights."""
        steps, batch = self.x.shape[:2]
        parts = {f"weight{place}": weight for place, weight in enumerate(self.weights, start=1)}
        self.rows = {"weight1": self.x}
        for place, weight in list(enumerate(self.weights, start=1))[1:]:
            self.rows[f"weight{place}"] = torch.rand(steps, batch, weight.shape[1]).requires_grad_()
        self.in_steps = {f"recurrent{place}": weight for place, weight in self.recurrent.items()}
        for name, weight in self.in_steps.items():
            parts[name] = weight
            self.rows[name] = torch.rand(steps, batch, weight.shape[1]).requires_grad_()
        return nn.ParameterDict({name: nn.Parameter(weight.clone()) for name, weight in parts.items()})

    def step(self, x: Tensor, target: Tensor) -> None:
        """Do the products."""
        for name, weight in self.module.named_parameters():
            if name in self.in_steps:
                torch.stack([row @ weight.T for row in self.rows[name]]).sum().backward()  # type: ignore[no-untyped-call]
            else:
                (self.rows[name] @ weight.T).sum().backward()  # type: ignore[no-untyped-call]

        self.spikes = target  # it was done once

    def result(self) -> dict[str, Any]:
        """Return nothing to compare."""
        return {}
