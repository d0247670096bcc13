from __future__ import annotations

from typing import Any

import pytest

from neurosim.cli.values import parse_setting, parse_time, parse_value
from neurosim.errors import CircuitError, UnitError
from neurosim.units import Mohm, ms, mV, nS, pA, second, volt


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3), ("-2", -2), ("0.5", 0.5), ("1e-3", 1e-3), (".5", 0.5), (" -65.0 ", -65.0), ("true", True),
        ("False", False), ("euler", "euler"), ("v_leak", "v_leak"),
    ],
)  # fmt: skip
def test_plain_values(text: str, value: Any) -> None:
    parsed = parse_value(text, "here")
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10ms", 10 * ms), ("-65 mV", -65 * mV), ("2*nS", 2 * nS), ("1e2Mohm", 100 * Mohm), ("0.7nS/mV", 0.7 * nS / mV),
        ("3 mV*ms", 3 * mV * ms), ("2 nS*mV**-1", 2 * nS / mV), ("5 ms^2", 5 * ms * ms),
        ("7 pA / mV ** 2", 7 * pA / mV**2), ("+.5second", 0.5 * second), ("2mV/volt", 2 * mV / volt),
        ("1s", 1 * second), ("0.1 V/s", 0.1 * volt / second),
    ],
)  # fmt: skip
def test_quantities(text: str, value: Any) -> None:
    parsed = parse_value(text, "here")
    assert getattr(parsed, "dim", None) is getattr(value, "dim", None)
    assert float(parsed) == pytest.approx(float(value), rel=1e-12)


def test_a_quantity_is_the_one_that_python_would_make() -> None:
    assert float(parse_value("0.1ms", "dt")) == float(0.1 * ms)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10mss", "here: there is no unit 'mss'. Did you mean 'ms'?"),
        ("10 ms mV", "here: 'ms mV' is no unit. Write, for instance, ms, mV or nS/mV."),
        ("10/ms", "'/ms' is no unit"),
        ("10 ms*", "is no unit"),
        ("10 ms**2.5", "is no unit"),
        ("10 __import__('os')", "is no unit"),
        ("10 ms.real", "is no unit"),
        ("3x4", "there is no unit 'x4'"),
    ],
)
def test_what_is_no_unit_is_refused(text: str, message: str) -> None:
    with pytest.raises(UnitError) as raised:
        parse_value(text, "here")
    assert message in str(raised.value)


def test_times() -> None:
    assert float(parse_time("250 ms", "--duration")) == 0.25
    with pytest.raises(UnitError, match=r"--duration must be a time with its unit, .* got '5'; write 5ms or 5s"):
        parse_time("5", "--duration")
    with pytest.raises(UnitError, match="got 'long'"):
        parse_time("long", "--duration")


def test_settings() -> None:
    address, value = parse_setting("exc.tau_mem = 10ms")
    assert address == "exc.tau_mem"
    assert float(value) == 0.01
    for text in ("exc.tau_mem", "=3", "a=", ""):
        with pytest.raises(CircuitError, match="--set takes ADDRESS=VALUE"):
            parse_setting(text)
    with pytest.raises(UnitError, match=r"--set a\.b: there is no unit 'mss'"):
        parse_setting("a.b=3mss")
