"""Numbers, arrays, distributions and trainable marks: checks on the way in, draws, and their data forms."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuit.strategies import distributions, values
from neurosim.circuit.values import (
    Distribution,
    Normal,
    Trainable,
    Uniform,
    as_given,
    as_value,
    plain,
    realise,
    value_from_dict,
    value_to_dict,
    values_equal,
)
from neurosim.errors import CircuitError, FileFormatError, UnitError
from neurosim.random import Stream
from neurosim.units import ms, mV

STREAM = Stream(7, "exc/v")


# -- distributions ---------------------------------------------------------------------------------------------------


def test_quantities_become_si_floats() -> None:
    assert (Uniform(1 * ms, 3 * ms).low, Uniform(1 * ms, 3 * ms).unit) == (0.001, "second")
    normal = Normal(-50 * mV, 1 * mV, high=0 * mV)
    assert (normal.mean, normal.std, normal.low, normal.high, normal.unit) == (-0.05, 0.001, None, 0.0, "volt")
    assert Normal(0, 1).unit == "1"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        pytest.param(
            lambda: Uniform(3, 1), CircuitError, r"low \(3.0\) is above high \(1.0\); swap them", id="swapped"
        ),
        pytest.param(lambda: Normal(0, 1, 3, 1), CircuitError, "low .* is above high", id="swapped cuts"),
        pytest.param(lambda: Normal(0, -1), CircuitError, "std must not be negative, got -1.0", id="negative std"),
        pytest.param(lambda: Uniform(0, float("nan")), CircuitError, "high must be one finite number", id="NaN"),
        pytest.param(lambda: Normal(float("nan"), 1), CircuitError, "mean must be one finite number", id="NaN mean"),
        pytest.param(lambda: Normal(0, 1, low=float("nan")), CircuitError, "low must be one finite", id="NaN cut"),
        pytest.param(lambda: Uniform(0, float("inf")), CircuitError, "high must be one finite number", id="infinite"),
        pytest.param(lambda: Normal(0, float("inf")), CircuitError, "std must be one finite number", id="infinite std"),
        pytest.param(lambda: Uniform([0, 1], 2), CircuitError, "low must be one finite number", id="array"),
        pytest.param(lambda: Uniform(0, 3 * mV), UnitError, r"Uniform: low needs a unit \(volt\)", id="mixed"),
        pytest.param(lambda: Normal(1 * mV, 3 * ms), UnitError, "Normal: (mean|std) must be in", id="two units"),
        pytest.param(lambda: Uniform("a", 2), UnitError, "must be a number", id="text"),
    ],
)
def test_distributions_that_cannot_be(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_uniform_draws() -> None:
    drawn = Uniform(-2, 4).draw(20_000, STREAM)
    assert drawn.min() >= -2
    assert drawn.max() < 4
    assert abs(drawn.mean() - 1) < 0.05
    assert abs(drawn.std() - 6 / np.sqrt(12)) < 0.05


def test_normal_draws_and_cuts() -> None:
    drawn = Normal(3, 2).draw(20_000, STREAM)
    assert abs(drawn.mean() - 3) < 0.05
    assert abs(drawn.std() - 2) < 0.05
    cut = Normal(3, 2, low=2, high=4).draw(20_000, STREAM)
    np.testing.assert_array_equal(cut, np.clip(drawn, 2, 4))


@given(distributions("1"), st.integers(0, 30), st.integers(0, 30))
def test_a_draw_depends_on_its_place_alone(distribution: Distribution, first: int, second: int) -> None:
    short, long = sorted((first, second))
    np.testing.assert_array_equal(distribution.draw(short, STREAM), distribution.draw(long, STREAM)[:short])


# -- trainable -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sign": 2}, "sign must be"), ({"sign": True}, "sign must be"), ({"per": "each"}, "per='each' is unknown"),
        ({"bounds": (1, 2, 3)}, "bounds must be a pair"), ({"bounds": 3}, "bounds must be a pair"),
        ({"initial": Trainable(3)}, "itself a Trainable"), ({"tie": 3}, "tie must be a name"),
    ],
)  # fmt: skip
def test_marks_that_cannot_be(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        Trainable(**arguments)


def test_marks_are_equal_by_value() -> None:
    assert Trainable(np.array([1.0, 2.0]), bounds=(0, None)) == Trainable(np.array([1.0, 2.0]), bounds=[0, None])  # type: ignore[arg-type]
    assert Trainable(1.0, sign=1) == Trainable(1.0, sign=1.0)  # type: ignore[arg-type]
    for other in (Trainable(2.0), Trainable(1.0, sign=1), Trainable(1.0, per="all"), Trainable(1.0, tie="a"), 1.0):
        assert Trainable(1.0) != other


def test_with_initial_keeps_the_mark() -> None:
    mark = Trainable(1.0, bounds=(0, 2), sign=1, per="pre", tie="a")
    assert mark.with_initial(2.0) == Trainable(2.0, bounds=(0, 2), sign=1, per="pre", tie="a")


# -- values on the way in --------------------------------------------------------------------------------------------


def test_as_value() -> None:
    assert as_value(5 * mV, "volt", "x") == 0.005
    assert as_value(Uniform(1 * mV, 2 * mV), "volt", "x") == Uniform(1 * mV, 2 * mV)
    assert as_value(float("inf"), "1", "x") == float("inf")
    mark = as_value(Trainable(5 * mV, bounds=(1 * mV, None), sign=1), "volt", "x")
    assert mark == Trainable(0.005, bounds=(0.001, None), sign=1)
    assert as_value(Trainable(), "volt", "x") == Trainable()


def test_arrays_are_frozen_copies() -> None:
    given_array = np.array([1.0, 2.0])
    value = as_value(given_array, "1", "x")
    given_array[0] = 5
    assert isinstance(value, np.ndarray)
    assert value[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        value[0] = 3


@pytest.mark.parametrize(
    ("value", "unit", "error", "message"),
    [
        (3, "volt", UnitError, r"exc.v needs a unit \(volt\), got the plain number 3. Write 3\*mvolt or 3\*volt."),
        (3 * ms, "volt", UnitError, "exc.v must be in volt"),
        (Normal(0, 1), "volt", UnitError, "exc.v must be in volt, but its Normal distribution is in 1"),
        (Uniform(1 * ms, 2 * ms), "volt", UnitError, "its Uniform distribution is in second"),
        (Trainable(3), "volt", UnitError, "exc.v needs a unit"),
        (Trainable(3 * mV, bounds=(0, None)), "volt", UnitError, "exc.v: bound needs a unit"),
        (Trainable(3.0, bounds=(2, 1)), "1", CircuitError, "exc.v: the lower bound 2 is above the upper bound 1"),
        (Trainable(3.0, bounds=([1, 2], 3)), "1", CircuitError, "exc.v: a bound must be one number"),
        (Trainable(3.0, bounds=(float("nan"), 3)), "1", CircuitError, "exc.v: a bound must be one number"),
        (float("nan"), "1", CircuitError, r"exc.v holds NaN \(1 of 1 values\)"),
        (np.array([1, np.nan, np.nan]), "1", CircuitError, r"exc.v holds NaN \(2 of 3 values\)"),
        (float("nan") * mV, "volt", CircuitError, "exc.v holds NaN"),
        (Trainable(float("nan")), "1", CircuitError, "exc.v holds NaN"),
        ("3", "1", UnitError, "exc.v must be a number"),
    ],
)
def test_values_that_cannot_be(value: Any, unit: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        as_value(value, unit, "exc.v")


@given(values("volt"))
def test_as_given_is_the_inverse_of_as_value(value: Any) -> None:
    stored = as_value(value, "volt", "x")
    assert values_equal(as_value(as_given(stored, "volt"), "volt", "x"), stored)


# -- realised --------------------------------------------------------------------------------------------------------


def test_realise() -> None:
    assert realise(3.0, 5, STREAM) == 3.0
    assert realise(np.array([1.0, 2.0]), 2, STREAM).tolist() == [1.0, 2.0]  # type: ignore[union-attr]
    np.testing.assert_array_equal(realise(Normal(0, 1), 5, STREAM), Normal(0, 1).draw(5, STREAM))
    np.testing.assert_array_equal(realise(Trainable(Normal(0, 1)), 5, STREAM), Normal(0, 1).draw(5, STREAM))


def test_what_all_share_is_drawn_once() -> None:
    assert realise(Trainable(Normal(0, 1), per="all"), 5, STREAM) == Normal(0, 1).draw(1, STREAM)[0]


def test_plain() -> None:
    assert plain(Trainable(3.0)) == 3.0
    assert plain(2.0) == 2.0


# -- equality and data forms -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (1.0, 2.0), (1.0, np.array([1.0])), (np.ones(1), np.ones(2)), (np.zeros(2), np.array([0.0, 1.0])),
        (Uniform(0, 1), Normal(0, 1)), (Uniform(0, 1), Uniform(0, 2)), (1.0, Trainable(1.0)), ("v", 1.0),
    ],
)  # fmt: skip
def test_values_that_differ(first: Any, second: Any) -> None:
    assert not values_equal(first, second)
    assert not values_equal(second, first)


@given(values("volt"))
def test_data_form_and_back(value: Any) -> None:
    stored = as_value(value, "volt", "x")
    arrays: dict[str, np.ndarray] = {}
    data = json.loads(json.dumps(value_to_dict(stored, arrays, "key")))
    assert values_equal(value_from_dict(data, arrays), stored)
    assert bool(arrays) == isinstance(plain(stored), np.ndarray)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"array": "gone"}, "the array 'gone' is missing"),
        ({"distribution": "Cauchy"}, "unknown distribution 'Cauchy'"),
        ({"what": 3}, "cannot read the value"),
    ],
)
def test_data_that_cannot_be_read(data: Any, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        value_from_dict(data, {})
