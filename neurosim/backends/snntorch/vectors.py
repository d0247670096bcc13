"""What compiled loops do with many numbers in one instruction, where a compiler does not find it by itself.

The code is LLVM's own, without any processor's instructions in it: each processor gets those that it has. Bits are the
first lowest, and bytes too, as on every processor that numba compiles for.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import core
from numba.extending import intrinsic

types: Any = core.types
_WORD, _PLACE = ir.IntType(64), ir.IntType(32)
#: Numbers whose flags are taken together, and bytes that their bits take.
LANES, BYTES = 64, 8
#: Bytes of a sum that stay in registers while lines are added to it: half of the smallest set of registers.
ROOM = 256


def _address(context: Any, builder: Any, kind: Any, array: Any, place: Any, vector: Any) -> Any:
    """Return where a vector begins in an array of one axis."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [place]), vector.as_pointer())


def _load(builder: Any, address: Any) -> Any:
    """Load a vector from an address that need not be aligned."""
    found = builder.load(address)
    found.align = 1
    return found


def _compared(lanes: int, number: float) -> Any:
    """Return the function that tells which of some numbers, from a place on, differ from one number, as bits."""

    def differ(typing: Any, array: Any, place: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = signature.args[0]
            element = context.get_value_type(kind.dtype)
            stored = context.get_data_type(kind.dtype)
            vector = ir.VectorType(stored, lanes)
            loaded = _load(builder, _address(context, builder, kind, arguments[0], arguments[1], vector))
            if isinstance(element, (ir.FloatType, ir.DoubleType)):
                found = builder.fcmp_unordered("!=", loaded, ir.Constant(vector, [number] * lanes))
            else:
                found = builder.icmp_unsigned("!=", loaded, ir.Constant(vector, [int(number)] * lanes))
            bits = builder.bitcast(found, ir.IntType(lanes))
            return bits if lanes == LANES else builder.zext(bits, _WORD)

        return types.uint64(array, types.int64), code

    return intrinsic(differ)


#: Which of the next :data:`LANES` or 8 numbers are not 0, and which are not 1.
not_zero: Any = _compared(LANES, 0)
eight_not_zero: Any = _compared(8, 0)
not_one: Any = _compared(LANES, 1)
eight_not_one: Any = _compared(8, 1)


def _word_at(typing: Any, array: Any, place: Any) -> Any:
    """Return eight bytes of an array as one number."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _load(builder, _address(context, builder, signature.args[0], arguments[0], arguments[1], _WORD))

    return types.uint64(array, types.int64), code


def _put_word(typing: Any, array: Any, place: Any, word: Any) -> Any:
    """Write a number as eight bytes of an array."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], arguments[0], arguments[1], _WORD)
        builder.store(arguments[2], address).align = 1
        return context.get_dummy_value()

    return types.void(array, types.int64, types.uint64), code


def _put_flags(typing: Any, array: Any, place: Any, word: Any) -> Any:
    """Write the bits of a number as :data:`LANES` flags of a byte each."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.IntType(8), LANES)
        bits = builder.bitcast(arguments[2], ir.VectorType(ir.IntType(1), LANES))
        address = _address(context, builder, signature.args[0], arguments[0], arguments[1], vector)
        builder.store(builder.zext(bits, vector), address).align = 1
        return context.get_dummy_value()

    return types.void(array, types.int64, types.uint64), code


def _turn_words(typing: Any, words: Any) -> Any:
    """Turn over a square of bits: :data:`LANES` numbers, of which bit i of number j becomes bit j of number i.

    Squares within it change places, each of half the side of those before (Warren, Hacker's Delight, section 7-3).
    """

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(_WORD, LANES)
        nowhere = ir.Constant(_WORD, 0)
        address = _address(context, builder, signature.args[0], arguments[0], nowhere, vector)
        words = _load(builder, address)
        side = LANES // 2
        while side:
            low = sum(1 << bit for bit in range(LANES) if not bit & side)
            lows, highs, by = (ir.Constant(vector, [number] * LANES) for number in (low, low << side, side))
            partner = ir.Constant(ir.VectorType(_PLACE, LANES), [lane ^ side for lane in range(LANES)])
            others = builder.shuffle_vector(words, ir.Constant(vector, ir.Undefined), partner)
            upper = builder.or_(builder.and_(words, lows), builder.shl(builder.and_(others, lows), by))
            lower = builder.or_(builder.and_(words, highs), builder.lshr(builder.and_(others, highs), by))
            below = ir.Constant(ir.VectorType(ir.IntType(1), LANES), [int(bool(lane & side)) for lane in range(LANES)])
            words = builder.select(below, lower, upper)
            side //= 2
        builder.store(words, address).align = 1
        return context.get_dummy_value()

    return types.void(words), code


def _first_bit(typing: Any, word: Any) -> Any:
    """Return the place of the lowest bit that is set; any number where none is."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), code


def _count_ones(typing: Any, word: Any) -> Any:
    """Return how many bits of a number are set."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), code


def _line_sums(size: int, *, weighted: bool) -> Any:
    """Return the function that adds lines to a stretch of a row of `size` bytes, all in registers.

    It is given the row, the place where the stretch begins, whether to go on from what stands there or from 0, the
    first event and the one after the last, the line that each event names, the lines (line, column), and the factors of
    the events if they are `weighted`. Every number is added to by one event after another.
    """

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        row, place, more, first, last, index, lines, *factors = arguments
        element = context.get_data_type(kinds[0].dtype)
        vector = ir.VectorType(element, size // context.get_abi_sizeof(element))
        target = _address(context, builder, kinds[0], row, place, vector)
        table = context.make_array(kinds[6])(context, builder, lines)
        base = builder.ptrtoint(builder.gep(table.data, [place]), _WORD)
        stride = builder.extract_value(table.strides, 0)
        start = builder.block
        head, body, done = (builder.append_basic_block(name) for name in ("head", "body", "done"))
        before = builder.select(more, _load(builder, target), ir.Constant(vector, None))
        builder.branch(head)
        builder.position_at_end(head)
        event, total = builder.phi(_WORD), builder.phi(vector)
        event.add_incoming(first, start)
        total.add_incoming(before, start)
        builder.cbranch(builder.icmp_signed("<", event, last), body, done)
        builder.position_at_end(body)
        named = _element(context, builder, kinds[5], index, event)
        line = builder.add(base, builder.mul(builder.sext(named, _WORD), stride))
        amount = _load(builder, builder.inttoptr(line, vector.as_pointer()))
        for kind, values in zip(kinds[7:], factors, strict=True):
            factor = _element(context, builder, kind, values, event)
            anything, nowhere = ir.Constant(vector, ir.Undefined), ir.Constant(_PLACE, 0)
            one = builder.insert_element(anything, factor, nowhere)
            same = builder.shuffle_vector(one, anything, ir.Constant(ir.VectorType(_PLACE, vector.count), None))
            amount = builder.fmul(same, amount)
        total.add_incoming(builder.fadd(total, amount), body)
        event.add_incoming(builder.add(event, ir.Constant(_WORD, 1)), body)
        builder.branch(head)
        builder.position_at_end(done)
        builder.store(total, target).align = 1
        return context.get_dummy_value()

    def plain(typing: Any, row: Any, place: Any, more: Any, first: Any, last: Any, index: Any, lines: Any) -> Any:
        return types.void(row, types.int64, types.boolean, types.int64, types.int64, index, lines), emit

    def factored(
        typing: Any, row: Any, place: Any, more: Any, first: Any, last: Any, index: Any, lines: Any, value: Any
    ) -> Any:
        return types.void(row, types.int64, types.boolean, types.int64, types.int64, index, lines, value), emit

    return intrinsic(factored if weighted else plain)


def _element(context: Any, builder: Any, kind: Any, array: Any, place: Any) -> Any:
    return builder.load(builder.gep(context.make_array(kind)(context, builder, array).data, [place]))


word_at: Any = intrinsic(_word_at)
put_word: Any = intrinsic(_put_word)
put_flags: Any = intrinsic(_put_flags)
turn_words: Any = intrinsic(_turn_words)
first_bit: Any = intrinsic(_first_bit)
count_ones: Any = intrinsic(_count_ones)
#: Lines added to :data:`ROOM` bytes of a row, to a quarter of them, and to a sixteenth.
line_sums: Any = _line_sums(ROOM, weighted=False)
quarter_line_sums: Any = _line_sums(ROOM // 4, weighted=False)
small_line_sums: Any = _line_sums(ROOM // 16, weighted=False)
#: The same with factors.
weighted_line_sums: Any = _line_sums(ROOM, weighted=True)
quarter_weighted_line_sums: Any = _line_sums(ROOM // 4, weighted=True)
small_weighted_line_sums: Any = _line_sums(ROOM // 16, weighted=True)
