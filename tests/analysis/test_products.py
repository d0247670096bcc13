"""Products of columns and distances of rows: against whole numbers, long double, and differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis.products import _add_products_of, pair_distances, scatter


def exact_scatter(values: np.ndarray) -> np.ndarray:
    """Return the products of columns without their means, in long double."""
    wide = values.astype(np.longdouble)
    moved = wide - wide.mean(axis=0)
    return np.asarray(moved.T @ moved, dtype=np.float64)


def exact_distances(values: np.ndarray) -> np.ndarray:
    rows, columns = np.triu_indices(len(values), 1)
    wide = values.astype(np.longdouble)
    return np.asarray(np.square(wide[rows] - wide[columns]).sum(axis=1), dtype=np.float64)


@pytest.mark.parametrize("mean", [0.02, 1.0, 30.0])
@pytest.mark.parametrize("shape", [(700, 9), (40, 600), (2, 3), (1, 4)])
def test_counts_are_exact(mean: float, shape: tuple[int, int]) -> None:
    counts = np.random.default_rng(0).poisson(mean, shape)
    whole = len(counts) * (counts.T @ counts) - np.outer(counts.sum(axis=0), counts.sum(axis=0))
    assert np.array_equal(scatter(counts.astype(float)), whole / len(counts))


def test_many_pairs_of_few_spikes() -> None:
    counts = np.random.default_rng(0).poisson(0.09, (500, 800))
    assert (np.count_nonzero(counts, axis=1) ** 2).sum() > 2_000_000
    whole = 500 * (counts.T @ counts) - np.outer(counts.sum(axis=0), counts.sum(axis=0))
    assert np.array_equal(scatter(counts.astype(float)), whole / 500)
    few = counts[:20]
    _add_products_of(*of_rows(few), found := np.zeros((800, 800)))
    assert np.array_equal(np.tril(found), np.tril(few.T @ few))


def of_rows(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the entries that are not 0, their columns, and where each row ends."""
    rows, columns = np.nonzero(counts)
    return counts[rows, columns].astype(float), columns, np.searchsorted(rows, np.arange(len(counts) + 1))


def test_counts_that_are_dealt_into_parts() -> None:
    counts = np.random.default_rng(0).poisson(90.0, (6000, 4))  # sums of squares are 5e7, above what one part holds
    assert np.square(counts).sum(axis=0).max() > 2**24
    whole = 6000 * (counts.T @ counts) - np.outer(counts.sum(axis=0), counts.sum(axis=0))
    assert np.array_equal(scatter(counts.astype(float)), whole / 6000)
    counts[17] = 5000  # one part alone holds too much: no longer by whole numbers
    found = scatter(counts.astype(float))
    assert found == pytest.approx(exact_scatter(counts.astype(float)), rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.0, 0.5, 30.0, 1e6]), st.sampled_from([1e-6, 1.0, 1e6]))
def test_products_keep_their_digits(seed: int, offset: float, scale: float) -> None:
    draw = np.random.default_rng(seed)
    values = scale * (draw.normal(size=(draw.integers(1, 60), draw.integers(1, 8))) + offset)
    found, expected = scatter(values), exact_scatter(values)
    lengths = np.sqrt(np.diag(expected))
    # What is left of values that have a mean in common is known to the rounding of the values themselves.
    rounding = 1e-13 * np.multiply.outer(lengths, lengths) + 4e-16 * len(values) * (scale * offset) * scale
    assert (np.abs(found - expected) <= rounding + 1e-300).all()
    assert np.array_equal(found, found.T)


def test_columns_that_never_change() -> None:
    values = np.random.default_rng(0).normal(size=(50, 4))
    values[:, 1], values[:, 3] = 0.1, 0.0
    found = scatter(values)
    assert not found[[1, 3]].any()
    assert not found[:, [1, 3]].any()
    assert found[0, 0] > 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.0, 1.0, 1e3, 1e8]), st.sampled_from([1.0, 1e-2, 1e-5, 1e-9]))
def test_distances_to_nine_digits(seed: int, offset: float, apart: float) -> None:
    """Clusters that are far from each other, and from the origin, of rows that are close."""
    draw = np.random.default_rng(seed)
    centres = offset + draw.normal(size=(3, 7))
    values = centres[draw.integers(0, 3, 20)] + apart * draw.normal(size=(20, 7))
    assert pair_distances(values) == pytest.approx(exact_distances(values), rel=1e-9, abs=0.0)


def test_equal_rows_have_no_distance() -> None:
    values = np.random.default_rng(0).normal(size=(6, 400)) + 5.0
    values[3] = values[1]
    found = pair_distances(values)
    rows, columns = np.triu_indices(6, 1)
    assert found[(rows == 1) & (columns == 3)] == 0.0
    assert (found >= 0).all()
    assert not pair_distances(np.ones((4, 3))).any()


def test_the_layout_of_arrays_does_not_count() -> None:
    values = np.random.default_rng(0).normal(size=(8, 12))
    for other in (np.asfortranarray(values), np.repeat(values, 2, axis=1)[:, ::2], values[::-1][::-1]):
        assert pair_distances(other) == pytest.approx(pair_distances(values), rel=1e-14)
        assert scatter(other) == pytest.approx(scatter(values), rel=1e-13)
