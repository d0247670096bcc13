"""Short vectors in compiled loops that stay in registers from one round to the next.

A loop that adds two neighbouring numbers at a place that is looked up, or one that keeps sums of many columns in
registers while it goes through a list, is written with these. A vector lives in a register and never leaves the
function that made it; places are counted in numbers from the start of a contiguous array.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import core
from numba.extending import intrinsic, models, register_model

types: Any = core.types
_INDEX = ir.IntType(32)
#: Numbers of a register of this size are computed at once: two instructions where a processor has half of it.
REGISTER = 64 if dict(llvm.get_host_cpu_features()).get("avx512f") else 32
#: Rows and columns of a square that is turned over at once.
SQUARE = 8


class Vector(types.Type):  # type: ignore[misc]
    """Some numbers of one kind, side by side."""

    def __init__(self, element: Any, count: int) -> None:
        self.element, self.count = element, count
        super().__init__(name=f"Vector({element}, {count})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        vector = ir.VectorType(manager[kind.element].get_value_type(), kind.count)
        super().__init__(manager, kind, vector)  # type: ignore[no-untyped-call]


def lanes(itemsize: int) -> int:
    """Return how many numbers of a size a wide vector holds."""
    return REGISTER // itemsize


def _wide(number: Any) -> int:
    return lanes(number.bitwidth // 8)


def _address(context: Any, builder: Any, kind: Any, array: Any, place: Any, count: int) -> Any:
    """Return where a vector starts in an array."""
    data = context.make_array(kind)(context, builder, array).data
    vector = ir.VectorType(context.get_value_type(kind.dtype), count)
    return builder.bitcast(builder.gep(data, [place]), vector.as_pointer())


def _loaded(context: Any, builder: Any, kind: Any, array: Any, place: Any, count: int) -> Any:
    found = builder.load(_address(context, builder, kind, array, place, count))
    found.align = kind.dtype.bitwidth // 8  # a vector may start at any number
    return found


def _stored(context: Any, builder: Any, kind: Any, array: Any, place: Any, value: Any) -> None:
    builder.store(value, _address(context, builder, kind, array, place, value.type.count)).align = (
        kind.dtype.bitwidth // 8
    )


def _filled(builder: Any, vector: Any, numbers: list[Any]) -> Any:
    found = ir.Constant(vector, ir.Undefined)
    for place, number in enumerate(numbers):
        found = builder.insert_element(found, number, ir.Constant(_INDEX, place))
    return found


def _load_of(count: int) -> Any:
    def load(typing: Any, array: Any, place: Any) -> Any:
        """Return the vector that starts at a place of an array."""
        size = count or _wide(array.dtype)

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _loaded(context, builder, array, arguments[0], arguments[1], size)

        return Vector(array.dtype, size)(array, types.uint64), code

    return intrinsic(load)


def _store(typing: Any, array: Any, place: Any, vector: Any) -> Any:
    """Write a vector at a place of an array."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _stored(context, builder, array, *arguments)
        return context.get_dummy_value()

    return types.void(array, types.uint64, vector), code


def _pair(typing: Any, first: Any, second: Any) -> Any:
    """Return the vector of two numbers."""
    kind = Vector(first, 2)

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _filled(builder, context.get_value_type(kind), list(arguments))

    return kind(first, first), code


def _full_of(count: int) -> Any:
    def full(typing: Any, number: Any) -> Any:
        """Return a vector of equal numbers."""
        kind = Vector(number, count or _wide(number))

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _filled(builder, context.get_value_type(kind), [arguments[0]] * kind.count)

        return kind(number), code

    return intrinsic(full)


def _element_of(place: int) -> Any:
    def element(typing: Any, vector: Any) -> Any:
        """Return a number of a vector."""

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.extract_element(arguments[0], ir.Constant(_INDEX, place))

        return vector.element(vector), code

    return intrinsic(element)


def _plus(typing: Any, one: Any, other: Any) -> Any:
    """Return the sum of two vectors."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fadd(*arguments)

    return one(one, one), code


def _plus_product(typing: Any, one: Any, factor: Any, other: Any) -> Any:
    """Return a vector plus the product of two others, rounded once where the processor can."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        product = builder.fmul(*arguments[1:], flags=("contract",))
        return builder.fadd(arguments[0], product, flags=("contract",))

    return one(one, one, one), code


def _turn_square(typing: Any, source: Any, place: Any, step: Any, into: Any, there: Any, stride: Any) -> Any:
    """Write the columns of a square of an array as rows of another, both of them given by place and step of rows."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, place, step, target, there, stride = arguments
        rows = []
        for _ in range(SQUARE):
            rows.append(_loaded(context, builder, source, array, place, SQUARE))
            place = builder.add(place, step)
        half = SQUARE // 2
        # Row i and row i + half become their mixture, first halves then second ones; after as many rounds as a place
        # has binary digits every number has moved to its column.
        order = [place // 2 + (place % 2) * SQUARE for place in range(2 * SQUARE)]
        for _ in range(SQUARE.bit_length() - 1):
            mixed = []
            for row in range(half):
                for part in (order[:SQUARE], order[SQUARE:]):
                    mask = ir.Constant(ir.VectorType(_INDEX, SQUARE), part)
                    mixed.append(builder.shuffle_vector(rows[row], rows[row + half], mask))
            rows = mixed
        for row in rows:
            _stored(context, builder, into, target, there, row)
            there = builder.add(there, stride)
        return context.get_dummy_value()

    whole = types.uint64
    return types.void(source, whole, whole, into, whole, whole), code


load_pair, load_eight, load_wide = _load_of(2), _load_of(8), _load_of(0)
full_pair, full_eight, full_wide = _full_of(2), _full_of(8), _full_of(0)
first_of, second_of = _element_of(0), _element_of(1)
store: Any = intrinsic(_store)
pair: Any = intrinsic(_pair)
plus: Any = intrinsic(_plus)
plus_product: Any = intrinsic(_plus_product)
turn_square: Any = intrinsic(_turn_square)
