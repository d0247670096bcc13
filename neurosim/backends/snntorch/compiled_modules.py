"""Generated loops as modules on disk, compiled by numba and kept for the next process.

A module is named by the digest of its text, so that it never changes once it is there. The folder is
``kernels`` in :func:`~neurosim.cache_folder.cache_folder`; where nothing can be written, a temporary folder of this
process serves.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numba

from neurosim.cache_folder import KERNELS, cache_folder

#: Raised when the texts change their meaning without changing their letters.
VERSION = 1


def kernel_folder() -> Path:
    """Return the folder of generated modules, made if it is not there."""
    folder = cache_folder() / KERNELS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return _temporary_folder()


@cache
def _temporary_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="neurosim-kernels-"))


def imported(text: str, prefix: str) -> ModuleType:
    """Return a module of a text, written into the folder of generated modules if it is not there yet.

    Parameters
    ----------
    text
        The module.
    prefix
        What its name begins with.
    """
    digest = hashlib.sha256(f"{VERSION}\n{text}".encode()).hexdigest()[:24]
    path = kernel_folder() / f"{prefix}_{digest}.py"
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)  # whoever reads it at the same time sees all of it or nothing
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # numba finds the module of what it kept by name
    spec.loader.exec_module(module)
    return module


@cache
def compiled(text: str) -> dict[str, Callable[..., Any]]:
    """Return the functions of a module, compiled when they are first called.

    Parameters
    ----------
    text
        The module.
    """
    module = imported(text, "neurosim_loops")
    return {
        name: numba.njit(found, cache=True, nogil=True, error_model="numpy")
        for name, found in vars(module).items()
        if isinstance(found, FunctionType)
    }
