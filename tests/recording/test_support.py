from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.errors import RecordError, UnitError
from neurosim.recording import Support
from neurosim.units import ms, mV

times = st.integers(0, 40).map(lambda step: step * 0.1)
pairs = st.tuples(times, times).map(lambda pair: (min(pair), max(pair)))
supports = st.lists(st.tuples(pairs, st.integers(0, 1)), max_size=6).map(
    lambda rows: Support([p[0] for p, _ in rows], [p[1] for p, _ in rows], [trial for _, trial in rows], 2)
)
PROBES = np.arange(0, 4.2, 0.05)  # edges, and what lies between them


def inside(support: Support) -> np.ndarray:
    return np.array([support.contains(PROBES, np.full(PROBES.size, trial)) for trial in range(support.n_trials)])


def by_hand(rows: list[tuple[float, float]]) -> np.ndarray:
    return np.any([(start - 1e-9 <= PROBES) & (stop - 1e-9 > PROBES) for start, stop in rows], axis=0)


@given(st.lists(pairs, min_size=1, max_size=8))
def test_a_time_is_inside_if_some_interval_holds_it(rows: list[tuple[float, float]]) -> None:
    support = Support.of(rows)
    assert inside(support)[0].tolist() == by_hand(rows).tolist()
    assert np.all(support.starts[1:] > support.stops[:-1])  # merged
    assert np.all(support.stops > support.starts)


@given(supports, supports)
def test_intersection_and_union_are_those_of_the_moments(one: Support, other: Support) -> None:
    assert np.array_equal(inside(one & other), inside(one) & inside(other))
    assert np.array_equal(inside(one | other), inside(one) | inside(other))
    assert one & other == other & one
    assert one & one == one == one | one
    both = (one & other).observed + (one | other).observed
    assert np.allclose(both, one.observed + other.observed)


@given(supports, st.lists(times, min_size=2, max_size=6, unique=True).map(sorted))
def test_covered_counts_the_observed_seconds_of_bins(support: Support, edges: list[float]) -> None:
    covered = support.covered(np.array(edges))
    for column, (first, last) in enumerate(pairwise(edges)):
        expected = (support & Support.of((first, last), 2)).observed
        assert np.allclose(covered[:, column], expected)


def test_half_open_and_forgiving_of_the_last_bit() -> None:
    support = Support.of((0.3, 0.5))
    probes = np.array([0.3, 3 * 0.1, 0.3 - 1e-12, 0.5, 5 * 0.1, 0.2999])
    assert support.contains(probes, np.zeros(6, int)).tolist() == [True, True, True, False, False, False]


def test_touching_stretches_become_one_and_empty_ones_go() -> None:
    support = Support([0.0, 1.0, 3.0], [1.0, 2.0, 3.0])
    assert (support.starts.tolist(), support.stops.tolist()) == ([0.0], [2.0])
    nothing = Support([], [])
    assert len(nothing) == 0
    assert nothing.observed.tolist() == [0.0]
    assert repr(nothing) == "Support(nothing)"
    assert not (nothing & support)


@pytest.mark.parametrize(
    "given",
    [
        (0.1, 0.2),
        [(0.1, 0.2)],
        np.array([[0.1, 0.2]]),
        pandas.DataFrame({"start": [0.1], "stop": [0.2], "color": ["red"]}),
        (100 * ms, 200 * ms),
        [(100 * ms, 200 * ms)],
        [100, 200] * ms,
        Support(0.1, 0.2),
    ],
)
def test_every_form_of_intervals(given: Any) -> None:
    assert Support.of(given) == Support(0.1, 0.2)
    assert Support.of(given, 3).observed.tolist() == pytest.approx([0.1] * 3)


def test_a_table_may_name_trials() -> None:
    table = pandas.DataFrame({"start": [0.0, 1.0], "stop": [1.0, 4.0], "trial": [1, 0]})
    support = Support.of(table, 3)
    assert support.observed.tolist() == [3.0, 1.0, 0.0]
    assert support.select(np.array([2, 0])).observed.tolist() == [0.0, 3.0]
    assert support.table.to_dict("list") == {"trial": [0, 1], "start": [1.0, 0.0], "stop": [4.0, 1.0]}


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Support([1.0], [0.5]), RecordError, "from 1 s to 0.5 s ends before it begins"),
        (lambda: Support([1.0], [2.0, 3.0]), RecordError, "1 starts, 2 stops"),
        (lambda: Support([1.0], [2.0], [2], 2), RecordError, "from 0 to 1"),
        (lambda: Support.of((1.0, 2.0, 3.0)), RecordError, "give a pair"),
        (lambda: Support.of([(1.0, 2.0, 3.0)]), RecordError, "pair"),
        (lambda: Support.of(pandas.DataFrame({"start": [0.0]})), RecordError, "needs the column 'stop'"),
        (lambda: Support.of((0 * mV, 1 * mV)), UnitError, "second"),
        (lambda: Support.of((0.0, np.inf)), RecordError, "finite"),
        (lambda: Support.of(Support(0, 1, n_trials=2), 3), RecordError, "2 trials does not fit 3"),
        (lambda: Support(0, 1) & Support(0, 1, n_trials=2), RecordError, "nothing in common"),
    ],
)
def test_what_is_no_support(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_one_stretch_in_all_trials() -> None:
    assert Support.whole(0.5, 2.0, 3) == Support(0.5, 2.0, n_trials=3)
    assert Support.whole(0.5, 0.5, 3) == Support([], [], n_trials=3)
    assert not Support.whole(0.5, 2.0).starts.flags.writeable
    for start, stop in ((2.0, 0.5), (0.0, np.inf), (np.nan, 1.0)):
        with pytest.raises(RecordError):
            Support.whole(start, stop)
