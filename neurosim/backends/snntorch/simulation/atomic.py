"""Whole numbers that several threads read and write, in compiled code: what the loop over windows waits on."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

from llvmlite import ir
from numba import core
from numba.extending import intrinsic

types: Any = core.types
_WORD = ir.IntType(64)


def _place(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, _WORD.as_pointer())


def _fetch_add(typing: Any, address: Any, more: Any) -> Any:
    """Add to a number and return what it was; what was written before is seen by who reads the sum."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.atomic_rmw("add", _place(builder, arguments[0]), arguments[1], "seq_cst")

    return types.int64(types.int64, types.int64), code


def _read(typing: Any, address: Any) -> Any:
    """Return a number, and see what was written before it."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_place(builder, arguments[0]), "seq_cst", 8)

    return types.int64(types.int64), code


def _publish(typing: Any, address: Any, value: Any) -> Any:
    """Write a number for others to read, with all that was written before."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store_atomic(arguments[1], _place(builder, arguments[0]), "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), code


def _give_way(typing: Any, function: Any) -> Any:
    """Call a function without arguments by address."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [])
        return context.get_dummy_value()

    return types.void(types.int64), code


fetch_add: Any = intrinsic(_fetch_add)
read: Any = intrinsic(_read)
publish: Any = intrinsic(_publish)
give_way: Any = intrinsic(_give_way)


@cache
def yielding() -> int:
    """Return the address of the system's function that lets other threads run, 0 where there is none."""
    try:
        if sys.platform == "win32":
            function = ctypes.windll.kernel32.SwitchToThread
        else:
            function = ctypes.CDLL(None).sched_yield
    except (OSError, AttributeError):
        return 0
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)
