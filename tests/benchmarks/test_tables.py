"""What was measured as JSON values, and as tables made of them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from neurosim.benchmarks.benchmark import Check, Figure
from neurosim.benchmarks.catalogue import catalogue
from neurosim.benchmarks.outcome import SCHEMA, CaseOutcome, Outcome, SideOutcome, joined
from neurosim.benchmarks.tables import amount, filled, markdown, row

MACHINE = {"processor": "a chip", "processors": 4, "load": 0.1, "neurosim": "0.1.0", "time": "2026-01-02T03:04:05"}
OURS = SideOutcome("neurosim", values=(0.02, 0.01, 0.03), peak=3 * 2**20, versions={"torch": "2.13"}, prepared=1.0)
PEER = SideOutcome(
    "peer", values=(0.21, 0.2, 0.5), first={"cold": 12.5, "warm": 2.0}, peak=2**31, versions={"a-peer": "1.0"},
    prepared=2.0, at_least=10.0,
)  # fmt: skip
AWAY = SideOutcome("away", absent="not installed: pip install away")
CASE = CaseOutcome(
    "small", {"n": 3}, (OURS, PEER, AWAY), (Check("peer", "the same spikes", True, "7 spikes, all equal"),),
    (
        Figure("synaptic events", 1234567.0, ""), Figure("least time", 0.005, "s", at_most=1.5),
        Figure("f", 4.0, "x", at_least=3.0),
    ),
)  # fmt: skip
OUTCOME = Outcome("example", "Some work", "s", 1, False, (CASE,), MACHINE, (), ("A note.",))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.5, "s", "1.50 s"), (0.0765, "s", "76.5 ms"), (123.4, "s", "123 s"), (4.2e-8, "s", "42.0 ns"),
        (0.0, "s", "0 s"), (3 * 2**20, "B", "3.00 MiB"), (17, "B", "17.0 B"), (1234567, "", "1,234,567"),
        (5.6, "Hz", "5.60 Hz"), (None, "s", ""),
    ],
)  # fmt: skip
def test_amounts(value: float | None, unit: str, text: str) -> None:
    assert amount(value, unit) == text


def test_content_is_json_with_medians_spread_and_ratios() -> None:
    content = json.loads(json.dumps(OUTCOME.content(), allow_nan=False))
    assert content["schema"] == SCHEMA
    assert content["ok"]
    ours, peer, away = content["cases"][0]["sides"]
    assert (ours["median"], ours["low"], ours["high"], ours["ratio"]) == (0.02, 0.01, 0.03, 1.0)
    assert peer["ratio"] == pytest.approx(10.5)
    assert peer["values"] == [0.21, 0.2, 0.5]
    assert "median" not in away


def test_failed_sides_and_other_outputs_are_not_ok() -> None:
    failed = CaseOutcome("small", {}, (OURS, SideOutcome("peer", absent="it broke", failed=True)))
    differs = CaseOutcome("small", {}, (OURS, PEER), (Check("peer", "the same spikes", False, "6 spikes"),))
    for case in (failed, differs):
        outcome = Outcome("example", "Some work", "s", 1, False, (case,), MACHINE)
        assert not outcome.ok
        assert not outcome.content()["ok"]


def test_rows() -> None:
    content = OUTCOME.content()
    headings, [(_, rows)] = filled(content)
    assert headings == [
        "side", "ratio", "median", "from – to", "asked", "first result, cold", "warm", "preparation", "peak memory",
        "outputs",
    ]  # fmt: skip
    assert rows[0] == ["neurosim", "1.00", "20.0 ms", "10.0 ms – 30.0 ms", "", "", "", "1.00 s", "3.00 MiB", ""]
    assert rows[1] == [
        "peer", "10.5", "210 ms", "200 ms – 500 ms", "≥ 10", "12.5 s", "2.00 s", "2.00 s", "2.00 GiB",
        "7 spikes, all equal",
    ]  # fmt: skip
    assert rows[2] == ["away", "", "not installed: pip install away", "", "", "", "", "", "", ""]
    differs = row(content["cases"][0]["sides"][1], [{"side": "peer", "what": "x", "ok": False, "found": "y"}], "s")
    assert differs[-1] == "DIFFERS: x: y"


def test_a_page_has_everything() -> None:
    text = markdown([OUTCOME.content()])
    assert "## example\n" in text
    assert "one thread of 4 processors (a chip), load 0.1 before, neurosim 0.1.0, 2026-01-02" in text
    assert "| peer | 10.5 | 210 ms |" in text
    assert "- synaptic events: 1,234,567" in text
    assert "- least time: 5.00 ms (asked: ≤ 1.5)" in text
    assert "- f: 4.00 x (asked: ≥ 3)" in text
    assert "A note." in text
    assert "With a-peer 1.0, torch 2.13." in text


def test_new_results_take_the_place_of_old_ones() -> None:
    before = [{"name": "a", "n": 1}, {"name": "b", "n": 1}]
    assert joined(before, [{"name": "b", "n": 2}, {"name": "c", "n": 2}]) == [
        {"name": "a", "n": 1}, {"name": "b", "n": 2}, {"name": "c", "n": 2},
    ]  # fmt: skip


def generator() -> Any:
    """Import docs/generate_benchmarks.py, which is not part of the package."""
    file = Path(__file__).parents[2] / "docs" / "generate_benchmarks.py"
    spec = importlib.util.spec_from_file_location("generate_benchmarks", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current() -> None:
    module = generator()
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), "docs/benchmarks.md is out of date: make docs"


def test_what_the_page_shows_can_be_measured() -> None:
    contents = json.loads(generator().MEASURED.read_text(encoding="utf-8"))["benchmarks"]
    assert contents
    for content in contents:
        benchmark = catalogue()[content["name"]]
        assert content["schema"] == SCHEMA
        assert not content["quick"]
        assert [case["label"] for case in content["cases"]] == [case.label for case in benchmark.cases]
