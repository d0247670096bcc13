"""Flags as bits in compiled loops, held against numpy's, and what stands for them as lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from neurosim.backends.snntorch import bits as kernel
from neurosim.backends.snntorch import row_events
from neurosim.backends.snntorch.row_events import RowBits, find_row_events
from neurosim.backends.snntorch.sparse_kernel import add_lines, add_weighted_lines
from neurosim.backends.snntorch.workspace import Workspace

#: Less than a byte, some bytes, and more than a word of bits.
SIZES = st.sampled_from([1, 7, 8, 20, 63, 64, 65, 139, 200])
PARTS = st.sampled_from([0.0, 0.05, 0.5, 1.0])


def flags(rows: int, n: int, part: float, seed: int, dtype: Any) -> NDArray[Any]:
    return (np.random.default_rng(seed).random((rows, n)) < part).astype(dtype)


@given(SIZES, PARTS, st.integers(0, 9), st.sampled_from([np.float32, np.float64, np.bool_]))
@settings(max_examples=60, deadline=None)
def test_bits_are_written_read_counted_and_listed(n: int, part: float, seed: int, dtype: Any) -> None:
    (row,) = flags(1, n, part, seed, dtype)
    bits = np.full((n + 7) // 8, 255, np.uint8)
    kernel.note_bits(row, bits)
    np.testing.assert_array_equal(bits, np.packbits(row != 0, bitorder="little"))
    back = np.empty(n, np.bool_)
    kernel.read_bits(bits, back)
    np.testing.assert_array_equal(back, row != 0)
    (expected,) = np.nonzero(row)
    for listed, of in ((kernel.list_bits, bits), (kernel.note_events, row)):
        places = np.full(n + 3, -1, np.int32)
        np.testing.assert_array_equal(places[: listed(of, places)], expected)
    assert kernel.count_of_bits(bits) == len(expected)


def test_not_a_number_and_minus_zero() -> None:
    row = np.zeros(70)
    row[[3, 64, 69]] = np.nan, -0.0, np.inf
    places = np.empty(73, np.int32)
    assert kernel.note_events(row, places) == 2
    assert places[:2].tolist() == [3, 69]


@given(SIZES, PARTS, st.integers(0, 9), st.sampled_from([1.0, 2.5]))
@settings(max_examples=40, deadline=None)
def test_events_of_rows_are_numbers_other_than_zero(n: int, part: float, seed: int, value: float) -> None:
    x = flags(5, n, part, seed, np.float32)
    x[x != 0] = np.linspace(1.0, value, int(x.sum()))
    found = find_row_events(x, 1.0, 1, Workspace())
    assert found is not None
    row, column = np.nonzero(x)
    np.testing.assert_array_equal(np.repeat(np.arange(5), np.diff(found.start)), row)
    np.testing.assert_array_equal(found.column, column)
    np.testing.assert_array_equal(found.value, x[row, column])


@given(SIZES, SIZES, PARTS, st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_bits_are_turned_over(rows: int, columns: int, part: float, seed: int) -> None:
    x = flags(rows, columns, part, seed, np.bool_)
    bits = RowBits(np.packbits(x, axis=1, bitorder="little"), columns, np.float64)
    found = bits.by_column(2, Workspace())
    expected = np.packbits(x.T, axis=1, bitorder="little")
    np.testing.assert_array_equal(found.bits[:, : expected.shape[1]], expected)
    assert not found.bits[:, expected.shape[1] :].any()
    assert (found.columns, found.bits.shape[1] % 8) == (rows, 0)


def test_what_is_shared_by_threads_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = flags(1000, 70, 0.3, 1, np.float64)
    bits = np.packbits(rows != 0, axis=1, bitorder="little")
    for least in (0, 2**30):
        monkeypatch.setattr(row_events, "WORTH_SHARING", least)
        assert np.array_equal(row_events.count_of_rows(bits, 2), (rows != 0).sum(1))


def test_too_many_numbers_are_no_events() -> None:
    x = np.eye(10)
    assert find_row_events(x, 0.1, 1, Workspace()) is not None
    assert find_row_events(x, 0.09, 1, Workspace()) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [1, 3, 20, 64, 119])
def test_lines_are_added_one_after_another(width: int, dtype: Any) -> None:
    random = np.random.default_rng(width)
    lines = random.normal(size=(9, width)).astype(dtype)
    events, factors = np.array([0, 3, 3, 5], np.int32), random.normal(size=4).astype(dtype)
    expected, plain = np.zeros(width, dtype), np.zeros(width, dtype)
    for line, factor in zip(events, factors, strict=True):
        expected = expected + factor * lines[line]
        plain = plain + lines[line]
    found = np.full(width, np.nan, dtype)
    add_weighted_lines(found, False, events, factors, 4, lines)
    np.testing.assert_array_equal(found, expected)
    add_lines(found, False, events, 4, lines)
    np.testing.assert_array_equal(found, plain)
    add_lines(found, True, events[:1], 1, lines)
    np.testing.assert_array_equal(found, plain + lines[0])
