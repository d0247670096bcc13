"""`neurosim bench`: the list, the table, the file, and what is wrong with a command."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neurosim.benchmarks import catalogue, measuring
from neurosim.benchmarks.benchmark import OURS, Benchmark, Check, Side
from neurosim.benchmarks.outcome import CaseOutcome, Outcome, SideOutcome
from neurosim.benchmarks.rows import balanced_network

Neurosim = Callable[..., Any]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    """Return the balanced network with 200 neurons for 20 ms, against Brian2 without a compiler, as the only one."""
    small = balanced_network.case("200 neurons, 20 ms", 0.02, scale=0.05)
    sides = (
        balanced_network.SIDES[0],
        Side("Brian2, numpy", "balanced_brian2", "brian2", ("brian2",), {"target": "numpy"}),
        Side("elsewhere", "balanced_nest", "no_such_module", ("no-such-package",), interpreter="nest"),
    )
    monkeypatch.setattr(balanced_network, "SIDES", sides)
    found = replace(
        balanced_network.BENCHMARK, cases=(small,), quick=(small,), sides=sides, probe=False, first_results=False
    )
    monkeypatch.setattr(catalogue, "catalogue", lambda: {found.name: found})
    return found


def test_list(neurosim: Neurosim) -> None:
    done = neurosim("bench")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == list(catalogue.catalogue())
    assert all(name == name.lower().replace("_", "-") for name in catalogue.catalogue())


def test_a_benchmark_from_end_to_end(tiny: Benchmark, neurosim: Neurosim, workplace: Path) -> None:
    file = workplace / "results.json"
    file.write_text(json.dumps({"benchmarks": [{"name": "another"}, {"name": tiny.name, "ok": "old"}]}))
    done = neurosim("bench", tiny.name, "--repeats", "2", "--json", str(file))
    assert done.code == 0, done.out
    assert "all equal" in done.out
    assert "not installed: pip install no-such-package" in done.out
    other, content = json.loads(file.read_text())["benchmarks"]
    assert other == {"name": "another"}
    ours, theirs, absent = content["cases"][0]["sides"]
    assert content["ok"] is True
    assert ours["ratio"] == 1.0
    assert len(theirs["values"]) == 2
    assert theirs["ratio"] == pytest.approx(theirs["median"] / ours["median"])
    assert "median" not in absent
    figures = {item["what"]: item["value"] for item in content["cases"][0]["figures"]}
    spikes = int(content["cases"][0]["checks"][0]["found"].split()[0].replace(",", ""))
    assert spikes > 20
    assert figures["rate"] == pytest.approx(spikes / 200 / 0.02)
    assert figures["neuron-steps"] == 200 * 200
    assert 0 < figures["synaptic events"] < spikes * 200


def test_outputs_that_differ_end_with_1(neurosim: Neurosim, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool, int | None]] = []

    def measure(benchmark: Benchmark, *, quick: bool, repeats: int | None, **options: Any) -> Outcome:
        asked.append((benchmark.name, quick, repeats))
        check = Check("peer", "the same", len(asked) > 1, "so")
        case = CaseOutcome(
            "small", {}, (SideOutcome(OURS, values=(1.0,)), SideOutcome("peer", values=(2.0,))), (check,)
        )
        machine = {"processor": "a chip", "processors": 4, "load": 0.1, "neurosim": "0", "time": "2026-01-02T03:04"}
        return Outcome(benchmark.name, benchmark.summary, "s", 1, quick, (case,), machine)

    monkeypatch.setattr(measuring, "measure", measure)
    done = neurosim("bench", "all", "--quick", "--repeats", "1", "--json", "-")
    assert done.code == 1
    assert asked == [(name, True, 1) for name in catalogue.catalogue()]
    contents = json.loads(done.out)["benchmarks"]
    assert [content["ok"] for content in contents] == [False] + [True] * (len(asked) - 1)
    assert neurosim("bench", asked[1][0], "--json", "-").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("balanced-netwrk",), "unknown benchmark 'balanced-netwrk'. Did you mean 'balanced-network'?"),
        (("balanced-network", "--repeats", "0"), "--repeats: give 1 or more, not 0."),
        (("balanced-network", "--threads", "-1"), "--threads: give 1 or more, not -1."),
        (("balanced-network", "--json", "nowhere/x.json"), "--json: nowhere is not a folder."),
        (("balanced-network", "--json", "../nets.py"), "--json: ../nets.py is there and holds no benchmarks"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], said: str, neurosim: Neurosim) -> None:
    done = neurosim("bench", *arguments)
    assert done.code == 2
    assert done.err.startswith(f"neurosim: {said}")
