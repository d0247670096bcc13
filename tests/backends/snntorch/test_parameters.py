"""Trainable values as parameters: scaled so that an optimiser's step makes sense, exact both ways, kept in bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from backends.snntorch.networks import mixed, mixed_inputs, plain_lif
from neurosim.backends.snntorch.parameters import power_of_two_near
from neurosim.errors import CircuitError, UnsupportedError
from neurosim.units import Mohm, ms, mV, nS, pA

VOLTAGES = {"v_threshold": -50 * mV, "v_reset": -60 * mV, "v_leak": -60 * mV}


def coba(weight: Any, *, sizes: tuple[int, int] = (3, 2), tau: Any = 20 * ms) -> ns.Circuit:
    circuit = ns.Circuit("coba", dt=0.1 * ms, seed=3)
    circuit.source("in", ns.SpikeSource(sizes[0]))
    cell = ns.models.lif(
        tau_mem=tau, r=100 * Mohm, **VOLTAGES, receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV)}
    )
    circuit.population("p", sizes[1], cell)
    circuit.connect("in", "p", ns.AllToAll(), receptor="ampa", weight=weight)
    return circuit


# -- scale --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [6e-9, 20e-3, -3.0, 1e-15, 7e8])
def test_the_scale_is_a_power_of_two_near_the_value(value: float) -> None:
    scale = power_of_two_near(np.array([value, -value]))
    assert np.log2(scale) == round(np.log2(scale))
    assert 0.7 <= abs(value) / scale <= 1.5


def test_without_a_magnitude_the_scale_is_1() -> None:
    assert power_of_two_near(np.zeros(3)) == power_of_two_near(np.array([])) == 1.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_adam_step_of_a_thousandth_changes_6_ns_by_about_a_thousandth(dtype: str) -> None:
    module = ns.compile(coba(ns.Trainable(6 * nS)), dtype=dtype)
    weight = module.get_parameter("in_to_p.weight")
    assert weight.abs().max() < 2
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-3)
    (weight * 1e9).sum().backward()
    optimiser.step()
    after = module.to_circuit().edges("in_to_p").weight
    assert (6e-9 - after) / 6e-9 == pytest.approx(1e-3, rel=0.5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_writing_back_is_exact(dtype: str) -> None:
    circuit = coba(ns.Trainable(ns.Uniform(1 * nS, 9 * nS)), tau=ns.Trainable(20 * ms, per="neuron"))
    module = ns.compile(circuit, dtype=dtype)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.1 * torch.rand(parameter.shape, generator=generator, dtype=parameter.dtype)
    again = ns.compile(module.to_circuit(), dtype=dtype)
    for address, value in {"in_to_p": "w", "p": "tau_mem"}.items():
        first, second = (found.part(address).values.current()[value] for found in (module, again))
        assert torch.equal(first, second)
    assert again.to_circuit() == module.to_circuit()


def test_an_untrained_module_equals_its_circuit() -> None:
    circuit = coba(ns.Trainable(ns.Uniform(1 * nS, 9 * nS)), tau=ns.Trainable(20 * ms, per="neuron"))
    written = ns.compile(circuit, dtype="float64").to_circuit()
    np.testing.assert_array_equal(written.edges("in_to_p").weight, circuit.edges("in_to_p").weight)
    np.testing.assert_array_equal(written.parameter("p", "tau_mem"), [20e-3, 20e-3])
    assert list(written.trainables()) == list(circuit.trainables()) == ["p.tau_mem", "in_to_p.weight"]
    fixed = ns.compile(mixed())
    assert fixed.to_circuit() is fixed.circuit


#: An edge path, a matrix and a value per neuron.
MARKS = {"in_to_h.weight": ns.Trainable(), "h_to_out.weight": ns.Trainable(), "h.tau_mem": ns.Trainable(per="neuron")}


def test_a_trained_circuit_runs_in_brian2() -> None:
    module = ns.compile(mixed(), dtype="float64", trainable=MARKS)
    inputs = mixed_inputs()
    optimiser = torch.optim.Adam(module.parameters(), lr=0.05)
    for _ in range(3):
        optimiser.zero_grad()
        (module(inputs)[0]["out"]["v"] ** 2).sum().backward()
        optimiser.step()
        module.project()
    outputs, _ = module(inputs, record={"h": ["spikes", "v"]})
    given = {name: value.numpy() for name, value in inputs.items()}
    record = {"h": ["spikes", "v"]}
    recording = ns.simulate(module.to_circuit(), 14 * ms, backend="brian2", inputs=given, trials=2, record=record)
    spikes, v = (outputs["h"][name].detach().permute(1, 0, 2) for name in ("spikes", "v"))
    train = recording.spikes["h"]
    expected = np.stack([train.trials, train.to_steps(1e-3), train.neurons], axis=1)
    np.testing.assert_array_equal(torch.nonzero(spikes), expected)
    assert len(expected) > 5
    np.testing.assert_allclose(v, recording["h"]["v"].values, rtol=1e-9, atol=1e-12)


# -- names --------------------------------------------------------------------------------------------------------


def test_parameters_carry_their_addresses_and_only_they_and_their_scales_are_saved() -> None:
    module = ns.compile(mixed(), trainable=MARKS)
    assert set(dict(module.named_parameters())) == set(MARKS)
    assert set(module.state_dict()) - set(MARKS) == {
        "in_to_h.values.scale_w", "h_to_out.values.scale_w", "h.values.scale_tau_mem",
    }  # fmt: skip


def test_a_saved_state_dict_restores_the_module() -> None:
    marks = {"in_to_h.weight": ns.Trainable(), "h.tau_mem": ns.Trainable(per="neuron")}
    first, second = (ns.compile(mixed(), dtype="float64", trainable=marks) for _ in range(2))
    with torch.no_grad():
        for parameter in first.parameters():
            parameter *= 1.1
    inputs = mixed_inputs()
    assert not torch.equal(first(inputs)[0]["out"]["v"], second(inputs)[0]["out"]["v"])
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(inputs)[0]["out"]["v"], second(inputs)[0]["out"]["v"])


def test_a_state_dict_means_the_same_values_in_a_module_that_started_from_others() -> None:
    first = ns.compile(coba(ns.Trainable(6 * nS)), dtype="float64")
    second = ns.compile(coba(ns.Trainable(60 * nS)), dtype="float64")
    assert first.part("in_to_p").values.scale("w") != second.part("in_to_p").values.scale("w")
    second.load_state_dict(first.state_dict())
    assert set(second.to_circuit().edges("in_to_p").weight) == {float(6 * nS)}


def test_without_training_nothing_is_a_parameter() -> None:
    module = ns.compile(coba(ns.Trainable(6 * nS)), training=False)
    assert list(module.parameters()) == []
    assert module(steps=3)[0]["p"]["v"].requires_grad is False


# -- bounds, signs ------------------------------------------------------------------------------------------------


def test_projection_holds_bounds_and_signs() -> None:
    circuit = ns.Circuit("bounds", dt=1 * ms)
    circuit.source("in", ns.SpikeSource(3))
    circuit.population("p", 3, plain_lif(tau_mem=ns.Trainable(8 * ms, per="neuron", bounds=(2 * ms, 10 * ms))))
    for name, mark in {
        "exc": ns.Trainable([0.5, 0.1, 0.0], sign=1),
        "inh": ns.Trainable([-0.5, -0.1, 0.0], sign=-1),
        "both": ns.Trainable([0.5, 0.1, 0.2], sign=1, bounds=(-1.0, 0.6)),
        "low": ns.Trainable([0.5, 0.1, 0.2], bounds=(0.05, None)),
        "free": ns.Trainable([0.5, 0.1, 0.2]),
    }.items():
        circuit.connect("in", "p", ns.OneToOne(), receptor="v", weight=mark, name=name)
    module = ns.compile(circuit, dtype="float64")
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module.project()
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items()), "an untrained module"
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += torch.tensor([2.0, -2.0, -0.1])
    module.project()
    written = module.to_circuit()
    found = {name: written.edges(name).weight.tolist() for name in circuit.projections}
    scale = {name: module.part(name).values.scale("w") for name in found}
    assert found["exc"] == pytest.approx([0.5 + 2 * scale["exc"], 0.0, 0.0])
    assert found["inh"] == pytest.approx([0.0, -0.1 - 2 * scale["inh"], -0.1 * scale["inh"]])
    assert found["both"] == pytest.approx([0.6, 0.0, 0.2 - 0.1 * scale["both"]])
    assert found["low"] == pytest.approx([0.5 + 2 * scale["low"], 0.05, 0.2 - 0.1 * scale["low"]])
    assert found["free"] == pytest.approx([0.5 + 2 * scale["free"], 0.1 - 2 * scale["free"], 0.2 - 0.1 * scale["free"]])
    tau_scale = module.part("p").values.scale("tau_mem")
    assert written.parameter("p", "tau_mem") == pytest.approx([10e-3, 2e-3, 8e-3 - 0.1 * tau_scale])


# -- sharing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("per", "shape"), [("pre", (4,)), ("post", (5,)), ("all", ()), ("edge", None), (None, None)])
def test_how_many_values_a_projection_has(per: Any, shape: tuple[int, ...] | None) -> None:
    circuit = mixed().replace({"in_to_h.weight": ns.Trainable(0.25, per=per)})
    weight = ns.compile(circuit).get_parameter("in_to_h.weight")
    edges = len(circuit.edges("in_to_h").pre)
    assert tuple(weight.shape) == ((edges,) if shape is None else shape)


def test_a_parameter_of_a_synapse_has_a_value_per_edge_too_unless_shared() -> None:
    circuit = mixed()
    synapse = ns.SynapseModel(on_pre="v_post += gain*w", parameters={"gain": 0.5})
    circuit.connect("h", "h", ns.OneToOne(), synapse=synapse, weight=1.0, name="extra")
    for mark, shape in {ns.Trainable(): (5,), ns.Trainable(per="all"): (), ns.Trainable(per="pre"): (5,)}.items():
        module = ns.compile(circuit, trainable={"extra.gain": mark}, dtype="float64")
        assert tuple(module.get_parameter("extra.gain").shape) == shape
        assert set(np.ravel(module.to_circuit().edge_parameter("extra", "gain"))) == {0.5}


def test_values_per_neuron_of_one_end_write_back_per_edge() -> None:
    circuit = mixed().replace({"in_to_h.weight": ns.Trainable(ns.Normal(0.5, 0.2), per="pre")})
    module = ns.compile(circuit, dtype="float64")
    with torch.no_grad():
        module.get_parameter("in_to_h.weight").copy_(torch.arange(4) * 1.0)
    edges = module.to_circuit().edges("in_to_h")
    scale = module.part("in_to_h").values.scale("w")
    np.testing.assert_array_equal(edges.weight, edges.pre * scale)
    again = ns.compile(module.to_circuit(), dtype="float64")
    assert torch.equal(again.part("in_to_h").values.current()["w"], module.part("in_to_h").values.current()["w"])


def test_values_that_differ_cannot_be_shared() -> None:
    different = np.arange(len(mixed().edges("in_to_h").pre)) / 10
    for per in ("pre", "post", "all"):
        with pytest.raises(CircuitError, match=r"in_to_h.*initial values"):
            ns.compile(mixed(), trainable={"in_to_h.weight": ns.Trainable(different, per=per)})


def test_tied_values_are_one_parameter() -> None:
    mark = ns.Trainable(0.4, per="all", tie="shared")
    module = ns.compile(mixed().replace({"in_to_h.weight": mark, "h_to_h.weight": mark}), dtype="float64")
    assert len(list(module.parameters())) == 1
    with torch.no_grad():
        next(module.parameters()).mul_(2.0)
    written = module.to_circuit()
    assert set(written.edges("in_to_h").weight) == set(written.edges("h_to_h").weight) == {0.8}


@pytest.mark.parametrize(
    ("second", "message"),
    [(0.5, "start out different"), (ns.Normal(0.4, 0.1), "joins shapes")],
)
def test_values_that_differ_cannot_be_tied(second: Any, message: str) -> None:
    marks = {
        "in_to_h.weight": ns.Trainable(0.4, per="all", tie="shared"),
        "h_to_h.weight": ns.Trainable(second, per="all" if second == 0.5 else "edge", tie="shared"),
    }
    with pytest.raises(CircuitError, match=message):
        ns.compile(mixed().replace(marks))


# -- what cannot be trained -----------------------------------------------------------------------------------------


def test_what_cannot_be_trained_is_refused_with_the_whole_list() -> None:
    marks = {"in_to_h.delay": ns.Trainable(), "h.v": ns.Trainable(0.2), "h.tau_mem": ns.Trainable()}
    with pytest.raises(UnsupportedError) as caught:
        ns.compile(mixed(), trainable=marks)
    assert "in_to_h.delay: say how long it may become" in str(caught.value)
    assert "h.v: initial values are not trainable" in str(caught.value)
    assert "tau_mem" not in str(caught.value)


def test_a_refractory_period_cannot_be_trained_and_a_parameter_may_be_called_delay() -> None:
    circuit = ns.Circuit("refractory", dt=1 * ms)
    circuit.population("p", 1, plain_lif(tau_ref=ns.Trainable(3 * ms)))
    with pytest.raises(UnsupportedError, match=r"p.tau_ref: nothing but the refractory period reads it"):
        ns.compile(circuit)
    circuit = ns.Circuit("delay", dt=1 * ms)
    circuit.population("p", 1, ns.NeuronModel("dv/dt = -v/delay : 1", parameters={"delay": ns.Trainable(5 * ms)}))
    assert [name for name, _ in ns.compile(circuit).named_parameters()] == ["p.delay"]


@pytest.mark.parametrize(
    ("trainable", "message"),
    [
        ({"h.tau": ns.Trainable()}, "population 'h' has no value 'tau'. Did you mean 'tau_x'"),
        ({"hh.tau_mem": ns.Trainable()}, "has no 'hh.tau_mem'. Did you mean 'h.tau_mem'"),
        ({"h.tau_mem": 8 * ms}, "'h.tau_mem' must be marked with a Trainable"),
        ({"h.tau_mem": ns.Trainable(per="pre")}, "'tau_mem': per='pre' has no meaning here"),
    ],
)
def test_marks_that_do_not_fit_are_refused(trainable: dict[str, Any], message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        ns.compile(mixed(), trainable=trainable)


def test_current_based_weights_in_ampere() -> None:
    circuit = ns.Circuit("cuba", dt=0.1 * ms)
    circuit.source("in", ns.SpikeSource(1))
    circuit.population("p", 1, ns.models.lif(tau_mem=20 * ms, r=100 * Mohm, **VOLTAGES, receptors={"ampa": 5 * ms}))
    circuit.connect("in", "p", ns.OneToOne(), receptor="ampa", weight=ns.Trainable(70 * pA, bounds=(0 * pA, 100 * pA)))
    module = ns.compile(circuit, dtype="float64")
    with torch.no_grad():
        module.get_parameter("in_to_p.weight").fill_(1e6)
    module.project()
    assert module.to_circuit().edges("in_to_p").weight[0] == 100e-12
