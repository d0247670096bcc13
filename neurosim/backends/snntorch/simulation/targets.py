"""Where the targets of edges lie in memory, found from their numbers while edges are gone through.

A population lies in blocks of 2**k neurons, so that a neuron's place is its number and, for each block before its own,
what a block holds beside one variable. Processors find a line of places in a few instructions: nothing is kept for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import core
from numba.extending import intrinsic

from neurosim.backends.snntorch.simulation.operating import written_out

cgutils: Any = core.cgutils
types: Any = core.types

#: Targets on a line of the cache, whose places are found together.
LINE = 16
_PLACE = ir.IntType(32)


def _places_of_line(typing: Any, address: Any, shift: Any, gap: Any) -> Any:
    """Return a pointer to the places of the targets at an address: those of a line, until it is called there again."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        line = ir.VectorType(_PLACE, LINE)
        first, anywhere = ir.Constant(_PLACE, 0), ir.Constant(line, ir.Undefined)
        targets = builder.load(builder.inttoptr(arguments[0], line.as_pointer()), align=4)
        shifts, gaps = (
            builder.shuffle_vector(
                builder.insert_element(anywhere, builder.trunc(number, _PLACE), first),
                anywhere,
                ir.Constant(line, [0] * LINE),
            )
            for number in arguments[1:]
        )
        places = builder.add(targets, builder.mul(builder.lshr(targets, shifts), gaps))
        room = cgutils.alloca_once(builder, line)
        builder.store(places, room, align=4)
        return builder.bitcast(room, cgutils.voidptr_t)

    whole = types.int64
    return types.voidptr(whole, whole, whole), code


def _place_of(target: Any, shift: int, gap: int) -> Any:
    """Return the place of a target."""
    number = np.uint64(target)
    return number + (number >> np.uint64(shift)) * np.uint64(gap)


def _shift_of(width: int) -> int:
    """Return the number k of blocks of 2**k neurons."""
    shift = 0
    while 1 << shift < width:
        shift += 1
    return shift


places_of_line: Any = intrinsic(_places_of_line)
place_of, shift_of = written_out(_place_of), written_out(_shift_of)
