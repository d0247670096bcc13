"""Which Python runs a side: this one, or that of a peer with an environment of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from neurosim.benchmarks.benchmark import Side

#: Peers that do not live beside neurosim well, and the option that says where they are.
ELSEWHERE = {"nest": "--nest-python", "sparxml": "--sparxml-python"}


def interpreter_of(side: Side, given: Mapping[str, Path]) -> tuple[str | None, str]:
    """Return the Python that runs a side, or None and why there is none.

    Parameters
    ----------
    side
        Who is to run.
    given
        Interpreters by peer, from the command line.
    """
    package = side.distributions[0] if side.distributions else side.module
    if side.interpreter in given:
        python = given[side.interpreter]
        if _has(str(python), side.module):
            return str(python), ""
        return None, f"{python} has no {side.module}"
    if importlib.util.find_spec(side.module) is not None:
        if side.device == "cuda" and not _finds_gpu(sys.executable):
            return None, "torch finds no NVIDIA GPU"
        return sys.executable, ""
    option = ELSEWHERE.get(side.interpreter)
    hint = f", or {option} PYTHON where it is installed" if option else ""
    return None, f"not installed: pip install {package}{hint}"


@cache
def _has(python: str, module: str) -> bool:
    return _succeeds(python, f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)")


@cache
def _finds_gpu(python: str) -> bool:
    # In a process of its own: this one loads no torch, and holds no memory of a GPU.
    return _succeeds(python, "import sys, torch; sys.exit(not torch.cuda.is_available())")


def _succeeds(python: str, code: str) -> bool:
    try:
        return subprocess.run([python, "-c", code], capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
