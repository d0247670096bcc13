"""Fixed out-degree, fixed totals, groups and rules on pairs: distributions, purity, round trips, refusals."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from scipy import stats

import neurosim as ns
import neurosim.circuit as nc
from neurosim.circuit import pairwise
from neurosim.errors import CircuitError, EquationError, FileFormatError, UnitError
from neurosim.random import Stream
from neurosim.units import metre, ms, mV, second, um

STREAM = Stream(1, "a_to_b/edges")
RULES = [
    nc.FixedOutDegree(3),
    nc.FixedOutDegree(2, autapses=False, multapses=True),
    nc.FixedTotalNumber(70),
    nc.FixedTotalNumber(70, autapses=False, multapses=True),
    nc.Grouped(4, nc.AllToAll(autapses=False)),
    nc.Grouped(2, nc.FixedProbability(0.5), between=nc.FixedOutDegree(1)),
    nc.Grouped(4, None, between=nc.OneToOne(), pairs=((0, 1), (3, 2))),
    nc.Pairwise("abs(i - j) <= width", {"width": 2}),
    nc.Pairwise("exp(-((x_pre - x_post)/sigma)**2)", {"sigma": 30 * um}, autapses=False),
]


def keys(edges: tuple[np.ndarray, np.ndarray], n_post: int) -> np.ndarray:
    return edges[0] * n_post + edges[1]


def line(rule: nc.Connectivity, n: int = 20) -> nc.Circuit:
    """Return neurons on a line, 10 um apart, that drive each other by a rule."""
    circuit = nc.Circuit("line", dt=0.5 * ms, seed=3)
    cell = ns.models.lif(tau_mem=10 * ms, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-49 * mV)
    places = np.arange(n) * 10 * um
    circuit.population("cells", n, cell, initial={"v": nc.Uniform(-60 * mV, -50 * mV)}, positions=places)
    circuit.connect("cells", "cells", rule, receptor="v", weight=nc.Normal(1 * mV, 0.2 * mV), delay=1 * ms)
    return circuit


# -- every rule ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_every_rule_is_pure_sorted_and_survives_a_round_trip(rule: nc.Connectivity) -> None:
    circuit = line(rule)
    edges = circuit.edges("cells_to_cells")
    assert 20 <= len(edges.pre) <= 200 or isinstance(rule, nc.Grouped)
    assert (np.diff(keys(edges[:2], 20)) >= 0).all()
    assert edges.pre.dtype == edges.post.dtype == np.int32
    for side in edges[:2]:
        assert ((side >= 0) & (side < 20)).all()
    if not getattr(rule, "autapses", True):
        assert (edges.pre != edges.post).all()
    again = nc.Connectivity.from_dict(json.loads(json.dumps(rule.to_dict())))
    assert again == rule
    assert again.to_dict() == rule.to_dict()
    for first, second_table in zip(edges, line(again).edges("cells_to_cells"), strict=True):
        np.testing.assert_array_equal(first, second_table)
    assert all(rule != other for other in RULES if other is not rule)


@pytest.mark.parametrize("rule", [rule for rule in RULES if "Probability" in repr(rule) or "exp" in repr(rule)])
def test_another_seed_gives_other_edges(rule: nc.Connectivity) -> None:
    circuit = line(rule)
    other = circuit.replace({"seed": 4})
    assert not np.array_equal(circuit.edges("cells_to_cells").post, other.edges("cells_to_cells").post)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_both_backends_run_the_same_edges(rule: nc.Connectivity) -> None:
    first, second_run = (
        ns.simulate(line(rule), 20 * ms, backend=name, record=["cells.spikes"]) for name in ("brian2", "snntorch")
    )
    assert len(first.spikes["cells"]) > 5
    assert first.spikes == second_run.spikes
    assert all(largest == 0 for largest, _ in first.state.max_differences(second_run.state).values())  # type: ignore[union-attr]


def test_files_hold_rules_and_positions(tmp_path: Any) -> None:
    for number, rule in enumerate(RULES):
        circuit = line(rule)
        circuit.source("eyes", nc.SpikeSource((2, 2)), positions=np.arange(8.0).reshape(2, 2, 2))
        again = nc.Circuit.load(circuit.save(tmp_path / f"c{number}.json"))
        assert again == circuit
        assert again.digest() == circuit.digest()
        np.testing.assert_allclose(again.populations["cells"].positions, np.arange(20)[:, np.newaxis] * 1e-5)
        assert again.populations["cells"].position_unit == "metre"
        assert again.populations["eyes"].positions.tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]


# -- fixed numbers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("k", [0, 1, 20, 49])
def test_out_degree_draws_k_distinct_partners(k: int, same: bool) -> None:
    pre, post = nc.FixedOutDegree(k, autapses=False).realise(50, 50, same, STREAM)
    assert (np.bincount(pre, minlength=50) == k).all()
    assert np.unique(pre * 50 + post).size == 50 * k
    assert not (same and (pre == post).any())


def test_out_degree_reaches_all_alike() -> None:
    pre, post = nc.FixedOutDegree(4).realise(5000, 20, False, STREAM)
    assert stats.chisquare(np.bincount(post, minlength=20)).pvalue > 1e-3
    pre, post = nc.FixedOutDegree(3, multapses=True).realise(20_000, 5, False, STREAM)
    triple = np.unique(pre * 5 + post, return_counts=True)[1] == 3
    assert abs(triple.sum() - 800) < 5 * 800**0.5


@pytest.mark.parametrize("n", [0, 1, 300, 1300, 2450])
@pytest.mark.parametrize("multapses", [False, True])
def test_total_number_is_exact(n: int, multapses: bool) -> None:
    pre, post = nc.FixedTotalNumber(n, autapses=False, multapses=multapses).realise(50, 50, True, STREAM)
    assert pre.size == post.size == n
    assert (pre != post).all()
    distinct = np.unique(pre * 50 + post).size
    assert distinct == n if not multapses or n < 2 else distinct < n


@pytest.mark.parametrize("n", [3, 9])
def test_all_pairs_are_equally_likely(n: int) -> None:
    table = np.zeros((3, 4))
    for seed in range(2000):
        table[nc.FixedTotalNumber(n).realise(3, 4, False, Stream(seed, "p"))] += 1
    expected = 2000 * n / 12
    # Without replacement, counts of different pairs vary by less than a multinomial's.
    assert ((table - expected) ** 2).sum() / (expected * (1 - n / 12)) < stats.chi2.ppf(0.999, 11)


def test_total_number_of_a_huge_table() -> None:
    n = 2**31 - 1
    pre, post = nc.FixedTotalNumber(5000).realise(n, n, False, STREAM)
    assert pre.size == 5000
    for side in (pre, post):
        assert stats.kstest(side / n, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    ("rule", "n", "message"),
    [
        (nc.FixedOutDegree(5), 4, "each presynaptic neuron has only 4 possible partners: lower k, or allow multapses"),
        (nc.FixedOutDegree(4, autapses=False), 4, r"only 3 possible partners \(itself excluded\)"),
        (nc.FixedTotalNumber(17), 4, "only 16 possible pairs: lower n, or allow multapses"),
        (nc.FixedTotalNumber(13, autapses=False), 4, r"only 12 possible pairs \(autapses excluded\)"),
        (nc.FixedTotalNumber(1, autapses=False, multapses=True), 1, r"only 0 possible pairs.*: lower n\."),
        (nc.Grouped(3, nc.AllToAll()), 4, "the 4 presynaptic neurons cannot be cut into 3 equal groups"),
        (nc.Grouped(2, nc.FixedInDegree(3)), 4, "each postsynaptic neuron has only 2 possible partners"),
        (nc.Pairwise("z_pre > 0"), 4, "reads 'z_pre', but the presynaptic population has 1 coordinates"),
        (nc.Pairwise("i*mV"), 4, "must be in 1, but it is in volt"),
        (nc.Pairwise("exp(-distance)"), 4, "exp"),
    ],
)
def test_what_cannot_hold_is_refused_when_connecting(rule: nc.Connectivity, n: int, message: str) -> None:
    with pytest.raises((CircuitError, UnitError), match=f"(?s)projection 'cells_to_cells': .*{message}"):
        line(rule, n)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nc.FixedOutDegree(-1), r"FixedOutDegree: k=-1 must be a whole number, 0 or more\."),
        (lambda: nc.FixedTotalNumber(2.0), r"FixedTotalNumber: n=2\.0 must be a whole number"),
        (lambda: nc.FixedTotalNumber(2, multapses=1), "multapses=1 must be True or False"),
        (lambda: nc.Grouped(0, nc.AllToAll()), "groups=0 must be a whole number, 1 or more"),
        (lambda: nc.Grouped(2, 3), "within=3 must be a rule"),
        (lambda: nc.Grouped(2, nc.Edges([0], [0])), "within=.* must be a rule"),
        (lambda: nc.Grouped(2, None), "give a rule within the groups, between them, or both"),
        (lambda: nc.Grouped(2, nc.AllToAll(), pairs=((0, 1),)), "give that rule too"),
        (lambda: nc.Grouped(2, None, nc.AllToAll(), pairs=((0, 2),)), r"\(0, 2\) is no pair .* 0 to 1"),
        (lambda: nc.Grouped(2, None, nc.AllToAll(), pairs=((1, 1),)), "within= joins a group to itself"),
        (lambda: nc.Grouped(2, None, nc.AllToAll(), pairs=((0, 1), (0, 1))), "given twice"),
        (lambda: nc.Pairwise(0.3), "the rule must be text"),
        (lambda: nc.Pairwise("rand() < 0.1"), "draws random numbers"),
        (lambda: nc.Pairwise("exp(-distanse)"), "'distanse' .*not defined.*distance"),
        (lambda: nc.Pairwise("i.real"), "attribute access is not allowed"),
        (lambda: nc.Pairwise("i < j", {"i": 3}), "'i' cannot name a parameter"),
        (lambda: nc.Pairwise("i < j", {"k": 3}), "does not read the parameter 'k'"),
        (lambda: nc.Pairwise("i < k", {"k": [1, 2]}), "'k' must be one finite number"),
    ],
)
def test_rules_that_are_none_are_refused(build: Any, message: str) -> None:
    with pytest.raises((CircuitError, EquationError), match=message):
        build()


def test_damaged_rules_are_refused() -> None:
    for data in (
        {**nc.Pairwise("i < j").to_dict(), "parameters": {"a": {"value": 1.0}}},
        {**nc.Pairwise("i < j").to_dict(), "parameters": 3},
        {**nc.Grouped(2, nc.AllToAll()).to_dict(), "within": {"rule": "None"}},
        {**nc.Grouped(2, nc.AllToAll()).to_dict(), "pairs": [1]},
    ):
        with pytest.raises(FileFormatError):
            nc.Connectivity.from_dict(data)


# -- groups ----------------------------------------------------------------------------------------------------------


def test_groups_are_neighbouring_blocks() -> None:
    pre, post = nc.Grouped(2, nc.AllToAll()).realise(4, 6, False, STREAM)
    assert list(zip(pre.tolist(), post.tolist(), strict=True)) == [
        (p, q) for p in range(4) for q in range(6) if p // 2 == q // 3
    ]
    pre, post = nc.Grouped(3, None, nc.OneToOne(), pairs=[(2, 0)]).realise(6, 6, True, STREAM)
    assert (pre.tolist(), post.tolist()) == ([4, 5], [0, 1])


def test_dense_groups_with_thin_bundles_between() -> None:
    rule = nc.Grouped(8, nc.AllToAll(autapses=False), between=nc.FixedProbability(0.15))
    pre, post = rule.realise(256, 256, True, STREAM)
    own = pre // 32 == post // 32
    assert own.sum() == 8 * 32 * 31
    possible = 256 * 256 * 7 / 8
    assert abs((~own).sum() - 0.15 * possible) < 4 * (0.15 * 0.85 * possible) ** 0.5
    bundles = np.bincount(pre[~own] // 32 * 8 + post[~own] // 32, minlength=64)[~np.eye(8, dtype=bool).ravel()]
    assert 100 < bundles.min() < bundles.max() < 210
    assert len(set(bundles.tolist())) > 10  # every pair of groups draws on its own


# -- pairs -----------------------------------------------------------------------------------------------------------


def test_conditions_join_exactly_what_meets_them() -> None:
    pre, post = nc.Pairwise("i < j and (i + j) % 2 == 0 and N_post > 3").realise(5, 4, False, STREAM)
    expected = [(i, j) for i in range(5) for j in range(4) if i < j and (i + j) % 2 == 0]
    assert list(zip(pre.tolist(), post.tolist(), strict=True)) == expected
    assert nc.Pairwise("True").realise(3, 3, True, STREAM)[0].size == 9
    assert nc.Pairwise("True", autapses=False).realise(3, 3, True, STREAM)[0].size == 6


@pytest.mark.parametrize("unit", [um, 1e-6], ids=["length", "plain"])
def test_probability_falls_with_distance(unit: Any) -> None:
    circuit = nc.Circuit("sheet", dt=1 * ms, seed=7)
    places = Stream(0, "places").uniform(2 * 1500).reshape(1500, 2) * 400 * unit
    circuit.population("cells", 1500, ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0),
                       positions=places)  # fmt: skip
    rule = nc.Pairwise("0.8*exp(-(distance/sigma)**2)", {"sigma": 100 * unit}, autapses=False)
    circuit.connect("cells", "cells", rule, receptor="v", weight=0.1)
    pre, post = circuit.edges("cells_to_cells")[:2]
    at = circuit.populations["cells"].positions
    assert at is not None
    assert (pre != post).all()
    distance = np.hypot(*(at[:, np.newaxis] - at[np.newaxis]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    probability = 0.8 * np.exp(-((distance / 1e-4) ** 2))
    edges = np.zeros((1500, 1500), dtype=bool)
    edges[pre, post] = True
    for near, far in ((0, 25e-6), (25e-6, 75e-6), (75e-6, 150e-6), (150e-6, 300e-6)):
        ring = (distance >= near) & (distance < far)
        mean, variance = probability[ring].sum(), (probability[ring] * (1 - probability[ring])).sum()
        assert abs(edges[ring].sum() - mean) < 4 * variance**0.5


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [nc.Pairwise("0.9*exp(-abs(i - j)/2)"), nc.Pairwise("0.5*(i > 10)")]
    edges = [rule.realise(40, 30, False, STREAM) for rule in rules]
    for block in (1, 70, 10_000):
        monkeypatch.setattr(pairwise, "_BLOCK", block)
        for rule, expected in zip(rules, edges, strict=True):
            np.testing.assert_array_equal(rule.realise(40, 30, False, STREAM), expected)


def test_pairs_are_never_all_in_memory() -> None:
    rule = nc.Pairwise("abs(i - j) == 1")
    rule.realise(10, 10, False, STREAM)
    tracemalloc.start()
    pre, _ = rule.realise(6000, 6000, False, STREAM)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pre.size == 2 * 5999
    assert peak < 20e6  # 36 million pairs


def test_views_bring_their_own_positions_and_indices() -> None:
    circuit = line(nc.AllToAll())
    cells = circuit.populations["cells"]
    near = nc.Pairwise("distance < 15*um and i >= 1")
    circuit.connect(cells[5:8], cells[[7, 0]], near, receptor="v", weight=1 * mV, name="near")
    pre, post = circuit.edges("near")[:2]
    assert list(zip(pre.tolist(), post.tolist(), strict=True)) == [(6, 7), (7, 7)]
    grouped = nc.Grouped(2, nc.Pairwise("distance < 15*um"))
    circuit.connect("cells", "cells", grouped, receptor="v", weight=1 * mV, name="grouped")
    pre, post = circuit.edges("grouped")[:2]
    assert pre.size == 20 + 2 * 18
    assert (pre // 10 == post // 10).all()


def test_probabilities_beyond_one_are_refused_when_drawn() -> None:
    with pytest.raises(CircuitError, match=r"is 1\.5 for i = 3, j = 0: .* Write clip"):
        nc.Pairwise("0.5*i").realise(5, 5, False, STREAM)
    with pytest.raises(CircuitError, match="is nan for i = 0, j = 0"):
        nc.Pairwise("i/j").realise(5, 5, False, STREAM)
    assert nc.Pairwise("clip(0.5*i, 0, 1)").realise(5, 5, False, STREAM)[0].size >= 15


@pytest.mark.parametrize(
    ("pre", "post", "error", "message"),
    [
        (None, [1.0, 2.0], CircuitError, "reads 'distance', but the presynaptic population has no positions="),
        ([1.0, 2.0], None, CircuitError, "reads 'distance', but the postsynaptic population has no positions="),
        ([1.0, 2.0], [1.0, 2.0] * metre, UnitError, "no distance between positions in 1 and in metre"),
        (np.ones((2, 2)), [1.0, 2.0], CircuitError, "no distance between positions of 2 and of 1 coordinates"),
        ([1.0, 2.0] * second, [1.0, 2.0], UnitError, "positions must be lengths .* got second"),
        ([1.0, np.nan], [1.0, 2.0], CircuitError, "positions must be finite"),
        (np.ones((2, 4)), [1.0, 2.0], CircuitError, r"positions have shape \(2, 4\); give one row of 1 to 3"),
        (np.ones(3), [1.0, 2.0], CircuitError, r"positions have shape \(3,\).* the 2 neurons"),
    ],
)
def test_positions_that_do_not_go_together(pre: Any, post: Any, error: type[Exception], message: str) -> None:
    circuit = nc.Circuit("places", dt=1 * ms)
    model = ns.models.lif(tau_mem=10 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0)

    def build() -> None:
        circuit.source("a", nc.SpikeSource(2), positions=pre)
        circuit.population("b", 2, model, positions=post)
        circuit.connect("a", "b", nc.Pairwise("distance < 1"), receptor="v", weight=1.0)

    with pytest.raises(error, match=message):
        build()


def test_populations_differ_by_their_positions() -> None:
    one = line(nc.OneToOne())
    moved = nc.Circuit("line", dt=0.5 * ms, seed=3)
    cells = one.populations["cells"]
    moved.population("cells", 20, cells.model, initial={"v": nc.Uniform(-60 * mV, -50 * mV)}, positions=np.arange(20.0))
    assert moved.populations["cells"] != cells
    assert one.replace({"cells.v": -55 * mV}).populations["cells"].positions is not None
