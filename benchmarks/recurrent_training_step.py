"""One training step of a recurrent network of leaky integrate-and-fire neurons, against snnTorch's `RLeaky`.

The network is 700-256-20 over 100 steps, the 256 neurons connected all to all among themselves, with 2 % of the inputs
active. Both do the same work: forward over all steps, cross entropy of the spike counts, gradients of all weights. They
run in turn in one process, and medians are compared. snnTorch computes the very same neurons from the same weights: its
hidden spikes are held against ours, which come one step later, as every delivered spike does here. What each keeps for
the way back is counted by the hooks of torch's autograd, the input spikes apart.

    python benchmarks/recurrent_training_step.py
    python benchmarks/recurrent_training_step.py --batch 64 --density 0.02 --repeats 15 --threads 2 --json
"""

from __future__ import annotations

import argparse
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

SIZES = (700, 256, 20)
TAU, DT = 10.0, 1.0
DECAY = math.exp(-DT / TAU)


def circuit() -> ns.Circuit:
    """Return the network."""
    found = ns.Circuit("recurrent", dt=DT * ms, seed=3)
    found.source("in", ns.SpikeSource(SIZES[0]))
    cell = ns.NeuronModel(
        "v : 1\ni : 1", update="v = decay*v + i\ni = 0", threshold="v > 1", reset="v = 0", parameters={"decay": DECAY}
    )
    found.population("hidden", SIZES[1], cell)
    found.population("out", SIZES[2], cell)
    for pre, post, spread in (("in", "hidden", 0.2), ("hidden", "hidden", 0.1), ("hidden", "out", 0.2)):
        found.connect(pre, post, ns.AllToAll(), receptor="i", weight=ns.Trainable(ns.Normal(0, spread)))
    return found


class Peer(nn.Module):
    """The network in snnTorch, step by step.

    Parameters
    ----------
    weights
        Of the input, of the recurrence and of the output, (post, pre).
    """

    def __init__(self, weights: list[Tensor]) -> None:
        import snntorch

        super().__init__()
        self.first, self.last = (nn.Parameter(weights[place].clone()) for place in (0, 2))
        reset: dict[str, Any] = {"reset_mechanism": "zero", "reset_delay": False}
        self.hidden = snntorch.RLeaky(DECAY, linear_features=SIZES[1], **reset)
        self.hidden.recurrent = nn.Linear(SIZES[1], SIZES[1], bias=False)
        self.hidden.recurrent.weight = nn.Parameter(weights[1].clone())
        self.out = snntorch.Leaky(DECAY, **reset)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the spikes of the hidden and of the last layer, (time, batch, neuron)."""
        spikes, membrane = self.hidden.init_rleaky()
        last = self.out.init_leaky()
        hidden, outputs = [], []
        for row in x:
            spikes, membrane = self.hidden(row @ self.first.T, spikes, membrane)
            fired, last = self.out(spikes @ self.last.T, last)
            hidden.append(spikes)
            outputs.append(fired)
        return torch.stack(hidden), torch.stack(outputs)


def kept(way: Callable[[], Tensor], apart: Tensor) -> int:
    """Return the bytes that torch keeps for the way back from a loss, each piece of memory once."""
    found: dict[int, tuple[Tensor, int]] = {}

    def keep(tensor: Tensor) -> Tensor:
        memory = tensor.untyped_storage()
        found[memory.data_ptr()] = (tensor, memory.nbytes())  # held, so that no other takes its place
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        way()
    found.pop(apart.untyped_storage().data_ptr(), None)
    return sum(size for _, size in found.values())


def measure(steps: int, batch: int, density: float, repeats: int) -> dict[str, Any]:
    """Return seconds and kept bytes of each, and how alike the spikes are."""
    random = torch.Generator().manual_seed(1)
    x = (torch.rand(steps, batch, SIZES[0], generator=random) < density).float()
    target = torch.randint(0, SIZES[-1], (batch,), generator=random)
    start = time.perf_counter()
    module = ns.compile(circuit(), backend="snntorch")
    names = [("in", 700, 256), ("hidden", 256, 256), ("hidden", 256, 20)]
    edges = [circuit().edges(name) for name in ("in_to_hidden", "hidden_to_hidden", "hidden_to_out")]
    weights = [
        torch.tensor(np.asarray(edge.weight), dtype=torch.float32).reshape(n_pre, n_post).T.contiguous()
        for edge, (_, n_pre, n_post) in zip(edges, names, strict=True)
    ]
    peer = Peer(weights)
    trains: dict[str, Tensor] = {}

    def ours() -> Tensor:
        module.zero_grad()
        outputs, _ = module({"in": x}, record={"hidden": "spikes", "out": "spikes"})
        trains["neurosim"] = outputs["hidden"]["spikes"].detach()
        return cross_entropy(outputs["out"]["spikes"].sum(0), target)

    def theirs() -> Tensor:
        peer.zero_grad()
        hidden, spikes = peer(x)
        trains["snntorch"] = hidden.detach()
        return cross_entropy(spikes.sum(0), target)

    ways = {"neurosim": ours, "snntorch": theirs}
    ours().backward()
    first = time.perf_counter() - start
    times: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats + 2):
        for name, way in ways.items():
            start = time.perf_counter()
            way().backward()
            if repeat > 1:  # the first rounds warm up
                times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    memory = {name: kept(way, x) for name, way in ways.items()}
    pairs = [
        (module.get_parameter("in_to_hidden.weight"), peer.first),
        (module.get_parameter("hidden_to_hidden.weight"), peer.hidden.recurrent.weight),
    ]
    return {
        "seconds": medians,
        "spread": {name: (min(seconds), max(seconds)) for name, seconds in times.items()},
        "ratio": medians["snntorch"] / medians["neurosim"],
        "first_step_seconds": first,
        "bytes_per_neuron_step": {name: size / (steps * batch * sum(SIZES[1:])) for name, size in memory.items()},
        "kept_ratio": memory["snntorch"] / memory["neurosim"],
        "rates": {name: float(train.mean()) for name, train in trains.items()},
        "same_spikes": float((trains["snntorch"][:-1] == trains["neurosim"][1:]).float().mean()),
        "gradients_alike": [
            float(torch.nn.functional.cosine_similarity(mine.grad.flatten(), other.grad.flatten(), 0))
            for mine, other in pairs
            if mine.grad is not None and other.grad is not None
        ],
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
    print("median (ms)    from - to  kept (bytes per neuron and step)  rate")
    for name, seconds in found["seconds"].items():
        low, high = found["spread"][name]
        print(
            f"{seconds * 1e3:11.1f}  {low * 1e3:5.0f} - {high * 1e3:4.0f}  "
            f"{found['bytes_per_neuron_step'][name]:32.1f}  {found['rates'][name]:.4f}  {name}"
        )
    print(f"{found['ratio']:.1f} times as fast, {found['kept_ratio']:.1f} times less kept")
    print(f"{found['same_spikes']:.4%} of the spikes as ours; cosines of gradients {found['gradients_alike']}")


if __name__ == "__main__":
    main()
