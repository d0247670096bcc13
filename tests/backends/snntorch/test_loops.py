"""Populations that reach themselves do in compiled loops what torch's operations do, forward and backward."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor

import neurosim as ns
from neurosim.backends.snntorch.loops.lines import needed, read_by
from neurosim.units import Hz, ms

MARKS = {
    "exc.tau_mem": ns.Trainable(per="neuron"), "inh.v_threshold": ns.Trainable(), "in_to_exc.weight": ns.Trainable(),
}  # fmt: skip
RECORD = {"exc": ["spikes", "v"], "inh": ["spikes", "v", "s"], "out": "v"}


def balanced(*, n: tuple[int, int, int] = (6, 9, 5), gain: float = 1.0, seed: int = 3) -> ns.Circuit:
    """Return excitation and inhibition that reach each other by matrices and by single edges, after many delays.

    Excitatory neurons rest after a spike and lose what arrives meanwhile; inhibitory ones are reset by subtraction.
    """
    circuit = ns.Circuit("balanced", dt=1 * ms, seed=seed, round_delays=True)
    circuit.source("in", ns.SpikeSource(n[0]))
    rests = ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, tau_ref=2 * ms)
    circuit.population("exc", n[1], rests, initial={"v": ns.Uniform(0, 0.8)})
    subtracts = ns.NeuronModel(
        "dv/dt = (s - v)/tau : 1\nds/dt = -s/(5*ms) : 1", threshold="v > v_threshold", reset="v -= v_threshold",
        parameters={"tau": 8 * ms, "v_threshold": 0.8},
    )  # fmt: skip
    circuit.population("inh", n[2], subtracts, parameters={"tau": ns.Uniform(6 * ms, 9 * ms)})
    circuit.population("out", 3, ns.models.leaky_integrator(tau_mem=20 * ms))
    weight = ns.Trainable(ns.Normal(0.1 * gain, 0.2 * gain))
    circuit.connect("in", "exc", ns.AllToAll(), receptor="v", weight=ns.Normal(0.4 * gain, 0.2 * gain))
    circuit.connect(
        "exc", "exc", ns.FixedProbability(0.5), receptor="v", weight=weight, delay=ns.Uniform(0 * ms, 4 * ms)
    )
    circuit.connect("exc", "inh", ns.AllToAll(), receptor="s", weight=ns.Trainable(ns.Normal(0.6 * gain, 0.4 * gain)))
    circuit.connect(
        "inh", "exc", ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(-0.2 * gain, 0.1 * gain)),
        delay=3 * ms,
    )  # fmt: skip
    learned = ns.Trainable(ns.Uniform(0 * ms, 3 * ms), bounds=(0 * ms, 3 * ms))
    circuit.connect("inh", "inh", ns.FixedProbability(0.5), receptor="v", weight=-0.1 * gain, delay=learned)
    circuit.connect("exc", "out", ns.AllToAll(), receptor="v", weight=0.3)
    circuit.poisson("background", "exc", receptor="v", count=20, rate=10 * Hz, weight=0.1)
    return circuit


def called(
    circuit: ns.Circuit, x: Tensor, fused: str, **options: Any
) -> tuple[dict[str, Tensor], dict[str, Tensor | None], ns.State]:
    """Return outputs and gradients of two calls, the second from the state of the first, and the last state."""
    module = ns.compile(circuit, backend="snntorch", fused=fused, trainable=MARKS, **options)
    if fused == "always":
        assert module.stepped[module.schedule[1]] is None
    half = max(len(x) // 2, 1)
    found, state = module({"in": x[:half]}, record=RECORD, seed=4)
    outputs = {f"first.{name}.{key}": value for name, part in found.items() for key, value in part.items()}
    if len(x) > half:
        found, state = module({"in": x[half:]}, state, record=RECORD, seed=4)
        outputs |= {f"second.{name}.{key}": value for name, part in found.items() for key, value in part.items()}
    loss = sum(value.sum() for part in ("exc", "inh") for value in state.variables[part].values())
    for value in outputs.values():
        weights = torch.linspace(0.5, 1, value.numel(), dtype=value.dtype).reshape(value.shape)
        loss = loss + ((value - 0.3).square() * weights).sum()
    loss.backward()  # type: ignore[union-attr]
    gradients = {key: parameter.grad for key, parameter in module.named_parameters()}
    return {key: value.detach() for key, value in outputs.items()}, gradients, state


def held_against_steps(circuit: ns.Circuit, x: Tensor, values: float, gradients: float, **options: Any) -> float:
    """Hold loops against steps; return the mean of all spikes."""
    loops, steps = called(circuit, x, "always", **options), called(circuit, x, "never", **options)
    for key, value in steps[0].items():
        size = float(value.abs().max()) if value.numel() else 0.0
        assert torch.allclose(loops[0][key], value, rtol=0, atol=0 if "spikes" in key else values * size), key
    for key, gradient in steps[1].items():
        if gradient is None:
            assert loops[1][key].numel() == 0, key  # no edges
            continue
        assert torch.linalg.vector_norm(loops[1][key] - gradient) <= gradients * gradient.norm(), key
    for (address, ours), (_, theirs) in zip(loops[2].arrays(), steps[2].arrays(), strict=True):
        ours, theirs = torch.as_tensor(ours).detach().double(), torch.as_tensor(theirs).detach().double()
        assert torch.allclose(ours, theirs, rtol=values, atol=values), address
    spikes = [value.double().mean() for key, value in steps[0].items() if key.endswith("spikes")]
    return float(torch.stack(spikes).mean())


def train(steps: int, batch: int, n: int, density: float = 0.3) -> Tensor:
    """Return input spikes."""
    return torch.rand(steps, batch, n, generator=torch.Generator().manual_seed(1)) < density


def test_loops_and_steps_agree() -> None:
    rate = held_against_steps(balanced(), train(40, 3, 6), 1e-13, 1e-11, dtype="float64")
    assert 0.05 < rate < 0.6
    gradients = called(balanced(), train(40, 3, 6), "always", dtype="float64")[1]
    assert {key for key, gradient in gradients.items() if gradient is not None and gradient.any()} == set(gradients)
    assert "inh_to_inh.delay" in gradients


SIZES = [((1, 1, 1), 1, 1, 40.0, 1.0), ((3, 17, 8), 7, 9, 0.0, 0.0)]


@pytest.mark.parametrize(("n", "steps", "batch", "gain", "density"), SIZES, ids=["one", "silent"])
def test_loops_and_steps_agree_at_the_edges(
    n: tuple[int, int, int], steps: int, batch: int, gain: float, density: float
) -> None:
    held_against_steps(balanced(n=n, gain=gain), train(steps, batch, n[0], density), 1e-12, 1e-10, dtype="float64")


@pytest.mark.slow
@given(
    n=st.tuples(st.integers(1, 9), st.integers(1, 17), st.integers(1, 9)),
    steps=st.integers(1, 12),
    batch=st.integers(1, 11),
    gain=st.sampled_from([0.0, 1.0, 40.0]),  # no spikes but by chance, some, (nearly) all
    density=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 100),
)
@settings(
    max_examples=30, suppress_health_check=list(HealthCheck), deadline=None, phases=[Phase.explicit, Phase.generate]
)
def test_loops_and_steps_agree_at_every_size(
    n: tuple[int, int, int], steps: int, batch: int, gain: float, density: float, seed: int
) -> None:
    circuit = balanced(n=n, gain=gain, seed=seed)
    held_against_steps(circuit, train(steps, batch, n[0], density), 1e-12, 1e-10, dtype="float64")


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            results.append(called(balanced(), train(20, 11, 6), "always", dtype="float64"))
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(torch.equal(other[0][key], value) for key, value in results[0][0].items())
        assert all(torch.equal(other[1][key], value) for key, value in results[0][1].items())


def test_nothing_is_kept_without_gradients() -> None:
    module = ns.compile(balanced(), backend="snntorch", fused="always", dtype="float64", training=False)
    expected = ns.compile(balanced(), backend="snntorch", fused="never", dtype="float64", training=False)
    x = train(30, 2, 6)
    found, other = module({"in": x}, record=RECORD)[0], expected({"in": x}, record=RECORD)[0]
    assert torch.equal(found["exc"]["spikes"], other["exc"]["spikes"])
    assert torch.allclose(found["inh"]["v"], other["inh"]["v"], rtol=1e-13, atol=1e-15)
    assert not found["exc"]["v"].requires_grad


def test_what_is_kept_for_the_way_back() -> None:
    # Of exc: v at its turns; of inh: v and s, since its reset and its threshold read them after arrivals; and bits.
    n, steps, batch = (4, 40, 24), 64, 8
    module = ns.compile(balanced(n=n), backend="snntorch", fused="always", dtype="float64", trainable=MARKS)
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    x = train(steps, batch, n[0])
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        end = module({"in": x}, record=RECORD)[1]
    assert end.variables["exc"]["v"].requires_grad
    shapes = [tuple(tensor.shape) for tensor in kept.values()]
    assert shapes.count((steps, batch, n[1])) == 1
    assert shapes.count((steps, batch, n[2])) == 2
    assert shapes.count((steps + 4, batch, n[1] // 8)) == 1


def test_components_that_are_stepped_say_why() -> None:
    circuit = balanced()
    kept = ns.SynapseModel("dr/dt = -r/(5*ms) : 1 (event-driven)", on_pre="r += 1; v_post += w*r")
    circuit.connect("inh", "exc", ns.AllToAll(), synapse=kept, weight=0.1, name="facilitating")
    module = ns.compile(circuit, backend="snntorch")
    (reason,) = (reason for component, reason in module.stepped.items() if len(component.populations) > 1)
    assert reason == "the edges of facilitating have a state"
    module = ns.compile(balanced(), backend="snntorch")
    (component,) = (component for component in module.stepped if len(component.populations) > 1)
    assert module.stepped[component] is None
    module.part("exc").estimator = lambda values, spikes, active: spikes
    assert module.stepped[component] == "the spikes of exc have a gradient of their own"


def test_lines_that_nothing_reads_are_left_out() -> None:
    lines = ["a = x[j]", "b = y[j]", "c = a * b", "d = a + 1", "z[j] = d", "w[j] += d"]
    assert needed(lines) == ["a = x[j]", "d = a + 1", "z[j] = d", "w[j] += d"]
    assert needed(lines, ["c"]) == lines
    assert read_by(["a = x[j] + f(b)"]) == {"a", "x", "j", "f", "b"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "values", "gradients"),
    [
        ({"dtype": "float32"}, 1e-5, 1e-4),
        ({"dtype": "float32", "surrogate": "fast_sigmoid"}, 1e-5, 1e-4),
        ({"dtype": "float64", "surrogate": lambda argument: 0.3 * argument}, 1e-12, 1e-10),
    ],
    ids=["atan", "fast_sigmoid", "custom"],
)
def test_loops_and_steps_agree_in_other_precisions(options: dict[str, Any], values: float, gradients: float) -> None:
    held_against_steps(balanced(), train(30, 3, 6), values, gradients, **options)
