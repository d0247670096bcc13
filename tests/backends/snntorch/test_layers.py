"""Batch normalisation and dropout between the parts of a circuit, and the way back without them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import neurosim as ns
from neurosim.backends.snntorch.layers import BatchNorm, Dropout
from neurosim.errors import BackendError, UnsupportedError
from neurosim.units import ms, mV

STEPS, BATCH = 40, 4
NORMALISED = {"in_to_h1": "batch_norm", "h1_to_h2": "batch_norm"}


def deep(dt: float = 1.0, *, learned: bool = True) -> ns.Circuit:
    """Return two hidden layers and a readout, with learned delays up to 8 steps."""
    circuit = ns.Circuit("deep", dt=dt * ms, seed=3)
    circuit.source("in", ns.SpikeSource(10))
    cell = ns.models.lif(tau_mem=15 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0)
    longest = 8 * dt * ms
    for name in ("h1", "h2"):
        circuit.population(name, 12, cell)
    circuit.population("out", 3, ns.models.leaky_integrator(tau_mem=100 * ms))
    for pre, post in (("in", "h1"), ("h1", "h2")):
        delay = ns.Trainable(ns.Uniform(0 * ms, longest), bounds=(0 * ms, longest)) if learned else 2 * dt * ms
        circuit.connect(pre, post, ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(0.5, 0.8)), delay=delay)
    circuit.connect("h2", "out", ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(0, 0.5)))
    return circuit


def spikes(n: int = 10) -> torch.Tensor:
    return (torch.rand(STEPS, BATCH, n, generator=torch.Generator().manual_seed(1)) < 0.15).double()


def compiled(circuit: ns.Circuit, modules: Any) -> Any:
    return ns.compile(circuit, backend="snntorch", dtype="float64", modules=modules)


def trained(module: Any, updates: int = 8) -> Any:
    """Return the module after some updates with a kernel that narrows."""
    optimiser = torch.optim.Adam(module.parameters(), lr=0.05)
    x, y = spikes(), torch.arange(BATCH) % 3
    for update in range(updates):
        module.set_delay_width(max(0.0, 3.0 - update))
        outputs, _ = module({"in": x}, seed=update)
        loss = nn.functional.cross_entropy(torch.softmax(outputs["out"]["v"], -1).sum(0), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        module.project()
    return module.eval()


@pytest.mark.parametrize("dt", [1.0, 10.0])
def test_a_trained_network_runs_in_brian2_with_the_same_spikes(dt: float) -> None:
    module = trained(compiled(deep(dt), {**NORMALISED, "h1": Dropout(0.3)}))
    outputs, _ = module({"in": spikes()}, record={"h1": "spikes", "h2": "spikes"})
    circuit = module.to_circuit()
    found = {}
    for backend in ("brian2", "snntorch"):
        found[backend] = ns.simulate(
            circuit, STEPS * dt * ms, backend=backend, inputs={"in": spikes().numpy() > 0}, trials=BATCH
        )
    for name in ("h1", "h2"):
        trains = found["brian2"].spikes[name]
        assert trains == found["snntorch"].spikes[name]
        raster = np.zeros((STEPS, BATCH, 12))
        raster[np.round(trains.times / (dt * 1e-3)).astype(int), trains.trials, trains.neurons] = 1
        assert raster.sum() > 30
        assert np.array_equal(raster, outputs[name]["spikes"].detach().numpy())


def test_statistics_are_over_time_and_batch() -> None:
    module = compiled(deep(learned=False), {"in_to_h1": "batch_norm"})
    arriving: list[torch.Tensor] = []
    layer = module.part("in_to_h1").layer
    layer.register_forward_hook(lambda _, given, result: arriving.extend([given[0], result]))
    module({"in": spikes()})
    before, after = arriving
    assert before.shape == (STEPS, BATCH, 12)
    expected = (before - before.mean((0, 1))) / torch.sqrt(before.var((0, 1), correction=0) + 1e-5)
    assert torch.allclose(after, expected, rtol=1e-9, atol=1e-12)


def test_without_training_a_fresh_normalisation_changes_next_to_nothing() -> None:
    plain = compiled(deep(learned=False), {}).eval()({"in": spikes()})[0]["out"]["v"]
    normalised = compiled(deep(learned=False), NORMALISED).eval()({"in": spikes()})[0]["out"]["v"]
    assert torch.allclose(plain, normalised, rtol=1e-4, atol=1e-4)


def test_volts_are_normalised_to_the_size_of_the_weights() -> None:
    circuit = ns.Circuit("volts", dt=1 * ms)
    circuit.source("in", ns.SpikeSource(10))
    circuit.population(
        "cell", 4, ns.models.lif(tau_mem=10 * ms, v_leak=-60 * mV, v_reset=-60 * mV, v_threshold=-50 * mV)
    )
    circuit.connect("in", "cell", ns.AllToAll(), receptor="v", weight=ns.Normal(2 * mV, 1 * mV))
    module = compiled(circuit, {"in_to_cell": "batch_norm"})
    assert 1e-3 < module.part("in_to_cell").layer.scale.item() < 4e-3
    module({"in": spikes()})
    folded = module.eval().to_circuit()
    assert folded.edges("in_to_cell").weight.max() < 1
    outputs, _ = module({"in": spikes()}, record={"cell": "v"})
    run = ns.simulate(folded, STEPS * ms, inputs={"in": spikes().numpy() > 0}, trials=BATCH, record={"cell": "v"})
    assert np.allclose(
        run["cell"]["v"].values, outputs["cell"]["v"].detach().numpy().transpose(1, 0, 2), rtol=1e-9, atol=0
    )


def test_dropout_silences_neurons_for_whole_sequences() -> None:
    layer = Dropout(0.4)
    values = torch.rand(30, 50, 40, dtype=torch.float64) + 0.1
    dropped = layer(values, seed=3, path="h")
    silent = dropped == 0
    assert torch.equal(silent.all(0), silent.any(0))
    assert 0.35 < silent.double().mean() < 0.45
    assert torch.equal(dropped[~silent], (values / 0.6)[~silent])
    assert torch.equal(layer(values, seed=3, path="h"), dropped)
    assert not torch.equal(layer(values, seed=4, path="h"), dropped)
    assert layer.eval()(values) is values


def test_spikes_leave_once_for_all_projections() -> None:
    circuit = deep(learned=False)
    circuit.connect("h1", "out", ns.AllToAll(), receptor="v", weight=0.1)
    calls: list[torch.Tensor] = []
    layer = nn.Identity()
    layer.register_forward_hook(lambda _, given, result: calls.append(result))
    compiled(circuit, {"h1": layer})({"in": spikes()})
    assert len(calls) == 1  # what draws at random, or keeps statistics, does so once


def test_sequences_in_chunks_keep_their_mask() -> None:
    module = compiled(deep(learned=False), {"h1": Dropout(0.5)})
    x = spikes()
    whole, _ = module({"in": x}, seed=5)
    first, state = module({"in": x[:17]}, seed=5)
    second, _ = module({"in": x[17:]}, state, seed=5)
    assert torch.equal(whole["out"]["v"], torch.cat([first["out"]["v"], second["out"]["v"]]))


@pytest.mark.parametrize(
    ("modules", "error", "words"),
    [
        ({"in_to_h3": "batch_norm"}, BackendError, "in_to_h1"),
        ({"in_to_h1": "layer_norm"}, BackendError, "batch_norm"),
        ({"h1": "batch_norm"}, UnsupportedError, "acts on what a projection brings"),
        ({"in_to_h1": BatchNorm(5)}, BackendError, "there are 12"),
        ({"h1": nn.Linear(12, 3)}, BackendError, "must keep the shape"),
    ],
)
def test_what_cannot_be_put_in_is_refused(modules: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        compiled(deep(learned=False), {**modules}).double()({"in": spikes()})


def test_loops_have_no_place_for_layers_and_wide_kernels() -> None:
    circuit = deep()
    circuit.connect("h2", "h1", ns.AllToAll(), receptor="v", weight=0.1, delay=1 * ms)
    with pytest.raises(UnsupportedError, match="does not reach back"):
        compiled(circuit, {"h1_to_h2": "batch_norm"})
    with pytest.raises(UnsupportedError, match="some of the population's projections"):
        compiled(circuit, {"h2": Dropout(0.1)})
    module = compiled(circuit, {})
    with pytest.raises(UnsupportedError, match="h1_to_h2 advances step by step"):
        module.set_delay_width(2.0)
    module.set_delay_width(0.0)
    with pytest.raises(BackendError, match="from 0 up"):
        module.set_delay_width(-1.0)


def test_a_run_asks_for_the_folded_circuit() -> None:
    module = compiled(deep(learned=False), NORMALISED)
    for call in (module.run, module.run_eager):
        with pytest.raises(UnsupportedError, match="to_circuit"):
            call(3 * ms)
    with pytest.raises(UnsupportedError, match="to_circuit"):
        module.session()
    other = compiled(deep(learned=False), {"h1": nn.Identity()})
    with pytest.raises(UnsupportedError, match="no place for the modules at h1"):
        other.to_circuit()


def test_a_wide_kernel_feels_what_two_taps_do_not() -> None:
    """A delay is drawn towards a spike that is 12 steps away from it."""
    circuit = ns.Circuit("far", dt=1 * ms)
    circuit.source("in", ns.SpikeSource(1))
    circuit.population("out", 1, ns.models.leaky_integrator(tau_mem=2 * ms))
    circuit.connect(
        "in", "out", ns.OneToOne(), receptor="v", weight=1.0, delay=ns.Trainable(6 * ms, bounds=(0 * ms, 30 * ms))
    )
    module = compiled(circuit, {})
    x = torch.zeros(60, 1, 1, dtype=torch.float64)
    x[10] = 1.0
    slopes = []
    for width in (0.0, 5.0):
        module.set_delay_width(width)
        module.zero_grad()
        module({"in": x})[0]["out"]["v"][28].sum().backward()
        slopes.append(module.get_parameter("in_to_out.delay").grad.item())
    assert abs(slopes[0]) < 0.2 * slopes[1]
    assert slopes[1] > 0.005
    module.eval()
    assert module({"in": x})[0]["out"]["v"].argmax() == 16
