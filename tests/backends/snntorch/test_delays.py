"""Delays that are learned: real in training, whole steps in simulation, and the way back into the circuit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.errors import UnsupportedError
from neurosim.units import ms


def network(per: Any = None, *, delay: Any = None, seed: int = 0) -> ns.Circuit:
    """Return inputs, a hidden layer behind learned delays, and a readout."""
    circuit = ns.Circuit("delays", dt=1 * ms, seed=seed)
    circuit.source("in", ns.SpikeSource(6))
    circuit.population("hidden", 8, ns.models.lif(tau_mem=5 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0))
    circuit.population("out", 2, ns.models.leaky_integrator(tau_mem=10 * ms))
    if delay is None:
        delay = ns.Trainable(ns.Uniform(0 * ms, 12 * ms), bounds=(0 * ms, 12 * ms), per=per)
    circuit.connect("in", "hidden", ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(0.4, 0.3)), delay=delay)
    circuit.connect("hidden", "out", ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(0, 0.5)), delay=2 * ms)
    return circuit


def spikes(steps: int = 40, batch: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return (torch.rand(steps, batch, 6, generator=generator) < 0.15).double()


def compiled(circuit: ns.Circuit, **options: Any) -> Any:
    return ns.compile(circuit, backend="snntorch", dtype="float64", **options)


def set_delay(module: Any, values: torch.Tensor) -> None:
    with torch.no_grad():
        module.get_parameter("in_to_hidden.delay").copy_(values)


@pytest.mark.parametrize("per", [None, "pre", "post", "all"])
def test_an_untrained_module_is_its_circuit(per: Any) -> None:
    learned = network(per)
    fixed = network(delay=learned.edges("in_to_hidden").delay * 1e3 * ms)
    both = [compiled(circuit)({"in": spikes()})[0]["out"]["v"] for circuit in (learned, fixed)]
    assert both[0].abs().max() > 0.1
    assert torch.allclose(both[0], both[1], rtol=1e-12, atol=0)
    shape = {None: (48,), "pre": (6,), "post": (8,), "all": ()}[per]
    assert compiled(learned).get_parameter("in_to_hidden.delay").shape == shape


def test_between_two_steps_a_spike_is_seen_in_both() -> None:
    circuit = ns.Circuit("taps", dt=1 * ms)
    circuit.source("in", ns.SpikeSource(1))
    circuit.population("out", 1, ns.NeuronModel("x : 1"))
    mark = ns.Trainable(3 * ms, bounds=(0 * ms, 5 * ms))
    circuit.connect("in", "out", ns.OneToOne(), receptor="x", weight=2.0, delay=mark)
    module = compiled(circuit)
    with torch.no_grad():
        module.get_parameter("in_to_out.delay").fill_(3.25)
    fired = torch.zeros(10, 1, 1, dtype=torch.float64)
    fired[1] = 1.0
    out, _ = module({"in": fired}, record={"out": "x"})
    assert out["out"]["x"].flatten().tolist() == [0] * 4 + [1.5] + [2.0] * 5
    out["out"]["x"][4].sum().backward()  # later steps hold both taps, whatever the delay
    assert module.get_parameter("in_to_out.delay").grad.item() == -2.0
    out, _ = module.eval()({"in": fired}, record={"out": "x"})
    assert out["out"]["x"].flatten().tolist() == [0] * 4 + [2.0] * 6


@pytest.mark.parametrize("per", [None, "pre", "post"])
def test_gradients_equal_finite_differences(per: Any) -> None:
    module = compiled(network(per), relaxed=True)
    parameter = module.get_parameter("in_to_hidden.delay")
    generator = torch.Generator().manual_seed(5)
    start = torch.rand(parameter.shape, generator=generator, dtype=torch.float64) * 10 + 0.5
    start = start.floor() + 0.2 + 0.6 * (start - start.floor())  # the taps bend at whole steps
    set_delay(module, start)
    x = spikes(25)

    def loss() -> torch.Tensor:
        value: torch.Tensor = (module({"in": x})[0]["out"]["v"] ** 2).sum()
        return value

    loss().backward()
    step = 1e-6
    for index in range(0, parameter.numel(), 5):
        ends = []
        for sign in (1, -1):
            moved = start.clone()
            moved.view(-1)[index] += sign * step
            set_delay(module, moved)
            with torch.no_grad():
                ends.append(loss().item())
        difference = (ends[0] - ends[1]) / (2 * step)
        assert parameter.grad.view(-1)[index].item() == pytest.approx(difference, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("per", [None, "pre", "post"])
def test_a_trained_circuit_gives_the_same_spikes_on_brian2(per: Any) -> None:
    module = compiled(network(per))
    x = spikes(60, batch=1)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.3)
    for _ in range(4):
        optimiser.zero_grad()
        out, _ = module({"in": x})
        (out["out"]["v"][-1] - torch.tensor([1.0, -1.0])).square().sum().backward()
        optimiser.step()
        module.project()
    moved = module.delay_rounding()["in_to_hidden"]
    assert 0 < moved.mean <= moved.largest <= 0.5
    assert moved.changed > 0.5
    parameter = module.get_parameter("in_to_hidden.delay")
    assert parameter.min() >= 0
    assert parameter.max() <= 12
    trained = module.to_circuit()
    assert not np.array_equal(trained.edges("in_to_hidden").steps, network(per).edges("in_to_hidden").steps)
    inputs = {"in": x[:, 0].numpy() > 0}
    record = {"hidden": "spikes", "out": "v"}
    brian2 = ns.simulate(trained, 60 * ms, backend="brian2", inputs=inputs, record=record)
    torch_run = module.run(60 * ms, inputs=inputs, record=record)
    assert len(brian2.spikes["hidden"]) > 10
    assert np.array_equal(brian2.spikes["hidden"].times, torch_run.spikes["hidden"].times)
    assert np.array_equal(brian2.spikes["hidden"].neurons, torch_run.spikes["hidden"].neurons)
    assert np.array_equal(brian2.traces["out"]["v"].values, torch_run.traces["out"]["v"].values)
    evaluated, _ = module.eval()({"in": x}, record={"hidden": "spikes"})
    assert int(evaluated["hidden"]["spikes"].sum()) == len(brian2.spikes["hidden"])


def test_a_sequence_in_two_parts_keeps_what_is_under_way() -> None:
    module = compiled(network())
    set_delay(module, torch.linspace(0, 11.7, 48, dtype=torch.float64))
    x = spikes(30)
    whole, _ = module({"in": x})
    first, state = module({"in": x[:11]})
    rest, _ = module({"in": x[11:]}, state)
    joined = torch.cat([first["out"]["v"], rest["out"]["v"]])
    assert torch.equal(joined, whole["out"]["v"])


def test_delays_of_recurrent_connections_are_learned() -> None:
    circuit = ns.Circuit("recurrent", dt=1 * ms, seed=2)
    circuit.source("in", ns.SpikeSource(6))
    circuit.population("cells", 8, ns.models.lif(tau_mem=5 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0))
    circuit.connect("in", "cells", ns.AllToAll(), receptor="v", weight=ns.Normal(0.5, 0.2))
    mark = ns.Trainable(ns.Uniform(1 * ms, 9 * ms), bounds=(1 * ms, 9 * ms))
    circuit.connect("cells", "cells", ns.FixedProbability(0.5), receptor="v", weight=ns.Normal(0.2, 0.2), delay=mark)
    module = compiled(circuit)
    out, _ = module({"in": spikes()}, record={"cells": ["spikes", "v"]})
    out["cells"]["v"].square().sum().backward()
    gradient = module.get_parameter("cells_to_cells.delay").grad
    assert torch.isfinite(gradient).all()
    assert (gradient != 0).float().mean() > 0.5


def test_what_cannot_be_learned_is_said() -> None:
    with pytest.raises(UnsupportedError, match=r"say how long it may become.*bounds=\(0\*ms, 12\*ms\)"):
        compiled(network(delay=ns.Trainable(np.full(48, 12.0) * ms)))
    circuit = network()
    rule = ns.models.tsodyks_markram()
    mark = ns.Trainable(1 * ms, bounds=(0 * ms, 3 * ms))
    circuit.connect("in", "out", ns.AllToAll(), receptor="v", synapse=rule, weight=0.1, delay=mark)
    with pytest.raises(UnsupportedError, match="delays are learned where edges have no state of their own"):
        compiled(circuit)


@pytest.mark.parametrize("recurrent", [False, True])
def test_at_its_bounds_a_delay_feels_the_way_it_can_move(recurrent: bool) -> None:
    """At the longest delay from below, at none from above; cutting the sequence changes nothing."""
    circuit = network()
    if recurrent:
        delay = ns.Trainable(3 * ms, bounds=(0 * ms, 3 * ms), per="edge")
        circuit.connect("hidden", "hidden", ns.AllToAll(), receptor="v", weight=0.1, delay=delay, name="loop")
    module = compiled(circuit, relaxed=True)
    address = "loop.delay" if recurrent else "in_to_hidden.delay"
    longest = 3.0 if recurrent else 12.0
    parameter = module.get_parameter(address)
    x = spikes(25)

    def gradient(delay: float, cut: int | None = None) -> torch.Tensor:
        with torch.no_grad():
            parameter.fill_(delay)
        module.zero_grad()
        if cut is None:
            value = module({"in": x})[0]["out"]["v"]
        else:
            first, state = module({"in": x[:cut]})
            value = torch.cat([first["out"]["v"], module({"in": x[cut:]}, state)[0]["out"]["v"]])
        value.square().sum().backward()
        assert parameter.grad is not None
        return parameter.grad.clone()

    for at, beside in ((longest, longest - 1e-9), (0.0, 1e-9)):
        assert torch.allclose(gradient(at), gradient(beside), rtol=1e-6, atol=1e-9)
    assert torch.allclose(gradient(longest), gradient(longest, cut=11), rtol=1e-10, atol=1e-12)
