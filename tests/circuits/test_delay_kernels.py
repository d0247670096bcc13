"""Delays held against a dense kernel over time, written here from the paper: convolution, rows, events, all the same.

I. Hammouamri, I. Khalfaoui-Hassani, T. Masquelier, ICLR 2024, arXiv:2306.17670: a synapse of delay d has the kernel
h(k) over the lags k = 0 .. D-1, relu(1 - |k - d|) or a Gaussian around d, of sum 1.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad

import neurosim as ns
from neurosim.circuits.delay_snn.circuit import build
from neurosim.units import ms

INPUTS, OUTPUTS, LONGEST = 12, 9, 24


def layer(longest: int = LONGEST, inputs: int = INPUTS, outputs: int = OUTPUTS, **options: Any) -> Any:
    """Return one layer whose readout shows what arrived in the step before and keeps nothing of it."""
    circuit = build(
        inputs=inputs, hidden=(), outputs=outputs, max_delay=longest * ms, tau_mem=1 * ms, dt=1 * ms, seed=3
    )
    return ns.compile(circuit, backend="snntorch", **{"dtype": "float64", **options})


def arriving(module: Any, x: Tensor) -> Tensor:
    """Return what arrives in each step, (time, batch, output)."""
    value: Tensor = module({"in": pad(x, (0, 0, 0, 0, 0, 1))}, record={"out": "v"})[0]["out"]["v"][1:]
    return value


def real_delays() -> Tensor:
    """Return real delays, (input, output), 0 and the longest among them."""
    delay = torch.rand(INPUTS, OUTPUTS, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * LONGEST
    delay[0, 0], delay[1, 1], delay[2, 2] = 0.0, LONGEST, 7.0
    return delay


def trains(steps: int = 50, batch: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return (torch.rand(steps, batch, INPUTS, generator=generator) < 0.2).double()


def triangle(delay: Tensor, taps: int) -> Tensor:
    kernel = torch.relu(1 - (torch.arange(taps) - delay[..., None]).abs())
    return kernel / kernel.sum(-1, keepdim=True)


def gaussian(delay: Tensor, lags: Tensor, width: float) -> Tensor:
    kernel = torch.exp(-0.5 * ((lags - delay[..., None]) / width) ** 2)
    return kernel / kernel.sum(-1, keepdim=True)


def convolved(x: Tensor, weight: Tensor, kernel: Tensor) -> Tensor:
    """Return the dense convolution of (time, batch, input) with a kernel (input, output, lag)."""
    taps = kernel.shape[-1]
    dense = (weight[..., None] * kernel).permute(1, 0, 2).flip(-1)  # cross-correlation: the longest lag first
    return conv1d(pad(x.permute(1, 2, 0), (taps - 1, 0)), dense).permute(2, 0, 1)


def set_delays(module: Any, delay: Tensor) -> None:
    with torch.no_grad():
        module.get_parameter("in_to_out.delay").copy_(delay.reshape(-1))


def test_rows_equal_the_convolution_and_so_do_gradients() -> None:
    module, delay, x = layer(), real_delays(), trains()
    set_delays(module, delay)
    weight = module.in_to_out.values.current()["w"].detach().reshape(INPUTS, OUTPUTS).clone()
    leaves = [tensor.clone().requires_grad_() for tensor in (x, weight, delay)]
    dense = convolved(leaves[0], leaves[1], triangle(leaves[2], LONGEST + 1))
    ours_x = x.clone().requires_grad_()
    ours = arriving(module, ours_x)
    assert dense.abs().max() > 1
    assert (ours - dense).abs().max() < 1e-12
    direction = torch.randn(dense.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    (dense * direction).sum().backward()
    (ours * direction).sum().backward()
    scale = module.in_to_out.values.scale("w")
    pairs = {
        "x": (ours_x.grad, leaves[0].grad),
        "weight": (module.get_parameter("in_to_out.weight").grad.reshape(INPUTS, OUTPUTS) / scale, leaves[1].grad),
    }
    between = delay != delay.round()  # at a whole step the triangle has a corner
    found = module.get_parameter("in_to_out.delay").grad.reshape(INPUTS, OUTPUTS)
    pairs["delay"] = (found[between], leaves[2].grad[between])
    for name, (one, other) in pairs.items():
        assert other.abs().max() > 0.1, name
        assert (one - other).abs().max() < 1e-10 * other.abs().max(), name


def test_single_precision() -> None:
    module, delay, x = layer(dtype="float32"), real_delays(), trains()
    set_delays(module, delay)
    weight = module.in_to_out.values.current()["w"].detach().double().reshape(INPUTS, OUTPUTS)
    dense = convolved(x, weight, triangle(delay, LONGEST + 1))
    assert (arriving(module, x.float()) - dense).abs().max() < 1e-5


def test_rounded_delays_are_one_tap_in_evaluation_and_in_events() -> None:
    module, delay, x = layer(), real_delays(), trains(batch=1)
    set_delays(module, delay)
    weight = module.in_to_out.values.current()["w"].detach().reshape(INPUTS, OUTPUTS)
    kernel = triangle(torch.floor(delay + 0.5), LONGEST + 1)
    assert ((kernel > 0).sum(-1) == 1).all()
    dense = convolved(x, weight, kernel)
    assert (arriving(module.eval(), x) - dense).abs().max() < 1e-12
    fed = np.concatenate([x[:, 0].numpy() > 0, np.zeros((1, INPUTS), bool)])
    circuit = module.to_circuit()
    for backend in ("snntorch", "brian2"):
        found = ns.simulate(circuit, len(fed) * ms, backend=backend, inputs={"in": fed}, record={"out": "v"})
        assert np.abs(found.traces["out"]["v"].values[0, 1:] - dense[:, 0].numpy()).max() < 1e-12


@pytest.mark.parametrize(("width", "largest"), [(12.3, 0.001), (4.0, 0.01), (2.0, 0.04), (1.0, 0.14), (0.5, 0.2)])
def test_a_smoothed_train_at_two_taps_is_nearly_a_gaussian_kernel(width: float, largest: float) -> None:
    """The response to one spike, at the worst fraction of a step, against the Gaussian: sums of differences."""
    module = layer(inputs=1, outputs=2)
    delay = torch.tensor([12.0, 12.5], dtype=torch.float64)
    set_delays(module, delay)
    module.set_delay_width(width)
    x = torch.zeros(240, 1, 1, dtype=torch.float64)
    x[100] = 1
    weight = module.in_to_out.values.current()["w"].detach()
    response = (arriving(module, x)[:, 0] / weight).T  # (output, time)
    assert response.sum(-1).tolist() == pytest.approx([1, 1], abs=1e-6)
    exact = gaussian(delay, torch.arange(240) - 100, width)
    difference = (response - exact).abs().sum(-1)
    assert difference[0] < 1e-6, "at a whole step it is one"
    assert largest / 3 < difference[1] < largest
    # The paper cuts the Gaussian at both ends of the range of delays: where it fits in, that changes nothing.
    if width <= 2:
        cut = gaussian(delay, torch.arange(LONGEST + 1), width)
        assert (cut - exact[:, 100 : 100 + LONGEST + 1]).abs().sum() < 1e-6


@pytest.mark.slow
def test_the_cost_does_not_grow_with_the_longest_delay() -> None:
    torch.set_num_threads(1)
    x = (torch.rand(100, 32, 140, generator=torch.Generator().manual_seed(0)) < 0.05).float()

    def seconds(longest: int) -> float:
        module = layer(longest, 140, 256, dtype="float32")
        times = []
        for _ in range(6):
            start = time.perf_counter()
            module({"in": x}, record={"out": "v"})[0]["out"]["v"].sum().backward()
            times.append(time.perf_counter() - start)
        return min(times)

    assert seconds(100) / seconds(24) < 1.5
