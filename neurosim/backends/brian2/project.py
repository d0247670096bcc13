"""A circuit as a compiled C++ program: built once by a child process, then run as often as its plan is the same.

The program reads what is fed into it, inputs and noise, step by step from its standard input. It comes from the very
functions that feed the other targets, so that the numbers are the same, and no file of them is ever written.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.backends.brian2.texts import count_name, input_name
from neurosim.backends.interruption import Stop
from neurosim.backends.simulator import Run
from neurosim.circuit.circuit import Circuit
from neurosim.circuit.parts import Injection
from neurosim.errors import BackendError, FileFormatError
from neurosim.program.step_program import StepProgram

#: Seconds between two looks at a process that is waited for.
_GLANCE = 0.02
_LINES_OF_A_LOG = 15


@dataclass(frozen=True)
class Feed:
    """An array that is written before each step: of which part, under which name there, and where in it.

    `name` is that of an input, or, with a `symbol`, of the part that draws it.
    """

    name: str
    part: str
    variable: str
    n: int
    where: Any = None
    symbol: str | None = None


class Project:
    """The C++ program of one circuit.

    Parameters
    ----------
    circuit, program
        What is simulated.
    directory
        Where to build, kept afterwards; by default a temporary folder that goes with this object.
    timeout
        Seconds that building, and running, may take each; None for any time.
    """

    def __init__(
        self, circuit: Circuit, program: StepProgram, directory: str | Path | None, timeout: float | None
    ) -> None:
        self.circuit, self.program, self.timeout = circuit, program, timeout
        if directory is None:
            self.folder = Path(tempfile.mkdtemp(prefix="neurosim-standalone-"))
            weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        else:
            self.folder = Path(directory).absolute()
            if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
                raise FileFormatError(
                    f"directory={str(directory)!r} exists already and is not an empty folder; name another."
                )
        self._builds = 0
        self._built: dict[str, tuple[Path, dict[str, Any]]] = {}

    # -- what is fed ---------------------------------------------------------------------------------------------

    def feeds(self, run: Run) -> tuple[list[Feed], list[tuple[Feed, float]]]:
        """Return what is fed step by step, and what has one value throughout."""
        inputs = []
        for name, item in self.program.populations.items():
            if item.kind != "neurons":
                inputs.append(Feed(name, name, "fed" if item.kind == "spikes" else "signal", item.n))
        for name, part in self.circuit.injections.items():
            if isinstance(part, Injection):
                n = self.program.populations[part.population].n
                where = None if part.indices == tuple(range(n)) else list(part.indices)
                inputs.append(Feed(name, part.population, input_name(part.variable, name), n, where))
        for drive in self.program.poisson:
            n = self.program.populations[drive.post].n
            inputs.append(Feed(drive.name, drive.post, count_name(drive), n, drive.index.tolist()))
        fed = [feed for feed in inputs if run.inputs.constant(feed.name) is None]
        held = [(feed, value) for feed in inputs if (value := run.inputs.constant(feed.name)) is not None]
        noise = [
            Feed(name, name, site.symbol, size, symbol=site.symbol)
            for name, (item, size) in self.program.noisy.items()
            for site in item.noise
        ]
        return fed + noise, held

    def _rows(self, run: Run, feeds: Sequence[Feed], first: int, last: int) -> np.ndarray:
        """Return what is fed in some steps, (trial, step, number)."""
        drawn = {name: run.noise(name, first, last) for name in self.program.noisy}
        rows = np.zeros((run.trials, last - first, sum(feed.n for feed in feeds)))
        left = 0
        for feed in feeds:
            values = drawn[feed.name][feed.symbol] if feed.symbol else run.inputs.rows(feed.name, first, last)
            block = rows[:, :, left : left + feed.n]
            block[:, :, slice(None) if feed.where is None else feed.where] = values.transpose(1, 0, 2)
            left += feed.n
        return rows

    # -- build and run -------------------------------------------------------------------------------------------

    def build(self, run: Run) -> tuple[Path, dict[str, Any]]:
        """Return the folder of the program for a run, and where it leaves its results; it is built if need be.

        Raises
        ------
        BackendError
            If it cannot be built, with what the compiler or Brian2 said, or not in time.
        """
        feeds, held = self.feeds(run)
        kept = [name for name, depth in self.program.history_depth.items() if depth or name in run.plan.spikes]
        request = {
            "n_steps": run.n_steps,
            "feeds": [{"part": feed.part, "variable": feed.variable} for feed in feeds],
            "constants": [
                {"part": feed.part, "variable": feed.variable, "where": feed.where, "value": value}
                for feed, value in held
            ],
            "spikes": kept,
            "traces": [
                {
                    "address": trace.address, "part": trace.name, "variable": trace.variable,
                    "every": trace.every_steps,
                    "columns": list(range(trace.size)) if trace.neurons is None else trace.neurons.tolist(),
                }
                for trace in run.plan.traces
                if not self.is_fixed(trace.name, trace.variable)
            ],
        }  # fmt: skip
        key = json.dumps(request)
        if key not in self._built:
            folder = self.folder / f"build-{self._builds}"
            self._builds += 1
            folder.mkdir(parents=True)
            self.circuit.save(folder / "circuit.json")
            (folder / "request.json").write_text(key, encoding="utf-8")
            command = [sys.executable, "-m", "neurosim.backends.brian2.standalone", str(folder)]
            with (folder / "build.log").open("wb") as log, self._process(command, folder, log) as child:
                code = self._wait([child], run.stop, "building the C++ program")[0]
            answer = _answer(folder, code)
            if answer["digest"] != self.program.digest or answer["steps"] != run.n_steps:
                raise BackendError(f"cpp_standalone: the program in {folder} is not the one that was asked for.")
            self._built[key] = (folder, answer)
        return self._built[key]

    def is_fixed(self, name: str, variable: str) -> bool:
        """Tell whether a recorded value is one of an edge that does not change."""
        item = self.program.projections.get(name)
        return item is not None and (item.dynamics is None or variable not in item.dynamics.state)

    def execute(self, run: Run, progress: Any) -> list[Path]:
        """Run the program for every trial, as many at once as there are cores; return the folders of their results.

        Raises
        ------
        BackendError
            If one ends with an error, with what it said, or not in time.
        KeyboardInterrupt
            At Ctrl-C; all are killed, and nothing is kept.
        """
        folder, _ = self.build(run)
        feeds, _ = self.feeds(run)
        results = [folder / f"trial-{number}" for number in range(run.trials)]
        at_once = os.cpu_count() or 1
        for begin in range(0, run.trials, at_once):
            together = range(begin, min(begin + at_once, run.trials))
            self._execute(run, folder, {number: results[number] for number in together}, feeds, progress)
        return results

    def _execute(self, run: Run, folder: Path, trials: dict[int, Path], feeds: Sequence[Feed], progress: Any) -> None:
        started, before = time.monotonic(), min(trials) * run.n_steps
        with _together(self, folder, trials.values()) as children:
            for first in range(0, run.n_steps, run.block) if feeds else ():
                last = min(first + run.block, run.n_steps)
                rows = self._rows(run, feeds, first, last)
                for number, child in zip(trials, children, strict=True):
                    self._write(child, rows[number], run.stop, started)
                if progress is not None:
                    progress(before + len(trials) * last, run.trials * run.n_steps)
            for child in children:
                if child.stdin is not None:
                    child.stdin.close()
            codes = self._wait(children, run.stop, "running the C++ program", started)
        for code, result in zip(codes, trials.values(), strict=True):
            if code:
                raise BackendError(f"cpp_standalone: the C++ program ended with {code}:\n{_tail(result / 'run.log')}")
        if progress is not None:
            progress(before + len(trials) * run.n_steps, run.trials * run.n_steps)

    def _write(self, child: subprocess.Popen[bytes], rows: np.ndarray, stop: Stop, started: float) -> None:
        """Feed a program; one that has ended takes no more, and its exit code tells why."""
        left = np.ascontiguousarray(rows).data.cast("B")
        while len(left) and child.stdin is not None and not child.stdin.closed:
            self._look(stop, started, "running the C++ program")
            # Never a write that could wait for ever: the program may be busy, or hang.
            if not select.select([], [child.stdin], [], _GLANCE)[1]:
                continue
            try:
                left = left[os.write(child.stdin.fileno(), left) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                child.stdin.close()

    @contextmanager
    def _process(self, command: Sequence[str], folder: Path, log: Any) -> Iterator[subprocess.Popen[bytes]]:
        """Start a process in a group of its own, all of which is killed if it has not ended by itself."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        child = subprocess.Popen(
            command, bufsize=0, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        if child.stdin is not None:
            os.set_blocking(child.stdin.fileno(), False)
        try:
            yield child
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            if child.stdin is not None:
                child.stdin.close()

    def _wait(
        self, children: Sequence[subprocess.Popen[bytes]], stop: Stop, what: str, started: float | None = None
    ) -> list[int]:
        started = time.monotonic() if started is None else started
        while any(child.poll() is None for child in children):
            self._look(stop, started, what)
            time.sleep(_GLANCE)
        return [child.returncode for child in children]

    def _look(self, stop: Stop, started: float, what: str) -> None:
        if stop.requested:
            raise KeyboardInterrupt
        if self.timeout is not None and time.monotonic() - started > self.timeout:
            raise BackendError(f"cpp_standalone: {what} took longer than timeout={self.timeout:g} s and was ended.")


@contextmanager
def _together(project: Project, folder: Path, results: Any) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start the program once for each folder of results."""
    with ExitStack() as stack:
        children = []
        for result in results:
            shutil.rmtree(result, ignore_errors=True)
            result.mkdir()
            log = stack.enter_context((result / "run.log").open("wb"))
            command = ["./main", "--results_dir", f"{result}/"]
            children.append(stack.enter_context(project._process(command, folder / "project", log)))
        yield children


def _answer(folder: Path, code: int) -> dict[str, Any]:
    file = folder / "answer.json"
    answer: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if code == 0 and "error" not in answer:
        return answer
    said = answer.get("error", f"the process that builds it ended with {code}")
    raise BackendError(
        f"cpp_standalone: the C++ program cannot be built: {said}\n{_tail(folder / 'build.log')}".rstrip()
    )


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-_LINES_OF_A_LOG:])
