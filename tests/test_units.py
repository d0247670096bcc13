"""Quantities come in as SI floats and go out as they were; units are texts that Brian2 reads back."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim import units
from neurosim.errors import UnitError
from neurosim.units import (
    Hz,
    canonical,
    dimension_of,
    is_quantity,
    ms,
    mV,
    quantity,
    readable,
    same_unit,
    seconds,
    to_si,
    unit_of,
    unit_value,
    uvolt,
)

BASE = ("volt", "amp", "second", "metre", "kilogram", "siemens", "farad", "mole", "kelvin")
unit_texts = st.lists(
    st.tuples(st.sampled_from(BASE), st.sampled_from((-3, -2, -1, 1, 2, 3, 0.5, -0.5))), min_size=1, max_size=3
).map(lambda factors: " * ".join(f"{name}**{power}" for name, power in factors))
floats = st.floats(allow_nan=False, width=64)


def test_units_load_brian2_only_when_asked_for() -> None:
    code = (
        "import sys, neurosim.units as units; x = 0.7*units.nS/units.mV; assert units.unit_of(x) == 'siemens/volt', x; "
        "assert units.to_si(2*units.mV + units.volt, 'volt', 'x') == 1.002; assert 'brian2' not in sys.modules; "
        "assert repr(2*units.mV) == '2. * mvolt'; import brian2; "
        "assert units.mV is brian2.mV"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_unit_that_does_not_exist() -> None:
    with pytest.raises(AttributeError, match="has no unit 'millivolts'"):
        units.millivolts  # noqa: B018


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("volt", "volt"), (" volt ", "volt"), ("1", "1"), ("boolean", "1"), ("integer", "1"), ("radian", "1"),
        ("amp*second", "coulomb"), ("1/second", "hertz"), ("Hz", "hertz"), ("second**-0.5", "second**-0.5"),
        ("volt/second", canonical("volt*second**-1")), ("siemens/metre**2", canonical("(siemens)/(metre**2)")),
    ],
)  # fmt: skip
def test_canonical_spelling(text: str, expected: str) -> None:
    assert canonical(text) == expected


@given(unit_texts)
def test_canonical_text_means_the_same_dimension(text: str) -> None:
    assert dimension_of(canonical(text)) == dimension_of(text)
    assert canonical(canonical(text)) == canonical(text)


def test_text_of_a_dimension_whose_unit_has_no_readable_name() -> None:
    # Brian2 calls this unit volt2, which it does not read.
    assert dimension_of(canonical("volt**2")) == dimension_of("volt**2")


@pytest.mark.parametrize(
    "text",
    [
        "mV", "gram", "foo", "", "2*volt", "volt+amp", "volt*", "(volt", "volt if 1 else volt", "volt.__class__",
        "volt()", "''.join", "lambda: 1", "[volt]", "9**9**9**9", "(9*9)**99", "volt**1000", "volt**volt",
        "1e5*volt", "volt\nvolt", "__import__('os')",
    ],
)  # fmt: skip
def test_what_is_no_unit(text: str) -> None:
    with pytest.raises(UnitError, match="is not a unit"):
        dimension_of(text)


def test_same_unit() -> None:
    assert same_unit("volt", "amp*ohm")
    assert not same_unit("volt", "amp")
    assert not same_unit("volt", "1")


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (5 * mV, "volt", 0.005),
        (3, "1", 3.0),
        (np.float32(0.5), "1", 0.5),
        (2 * Hz, "1/second", 2.0),
        (5 * mV / mV, "1", 5.0),
    ],
)
def test_scalars_become_floats(value: object, unit: str, expected: float) -> None:
    result = to_si(value, unit, "x")
    assert type(result) is float
    assert result == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    "value",
    [
        [1, 2] * mV,
        [1 * mV, 2 * mV],
        (1 * mV, 2000 * uvolt),
        np.array([1, 2]) * mV,
    ],
)
def test_arrays_and_lists_of_quantities(value: object) -> None:
    result = to_si(value, "volt", "x")
    assert isinstance(result, np.ndarray)
    assert type(result) is np.ndarray
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, [0.001, 0.002], rtol=1e-15)
    assert unit_of(value) == "volt"


def test_arrays_are_copied() -> None:
    given_array = np.array([1.0, 2.0])
    result = to_si(given_array, "1", "x")
    given_array[0] = 9
    assert result[0] == 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("value", "unit", "message"),
    [
        (
            6,
            "siemens",
            r"weight needs a unit \(siemens\), got .* 6. Write 6\*msiemens or 6\*siemens.",
        ),
        (-50.5, "volt", r"got the plain number -50.5. Write -50.5\*mvolt or -50.5\*volt."),
        (8, "hertz", r"got the plain number 8. Write 8\*hertz."),
        (3 * ms, "volt", r"weight must be in volt, got 3. ms \(second\)."),
        (3 * ms, "1", r"weight must be a plain number, got 3. ms \(second\)."),
        ([1 * mV, 2 * ms], "volt", "must all have the same unit"),
        ([1 * mV, 2], "volt", "must all have the same unit"),
        ([1 * mV], "1", "must be a plain number"),
        ("3", "1", "weight must be a number, an array or a quantity, got str."),
        (None, "volt", "got NoneType"),
        (1j, "1", "got complex"),
        ([[1], [2, 3]], "1", "got list"),
        (np.array(["a"]), "1", "got ndarray"),
    ],
)
def test_wrong_units_show_both_readings(value: object, unit: str, message: str) -> None:
    with pytest.raises(UnitError, match=message):
        to_si(value, unit, "weight")


def test_seconds() -> None:
    assert seconds(3 * ms, "t") == 0.003
    with pytest.raises(UnitError, match="delay needs a unit"):
        seconds(3, "delay")
    with pytest.raises(UnitError, match="delay must be one finite time"):
        seconds([1, 2] * ms, "delay")
    with pytest.raises(UnitError, match="delay must be one finite time"):
        seconds(float("inf") * ms, "delay")


@given(st.one_of(floats, st.lists(floats, max_size=4).map(np.array)), st.sampled_from(["1", "volt", "second**-0.5"]))
def test_quantity_and_to_si_are_inverse_to_the_last_bit(value: float | np.ndarray, unit: str) -> None:
    back = to_si(quantity(value, unit), unit, "x")
    np.testing.assert_array_equal(np.asarray(back).view(np.uint64), np.asarray(value, dtype=float).view(np.uint64))


def test_is_quantity() -> None:
    assert is_quantity(3 * mV)
    assert not is_quantity(3)
    assert not is_quantity("volt")


def test_unit_value() -> None:
    assert unit_value("mV") == (0.001, "volt")
    assert "siemens" in units.unit_names()


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.02, "second", "20 ms"), (0.0001, "second", "100 us"), (-0.06, "volt", "-60 mV"), (6e-9, "siemens", "6 nS"),
        (1e8, "ohm", "100 Mohm"), (1e-3, "volt", "1 mV"), (0.0, "volt", "0 V"), (float("inf"), "second", "inf s"),
        (0.5, "1", "0.5"), (2.5, "metre**2", "2.5 metre**2"), (1e-17, "amp", "0.01 fA"), (1e14, "ohm", "100000 Gohm"),
        (1000.0, "volt", "1 kV"),
    ],
)  # fmt: skip
def test_readable(value: float, unit: str, text: str) -> None:
    assert readable(value, unit) == text
