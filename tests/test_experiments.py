from __future__ import annotations

import json
from math import inf, nan

import pytest

import neurosim as ns
from neurosim.errors import CircuitError
from neurosim.experiments import Measured, Reproduction, Row, Skipped


@pytest.mark.parametrize(
    ("reported", "obtained", "tolerance", "ok"),
    [
        (60.0, 61.0, 1.0, True),
        (60.0, 61.1, 1.0, False),
        (60.0, 58.9, 1.0, False),
        (262, 262, 0.0, True),
        (262, 261, 0.0, False),
        (0.0, nan, 1.0, False),
        (0.0, inf, 1.0, False),
        ("fast", "fast", 0.0, True),
        ("fast", "slow", 9.0, False),
        ("1", 1, 0.0, False),
    ],
)
def test_when_a_row_holds(reported: float | str, obtained: float | str, tolerance: float, ok: bool) -> None:
    row = Row("value", reported, obtained, tolerance)
    assert row.ok is ok
    summary = json.loads(json.dumps(row.summary(), allow_nan=False))
    assert set(summary) == {"what", "reported", "obtained", "tolerance", "ok"}
    assert summary["ok"] is ok


def test_summary_of_a_reproduction() -> None:
    right, wrong = Row("rate (Hz)", 60, 60.5, 1), Row("spikes", 3, 4)
    assert Reproduction("net", (right, right)).ok
    assert not Reproduction("net", (right, wrong)).ok
    found = Reproduction("net", (right,), (Skipped("worm", "the tables of cect"),))
    assert found.ok
    assert found.summary() == {
        "name": "net",
        "ok": True,
        "rows": [{"what": "rate (Hz)", "reported": 60, "obtained": 60.5, "tolerance": 1, "ok": True}],
        "skipped": [{"what": "worm", "needs": "the tables of cect"}],
    }
    assert not {"skipped", "measured"} & Reproduction("net", (right,)).summary().keys()
    besides = Reproduction("net", (right,), measured=(Measured("test set", "54.2 ± 3.1 %"),))
    assert besides.ok
    assert besides.summary()["measured"] == [{"what": "test set", "obtained": "54.2 ± 3.1 %"}]


def test_nothing_compared_is_nothing_shown() -> None:
    assert not Reproduction("net", (), (Skipped("worm", "data"),)).ok


def test_unknown_experiments() -> None:
    with pytest.raises(CircuitError, match="Did you mean 'ca3-memory'"):
        ns.circuits.reproduce("ca3-memry")
    with pytest.raises(CircuitError, match="no experiment 'coba'"):
        ns.circuits.reproduce("coba")
