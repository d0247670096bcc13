"""Networks of random names, orders and slots: each is refused, or runs as in Brian2 whatever their order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import brian2
import pytest
from brian2 import Network, NeuronGroup, Synapses, ms

import neurosim as ns
from interop.brian2_networks import Script
from interop.test_from_brian2 import compare

#: Model, code and options of synapses; ``{}`` is what a clock-driven variable follows.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "pulse": ("w : 1", {"on_pre": "v_post += w"}),
    "plastic": (
        "w : 1\ndp/dt = -p/(5*ms) : 1 (event-driven)\ndq/dt = -q/(7*ms) : 1 (event-driven)",
        {
            "on_pre": "v_post += w; p += 1; w = clip(w - 0.01*q, 0, 1)",
            "on_post": "q += 1; w = clip(w + 0.01*p*(1 + 0.1*v_post), 0, 1)",
        },
    ),
    "clock": (
        "w : 1\nds/dt = (v_post - s)/(5*ms) : 1 (clock-driven)",
        {"on_pre": "v_post += w*s; s *= 0.5", "method": "euler", "order": -1},
    ),
    "gap": ("w : 1\ninflow_post = w*(v_pre - v_post) : 1 (summed)", {}),
    "algebraic": ("w : 1\ninflow_post = w*r_pre : 1 (summed)", {}),
    "pathways": ("w : 1\nz : 1", {"on_pre": {"u": "v_post += w*z", "k": "z = 0.5*z + 0.5"}}),
    "static pathways": (
        "w : 1", {"on_pre": {"u": "v_post += w", "k": "v_post -= 0.5*w"}, "delay": {"k": 0.3 * ms}}
    ),
    "relay": (
        "w : 1\nds/dt = -s/(5*ms) : 1 (clock-driven)\ninflow_post = w*s : 1 (summed)",
        {"on_pre": "s += 1", "method": "euler"},
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def numpy_target() -> Iterator[None]:
    target = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"
    yield
    brian2.prefs.codegen.target = target
    brian2.seed()


def drawn(rng: random.Random) -> Script:
    """Draw two groups and three objects of synapses, named and ordered at random."""
    names = rng.sample(["a1", "b2", "c3", "d4", "e5", "f6", "g7", "h8"], 5)
    first = NeuronGroup(
        5,
        "dv/dt = (1.3 + 0.1*i - v + x + inflow)/(5*ms) : 1 (unless refractory)\ndx/dt = -x/(4*ms) : 1\ninflow : 1\n"
        "r = tanh(inflow) + v : 1",
        threshold="v > 1", reset="v = 0; x += 0.05", refractory=1 * ms, method="euler", name=names[0],
    )  # fmt: skip
    second = NeuronGroup(
        4, "dv/dt = (1.2 - v + inflow)/(6*ms) : 1\ninflow : 1\nr = inflow*0.5 : 1",
        threshold="v > 1", reset="v -= 1", method="euler", name=names[1],
    )  # fmt: skip
    first.v, second.v = "0.17*i", "0.2*i"
    objects = [first, second]
    for name, kind in zip(names[2:], rng.sample(sorted(KINDS), 3), strict=True):
        source, target = rng.choice([(first, first), (first, second), (second, first), (second, second)])
        model, options = KINDS[kind]
        synapses = Synapses(source, target, model, name=name, **options)
        synapses.connect(condition="i + 1 != j")
        synapses.w = "0.05 + 0.01*i"
        for pathway in synapses._pathways:
            pathway.order = rng.choice([pathway.order] * 9 + [-2, 2])
            pathway.when = rng.choice(["synapses"] * 19 + ["after_resets"])
            if kind in ("pulse", "plastic", "clock"):
                pathway.delay = "0.1*ms*((2*i + j) % 7)"
        for updater in synapses.summed_updaters.values():
            updater.order = rng.choice([updater.order] * 15 + [-2])
        objects.append(synapses)
    network = Network(objects)
    if rng.random() < 0.05:
        network.schedule = ["start", "groups", "thresholds", "resets", "synapses", "end"]
    return Script(network, {}, 20 * ms, 0)


@pytest.mark.slow
def test_what_is_accepted_runs_as_in_brian2_whatever_the_order() -> None:
    rng = random.Random(7)
    accepted = 0
    for _ in range(80):
        script = drawn(rng)
        try:
            found = ns.interop.from_brian2(script.network, namespace={})
        except ns.UnsupportedError:
            continue
        compare(script, found, {})
        accepted += 1
    assert accepted >= 20
