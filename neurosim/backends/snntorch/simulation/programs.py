"""Generated programs as machine code."""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np

from neurosim.backends.snntorch.compiled_modules import imported
from neurosim.backends.snntorch.simulation.lanes import numpy_functions
from neurosim.backends.snntorch.simulation.pointers import EDGE_PROGRAM, PROGRAM, loop_of
from neurosim.program.straight_line import Uncovered


@cache
def compiled_program(text: str, *, of_edges: bool = False) -> Any:
    """Return a program as machine code, with its ``address``; it is kept on disk for the next process.

    Parameters
    ----------
    text
        A module with a function ``program`` of the arguments :data:`PROGRAM`.
    of_edges
        Its arguments are :data:`EDGE_PROGRAM`.
    """
    return numba.cfunc(EDGE_PROGRAM if of_edges else PROGRAM, cache=True, error_model="numpy")(
        imported(text, "neurosim_simulation").program
    )


@cache
def function_table(names: tuple[str, ...]) -> np.ndarray:
    """Return addresses of functions of the equation language and of their data, alternating, int64.

    Raises
    ------
    Uncovered
        If numpy's loop of one is not found.
    """
    known, found = numpy_functions(), list[int]()
    for name in names:
        loop = loop_of(known[name])
        if loop is None:
            raise Uncovered(name)
        found += loop
    return np.array([*found, 0], dtype=np.uint64).view(np.int64)
