"""Kernels inside components do in compiled loops what torch's convolutions do in steps, forward and backward."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
import snntorch
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor

import neurosim as ns
from backends.snntorch.test_graded_loops import interpreted
from neurosim.backends.snntorch.loops import scan
from neurosim.units import ms

RECORD = {"a": ["spikes", "v"], "b": ["spikes", "v"]}
QUIET = {"suppress_health_check": list(HealthCheck), "deadline": None, "phases": [Phase.explicit, Phase.generate]}


def grids(
    shape: tuple[int, ...] = (2, 7, 6), channels: int = 4, kernel: int = 3, stride: int = 2, dilation: int = 1,
    groups: int = 1, delays: tuple[int, int] = (0, 2), gain: float = 1.0, seed: int = 3,
) -> ns.Circuit:  # fmt: skip
    """Return two grids: kernels lead from the first to itself and to the second, a matrix leads back."""
    circuit = ns.Circuit("grids", dt=1 * ms, seed=seed, round_delays=True)
    rests = ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, tau_ref=2 * ms)
    circuit.source("in", ns.SpikeSource(5))
    circuit.population("a", shape, rests, initial={"v": ns.Uniform(0, 0.8)})
    size = tuple((n + 2 - dilation * (kernel - 1) - 1) // stride + 1 for n in shape[1:])
    circuit.population("b", (channels, *size), ns.models.lif(tau_mem=8 * ms, v_threshold=0.8, v_reset=0.0, v_leak=0.0))
    circuit.connect("in", "a", ns.AllToAll(), receptor="v", weight=ns.Normal(0.4 * gain, 0.3 * gain))
    weight = ns.Trainable(ns.Normal(0.1 * gain, 0.3 * gain))
    around = ns.Convolution(3 if len(shape) < 4 else 1, padding="same", groups=groups)
    circuit.connect("a", "a", around, receptor="v", weight=weight, delay=delays[0] * ms, name="around")
    ahead = ns.Convolution(kernel, stride=stride, padding=1, dilation=dilation, groups=groups)
    circuit.connect("a", "b", ahead, receptor="v", weight=weight, delay=delays[1] * ms, name="ahead")
    circuit.connect("b", "a", ns.AllToAll(), receptor="v", weight=ns.Trainable(-0.1 * gain), delay=1 * ms)
    return circuit


def called(
    circuit: ns.Circuit, x: Tensor, fused: str, **options: Any
) -> tuple[dict[str, Tensor], dict[str, Tensor | None]]:
    """Return outputs and gradients of two calls, the second from the state of the first."""
    module = ns.compile(circuit, backend="snntorch", fused=fused, **{"dtype": "float64", **options})
    if fused == "always":
        assert all(why is None or "has no state" in why for why in module.stepped.values())
    state, outputs = None, dict[str, Tensor]()
    for number, part in enumerate(x.split(max(len(x) // 2, 1))):
        found, state = module({"in": part}, state, record=RECORD, seed=4)
        outputs |= {f"{number}.{one}.{key}": value for one, some in found.items() for key, value in some.items()}
    loss = torch.zeros((), dtype=torch.float64)
    for value in outputs.values():
        weights = torch.linspace(0.5, 1, value.numel(), dtype=value.dtype).reshape(value.shape)
        loss = loss + ((value - 0.3).square() * weights).sum()
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = {key: parameter.grad for key, parameter in module.named_parameters()}
    return {key: value.detach() for key, value in outputs.items()}, gradients


def held_against_steps(circuit: ns.Circuit, x: Tensor, values: float, gradients: float, **options: Any) -> float:
    """Hold loops against steps; return the mean of all spikes."""
    loops, steps = called(circuit, x, "always", **options), called(circuit, x, "never", **options)
    for key, value in steps[0].items():
        size = float(value.abs().max())
        assert torch.allclose(loops[0][key], value, rtol=0, atol=0 if "spikes" in key else values * size), key
    for key, gradient in steps[1].items():
        found = loops[1][key]
        assert found is not None
        assert gradient is not None
        assert torch.linalg.vector_norm(found - gradient) <= gradients * gradient.norm(), key
    return float(torch.stack([value.double().mean() for key, value in steps[0].items() if "spikes" in key]).mean())


def train(steps: int, batch: int, density: float = 0.3) -> Tensor:
    """Return input spikes."""
    return torch.rand(steps, batch, 5, generator=torch.Generator().manual_seed(1)) < density


@pytest.mark.slow
def test_compiled_loops_and_steps_agree() -> None:
    held_against_steps(grids(), train(30, 9), 1e-12, 1e-10)


@patch.object(scan, "compiled", interpreted)
def test_loops_and_steps_agree() -> None:
    rate = held_against_steps(grids(), train(30, 9), 1e-12, 1e-10)
    assert 0.03 < rate < 0.6
    gradients = called(grids(), train(30, 9), "always")[1]
    assert {"around.weight", "ahead.weight"} < set(gradients)
    assert all(gradient is not None and gradient.any() for gradient in gradients.values())


@pytest.mark.parametrize(
    ("options", "values", "gradients"),
    [
        ({"surrogate": snntorch.surrogate.SFS(slope=5, B=-0.3)}, 1e-12, 1e-10),
        ({"keep": "spikes"}, 1e-12, 1e-10),
        ({"dtype": "float32"}, 1e-5, 1e-4),
    ],
    ids=["compact", "again", "single"],
)  # fmt: skip
@patch.object(scan, "compiled", interpreted)
def test_loops_and_steps_agree_with_options(options: dict[str, Any], values: float, gradients: float) -> None:
    held_against_steps(grids(), train(20, 9), values, gradients, **options)


@patch.object(scan, "compiled", interpreted)
def test_results_do_not_depend_on_the_number_of_threads() -> None:
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            results.append(called(grids(), train(12, 11), "always"))
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        for one, first in zip(other, results[0], strict=True):
            assert all(torch.equal(one[key], value) for key, value in first.items())


@patch.object(scan, "compiled", interpreted)
def test_kernels_whose_edges_differ_go_along_edges() -> None:
    """Delays of their own, or more than a weight, are nothing that convolves."""
    circuit = grids()
    pulse = ns.SynapseModel(on_pre="v_post += w*gain", parameters={"gain": ns.Trainable(0.5)})
    kernel, weight = ns.Convolution(3, padding="same"), ns.Trainable(ns.Normal(0, 0.2))
    circuit.connect("a", "a", kernel, synapse=pulse, weight=weight, name="scaled")
    delays = ns.Uniform(0 * ms, 3 * ms)
    circuit.connect("b", "b", ns.Convolution(1), receptor="v", weight=weight, delay=delays, name="late")
    held_against_steps(circuit, train(12, 3), 1e-12, 1e-10)


@st.composite
def drawn_grids(draw: Any) -> ns.Circuit:
    """Draw the geometry of :func:`grids`."""
    groups, dimensions = draw(st.sampled_from([1, 2])), draw(st.integers(1, 3))
    shape = (groups * draw(st.integers(1, 2)), *(draw(st.integers(3, 6)) for _ in range(dimensions)))
    return grids(
        shape, groups * draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 2)),
        draw(st.integers(1, 2)), groups, (draw(st.integers(0, 3)), draw(st.integers(0, 3))),
        draw(st.sampled_from([0.0, 1.0, 10.0])), draw(st.integers(0, 100)),
    )  # fmt: skip


@given(drawn_grids(), st.integers(1, 7), st.integers(1, 9), st.sampled_from([0.0, 0.3, 1.0]))
@settings(max_examples=8, derandomize=True, **QUIET)
def test_loops_and_steps_agree_for_any_geometry(circuit: ns.Circuit, steps: int, batch: int, density: float) -> None:
    with patch.object(scan, "compiled", interpreted):
        held_against_steps(circuit, train(steps, batch, density), 1e-12, 1e-10)
