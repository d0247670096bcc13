"""Convolution on both backends: the same spikes, the gradient of the kernel, and no edges where training needs none."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

import neurosim as ns
from neurosim.circuit.sliding import Sliding
from neurosim.errors import UnsupportedError
from neurosim.units import ms

STEPS = 40
LIF = ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, receptors={"x": 3 * ms})
READOUT = ns.models.leaky_integrator(tau_mem=20 * ms)
SHAPES = {"image": (1, 15, 15), "c1": (16, 7, 7), "c2": (16, 7, 7), "out": (4, 3, 3)}


def network(kernel: Any = None, delay: Any = 1 * ms, receptor: str = "v", **options: Any) -> ns.Circuit:
    """Return an image, two layers of spiking maps (the second depth-wise) and a graded and a pulsed readout."""
    circuit = ns.Circuit("maps", dt=1 * ms, seed=3, **options)
    circuit.source("image", ns.SpikeSource(SHAPES["image"]))
    for name in ("c1", "c2"):
        circuit.population(name, SHAPES[name], LIF)
    circuit.population("out", SHAPES["out"], READOUT)
    kernel = ns.Trainable(ns.Normal(0.1, 0.5)) if kernel is None else kernel
    circuit.connect("image", "c1", ns.Convolution(3, stride=2), receptor=receptor, weight=kernel, delay=delay)
    depthwise = ns.Convolution((3, 2), padding="same", groups=16)
    circuit.connect("c1", "c2", depthwise, receptor="v", weight=ns.Trainable(ns.Normal(0.3, 0.3)))
    wide = ns.Convolution(3, stride=(2, 1), dilation=(1, 2))
    circuit.connect("c2", "out", wide, receptor="v", weight=ns.Trainable(ns.Normal(0, 0.3)))
    graded = ns.SynapseModel("i_ext_post = w*v_pre : 1 (summed)")
    circuit.connect("c1", "c2", ns.Convolution(3, padding=1), synapse=graded, weight=ns.Trainable(ns.Normal(0, 0.01)),
                    name="between")  # fmt: skip
    return circuit


def image(batch: int = 1) -> np.ndarray:
    return (np.random.default_rng(1).random((STEPS, batch, *SHAPES["image"])) < 0.2).astype(float)


def gradients(module: Any, batch: int = 3) -> dict[str, torch.Tensor]:
    out, _ = module({"image": torch.tensor(image(batch))})
    (out["out"]["v"] * torch.linspace(-1, 1, 36, dtype=torch.float64).reshape(SHAPES["out"])).sum().backward()
    return {name: parameter.grad for name, parameter in module.named_parameters()}


@pytest.mark.parametrize(
    ("kernel", "delay"),
    [
        (None, 1 * ms),
        (np.random.default_rng(0).normal(0.1, 0.5, (16, 1, 3, 3)), ns.Uniform(0 * ms, 3 * ms)),
        (ns.Trainable(0.25), 0 * ms),
        (0.25, 2 * ms),
    ],
)
def test_both_backends_agree(kernel: Any, delay: Any) -> None:
    circuit = network(kernel, delay)
    record = {"c1": ["spikes"], "c2": ["spikes"], "out": ["v"]}
    inputs = {"image": image()[:, 0].reshape(STEPS, -1)}
    reference, exact = (
        ns.simulate(circuit, STEPS * ms, backend=backend, inputs=inputs, record=record)
        for backend in ("brian2", "snntorch")
    )
    assert exact.spikes == reference.spikes
    assert all(reference[name]["spikes"].rates().sum() > 0 for name in ("c1", "c2"))
    assert all(largest == 0 for largest, _ in exact.state.max_differences(reference.state).values())
    np.testing.assert_array_equal(reference["out"]["v"].values, exact["out"]["v"].values)
    for propagation in ("auto", "ordered"):
        module = ns.compile(circuit, backend="snntorch", dtype="float64", propagation=propagation)
        out, _ = module({"image": torch.tensor(image())})
        found = out["out"]["v"].detach().numpy().reshape(STEPS, 1, -1)
        np.testing.assert_allclose(found[:, 0], reference["out"]["v"].values[0], rtol=1e-9, atol=1e-12)
        assert module.image_to_c1.by_convolution == (propagation == "auto" and not isinstance(delay, ns.Uniform))


def test_gradients_are_those_of_a_gather_over_the_edges() -> None:
    by_kernel, by_edge = (
        ns.compile(network(), backend="snntorch", dtype="float64", propagation=propagation)
        for propagation in ("auto", "ordered")
    )
    found, expected = gradients(by_kernel), gradients(by_edge)
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        "image_to_c1.weight": (16, 1, 3, 3), "c1_to_c2.weight": (16, 1, 3, 2), "c2_to_out.weight": (4, 16, 3, 3),
        "between.weight": (16, 16, 3, 3),
    }  # fmt: skip
    for name, value in found.items():
        largest = expected[name].abs().max()
        assert largest > 0
        assert (value - expected[name]).abs().max() <= 1e-12 * largest, name


def test_one_convolution_against_torch() -> None:
    circuit = ns.Circuit("one", dt=1 * ms)
    circuit.source("image", ns.SignalSource((2, 6, 5)))
    circuit.population("sum", (3, 4, 5), ns.NeuronModel("dv/dt = i/(1*ms) : 1\ni : 1", method="euler"))
    kernel = torch.randn(3, 2, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    rule = ns.Convolution(3, padding=(0, 1))
    circuit.connect("image", "sum", rule, receptor="i", weight=ns.Trainable(kernel.numpy()))
    module = ns.compile(circuit, backend="snntorch", dtype="float64")
    x = torch.randn(1, 4, 2, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2), requires_grad=True)
    out, _ = module({"image": x})
    torch.testing.assert_close(out["sum"]["v"][0], conv2d(x[0], kernel, padding=(0, 1)), rtol=1e-12, atol=1e-12)
    assert torch.autograd.gradcheck(lambda x: module({"image": x})[0]["sum"]["v"], x[:, :1])


def test_training_makes_no_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Sliding) -> Any:
        raise AssertionError("training asked for the edges of a convolution")

    circuit = network()
    with monkeypatch.context() as patch:
        patch.setattr(Sliding, "ends", refuse)
        patch.setattr(Sliding, "elements", refuse)
        module = ns.compile(circuit, backend="snntorch", dtype="float64")
        optimiser = torch.optim.Adam(module.parameters(), lr=1e-2)
        assert gradients(copy.deepcopy(module))
        gradients(module)
        optimiser.step()
        module.project()
        trained = module.to_circuit()
        held = sum(tensor.nelement() for tensor in (*module.parameters(), *module.buffers()))
    kernels = 16 * 9 + 16 * 6 + 4 * 16 * 9 + 16 * 16 * 9
    assert held < kernels + 100  # four kernels, their scales and the numbers of the populations
    assert sum(trained.edges(name).pre.size for name in trained.projections) > 100_000


def test_the_trained_kernel_is_written_back_and_runs_everywhere() -> None:
    circuit = network()
    module = ns.compile(circuit, backend="snntorch", dtype="float64")
    assert module.to_circuit() == circuit.replace(
        {f"{name}.weight": circuit.kernel(name) for name in circuit.projections}
    )
    before = module({"image": torch.tensor(image())})[0]["out"]["v"].detach()
    with torch.no_grad():
        module.image_to_c1.weight *= 1.25
    trained = module.to_circuit()
    np.testing.assert_array_equal(trained.kernel("image_to_c1"), circuit.kernel("image_to_c1") * 1.25)
    assert isinstance(trained.projections["image_to_c1"].weight, ns.Trainable)
    inputs = {"image": image()[:, 0].reshape(STEPS, -1)}
    record = {"c2": ["spikes"], "out": ["v"]}
    reference = ns.simulate(trained, STEPS * ms, backend="brian2", inputs=inputs, record=record)
    for attempt in range(2):  # its own simulation makes the edges; training goes on as before
        own = module.run(STEPS * ms, inputs=inputs, record=record)
        assert own.spikes == reference.spikes
        after = module({"image": torch.tensor(image())})[0]["out"]["v"].detach()
        found = after.numpy().reshape(STEPS, -1)
        np.testing.assert_allclose(found, reference["out"]["v"].values[0], rtol=1e-9, atol=1e-12)
        assert attempt or not torch.equal(before, after)
    other = ns.compile(circuit, backend="snntorch", dtype="float64")
    other.load_state_dict(module.state_dict())
    assert torch.equal(other({"image": torch.tensor(image())})[0]["out"]["v"].detach(), after)


def test_marks_of_kernels() -> None:
    shared = ns.Trainable(0.2, per="all", bounds=(0.0, 0.5))
    module = ns.compile(network(shared), backend="snntorch", dtype="float64")
    assert module.image_to_c1.weight.shape == ()
    found = gradients(module)["image_to_c1.weight"]
    full = gradients(ns.compile(network(ns.Trainable(0.2)), backend="snntorch", dtype="float64"))["image_to_c1.weight"]
    assert found == pytest.approx(full.sum().item(), rel=1e-10)
    with torch.no_grad():
        module.image_to_c1.weight.fill_(100.0)
    module.project()
    assert module.to_circuit().kernel("image_to_c1").max() == 0.5

    circuit = ns.Circuit("tied", dt=1 * ms)
    circuit.source("a", ns.SpikeSource((2, 9)))
    for name in ("b", "c"):
        circuit.population(name, (2, 9), LIF)
        mark = ns.Trainable(np.arange(12.0) / 10, tie="kernel")
        circuit.connect("a" if name == "b" else "b", name, ns.Convolution(3, padding=1), receptor="v", weight=mark)
    tied = ns.compile(circuit, backend="snntorch")
    assert len(list(tied.parameters())) == 1
    assert tied.a_to_b.weight is tied.b_to_c.weight


def test_weights_of_edges_can_be_recorded() -> None:
    circuit = network()
    module = ns.compile(circuit, backend="snntorch", dtype="float64")
    expected = circuit.edges("image_to_c1").weight
    out, _ = module({"image": torch.tensor(image())}, record={"image_to_c1": "w"})
    np.testing.assert_array_equal(out["image_to_c1"]["w"][0, 0].detach().numpy(), expected)
    inputs = {"image": image()[:, 0].reshape(STEPS, -1)}
    for backend in ("brian2", "snntorch"):
        recording = ns.simulate(circuit, 2 * ms, backend=backend, inputs={"image": inputs["image"][:2]},
                                record={"image_to_c1": "w"})  # fmt: skip
        np.testing.assert_array_equal(recording["image_to_c1"]["w"].values[0, -1], expected)


def test_other_expressions_go_edge_by_edge() -> None:
    circuit = ns.Circuit("driving", dt=1 * ms, seed=2)
    circuit.source("image", ns.SpikeSource((1, 9, 9)))
    circuit.population("c1", (3, 7, 7), LIF)
    synapse = ns.SynapseModel(on_pre="v_post += gain*w*(2 - x_post)", parameters={"gain": ns.Uniform(0.5, 1.0)})
    circuit.connect("image", "c1", ns.Convolution(3), synapse=synapse, weight=ns.Trainable(ns.Normal(0.2, 0.3)))
    x = (np.random.default_rng(3).random((STEPS, 81)) < 0.3).astype(float)
    report = ns.verify(circuit, STEPS * ms, inputs={"image": x})
    assert report.identical, report.text()
    assert report.spikes["brian2"] > 20
    module = ns.compile(circuit, backend="snntorch", dtype="float64")
    assert not module.image_to_c1.by_convolution
    module({"image": torch.tensor(x.reshape(STEPS, 1, 1, 9, 9))}, record={"c1": "v"})[0]["c1"]["v"].sum().backward()
    assert module.image_to_c1.weight.grad.shape == (3, 1, 3, 3)
    assert module.image_to_c1.weight.grad.abs().min() > 0


def test_delays_of_kernels_do_not_train() -> None:
    with pytest.raises(UnsupportedError, match="edges of a Convolution share their weights"):
        ns.compile(network(delay=ns.Trainable(2 * ms)), backend="snntorch")


def test_given_delays_are_rounded_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    circuit = network(delay=1.4 * ms, round_delays=True)
    module = ns.compile(circuit, backend="snntorch", dtype="float64")
    assert "projection 'image_to_c1': delays rounded" in caplog.text
    assert module.program.projections["image_to_c1"].max_delay == 1
    assert set(circuit.edges("image_to_c1").steps) == {1}


def test_edges_with_a_state_start_from_the_kernel() -> None:
    synapse = ns.SynapseModel(
        "du/dt = -u/(50*ms) : 1 (event-driven)", on_pre="u += 0.3*(1 - u); v_post += w*u", parameters={}
    )

    def made(kernel: Any) -> ns.Circuit:
        circuit = ns.Circuit("facilitating", dt=1 * ms, seed=2)
        circuit.source("image", ns.SpikeSource((1, 9, 9)))
        circuit.population("c1", (3, 7, 7), LIF)
        circuit.connect("image", "c1", ns.Convolution(3), synapse=synapse, weight=kernel, delay=2 * ms)
        return circuit

    x = (np.random.default_rng(3).random((STEPS, 81)) < 0.3).astype(float)
    report = ns.verify(made(ns.Normal(0.3, 0.3)), STEPS * ms, inputs={"image": x})
    assert report.identical, report.text()
    assert report.spikes["brian2"] > 20
    with pytest.raises(UnsupportedError, match=r"image_to_c1\.weight: a kernel trains where edges have no state"):
        ns.compile(made(ns.Trainable(ns.Normal(0.3, 0.3))), backend="snntorch")
