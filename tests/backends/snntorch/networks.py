"""Small networks for the tests of the torch backend, and derivatives by finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

import neurosim as ns
from neurosim.units import ms

DT = 1.0
STEPS = 14


def plain_lif(**options: Any) -> ns.NeuronModel:
    """Return a neuron in plain numbers: threshold 1, reset 0, rest 0."""
    given = {"tau_mem": 8 * ms, "v_threshold": 1.0, "v_reset": 0.0, "v_leak": 0.0, **options}
    return ns.models.lif(**given)


def mixed(seed: int = 1) -> ns.Circuit:
    """Return a network with every path that a gradient takes.

    A source drives ``h`` through single edges with delays, ``h`` drives itself with delays and its own reset, a signal
    enters ``h`` and ``out`` through graded weights, and ``h`` reaches ``out`` through a weight matrix.
    """
    circuit = ns.Circuit("mixed", dt=DT * ms, seed=seed)
    circuit.source("in", ns.SpikeSource(4))
    circuit.source("level", ns.SignalSource(3))
    circuit.population("h", 5, plain_lif(receptors={"x": 3 * ms}), initial={"v": ns.Uniform(0.0, 0.8)})
    circuit.population("out", 2, ns.models.leaky_integrator(tau_mem=10 * ms))
    circuit.connect(
        "in", "h", ns.FixedProbability(0.7), receptor="x", weight=ns.Normal(0.5, 0.3), delay=ns.Uniform(0 * ms, 4 * ms)
    )
    circuit.connect("h", "h", ns.FixedProbability(0.6), receptor="v", weight=ns.Normal(0.2, 0.3), delay=2 * ms)
    circuit.connect("h", "out", ns.AllToAll(), receptor="v", weight=ns.Normal(0.0, 0.5), delay=1 * ms)
    circuit.connect("level", "h", ns.FixedProbability(0.6), receptor="i_ext", weight=ns.Normal(0.5, 0.3))
    circuit.connect("level", "out", ns.AllToAll(), receptor="i_ext", weight=ns.Normal(0.3, 0.2))
    return circuit


def mixed_inputs(steps: int = STEPS, batch: int = 2) -> dict[str, Tensor]:
    """Return spikes and signals for :func:`mixed`, (time, batch, neuron)."""
    random = np.random.default_rng(3)
    return {
        "in": torch.tensor(random.random((steps, batch, 4)) < 0.4, dtype=torch.float64),
        "level": torch.tensor(random.normal(0.6, 0.4, (steps, batch, 3))),
    }


RECORD = {"h": ["spikes", "v"], "out": "v"}


def scalar(outputs: dict[str, dict[str, Tensor]]) -> Tensor:
    """Return one number that depends on everything recorded, each value with a weight of its own."""
    total = torch.zeros((), dtype=torch.float64)
    for name in sorted(outputs):
        for variable in sorted(outputs[name]):
            value = outputs[name][variable]
            generator = torch.Generator().manual_seed(len(name) + len(variable))
            total = total + (torch.rand(value.shape, generator=generator, dtype=torch.float64) * value).sum()
    return total


def gradients(module: Any, function: Callable[[], Tensor]) -> dict[str, np.ndarray]:
    """Return the derivative of a function by every parameter, by backpropagation."""
    module.zero_grad()
    function().backward()
    return {name: parameter.grad.numpy().copy() for name, parameter in module.named_parameters()}


@torch.no_grad()
def differences(module: Any, function: Callable[[], Tensor], step: float = 1e-6) -> dict[str, np.ndarray]:
    """Return the same derivatives by central differences, value by value."""
    found = {}
    for name, parameter in module.named_parameters():
        slope = np.zeros(parameter.shape)
        flat, slopes = parameter.view(-1), slope.reshape(-1)
        for index in range(flat.numel()):
            before = float(flat[index])
            values = []
            for sign in (1, -1):
                flat[index] = before + sign * step
                values.append(function().item())
            flat[index] = before
            slopes[index] = (values[0] - values[1]) / (2 * step)
        found[name] = slopes.reshape(slope.shape)
    return found
