"""Backpropagation against finite differences, on the smooth variant of a network, for every kind of trainable value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from backends.snntorch.networks import RECORD, STEPS, differences, gradients, mixed, mixed_inputs, plain_lif, scalar
from neurosim.units import ms

RELAXED = {"backend": "snntorch", "dtype": "float64", "relaxed": True}


def check(module: Any, inputs: dict[str, torch.Tensor], record: Any = RECORD) -> dict[str, np.ndarray]:
    """Compare all derivatives; return them."""

    def loss() -> torch.Tensor:
        return scalar(module(inputs, record=record)[0])

    found, expected = gradients(module, loss), differences(module, loss)
    assert found
    for name, value in found.items():
        np.testing.assert_allclose(value, expected[name], rtol=2e-6, atol=2e-8, err_msg=name)
        assert np.all(value != 0) or value.size > 4, f"{name} does not matter"
    return found


def joined(outputs: list[Any]) -> Any:
    """Return the outputs of several calls as those of one."""
    return {
        name: {key: torch.cat([output[name][key] for output in outputs]) for key in found}
        for name, found in outputs[0].items()
    }


MARKS = {
    "weights per edge, one by one": ("in_to_h.weight", ns.Trainable()),
    "recurrent weights per edge": ("h_to_h.weight", ns.Trainable()),
    "weights per edge, as a matrix": ("h_to_out.weight", ns.Trainable()),
    "weights per pre": ("h_to_h.weight", ns.Trainable(per="pre")),
    "weights per post": ("h_to_h.weight", ns.Trainable(per="post")),
    "weights per pre of all pairs": ("h_to_out.weight", ns.Trainable(per="pre")),
    "one weight for all": ("h_to_out.weight", ns.Trainable(0.3, per="all")),
    "graded weights per edge": ("level_to_h.weight", ns.Trainable()),
    "graded weights as a matrix": ("level_to_out.weight", ns.Trainable()),
    "graded weights per post": ("level_to_h.weight", ns.Trainable(per="post")),
    "tau of all neurons": ("h.tau_mem", ns.Trainable()),
    "tau of each neuron": ("h.tau_mem", ns.Trainable(per="neuron")),
    "tau of a receptor": ("h.tau_x", ns.Trainable()),
    "threshold of all neurons": ("h.v_threshold", ns.Trainable()),
    "threshold of each neuron": ("h.v_threshold", ns.Trainable(per="neuron")),
    "reset": ("h.v_reset", ns.Trainable(0.1)),
    "rest of each neuron": ("h.v_leak", ns.Trainable([0.1, 0.2, -0.1, 0.3, 0.05])),
}


@pytest.mark.parametrize("title", MARKS)
def test_against_finite_differences(title: str) -> None:
    address, mark = MARKS[title]
    module = ns.compile(mixed(), trainable={address: mark}, **RELAXED)
    assert list(dict(module.named_parameters())) == [address]
    check(module, mixed_inputs())


def test_all_at_once_and_through_a_weight_of_one_pulse() -> None:
    """Several values that act on each other; single arrivals instead of the matrix give the same derivatives."""
    marks = {
        name: ns.Trainable()
        for name in ("in_to_h.weight", "h_to_h.weight", "h_to_out.weight", "h.tau_mem", "h.v_threshold")
    }
    inputs = mixed_inputs()
    found = check(ns.compile(mixed(), trainable=marks, **RELAXED), inputs)
    module = ns.compile(mixed(), trainable=marks, propagation="ordered", **RELAXED)
    assert module.part("h_to_out").by_matrix is False
    ordered = gradients(module, lambda: scalar(module(inputs, record=RECORD)[0]))
    for name, value in ordered.items():
        matrix = found[name].T.reshape(-1) if name == "h_to_out.weight" else found[name]
        np.testing.assert_allclose(value, matrix, rtol=1e-10)


def with_one_weight(tie: str | None) -> Any:
    mark = ns.Trainable(0.4, per="all", tie=tie)
    return ns.compile(mixed().replace({"in_to_h.weight": mark, "h_to_h.weight": mark}), **RELAXED)


def test_tied_weights_add_their_derivatives() -> None:
    (tied,) = check(with_one_weight("w"), mixed_inputs()).values()
    apart = with_one_weight(None)
    parts = gradients(apart, lambda: scalar(apart(mixed_inputs(), record=RECORD)[0]))
    assert len(parts) == 2
    assert sum(parts.values()) == pytest.approx(tied, rel=1e-10)


def test_parameters_of_a_synapse() -> None:
    """A graded synapse with a trainable reversal, and a pulse with a gain of its own that reads the sender."""
    circuit = ns.Circuit("synapses", dt=1 * ms, seed=4)
    circuit.source("level", ns.SignalSource(3))
    circuit.population("h", 3, plain_lif(), initial={"v": ns.Uniform(0.0, 0.9)})
    circuit.population("out", 2, ns.models.leaky_integrator(tau_mem=10 * ms))
    pull = ns.SynapseModel(
        "i_ext_post = w*signal_pre*(reversal - v_post) : 1 (summed)", parameters={"reversal": ns.Trainable(2.0)}
    )
    circuit.connect("level", "h", ns.AllToAll(), synapse=pull, weight=ns.Trainable(ns.Uniform(0.1, 0.9)))
    kick = ns.SynapseModel(on_pre="v_post += gain*w*v_pre", parameters={"gain": ns.Trainable(0.7)})
    circuit.connect("h", "out", ns.AllToAll(), synapse=kick, weight=0.5, delay=2 * ms)
    found = check(ns.compile(circuit, **RELAXED), {"level": mixed_inputs()["level"]})
    assert set(found) == {"level_to_h.weight", "level_to_h.reversal", "h_to_out.gain"}


def test_a_parameter_of_a_neuron_that_only_a_synapse_reads() -> None:
    circuit = ns.Circuit("gain", dt=1 * ms, seed=4)
    model = ns.NeuronModel(
        "dv/dt = (1.4 - v)/(8*ms) : 1", threshold="v > 1", reset="v = 0", parameters={"gain": ns.Trainable(0.4)}
    )
    circuit.population("h", 3, model, initial={"v": ns.Uniform(0.0, 0.9)})
    circuit.population("out", 2, ns.models.leaky_integrator(tau_mem=10 * ms))
    kick = ns.SynapseModel(on_pre="v_post += gain_pre*w")
    circuit.connect("h", "out", ns.AllToAll(), synapse=kick, weight=0.5, delay=1 * ms)
    weigh = ns.SynapseModel("i_ext_post = w*gain_pre : 1 (summed)")
    circuit.connect("h", "out", ns.AllToAll(), synapse=weigh, weight=ns.Uniform(0.0, 1.0), name="level")
    module = ns.compile(circuit, **RELAXED)
    assert module.part("level").by_matrix is True

    def loss() -> torch.Tensor:
        return scalar(module(steps=STEPS, record={"out": "v"})[0])

    np.testing.assert_allclose(gradients(module, loss)["h.gain"], differences(module, loss)["h.gain"], rtol=1e-6)


def test_through_carried_state() -> None:
    """Two calls that hand over the state, spikes in flight included, have the gradients of one."""
    marks = {name: ns.Trainable() for name in ("in_to_h.weight", "h_to_h.weight", "h.tau_mem")}
    module = ns.compile(mixed(), trainable=marks, **RELAXED)
    inputs = mixed_inputs()

    def whole() -> torch.Tensor:
        return scalar(module(inputs, record=RECORD)[0])

    def split() -> torch.Tensor:
        state, outputs = None, []
        for first, last in ((0, 5), (5, 6), (6, STEPS)):
            out, state = module({name: value[first:last] for name, value in inputs.items()}, state, record=RECORD)
            outputs.append(out)
        return scalar(joined(outputs))

    assert torch.equal(whole(), split())
    expected = gradients(module, whole)
    for name, value in gradients(module, split).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-12)


def test_detached_state_stops_the_gradient() -> None:
    module = ns.compile(mixed(), trainable={"in_to_h.weight": ns.Trainable()}, **RELAXED)
    inputs = mixed_inputs()
    _, state = module({name: value[:7] for name, value in inputs.items()})
    rest = {name: value[7:] for name, value in inputs.items()}

    def loss(start: Any) -> torch.Tensor:
        return scalar(module(rest, start, record=RECORD)[0])

    through = gradients(module, lambda: loss(state))["in_to_h.weight"]
    cut = gradients(module, lambda: loss(state.map(lambda array: torch.as_tensor(array).detach())))["in_to_h.weight"]
    assert not np.allclose(through, cut)


def test_the_surrogate_path_is_differentiated_the_same_way_in_one_call_and_in_two() -> None:
    marks = {name: ns.Trainable() for name in ("in_to_h.weight", "h_to_h.weight", "h.tau_mem", "h.v_threshold")}
    module = ns.compile(mixed(), trainable=marks, dtype="float64")
    inputs = mixed_inputs()

    def split() -> torch.Tensor:
        out_1, state = module({name: value[:6] for name, value in inputs.items()}, record=RECORD)
        out_2, _ = module({name: value[6:] for name, value in inputs.items()}, state, record=RECORD)
        return scalar(joined([out_1, out_2]))

    expected = gradients(module, lambda: scalar(module(inputs, record=RECORD)[0]))
    for name, value in gradients(module, split).items():
        assert np.abs(value).max() > 0
        np.testing.assert_allclose(value, expected[name], rtol=1e-6)
