"""Edges with a state of their own: the same spikes, weights and traces on both backends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import neurosim as ns
from neurosim.units import Mohm, ms, mV, nA, pA, second

TRACES = "dr/dt = -r/tau_r : 1 (event-driven)\ndo/dt = -o/tau_o : 1 (event-driven)"
CONSTANTS = {
    "tau_r": 15 * ms, "tau_o": 25 * ms, "a": 4 * pA, "w_max": 200 * pA, "p": 0.6, "u0": 0.3, "tau_e": 80 * ms,
    "sigma": 0.5 * pA, "rate": 20 / second,
}  # fmt: skip
#: Rules that differ in everything a plastic synapse may have.
RULES: dict[str, dict[str, Any]] = {
    "pairs": {
        "equations": TRACES,
        "on_pre": "receptor_post += w; r += 1; w = clip(w - a*o, 0*nA, w_max)",
        "on_post": "o += 1; w = clip(w + a*r, 0*nA, w_max)",
    },
    "nearest, post first": {
        "equations": TRACES,
        "on_pre": "w = clip(w - a*o*w/w_max, 0*nA, w_max); r = 1; receptor_post += w",
        "on_post": "w = clip(w + a*r*(1 - w/w_max)**0.4, 0*nA, w_max); o = 1",
        "post_first": True,
    },
    "short term": {
        "equations": "du/dt = -u/tau_r : 1 (event-driven)\ndx/dt = (1 - x)/tau_e : 1 (event-driven)",
        "on_pre": "u += u0*(1 - u); receptor_post += w*u*x; x -= u*x",
        "initial": {"x": 1.0, "u": ns.Uniform(0.0, 0.2)},
    },
    "release by chance": {"on_pre": "receptor_post += w*int(rand() < p)"},
    "clock-driven": {
        "equations": (
            "dr/dt = -r/tau_r : 1 (clock-driven)\ndo/dt = -o/tau_o : 1 (event-driven)\n"
            "dtag/dt = -tag/tau_e + sigma*xi*tau_e**-0.5 : amp\n"
            "near = exp((v_post - v_threshold_post)/(5*mV)) : 1\ncount : 1"
        ),
        "on_pre": "receptor_post += w; r += 1; tag -= a*o; count += 1",
        "on_post": "o += 1; tag += a*r*near",
        "update": "w = clip(w + rate*tag*dt, 0*nA, w_max)",
        "method": "euler",
    },
    "only after spikes": {"on_post": "w = w + 0.5*pA", "on_pre": "ampa_post += w"},
}


def synapse(rule: str) -> ns.SynapseModel:
    given = dict(RULES[rule])
    text = " ".join(str(value) for value in given.values())
    parameters = {name: value for name, value in CONSTANTS.items() if name in text}
    return ns.SynapseModel(given.pop("equations", ""), parameters=parameters, name=rule, **given)


def network(rule: str, seed: int = 1, n: int = 30, post_delay: Any = None, delay: Any = None) -> ns.Circuit:
    """Return a driven recurrent network whose connections follow a rule."""
    circuit = ns.Circuit("plastic", dt=0.1 * ms, seed=seed)
    cell = ns.models.lif(
        tau_mem=20 * ms, r=100 * Mohm, v_leak=-60 * mV, v_threshold=-50 * mV, v_reset=-60 * mV, tau_ref=2 * ms,
        receptors={"ampa": 5 * ms},
    )  # fmt: skip
    cells = circuit.population("cells", n, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    circuit.inject("drive", cells[: n // 2], "i_ext", ns.Step(0.16 * nA))
    model = synapse(rule)
    circuit.connect(
        "cells", "cells", ns.FixedProbability(0.3, autapses=False), synapse=model,
        receptor="ampa" if "receptor_post" in model.on_pre else None, weight=ns.Uniform(0 * nA, 0.2 * nA),
        delay=ns.Uniform(0 * ms, 5 * ms) if delay is None else delay,
        post_delay=post_delay if model.on_post else None, name="edges",
    )  # fmt: skip
    return circuit


@pytest.mark.parametrize("rule", RULES)
def test_both_backends_agree_to_the_last_bit(rule: str) -> None:
    circuit = network(rule, post_delay=ns.Uniform(0 * ms, 3 * ms))
    report = ns.verify(circuit, 60 * ms, trials=2)
    assert report.identical, str(report)
    assert report.spikes["brian2"] > 100
    state = ns.simulate(circuit, 60 * ms, backend="brian2").state
    if circuit.projections["edges"].synapse.plastic:
        before = {name: circuit.edge_initial("edges", name) for name in circuit.projections["edges"].synapse.state}
        changed = [np.any(state.variables["edges"][name][0] != values) for name, values in before.items()]
        assert all(changed), "nothing was learned"


@given(st.sampled_from(sorted(RULES)), st.integers(0, 2**31), st.booleans(), st.booleans())
@settings(max_examples=12, deadline=None)
def test_random_networks(rule: str, seed: int, post: bool, one_delay: bool) -> None:
    circuit = network(
        rule, seed, n=12, post_delay=ns.Uniform(0 * ms, 2 * ms) if post else None, delay=1 * ms if one_delay else None
    )
    report = ns.verify(circuit, 12 * ms, seed=seed)
    assert report.identical, str(report)


@pytest.mark.parametrize("rule", ["pairs", "clock-driven"])
@pytest.mark.parametrize("first", ["brian2", "snntorch"])
def test_a_run_in_two_parts_equals_one(rule: str, first: str) -> None:
    circuit = network(rule, post_delay=1.5 * ms)
    record = {"cells": "spikes", "edges": "w"}
    second_backend = "snntorch" if first == "brian2" else "brian2"
    whole = ns.simulate(circuit, 40 * ms, backend=first, trials=2, seed=3, record=record)
    part = ns.simulate(circuit, 17.3 * ms, backend=first, trials=2, seed=3, record=record)
    rest = ns.simulate(circuit, 22.7 * ms, backend=second_backend, trials=2, seed=3, record=record, state=part.state)
    assert rest.state == whole.state
    joined = np.concatenate([part["edges"]["w"].values, rest["edges"]["w"].values], axis=1)
    assert np.array_equal(joined, whole["edges"]["w"].values)
    assert len(np.unique(whole["edges"]["w"].values[0], axis=0)) > 50, "the weights stand still"


@pytest.mark.parametrize("backend", ["brian2", "snntorch"])
def test_a_session_equals_a_run(backend: str) -> None:
    circuit = network("pairs")
    whole = ns.simulate(circuit, 30 * ms, backend=backend, record={"edges": "w"})
    options = {} if backend == "brian2" else {"dtype": "float64"}
    loop = ns.compile(circuit, backend=backend, **options).session(record={"edges": "w"})
    for _ in range(6):
        out = loop.step(n=50)
    assert np.array_equal(out["edges"]["w"], whole["edges"]["w"].values[:, -1])
    assert loop.state == whole.state


def two_neurons(post_first: bool, post_delay: Any, **options: Any) -> ns.Circuit:
    """Return two relays; spikes reach them from outside, and the edge between them is plastic."""
    circuit = ns.Circuit("pair", dt=1 * ms)
    circuit.source("pre", ns.SpikeSource(1))
    circuit.source("force", ns.SpikeSource(1))
    relay = ns.NeuronModel("dv/dt = -v/tau : 1", threshold="v > 1", reset="v = 0", parameters={"tau": 1 * ms})
    circuit.population("post", 1, relay)
    circuit.connect("force", "post", ns.OneToOne(), receptor="v", weight=10.0, name="forcing")
    rule = ns.SynapseModel(
        "dr/dt = -r/tau : 1 (event-driven)\ndo/dt = -o/tau : 1 (event-driven)",
        on_pre="w -= o; r += 1", on_post="w += r; o += 1", parameters={"tau": 20 * ms}, post_first=post_first,
    )  # fmt: skip
    circuit.connect(
        "pre", "post", ns.OneToOne(), synapse=rule, weight=10.0, post_delay=post_delay, name="edge", **options
    )
    return circuit


@pytest.mark.parametrize("backend", ["brian2", "snntorch"])
@pytest.mark.parametrize(("post_first", "change"), [(False, 1.0), (True, -1.0)])
def test_who_acts_first_when_both_spikes_arrive_at_once(backend: str, post_first: bool, change: float) -> None:
    circuit = two_neurons(post_first, 0 * ms)
    # A forced spike comes one step after its input: the relay crosses the threshold in the next step.
    trains = {"pre": [5], "force": [4]}
    inputs = {
        name: ns.SpikeTrains(np.array(steps) * 1e-3, np.zeros(len(steps), int), 1) for name, steps in trains.items()
    }
    recording = ns.simulate(circuit, 10 * ms, backend=backend, inputs=inputs, record={"post": "spikes", "edge": "w"})
    assert recording.spikes["post"].to_steps(circuit.dt).tolist() == [5]
    assert recording["edge"]["w"].values[0, :, 0].tolist() == [10.0] * 5 + [10.0 + change] * 5


@pytest.mark.parametrize("backend", ["brian2", "snntorch"])
@pytest.mark.parametrize("gap", [-12, -5, -1, 1, 3, 10])
@pytest.mark.parametrize(("delay", "post_delay"), [(0, 0), (3, 0), (0, 2), (2, 4)])
def test_one_pair_changes_the_weight_by_the_exponential_window(
    backend: str, gap: int, delay: int, post_delay: int
) -> None:
    circuit = two_neurons(False, post_delay * ms, delay=delay * ms)
    inputs = {
        name: ns.SpikeTrains(np.array([step * 1e-3]), np.zeros(1, int), 1)
        for name, step in (("pre", 20), ("force", 19 + gap))
    }
    recording = ns.simulate(circuit, 50 * ms, backend=backend, inputs=inputs)
    apart = gap + post_delay - delay
    expected = np.exp(-apart / 20) if apart >= 0 else -np.exp(apart / 20)
    assert recording.state.variables["edge"]["w"][0, 0] - 10.0 == pytest.approx(expected, rel=1e-12)


def test_release_by_chance_has_its_probability_and_its_own_numbers() -> None:
    circuit = ns.Circuit("release", dt=1 * ms)
    circuit.source("pre", ns.SpikeSource(40))
    circuit.population("post", 1, ns.NeuronModel("x : 1"))
    model = ns.SynapseModel(on_pre="x_post += w*int(rand() < p)", parameters={"p": 0.3})
    circuit.connect("pre", "post", ns.AllToAll(), synapse=model, weight=1.0)
    spikes = np.ones((500, 40), dtype=bool)
    released = ns.simulate(circuit, 0.5 * second, inputs={"pre": spikes}, record={"post": "x"}, trials=2, seed=1)
    total = released["post"]["x"].values[:, -1, 0]
    n, p = 500 * 40, 0.3
    assert np.all(np.abs(total - n * p) < 4 * np.sqrt(n * p * (1 - p)))
    assert total[0] != total[1]
    alone = ns.simulate(circuit, 0.5 * second, inputs={"pre": spikes}, record={"post": "x"}, seed=1)
    assert np.array_equal(alone["post"]["x"].values[0], released["post"]["x"].values[0])


def test_gradients_of_a_rule_equal_finite_differences_of_its_smooth_form() -> None:
    circuit = network("pairs", n=6, delay=1 * ms)
    module = ns.compile(
        circuit, backend="snntorch", dtype="float64", relaxed=True, trainable={"edges.a": ns.Trainable(per="all")}
    )

    def total(factor: float) -> torch.Tensor:
        with torch.no_grad():
            parameter.mul_(factor)
        weights: torch.Tensor = module(steps=60)[1].variables["edges"]["w"].sum() * 1e9
        with torch.no_grad():
            parameter.div_(factor)
        return weights

    parameter = module.get_parameter("edges.a")
    total(1.0).backward()
    step = 1e-4
    difference = (total(1 + step).item() - total(1 - step).item()) / (2 * step * parameter.item())
    assert difference != 0
    assert parameter.grad.item() == pytest.approx(difference, rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"on_pre": "ampa_post += w; r += 1; ampa_post += 0.5*ampa_post"}, "depend"),
        ({"equations": "dr/dt = -r/tau_r + v_post/mV/tau_r : 1 (event-driven)"}, "changes in between"),
        ({"equations": "dr/dt = -r**2/tau_r : 1 (event-driven)"}, "exact"),
        ({"on_post": "ampa_post += w"}, "may not assign"),
        ({"equations": "lastupdate : second"}, "kept for"),
        ({"equations": "r : 1 (summed)"}, "summed"),
    ],
)  # fmt: skip
def test_what_cannot_be_the_same_on_both_backends_is_refused(changes: dict[str, Any], message: str) -> None:
    circuit = network("pairs")
    text = {"equations": TRACES, "on_pre": "ampa_post += w; r += 1", "on_post": "o += 1", **changes}
    if "equations" in changes:
        text |= {"on_pre": "ampa_post += w; r += 1", "on_post": ""} if "dr" in changes["equations"] else {}
    names = {name: value for name, value in CONSTANTS.items() if any(name in item for item in text.values())}

    def attempt() -> None:
        model = ns.SynapseModel(text["equations"], on_pre=text["on_pre"], on_post=text["on_post"], parameters=names)
        circuit.connect("cells", "cells", ns.OneToOne(), weight=1 * pA, name="refused", synapse=model)
        ns.compile(circuit, backend="brian2")

    with pytest.raises((ValueError, TypeError), match=message):
        attempt()


def test_a_plastic_circuit_is_saved_and_replaced_like_any_other(tmp_path: Any) -> None:
    circuit = network("short term")
    path = circuit.save(tmp_path / "plastic.json")
    again = ns.Circuit.load(path)
    assert again == circuit
    assert again.digest() == circuit.digest()
    changed = circuit.replace({"edges.x": 0.5, "edges.u0": 0.1})
    assert np.all(changed.edge_initial("edges", "x") == 0.5)
    assert changed != circuit
    assert ns.Circuit.load(changed.save(tmp_path / "changed.json")) == changed
    other = network("pairs", post_delay=1 * ms).replace({"edges.post_delay": 2 * ms})
    assert np.all(other.post_delay_steps("edges") == 20)


def test_edges_may_use_the_names_of_their_neurons(tmp_path: Any) -> None:
    circuit = ns.Circuit("names", dt=0.1 * ms, seed=2)
    text = "dv/dt = -v/tau + drive : 1\nr : 1\ndrive : hertz\nu = 2*v : 1\nw : 1"
    cell = ns.NeuronModel(
        text, threshold="v > 1 + 0.1*rand()", reset="v = 0; w += 1", method="euler", parameters={"tau": 10 * ms}
    )
    drive = {"drive": ns.Uniform(120 / second, 300 / second), "r": ns.Uniform(0.0, 1.0)}
    cells = circuit.population("cells", 8, cell, parameters=drive)
    rule = ns.SynapseModel(
        "dr/dt = -r/tau : 1 (event-driven)\nu : 1\ndw/dt = -w/(100*tau) : 1 (clock-driven)",
        on_pre="v_post += 0.05*w*u*int(rand() < 0.7)*(1 + r_post); r += 1; u += 0.1*r",
        parameters={"tau": 10 * ms}, initial={"u": 0.2},
    )  # fmt: skip
    circuit.connect(cells, cells, ns.AllToAll(autapses=False), synapse=rule, weight=ns.Uniform(0.0, 1.0), name="edges")
    report = ns.verify(circuit, 30 * ms)
    assert report.identical, str(report)
    assert report.spikes["brian2"] > 20
    recording = ns.simulate(circuit, 30 * ms, backend="brian2", record={"edges": ["w", "u"]})
    assert np.array_equal(recording["edges"]["u"].values[0, -1], recording.state.variables["edges"]["u"][0])
    assert not np.array_equal(recording["edges"]["w"].values[0, -1], circuit.edges("edges").weight)


def test_a_static_pulse_may_name_what_it_adds() -> None:
    circuit = ns.Circuit("static", dt=1 * ms)
    circuit.source("in", ns.SpikeSource(2))
    circuit.population("out", 2, ns.NeuronModel("x : 1"))
    named = ns.SynapseModel("twice = 2*w : 1\nsize = twice*g : 1\ng : 1", on_pre="x_post += size")
    with pytest.raises(ns.CircuitError, match="'g' has no value: give it in parameters="):
        circuit.connect("in", "out", ns.AllToAll(), synapse=named, weight=1.0)
    circuit.connect("in", "out", ns.AllToAll(), synapse=named, weight=1.0, parameters={"g": 0.5})
    for backend in ("brian2", "snntorch"):
        run = ns.simulate(circuit, 3 * ms, backend=backend, inputs={"in": np.ones((3, 2), dtype=bool)})
        assert np.asarray(run.state.variables["out"]["x"]).tolist() == [[6.0, 6.0]]
