"""A layer of learned delays: time and memory of a training step, against a convolution with a dense kernel of delays.

Both compute the same layer (two taps around each delay, one delay for every synapse) forward and backward, with
gradients of weights, delays and spikes. The dense one is how Hammouamri, Khalfaoui-Hassani and Masquelier (ICLR 2024)
train: a kernel as long as the longest delay is built for every synapse, and torch's `conv1d` applies it. They run in
turn in one process; the medians are compared, and results and gradients are checked against each other first.

    python benchmarks/delay_layer.py
    python benchmarks/delay_layer.py --sizes 256 256 --delays 25 51 101 --repeats 15 --threads 1 --json
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv1d

from neurosim.backends.snntorch.delayed_sum import EdgePlan, delayed_sum
from neurosim.backends.snntorch.workspace import Workspace

Step = Callable[[], tuple[Tensor, ...]]


def by_convolution(train: Tensor, weight: Tensor, delay: Tensor, plan: EdgePlan) -> Tensor:
    """Return what arrives, by a dense kernel of triangles around the delays."""
    taps = torch.arange(plan.longest + 1, dtype=train.dtype)
    shape = (plan.n_pre, plan.n_post)
    kernel = torch.relu(1 - (taps - delay.reshape(*shape, 1)).abs()) * weight.reshape(*shape, 1)
    return conv1d(train.permute(1, 2, 0), kernel.permute(1, 0, 2).flip(2)).permute(2, 0, 1)


def layer(sizes: tuple[int, int], taps: int, steps: int, batch: int, density: float) -> tuple[Tensor, ...]:
    """Return spikes, weights and delays, all of which want gradients, and the upstream gradient."""
    random = torch.Generator().manual_seed(1)
    n_pre, n_post = sizes
    train = (torch.rand(taps - 1 + steps, batch, n_pre, generator=random) < density).float().requires_grad_()
    weight = torch.randn(n_pre * n_post, generator=random).requires_grad_()
    delay = (torch.rand(n_pre * n_post, generator=random) * (taps - 1)).requires_grad_()
    return train, weight, delay, torch.randn(steps, batch, n_post, generator=random)


def measure(
    sizes: tuple[int, int], taps: int, steps: int, batch: int, density: float, repeats: int, inputs: bool
) -> dict[str, float]:
    """Return the median seconds of both ways, and their ratio."""
    train, weight, delay, upstream = layer(sizes, taps, steps, batch, density)
    pre, post = (index.reshape(-1) for index in np.indices(sizes))
    plan = EdgePlan(pre, post, *sizes, taps - 1)
    workspace = Workspace()
    train = train if inputs else train.detach()
    wanted = (train, weight, delay) if inputs else (weight, delay)

    def ours() -> tuple[Tensor, ...]:
        output = delayed_sum(train, weight, delay, plan, workspace)
        return output, *torch.autograd.grad(output, wanted, upstream)

    def dense() -> tuple[Tensor, ...]:
        output = by_convolution(train, weight, delay, plan)
        return output, *torch.autograd.grad(output, wanted, upstream)

    for one, other in zip(ours(), dense(), strict=True):
        if not torch.allclose(one, other, rtol=1e-3, atol=1e-3 * float(other.detach().abs().max())):
            raise SystemExit("the two layers differ")
    times: dict[str, list[float]] = {"neurosim": [], "conv1d": []}
    for _ in range(repeats):
        for name, way in (("neurosim", ours), ("conv1d", dense)):
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    found = {name: statistics.median(seconds) for name, seconds in times.items()}
    return {**found, "ratio": found["conv1d"] / found["neurosim"]}


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", type=int, nargs=2, default=(140, 256))
    parser.add_argument("--delays", type=int, nargs="+", default=(25, 101), help="delays of 0 to this - 1 steps")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--density", type=float, default=0.05)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    rows = [
        {"taps": taps, "inputs": inputs}
        | measure(tuple(given.sizes), taps, given.steps, given.batch, given.density, given.repeats, inputs)
        for taps in given.delays
        for inputs in (False, True)
    ]
    if given.json:
        print(json.dumps(rows))
        return
    print(f"{given.sizes[0]} -> {given.sizes[1]}, {given.steps} steps, batch {given.batch}, {given.threads} threads")
    print("  taps  gradient of spikes  neurosim (ms)  conv1d (ms)  ratio")
    for row in rows:
        wanted = "yes" if row["inputs"] else "no"
        print(
            f"{row['taps']:6}  {wanted:>18}  {row['neurosim'] * 1e3:13.1f}  {row['conv1d'] * 1e3:11.1f}  "
            f"{row['ratio']:5.1f}"
        )
    for inputs in (False, True):
        own = [row["neurosim"] for row in rows if row["inputs"] == inputs]
        print(f"longest against shortest, gradient of spikes {'yes' if inputs else 'no'}: {own[-1] / own[0]:.2f}")


if __name__ == "__main__":
    main()
