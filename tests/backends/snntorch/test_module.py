"""The module as a function: shapes, batches, dtypes, explicit state, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import neurosim as ns
from backends.snntorch.networks import RECORD, STEPS, mixed, mixed_inputs, plain_lif
from neurosim.errors import BackendError, CircuitError, UnsupportedError
from neurosim.units import ms, mV

IMAGES = {"img": torch.ones(7, 2, 4, 5)}


def convolution_like() -> ns.Circuit:
    circuit = ns.Circuit("shapes", dt=1 * ms)
    circuit.source("img", ns.SpikeSource((4, 5)))
    circuit.population("c1", (2, 3, 4), plain_lif())
    circuit.connect("img", "c1", ns.AllToAll(), receptor="v", weight=ns.Normal(0.05, 0.1))
    return circuit


def noisy() -> ns.Circuit:
    circuit = ns.Circuit("noisy", dt=1 * ms)
    model = ns.NeuronModel(
        "dv/dt = (0.9 - v)/tau + 0.4*xi*tau**-0.5 : 1", threshold="v > 1", reset="v = 0.1*rand()", method="euler",
        parameters={"tau": 10 * ms},
    )  # fmt: skip
    circuit.population("p", 4, model)
    return circuit


# -- shapes -------------------------------------------------------------------------------------------------------


def test_arrays_are_time_batch_and_the_shape_of_the_population() -> None:
    outputs, state = ns.compile(convolution_like())(IMAGES)
    assert {name: tuple(value.shape) for name, value in outputs["c1"].items()} == {
        "spikes": (7, 2, 2, 3, 4),
        "v": (7, 2, 2, 3, 4),
    }
    assert tuple(state.variables["c1"]["v"].shape) == (2, 24)


def test_neurons_are_counted_row_by_row() -> None:
    circuit = convolution_like()
    module = ns.compile(circuit, dtype="float64")
    shaped = module(IMAGES)[0]["c1"]["v"]
    recording = ns.simulate(circuit, 7 * ms, backend="brian2", inputs={"img": np.ones((7, 4, 5))}, record={"c1": "v"})
    np.testing.assert_allclose(shaped[:, 0].reshape(7, 24), recording["c1"]["v"].values[0], rtol=1e-12)


def test_by_default_the_terminal_populations_are_returned() -> None:
    outputs, _ = ns.compile(mixed())(mixed_inputs())
    assert {name: list(values) for name, values in outputs.items()} == {"out": ["v"]}
    outputs, _ = ns.compile(convolution_like())(IMAGES)
    assert {name: list(values) for name, values in outputs.items()} == {"c1": ["spikes", "v"]}


def test_weights_and_inputs_can_be_recorded() -> None:
    circuit = mixed()
    record = {"h_to_out": "w", "h_to_h": "w", "h": "i_ext", "in": "spikes", "level": "signal"}
    inputs = mixed_inputs()
    outputs, _ = ns.compile(circuit, dtype="float64")(inputs, record=record)
    for name in ("h_to_out", "h_to_h"):
        np.testing.assert_array_equal(outputs[name]["w"][3, 1], circuit.edges(name).weight)
    assert torch.equal(outputs["in"]["spikes"], inputs["in"])
    assert torch.equal(outputs["level"]["signal"], inputs["level"])
    assert tuple(outputs["h"]["i_ext"].shape) == (STEPS, 2, 5)


# -- batch --------------------------------------------------------------------------------------------------------


def test_a_batch_is_as_many_single_runs() -> None:
    module, inputs = ns.compile(mixed(), dtype="float64"), mixed_inputs(batch=3)
    together, _ = module(inputs, record=RECORD)
    for trial in range(3):
        alone, _ = module({name: value[:, trial : trial + 1] for name, value in inputs.items()}, record=RECORD)
        assert torch.equal(alone["h"]["spikes"], together["h"]["spikes"][:, trial : trial + 1])
        torch.testing.assert_close(
            alone["out"]["v"], together["out"]["v"][:, trial : trial + 1], rtol=1e-12, atol=1e-14
        )


def test_trials_of_a_run_are_as_many_runs() -> None:
    module = ns.compile(mixed(), dtype="float64")
    inputs = {name: value.numpy() for name, value in mixed_inputs(batch=3).items()}
    together = module.run(STEPS * ms, inputs=inputs, trials=3, record=RECORD)
    for trial in range(3):
        alone = module.run(STEPS * ms, inputs={name: value[:, trial] for name, value in inputs.items()}, record=RECORD)
        np.testing.assert_array_equal(alone["out"]["v"].values[0], together["out"]["v"].values[trial])
        assert alone.state.variables["h"]["v"].tolist() == together.state.trial(trial).variables["h"]["v"].tolist()


# -- state --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cuts", [(5,), (1, 2, 9)])
def test_a_run_in_parts_is_one_run_bit_for_bit(dtype: str, cuts: tuple[int, ...]) -> None:
    module, inputs = ns.compile(mixed(), dtype=dtype), mixed_inputs()
    whole, end = module(inputs, record=RECORD)
    state, parts = None, []
    for first, last in zip((0, *cuts), (*cuts, STEPS), strict=True):
        out, state = module({name: value[first:last] for name, value in inputs.items()}, state, record=RECORD)
        parts.append(out)
    for name, variable in (("h", "spikes"), ("h", "v"), ("out", "v")):
        assert torch.equal(torch.cat([part[name][variable] for part in parts]), whole[name][variable])
    assert state == end


def test_a_call_changes_neither_its_state_nor_the_module() -> None:
    module, inputs = ns.compile(mixed(), dtype="float64"), mixed_inputs()
    first, state = module(inputs, record=RECORD)
    kept = state.map(lambda array: torch.as_tensor(array).detach().clone())
    again, _ = module(inputs, state, record=RECORD)
    assert state == kept
    once_more, _ = module(inputs, state, record=RECORD)
    assert torch.equal(again["out"]["v"], once_more["out"]["v"])
    assert torch.equal(module(inputs, record=RECORD)[0]["out"]["v"], first["out"]["v"])
    assert not torch.equal(again["out"]["v"], first["out"]["v"])


def test_a_recorded_state_starts_a_module_and_a_modules_state_starts_brian2() -> None:
    circuit, inputs = mixed(), mixed_inputs(batch=1)
    given = {name: value.numpy() for name, value in inputs.items()}
    head, tail = ({name: value[part] for name, value in given.items()} for part in (slice(6), slice(6, None)))
    whole = ns.simulate(circuit, STEPS * ms, backend="brian2", inputs=given, record=RECORD)
    middle = ns.simulate(circuit, 6 * ms, backend="brian2", inputs=head, record=RECORD)
    module = ns.compile(circuit, dtype="float64", trainable={"in_to_h.weight": ns.Trainable()})
    outputs, _ = module({name: value[6:] for name, value in inputs.items()}, middle.state, record=RECORD)
    expected = whole["h"]["v"].values[0, 6:]
    np.testing.assert_allclose(outputs["h"]["v"][:, 0].detach(), expected, rtol=1e-9, atol=1e-12)
    _, state = module({name: value[:6] for name, value in inputs.items()}, record=RECORD)
    rest = ns.simulate(circuit, 8 * ms, backend="brian2", inputs=tail, state=state, record=RECORD)
    np.testing.assert_allclose(rest["h"]["v"].values[0], expected, rtol=1e-9, atol=1e-12)


def test_a_state_of_another_batch_or_circuit_is_refused() -> None:
    module, inputs = ns.compile(mixed()), mixed_inputs()
    _, state = module(inputs)
    with pytest.raises(CircuitError, match="the state holds a batch of 2, the inputs one of 3"):
        module(mixed_inputs(batch=3), state)
    _, other = ns.compile(convolution_like())(IMAGES)
    with pytest.raises(CircuitError, match="does not fit circuit 'mixed'"):
        module(inputs, other)


# -- values -------------------------------------------------------------------------------------------------------


def test_the_call_and_the_run_agree() -> None:
    module, inputs = ns.compile(mixed(), dtype="float64"), mixed_inputs()
    outputs, _ = module(inputs, record=RECORD)
    given = {name: value.numpy() for name, value in inputs.items()}
    recording = module.run(STEPS * ms, inputs=given, trials=2, record=RECORD)
    for name, variable in (("h", "v"), ("out", "v")):
        expected = recording[name][variable].values.transpose(1, 0, 2)
        np.testing.assert_allclose(outputs[name][variable], expected, rtol=1e-9, atol=1e-12)
    assert outputs["h"]["spikes"].sum() == len(recording.spikes["h"].times) > 0


def test_gradients_or_not_the_values_are_the_same() -> None:
    module = ns.compile(mixed(), dtype="float64", trainable={"in_to_h.weight": ns.Trainable()})
    with_gradients = module(mixed_inputs(), record=RECORD)[0]
    with torch.no_grad():
        without = module(mixed_inputs(), record=RECORD)[0]
    assert with_gradients["out"]["v"].requires_grad
    assert not without["out"]["v"].requires_grad
    for name in ("h", "out"):
        for variable, value in with_gradients[name].items():
            assert torch.equal(value, without[name][variable])


def test_float32() -> None:
    inputs = mixed_inputs()
    single, state = ns.compile(mixed(), dtype="float32")(inputs, record=RECORD)
    double, _ = ns.compile(mixed(), dtype="float64")(inputs, record=RECORD)
    assert single["out"]["v"].dtype == single["h"]["spikes"].dtype == torch.float32
    assert state.variables["h"]["v"].dtype == torch.float32
    torch.testing.assert_close(single["out"]["v"].double(), double["out"]["v"], rtol=1e-4, atol=1e-5)
    recording = ns.compile(mixed(), dtype="float32").run(5 * ms, record=RECORD)
    assert recording.metadata["dtype"] == "float32"
    assert recording.metadata["exact"] is False


def test_float32_with_refractoriness_and_the_time_of_the_last_spike() -> None:
    model = ns.NeuronModel(
        "dv/dt = (1.5*(1 - exp(-(t - lastspike)/tau)) - v)/tau : 1 (unless refractory)",
        threshold="v > 1", reset="v = 0", refractory=1 * ms, parameters={"tau": 10 * ms}, method="euler",
    )  # fmt: skip
    circuit = ns.Circuit("last", dt=0.1 * ms)
    circuit.population("p", 3, model)
    counts = set()
    for dtype in ("float32", "float64"):
        outputs, state = ns.compile(circuit, dtype=dtype)(steps=600)
        assert state.variables["p"]["v"].dtype == outputs["p"]["v"].dtype == getattr(torch, dtype)
        counts.add(int(outputs["p"]["spikes"].sum()))
    assert len(counts) == 1


def test_an_injection_uses_its_own_signal_unless_given_another() -> None:
    circuit = ns.Circuit("injection", dt=1 * ms)
    p = circuit.population("p", 4, ns.models.leaky_integrator(tau_mem=10 * ms))
    circuit.inject("push", p[1:3], "i_ext", ns.Step(1.0, start=2 * ms))
    module = ns.compile(circuit, dtype="float64")
    own = module(steps=4, record={"p": "i_ext"})[0]["p"]["i_ext"]
    assert own[:, 0].tolist() == [[0.0] * 4, [0.0] * 4, [0.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0]]
    given = torch.tensor([[[2.0, 3.0]]])
    assert module({"push": given}, record={"p": "i_ext"})[0]["p"]["i_ext"][0, 0].tolist() == [0.0, 2.0, 3.0, 0.0]


def test_gradients_reach_the_inputs() -> None:
    module, inputs = ns.compile(mixed(), dtype="float64"), mixed_inputs()
    level = inputs["level"].requires_grad_()
    module({**inputs, "level": level})[0]["out"]["v"].sum().backward()
    assert level.grad.abs().max() > 0


def test_a_projection_without_edges() -> None:
    circuit = mixed()
    circuit.connect("in", "h", ns.FixedProbability(0.0), receptor="x", weight=1.0, delay=3 * ms, name="nothing")
    marks = {"nothing.weight": ns.Trainable(), "in_to_h.weight": ns.Trainable()}
    with_nothing = ns.compile(circuit, dtype="float64", trainable=marks)(mixed_inputs())[0]["out"]["v"]
    assert torch.equal(with_nothing, ns.compile(mixed(), dtype="float64")(mixed_inputs())[0]["out"]["v"])


# -- noise --------------------------------------------------------------------------------------------------------


def test_noise_is_that_of_a_run_with_the_same_seed_and_of_no_other() -> None:
    circuit = noisy()
    module = ns.compile(circuit, dtype="float64")
    outputs, _ = module(steps=300, seed=3, record={"p": "v"})
    recording = ns.simulate(circuit, 300 * ms, backend="brian2", seed=3, record={"p": "v"})
    np.testing.assert_allclose(outputs["p"]["v"][:, 0], recording["p"]["v"].values[0], rtol=1e-9, atol=1e-12)
    assert not torch.equal(module(steps=300, seed=4, record={"p": "v"})[0]["p"]["v"], outputs["p"]["v"])


def test_noise_does_not_depend_on_how_a_run_is_cut() -> None:
    module = ns.compile(noisy(), dtype="float64")
    whole, _ = module(steps=300, seed=3)
    first, state = module(steps=120, seed=3)
    second, _ = module(steps=180, state=state, seed=3)
    assert torch.equal(torch.cat([first["p"]["v"], second["p"]["v"]]), whole["p"]["v"])


# -- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        ({"imgg": torch.ones(7, 2, 4, 5)}, {}, "'imgg' is no source or injection of the circuit. Did you mean 'img'"),
        ({"c1": torch.ones(7, 2, 2, 3, 4)}, {}, "'c1' is no source or injection"),
        ({"img": torch.ones(7, 2, 20)}, {}, r"'img' has shape \(7, 2, 20\); expected \(time, batch, 4, 5\)"),
        ({"img": torch.ones(7, 4, 5)}, {}, r"'img' has shape \(7, 4, 5\)"),
        (IMAGES, {"steps": 8}, "steps=8, but the inputs have 7 rows"),
        (IMAGES, {"record": {"c2": "v"}}, "the circuit has no 'c2'. Did you mean 'c1'"),
        (IMAGES, {"record": {"c1": "vv"}}, "'c1' has no 'vv'. Did you mean 'v'"),
        (None, {}, "give inputs= or steps="),
    ],
)
def test_calls_that_do_not_fit_are_refused(inputs: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        ns.compile(convolution_like())(inputs, **options)


def test_inputs_that_disagree_are_refused() -> None:
    inputs = mixed_inputs()
    with pytest.raises(CircuitError, match=r"inputs differ in \(time, batch\).*'in': \(14, 2\).*'level': \(13, 2\)"):
        ns.compile(mixed())({"in": inputs["in"], "level": inputs["level"][1:]})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "floot64"}, "dtype='floot64' is unknown. Did you mean 'float64'"),
        ({"propagation": "ordred"}, "propagation='ordred' is unknown. Did you mean 'ordered'"),
        ({"device": "cud"}, "device='cud' cannot be used here"),
        ({"devise": "cpu"}, "backend 'snntorch' has no option 'devise'. Did you mean 'device'"),
    ],
)
def test_options_that_do_not_exist_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BackendError, match=message):
        ns.compile(mixed(), **options)


@pytest.mark.parametrize("name", ["train", "forward", "parameters", "device", "part", "to", "run"])
def test_a_name_that_a_torch_module_needs_is_refused(name: str) -> None:
    circuit = ns.Circuit("names", dt=1 * ms)
    circuit.population(name, 2, ns.models.leaky_integrator(tau_mem=10 * ms))
    with pytest.raises(UnsupportedError, match=f"'{name}' is an attribute of a torch module"):
        ns.compile(circuit)
    assert ns.simulate(circuit, 2 * ms, backend="brian2", record={name: "v"})[name]["v"].shape == (1, 2, 2)


@pytest.mark.parametrize("name", ["weight", "w", "threshold", "beta", "mem", "bias", "fire_rate"])
def test_a_parameter_may_have_a_name_that_means_something_elsewhere(name: str) -> None:
    circuit = ns.Circuit("names", dt=1 * ms)
    equations = f"dv/dt = ({name} - v)/(10*ms) : 1"
    circuit.population("p", 2, ns.NeuronModel(equations, threshold="v > 1", reset="v = 0", parameters={name: 2.0}))
    module = ns.compile(circuit, dtype="float64", trainable={f"p.{name}": ns.Trainable()})
    outputs, _ = module(steps=20)
    outputs["p"]["spikes"].sum().backward()
    assert module.get_parameter(f"p.{name}").grad is not None
    assert module.to_circuit() == module.circuit


@pytest.mark.parametrize("name", ["values", "train", "half", "spike_grad"])
def test_a_parameter_that_cannot_be_one_of_a_torch_module_is_refused_where_it_is_trained(name: str) -> None:
    circuit = ns.Circuit("names", dt=1 * ms)
    equations = f"dv/dt = ({name} - v)/(10*ms) : 1"
    circuit.population("p", 2, ns.NeuronModel(equations, threshold="v > 1", reset="v = 0", parameters={name: 2.0}))
    assert ns.compile(circuit)(steps=20)[0]["p"]["spikes"].sum() > 0
    with pytest.raises(UnsupportedError, match=f"p.{name}: a torch module has an attribute of that name"):
        ns.compile(circuit, trainable={f"p.{name}": ns.Trainable()})


def test_edges_are_indexed_when_they_are_asked_for() -> None:
    """A compiled run asks for none; what is asked for without gradients serves one with gradients, on any device."""
    circuit = ns.Circuit("indexed", dt=0.1 * ms)
    cell = ns.models.lif(
        tau_mem=10 * ms, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-49 * mV, receptors={"slow": 4 * ms}
    )
    cells = circuit.population("cells", 20, cell)
    circuit.connect(cells, cells, ns.FixedProbability(0.5), receptor="slow", weight=1 * mV, delay=1 * ms, name="within")
    module = ns.compile(circuit, backend="snntorch", dtype="float64", training=False, fused="always")
    part = module.part("within")
    module.run(5 * ms)
    assert {name for name, _ in part.named_buffers()}.isdisjoint({"_pre_index", "_post_index", "_arrivals.order"})
    with torch.inference_mode():
        assert part.post_edges.tolist() == circuit.edges("within").post.tolist()
        assert part.arrivals.order.shape == part.pre_edges.shape
    assert not part.post_edges.is_inference()
    assert not part.arrivals.order.is_inference()
    assert part.to("meta").pre_edges.device.type == "meta"
