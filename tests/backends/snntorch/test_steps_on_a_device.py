"""A step on another device does not wait for the host: nothing is fetched, and no array is sent.

The device is torch's `meta`, which has shapes and no values: whatever wanted a value would fail.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import neurosim as ns
from neurosim.backends.snntorch.stepper import Stepper
from neurosim.backends.states import initial_state
from neurosim.units import ms


class OnTheHost(TorchDispatchMode):
    """Collects the operations that touch more than one number on the host."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves((args, kwargs, result)) if isinstance(leaf, Tensor)]
        # A single number of the host travels as an argument of the kernel.
        if any(tensor.device.type == "cpu" and tensor.ndim > 0 for tensor in tensors):
            self.found.append(str(func))
        return result


def loop() -> ns.Circuit:
    """Return populations that reach each other: refractory, with a clip, a time, and delays."""
    circuit = ns.Circuit("loop", dt=1 * ms, seed=3)
    rests = ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, tau_ref=3 * ms)
    clipped = ns.NeuronModel(
        "dv/dt = (clip(v, -1, 1) * sin(t/(5*ms)) - v)/(10*ms) : 1\nw = 2*v : 1", threshold="v > 1", reset="v = 0"
    )
    circuit.population("a", 7, rests, initial={"v": ns.Uniform(0, 0.9)})
    circuit.population("b", 5, clipped)
    circuit.connect("a", "b", ns.FixedProbability(0.5), receptor="v", weight=ns.Normal(0.3, 0.1),
                    delay=ns.Uniform(0 * ms, 3 * ms))  # fmt: skip
    circuit.connect("b", "a", ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(0.3, 0.1)),
                    delay=ns.Trainable(ns.Uniform(0 * ms, 3 * ms), bounds=(0 * ms, 3 * ms)))  # fmt: skip
    return circuit


def test_a_step_stays_on_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosim.backends.snntorch.module.checked_device", torch.device)
    module = ns.compile(loop(), backend="snntorch", fused="never").to("meta")
    stepper = Stepper(module, initial_state(module.circuit, module.program, 0, 3), exact=False, events=False)
    stepper.step({}, {})  # indices of edges are made when they are first asked for
    made = torch.tensor

    def counted(data: Any, *, device: Any = None, **options: Any) -> Tensor:
        assert device is None or torch.device(device).type == "cpu", "a number is copied to the device"
        return made(data, **options)

    monkeypatch.setattr(torch, "tensor", counted)
    with OnTheHost() as host:
        for _ in range(5):
            stepper.step({}, {})
            assert stepper.value("b", "w").device.type == "meta"
    assert host.found == []
    with OnTheHost() as host:
        torch.ones(2) + 1
    assert host.found, "the test would see what happens on the host"
