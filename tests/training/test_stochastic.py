"""Gradients of neurons that spike by chance, against every pattern of spikes enumerated."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import neurosim as ns
from neurosim.errors import CircuitError, TrainingError, UnsupportedError
from neurosim.training import stochastic
from neurosim.units import Hz, ms

STEPS, NEURONS = 3, 2
DRIVE = torch.tensor([[0.6, 0.3], [0.5, 0.9], [0.2, 0.7]], dtype=torch.float64)
WEIGHT = np.array([0.4, -0.5, 0.8, 0.3])  # edges (pre, post): 00, 01, 10, 11
READOUT = np.array([0.9, -1.3])
DECAY, KEEP = np.exp(-1 / 5), np.exp(-1 / 4)


def network(**options: Any) -> ns.Circuit:
    """Return two neurons that spike by chance, excite and inhibit each other, and drive an integrator."""
    circuit = ns.Circuit("dice", dt=1 * ms)
    cell = ns.models.stochastic_lif(
        tau_mem=5 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, softness=0.9, rate=1500 * Hz, **options
    )
    circuit.population("h", NEURONS, cell)
    circuit.population("out", 1, ns.models.leaky_integrator(tau_mem=4 * ms))
    circuit.inject("drive", "h", "i_ext")
    circuit.connect("h", "h", ns.AllToAll(autapses=True), receptor="v", weight=ns.Trainable(WEIGHT))
    circuit.connect("h", "out", ns.AllToAll(), receptor="v", weight=ns.Trainable(READOUT))
    return circuit


def compiled(**options: Any) -> Any:
    return ns.compile(network(**options), dtype="float64")


def costs(value: Tensor) -> Tensor:
    """Return the cost of each step and trial from the readout's voltage, (time, batch)."""
    return (value[..., 0] - torch.tensor([0.3, 0.8, 0.1], dtype=torch.float64)[:, None]) ** 2


def run(module: Any, trials: int, seed: int = 0, **options: Any) -> Any:
    inputs = {"drive": DRIVE[:, None, :].expand(STEPS, trials, NEURONS)}
    record = {"h": "spikes", "out": "v"}
    return stochastic.sample(module, inputs, record=record, seed=seed, **options)[0]


def enumerated() -> tuple[float, dict[str, np.ndarray]]:
    """Return the expected cost and its gradient: every pattern of spikes, written by hand without the library."""
    weight = torch.tensor(WEIGHT, requires_grad=True)
    readout = torch.tensor(READOUT, requires_grad=True)
    expected = torch.zeros((), dtype=torch.float64)
    for pattern in itertools.product((0.0, 1.0), repeat=STEPS * NEURONS):
        spikes = torch.tensor(pattern, dtype=torch.float64).reshape(STEPS, NEURONS)
        v, y = torch.zeros(NEURONS, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
        chance, values = torch.ones((), dtype=torch.float64), []
        for step in range(STEPS):
            v = DRIVE[step] + (v - DRIVE[step]) * DECAY
            p = 1 - torch.exp(-1.5 * torch.exp((v - 1.0) / 0.9))
            chance = chance * torch.where(spikes[step] == 1, p, 1 - p).prod()
            v = (v + spikes[step] @ weight.reshape(2, 2)) * (1 - spikes[step])
            y = y * KEEP + (spikes[step] * readout).sum()
            values.append(y)
        expected = expected + chance * costs(torch.stack(values)[:, None, None]).sum()
    expected.backward()
    assert weight.grad is not None
    assert readout.grad is not None
    return expected.item(), {"h_to_h.weight": weight.grad.numpy(), "h_to_out.weight": readout.grad.numpy()}


def gradient(module: Any, scalar: Tensor) -> dict[str, np.ndarray]:
    """Return the gradient of a scalar by the weights in SI, edge by edge."""
    parameters = dict(module.named_parameters())
    found = torch.autograd.grad(scalar, list(parameters.values()), retain_graph=True)
    result = {}
    for name, value in zip(parameters, found, strict=True):
        flat = value.T.reshape(-1) if value.ndim == 2 else value
        result[name] = (flat / module.part(name.partition(".")[0]).values.scale("w")).numpy()
    return result


@pytest.fixture(scope="module")
def drawn() -> tuple[Any, Any]:
    """Return a module and many trials of it."""
    module = compiled()
    return module, run(module, 8192, seed=5)


def every_pattern(spikes: Tensor) -> list[int]:
    """Return one trial for each pattern of spikes."""
    _, first = np.unique(spikes.numpy().transpose(1, 0, 2).reshape(-1, STEPS * NEURONS), axis=0, return_index=True)
    assert len(first) == 2 ** (STEPS * NEURONS), "some pattern was never drawn"
    return [int(index) for index in first]


def test_spikes_are_those_of_the_module(drawn: tuple[Any, Any]) -> None:
    module, outputs = drawn
    inputs = {"drive": DRIVE[:, None, :].expand(STEPS, 8192, NEURONS)}
    plain = module(inputs, record={"h": "spikes", "out": "v"}, seed=5)[0]
    assert torch.equal(plain["h"]["spikes"], outputs["h"]["spikes"])
    assert torch.equal(plain["out"]["v"], outputs["out"]["v"])
    assert not outputs["h"]["spikes"].requires_grad
    assert module.part("h").estimator is None


@pytest.mark.parametrize("by_step", [False, True])
def test_the_expectation_of_the_estimate_is_the_gradient(drawn: tuple[Any, Any], by_step: bool) -> None:
    """The estimate of each of the 64 patterns, times the pattern's probability: exact, no statistics."""
    module, outputs = drawn
    chosen = every_pattern(outputs["h"]["spikes"])
    likelihood = stochastic.log_likelihood(outputs)[:, chosen]
    probability = likelihood.detach().sum(0).exp()
    assert probability.sum().item() == pytest.approx(1, abs=1e-13)
    expected, exact = enumerated()
    cost = costs(outputs["out"]["v"][:, chosen])
    assert (probability * cost.sum(0)).sum().item() == pytest.approx(expected, rel=1e-13)
    # A baseline that is the same for all trials must not move the expectation.
    for baseline in (None, lambda found: torch.full_like(found, 0.7)):
        total: dict[str, np.ndarray] = {name: np.zeros_like(value) for name, value in exact.items()}
        for trial in range(len(chosen)):
            one = slice(trial, trial + 1)
            given = cost[:, one] if by_step else cost[:, one].sum(0)
            found = gradient(module, stochastic.score_function(given, likelihood[:, one], baseline))
            total = {name: total[name] + probability[trial].item() * value for name, value in found.items()}
        for name, value in exact.items():
            np.testing.assert_allclose(total[name], value, rtol=1e-11, atol=1e-13)


def test_estimates_scatter_around_the_gradient_and_a_baseline_narrows_them() -> None:
    """200 estimates of 32 trials each: means within 4.5 standard errors; variances in the order that theory says."""
    module = compiled()
    _, exact = enumerated()
    average = stochastic.MovingAverage(0.8)
    found: dict[str, list[np.ndarray]] = {}
    runs = run(module, 32 * 200, seed=9)
    cost, likelihood = costs(runs["out"]["v"]), stochastic.log_likelihood(runs)
    for number in range(200):
        part = slice(32 * number, 32 * (number + 1))
        one, score = cost[:, part].sum(0) + 3.0, likelihood[:, part]  # a cost far from 0, as costs are
        ways = {"reinforce": None, "moving average": average, "leave one out": stochastic.leave_one_out}
        for name, baseline in ways.items():
            value = gradient(module, stochastic.score_function(one, score, baseline))
            found.setdefault(name, []).append(np.concatenate([value[key].reshape(-1) for key in exact]))
        value = gradient(module, stochastic.score_function(cost[:, part], score, stochastic.leave_one_out))
        found.setdefault("by step", []).append(np.concatenate([value[key].reshape(-1) for key in exact]))
    truth = np.concatenate([value.reshape(-1) for value in exact.values()])
    variance = {}
    for name, estimates in found.items():
        values = np.stack(estimates)
        error = values.std(0, ddof=1) / np.sqrt(len(values))
        assert np.all(np.abs(values.mean(0) - truth) <= 4.5 * error), name
        variance[name] = float(values.var(0)[:4].sum())
    assert variance["leave one out"] < 0.5 * variance["reinforce"]
    assert variance["moving average"] < 0.5 * variance["reinforce"]
    assert variance["by step"] < variance["leave one out"]


def test_straight_through_takes_a_spike_for_its_probability() -> None:
    """Where the cost is linear in one spike the estimate is exact in every trial, whatever the neuron did."""
    circuit = ns.Circuit("one", dt=1 * ms)
    cell = ns.models.stochastic_lif(
        tau_mem=5 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, softness=0.5, rate=800 * Hz, tau_ref=2 * ms
    )
    circuit.source("in", ns.SpikeSource(1))
    circuit.population("h", 1, cell)
    circuit.population("out", 1, ns.models.leaky_integrator(tau_mem=4 * ms))
    circuit.connect("in", "h", ns.AllToAll(), receptor="v", weight=ns.Trainable(0.9))
    circuit.connect("h", "out", ns.AllToAll(), receptor="v", weight=1.7)
    module = ns.compile(circuit, dtype="float64")
    spikes = torch.tensor([1.0, 0.0], dtype=torch.float64)[:, None, None].expand(2, 64, 1)
    record = {"h": "spikes", "out": "v"}
    outputs, _ = stochastic.sample(module, {"in": spikes}, gradient="straight_through", record=record, seed=3)
    assert stochastic.LOG_LIKELIHOOD not in outputs["h"]
    fired = outputs["h"]["spikes"].detach()
    could = fired[0, :, 0] == 0  # the others are refractory in the second step
    assert 0 < could.sum() < 64
    assert set(fired[1, could, 0].tolist()) == {0.0, 1.0}
    v = 0.9 * DECAY
    hazard = 0.8 * np.exp((v - 1) / 0.5)
    slope = np.exp(-hazard) * hazard / 0.5 * DECAY  # of the probability by the weight
    weight = module.get_parameter("in_to_h.weight")
    scale = module.part("in_to_h").values.scale("w")
    for trial, free in enumerate(could):
        (found,) = torch.autograd.grad(1.0 * outputs["out"]["v"][1, trial, 0], weight, retain_graph=True)
        assert found.item() / scale == pytest.approx(1.7 * slope if free else 0.0, rel=1e-12)


def test_refractory_neurons_have_no_choice() -> None:
    module = compiled(tau_ref=2 * ms)
    outputs = run(module, 64)
    spikes, likelihood = outputs["h"]["spikes"], outputs["h"]["log_likelihood"]
    after = spikes[:-1] == 1
    assert after.any()
    assert torch.all(likelihood[1:][after] == 0)
    assert torch.all(likelihood[0] < 0)
    assert torch.all(spikes[1:][after] == 0)


def test_many_trials_of_a_layer_that_hears_from_outside_only() -> None:
    """Large enough for every way that the backend has to run such a layer."""
    circuit = ns.Circuit("layer", dt=1 * ms)
    cell = ns.models.stochastic_lif(
        tau_mem=5 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, softness=0.5, rate=200 * Hz
    )
    circuit.source("in", ns.SpikeSource(2))
    circuit.population("h", 8, cell)
    circuit.connect("in", "h", ns.AllToAll(), receptor="v", weight=ns.Trainable(0.5))
    module = ns.compile(circuit)
    outputs, _ = stochastic.sample(module, {"in": torch.ones(10, 2000, 2)}, record={"h": "spikes"})
    spikes, likelihood = outputs["h"]["spikes"], outputs["h"]["log_likelihood"]
    assert 0 < spikes.mean() < 1
    assert not spikes.requires_grad
    assert likelihood.shape == spikes.shape
    assert likelihood.requires_grad
    outputs, _ = stochastic.sample(module, {"in": torch.ones(10, 2000, 2)}, gradient="straight_through")
    weight = module.get_parameter("in_to_h.weight")
    (found,) = torch.autograd.grad(outputs["h"]["spikes"].sum(), weight)
    plain, _ = module({"in": torch.ones(10, 2000, 2)}, record={"h": "spikes"})
    (surrogate,) = torch.autograd.grad(plain["h"]["spikes"].sum(), weight)
    assert torch.equal(plain["h"]["spikes"], spikes)
    assert torch.equal(outputs["h"]["spikes"], spikes)
    assert not torch.allclose(found, surrogate, rtol=0.01)


def test_probabilities_of_0_and_1_leave_the_gradient_whole() -> None:
    circuit = ns.Circuit("certain", dt=1 * ms)
    cell = ns.NeuronModel("dv/dt = -v/tau : 1", threshold="v > rand()", parameters={"tau": 5 * ms})
    circuit.source("in", ns.SpikeSource(1))
    circuit.population("h", 1, cell)
    circuit.connect("in", "h", ns.AllToAll(), receptor="v", weight=ns.Trainable(40.0))
    for dtype in ("float32", "float64"):
        module = ns.compile(circuit, dtype=dtype)
        outputs, _ = stochastic.sample(
            module, {"in": torch.tensor([[[0.0]], [[1.0]], [[0.0]]])}, record={"h": "spikes"}
        )
        assert outputs["h"]["spikes"].flatten().tolist() == [0, 0, 1]
        likelihood = stochastic.log_likelihood(outputs)
        likelihood.sum().backward()
        assert likelihood.detach().abs().max() == 0
        assert module.get_parameter("in_to_h.weight").grad.item() == 0


def test_baselines() -> None:
    cost = torch.tensor([1.0, 2.0, 6.0, 3.0])
    torch.testing.assert_close(stochastic.leave_one_out(cost), torch.tensor([11 / 3, 10 / 3, 2.0, 3.0]))
    torch.testing.assert_close(stochastic.leave_one_out(cost, repeats=2), torch.tensor([6.0, 3.0, 1.0, 2.0]))
    by_step = torch.stack([cost, 2 * cost])
    torch.testing.assert_close(stochastic.leave_one_out(by_step, repeats=2)[1], torch.tensor([12.0, 6.0, 2.0, 4.0]))
    average = stochastic.MovingAverage(0.5)
    assert [average(torch.tensor([value])).item() for value in (2.0, 4.0, 0.0)] == [0, 2, pytest.approx(10 / 3)]


def test_what_does_not_fit_is_refused() -> None:
    module = compiled()
    with pytest.raises(TrainingError, match="Did you mean 'score'"):
        run(module, 2, gradient="scor")
    with pytest.raises(CircuitError, match="no 'g'"):
        run(module, 2, populations=["g"])
    with pytest.raises(UnsupportedError, match="'out' does not spike by chance"):
        run(module, 2, populations=["out"])
    with pytest.raises(TrainingError, match="relaxed"):
        run(ns.compile(network(), relaxed=True), 2)
    with pytest.raises(TrainingError, match="log likelihood"):
        stochastic.log_likelihood({"out": {"v": torch.zeros(1, 1, 1)}})
    with pytest.raises(TrainingError, match="shape"):
        stochastic.score_function(torch.zeros(3), torch.zeros(2, 4))
    for repeats in (1, 3):
        with pytest.raises(TrainingError, match="repeats"):
            stochastic.leave_one_out(torch.zeros(4), repeats)
    with pytest.raises(TrainingError, match="decay"):
        stochastic.MovingAverage(1.0)
    plain = ns.Circuit("plain", dt=1 * ms)
    plain.population("h", 1, ns.models.lif(tau_mem=5 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0))
    with pytest.raises(UnsupportedError, match="no population"):
        stochastic.sample(ns.compile(plain), steps=2)
