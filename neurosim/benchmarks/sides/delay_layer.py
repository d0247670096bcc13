"""What both sides of a layer of learned delays have in common: its tensors, and one pass forward and backward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurosim.benchmarks.sides.turns import seconds_of_one


class Layer:
    """Spikes, weights and delays that want gradients; the gradient of spikes only where the settings say so."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        torch.set_num_threads(settings["threads"])
        arrays = np.load(settings["arrays"])
        self.sizes: tuple[int, int] = tuple(settings["sizes"])
        self.taps: int = settings["taps"]
        self.train, self.weight, self.delay, self.upstream = (
            torch.from_numpy(arrays[name]) for name in ("train", "weight", "delay", "upstream")
        )
        wanted = {"weight": self.weight, "delay": self.delay}
        if settings["gradient_of_spikes"]:
            wanted["train"] = self.train
        self.wanted = {name: tensor.requires_grad_() for name, tensor in wanted.items()}
        self.found: dict[str, Tensor] = {}
        self.prepare()

    def prepare(self) -> None:
        """Do what is done once."""

    def forward(self) -> Tensor:
        """Return what arrives, (time, batch, n_post)."""
        raise NotImplementedError

    def run(self) -> float:
        """Do a turn of steps; return the seconds of one."""
        return seconds_of_one(self.step, first=not self.found)

    def step(self) -> None:
        """Go forward and backward."""
        output = self.forward()
        slopes = torch.autograd.grad(output, list(self.wanted.values()), self.upstream)
        self.found = {"output": output, **dict(zip(self.wanted, slopes, strict=True))}

    def result(self) -> dict[str, Any]:
        """Return the output and the gradients."""
        return {name: tensor.detach().numpy() for name, tensor in self.found.items()}
