"""Derivatives by what a run starts from, and by the parameters of adaptation, against finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import neurosim as ns
from backends.snntorch.networks import RECORD, STEPS, differences, gradients, mixed, mixed_inputs, scalar
from neurosim.recording import State
from neurosim.units import ms, mV, nA

RELAXED = {"backend": "snntorch", "dtype": "float64", "relaxed": True}


def adaptive() -> ns.Circuit:
    """Return neurons whose spikes raise a current against them and their own threshold."""
    model = ns.NeuronModel(
        """
        dv/dt = (drive - v - w)/tau : 1
        dw/dt = (a*v - w)/tau_w : 1
        dtheta/dt = -theta/tau_theta : 1
        """,
        threshold="v > 1 + theta",
        reset="v = 0; w += b; theta += beta",
        parameters={
            "drive": 1.6, "tau": 8 * ms, "tau_w": 30 * ms, "a": 0.1, "b": 0.3, "tau_theta": 20 * ms, "beta": 0.2,
        },
        method="euler",
    )  # fmt: skip
    circuit = ns.Circuit("adaptive", dt=1 * ms, seed=2)
    circuit.population("h", 2, model, initial={"v": ns.Uniform(0.0, 0.9), "w": ns.Uniform(0.0, 0.2)})
    return circuit


def exponential() -> ns.Circuit:
    """Return the library's neuron with adaptation, in volts and amperes."""
    circuit = ns.Circuit("exponential", dt=0.5 * ms, seed=2)
    model = ns.models.adaptive_exponential(tau_w=40 * ms)
    circuit.population("h", 2, model, initial={"v": ns.Uniform(-65 * mV, -55 * mV)})
    circuit.inject("drive", "h", "i_ext", ns.Step(1.0 * nA))
    return circuit


@pytest.mark.parametrize(
    ("make", "names", "units"),
    [
        (adaptive, ("a", "b", "tau_w", "beta", "tau_theta"), {"v": 1.0, "w": 1.0, "theta": 1.0}),
        (exponential, ("a", "b", "tau_w", "delta_t", "v_t"), {"v": 0.05, "w_adapt": 1e-10}),
    ],
    ids=["threshold and current", "adaptive exponential"],
)
def test_parameters_of_adaptation(
    make: Callable[[], ns.Circuit], names: tuple[str, ...], units: dict[str, float]
) -> None:
    marks = {f"h.{name}": ns.Trainable(per="neuron") for name in names}
    module: Any = ns.compile(make(), trainable=marks, **RELAXED)

    def loss() -> Tensor:
        outputs, _ = module(steps=25, record={"h": ["spikes", *units]})
        return scalar({"h": {name: value / units.get(name, 1.0) for name, value in outputs["h"].items()}})

    with torch.no_grad():
        assert module(steps=25, record={"h": "spikes"})[0]["h"]["spikes"].max() > 0.1  # of at most 1
    found, expected = gradients(module, loss), differences(module, loss)
    assert set(found) == set(marks)
    for name, value in found.items():
        assert np.all(value != 0), name
        np.testing.assert_allclose(value, expected[name], rtol=2e-6, atol=2e-7, err_msg=name)


def state_of(module: Any, inputs: dict[str, Tensor]) -> State:
    """Return a state in the middle of things, each array with gradients where it is of real numbers."""
    with torch.no_grad():
        _, state = module({name: value[:4] for name, value in inputs.items()})
    return state.map(lambda array: array.clone().requires_grad_(array.is_floating_point()))


@pytest.mark.parametrize("learned", [False, True], ids=["fixed delays", "learned delays"])
def test_initial_states_and_spikes_under_way(learned: bool) -> None:
    marks = {"in_to_h.weight": ns.Trainable()}
    if learned:
        marks["h_to_h.delay"] = ns.Trainable(bounds=(0 * ms, 4 * ms))
    module: Any = ns.compile(mixed(), trainable=marks, **RELAXED)
    if learned:
        with torch.no_grad():
            module.get_parameter("h_to_h.delay").add_(0.3)
    inputs = mixed_inputs(batch=1)
    start = state_of(module, inputs)
    rest = {name: value[4:] for name, value in inputs.items()}

    def loss(state: State) -> Tensor:
        return scalar(module(rest, state, record=RECORD)[0])

    arrays = {address: array for address, array in start.arrays() if array.requires_grad and "last" not in address}
    slopes = dict(zip(arrays, torch.autograd.grad(loss(start), list(arrays.values())), strict=True))
    assert {"h.v", "h.x", "out.v", "in.spikes", "h.spikes"} <= set(slopes)
    step = 1e-6
    for address, array in arrays.items():
        assert slopes[address].abs().max() > 0, address
        flat = array.detach().view(-1)
        for index in range(flat.numel()):
            before, ends = float(flat[index]), []
            for sign in (1, -1):
                with torch.no_grad():
                    flat[index] = before + sign * step
                    ends.append(loss(start).item())
            flat[index] = before
            expected = (ends[0] - ends[1]) / (2 * step)
            assert slopes[address].reshape(-1)[index].item() == pytest.approx(expected, rel=1e-6, abs=1e-8), address


def test_noise_is_differentiated_through_as_a_number() -> None:
    """A trainable size of the noise: the draws are the same each time, whatever is trained."""
    model = ns.NeuronModel(
        "dv/dt = (0.8 - v)/tau + sigma*xi*tau**-0.5 : 1",
        threshold="v > 1",
        reset="v = 0",
        parameters={"tau": ns.Trainable(8 * ms), "sigma": ns.Trainable(0.4)},
    )
    circuit = ns.Circuit("noisy", dt=1 * ms, seed=3)
    circuit.population("h", 4, model)
    module: Any = ns.compile(circuit, **RELAXED)

    def loss() -> Tensor:
        return scalar(module(steps=STEPS, record={"h": ["spikes", "v"]}, seed=7)[0])

    found, expected = gradients(module, loss), differences(module, loss)
    for name in ("h.tau", "h.sigma"):
        assert found[name] != 0
        np.testing.assert_allclose(found[name], expected[name], rtol=2e-6)
