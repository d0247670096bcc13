"""A small task for the tests of training, which costs milliseconds a step: which of two groups of inputs fires more."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import neurosim as ns
from neurosim.backends.snntorch.module import CircuitModule
from neurosim.units import ms

STEPS, INPUTS = 12, 6


def network(*, noisy: bool = False, delays: bool = True) -> ns.Circuit:
    """Return a hidden layer with learned delays and a leaky readout; with background spikes if asked for."""
    circuit = ns.Circuit("task", dt=1 * ms, seed=3)
    circuit.source("in", ns.SpikeSource(INPUTS))
    circuit.population("hidden", 5, ns.models.lif(tau_mem=8 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0))
    circuit.population("out", 2, ns.models.leaky_integrator(tau_mem=10 * ms))
    bounds = (0 * ms, 4 * ms)
    delay: Any = ns.Trainable(ns.Uniform(*bounds), bounds=bounds) if delays else 1 * ms
    weight = ns.Trainable(ns.Normal(0.3, 0.3))
    circuit.connect("in", "hidden", ns.AllToAll(), receptor="v", weight=weight, delay=delay)
    circuit.connect("hidden", "out", ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(0.0, 0.5)))
    if noisy:
        circuit.poisson("background", "hidden", receptor="v", count=20, rate=10 / ns.units.second, weight=0.3)
    return circuit


def module(*, dtype: str = "float32", noisy: bool = False, delays: bool = True, **options: Any) -> CircuitModule:
    """Return the network as a module."""
    found: CircuitModule = ns.compile(network(noisy=noisy, delays=delays), backend="snntorch", dtype=dtype, **options)
    return found


class Spikes(torch.utils.data.Dataset[Any]):
    """Trials in which one half of the inputs fires more than the other; which one is a function of the index.

    Parameters
    ----------
    items
        How many.
    jitter
        Also leave out some spikes, drawn from torch's own generator whenever an item is fetched.
    """

    def __init__(self, items: int = 10, *, jitter: bool = False) -> None:
        self.items, self.jitter = items, jitter

    def __len__(self) -> int:
        return self.items

    def __getitem__(self, index: int) -> tuple[Any, int]:
        rng = np.random.default_rng(index)
        label = index % 2
        rates = np.where(np.arange(INPUTS) // (INPUTS // 2) == label, 0.5, 0.15)
        spikes = torch.tensor(rng.random((STEPS, INPUTS)) < rates, dtype=torch.float32)
        if self.jitter:
            spikes = spikes * (torch.rand(STEPS, INPUTS) < 0.7)
        return spikes, label


class Readout:
    """Cross entropy of the mean potential of the output."""

    records = {"out": ["v"]}  # noqa: RUF012

    def __call__(self, outputs: Any, targets: Tensor) -> Tensor:
        return nn.functional.cross_entropy(outputs["out"]["v"].mean(0), targets)

    def predict(self, outputs: Any) -> Tensor:
        found: Tensor = outputs["out"]["v"].mean(0).argmax(1)
        return found
