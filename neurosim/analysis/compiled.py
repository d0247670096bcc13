"""Loops that numba compiles when they are first called: importing the module that holds them loads no numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neurosim.cache_folder import compiled


class Compiled:
    """A function that is compiled on its first call, and kept on disk where there is a folder that can be written to.

    Parameters
    ----------
    function
        Of arrays and numbers, in what numba knows of Python.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._machine: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        """Call what was compiled."""
        if self._machine is None:
            self._machine = compiled(self.function, nogil=True)
        return self._machine(*arguments)
