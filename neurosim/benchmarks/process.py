"""The process of one side, and what is asked of it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from neurosim.benchmarks.benchmark import SIDES, Arrays, Settings, Side

WORKER = Path(__file__).with_name("worker.py")
#: Variables that say how many threads numerical libraries may use.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
#: Seconds that any one answer may take.
LIMIT = 600.0


class SideFailed(Exception):
    """A side did not do its work; the text says why."""


class SideProcess:
    """A side in a process of its own; a context manager that ends it.

    Parameters
    ----------
    side
        Who works.
    python
        The interpreter that has its library.
    settings
        Of the case, with the side's own.
    folder
        For what passes between the processes; made if it is not there.
    threads
        That it may use.
    cache
        A folder for everything that it compiles; None for where it puts that always.
    environment
        More variables.
    limit
        Seconds that an answer may take.
    """

    def __init__(
        self,
        side: Side,
        python: str,
        settings: Settings,
        folder: Path,
        *,
        threads: int,
        cache: Path | None = None,
        environment: Mapping[str, str] | None = None,
        limit: float = LIMIT,
    ) -> None:
        self.side, self._folder, self._limit = side, folder, limit
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            **settings, "device": side.device, **side.settings, "threads": threads,
            "distributions": list(side.distributions),
            "folder": str(folder), "cache": None if cache is None else str(cache),
            "processors": threads if side.limited else None,
        }  # fmt: skip
        file = folder / "settings.json"
        file.write_text(json.dumps(content), encoding="utf-8")
        variables = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)), **(environment or {})}
        variables.pop("PYTHONDONTWRITEBYTECODE", None)  # what is imported is there as bytecode, as pip leaves it
        if cache is not None:
            cache.mkdir(parents=True, exist_ok=True)
            places = ("NEUROSIM_CACHE", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR")
            variables |= dict.fromkeys(places, str(cache))
        self._said = tempfile.TemporaryFile()
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            [python, str(WORKER), str(SIDES / f"{side.script}.py"), str(file)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, env=variables, cwd=folder,
        )  # fmt: skip
        try:
            ready = self._answer()
        except BaseException:
            self.close()
            raise
        self.prepared: float = ready["prepared"]
        self.versions: dict[str, str] = ready["versions"]

    def run(self) -> float:
        """Let it do the work once; return what is compared."""
        return float(self._ask({"do": "run"})["value"])

    def result(self) -> tuple[Arrays, int]:
        """Return the arrays of the last run, and the most memory that it has held, in bytes."""
        file = self._folder / "result.npz"
        peak = int(self._ask({"do": "result", "file": str(file)})["peak"])
        with np.load(file, allow_pickle=False) as arrays:
            return dict(arrays), peak

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except OSError:  # it is gone already
                pass
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._said.close()

    def __enter__(self) -> SideProcess:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self.close()

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        stdin = self._process.stdin
        if stdin is None:
            raise SideFailed("it has no input")
        try:
            stdin.write((json.dumps(request) + "\n").encode())
            stdin.flush()
        except OSError:
            raise SideFailed(self._last_words()) from None
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        """Return the next line that it says."""
        stdout = self._process.stdout
        if stdout is None:
            raise SideFailed("it has no output")
        ready, _, _ = select.select([stdout], [], [], self._limit)
        if not ready:
            self._process.kill()
            raise SideFailed(f"no answer within {self._limit:g} s")
        line = stdout.readline()
        if not line:
            self._process.wait()
            raise SideFailed(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise SideFailed(answer["error"])
        return answer

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = [line for line in self._said.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else f"the process ended with {self._process.returncode}"
