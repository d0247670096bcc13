"""Sides in processes of their own, taken in turn: what is measured, held against each other, and said of failures."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.benchmarks import benchmark as definitions
from neurosim.benchmarks import interpreters
from neurosim.benchmarks import process as processes
from neurosim.benchmarks.benchmark import OURS, Benchmark, Case, Check, Figure, Measured, Settings, Side
from neurosim.benchmarks.interpreters import interpreter_of
from neurosim.benchmarks.measuring import measure
from neurosim.benchmarks.outcome import Outcome, SideOutcome
from neurosim.benchmarks.process import SideFailed, SideProcess
from neurosim.benchmarks.roofline import distance

SCRIPTS = {
    "works": """
        import json, os, pathlib
        import numpy as np
        class Side:
            def __init__(self, settings):
                print("a greeting on standard output")
                self.settings, self.runs = settings, 0
                self.arrays = np.load(settings["arrays"])["x"] if "arrays" in settings else np.zeros(0)
            def run(self):
                self.runs += 1
                with open(self.settings["log"], "a") as log:
                    log.write(self.settings["label"] + "\\n")
                return self.settings["seconds"] * self.runs
            def result(self):
                threads = int(os.environ["OMP_NUM_THREADS"])
                return {"x": self.arrays * self.settings["factor"], "threads": np.array(threads)}
    """,
    "raises": """
        class Side:
            def __init__(self, settings):
                raise RuntimeError("no such device")
    """,
    "dies": """
        import os, sys
        class Side:
            def __init__(self, settings): pass
            def run(self):
                print("out of memory", file=sys.stderr, flush=True)
                os._exit(9)
    """,
    "sleeps": """
        import time
        class Side:
            def __init__(self, settings): pass
            def run(self): time.sleep(60)
    """,
    "clock": """
        import time
        class Side:
            def __init__(self, settings): pass
            def run(self): time.sleep(0.05)
            def result(self): return {}
    """,
}  # fmt: skip


@pytest.fixture(autouse=True)
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "sides"
    folder.mkdir()
    for name, text in SCRIPTS.items():
        lines = [line[8:] for line in text.splitlines()]
        (folder / f"{name}.py").write_text("\n".join(lines))
    monkeypatch.setattr(processes, "SIDES", folder)
    return folder


def side(name: str, tmp_path: Path, seconds: float = 1.0, factor: float = 1.0, script: str = "works") -> Side:
    settings = {"label": name, "seconds": seconds, "factor": factor, "log": str(tmp_path / "log")}
    return Side(name, script, settings=settings, distributions=("numpy",))


def write(settings: Settings, file: Path) -> None:
    np.savez(file, x=np.arange(4.0) + settings["offset"])


def check(found: Measured) -> list[Check]:
    ours = found.arrays[OURS]["x"]
    return [
        Check(name, "the same x", bool(np.array_equal(ours, arrays["x"])), str(arrays["x"].tolist()))
        for name, arrays in found.arrays.items()
        if name != OURS
    ]


def benchmark(*sides: Side, **changes: Any) -> Benchmark:
    case = Case("small", {"offset": 1.0})
    fields: dict[str, Any] = {
        "cases": (case,), "quick": (case,), "sides": sides, "write": write, "check": check, "repeats": 4,
        "first_results": False,
    }  # fmt: skip
    return Benchmark("example", "Nothing at all", **(fields | changes))


def outcome_of(outcome: Outcome, name: str) -> SideOutcome:
    return next(item for item in outcome.cases[0].sides if item.name == name)


def test_sides_take_turns_and_ratios_are_of_medians(tmp_path: Path) -> None:
    found = measure(benchmark(side(OURS, tmp_path), side("peer", tmp_path, seconds=3.0)), threads=1)
    assert found.ok
    # The first run of each only warms up; every other round goes backwards.
    rounds = [OURS, "peer", OURS, "peer", "peer", OURS, OURS, "peer", "peer", OURS]
    assert (tmp_path / "log").read_text().split() == rounds
    assert outcome_of(found, OURS).values == (2.0, 3.0, 4.0, 5.0)
    assert outcome_of(found, "peer").median == 10.5
    content = found.content()
    assert content["cases"][0]["sides"][1]["ratio"] == 3.0
    assert content["cases"][0]["checks"][0]["found"] == "[1.0, 2.0, 3.0, 4.0]"
    assert outcome_of(found, "peer").versions == {"numpy": np.__version__}
    peak = outcome_of(found, "peer").peak
    assert peak is not None
    assert 2**20 < peak < 2**30


def test_other_outputs_are_not_ok(tmp_path: Path) -> None:
    found = measure(benchmark(side(OURS, tmp_path), side("peer", tmp_path, factor=2.0)), repeats=1)
    assert not found.ok
    assert [item.ok for item in found.cases[0].checks] == [False]


def test_threads_reach_the_sides(tmp_path: Path) -> None:
    seen: list[int] = []

    def figures(found: Measured) -> list[Figure]:
        seen.append(int(found.arrays[OURS]["threads"]))
        return [Figure("threads", seen[-1], "")]

    found = measure(benchmark(side(OURS, tmp_path), figures=figures), threads=3, repeats=1)
    assert seen == [3]
    assert found.threads == 3
    assert found.cases[0].figures == (Figure("threads", 3, ""),)


@pytest.mark.parametrize(("script", "said"), [("raises", "RuntimeError: no such device"), ("dies", "out of memory")])
def test_a_side_that_fails_is_named_and_the_others_go_on(script: str, said: str, tmp_path: Path) -> None:
    found = measure(benchmark(side(OURS, tmp_path), side("broken", tmp_path, script=script)), repeats=2)
    assert not found.ok
    broken = outcome_of(found, "broken")
    assert broken.failed
    assert broken.absent == said
    assert outcome_of(found, OURS).values == (2.0, 3.0)


def test_a_side_that_hangs_is_ended(tmp_path: Path) -> None:
    start = time.perf_counter()
    with (
        SideProcess(Side("slow", "sleeps"), sys.executable, {}, tmp_path / "folder", threads=1, limit=0.7) as process,
        pytest.raises(SideFailed, match=r"no answer within 0\.7 s"),
    ):
        process.run()
    assert time.perf_counter() - start < 20


def test_a_side_without_a_value_of_its_own_is_timed(tmp_path: Path) -> None:
    with SideProcess(Side("clock", "clock"), sys.executable, {}, tmp_path / "folder", threads=1) as process:
        assert 0.05 <= process.run() < 5


def test_without_a_gpu_what_needs_one_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Side(OURS, "layers_neurosim", device="cuda")
    for found in (True, False):
        monkeypatch.setattr(interpreters, "_finds_gpu", lambda python, found=found: found)
        assert interpreter_of(there, {}) == ((sys.executable, "") if found else (None, "torch finds no NVIDIA GPU"))
        assert interpreter_of(replace(there, device="cpu"), {}) == (sys.executable, "")
    assert not interpreters._succeeds(sys.executable, "raise SystemExit(True)")
    assert interpreters._succeeds(sys.executable, "raise SystemExit(False)")


def test_absent_peers_are_named(tmp_path: Path) -> None:
    peer = Side("peer", "works", module="no_such_module", distributions=("no-such-package",), interpreter="nest")
    found = measure(benchmark(side(OURS, tmp_path), peer), repeats=1)
    assert found.ok
    said = outcome_of(found, "peer").absent
    assert said == "not installed: pip install no-such-package, or --nest-python PYTHON where it is installed"
    python, reason = interpreter_of(peer, {"nest": Path(sys.executable)})
    assert python is None
    assert reason == f"{sys.executable} has no no_such_module"
    own = Side("json", "works", module="json", interpreter="nest")
    assert interpreter_of(own, {"nest": Path(sys.executable)}) == (sys.executable, "")


def test_first_results_are_those_of_new_processes_with_one_cache(tmp_path: Path) -> None:
    (processes.SIDES / "compiles.py").write_text(
        "import os, pathlib, time\n"
        "class Side:\n"
        "    def __init__(self, settings):\n"
        "        place = pathlib.Path(settings['cache']) / 'compiled'\n"
        "        assert os.environ['NUMBA_CACHE_DIR'] == settings['cache']\n"
        "        if not place.exists():\n"
        "            time.sleep(1.0)\n"
        "            place.touch()\n"
        "    def run(self): return 1.0\n"
        "    def result(self): return {}\n"
    )
    found = measure(benchmark(Side(OURS, "compiles"), first_results=True, check=lambda found: ()), repeats=1)
    first = outcome_of(found, OURS).first
    assert first["cold"] > first["warm"] + 0.8
    assert first["warm"] > 0
    assert outcome_of(measure(benchmark(side(OURS, tmp_path), first_results=True), quick=True), OURS).first == {}


def test_a_side_that_takes_long_runs_less_often(tmp_path: Path) -> None:
    clock = Side("clock", "clock")
    found = measure(benchmark(side(OURS, tmp_path), clock, patience=0.12, check=lambda found: ()), repeats=6)
    assert len(outcome_of(found, OURS).values) == 6
    assert len(outcome_of(found, "clock").values) == 2


def test_quick_leaves_out_what_is_not_quick(tmp_path: Path) -> None:
    slow = Side("slow", "works", settings=side("slow", tmp_path).settings, quick=False)
    found = measure(benchmark(side(OURS, tmp_path), slow), quick=True)
    assert outcome_of(found, "slow").absent == "left out of quick runs"
    assert len(outcome_of(found, OURS).values) == 3
    assert found.ok


def test_the_distance_to_a_limit_is_that_of_what_binds() -> None:
    machine: Mapping[str, float] = {"cache_bandwidth": 100.0, "memory_bandwidth": 10.0, "flops": 1000.0}
    least, factor = distance(6.0, machine, cached=100.0, streamed=10.0, operations=500.0)
    assert (least.value, factor.value) == (2.0, 3.0)
    assert "bytes" in least.what
    least, factor = distance(6.0, machine, cached=100.0, operations=3000.0)
    assert (least.value, factor.value) == (3.0, 2.0)
    assert "operations" in least.what
    assert distance(6.0, {}, cached=1.0) == ()


def test_scripts_of_all_sides_exist() -> None:
    from neurosim.benchmarks.catalogue import catalogue

    for found in catalogue().values():
        labels = {case.label for case in found.cases}
        assert found.sides[0].name == OURS
        assert len({item.name for item in found.sides}) == len(found.sides)
        for item in found.sides:
            assert (definitions.SIDES / f"{item.script}.py").exists(), item.script
            assert set(item.at_least) <= labels, found.name
