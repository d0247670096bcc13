from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from neurosim.circuits.delay_snn import order_detection
from neurosim.circuits.delay_snn.circuit import build, layer_names
from neurosim.circuits.delay_snn.deployment import SCHEDULE, WRONG_SCHEDULE, simulate_by_hand, spikes_of
from neurosim.circuits.delay_snn.schedule import cosine, one_cycle, width
from neurosim.circuits.delay_snn.sizes import PUBLISHED, Size, of_equal_size
from neurosim.errors import CircuitError
from neurosim.units import Hz, ms


def small(**changes: Any) -> ns.Circuit:
    return build(**{"inputs": 20, "hidden": (16, 12), "outputs": 4, "v_threshold": 0.7, **changes})


def spikes(steps: int = 80, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((steps, 20)) < 0.2


# -- sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes(name: str) -> None:
    size, trained = PUBLISHED[name]
    assert size.trained == trained


def test_the_smallest_published_network_has_as_many_parameters_as_published() -> None:
    module = ns.compile(build(), backend="snntorch")
    counts = {name: value.numel() for name, value in module.named_parameters()}
    assert sum(count for name, count in counts.items() if "hidden" in name) == 2 * (140 * 256 + 256 * 256 + 256 * 20)
    assert sum(counts.values()) + 2 * (256 + 256) == 214_016


def test_networks_of_equal_size() -> None:
    size = Size(140, (64, 64), 20)
    for delays in ("random", "none"):
        other = of_equal_size(size, delays)
        assert other.delays == delays
        assert other.hidden[0] > 80
        assert abs(other.trained - size.trained) < 0.02 * size.trained
        steps = [of_equal_size(Size(140, (n, n), 20), delays).hidden for n in (64, 65)]
        assert steps[0] < steps[1]
    assert of_equal_size(size, "learned") == size
    with pytest.raises(CircuitError, match="hidden layers are alike"):
        of_equal_size(Size(140, (64, 32), 20), "none")


# -- the circuit ------------------------------------------------------------------------------------------------------


def test_layers_and_delays() -> None:
    circuit = small()
    assert tuple(circuit.populations) == layer_names(2)
    assert circuit.trainables().keys() == {
        f"{pre}_to_{post}.{what}"
        for pre, post in (("in", "hidden1"), ("hidden1", "hidden2"), ("hidden2", "out"))
        for what in ("weight", "delay")
    }
    edges = circuit.edges("in_to_hidden1")
    assert (edges.steps.min(), edges.steps.max()) == (0, 24)
    assert abs(edges.steps.mean() - 12) < 1.5
    assert np.abs(edges.weight).max() == pytest.approx(np.sqrt(6 / 20), rel=0.02)
    fixed = small(delays="random")
    np.testing.assert_array_equal(fixed.edges("in_to_hidden1").steps, edges.steps)
    assert all(address.endswith(".weight") for address in fixed.trainables())
    assert not small(delays="none").edges("in_to_hidden1").steps.any()


def test_two_synapses_for_every_pair() -> None:
    edges = small(kernels=2).edges("hidden1_to_hidden2")
    assert len(edges.pre) == 2 * 16 * 12
    assert edges.pre[:4].tolist() == [0, 0, 0, 0]
    assert edges.post[:4].tolist() == [0, 0, 1, 1]
    assert np.abs(edges.weight).max() <= np.sqrt(6 / 32)


def test_the_membrane_keeps_what_the_paper_says() -> None:
    """1 - dt/tau, not exp(-dt/tau): half a percent of it at 10.05 ms, a third at 15 ms; spikes from 1 on, then 0."""
    for tau, kept in ((10.05 * ms, 1 - 10 / 10.05), (15 * ms, 1 / 3)):
        circuit = build(inputs=1, hidden=(1,), outputs=1, delays="none", tau_mem=tau)
        circuit = circuit.replace({"in_to_hidden1.weight": 0.5, "hidden1_to_out.weight": 1.0})
        fed = np.array([[1], [0], [0], [1], [1], [0]])
        found = ns.simulate(circuit, 60 * ms, inputs={"in": fed}, record={"hidden1": ["v", "spikes"], "out": "v"})
        v = found.traces["hidden1"]["v"].values[0, :, 0]
        assert v[:4] == pytest.approx([0, 0.5, 0.5 * kept, 0.5 * kept**2], rel=1e-6)
        circuit = circuit.replace({"in_to_hidden1.weight": 1.0})
        found = ns.simulate(circuit, 60 * ms, inputs={"in": fed}, record={"hidden1": ["v", "spikes"], "out": "v"})
        assert found.spikes["hidden1"].to_steps(0.01).tolist() == [1, 4, 5], "exactly 1 is enough"
        assert found.traces["hidden1"]["v"].values[0, 1, 0] == 0
        assert found.traces["out"]["v"].values[0, 2:4, 0] == pytest.approx([1, kept], rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"delays": "learnt"}, "Did you mean 'learned'"),
        ({"tau_mem": 5 * ms}, "tau_mem must be at least dt"),
        ({"tau_out": 5 * ms}, "tau_out must be at least dt"),
        ({"max_delay": 25 * ms}, "whole number of steps"),
        ({"hidden": (16, 0)}, "layer 2: 0"),
        ({"kernels": 0}, "kernels: 0"),
    ],
)
def test_what_does_not_fit(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        small(**changes)


# -- the schedule -----------------------------------------------------------------------------------------------------


def test_kernels_become_narrow_in_a_quarter_of_the_epochs() -> None:
    for epochs, start, narrow, factor in ((150, 12, 37, 0.8986), (60, 15, 15, 0.7569), (100, 15, 25, 0.8461)):
        widths = [width(epoch, epochs, start) for epoch in range(epochs)]
        assert widths[0] == start
        assert widths[1] / widths[0] == pytest.approx(factor, abs=1e-4)
        assert widths[narrow - 1] > 0.23
        assert set(widths[narrow:]) == {0.23}
    assert [width(epoch, 3, 12.0) for epoch in range(3)] == [12, 0.23, 0.23]
    with pytest.raises(CircuitError, match="no epoch 11 of 10"):
        width(11, 10, 12)


@pytest.mark.parametrize("epochs", [150, 20, 5])
def test_rates_are_those_of_torch(epochs: int) -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimisers = [torch.optim.Adam([parameter], lr=rate) for rate in (1e-3, 0.1)]
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimisers[0], max_lr=5e-3, total_steps=epochs)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimisers[1], T_max=epochs)
    for epoch in range(epochs):
        point, group = one_cycle(epoch, epochs, 5e-3), optimisers[0].param_groups[0]
        assert (point.rate, point.momentum) == pytest.approx((group["lr"], group["betas"][0]), rel=1e-9)
        assert cosine(epoch, epochs, 0.1) == pytest.approx(optimisers[1].param_groups[0]["lr"], rel=1e-9)
        for optimiser in optimisers:
            optimiser.step()
        if epoch + 1 < epochs:
            cycle.step()
        falling.step()
    assert cosine(epochs, epochs, 0.1) == pytest.approx(0, abs=1e-17)
    assert one_cycle(0, 1, 5e-3).rate == 5e-3


# -- delays alone -----------------------------------------------------------------------------------------------------


def test_the_order_of_two_spikes_is_learned_by_delays_alone() -> None:
    outcome = order_detection.train()
    assert outcome.losses[0] == pytest.approx(np.log(2), abs=1e-6)
    assert outcome.losses[-1] < 0.61
    assert outcome.accuracy == 1
    assert (outcome.delays[[0, 1], [0, 1]] - outcome.delays[[1, 0], [0, 1]] >= 10).all()
    frozen = order_detection.train(updates=2, rate=0.0)
    assert frozen.losses == pytest.approx([np.log(2)] * 3, abs=1e-6)
    assert frozen.accuracy == 0.5


# -- in Brian2 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1 * ms, 10 * ms])
def test_both_backends_give_what_a_script_of_brian2_gives(step: Any) -> None:
    circuit, fed = small(dt=step, max_delay=24 * step, tau_mem=15 * ms), spikes()
    assert ns.verify(circuit, 80 * step, inputs={"in": fed}).identical
    names = ("hidden1", "hidden2")
    record = {**dict.fromkeys(names, "spikes"), "out": "v"}
    ours = ns.simulate(circuit, 80 * step, backend="snntorch", inputs={"in": fed}, record=record)
    found, theirs = spikes_of(ours, circuit.dt, names), simulate_by_hand(circuit, fed)
    assert min(len(found[name]) for name in names) > 40
    assert {name: theirs.spikes[name] for name in names} == found
    np.testing.assert_allclose(ours.traces["out"]["v"].values[0], theirs.readout, rtol=1e-9, atol=1e-12)


def test_a_wrong_order_of_the_step_gives_other_spikes() -> None:
    circuit, fed = small(), spikes()
    right, wrong = (simulate_by_hand(circuit, fed, schedule=order).spikes for order in (SCHEDULE, WRONG_SCHEDULE))
    assert right["in"] == wrong["in"]
    for name in ("hidden1", "hidden2"):
        assert len(right[name] ^ wrong[name]) > 0.5 * len(right[name])


def test_a_script_for_another_circuit_is_refused() -> None:
    with pytest.raises(CircuitError, match="'in' is no part of a network of layers"):
        simulate_by_hand(small(rate=20 * Hz), spikes())


def test_inputs_that_fire_at_random() -> None:
    report = ns.verify(small(rate=20 * Hz), 500 * ms)
    assert report.identical
    assert report.spikes["brian2"] > 50
