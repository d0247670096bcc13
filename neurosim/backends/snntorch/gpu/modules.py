"""Generated kernels of Triton as modules on disk, and where they can run."""

from __future__ import annotations

import importlib.util
import os
import shutil
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch

from neurosim.backends.snntorch.compiled_modules import imported

#: The compute capability of the oldest GPU that torch itself uses Triton on.
OLDEST = (7, 0)


@cache
def why_no_triton(device: torch.device) -> str | None:
    """Return why kernels of Triton cannot run on a device, or ``None`` where they can."""
    if device.type != "cuda":
        return f"there are no loops for {device}"
    if importlib.util.find_spec("triton") is None:
        return "Triton is not installed: pip install 'neurosim-circuits[gpu]'"
    if not any(os.environ.get("CC") or shutil.which(name) for name in ("gcc", "clang")):
        return "Triton needs a C compiler: install gcc, or name one in the environment variable CC"
    if torch.cuda.is_available() and (found := torch.cuda.get_device_capability(device)) < OLDEST:
        return f"Triton knows GPUs from compute capability {OLDEST[0]}.{OLDEST[1]}, this one has {found[0]}.{found[1]}"
    return None


def on(device: torch.device) -> AbstractContextManager[Any]:
    """Return a context in which kernels run on a device."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


@cache
def kernels(text: str, names: tuple[str, ...] = ("forward", "backward")) -> dict[str, Any]:
    """Return the kernels of a module, compiled by Triton when they are first called.

    Parameters
    ----------
    text
        The module.
    names
        What its kernels are called.
    """
    module = imported(text, "neurosim_kernels")
    return {name: getattr(module, name) for name in names}
