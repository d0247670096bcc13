"""A function in a Python file of the user's, as ``file.py:function`` names it."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neurosim.errors import CircuitError, nearest


@contextmanager
def function_of(path: Path, function: str) -> Iterator[Callable[..., Any]]:
    """Run a file and yield a function of it, to be called within ``with``: what fails there is told with its line.

    Raises
    ------
    CircuitError
        If there is no such file or function, or one of them fails.
    """
    if not path.is_file():
        raise CircuitError(f"there is no file {path}.")
    name = f"_neurosim_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CircuitError(f"{path} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    with _importable(path.resolve().parent):
        sys.modules[name] = module  # where dataclasses and the like look their module up
        with _failures_of(path):
            spec.loader.exec_module(module)
        found = getattr(module, function, None)
        if not callable(found):
            functions = [key for key, value in vars(module).items() if inspect.isfunction(value)]
            raise CircuitError(f"{path} has no function {function!r}.{nearest(function, functions)}")
        with _failures_of(path):
            yield found


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let a file import its neighbours, as it could when run as a script."""
    before = list(sys.path)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def _failures_of(path: Path) -> Iterator[None]:
    """Say of an error in a user's file in which of its lines it arose."""
    try:
        yield
    except Exception as error:
        file = path.resolve()
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).resolve() == file
        ]
        if not frames and isinstance(error, CircuitError):
            raise
        line = f", line {frames[-1].lineno}" if frames else ""
        raise CircuitError(f"{path}{line}: {type(error).__name__}: {error}") from error
