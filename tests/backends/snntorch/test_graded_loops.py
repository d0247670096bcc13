"""Components with graded projections inside do in compiled loops what torch's operations do, forward and backward."""

from __future__ import annotations

from inspect import isroutine
from typing import Any
from unittest.mock import patch

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor

import neurosim as ns
from neurosim.backends.snntorch.compiled_modules import imported
from neurosim.backends.snntorch.loops import scan
from neurosim.units import Hz, ms, mV, nS, pA

Run = tuple[dict[str, Tensor], dict[str, Tensor | None], ns.State]


def worm(*, n: int = 11, seed: int = 3, chance: float = 0.4) -> ns.Circuit:
    """Return graded neurons that reach each other by chemical synapses and gap junctions, edge by edge."""
    circuit = ns.Circuit("worm", dt=1 * ms, seed=seed)
    model = ns.models.graded(v_half=-36 * mV, a_r=800 * Hz, a_d=300 * Hz)
    cells = circuit.population("cells", n, model, initial={"v": ns.Uniform(-45 * mV, -25 * mV)})
    weight = ns.Trainable(ns.Uniform(0 * nS, 0.05 * nS))
    excites = ns.models.graded_synapse(reversal=ns.Trainable(-10 * mV))
    circuit.connect(cells, cells, ns.FixedProbability(chance / 4), synapse=excites, weight=weight, name="exc")
    inhibits = ns.models.graded_synapse(reversal=-48 * mV)
    circuit.connect(cells, cells, ns.AllToAll(), synapse=inhibits, weight=0.01 * nS, name="inh")
    gap = ns.models.gap_junction()
    circuit.connect(cells, cells, ns.FixedProbability(chance), synapse=gap, weight=weight, name="gap")
    circuit.inject("drive", cells, "i_ext", ns.Step(0.5 * pA))
    return circuit


def kernels(*, n: int = 5, seed: int = 6) -> ns.Circuit:
    """Return graded neurons on a grid that see each other through kernels, one of which is more than a weight."""
    circuit = ns.Circuit("kernels", dt=1 * ms, seed=seed)
    model = ns.NeuronModel("dv/dt = (x - v)/(9*ms) : 1\nx : 1")
    circuit.population("cells", (2, n, 4), model, initial={"v": ns.Uniform(-0.5, 0.8)})
    kernel = ns.Trainable(ns.Normal(0, 0.3))
    smooth = ns.SynapseModel("x_post = w*v_pre : 1 (summed)")
    rule = ns.Convolution(3, padding=1, dilation=1)
    circuit.connect("cells", "cells", rule, synapse=smooth, weight=kernel, name="smooth")
    circuit.population("small", (3, 3, 2), model)
    ahead = ns.Convolution(3, padding=1, stride=2)
    circuit.connect("cells", "small", ahead, synapse=smooth, weight=kernel, name="ahead")
    circuit.connect("small", "cells", ns.AllToAll(), synapse=smooth, weight=ns.Trainable(0.02))
    bent = ns.SynapseModel("x_post = w*tanh(v_pre - v_post)*gain : 1 (summed)", parameters={"gain": ns.Trainable(0.6)})
    rule = ns.Convolution(3, padding=1, groups=2)
    circuit.connect("cells", "cells", rule, synapse=bent, weight=kernel, name="bent")
    circuit.inject("drive", "cells", "x", ns.Step(0.4))
    return circuit


def rates(*, n: int = 7, seed: int = 5) -> ns.Circuit:
    """Return a recurrent rate network: signals reach it, matrices and single edges lead from rate to rate."""
    circuit = ns.Circuit("rates", dt=1 * ms, seed=seed)
    model = ns.NeuronModel("dx/dt = (drive + bias - x)/tau : 1\nr = tanh(gain*x) : 1\ndrive : 1",
                           parameters={"tau": 8 * ms, "gain": 1.5, "bias": 0.1})  # fmt: skip
    circuit.source("in", ns.SignalSource(3))
    circuit.population("hidden", n, model, initial={"x": ns.Uniform(-0.5, 0.5)})
    circuit.population("gate", 4, ns.models.rate_unit(nonlinearity="sigmoid"))
    circuit.population("out", 2, ns.models.leaky_integrator(tau_mem=20 * ms))
    rated = ns.SynapseModel("drive_post = w*r_pre : 1 (summed)")
    signalled = ns.SynapseModel("drive_post = w*signal_pre : 1 (summed)")
    circuit.connect("in", "hidden", ns.AllToAll(), synapse=signalled, weight=ns.Trainable(ns.Normal(0, 0.5)))
    circuit.connect("hidden", "hidden", ns.AllToAll(), synapse=rated, weight=ns.Trainable(ns.Normal(0, 0.4)))
    gated = ns.SynapseModel("x_post = w*x_pre : 1 (summed)")
    circuit.connect("hidden", "gate", ns.AllToAll(), synapse=gated, weight=ns.Trainable(ns.Normal(0, 0.4)))
    lateral = ns.SynapseModel("drive_post = w*r_pre*tanh(x_post - scale) : 1 (summed)",
                              parameters={"scale": ns.Trainable(0.2)})  # fmt: skip
    circuit.connect("gate", "hidden", ns.FixedProbability(0.6), synapse=lateral, weight=ns.Normal(0, 0.4))
    read = ns.SynapseModel("i_ext_post = w*r_pre*(1 + 0.1*t/second) : 1 (summed)")
    circuit.connect("hidden", "out", ns.AllToAll(), synapse=read, weight=ns.Trainable(ns.Normal(0, 0.4)))
    circuit.inject("ramp", "hidden", "drive", ns.Step(0.3))
    return circuit


def mixed(*, n: tuple[int, int] = (8, 6), seed: int = 2) -> ns.Circuit:
    """Return spiking and graded neurons in one component: pulses after delays, and graded synapses back."""
    circuit = ns.Circuit("mixed", dt=1 * ms, seed=seed)
    spiking = ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0, tau_ref=2 * ms)
    circuit.source("in", ns.SpikeSource(4))
    circuit.population("spiking", n[0], spiking, initial={"v": ns.Uniform(0, 0.9)})
    slow = ns.NeuronModel("dx/dt = (current - x)/(6*ms) : 1\ncurrent : 1")
    circuit.population("slow", n[1], slow)
    weight = ns.Trainable(ns.Normal(0.3, 0.3))
    circuit.connect("in", "spiking", ns.AllToAll(), receptor="v", weight=weight)
    circuit.connect("spiking", "slow", ns.AllToAll(), receptor="x", weight=weight, delay=2 * ms)
    circuit.connect(
        "spiking", "spiking", ns.FixedProbability(0.5), receptor="v", weight=weight, delay=3 * ms, name="kick"
    )
    back = ns.SynapseModel("i_ext_post = w*clip(x_pre, 0, inf)*(1.5 - v_post) : 1 (summed)")
    circuit.connect("slow", "spiking", ns.FixedProbability(0.7), synapse=back, weight=weight)
    circuit.inject("steady", "spiking", "i_ext", ns.Step(0.8))
    between = ns.SynapseModel("current_post = w*(x_pre - x_post) : 1 (summed)")
    circuit.connect("slow", "slow", ns.FixedProbability(0.5), synapse=between, weight=ns.Trainable(0.2))
    return circuit


PER_NEURON = ns.Trainable(per="neuron")
CIRCUITS = {
    "worm": (worm, {"cells": ["v", "s"]}, {"cells.beta": PER_NEURON, "cells.C": ns.Trainable()}),
    "rates": (
        rates,
        {"hidden": ["x", "r", "drive"], "gate": "r", "out": "v"},
        {"hidden.gain": PER_NEURON, "gate.gain": ns.Trainable()},
    ),
    "mixed": (mixed, {"spiking": ["spikes", "v"], "slow": ["x"]}, {"spiking.tau_mem": PER_NEURON}),
    "kernels": (kernels, {"cells": ["v", "x"], "small": ["v"]}, {}),
}


def inputs(name: str, steps: int, batch: int) -> dict[str, Tensor]:
    """Return what a circuit is given."""
    generator = torch.Generator().manual_seed(1)
    if name == "mixed":
        return {"in": torch.rand(steps, batch, 4, generator=generator) < 0.3}
    if name == "kernels":
        return {"drive": torch.rand(steps, batch, 40, generator=generator, dtype=torch.float64).requires_grad_()}
    if name == "rates":
        return {"in": torch.randn(steps, batch, 3, generator=generator, dtype=torch.float64).requires_grad_()}
    return {"drive": 1e-12 * torch.rand(steps, batch, 11, generator=generator, dtype=torch.float64).requires_grad_()}


def called(name: str, circuit: ns.Circuit, given: dict[str, Tensor], fused: str, **options: Any) -> Run:
    """Return outputs and gradients of two calls, the second from the state of the first, and the last state."""
    _, record, marks = CIRCUITS[name]
    module = ns.compile(circuit, backend="snntorch", fused=fused, trainable=marks, **options)
    if fused == "always":
        assert all(why is None for part, why in module.stepped.items() if part.populations != ("in",))
    x = {key: value.detach().requires_grad_(value.requires_grad) for key, value in given.items()}
    steps = len(next(iter(x.values())))
    half = max(steps // 2, 1)
    outputs: dict[str, Tensor] = {}
    state = None
    for count, part in enumerate((slice(0, half), slice(half, None))[: 2 if steps > half else 1]):
        found, state = module({key: value[part] for key, value in x.items()}, state, record=record, seed=4)
        outputs |= {f"{count}.{one}.{key}": value for one, values in found.items() for key, value in values.items()}
    assert state is not None
    last = [value for part in state.variables.values() for value in part.values()]
    loss = sum(value.sum() / (value.detach().abs().max() + 1e-30) for value in last)
    for value in outputs.values():
        size = value.detach().abs().max() + 1e-30
        weights = torch.linspace(0.5, 1, value.numel(), dtype=value.dtype).reshape(value.shape)
        loss = loss + ((value / size - 0.3).square() * weights).sum()
    loss.backward()  # type: ignore[union-attr]
    gradients = {key: parameter.grad for key, parameter in module.named_parameters()}
    gradients |= {f"input {key}": value.grad for key, value in x.items() if value.requires_grad}
    return {key: value.detach() for key, value in outputs.items()}, gradients, state


def held_against_steps(
    name: str, circuit: ns.Circuit, given: dict[str, Tensor], values: float, gradients: float, **options: Any
) -> None:
    """Hold loops against steps."""
    loops, steps = (called(name, circuit, given, fused, **options) for fused in ("always", "never"))
    for key, value in steps[0].items():
        size = float(value.abs().max()) if value.numel() else 0.0
        assert torch.allclose(loops[0][key], value, rtol=0, atol=0 if "spikes" in key else values * size), key
    for key, gradient in steps[1].items():
        if gradient is None:
            assert loops[1][key] is None or not loops[1][key].any(), key  # no edges
            continue
        assert torch.linalg.vector_norm(loops[1][key] - gradient) <= gradients * gradient.norm(), key
    for (address, ours), (_, theirs) in zip(loops[2].arrays(), steps[2].arrays(), strict=True):
        ours, theirs = torch.as_tensor(ours).detach().double(), torch.as_tensor(theirs).detach().double()
        assert torch.allclose(ours, theirs, rtol=values, atol=values), address


def interpreted(text: str) -> dict[str, Any]:
    """Return the functions of a generated module as Python's own: compiling takes seconds for each circuit."""
    return {name: found for name, found in vars(imported(text, "neurosim_loops")).items() if isroutine(found)}


def held_for_many_and_for_one(name: str) -> None:
    """Hold loops against steps for many steps and trials, and for one step of one trial."""
    make = CIRCUITS[name][0]
    x = inputs(name, 14, 9)
    held_against_steps(name, make(), x, 1e-13, 1e-11, dtype="float64")
    found, gradients, _ = called(name, make(), x, "always", dtype="float64")
    assert all(gradient is not None and gradient.any() for gradient in gradients.values()), gradients
    for key, value in found.items():
        if "spikes" in key:
            assert 0.02 < value.double().mean() < 0.6
    held_against_steps(name, make(), inputs(name, 1, 1), 1e-13, 1e-11, dtype="float64")


@pytest.mark.parametrize("name", ["worm", "mixed", "kernels"])
def test_loops_and_steps_agree(name: str) -> None:
    with patch.object(scan, "compiled", interpreted):
        held_for_many_and_for_one(name)


@pytest.mark.parametrize("name", ["rates", *(pytest.param(name, marks=pytest.mark.slow) for name in ("worm", "mixed"))])
def test_compiled_loops_and_steps_agree(name: str) -> None:
    held_for_many_and_for_one(name)


@st.composite
def graded_circuits(draw: Any) -> tuple[ns.Circuit, dict[str, list[str]]]:
    """Draw a circuit of one to three populations between which graded projections of any kind lead."""
    circuit = ns.Circuit("drawn", dt=1 * ms, seed=draw(st.integers(0, 1000)))
    circuit.source("signal", ns.SignalSource(draw(st.integers(1, 4))))
    record: dict[str, list[str]] = {}
    kinds = draw(st.lists(st.sampled_from(["slow", "fires", "rate"]), min_size=1, max_size=3))
    for place, kind in enumerate(kinds):
        name, n = f"p{place}", draw(st.integers(1, 9))
        tau = ns.Trainable(draw(st.sampled_from([4, 9])) * ms)
        if kind == "slow":
            model = ns.NeuronModel("dv/dt = (x - v)/tau : 1\nr = tanh(v + 0.1*x) : 1\nx : 1", parameters={"tau": tau})
        elif kind == "fires":
            model = ns.NeuronModel(
                "dv/dt = (x + 0.4 - v)/tau : 1 (unless refractory)\nr = v*v : 1\nx : 1", threshold="v > 0.5",
                reset="v = -0.1", refractory=draw(st.sampled_from([0 * ms, 2 * ms])), parameters={"tau": tau},
            )  # fmt: skip
        else:
            model = ns.models.rate_unit(nonlinearity=draw(st.sampled_from(["tanh", "relu", "softplus"])))
        initial = {} if kind == "rate" else {"v": ns.Uniform(-0.4, 0.8)}
        circuit.population(name, (1, n), model, initial=initial)
        record[name] = {"slow": ["v", "r"], "fires": ["v", "spikes"], "rate": ["r"]}[kind]
        if draw(st.booleans()):
            circuit.inject(f"in{place}", name, "x", ns.Step(draw(st.sampled_from([0.0, 0.6]))))
    for count in range(draw(st.integers(1, 5))):
        pre = draw(st.sampled_from(["signal", *record]))
        post = draw(st.sampled_from([*record]))
        places = [kinds[int(end[1:])] if end != "signal" else "signal" for end in (pre, post)]
        if places[0] == "rate" and pre >= post:
            continue  # an algebraic circle
        rules = [ns.AllToAll(), ns.FixedProbability(0.5), ns.FixedProbability(0.05)]
        alike = len(circuit.populations[pre]) == len(circuit.populations[post])
        rules += [ns.Convolution(3, padding=1)] * 2 if alike and pre != "signal" else []
        rule = draw(st.sampled_from(rules))
        weight = draw(st.sampled_from([0.1, ns.Trainable(0.2), ns.Normal(0, 0.3), ns.Trainable(ns.Normal(0, 0.3))]))
        if places == ["fires", "fires"] and draw(st.booleans()):
            delay = draw(st.sampled_from([0, 3])) * ms
            circuit.connect(pre, post, rule, receptor="v", weight=weight, delay=delay, name=f"c{count}")
            continue
        read = {"signal": "signal_pre", "rate": "r_pre"}.get(places[0]) or draw(st.sampled_from(["v_pre", "r_pre"]))
        read = "v_pre" if places[0] == "slow" and pre >= post else read
        forms = [f"w*{read}", f"{read}*w", f"w*exp(-{read}*{read})*gain", "w*gain", f"w*{read}*(1 + t/second)"]
        if places[1] != "rate":
            forms += [f"w*({read} - v_post)", f"w*gain*tanh({read} - gain*v_post)"]
        gain = draw(st.sampled_from([0.7, ns.Trainable(0.7)]))
        synapse = ns.SynapseModel(f"x_post = {draw(st.sampled_from(forms))} : 1 (summed)", parameters={"gain": gain})
        circuit.connect(pre, post, rule, synapse=synapse, weight=weight, name=f"c{count}")
    return circuit, {key: value for key, value in record.items() if value}


def run_drawn(
    circuit: ns.Circuit, record: dict[str, list[str]], x: Tensor, fused: str
) -> tuple[dict[str, Tensor], dict[str, Tensor | None]]:
    """Return what populations did and the gradients of a loss on it."""
    module = ns.compile(circuit, backend="snntorch", fused=fused, dtype="float64")
    if fused == "always":
        assert not [why for why in module.stepped.values() if why is not None and "has no state" not in why]
    x = x.clone().requires_grad_()
    found, state = module({"signal": x}, record=record, seed=2)
    values = {f"{one}.{key}": value for one, part in found.items() for key, value in part.items()}
    values |= {f"end {one}.{key}": value for one, part in state.variables.items() for key, value in part.items()}
    loss = sum(((value - 0.2).square() * torch.linspace(0.5, 1, value.numel()).reshape(value.shape)).sum()
               for value in values.values())  # fmt: skip
    if isinstance(loss, Tensor) and loss.requires_grad:
        loss.backward()  # type: ignore[no-untyped-call]
    values = {key: value.detach() for key, value in values.items()}
    return values, {**{key: value.grad for key, value in module.named_parameters()}, "signal": x.grad}


def held_drawn(drawn: tuple[ns.Circuit, dict[str, list[str]]], steps: int, batch: int) -> None:
    """Hold loops against steps for a circuit that was drawn."""
    circuit, record = drawn
    n = len(circuit.populations["signal"])
    x = torch.randn(steps, batch, n, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    loops, expected = (run_drawn(circuit, record, x, fused) for fused in ("always", "never"))
    for key, value in expected[0].items():
        size = float(value.abs().max()) if value.numel() else 0.0
        assert torch.allclose(loops[0][key], value, rtol=0, atol=0 if "spikes" in key else 1e-12 * size), key
    size = max((float(value.norm()) for value in expected[1].values() if value is not None), default=0.0)
    for key, gradient in expected[1].items():
        found = loops[1][key]
        if gradient is None or found is None:
            assert all(value is None or not value.any() for value in (gradient, found)), key
            continue
        assert torch.linalg.vector_norm(found - gradient) <= 1e-10 * gradient.norm() + 1e-14 * size, key


QUIET = {"suppress_health_check": list(HealthCheck), "deadline": None, "phases": [Phase.explicit, Phase.generate]}


@given(drawn=graded_circuits(), steps=st.integers(1, 5), batch=st.integers(1, 9))
@settings(max_examples=10, derandomize=True, **QUIET)
def test_loops_and_steps_agree_for_random_circuits(
    drawn: tuple[ns.Circuit, dict[str, list[str]]], steps: int, batch: int
) -> None:
    with patch.object(scan, "compiled", interpreted):
        held_drawn(drawn, steps, batch)


@pytest.mark.slow
@given(drawn=graded_circuits(), steps=st.integers(1, 9), batch=st.integers(1, 11))
@settings(max_examples=20, **QUIET)
def test_compiled_loops_and_steps_agree_for_random_circuits(
    drawn: tuple[ns.Circuit, dict[str, list[str]]], steps: int, batch: int
) -> None:
    held_drawn(drawn, steps, batch)


@pytest.mark.slow
@given(drawn=graded_circuits(), steps=st.integers(1, 9), batch=st.integers(1, 11))
@settings(max_examples=200, **QUIET)
def test_loops_and_steps_agree_for_many_random_circuits(
    drawn: tuple[ns.Circuit, dict[str, list[str]]], steps: int, batch: int
) -> None:
    with patch.object(scan, "compiled", interpreted):
        held_drawn(drawn, steps, batch)


def test_what_is_covered_and_what_is_not_is_said() -> None:
    explained = ns.compile(rates(), backend="snntorch").explain()
    assert [(row.path, row.why) for row in explained.populations] == [("compiled loops", "")]
    circuit = worm()
    circuit.connect("cells", "cells", ns.AllToAll(), receptor="i_ext", weight=0.1 * nS, name="direct")
    assert list(ns.compile(circuit, backend="snntorch").stepped.values()) == [None]
    grid = ns.Circuit("grid", dt=1 * ms)
    grid.population("cells", (4, 4), ns.models.leaky_integrator(tau_mem=20 * ms))
    grid.connect("cells", "cells", ns.Convolution(3, padding=1), receptor="i_ext", weight=0.1, name="smooth")
    assert list(ns.compile(grid, backend="snntorch").stepped.values()) == [None]


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            results.append(called("rates", rates(), inputs("rates", 12, 11), "always", dtype="float64"))
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(torch.equal(other[0][key], value) for key, value in results[0][0].items())
        assert all(torch.equal(other[1][key], value) for key, value in results[0][1].items() if value is not None)


@pytest.mark.slow
@pytest.mark.parametrize("name", CIRCUITS)
def test_loops_and_steps_agree_in_single_precision(name: str) -> None:
    given = {
        key: value.detach().float() if value.is_floating_point() else value
        for key, value in inputs(name, 24, 11).items()
    }
    held_against_steps(name, CIRCUITS[name][0](), given, 1e-5, 1e-4, dtype="float32")
