"""Connectivity rules: the right distribution, a pure function of the stream, equal by value, refused if impossible."""

from __future__ import annotations

import json
import time
import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from neurosim.circuit import AllToAll, Connectivity, Edges, FixedInDegree, FixedProbability, OneToOne, edge_sampling
from neurosim.errors import CircuitError, FileFormatError
from neurosim.random import Stream

STREAM = Stream(1, "a_to_b/edges")

GOLDEN_PROBABILITY = [(0, 1), (3, 2), (5, 2), (5, 5), (6, 5), (7, 6)]
GOLDEN_IN_DEGREE = [(0, 3), (2, 0), (2, 1), (3, 2), (5, 3), (6, 1), (6, 2), (7, 0)]

RULES = st.one_of(
    st.builds(AllToAll, st.booleans()),
    st.builds(OneToOne),
    st.builds(FixedProbability, st.floats(0, 1), st.booleans()),
    st.builds(FixedInDegree, st.integers(0, 6), st.booleans(), st.booleans()),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=9).map(
        lambda pairs: Edges([pre for pre, _ in pairs], [post for _, post in pairs])
    ),
)


def pairs_of(edges: tuple[np.ndarray, np.ndarray]) -> list[tuple[int, int]]:
    return list(zip(*(side.tolist() for side in edges), strict=True))


def test_all_to_all() -> None:
    assert pairs_of(AllToAll().realise(2, 3, False, STREAM)) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    without = AllToAll(autapses=False)
    assert pairs_of(without.realise(3, 3, True, STREAM)) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    assert len(pairs_of(without.realise(3, 3, False, STREAM))) == 9
    assert pairs_of(without.realise(1, 1, True, STREAM)) == []


def test_one_to_one() -> None:
    assert pairs_of(OneToOne().realise(3, 3, False, STREAM)) == [(0, 0), (1, 1), (2, 2)]
    with pytest.raises(CircuitError, match="as many presynaptic as postsynaptic neurons, got 3 and 4"):
        OneToOne().realise(3, 4, False, STREAM)


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("p", [0.003, 0.1, 0.5, 0.97])
def test_fixed_probability_gives_every_pair_the_same_independent_chance(p: float, same: bool) -> None:
    n, repeats = 60, 200
    table = np.zeros((n, n), dtype=int)
    totals = []
    for seed in range(repeats):
        pre, post = FixedProbability(p, autapses=False).realise(n, n, same, Stream(seed, "p"))
        assert np.unique(pre * n + post).size == pre.size
        table[pre, post] += 1
        totals.append(pre.size)
    possible = ~np.eye(n, dtype=bool) if same else np.ones((n, n), dtype=bool)
    assert not table[~possible].any()
    counts = table[possible]
    # Independent edges: the counts over repeats and the totals are binomial, in mean and in variance.
    expected, variance = repeats * p, repeats * p * (1 - p)
    assert abs(counts.mean() - expected) < 4 * (variance / counts.size) ** 0.5
    assert abs(counts.var() / variance - 1) < 5 * ((2 + 1 / variance) / counts.size) ** 0.5
    assert 0.65 < np.var(totals) / (counts.size * p * (1 - p)) < 1.4
    for axis in (0, 1):
        share = possible.sum(axis=axis)
        deviations = (table.sum(axis=axis) - expected * share) / (variance * share) ** 0.5
        assert np.abs(deviations).max() < 4.5


def test_gaps_between_edges_are_geometric() -> None:
    p = 0.2
    pre, post = FixedProbability(p).realise(1000, 1000, False, STREAM)
    gaps = np.diff(pre * 1000 + post) - 1
    observed = np.bincount(np.minimum(gaps, 20), minlength=21)
    expected = gaps.size * np.append(stats.geom.pmf(np.arange(1, 21), p), stats.geom.sf(20, p))
    assert stats.chisquare(observed, expected).pvalue > 1e-3


def test_probability_zero_one_and_nearly_so_are_exact() -> None:
    assert FixedProbability(0).realise(50, 50, False, STREAM)[0].size == 0
    assert FixedProbability(5e-324).realise(50, 50, False, STREAM)[0].size == 0
    every = AllToAll().realise(50, 50, False, STREAM)
    for p in (1, 1 - 1e-16):
        np.testing.assert_array_equal(FixedProbability(p).realise(50, 50, False, STREAM), every)


def test_a_huge_sparse_table_costs_what_its_edges_cost() -> None:
    n, p = 20_000, 1e-3
    FixedProbability(p).realise(10, 10, False, STREAM)  # imports what it needs
    tracemalloc.start()
    began = time.perf_counter()
    pre, post = FixedProbability(p).realise(n, n, False, STREAM)
    seconds = time.perf_counter() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert abs(pre.size - n * n * p) < 5 * (n * n * p) ** 0.5
    assert np.abs(np.bincount(post, minlength=n) - n * p).max() < 6 * (n * p) ** 0.5
    assert peak < 64 * pre.size + 10e6  # an N x N table of bits would take 50e6
    assert seconds < 2


def test_a_table_larger_than_any_memory_can_be_sampled() -> None:
    n = 2**31 - 1
    pre, post = FixedProbability(1e-15).realise(n, n, False, STREAM)
    assert abs(pre.size - 4612) < 5 * 4612**0.5
    assert pre.max() > 0.9 * n
    assert (np.diff(pre) >= 0).all()
    assert ((post >= 0) & (post < n)).all()
    assert FixedProbability(1e-30).realise(n, n, False, STREAM)[0].size == 0


@pytest.mark.parametrize(("n_pre", "k"), [(50, 0), (50, 1), (50, 7), (50, 25), (50, 26), (50, 48), (49, 49), (1, 1)])
@pytest.mark.parametrize("same", [False, True])
def test_fixed_in_degree_draws_k_distinct_partners(n_pre: int, k: int, same: bool) -> None:
    n_pre = max(n_pre, k + 1) if same else n_pre  # itself is no partner
    n_post = n_pre if same else 80
    pre, post = FixedInDegree(k, autapses=False).realise(n_pre, n_post, same, STREAM)
    assert (np.bincount(post, minlength=n_post) == k).all()
    keys = pre * n_post + post
    assert (np.diff(keys) > 0).all()
    assert not (same and (pre == post).any())
    assert pre.size == 0 or pre.max() < n_pre


def test_nearly_all_partners_are_drawn_by_those_left_out() -> None:
    began = time.perf_counter()
    pre, post = FixedInDegree(1998).realise(2000, 500, False, STREAM)
    assert time.perf_counter() - began < 5  # drawn one by one, the last partners would take thousands of rounds
    left_out = np.ones((2000, 500), dtype=bool)
    left_out[pre, post] = False
    assert (left_out.sum(axis=0) == 2).all()
    assert stats.chisquare(left_out.sum(axis=1).reshape(20, 100).sum(axis=1)).pvalue > 1e-3


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_all_sets_of_partners_are_equally_likely(k: int) -> None:
    n_pre, n_post = 6, 6000
    pre, post = FixedInDegree(k).realise(n_pre, n_post, False, STREAM)
    table = np.zeros((n_post, n_pre), dtype=bool)
    table[post, pre] = True
    codes = np.bincount(table @ (1 << np.arange(n_pre)), minlength=2**n_pre)
    sets = [sum(1 << i for i in chosen) for chosen in combinations(range(n_pre), k)]
    assert codes[sets].sum() == n_post
    assert stats.chisquare(codes[sets]).pvalue > 1e-3


def test_multapses_are_draws_with_replacement() -> None:
    n_pre, n_post, k = 5, 20_000, 3
    pre, post = FixedInDegree(k, multapses=True).realise(n_pre, n_post, False, STREAM)
    assert (np.bincount(post) == k).all()
    multiple = np.unique(pre * n_post + post, return_counts=True)[1]
    assert abs((multiple == 3).sum() - n_post / 25) < 5 * (n_post / 25) ** 0.5
    more = FixedInDegree(9, autapses=False, multapses=True).realise(4, 4, True, STREAM)
    assert (np.bincount(more[1]) == 9).all()
    assert (more[0] != more[1]).all()
    assert stats.chisquare(np.bincount(pre)).pvalue > 1e-3


def test_in_degree_beyond_the_partners_is_refused() -> None:
    with pytest.raises(CircuitError, match="only 4 possible partners: lower k, or allow multapses"):
        FixedInDegree(5).realise(4, 9, False, STREAM)
    with pytest.raises(CircuitError, match=r"only 3 possible partners \(itself excluded\)"):
        FixedInDegree(4, autapses=False).realise(4, 4, True, STREAM)
    assert FixedInDegree(4, autapses=False).realise(4, 4, False, STREAM)[0].size == 16
    with pytest.raises(CircuitError, match=r"only 0 possible partners \(itself excluded\): lower k"):
        FixedInDegree(1, autapses=False, multapses=True).realise(1, 1, True, STREAM)


@pytest.mark.parametrize(
    "rule", [FixedProbability(0.3), FixedInDegree(3), FixedInDegree(17), FixedInDegree(3, multapses=True)]
)
def test_random_edges_are_a_function_of_the_stream(rule: Connectivity, monkeypatch: pytest.MonkeyPatch) -> None:
    edges = rule.realise(20, 30, False, STREAM)
    for chunk in (1, 7, 50, 1 << 20):
        monkeypatch.setattr(edge_sampling, "_CHUNK", chunk)
        np.testing.assert_array_equal(rule.realise(20, 30, False, STREAM), edges)
    assert pairs_of(rule.realise(20, 30, False, Stream(2, STREAM.path))) != pairs_of(edges)
    assert pairs_of(rule.realise(20, 30, False, Stream(1, "other"))) != pairs_of(edges)


def test_edges_do_not_change_between_versions() -> None:
    assert pairs_of(FixedProbability(0.1).realise(8, 8, False, STREAM)) == GOLDEN_PROBABILITY
    assert pairs_of(FixedInDegree(2).realise(9, 4, False, STREAM)) == GOLDEN_IN_DEGREE


@given(RULES, st.integers(0, 7), st.integers(0, 7), st.booleans())
def test_every_rule_gives_sorted_edges_in_range(rule: Connectivity, n_pre: int, n_post: int, same: bool) -> None:
    same = same and n_pre == n_post
    try:
        pre, post = rule.realise(n_pre, n_post, same, STREAM)
    except CircuitError:
        assert isinstance(rule, (OneToOne, FixedInDegree, Edges))
        return
    assert pre.dtype == post.dtype == np.int64
    assert pre.shape == post.shape
    assert ((pre >= 0) & (pre < n_pre)).all()
    assert ((post >= 0) & (post < n_post)).all()
    if not isinstance(rule, Edges):
        assert pairs_of((pre, post)) == sorted(pairs_of((pre, post)))
    if same and not getattr(rule, "autapses", True):
        assert (pre != post).all()


def test_one_population_has_one_size() -> None:
    with pytest.raises(CircuitError, match="4 presynaptic and 5 postsynaptic neurons cannot be the same population"):
        AllToAll().realise(4, 5, True, STREAM)


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan"), float("inf"), True, np.True_, "0.1", None, 0.5j])
def test_probabilities_that_are_none_are_refused(p: object) -> None:
    with pytest.raises(CircuitError, match=r"FixedProbability: p=.* must be a number from 0 to 1\."):
        FixedProbability(p)


@pytest.mark.parametrize("k", [-1, 2.0, float("nan"), True, np.True_, "3", None])
def test_in_degrees_that_are_none_are_refused(k: object) -> None:
    with pytest.raises(CircuitError, match=r"FixedInDegree: k=.* must be a whole number, 0 or more\."):
        FixedInDegree(k)


def test_flags_are_true_or_false() -> None:
    for build in (lambda: AllToAll(1), lambda: FixedProbability(0.1, autapses=None), lambda: FixedInDegree(1, "no")):
        with pytest.raises(CircuitError, match=r"autapses=.* must be True or False"):
            build()
    with pytest.raises(CircuitError, match="FixedInDegree: multapses=0 must be True or False"):
        FixedInDegree(1, multapses=0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_edges_keep_order_and_multiplicity(dtype: type) -> None:
    given_pre = np.array([3, 0, 3], dtype=dtype)
    edges = Edges(given_pre, [1, 2, 1])
    given_pre[0] = 9
    assert pairs_of(edges.realise(4, 3, False, STREAM)) == [(3, 1), (0, 2), (3, 1)]
    assert repr(edges) == "Edges(<3 edges>)"
    with pytest.raises(ValueError, match="read-only"):
        edges.pre[0] = 1
    assert pairs_of(Edges([], []).realise(0, 0, False, STREAM)) == []


@pytest.mark.parametrize(
    ("pre", "post", "message"),
    [
        ([0, 1], [0], "pre has 2 entries and post 1"),
        ([0.0, 1.0], [0, 1], r"pre must be whole numbers of shape \(edge,\), got type float64"),
        ([0, 1], [True, False], "post must be whole numbers.*got type bool"),
        ([[0, 1]], [0, 1], r"pre must be whole numbers of shape \(edge,\), got type int64 and shape \(1, 2\)"),
        (3, [0], r"shape \(\)"),
        ([[0], [0, 1]], [0, 1], "pre is not a list of whole numbers"),
        (["a"], [0], "pre must be whole numbers"),
        ([0, 1], [0, -2], r"post\[1\] = -2 is no index: they start at 0"),
        (np.array([2**64 - 1], dtype=np.uint64), [0], r"pre\[0\] = 18446744073709551615 is no index"),
    ],
)
def test_edges_that_are_none_are_refused(pre: object, post: object, message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        Edges(pre, post)


def test_edges_out_of_range_are_named() -> None:
    edges = Edges([0, 5, 7], [0, 0, 3])
    with pytest.raises(
        CircuitError, match=r"pre\[1\] = 5, but the presynaptic side has 5 neurons \(0 to 4\); 2 entries"
    ):
        edges.realise(5, 9, False, STREAM)
    with pytest.raises(
        CircuitError, match=r"post\[2\] = 3, but the postsynaptic side has 3 neurons \(0 to 2\); 1 entries"
    ):
        edges.realise(8, 3, False, STREAM)


@given(RULES)
def test_rules_survive_a_round_trip(rule: Connectivity) -> None:
    arrays = {name: array.copy() for name, array in rule.arrays().items()}
    again = Connectivity.from_dict(json.loads(json.dumps(rule.to_dict())), arrays)
    assert again == rule
    assert again.to_dict() == rule.to_dict()


@given(RULES, RULES)
def test_equality_is_by_value(one: Connectivity, two: Connectivity) -> None:
    alike = repr(one) == repr(two) and all(np.array_equal(a, two.arrays()[name]) for name, a in one.arrays().items())
    assert (one == two) is alike
    assert (one != two) is not alike


def test_numpy_numbers_become_plain_ones() -> None:
    assert json.loads(json.dumps(FixedInDegree(np.int64(3)).to_dict()))["k"] == 3
    assert FixedProbability(np.float32(0.5)).to_dict() == {"rule": "FixedProbability", "p": 0.5, "autapses": True}
    assert FixedProbability(1) != AllToAll()
    assert AllToAll() != "AllToAll"


@pytest.mark.parametrize(
    ("data", "arrays", "message"),
    [
        (
            {"rule": "FixedProbabilty", "p": 0.1},
            None,
            "no connectivity rule 'FixedProbabilty'. Did you mean 'FixedProb",
        ),
        ({"p": 0.1}, None, "no connectivity rule None.* Known: AllToAll"),
        ([], None, r"no connectivity rule \[\]"),
        ({"rule": "FixedProbability", "q": 0.1}, None, "FixedProbability has no parameter 'q'"),
        ({"rule": "FixedInDegree", "k": 1}, None, "FixedInDegree lacks autapses, multapses: the file is not complete"),
        ({"rule": "FixedProbability", "p": 7, "autapses": True}, None, "FixedProbability is not valid: .*p=7"),
        ({"rule": "Edges"}, {"pre": [0]}, "Edges lacks post"),
        ({"rule": "Edges"}, {"pre": [0], "post": [0.5]}, "Edges is not valid: .*post must be whole numbers"),
        ({"rule": "AllToAll", "autapses": True}, {"pre": [0]}, "AllToAll has no parameter 'pre'"),
    ],
)
def test_damaged_descriptions_are_refused(data: object, arrays: object, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        Connectivity.from_dict(data, arrays)
