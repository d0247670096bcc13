"""What all operations share: how they are compiled, and how long a line of the table is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numba

from neurosim.backends.snntorch.simulation.pointers import OPERATION
from neurosim.cache_folder import compiled

#: Fields of an operation.
FIELDS = 24
#: More numbers than memory holds: operations reach all of it.
ALL = 2**48

carray: Any = numba.carray  # type: ignore[attr-defined]


def compiled_function(function: Callable[..., Any]) -> Any:
    """Return a function as numba compiles it, kept on disk where there is a folder that can be written to."""
    return compiled(function, nogil=True, error_model="numpy")


def written_out(function: Callable[..., Any]) -> Any:
    """Return a function that numba writes out wherever it is called: it is compiled there, and not by itself before."""
    return numba.njit(function, inline="always", error_model="numpy")


def machine_code(function: Callable[..., Any], signature: Any) -> Any:
    """Return what numba compiles for callers by address, kept on disk where a folder can be written to."""
    try:
        return numba.cfunc(signature, cache=True, error_model="numpy")(function)
    except RuntimeError:
        return numba.cfunc(signature, error_model="numpy")(function)


@cache
def operation(function: Callable[..., Any]) -> int:
    """Return the address of an operation, compiled when it is first asked for and kept on disk."""
    code = machine_code(function, OPERATION)
    _KEPT.append(code)
    return int(code.address)


_KEPT: list[Any] = []
