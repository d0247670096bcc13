"""Where neurosim keeps what it can make or fetch again: data sets, generated loops, solved equations."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: What the folder of generated loops is called there.
KERNELS = "kernels"


def cache_folder() -> Path:
    """Return the folder that ``NEUROSIM_CACHE`` names, else neurosim's in the user's cache folder of this system.

    It need not exist yet.
    """
    named = os.environ.get("NEUROSIM_CACHE")
    return Path(named).expanduser() if named else _system_folder(sys.platform)


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """Return a function as numba compiles it, kept on disk where there is a folder that can be written to."""
    import numba  # takes half a second to load

    try:
        return numba.njit(function, cache=True, **options)
    except RuntimeError:
        return numba.njit(function, **options)


def _system_folder(system: str) -> Path:
    """Return where a system's users keep such things: a folder of this name, or of a vendor and a program."""
    if system == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "neurosim" / "neurosim" / "Cache"
    if system == "darwin":
        return Path.home() / "Library" / "Caches" / "neurosim"
    given = os.environ.get("XDG_CACHE_HOME", "").strip()
    return (Path(given) if given else Path.home() / ".cache") / "neurosim"
