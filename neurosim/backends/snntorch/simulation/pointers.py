"""Calls by address in compiled code: generated programs, and the inner loops of numpy's own functions.

A generated program is machine code whose arguments are the same whatever it computes. The loop over steps is therefore
compiled once for all circuits and calls the programs by address; a circuit of known neuron models compiles nothing.

`exp` and its kin differ in their last bit from library to library. A ufunc of numpy holds, by types, the addresses of
its inner loops (``PyUFuncObject`` in numpy's C API, ``numpy/ufuncobject.h``); called from compiled code they give the
bits that numpy gives.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import core
from numba.extending import intrinsic

cgutils: Any = core.cgutils
types: Any = core.types
_WORD = ir.IntType(64)
_REAL = ir.DoubleType()

#: What every program is given: addresses of the population's block of values, of the constants, of the scratch memory,
#: of the functions that it calls, of flags or indices; a number of lanes, the step and the time.
PROGRAM = types.int64(
    types.CPointer(types.float64),
    types.CPointer(types.float64),
    types.CPointer(types.float64),
    types.CPointer(types.int64),
    types.CPointer(types.uint8),
    types.int64,
    types.int64,
    types.float64,
)


#: What every operation is given: the addresses of its line in the table and of memory, the column of the step's spikes,
#: the step, the first step of the chunk, the time.
OPERATION = types.void(
    types.CPointer(types.int64), types.CPointer(types.float64), types.int64, types.int64, types.int64, types.float64
)

#: What a loop over steps is given: the address of its numbers.
LOOP = types.void(types.CPointer(types.int64))

#: What a program of edges is given: the addresses of memory, of the values of the edges, of constants, scratch memory,
#: functions, of the places of the neurons before and behind each edge, of the edges concerned; how many edges there
#: are, how many are concerned, and the time.
EDGE_PROGRAM = types.int64(
    *(types.CPointer(types.float64),) * 4, types.CPointer(types.int64), *(types.CPointer(types.uint32),) * 3,
    types.int64, types.int64, types.float64,
)  # fmt: skip


class _UFunc(ctypes.Structure):
    """The head of ``PyUFuncObject``."""

    _fields_ = (
        ("references", ctypes.c_ssize_t), ("type", ctypes.c_void_p), ("nin", ctypes.c_int), ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int), ("identity", ctypes.c_int), ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)), ("ntypes", ctypes.c_int),
    )  # fmt: skip


@cache
def loop_of(function: np.ufunc) -> tuple[int, int] | None:
    """Return the address of a ufunc's loop over float64 and that of its data; ``None`` where it is not found.

    What is found is called once and held against the ufunc itself.
    """
    head = _UFunc.from_address(id(function))
    if (head.nin, head.nout, head.ntypes) != (function.nin, function.nout, function.ntypes):
        return None
    wanted = "d" * function.nin + "->d"
    if wanted not in function.types or not head.functions or not head.data:
        return None
    place = function.types.index(wanted)
    address, data = head.functions[place], head.data[place] or 0
    return (address, data) if address and _agrees(function, address, data) else None


def _agrees(function: np.ufunc, address: int, data: int) -> bool:
    """Tell whether a loop gives what its ufunc gives."""
    pointer, size = ctypes.c_void_p, ctypes.c_ssize_t
    first = np.concatenate([np.linspace(-3.0, 3.0, 61), [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-300, 700.0, -745.0]])
    values = [first, *(np.full(first.size, bound) for bound in (-1.5, 2.5)[: function.nin - 1])]
    found = np.zeros(first.size)
    loop = ctypes.CFUNCTYPE(None, ctypes.POINTER(pointer), ctypes.POINTER(size), ctypes.POINTER(size), pointer)(address)
    arrays = (pointer * (function.nin + 1))(*(array.ctypes.data for array in (*values, found)))
    loop(arrays, (size * 1)(first.size), (size * (function.nin + 1))(*(8,) * (function.nin + 1)), data)
    with np.errstate(all="ignore"):
        expected = function(*values)
    return bool(np.array_equal(expected, found, equal_nan=True) and np.all(np.signbit(expected) == np.signbit(found)))


def _run_program(
    typing: Any, program: Any, values: Any, constants: Any, scratch: Any, functions: Any, marks: Any,
    number: Any, step: Any, time: Any,
) -> Any:  # fmt: skip
    """Call a program by address; the arguments are those of :data:`PROGRAM`, pointers as whole numbers."""
    whole = types.int64

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_WORD, [cgutils.voidptr_t] * 5 + [_WORD, _WORD, _REAL])
        address = builder.inttoptr(arguments[0], kind.as_pointer())
        pointers = [builder.inttoptr(item, cgutils.voidptr_t) for item in arguments[1:6]]
        return builder.call(address, [*pointers, *arguments[6:]])

    return whole(*(whole,) * 8, types.float64), code


def _run_edges(
    typing: Any, program: Any, memory: Any, edges: Any, constants: Any, scratch: Any, functions: Any, pre: Any,
    post: Any, chosen: Any, n: Any, number: Any, time: Any,
) -> Any:  # fmt: skip
    """Call a program of edges by address; the arguments are those of :data:`EDGE_PROGRAM`."""
    whole = types.int64

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(_WORD, [cgutils.voidptr_t] * 8 + [_WORD] * 2 + [_REAL])
        address = builder.inttoptr(arguments[0], kind.as_pointer())
        pointers = [builder.inttoptr(item, cgutils.voidptr_t) for item in arguments[1:9]]
        return builder.call(address, [*pointers, *arguments[9:]])

    return whole(*(whole,) * 11, types.float64), code


def _run_operation(typing: Any, line: Any, memory: Any, column: Any, step: Any, start: Any, time: Any) -> Any:
    """Call the operation that a line of the table begins with; the arguments are those of :data:`OPERATION`."""
    whole = types.int64

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t] * 2 + [_WORD] * 3 + [_REAL])
        address = builder.load(builder.inttoptr(arguments[0], kind.as_pointer().as_pointer()))
        pointers = [builder.inttoptr(item, cgutils.voidptr_t) for item in arguments[:2]]
        builder.call(address, [*pointers, *arguments[2:]])
        return context.get_dummy_value()

    return types.void(*(whole,) * 5, types.float64), code


def _call_loop(builder: Any, address: Any, data: Any, arrays: list[Any], strides: list[Any], count: Any) -> None:
    pointer = cgutils.voidptr_t
    kind = ir.FunctionType(ir.VoidType(), [pointer, pointer, pointer, pointer])
    function = builder.inttoptr(address, kind.as_pointer())
    given = cgutils.alloca_once(builder, pointer, size=len(arrays))
    apart = cgutils.alloca_once(builder, _WORD, size=len(arrays))
    for place, (array, stride) in enumerate(zip(arrays, strides, strict=True)):
        at = ir.Constant(_WORD, place)
        builder.store(builder.bitcast(array, pointer), builder.gep(given, [at]))
        builder.store(stride, builder.gep(apart, [at]))
    length = cgutils.alloca_once_value(builder, count)
    builder.call(
        function,
        [builder.bitcast(item, pointer) for item in (given, length, apart)] + [builder.inttoptr(data, pointer)],
    )


def _apply(inputs: int) -> Any:
    """Return the call of a loop with some inputs: (address, data, count, pointer, stride, ..., pointer of results)."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, data, count, *rest = arguments
        strides = [*rest[1 : 2 * inputs : 2], ir.Constant(_WORD, 8)]
        _call_loop(builder, address, data, [*rest[0 : 2 * inputs : 2], rest[-1]], strides, count)
        return context.get_dummy_value()

    array, whole = types.CPointer(types.float64), types.int64
    return types.void(whole, whole, whole, *(array, whole) * inputs, array), code


def _apply_1(typing: Any, address: Any, data: Any, count: Any, first: Any, apart: Any, results: Any) -> Any:
    """Call a loop of one input."""
    return _apply(1)


def _apply_2(
    typing: Any, address: Any, data: Any, count: Any, first: Any, apart: Any, second: Any, apart_2: Any, results: Any
) -> Any:
    """Call a loop of two inputs."""
    return _apply(2)


def _apply_3(
    typing: Any, address: Any, data: Any, count: Any, first: Any, apart: Any, second: Any, apart_2: Any, third: Any,
    apart_3: Any, results: Any,
) -> Any:  # fmt: skip
    """Call a loop of three inputs."""
    return _apply(3)


def _beyond(typing: Any, array: Any, offset: Any) -> Any:
    """Return the address some elements behind another."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.gep(arguments[0], [arguments[1]])

    return array(array, types.int64), code


def _at_address(typing: Any, address: Any) -> Any:
    """Return a whole number as an untyped pointer."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), code


def _bits_as_float(typing: Any, bits: Any) -> Any:
    """Return the float of some bits."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], _REAL)

    return types.float64(types.int64), code


def _float_bits(typing: Any, number: Any) -> Any:
    """Return the bits of a float."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], _WORD)

    return types.int64(types.float64), code


def _address_of(typing: Any, array: Any) -> Any:
    """Return where an array begins."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, value=arguments[0]).data
        return builder.ptrtoint(data, _WORD)

    return types.int64(array), code


def _prefetch(typing: Any, address: Any) -> Any:
    """Ask for the line of the cache at an address, which will be read soon; any address may be given."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number, pointer = ir.IntType(32), cgutils.voidptr_t
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        numbers = [ir.Constant(number, value) for value in (0, 3, 1)]  # to read, near, data
        builder.call(function, [builder.inttoptr(arguments[0], pointer), *numbers])
        return context.get_dummy_value()

    return types.void(types.int64), code


def _address_at(typing: Any, pointer: Any) -> Any:
    """Return a pointer as a whole number."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ptrtoint(arguments[0], _WORD)

    return types.int64(pointer), code


run_operation: Any = intrinsic(_run_operation)
prefetch: Any = intrinsic(_prefetch)
address_at: Any = intrinsic(_address_at)
run_edges: Any = intrinsic(_run_edges)
run_program: Any = intrinsic(_run_program)
apply_1: Any = intrinsic(_apply_1)
apply_2: Any = intrinsic(_apply_2)
apply_3: Any = intrinsic(_apply_3)
beyond: Any = intrinsic(_beyond)
at_address: Any = intrinsic(_at_address)
bits_as_float: Any = intrinsic(_bits_as_float)
float_bits: Any = intrinsic(_float_bits)
address_of: Any = intrinsic(_address_of)
