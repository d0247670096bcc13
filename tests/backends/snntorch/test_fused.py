"""Compiled loops do what torch's operations do, forward and backward."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import Tensor

import neurosim as ns
from backends.random_circuits import circuits
from neurosim.backends.inputs import Inputs
from neurosim.backends.snntorch import compiled_modules
from neurosim.errors import BackendError
from neurosim.units import ms

STEPS, BATCH = 30, 3


def chain() -> ns.Circuit:
    """Return layers of three kinds: with synapses and a refractory period, a map, one driven from outside."""
    circuit = ns.Circuit("chain", dt=1 * ms, seed=3)
    circuit.source("in", ns.SpikeSource(10))
    rests = ns.models.lif(
        tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, tau_ref=3 * ms, receptors={"s": 5 * ms}
    )
    circuit.population("first", 7, rests, initial={"v": ns.Uniform(0, 0.5)})
    circuit.population("second", 6, ns.models.izhikevich(), initial={"v": -60.0})
    plain = ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0)
    circuit.population("third", 6, plain, parameters={"tau_mem": ns.Uniform(5 * ms, 20 * ms)})
    circuit.population("out", 3, ns.models.leaky_integrator(tau_mem=20 * ms))
    weights = {
        ("in", "first", "s"): (0.4, 0.2), ("first", "second", "i_syn"): (0, 0), ("first", "third", "v"): (0.3, 0.3),
        ("in", "third", "v"): (0.1, 0.2), ("third", "out", "v"): (0, 0.4),
    }  # fmt: skip
    for (pre, post, receptor), (mean, spread) in weights.items():
        if post == "second":
            receptor = "v"
            mean, spread = 20.0, 5.0
        circuit.connect(
            pre, post, ns.AllToAll(), receptor=receptor, weight=ns.Trainable(ns.Normal(mean, spread)),
            delay=ns.Trainable(ns.Uniform(0 * ms, 5 * ms), bounds=(0 * ms, 5 * ms)) if pre == "in" else 1 * ms,
        )  # fmt: skip
    circuit.connect("second", "out", ns.AllToAll(), receptor="v", weight=0.1)
    third = circuit.populations["third"]
    circuit.inject("current", third[2:5], "i_ext", ns.Step(0.2, start=3 * ms))
    circuit.poisson("background", "third", receptor="v", count=20, rate=10 * ns.units.Hz, weight=0.1)
    return circuit


MARKS = {
    "first.tau_mem": ns.Trainable(per="neuron"), "second.a": ns.Trainable(), "third.v_threshold": ns.Trainable(),
    "third.tau_mem": ns.Trainable(per="neuron"), "out.tau_mem": ns.Trainable(), "background.weight": ns.Trainable(),
}  # fmt: skip
RECORD = {"first": ["spikes", "v", "s"], "second": ["spikes", "u"], "third": ["spikes", "v"], "out": "v"}


def called(fused: str, **options: Any) -> tuple[dict[str, Tensor], dict[str, Tensor], ns.State]:
    """Return outputs and gradients of a call, and the state that it ends in."""
    module = ns.compile(chain(), backend="snntorch", fused=fused, trainable=MARKS, **options)
    x = torch.rand(STEPS, BATCH, 10, generator=torch.Generator().manual_seed(1)) < 0.15
    found, state = module({"in": x}, record=RECORD, seed=4)
    outputs = {f"{name}.{key}": value for name, values in found.items() for key, value in values.items()}
    loss = state.variables["third"]["v"].sum()
    for value in outputs.values():
        weights = torch.linspace(0.5, 1, value.numel(), dtype=value.dtype).reshape(value.shape)
        loss = loss + (value.square() * weights).mean()
    loss.backward()
    gradients = {key: parameter.grad for key, parameter in module.named_parameters()}
    return outputs, gradients, state


def custom(argument: Tensor) -> Tensor:
    """Return a surrogate that nobody knows: a straight line through the threshold."""
    return argument * 0.3


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        ({"dtype": "float64"}, 1e-11),
        ({"dtype": "float32", "surrogate": "fast_sigmoid"}, 2e-5),
        ({"dtype": "float64", "surrogate": custom}, 1e-11),
    ],
    ids=["atan", "fast_sigmoid", "custom"],
)
def test_loops_and_steps_agree(options: dict[str, Any], tolerance: float) -> None:
    loops, steps = called("always", **options), called("never", **options)
    for key, value in steps[0].items():
        assert torch.equal(loops[0][key], value), key
    assert {key for key in steps[0] if key.endswith("spikes") and steps[0][key].sum() > 5} == {
        "first.spikes", "second.spikes", "third.spikes",
    }  # fmt: skip
    for key, gradient in steps[1].items():
        assert gradient.norm() > 0, key
        assert (loops[1][key] - gradient).norm() <= tolerance * gradient.norm(), key
    for (address, ours), (_, theirs) in zip(loops[2].arrays(), steps[2].arrays(), strict=True):
        assert torch.equal(torch.as_tensor(ours), torch.as_tensor(theirs)), address


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            results.append(called("always", dtype="float32", surrogate="fast_sigmoid"))
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(torch.equal(other[0][key], value) for key, value in results[0][0].items())
        assert all(torch.equal(other[1][key], value) for key, value in results[0][1].items())


def test_a_module_says_which_parts_are_stepped_and_why() -> None:
    circuit = chain()
    circuit.connect("third", "third", ns.AllToAll(), receptor="v", weight=0.1, delay=1 * ms)
    module = ns.compile(circuit, backend="snntorch")
    reasons = {component.populations: reason for component, reason in module.stepped.items()}
    assert reasons[("first",)] is None
    assert reasons[("third",)] is None
    assert reasons[("in",)] == "in has no state"
    never = ns.compile(chain(), backend="snntorch", fused="never")
    assert set(never.stepped.values()) == {'fused="never"'}
    with pytest.raises(BackendError, match="Did you mean 'always'"):
        ns.compile(chain(), backend="snntorch", fused="allways")


def test_a_copy_of_a_module_shares_its_loops() -> None:
    module = ns.compile(chain(), backend="snntorch", fused="always")
    x = torch.rand(8, 2, 10) < 0.3
    expected = module({"in": x})[0]["out"]["v"]
    other = copy.deepcopy(module)
    with torch.no_grad():
        other.get_parameter("third_to_out.weight").zero_()
    assert torch.equal(module({"in": x})[0]["out"]["v"], expected)
    assert not torch.equal(other({"in": x})[0]["out"]["v"], expected)


def test_small_calls_are_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosim.backends.snntorch.paths.component_loops", None)
    module = ns.compile(chain(), backend="snntorch")
    module({"in": torch.zeros(5, 1, 10)})


def test_a_folder_that_cannot_be_written_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("NEUROSIM_CACHE", str(blocked))
    folder = compiled_modules.kernel_folder()
    assert os.access(folder, os.W_OK)
    assert folder != blocked / "kernels"
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path / "cache"))
    assert compiled_modules.kernel_folder() == tmp_path / "cache" / "kernels"


@pytest.mark.slow
@given(circuits())
@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
def test_loops_and_steps_agree_on_random_circuits(drawn: tuple[ns.Circuit, dict[str, Any]]) -> None:
    circuit, inputs = drawn
    fed = Inputs(circuit, inputs, start=0, n_steps=40, trials=1, seed=5)
    shapes = {name: circuit.populations[name].shape for name in fed.targets if name in circuit.populations}
    shapes.update({name: (-1,) for name in circuit.injections})
    rows = {name: np.array(fed.rows(name, 0, 40)).reshape(40, 1, *shape) for name, shape in shapes.items()}
    ends = []
    for fused in ("never", "always"):
        module = ns.compile(circuit, backend="snntorch", dtype="float64", fused=fused)
        with torch.no_grad():
            ends.append(module(rows, steps=40, seed=5)[1])
    for (address, ours), (_, theirs) in zip(ends[1].arrays(), ends[0].arrays(), strict=True):
        assert torch.allclose(
            torch.as_tensor(ours).double(), torch.as_tensor(theirs).double(), rtol=1e-9, atol=1e-12, equal_nan=True
        ), address
