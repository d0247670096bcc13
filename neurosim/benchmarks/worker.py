"""One side of a benchmark in a process of its own: it prepares its work once, and does it whenever it is told.

This file is run as a script, by the interpreter that has the side's library, which need not have neurosim: it uses
nothing but the standard library and, for what a side hands over, numpy. It is started with the side's script and the
path of a JSON file of settings; a request is a line of JSON on standard input, an answer one on standard output. What
the libraries print goes to standard error.

The script defines ``Side``: ``Side(settings)`` prepares, ``run()`` does the work once and returns what is compared
(None: the seconds of the call), ``result()`` returns arrays by name, made by the last run.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO


def load(script: Path) -> Any:
    """Return the class ``Side`` of a script."""
    spec = importlib.util.spec_from_file_location(script.stem, script)
    if spec is None or spec.loader is None:
        raise ImportError(f"{script} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[script.stem] = module  # numba looks there for what it keeps
    spec.loader.exec_module(module)
    return module.Side


def peak_bytes() -> int:
    """Return the most memory that this process held, or one that it waited for (a program that it compiled and ran)."""
    own = 0
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                own = 1024 * int(line.split()[1])
    except OSError:
        own = _bytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return max(own, _bytes(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))


def _bytes(maximum: int) -> int:
    return maximum if sys.platform == "darwin" else 1024 * maximum


def versions(distributions: list[str]) -> dict[str, str]:
    """Return the versions of those that are installed."""
    found = {}
    for name in distributions:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def answer(side: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    """Do what a request asks for."""
    if request["do"] == "run":
        start = time.perf_counter()
        value = side.run()
        spent = time.perf_counter() - start
        return {"value": spent if value is None else float(value)}
    if request["do"] == "result":
        import numpy as np

        np.savez(request["file"], **side.result())
        return {"peak": peak_bytes()}
    raise ValueError(f"unknown request {request['do']!r}")


def serve(script: Path, settings: Mapping[str, Any], requests: TextIO, answers: TextIO) -> None:
    """Prepare a side and answer until there are no more requests.

    Parameters
    ----------
    script
        Defines ``Side``.
    settings
        Of the side; ``distributions`` are those whose versions are told, ``processors`` bounds what may be used.
    requests, answers
        Lines of JSON. What goes wrong is an answer too, and ends it.
    """

    def say(content: Mapping[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    try:
        if settings.get("processors") and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(settings["processors"])])
        kind = load(script)
        start = time.perf_counter()
        side = kind(settings)
        say({"prepared": time.perf_counter() - start, "versions": versions(settings.get("distributions", []))})
        for line in requests:
            say(answer(side, json.loads(line)))
    except Exception as error:
        traceback.print_exc()
        say({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    own_folder = str(Path(__file__).resolve().parent)
    sys.path[:] = [place for place in sys.path if place != own_folder]  # its files must not stand for other modules
    answering = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")), sys.stdin, answering)
