"""Rules of plasticity against their closed forms, measured by imposed spikes on both backends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurosim as ns
from neurosim.analysis import pair_protocol, plot_window, stdp_window, weight_matrix
from neurosim.errors import CircuitError, UnitError
from neurosim.units import Hz, ms, mV, nA, nS, pA, second

BACKENDS = ("brian2", "snntorch")
GAPS = np.array([-60, -5, 1, 20])


def edge(recording: ns.Recording, name: str) -> float:
    return float(recording.state.variables["synapse"][name][0, 0])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("dependence", "up", "down"), [("additive", 0, 0), ("multiplicative", 1, 1), ((0, 0.4), 0, 0.4)]
)
def test_the_window_of_pairs(backend: str, dependence: Any, up: float, down: float) -> None:
    rule = ns.models.pair_stdp(
        a_plus=0.05 * nS, a_minus=0.06 * nS, w_max=4 * nS, amplitude="absolute", tau_plus=15 * ms, tau_minus=30 * ms,
        dependence=dependence,
    )  # fmt: skip
    window = stdp_window(rule, GAPS * ms, weight=1 * nS, backend=backend, dt=0.5 * ms)
    part = 1 / 4
    expected = np.where(
        GAPS > 0, 0.05e-9 * (1 - part) ** up * np.exp(-GAPS / 15), -0.06e-9 * part**down * np.exp(GAPS / 30)
    )
    assert window.attrs["units"] == "siemens"
    assert window.values == pytest.approx(expected, rel=1e-9)  # what adding to 1 nS leaves of the digits


def test_relative_amplitudes_are_parts_of_the_largest_weight() -> None:
    options: dict[str, Any] = {"w_max": 6 * nA, "tau_plus": 3 * ms, "tau_minus": 3 * ms}
    relative = ns.models.pair_stdp(a_plus=0.01, a_minus=0.02, amplitude="relative", **options)
    absolute = ns.models.pair_stdp(a_plus=0.06 * nA, a_minus=0.12 * nA, amplitude="absolute", **options)
    both = [stdp_window(rule, GAPS * ms, weight=3 * nA, dt=1 * ms) for rule in (relative, absolute)]
    assert both[0].values == pytest.approx(both[1].values, rel=1e-9)
    with pytest.raises(UnitError, match=r"a_plus \(relative\)"):
        ns.models.pair_stdp(a_plus=0.01 * nA, a_minus=0.02, amplitude="relative", **options)
    with pytest.raises(UnitError, match=r"a_plus \(absolute\)"):
        ns.models.pair_stdp(a_plus=0.01, a_minus=0.02 * nA, amplitude="absolute", **options)


@pytest.mark.parametrize("pairing", ["all", "nearest"])
@pytest.mark.parametrize("post_first", [False, True])
@given(data=st.data())
@settings(max_examples=3, deadline=None)
def test_trains_of_spikes_against_a_plain_loop(pairing: str, post_first: bool, data: st.DataObject) -> None:
    times = st.lists(st.integers(2, 60), min_size=1, max_size=12, unique=True).map(sorted)
    pre, post = data.draw(times), data.draw(times)
    rule = ns.models.pair_stdp(
        a_plus=0.1, a_minus=0.07, w_max=1.0, amplitude="absolute", tau_plus=10 * ms, tau_minus=15 * ms,
        pairing=pairing, post_first=post_first,
    )  # fmt: skip
    w, r, o = 0.5, 0.0, 0.0
    for step in range(61):
        for side in ("post", "pre") if post_first else ("pre", "post"):
            if side == "pre" and step in pre:
                w, r = min(max(w - 0.07 * o, 0.0), 1.0), 1.0 + (r if pairing == "all" else 0.0)
            if side == "post" and step in post:
                w, o = min(max(w + 0.1 * r, 0.0), 1.0), 1.0 + (o if pairing == "all" else 0.0)
        r, o = r * np.exp(-1 / 10), o * np.exp(-1 / 15)
    run = pair_protocol(rule, [step * ms for step in pre], [step * ms for step in post], weight=0.5, dt=1 * ms)
    assert edge(run, "w") == pytest.approx(w, rel=1e-12)


@pytest.mark.parametrize(("transmit", "expected"), [("before", 0.5), ("after", 0.5 - 0.2 * np.exp(-0.5))])
def test_which_weight_a_spike_transmits(transmit: str, expected: float) -> None:
    rule = ns.models.pair_stdp(a_plus=0.1, a_minus=0.2, w_max=1.0, amplitude="absolute", transmit=transmit)
    run = pair_protocol(rule, [12 * ms], [2 * ms], weight=0.5)
    assert float(run.state.variables["post"]["received"][0, 0]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("rate", "expected"), [(10, 0.1320534122), (50, 0.7409055201)])
def test_triplets_grow_with_the_rate(backend: str, rate: int, expected: float) -> None:
    rule = ns.models.triplet_stdp(w_max=10.0, amplitude="absolute")
    window = stdp_window(
        rule, np.array([10]) * ms, weight=5.0, pairs=60, period=1 / (rate * Hz), dt=1 * ms, backend=backend
    )
    assert window.values == pytest.approx([expected], rel=1e-9)


def test_triplets_without_a_third_spike_are_pairs() -> None:
    pairs = {"a2_plus": 0.03, "a2_minus": 0.02, "a3_plus": 0.0, "a3_minus": 0.0}
    triplet = ns.models.triplet_stdp(w_max=1.0, amplitude="relative", **pairs)
    pair = ns.models.pair_stdp(
        a_plus=0.03, a_minus=0.02, w_max=1.0, amplitude="relative", tau_plus=16.8 * ms, tau_minus=33.7 * ms
    )
    options: dict[str, Any] = {"weight": 0.5, "pairs": 5, "period": 40 * ms}
    both = [stdp_window(rule, np.array([-7, 3]) * ms, **options).values for rule in (triplet, pair)]
    assert both[0] == pytest.approx(both[1], rel=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("tau_f", [0, 300])
def test_short_term_plasticity_settles_at_its_closed_form(backend: str, tau_f: int) -> None:
    rule = ns.models.tsodyks_markram(u0=0.2, tau_facilitation=tau_f * ms, tau_depression=200 * ms)
    spikes = [(10 + 50 * number) * ms for number in range(60)]
    before = pair_protocol(rule, spikes[:-1], [], weight=2.0, dt=1 * ms, after=0 * ms, backend=backend)
    after = pair_protocol(rule, spikes, [], weight=2.0, dt=1 * ms, after=0 * ms, backend=backend)
    received = [float(run.state.variables["post"]["received"][0, 0]) for run in (before, after)]
    use = 0.2 / (1 - 0.8 * np.exp(-50 / tau_f)) if tau_f else 0.2
    left = (1 - np.exp(-50 / 200)) / (1 - (1 - use) * np.exp(-50 / 200))
    assert received[1] - received[0] == pytest.approx(2.0 * use * left, rel=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_scaling_grows_in_silence_and_shrinks_above_its_target(backend: str) -> None:
    rule = ns.models.synaptic_scaling(target=5 * Hz, tau_rate=0.2 * second, tau_scaling=0.5 * second)
    silent = pair_protocol(rule, [1 * ms], [], weight=1.0, dt=1 * ms, after=0.3 * second, backend=backend)
    steps = 302  # the factor moves in every step, this one included
    assert edge(silent, "s") == pytest.approx(np.exp(steps * 1e-3 / 0.5), rel=1e-9)
    busy = pair_protocol(rule, [1 * ms], [(10 * number) * ms for number in range(1, 80)], weight=1.0, dt=1 * ms)
    assert edge(busy, "nu") == pytest.approx(100, rel=0.1)
    assert edge(busy, "s") < 0.1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("reward", [0.0, 1.0, -1.0])
def test_weights_follow_the_eligibility_only_under_reward(backend: str, reward: float) -> None:
    rule = ns.models.reward_stdp(w_max=2.0, rate=0.2 * Hz, tau_eligibility=0.2 * second)
    run = pair_protocol(
        rule, [10 * ms], [20 * ms], weight=1.0, dt=0.5 * ms, after=1 * second, modulators={"reward": reward},
        backend=backend,
    )  # fmt: skip
    # The eligibility of the step that made it counts from the next step on: a geometric sum.
    decay = np.exp(-0.5 / 200)
    total = np.exp(-0.5) * 5e-4 * decay * (1 - decay**2000) / (1 - decay)
    assert edge(run, "w") - 1.0 == pytest.approx(reward * 2.0 * 0.2 * total, rel=1e-6, abs=1e-15)


def test_a_third_factor_takes_any_term() -> None:
    rule = ns.models.three_factor(
        pre_term="k*(v_post - o)", post_term="0", modulator="gate", w_max=1.0, rate=1 * Hz, parameters={"k": 0.5}
    )
    run = pair_protocol(rule, [30 * ms], [10 * ms], weight=0.5, modulators={"gate": 1.0}, after=1 * ms)
    trace = np.exp(-1)
    assert edge(run, "c") == pytest.approx(-0.5 * trace * np.exp(-0.001), rel=1e-3)


def test_release_by_chance_is_binomial() -> None:
    circuit = ns.Circuit("release", dt=1 * ms)
    circuit.source("in", ns.SpikeSource(300))
    circuit.population("out", 300, ns.NeuronModel("received : 1"))
    rule = ns.models.stochastic_release(probability=0.3, sites=4)
    circuit.connect("in", "out", ns.OneToOne(), synapse=rule, receptor="received", weight=4.0)
    counts = []
    state = None
    for _ in range(20):
        run = ns.simulate(circuit, 1 * ms, inputs={"in": np.ones((1, 300), bool)}, state=state)
        state = run.state
        counts.append(np.asarray(state.variables["out"]["received"][0]))
    each = np.diff(np.array(counts), axis=0, prepend=0.0).ravel()
    assert set(np.unique(each)) <= {0.0, 1.0, 2.0, 3.0, 4.0}
    from scipy.stats import binom, chisquare

    observed = np.bincount(each.astype(int), minlength=5)
    assert chisquare(observed, binom.pmf(np.arange(5), 4, 0.3) * each.size).pvalue > 1e-4


def recurrent(rule: ns.SynapseModel) -> ns.Circuit:
    """Return a driven network with delays of its own on every connection that follows a rule."""
    circuit = ns.Circuit("rules", dt=0.1 * ms, seed=4)
    cell = ns.NeuronModel(
        "dv/dt = (v_leak - v + g)/tau + drive : volt (unless refractory)\ndg/dt = -g/tau_g : volt\n"
        "drive : volt/second\ndreward/dt = (0.5 - reward)/tau_r + 0.1*xi*tau_r**-0.5 : 1",
        threshold="v > -50*mV", reset="v = v_leak", refractory=2 * ms, method="euler",
        parameters={"v_leak": -60 * mV, "tau": 20 * ms, "tau_g": 5 * ms, "tau_r": 30 * ms},
        initial={"v": ns.Uniform(-60 * mV, -50 * mV)},
    )  # fmt: skip
    cells = circuit.population("cells", 25, cell, parameters={"drive": ns.Uniform(0.4 * mV / ms, 0.9 * mV / ms)})
    circuit.connect(
        cells, cells, ns.FixedProbability(0.3, autapses=False), synapse=rule, receptor="g",
        weight=ns.Uniform(0 * mV, 2 * mV), delay=ns.Uniform(0 * ms, 8 * ms), name="edges",
        post_delay=ns.Uniform(0 * ms, 3 * ms) if rule.on_post else None,
    )  # fmt: skip
    return circuit


RULES = {
    "pair_stdp": {"a_plus": 0.05, "a_minus": 0.06, "w_max": 2 * mV, "amplitude": "relative", "dependence": 0.3},
    "triplet_stdp": {"w_max": 2 * mV, "amplitude": "relative", "a2_plus": 0.01},
    "tsodyks_markram": {"tau_facilitation": 100 * ms},
    "stochastic_release": {"sites": 2},
    "synaptic_scaling": {"tau_scaling": 0.5 * second, "tau_rate": 0.05 * second},
    "reward_stdp": {"w_max": 2 * mV, "rate": 10 * Hz},
    "three_factor": {"w_max": 2 * mV, "pre_term": "-0.1*o", "post_term": "r*(w/w_max)"},
}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("milliseconds", [40, pytest.param(500, marks=pytest.mark.slow)])
def test_every_rule_is_the_same_on_both_backends(name: str, milliseconds: int) -> None:
    circuit = recurrent(getattr(ns.models, name)(**RULES[name]))
    report = ns.verify(circuit, milliseconds * ms)
    assert report.identical, str(report)
    assert report.spikes["brian2"] > milliseconds / 2


def test_weights_as_a_matrix() -> None:
    circuit = recurrent(ns.models.pair_stdp(**RULES["pair_stdp"]))
    run = ns.simulate(circuit, 30 * ms, record={"edges": "w"})
    before, after = weight_matrix(circuit, "edges"), weight_matrix(circuit, "edges", run)
    edges = circuit.edges("edges")
    assert before.dims == ("post", "pre")
    assert before.attrs["units"] == "volt"
    assert np.array_equal(before.values[edges.post, edges.pre], edges.weight)
    assert int(np.isfinite(before.values).sum()) == len(edges.pre)
    assert not np.array_equal(before.values, after.values, equal_nan=True)
    last = weight_matrix(circuit, "edges", run, time=30 * ms)
    assert np.array_equal(last.values, after.values, equal_nan=True)
    with pytest.raises(CircuitError, match="has no projection 'edge'"):
        weight_matrix(circuit, "edge")
    with pytest.raises(CircuitError, match="holds no weights of 'edges' over time"):
        weight_matrix(circuit, "edges", ns.simulate(circuit, 1 * ms), time=1 * ms)


def test_the_window_is_drawn() -> None:
    pytest.importorskip("matplotlib")
    rule = ns.models.pair_stdp(a_plus=1 * pA, a_minus=1 * pA, w_max=10 * pA, amplitude="absolute")
    axes = plot_window(stdp_window(rule, np.array([-10, 10]) * ms, weight=5 * pA, dt=1 * ms))
    assert axes.get_ylabel() == "change of weight (amp)"
    assert axes.lines[-1].get_xdata() == pytest.approx([-10, 10])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"amplitude": "absolut"}, "Did you mean 'absolute'"),
        ({"dependence": "add"}, "dependence='add' is unknown"),
        ({"dependence": -1.0}, "must not be negative"),
        ({"dependence": None}, "'additive', 'multiplicative', an exponent"),
        ({"pairing": "some"}, "pairing='some' is unknown"),
        ({"transmit": "never"}, "transmit='never' is unknown"),
    ],
)
def test_options_are_named(options: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"a_plus": 1.0, "a_minus": 1.0, "w_max": 1.0, "amplitude": "relative", **options}
    with pytest.raises(CircuitError, match=message):
        ns.models.pair_stdp(**given)


def test_imposed_spikes_must_lie_on_the_grid() -> None:
    rule = ns.models.pair_stdp(a_plus=1.0, a_minus=1.0, w_max=1.0, amplitude="relative")
    with pytest.raises(CircuitError, match="multiples of dt"):
        pair_protocol(rule, [0.15 * ms], [1 * ms], weight=0.5)
    with pytest.raises(CircuitError, match="from the first on"):
        pair_protocol(rule, [0 * ms], [1 * ms], weight=0.5)
