"""Edges with a state: variables that are kept once for a neuron, and edges that a step leaves as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import neurosim as ns
from neurosim import circuits
from neurosim.backends.snntorch.simulation.edge_form import EdgeForm
from neurosim.backends.snntorch.simulation.edge_tables import EdgeTable
from neurosim.backends.snntorch.simulation.plan import Plan
from neurosim.units import Hz, ms, mV

OPTIONS: dict[str, Any] = {"backend": "snntorch", "dtype": "float64", "training": False}
INITIAL: dict[str, Any] = {
    "nothing": {}, "alike": {"r": 0.5}, "each its own": {"r": ns.Uniform(0.0, 1.0), "o": ns.Uniform(0.0, 1.0)},
    "negative zero": {"w": -0.0 * mV, "r": -0.0},
}  # fmt: skip
DELAYS: dict[str, Any] = {"none": 0 * ms, "one": 0.3 * ms, "many": ns.Uniform(0 * ms, 1 * ms)}
#: What each rule keeps for presynaptic and for postsynaptic neurons, and whether steps can leave edges as they are.
RULES: dict[str, tuple[dict[str, Any], tuple[str, ...], tuple[str, ...], bool]] = {}


def rule(source: str, target: str, settles: bool, equations: str, **arguments: Any) -> None:
    """Add a rule under the name of the calling line's ``name``."""
    arguments["equations"] = equations
    RULES[arguments["name"]] = (arguments, tuple(source.split()), tuple(target.split()), settles)


PAIRS = "dr/dt = -r/(7*ms) : 1 (clock-driven)\ndo/dt = -o/(9*ms) : 1 (clock-driven)"
rule("r", "o", True, PAIRS, on_pre="receptor_post += w; r += 1; w = clip(w - 0.1*mV*o, 0*mV, 3*mV)",
     on_post="o += 1; w = clip(w + 0.1*mV*r, 0*mV, 3*mV)", name="pairs")  # fmt: skip
rule("r r2", "o", True, PAIRS + "\ndr2/dt = (r - r2)/(3*ms) : 1 (clock-driven)",
     on_pre="receptor_post += w; r = 0.5 + 0.5*r", on_post="w += 0.05*mV*(r2 - exp(-o)); o += 1", post_first=True,
     name="smoothed")  # fmt: skip
rule("r", "o", False, PAIRS + "\ndc/dt = -c/(4*ms) : 1 (clock-driven)", on_pre="receptor_post += w; r += 1; c -= o",
     on_post="o += 1; c += r", update="w = clip(w + 0.01*mV*c*v_post/(60*mV), -2*mV, 3*mV)",
     name="three factors")  # fmt: skip
rule("r seen", "o", True, "r : 1\no : 1\nseen : 1\nsd : 1", on_pre="receptor_post += w; sd -= 1.2*o; r = 0.1",
     on_post="sd += seen; o = 0.1", post_first=True, name="once in a while",
     update="seen = r; r = 0.95*r; o = 0.95*o\ndue = int(timestep(t, dt) % 9 == 7)\n"
     "w = due*clip(0.01*mV + w + sd*mV, 0*mV, 3*mV) + (1 - due)*w\nsd = due*0.9*sd + (1 - due)*sd")  # fmt: skip
rule("", "o", True, PAIRS, on_pre="receptor_post += w; r += v_post/(60*mV)",
     on_post="w += 0.05*mV*r; o = v_post/(60*mV)", name="it knows its neurons")  # fmt: skip
rule("", "", True, "dr/dt = -r/tau : 1 (clock-driven)\ndo/dt = -o/tau : 1 (clock-driven)",
     on_pre="receptor_post += w; r += 1; w -= 0.1*mV*o",
     on_post="w += 0.1*mV*r; o += 1", parameters={"tau": ns.Uniform(4 * ms, 9 * ms)},
     name="each its own time")  # fmt: skip
rule("", "o", True, PAIRS, on_pre="receptor_post += w; r += 1", on_post="r *= 0.5; o += 1; w -= 0.05*mV*o",
     update="w = w + 0.001*mV*r*sin(t/ms)", name="from both sides")  # fmt: skip


def network(rule: str, delay: str, initial: str, *, n: int = 12, post_delay: int = 0, seed: int = 1) -> ns.Circuit:
    """Return neurons that learn, and two kinds of sources whose connections do."""
    variables = ns.SynapseModel(**RULES[rule][0]).state
    circuit = ns.Circuit("network", dt=0.1 * ms, seed=seed)
    cell = ns.models.lif(
        tau_mem=4 * ms, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-47 * mV, tau_ref=0.5 * ms,
        receptors={"slow": 2 * ms},
    )  # fmt: skip
    circuit.population("cells", n, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    circuit.source("given", ns.PoissonSource(5, ns.Uniform(300 * Hz, 900 * Hz)))
    known = {key: value for key, value in INITIAL[initial].items() if key in variables}
    arguments = {"weight": ns.Uniform(0 * mV, 2 * mV), **({"weight": known.pop("w")} if "w" in known else {})}
    synapse = ns.SynapseModel(**RULES[rule][0], initial=known)
    for pre, probability in (("cells", 0.7), ("given", 0.9)):
        circuit.connect(
            pre, "cells", ns.FixedProbability(probability), synapse=synapse, receptor="slow", delay=DELAYS[delay],
            post_delay=post_delay * 0.1 * ms, name=f"from_{pre}", **arguments,
        )  # fmt: skip
    return circuit


def check(circuit: ns.Circuit, *, steps: int, trials: int, cut: int, seed: int = 0) -> ns.Recording:
    """Hold a compiled run, whole and in two, against the stepped path; return the whole one."""
    stepped, module = ns.compile(circuit, **OPTIONS, fused="never"), ns.compile(circuit, **OPTIONS, fused="always")
    assert module.stepped_runs is None
    state = circuit.projections["from_cells"].synapse.state
    record = {"cells": ["spikes", "v"], "from_cells": [ns.Record(key, every=0.3 * ms) for key in state]}
    arguments: dict[str, Any] = {"record": record, "trials": trials, "seed": seed}
    expected, found = stepped.run(steps * 0.1 * ms, **arguments), module.run(steps * 0.1 * ms, **arguments)
    assert found == expected
    first, second = (stepped, module) if cut % 2 else (module, module)
    begun = first.run(cut * 0.1 * ms, **arguments)
    rest = second.run((steps - cut) * 0.1 * ms, **arguments, state=begun.state)
    for whole in (found, rest):
        for (address, left), (_, right) in zip(whole.state.arrays(), expected.state.arrays(), strict=True):
            assert left.tobytes() == right.tobytes(), address
    return found


@pytest.mark.parametrize(
    ("rule", "delay", "initial", "trials", "cut"),
    [
        ("once in a while", "many", "nothing", 2, 33), ("once in a while", "one", "negative zero", 1, 8),
        ("three factors", "many", "nothing", 1, 40),
    ],
)  # fmt: skip
def test_some_rules_equal_steps(rule: str, delay: str, initial: str, trials: int, cut: int) -> None:
    check(network(rule, delay, initial), steps=90, trials=trials, cut=cut)


@pytest.mark.slow
@given(
    rule=st.sampled_from(sorted(RULES)), delay=st.sampled_from(sorted(DELAYS)),
    initial=st.sampled_from(sorted(INITIAL)), post_delay=st.sampled_from([0, 0, 4]), seed=st.integers(0, 99),
    steps=st.sampled_from([2, 60, 140]),
    trials=st.sampled_from([1, 2]), cut=st.integers(1, 50),
)  # fmt: skip
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_many_rules_equal_steps(
    rule: str, delay: str, initial: str, post_delay: int, seed: int, steps: int, trials: int, cut: int
) -> None:
    circuit = network(rule, delay, initial, post_delay=post_delay, seed=seed)
    check(circuit, steps=steps, trials=trials, cut=min(cut, steps - 1), seed=seed)


def form(circuit: ns.Circuit, projection: str) -> EdgeForm:
    """Return the programs of a projection whose edges begin alike."""
    plan = ns.compile(circuit, **OPTIONS, fused="always").runs.plan
    assert isinstance(plan, Plan)
    return plan.edges[projection].form()


@pytest.mark.parametrize("rule", sorted(RULES))
def test_what_is_kept_for_neurons(rule: str) -> None:
    _, source, target, settles = RULES[rule]
    found = form(network(rule, "many", "nothing", n=40), "from_cells")
    assert (found.layout.levels.source, found.layout.levels.target, found.settles) == (source, target, settles)


def test_traces_of_the_polychronous_network_are_kept_for_neurons() -> None:
    found = form(circuits.build("polychronous", plastic=True, scale=0.2), "excitation")
    levels = found.layout.levels
    assert (levels.edge, levels.source, levels.target, found.settles) == (("w", "sd"), ("r", "seen"), ("o",), True)
    assert found.layout.common == 2  # whether weights are due, and whether they are not
    assert found.looks_back  # at what presynaptic spikes left
    assert found.marked == frozenset()  # spikes set a trace that no event reads


@pytest.mark.parametrize(("rule", "marked"), [("pairs", {"r"}), ("smoothed", {"r"}), ("once in a while", set())])
def test_traces_that_events_read_and_change_stand_twice(rule: str, marked: set[str]) -> None:
    assert form(network(rule, "many", "nothing", n=40), "from_cells").marked == marked


@pytest.mark.parametrize(("n", "looked_up"), [(12, False), (30, True)])
def test_arrivals_are_looked_up_where_edges_are_many(n: int, looked_up: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = []
    begin = EdgeTable.__init__

    def noted(self: EdgeTable, *arguments: Any) -> None:
        begin(self, *arguments)
        tables.append(self)

    monkeypatch.setattr(EdgeTable, "__init__", noted)
    found = check(network("once in a while", "many", "nothing", n=n), steps=60, trials=1, cut=21)
    assert len(found.spikes["cells"]) > 20
    assert {bool(table.ends.turns.size) for table in tables if table.item.name == "from_cells"} == {looked_up}


@pytest.mark.parametrize(("initial", "alike"), [("nothing", True), ("alike", False), ("each its own", False)])
def test_edges_that_begin_differently_keep_their_own(
    initial: str, alike: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trace that is the same for all, but decays, was not the same for edges of other delays a step before."""
    tables = []
    begin = EdgeTable.__init__

    def noted(self: EdgeTable, *arguments: Any) -> None:
        begin(self, *arguments)
        tables.append(self)

    monkeypatch.setattr(EdgeTable, "__init__", noted)
    check(network("pairs", "many", initial, n=40), steps=30, trials=2, cut=11)
    assert all((table.form.layout.levels.source == ("r",)) is alike for table in tables)
    assert len(tables) > 3


def test_the_past_that_is_kept_is_shifted() -> None:
    """Longer than memory holds of it at once, so that the oldest steps go."""
    found = check(network("smoothed", "many", "nothing"), steps=400, trials=1, cut=151)
    assert np.ptp(found.traces["from_cells"]["r2"].values) > 0.1
