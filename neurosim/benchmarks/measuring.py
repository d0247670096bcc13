"""Measure a benchmark: every side in its own process, one run of each in turn."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from compileall import compile_dir
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from neurosim.benchmarks.benchmark import OURS, Arrays, Benchmark, Case, Measured, Side
from neurosim.benchmarks.interpreters import interpreter_of
from neurosim.benchmarks.outcome import CaseOutcome, Outcome, SideOutcome
from neurosim.benchmarks.process import SideFailed, SideProcess
from neurosim.benchmarks.roofline import probe
from neurosim.benchmarks.surroundings import surroundings

Progress = Callable[[str], None]


def measure(
    benchmark: Benchmark,
    *,
    quick: bool = False,
    repeats: int | None = None,
    threads: int | None = None,
    interpreters: Mapping[str, Path] | None = None,
    progress: Progress = lambda text: None,
) -> Outcome:
    """Measure a benchmark.

    Parameters
    ----------
    benchmark
        What to measure.
    quick
        Its small cases, three runs of each side, no first results.
    repeats, threads
        In place of the benchmark's own.
    interpreters
        Pythons of peers that live elsewhere, by peer.
    progress
        Told what happens.

    Returns
    -------
    Outcome
        Sides that could not run are in it, with the reason.
    """
    threads = threads or benchmark.threads
    repeats = repeats or (3 if quick else benchmark.repeats)
    before = surroundings()
    machine: Mapping[str, float] = {}
    notes = list(benchmark.notes)
    if benchmark.probe:
        progress("the machine's limits")
        try:
            machine = probe(threads)
        except SideFailed as error:
            notes.append(f"The machine's limits could not be measured: {error}.")
    outcomes, found = [], {}
    for case in benchmark.quick if quick else benchmark.cases:
        with tempfile.TemporaryDirectory(prefix="neurosim.") as folder:
            run = _CaseRun(benchmark, case, Path(folder), threads, interpreters or {}, machine, progress)
            outcome, measured = run.measure(repeats, quick=quick)
        outcomes.append(outcome)
        found[case.label] = measured
    return Outcome(
        benchmark.name, benchmark.summary, benchmark.unit, threads, quick, tuple(outcomes),
        {**before, **machine}, tuple(benchmark.compare(found)), tuple(notes),
    )  # fmt: skip


class _CaseRun:
    """One case while it is measured."""

    def __init__(
        self,
        benchmark: Benchmark,
        case: Case,
        folder: Path,
        threads: int,
        interpreters: Mapping[str, Path],
        machine: Mapping[str, float],
        progress: Progress,
    ) -> None:
        self.benchmark, self.case, self.folder, self.threads = benchmark, case, folder, threads
        self.interpreters, self.machine = interpreters, machine
        known = {item.label for item in benchmark.cases}
        self.sides = [
            side for side in benchmark.sides if not side.cases or case.label in side.cases or case.label not in known
        ]
        self.progress: Progress = lambda text: progress(f"{case.label}: {text}")
        self.settings = {**case.settings, "arrays": str(folder / "arrays.npz")}

    def measure(self, repeats: int, *, quick: bool) -> tuple[CaseOutcome, Measured]:
        """Run all sides; return what came of it."""
        self.benchmark.write(self.case.settings, self.folder / "arrays.npz")
        outcomes: dict[str, SideOutcome] = {}
        values: dict[str, list[float]] = {}
        arrays: dict[str, Arrays] = {}
        with ExitStack() as stack:
            running: dict[str, SideProcess] = {}
            for side in self.sides:
                outcome = SideOutcome(side.name, at_least=side.at_least.get(self.case.label))
                python, reason = interpreter_of(side, self.interpreters)
                if quick and not side.quick:
                    python, reason = None, "left out of quick runs"
                if python is None:
                    outcomes[side.name] = replace(outcome, absent=reason)
                    continue
                try:
                    first = self.benchmark.first_results and not quick
                    process, times = self._started(side, python, stack, first=first)
                except SideFailed as error:
                    outcomes[side.name] = replace(outcome, absent=str(error), failed=True)
                    continue
                running[side.name] = process
                outcomes[side.name] = replace(
                    outcome, first=times, prepared=process.prepared, versions=process.versions
                )
            values = {name: [] for name in running}
            self._interleave(running, outcomes, values, repeats)
            for name, process in list(running.items()):
                try:
                    arrays[name], peak = process.result()
                    outcomes[name] = replace(outcomes[name], values=tuple(values[name]), peak=peak)
                except SideFailed as error:
                    outcomes[name] = replace(outcomes[name], absent=str(error), failed=True)
        medians = {name: outcome.median for name, outcome in outcomes.items() if outcome.values}
        first_results = {name: outcome.first for name, outcome in outcomes.items() if outcome.values}
        measured = Measured(self.case.settings, arrays, medians, self.machine, first_results)
        complete = OURS in arrays
        return CaseOutcome(
            self.case.label, self.case.settings, tuple(outcomes[side.name] for side in self.sides),
            tuple(self.benchmark.check(measured)) if complete else (),
            tuple(self.benchmark.figures(measured)) if complete else (),
        ), measured  # fmt: skip

    def _started(
        self, side: Side, python: str, stack: ExitStack, *, first: bool
    ) -> tuple[SideProcess, dict[str, float]]:
        """Return a side that has done its work once, and the seconds to the first result."""
        cache = self.folder / f"{self.sides.index(side)}.cache" if first else None  # compilers dislike spaces in names
        times: dict[str, float] = {}
        if first:
            _as_installed()
            self.progress(f"{side.name}, nothing compiled")
            with self._process(side, python, "cold", cache) as process:
                process.run()
                times["cold"] = time.perf_counter() - process.started
        self.progress(f"{side.name}, first run")
        process = self._process(side, python, "warm", cache)
        stack.enter_context(process)
        process.run()
        if first:
            times["warm"] = time.perf_counter() - process.started
        return process, times

    def _process(self, side: Side, python: str, name: str, cache: Path | None) -> SideProcess:
        folder = self.folder / f"{self.sides.index(side)}.{name}"
        return SideProcess(
            side, python, self.settings, folder, threads=self.threads, cache=cache,
            environment=self.benchmark.environment,
        )  # fmt: skip

    def _interleave(
        self,
        running: dict[str, SideProcess],
        outcomes: dict[str, SideOutcome],
        values: dict[str, list[float]],
        repeats: int,
    ) -> None:
        """Run the sides in turn, every other round backwards; one that has used up its time waits for the rest."""
        spent = dict.fromkeys(running, 0.0)
        for repeat in range(repeats):
            names = list(running) if repeat % 2 == 0 else list(reversed(running))
            for name in names:
                if repeat >= 2 and spent[name] * (repeat + 1) / repeat > self.benchmark.patience:
                    continue
                self.progress(f"{name}, run {repeat + 1} of {repeats}")
                start = time.perf_counter()
                try:
                    values[name].append(running[name].run())
                except SideFailed as error:
                    outcomes[name] = replace(outcomes[name], absent=str(error), failed=True)
                    del running[name]
                    continue
                spent[name] += time.perf_counter() - start


@cache
def _as_installed() -> None:
    """Leave the bytecode of our modules where Python looks for it, as an installation by pip does."""
    for package in ("neurosim", "circuits", "datasets"):
        found = find_spec(package)
        for folder in (found.submodule_search_locations or ()) if found else ():
            compile_dir(folder, quiet=2)
