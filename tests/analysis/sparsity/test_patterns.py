"""The theory against exact whole numbers, published values, and trials."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis.sparsity import (
    Counted,
    best_threshold,
    draw_patterns,
    false_negative,
    false_positive,
    operating_points,
    overlap_count,
    simulate_false_negative,
    simulate_false_positive,
    threshold_for,
    union_false_positive,
    union_synapses,
    vector_union,
)
from neurosim.errors import AnalysisError
from neurosim.random import Stream

# n, a, s, threshold, probability, as published
FALSE_POSITIVES = [
    *((100_000, 2000, s, s, p) for s, p in ((6, 6.35309e-11), (8, 2.52507e-14), (10, 1.00163e-17))),
    *(
        (100_000, 2000, 2 * t, t, p)
        for t, p in ((6, 5.29387e-8), (8, 2.81725e-10), (10, 1.54193e-12), (12, 8.58694e-15))
    ),
    *(
        (100_000, 2000, 2 * m * t, t, p)
        for t, m, p in ((10, 2, 4.91542e-9), (10, 4, 4.62568e-6), (10, 6, 1.58800e-4), (20, 6, 1.07991e-7))
    ),
    (10_000, 300, 24, 12, 8.375845e-13),
    (10_000, 300, 30, 15, 1.049192e-15),
    *(
        (n, 64, 24, 12, p)
        for n, p in ((300, 1.09462e-3), (500, 5.69571e-6), (1100, 8.36247e-10), (2100, 4.51268e-13),
                     (4100, 1.66259e-16), (19900, 1.07500e-24))
    ),
    *(
        (n, 128, 24, 12, p)
        for n, p in ((300, 0.292078), (500, 7.36788e-3), (700, 3.20106e-4), (1100, 2.99642e-6), (4100, 1.00649e-12))
    ),
    *(
        (n, 256, 24, 12, p)
        for n, p in ((300, 0.999998), (500, 0.629373), (700, 0.121088), (1100, 3.50550e-3), (4100, 3.76438e-9))
    ),
    *(
        (4000, 128, s, s // 2, p)
        for s, p in ((2, 6.29837e-2), (8, 6.34149e-5), (16, 9.18015e-9), (24, 1.34324e-12), (30, 1.71047e-15))
    ),
    *(
        (10_000, 300, s, s // 2, p)
        for s, p in ((2, 5.91029e-2), (10, 5.23462e-6), (20, 7.20852e-11), (30, 1.04919e-15))
    ),
    *((1024, 20, 20, t, p) for t, p in ((20, 1.82484e-42), (17, 3.50023e-31), (14, 9.93621e-23), (10, 9.32924e-14))),
    *((1024, 10, 10, t, p) for t, p in ((10, 2.99163e-24), (8, 6.91717e-17), (5, 6.69607e-9), (3, 7.78385e-5))),
    *((64, 4, 4, t, p) for t, p in ((4, 1.57387e-6), (3, 3.79303e-4), (2, 0.0170938), (1, 0.232525))),
    *((20_000, 40, 8, t, p) for t, p in ((8, 1.21295e-22), (4, 9.54365e-10), (2, 1.08378e-4))),
    # where a published number is wrong, what the formula gives
    (200_000, 2000, 20, 10, 1.6499e-15),
    (200_000, 2000, 10, 10, 9.7794e-21),
]  # fmt: skip
NUMBERS = st.tuples(st.integers(20, 3000), st.integers(1, 20), st.integers(1, 20), st.integers(0, 22))


def exact(n: int, a: int, s: int, threshold: int) -> Fraction:
    return Fraction(sum(overlap_count(n, a, s, b) for b in range(threshold, min(a, s) + 1)), comb(n, a))


@pytest.mark.parametrize(("n", "a", "s", "threshold", "published"), FALSE_POSITIVES)
def test_false_positives_as_published(n: int, a: int, s: int, threshold: int, published: float) -> None:
    found = false_positive(n, a, s, threshold)
    assert found == pytest.approx(published, rel=3e-5)
    assert found == pytest.approx(float(exact(n, a, s, threshold)), rel=1e-9)


@pytest.mark.parametrize(("n", "rounded"), [(300, 0.5840), (19900, 0.5806)])
def test_half_of_all_cells_active_is_too_much_at_any_size(n: int, rounded: float) -> None:
    assert false_positive(n, n // 2, 24, 12) == pytest.approx(rounded, abs=5e-5)


@pytest.mark.parametrize(
    ("a", "s", "threshold", "replaced", "published"),
    [
        *((128, 30, 8, v, p) for v, p in ((32, 2.2324e-12), (45, 1.20696e-7), (64, 7.35429e-4), (83, 0.0896352),
                                          (102, 0.770862))),
        *((128, 30, 12, v, p) for v, p in ((32, 2.16303e-7), (45, 3.14435e-4), (64, 0.0716985), (83, 0.664766),
                                           (102, 0.996377))),
        *((128, 30, 16, v, p) for v, p in ((19, 2.65550e-8), (32, 5.90079e-4), (64, 0.582502), (102, 0.999998))),
        *((40, 8, 4, v, p) for v, p in ((12, 0.0385742), (8, 0.00379567))),
    ],
)  # fmt: skip
def test_false_negatives_as_published(a: int, s: int, threshold: int, replaced: int, published: float) -> None:
    assert false_negative(a, s, threshold, replaced) == pytest.approx(published, rel=2e-5)
    lost = range(s - threshold + 1, min(s, replaced) + 1)
    by_counting = Fraction(sum(overlap_count(a, replaced, s, b) for b in lost), comb(a, replaced))
    assert false_negative(a, s, threshold, replaced) == pytest.approx(float(by_counting), rel=1e-9)


@pytest.mark.parametrize(
    ("n", "patterns", "published"),
    [
        *((1000, m, p) for m, p in ((1, 1.00140e-5), (2, 0.0473895), (3, 0.501650))),
        *((10_000, m, p) for m, p in ((1, 5.3035e-20), (2, 2.35602e-14), (10, 1.27080e-4), (19, 0.0453789))),
        *((20_000, m, p) for m, p in ((1, 1.7583e-24), (3, 7.9303e-16), (10, 3.32243e-8), (19, 8.14089e-5))),
    ],
)
def test_unions_as_published(n: int, patterns: int, published: float) -> None:
    assert union_false_positive(n, 200, 25, 15, patterns) == pytest.approx(published, rel=3e-5)


def test_a_union_of_ten_leaves_nearly_all_cells_free() -> None:
    assert union_synapses(20_000, 25, 10) == pytest.approx(249, abs=0.5)
    assert union_false_positive(20_000, 100, 25, 15, 10) == pytest.approx(1.73e-12, rel=5e-3)


@pytest.mark.parametrize(
    ("n", "w", "patterns", "published"),
    [(2048, 20, 50, 5.91491e-9), (1024, 20, 20, 1.83536e-10), (65_536, 40, 1000, 2.47980e-14)],
)
def test_unions_of_whole_patterns_as_published(n: int, w: int, patterns: int, published: float) -> None:
    union = vector_union(n, w, patterns)
    assert union.false_positive == pytest.approx(published, rel=3e-6)
    assert union.active == pytest.approx(n * (1 - (1 - w / n) ** patterns))


def test_active_bits_of_a_union() -> None:
    assert vector_union(2048, 20, 50).active == pytest.approx(794.195, abs=5e-4)


@pytest.mark.parametrize(
    ("numbers", "patterns", "published"),
    [
        ((1024, 21, 21, 14), 10**9, 8.83490e-13),
        *(((100, 7, 7, t), 500, p) for t, p in ((4, 0.144691), (5, 2.82648e-3), (6, 2.03654e-5), (7, 3.12352e-8))),
        ((10_000, 300, 30, 15), 10**6, 1.05e-9),
    ],
)
def test_many_patterns_as_published(numbers: tuple[int, int, int, int], patterns: int, published: float) -> None:
    assert false_positive(*numbers, patterns) == pytest.approx(published, rel=2e-3 if patterns == 10**6 else 3e-5)
    assert false_positive(64, 32, 4, 1, 100) == 1.0  # the bound is cut


@settings(max_examples=80, deadline=None)
@given(NUMBERS)
def test_false_positives_are_exact_and_ordered(numbers: tuple[int, int, int, int]) -> None:
    n, a, s, threshold = numbers
    found = false_positive(n, a, s, threshold)
    assert found == pytest.approx(float(exact(n, a, s, threshold)), rel=1e-9)
    slack = 1 + 1e-9
    assert false_positive(n + 50, a, s, threshold) <= found * slack
    assert false_positive(n, a, s, threshold + 1) <= found * slack
    assert found <= false_positive(n, min(a + 1, n), s, threshold) * slack
    assert found <= false_positive(n, a, min(s + 1, n), threshold) * slack
    if threshold == 0:
        assert found == 1
    if threshold > min(s, a):
        assert found == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), st.integers(0, 40), st.data())
def test_false_negatives_begin_where_too_few_are_left(s: int, more: int, data: Any) -> None:
    a = s + more
    threshold = data.draw(st.integers(1, s))
    spared = np.arange(s - threshold + 1)
    assert not false_negative(a, s, threshold, spared).any()
    assert false_negative(a, s, threshold, a) == 1
    missed = false_negative(a, s, threshold, np.arange(a + 1))
    assert (np.diff(missed) >= -1e-12).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(10, 5000), st.integers(1, 10), st.integers(1, 50))
def test_a_union_is_no_larger_than_its_parts(n: int, s: int, patterns: int) -> None:
    union = union_synapses(n, s, patterns)
    assert union <= min(n, s * patterns) * (1 + 1e-12)
    assert union == pytest.approx(n * (1 - (1 - s / n) ** patterns), rel=1e-9)
    assert union_synapses(n, s, 1) == pytest.approx(s)
    assert union_synapses(n, s, 0) == 0
    assert union_false_positive(n, 5, s, 2, 1) == false_positive(n, 5, s, 2)


def test_overlaps_are_counted_as_sets_are() -> None:
    from itertools import combinations

    held = {0, 1, 2, 3}
    counts = np.bincount([len(held & set(cells)) for cells in combinations(range(9), 3)], minlength=5)
    assert [overlap_count(9, 3, 4, b) for b in range(5)] == counts.tolist()
    assert overlap_count(9, 3, 4, -1) == 0


# --- thresholds ---


def test_threshold_for_an_error() -> None:
    assert threshold_for(1e-9, 10_000, 300, 24) == 10
    assert false_positive(10_000, 300, 24, 10) <= 1e-9 < false_positive(10_000, 300, 24, 9)
    assert threshold_for(1e-9, 10_000, 300, 24, patterns=1000) == 12
    assert false_positive(10_000, 300, 24, 12, 1000) <= 1e-9 < false_positive(10_000, 300, 24, 11, 1000)
    assert threshold_for(1e-9, 100, 50, 5) is None


@pytest.mark.parametrize("dendrites", [True, False])
def test_best_threshold_is_that_of_the_least_error(dendrites: bool) -> None:
    points = operating_points(2000, 60, 20, replaced=20, patterns=3, dendrites=dendrites)
    assert [point.threshold for point in points] == list(range(1, 21))
    best = best_threshold(2000, 60, 20, replaced=20, patterns=3, dendrites=dendrites)
    assert best.error == min(point.error for point in points)
    positives, negatives = ([getattr(point, name) for point in points] for name in ("false_positive", "false_negative"))
    assert positives == sorted(positives, reverse=True)
    assert negatives == sorted(negatives)


def test_active_dendrites_hold_patterns_that_a_sum_confuses() -> None:
    """Half of the cells replaced, a hundred patterns, as many synapses either way."""
    with_dendrites = best_threshold(20_000, 200, 30, replaced=100, patterns=100)
    without = best_threshold(20_000, 200, 30, replaced=100, patterns=100, dendrites=False)
    assert with_dendrites.error < 1e-4
    assert without.error > 0.9
    one = best_threshold(20_000, 200, 30, replaced=100)
    assert one == best_threshold(20_000, 200, 30, replaced=100, dendrites=False)


# --- trials ---


def test_patterns_are_drawn_alike() -> None:
    drawn = draw_patterns(6, 2, 30_000, Stream(0, "test"))
    assert (drawn.sum(axis=1) == 2).all()
    codes = np.bincount(drawn @ (1 << np.arange(6)))
    codes = codes[codes > 0]
    assert codes.size == 15
    assert ((codes - 2000) ** 2 / 2000).sum() < 36.1  # chi-squared, 14 degrees of freedom, 0.001
    assert not draw_patterns(6, 0, 2, Stream(0, "test")).any()
    assert draw_patterns(6, 6, 2, Stream(0, "test")).all()


def agrees(counted: Counted, probability: float) -> bool:
    low, high = counted.interval(0.999)
    return low <= probability <= high


@pytest.mark.parametrize(
    ("numbers", "options", "theory"),
    [
        ((300, 64, 24, 12), {"trials": 40_000}, false_positive(300, 64, 24, 12)),
        ((300, 128, 24, 12), {"trials": 4000}, false_positive(300, 128, 24, 12)),
        ((100, 7, 7, 3), {"trials": 4000, "patterns": 10}, 1 - (1 - false_positive(100, 7, 7, 3)) ** 10),
        ((1000, 200, 25, 15), {"trials": 4000, "patterns": 3, "dendrites": False}, 0.501650),
    ],
)
def test_trials_agree_with_theory(numbers: tuple[int, int, int, int], options: dict[str, Any], theory: float) -> None:
    assert agrees(simulate_false_positive(*numbers, **options), theory)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "a", "published"), [(300, 64, 1.09318e-3), (500, 256, 0.629267), (700, 128, 3.2014e-4)])
def test_trials_agree_with_published_trials(n: int, a: int, published: float) -> None:
    assert agrees(simulate_false_positive(n, a, 24, 12, trials=400_000), published)


@pytest.mark.parametrize(("threshold", "published"), [(8, 7.358e-4), (12, 0.0716827), (16, 0.582524)])
def test_trials_with_noise_agree_with_published_trials(threshold: int, published: float) -> None:
    counted = simulate_false_negative(400, 128, 30, threshold, 64, trials=8000)
    assert agrees(counted, published)
    assert agrees(counted, false_negative(128, 30, threshold, 64))


def test_stored_patterns_are_answered() -> None:
    """Every pattern matches the union of all of which the segment holds synapses."""
    stream = Stream(3, "stored")
    patterns = draw_patterns(500, 40, 12, stream)
    segments = np.zeros_like(patterns)
    for segment, pattern in zip(segments, patterns, strict=True):
        segment[np.flatnonzero(pattern)[:15]] = True
    union = segments.any(axis=0)
    assert union.sum() <= min(500, 15 * 12)
    assert ((patterns & union).sum(axis=1) >= 15).all()
    assert simulate_false_negative(500, 40, 15, 15, 0, trials=50).hits == 0


def test_trials_are_a_function_of_their_seed() -> None:
    first, again, other = (simulate_false_positive(100, 20, 10, 3, trials=2000, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_intervals() -> None:
    assert Counted(0, 100).interval() == (0.0, pytest.approx(1 - 0.025**0.01))
    assert Counted(100, 100).interval() == (pytest.approx(0.025**0.01), 1.0)
    low, high = Counted(30, 100).interval()
    assert low < 0.3 < high
    assert Counted(30, 100).rate == 0.3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: false_positive(10, 11, 3, 2), "a must not be above n"),
        (lambda: false_positive(10, 3, 11, 2), "s must not be above n"),
        (lambda: false_positive(10, 3, 3, -1), "threshold must be whole"),
        (lambda: false_positive(10, 3, 2.5, 1), "s must be whole"),
        (lambda: false_positive(np.nan, 3, 2, 1), "n must be whole"),
        (lambda: false_negative(10, 3, 2, 11), "replaced must not be above a"),
        (lambda: overlap_count(4, 5, 1, 1), "a must not"),
        (lambda: draw_patterns(3, 4, 1, Stream(0, "x")), "cannot be drawn"),
        (lambda: simulate_false_positive(30, 4, 5, 1, trials=1), "synapses on a pattern of 4"),
        (lambda: simulate_false_negative(30, 20, 5, 1, 15), "cannot be replaced by 10"),
    ],
)
def test_what_there_is_not(call: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        call()
