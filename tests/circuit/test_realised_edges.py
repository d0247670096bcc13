"""The table of edges: four columns, each number held once."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.circuit import EdgeTable
from neurosim.circuit.realised_edges import edge_blocks, index_column
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
