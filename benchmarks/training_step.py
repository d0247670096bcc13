"""One training step of a network of leaky integrate-and-fire neurons, against snnTorch, SpikingJelly and Norse.

The network is 700-256-256-20 over 100 steps, with 2 % of the inputs active. Each library does the same work in its own
idiom: forward over all steps, cross entropy of the spike counts, gradients of all weights. They run in turn in one
process, and medians are compared. snnTorch and SpikingJelly compute the very same neurons from the same weights: their
spikes are held against ours, which come one step later for each layer, as every delivered spike does here. Norse's
neuron differs in detail. `matmuls` are the three dense products of the network alone, forward and backward: what a
dense framework cannot beat. Peers that are not installed are left out.

    python benchmarks/training_step.py
    python benchmarks/training_step.py --batch 64 --density 0.02 --repeats 15 --threads 2 --json
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import neurosim as ns
from neurosim.units import ms

SIZES = (700, 256, 256, 20)
NAMES = ("in", "first", "second", "out")
TAU, DT = 10.0, 1.0
DECAY = math.exp(-DT / TAU)


def circuit() -> ns.Circuit:
    """Return the network."""
    found = ns.Circuit("layers", dt=DT * ms, seed=3)
    found.source("in", ns.SpikeSource(SIZES[0]))
    cell = ns.NeuronModel(
        "v : 1\ni : 1", update="v = decay*v + i\ni = 0", threshold="v > 1", reset="v = 0", parameters={"decay": DECAY}
    )
    for name, n in zip(NAMES[1:], SIZES[1:], strict=True):
        found.population(name, n, cell)
    for pre, post in itertools.pairwise(NAMES):
        found.connect(pre, post, ns.AllToAll(), receptor="i", weight=ns.Trainable(ns.Normal(0, 0.2)))
    return found


class Layers(nn.Module):
    """The network of another library, step by step.

    Parameters
    ----------
    weights
        Of each layer, (post, pre).
    cells
        A neuron for each layer.
    call
        What is done with a neuron in a step: ``(cell, input, state) -> (spikes, state)``.
    """

    def __init__(self, weights: list[Tensor], cells: list[nn.Module], call: Callable[..., Any]) -> None:
        super().__init__()
        self.weights = nn.ParameterList(weight.clone() for weight in weights)
        self.cells = nn.ModuleList(cells)
        self.call = call

    def forward(self, x: Tensor) -> Tensor:
        """Return the spikes of the last layer, (time, batch, neuron)."""
        states: list[Any] = [None] * len(self.cells)
        outputs = []
        for row in x:
            for place, (weight, cell) in enumerate(zip(self.weights, self.cells, strict=True)):
                row, states[place] = self.call(cell, row @ weight.T, states[place])
            outputs.append(row)
        return torch.stack(outputs)


def snntorch_layers(weights: list[Tensor]) -> nn.Module:
    """Return the network in snnTorch."""
    import snntorch

    cells = [snntorch.Leaky(DECAY, reset_mechanism="zero", reset_delay=False) for _ in weights]

    def call(cell: Any, current: Tensor, state: Any) -> Any:
        return cell(current, torch.zeros_like(current) if state is None else state)

    return Layers(weights, cells, call)


def norse_layers(weights: list[Tensor]) -> nn.Module:
    """Return the network in Norse: leaky integrate-and-fire boxes."""
    from norse.torch import LIFBoxCell, LIFBoxParameters

    parameters = LIFBoxParameters(tau_mem_inv=torch.tensor(1e3 / TAU), v_th=torch.tensor(1.0))
    cells = [LIFBoxCell(parameters, dt=DT * 1e-3) for _ in weights]
    return Layers([weight * TAU for weight in weights], cells, lambda cell, current, state: cell(current, state))


def spikingjelly_layers(weights: list[Tensor]) -> nn.Module:
    """Return the network in SpikingJelly, in its multi-step mode."""
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            parts: list[nn.Module] = []
            for weight in weights:
                linear = layer.Linear(weight.shape[1], weight.shape[0], bias=False, step_mode="m")
                linear.weight.data.copy_(weight)
                tau = 1 / (1 - DECAY)
                parts += [
                    linear,
                    neuron.LIFNode(tau, decay_input=False, surrogate_function=surrogate.ATan(), step_mode="m"),
                ]
            self.parts = nn.Sequential(*parts)

        def forward(self, x: Tensor) -> Tensor:
            functional.reset_net(self)
            return self.parts(x)  # type: ignore[no-any-return]

    return Net()


PEERS = {"snntorch": snntorch_layers, "spikingjelly": spikingjelly_layers, "norse": norse_layers}


def measure(steps: int, batch: int, density: float, repeats: int) -> dict[str, Any]:
    """Return seconds of each, and the part of neurons that fired in a step."""
    random = torch.Generator().manual_seed(1)
    x = (torch.rand(steps, batch, SIZES[0], generator=random) < density).float()
    target = torch.randint(0, SIZES[-1], (batch,), generator=random)
    module = ns.compile(circuit(), backend="snntorch")
    edges = [circuit().edges(f"{pre}_to_{post}") for pre, post in itertools.pairwise(NAMES)]
    weights = [
        torch.tensor(np.asarray(edge.weight), dtype=torch.float32).reshape(n_pre, n_post).T.contiguous()
        for edge, n_pre, n_post in zip(edges, SIZES, SIZES[1:], strict=False)
    ]
    peers = {name: make(weights) for name, make in PEERS.items() if importlib.util.find_spec(name)}
    products = [(weight.clone().requires_grad_(), torch.rand(steps, batch, weight.shape[1])) for weight in weights]
    for _, rows in products[1:]:
        rows.requires_grad_()
    trains: dict[str, Tensor] = {}

    def ours() -> None:
        module.zero_grad()
        outputs, _ = module({"in": x}, record={"out": "spikes"})
        trains["neurosim"] = outputs["out"]["spikes"].detach()
        cross_entropy(outputs["out"]["spikes"].sum(0), target).backward()

    def theirs(name: str) -> None:
        peers[name].zero_grad()
        spikes = peers[name](x)
        trains[name] = spikes.detach()
        cross_entropy(spikes.sum(0), target).backward()

    def matmuls() -> None:
        for weight, rows in products:
            (rows @ weight.T).sum().backward()

    ways: dict[str, Callable[[], None]] = {"neurosim": ours}
    ways.update({name: (lambda name=name: theirs(name)) for name in peers})  # type: ignore[misc]
    ways["matmuls"] = matmuls
    times: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats + 2):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if repeat > 1:  # the first rounds compile and warm up
                times[name].append(time.perf_counter() - start)
    layers = len(SIZES) - 1
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    return {
        "seconds": medians,
        "spread": {name: (min(seconds), max(seconds)) for name, seconds in times.items()},
        "ratios": {name: seconds / medians["neurosim"] for name, seconds in medians.items() if name != "neurosim"},
        "rates": {name: float(train.mean()) for name, train in trains.items()},
        "same_spikes": {
            name: float((train[:-layers] == trains["neurosim"][layers:]).float().mean())
            for name, train in trains.items()
            if name != "neurosim"
        },
    }


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--density", type=float, default=0.02)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    found = measure(given.steps, given.batch, given.density, given.repeats)
    if given.json:
        print(json.dumps(found))
        return
    print(f"{'-'.join(map(str, SIZES))}, {given.steps} steps, batch {given.batch}, {given.threads} threads")
    print("ratio  median (ms)    from - to  rate    spikes as ours")
    for name, seconds in found["seconds"].items():
        low, high = found["spread"][name]
        ratio = found["ratios"].get(name, 1.0)
        rate = f"{found['rates'][name]:.4f}" if name in found["rates"] else ""
        same = f"{found['same_spikes'][name]:.4%}" if name in found["same_spikes"] else ""
        print(f"{ratio:5.1f}  {seconds * 1e3:11.1f}  {low * 1e3:5.0f} - {high * 1e3:4.0f}  {rate:6}  {same:14}  {name}")


if __name__ == "__main__":
    main()
