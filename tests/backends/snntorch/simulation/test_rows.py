"""Edges are sorted for delivery, and stay where they are if they were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.backends.snntorch.simulation.rows import LARGEST, Rows, make_rows
from neurosim.circuit.realised_edges import Ascending, EdgeTable
from neurosim.program.straight_line import Uncovered

N_PRE, N_POST = 5, 7
edges = st.lists(st.tuples(st.integers(0, N_PRE - 1), st.integers(0, N_POST - 1), st.integers(0, 3)), max_size=40)


def table(pre: np.ndarray, post: np.ndarray, delay: np.ndarray, held: bool = False) -> EdgeTable:
    """Return edges in an order of their own, neurons that ascend held by their rows if asked."""
    rows = held and not np.any(np.diff(pre) < 0)
    sources = Ascending(np.searchsorted(pre, np.arange(N_PRE + 1))) if rows else pre.astype(np.int32)
    return EdgeTable(sources, post.astype(np.int32), np.ones(pre.size), delay.copy(), 1.0)


@given(edges, st.sampled_from([[0, 7], [0, 3, 7], [0, 2, 2, 6, 7]]), st.booleans(), st.booleans(), st.booleans())
def test_rows_hold_every_edge_once_in_order(
    drawn: list[tuple[int, int, int]], bounds: list[int], one_delay: bool, sort: bool, held: bool
) -> None:
    if one_delay:
        drawn = [(pre, post, 2) for pre, post, _ in drawn]
    part = np.searchsorted(bounds, np.arange(N_POST), side="right") - 1
    if sort:
        drawn = sorted(drawn, key=lambda edge: (edge[0], part[edge[1]], edge[2], edge[1]))
    pre, post, delay = np.array(drawn, dtype=np.int32).reshape(-1, 3).T
    given = table(pre, post, delay, held)
    rows = make_rows(given, delay, N_PRE, N_POST, N_POST, np.array(bounds))
    assert isinstance(rows.order, slice) or not sort
    assert not isinstance(rows.order, slice) or np.shares_memory(rows.targets, given.post) or not drawn
    order = np.arange(len(pre))[rows.order]
    keys = [(pre[edge], part[post[edge]], delay[edge], post[edge], edge) for edge in order]
    assert keys == sorted(keys)
    assert sorted(order) == list(range(len(pre)))
    assert rows.targets.tolist() == post[order].tolist()
    assert (rows.delay == delay[order]).all()
    for piece in range(len(bounds) - 1):
        first, last = rows.of_part(piece)
        for neuron in range(N_PRE):
            held = order[first[neuron] : last[neuron]]
            assert sorted(held) == np.flatnonzero((pre == neuron) & (part[post] == piece)).tolist()


def rows_of(pre: np.ndarray, post: np.ndarray, delay: np.ndarray) -> Rows:
    """Return rows of one part."""
    return make_rows(table(pre, post, delay), delay, N_PRE, N_POST, N_POST, np.array([0, N_POST]))


def test_everywhere() -> None:
    pre, post = (axis.ravel().astype(np.int32) for axis in np.indices((N_PRE, N_POST)))
    delay = np.ones(pre.size, dtype=np.int64)
    shuffled = np.random.default_rng(1).permutation(pre.size)
    for order in (slice(None), shuffled):
        assert rows_of(pre[order], post[order], delay).everywhere
    assert not rows_of(pre, post * 0, delay).everywhere
    assert not rows_of(pre, post, np.arange(pre.size) % 2).everywhere


def test_what_does_not_fit_is_refused() -> None:
    one = np.zeros(1, dtype=np.int64)
    for delay, room in ((one + 2**16, 1), (one, LARGEST + 1)):
        with pytest.raises(Uncovered, match="large"):
            make_rows(table(one, one, delay), delay, 1, 1, room, np.array([0, 1]))
