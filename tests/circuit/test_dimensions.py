"""Units of expressions and of assignments."""

from __future__ import annotations

import pytest

from neurosim.circuit.dimensions import DimensionChecker
from neurosim.circuit.language import parse_statements
from neurosim.errors import EquationError, UnitError

UNITS = {"v": "volt", "tau": "second", "i": "amp", "x": "1", "flag": "boolean", "t": "second", "dt": "second"}


@pytest.fixture
def checker() -> DimensionChecker:
    return DimensionChecker(UNITS, "model 'cell'")


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("v/tau", "volt/second"), ("v*i", "watt"), ("5*mV + v", "volt"), ("x*exp(-t/tau)", "1"),
        ("tau**-0.5", "second**-0.5"),
        ("v**2", "volt**2"), ("timestep(t, dt)", "1"), ("clip(x, 0, 1)", "1"), ("rand()*v", "volt"), ("pi*x + e", "1"),
    ],
)  # fmt: skip
def test_units_that_agree(checker: DimensionChecker, text: str, unit: str) -> None:
    checker.expect(text, unit, "y =")


def test_wrong_unit_names_both(checker: DimensionChecker) -> None:
    with pytest.raises(UnitError, match=r"model 'cell': dv/dt = 'v\*x' must be in volt/second, but it is in volt\."):
        checker.expect("v*x", "volt/second", "dv/dt =")
    with pytest.raises(UnitError, match=r"y = 'v\*x' must be in amp, but it is in volt\."):
        checker.expect("v*x", "amp", "y =")


@pytest.mark.parametrize("text", ["v + tau", "v + 1", "exp(v)", "x > v", "v**x"])
def test_units_that_do_not_agree(checker: DimensionChecker, text: str) -> None:
    with pytest.raises((UnitError, EquationError), match=r"^model 'cell': "):
        checker.expect(text, "volt", "y =")


def test_an_undefined_name_with_the_nearest(checker: DimensionChecker) -> None:
    with pytest.raises(
        EquationError, match=r"'taw' in 'v/taw' is not defined\. Did you mean 'tau'\? Known: flag, i, tau"
    ):
        checker.expect("v/taw", "1", "y =")


def test_a_unit_name_stands_for_its_value_unless_the_model_uses_it() -> None:
    DimensionChecker({"v": "volt"}, "").expect("v + 3*mV", "volt", "")
    with pytest.raises(UnitError):
        DimensionChecker({"v": "volt", "mV": "second"}, "").expect("v + 3*mV", "volt", "")


def test_conditions(checker: DimensionChecker) -> None:
    checker.expect_condition("v > 3*mV and flag", "threshold")
    with pytest.raises(EquationError, match="threshold 'v' must be a condition such as"):
        checker.expect_condition("v", "threshold")


def check(checker: DimensionChecker, text: str) -> None:
    checker.check_assignments(parse_statements(text, ""), {"v", "x"}, "reset")


def test_assignments(checker: DimensionChecker) -> None:
    check(checker, "v = 3*mV; x += 1; v *= 0.5; v /= 2")
    check(checker, "half = v/2; v = half + half")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("v = 3", UnitError, r"reset 'v = 3' must have the unit volt, but the right side is in 1\."),
        ("v += tau", UnitError, r"'v \+= tau' must have the unit volt, but the right side is in second"),
        ("v *= v", UnitError, r"must have the unit 1, but the right side is in volt"),
        ("i = 3*amp", EquationError, r"may not assign to 'i'; it may assign to v, x\."),
        ("t = 3*second", EquationError, r"may not assign to 't'"),
        ("y += 1", EquationError, r"reset: 'y' is not defined"),
        ("vv = 3*mV", EquationError, r"assigns to 'vv', which is no variable and is not read after\. Did you mean 'v'"),
        ("half = v/2; v = 0*mV", EquationError, r"assigns to 'half', which is no variable"),
        ("v = half; half = v/2", EquationError, r"'half' in 'half' is not defined"),
        ("v_post = 3*mV; v = v_post", EquationError, "ends in _pre or _post"),
        ("exp = 3; x = exp", EquationError, "'exp' has a meaning of its own"),
        ("half = v/2; x = half", UnitError, r"'x = half' must have the unit 1, but the right side is in volt"),
    ],
)
def test_assignments_that_cannot_be(checker: DimensionChecker, text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check(checker, text)


def test_nothing_may_be_assigned() -> None:
    with pytest.raises(EquationError, match="it may assign to nothing"):
        DimensionChecker(UNITS, "").check_assignments(parse_statements("v = v", ""), set(), "reset")
