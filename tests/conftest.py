"""What all tests share: hypothesis profiles, plots without a screen, and what a marker needs of the machine."""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")
# Triton decides when it is loaded whether it compiles for a GPU or interprets.
if not Path("/dev/nvidiactl").exists():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# An example may compile a circuit, so none has a deadline. In CI the examples are the same each time: a change is
# judged by what it does, and new examples are searched for at the desk.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


def pytest_configure(config: pytest.Config) -> None:
    """Keep generated loops in pytest's own cache: all processes of a run share them, and so do later runs."""
    kept = getattr(config, "cache", None)  # pytest may be told to have none
    if "NEUROSIM_CACHE" not in os.environ and kept is not None:
        os.environ["NEUROSIM_CACHE"] = str(kept.mkdir("neurosim"))


@functools.cache
def missing_for_cuda() -> str | None:
    """Return why tests marked `cuda` cannot run here, or None where they can."""
    import torch

    return None if torch.cuda.is_available() else "torch finds no NVIDIA GPU"


@functools.cache
def missing_for_cython() -> str | None:
    """Return why tests marked `cython` cannot run here, or None where they can."""
    found = any(shutil.which(compiler) for compiler in (os.environ.get("CXX", "c++"), "g++", "clang++"))
    return None if found else "no C++ compiler on the path"


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, missing in (("cuda", missing_for_cuda), ("cython", missing_for_cython)):
        if item.get_closest_marker(marker) is not None:
            reason = missing()
            if reason is not None:
                pytest.skip(reason)
