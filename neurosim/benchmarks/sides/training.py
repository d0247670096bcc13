"""What the sides that train have in common: input, loss, and one step of training, timed or weighed."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from neurosim.benchmarks.sides.kept import kept_bytes
from neurosim.benchmarks.sides.memory import Peak, resident
from neurosim.benchmarks.sides.turns import seconds_of_one


class Training:
    """A network and what is asked of it: cross entropy of spike counts, gradients of all weights.

    With ``measure="saved"`` in the settings a run returns the bytes that the forward pass keeps for the backward pass
    for each neuron in a step: the difference between all steps and half of them, so that what does not grow with time
    is left out. By how much the process grows in a forward pass of its size, the first time, is told as ``held``, and
    in the whole step as ``peak``; ``seconds`` is the time of a step.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        torch.set_num_threads(settings["threads"])
        arrays = np.load(settings["arrays"])
        self.device = torch.device(settings.get("device", "cpu"))
        self.x = torch.from_numpy(arrays["x"].astype(np.float32)).to(self.device)
        self.target = torch.from_numpy(arrays["target"]).to(self.device)
        sizes = settings["sizes"]
        self.weights = [torch.from_numpy(arrays[f"weight{place}"]) for place in range(1, len(sizes))]
        self.recurrent = {place: torch.from_numpy(arrays[f"recurrent{place}"]) for place in settings["recurrent"]}
        self.module: nn.Module = self.build()
        if self.device.type != "cpu":
            self.module.to(self.device)
        self.spikes: Tensor | None = None
        self.held: float | None = None
        self.peak = self.seconds = 0.0
        if settings.get("measure") == "saved":  # what is loaded and compiled on first use
            self.step(self.x[:3, :1], self.target[:1])

    def build(self) -> nn.Module:
        """Return the network."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Return the spikes of the last layer, (time, batch, neuron)."""
        found: Tensor = self.module(x)
        return found

    def step(self, x: Tensor, target: Tensor) -> None:
        """Go forward and backward."""
        self.module.zero_grad()
        spikes = self.forward(x)
        cross_entropy(spikes.sum(0), target).backward()  # type: ignore[no-untyped-call]
        self.spikes = spikes.detach()
        if self.device.type == "cuda":  # a step is over when the GPU has done what it was told
            torch.cuda.synchronize(self.device)

    def run(self) -> float:
        """Do a turn of training steps; return the seconds of one."""
        if self.settings.get("measure") != "saved":
            return seconds_of_one(lambda: self.step(self.x, self.target), first=self.spikes is None)
        steps, batch, _ = self.x.shape
        neurons = batch * sum(self.settings["sizes"][1:])
        if self.held is None:  # later on, memory that was given back may be taken again
            self.module.zero_grad()
            before = resident()
            with Peak() as peak:
                spikes = self.forward(self.x)
                self.held = (resident() - before) / (steps * neurons)
                cross_entropy(spikes.sum(0), self.target).backward()  # type: ignore[no-untyped-call]
            self.peak = (peak.most - before) / (steps * neurons)
            self.spikes = spikes.detach()
            del spikes
            self.seconds = median(seconds_of_one(lambda: self.step(self.x, self.target), first=True) for _ in range(5))
        whole, half = (
            kept_bytes(lambda x=x: self.forward(x), self.x, self.passed_over)  # type: ignore[misc]
            for x in (self.x, self.x[: steps // 2])
        )
        return float((whole - half) / ((steps - steps // 2) * neurons))

    def result(self) -> dict[str, Any]:
        """Return the spikes of the last layer, as bits, and how many steps late they come."""
        if self.spikes is None:
            raise RuntimeError("nothing was run")
        found = {"spikes": self.spikes.cpu().numpy() > 0, "late": np.asarray(self.late)}
        if self.held is None:
            return found
        weighed = {"held": self.held, "peak": self.peak, "seconds": self.seconds}
        return {**found, **{name: np.asarray(value) for name, value in weighed.items()}}

    #: Steps by which the last layer's spikes come later than in a network that passes them on in the same step.
    late = 0
    #: Kinds of objects that hold memory beyond a pass.
    passed_over: tuple[type, ...] = ()


class Layers(nn.Module):
    """A network of another library, step by step.

    Parameters
    ----------
    weights
        Of each layer, (post, pre).
    cells
        A neuron for each layer, called with input and state; returns spikes and state.
    """

    def __init__(self, weights: list[Tensor], cells: list[nn.Module]) -> None:
        super().__init__()
        self.weights = nn.ParameterList(weight.clone() for weight in weights)
        self.cells = nn.ModuleList(cells)

    def forward(self, x: Tensor) -> Tensor:
        """Return the spikes of the last layer, (time, batch, neuron)."""
        states: list[Any] = [None] * len(self.cells)
        outputs = []
        for row in x:
            for place, (weight, cell) in enumerate(zip(self.weights, self.cells, strict=True)):
                row, states[place] = self.step(cell, row @ weight.T, states[place])
            outputs.append(row)
        return torch.stack(outputs)

    def step(self, cell: nn.Module, current: Tensor, state: Any) -> Any:
        """Return spikes and state of one layer after one step."""
        return cell(current, state)
