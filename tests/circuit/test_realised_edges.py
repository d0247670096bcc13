"""The table of edges: four columns, each number held once."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.circuit import EdgeTable
from neurosim.circuit.realised_edges import Ascending, edge_blocks, index_column, shortest
from neurosim.errors import CircuitError


def indices(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


def test_four_columns() -> None:
    table = EdgeTable(indices(0, 1, 1), indices(2, 0, 1), np.array([1.0, 2.0, 3.0]), indices(0, 3, 5), 0.1)
    pre, post, weight, delay = table
    assert (pre.tolist(), post.tolist(), weight.tolist()) == ([0, 1, 1], [2, 0, 1], [1.0, 2.0, 3.0])
    assert delay.tolist() == [0.0, 3 * 0.1, 5 * 0.1]
    assert len(table) == 4
    assert table[0] is table.pre
    assert [column.tolist() for column in table[2:]] == [weight.tolist(), delay.tolist()]
    assert repr(table) == "EdgeTable(<3 edges>)"
    for column in table:
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1


def test_what_all_share_is_held_once() -> None:
    shared = np.broadcast_to(np.float64(2.5), 4)
    table = EdgeTable(indices(0, 1, 2, 3), indices(0, 0, 0, 0), shared, np.broadcast_to(np.int32(7), 4), 0.5)
    assert table.delay.tolist() == [3.5] * 4
    assert table.delay.strides == table.weight.strides == (0,)


def test_neurons_that_ascend_are_held_as_where_their_edges_begin() -> None:
    given = indices(0, 0, 0, 2, 2, 2, 2, 3, 3, 3, 3, 3)
    held = shortest(given, 4)
    assert isinstance(held, Ascending)
    assert held.starts.tolist() == [0, 3, 3, 7, 12]
    table = EdgeTable(held, indices(*range(12)), np.ones(12), np.broadcast_to(np.uint8(1), 12), 1.0)
    assert (table.n, table.pre.dtype, table.pre.tolist()) == (12, np.int32, given.tolist())
    assert table.starts is held.starts
    assert shortest(held, 4) is held
    assert shortest(given[::-1], 4)[0] == 3  # not ascending
    assert shortest(given, 6) is given  # their beginnings would be longer
    assert shortest(Ascending(np.array([0, 0, 1, 1])), 3).tolist() == [1]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32])
def test_delays_are_whole_numbers_of_any_type(dtype: type) -> None:
    table = EdgeTable(indices(0, 1), indices(0, 0), np.ones(2), np.array([3, 200], dtype=dtype), 0.1)
    assert (table.steps.dtype, table.steps.tolist()) == (np.int32, [3, 200])
    assert table.delay.tolist() == [3 * 0.1, 200 * 0.1]


def test_shared_weights_are_looked_up() -> None:
    kernel = np.array([[1.0, 2.0], [3.0, 4.0]])
    table = EdgeTable(indices(0, 1, 2), indices(0, 0, 0), kernel, indices(0, 0, 0), 1.0, indices(3, 0, 3))
    assert table.weight.tolist() == [4.0, 1.0, 4.0]


def test_no_edges() -> None:
    none = indices()
    table = EdgeTable(none, none, np.broadcast_to(np.float64(1.0), 0), np.broadcast_to(np.int32(2), 0), 0.1)
    assert [column.shape for column in table] == [(0,)] * 4


@pytest.mark.parametrize("n", [0, 1, 65_536, 65_537, 200_000])
def test_blocks_cover_every_edge_once(n: int) -> None:
    blocks = list(edge_blocks(n))
    assert [i for block in blocks for i in (block.start, block.stop)][1:-1] == sorted(
        [block.stop for block in blocks[:-1]] * 2
    )
    assert sum(block.stop - block.start for block in blocks) == n
    assert all(block.stop <= n for block in blocks)


def test_indices_that_do_not_fit_are_refused() -> None:
    assert index_column(np.array([2**31 - 1]), "neurons").dtype == np.int32
    with pytest.raises(CircuitError, match=r"neurons must be less than 2\*\*31, got 2147483648"):
        index_column(np.array([2**31]), "neurons")
