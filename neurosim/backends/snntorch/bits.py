"""Flags as bits, 8 to a byte, the first lowest, in compiled loops: written, read, counted, listed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.snntorch.threads import kept_on_disk
from neurosim.backends.snntorch.vectors import (
    BYTES,
    LANES,
    count_ones,
    eight_not_one,
    eight_not_zero,
    first_bit,
    not_one,
    not_zero,
    put_flags,
    put_word,
    turn_words,
    word_at,
)

Array = NDArray[Any]


@kept_on_disk(forceinline=True)
def note_bits(flags: Array, bits: Array) -> None:
    """Write what is not 0 as bits."""
    note_and_count(flags, bits)


@kept_on_disk(forceinline=True)
def note_and_count(numbers: Array, bits: Array) -> tuple[int, int]:
    """Write what is not 0 as bits; return how many that are, and how many of these are not 1."""
    n, place, found, others = numbers.shape[0], 0, 0, 0
    while place + LANES <= n:
        word = not_zero(numbers, place)
        put_word(bits, place // 8, word)
        found += count_ones(word)
        others += count_ones(word & not_one(numbers, place))
        place += LANES
    while place + 8 <= n:
        word = eight_not_zero(numbers, place)
        bits[place // 8] = word
        found += count_ones(word)
        others += count_ones(word & eight_not_one(numbers, place))
        place += 8
    if place < n:
        byte = np.uint64(0)
        for rest in range(place, n):
            is_there = numbers[rest] != 0
            byte |= np.uint64(is_there) << np.uint64(rest - place)
            others += is_there & (numbers[rest] != 1)
        bits[place // 8] = byte
        found += count_ones(byte)
    return found, others


@kept_on_disk(forceinline=True)
def read_bits(bits: Array, flags: Array) -> None:
    """Write bits as flags."""
    n, place = flags.shape[0], 0
    while place + LANES <= n:
        put_flags(flags, place, word_at(bits, place // 8))
        place += LANES
    for rest in range(place, n):
        flags[rest] = (bits[rest // 8] >> (rest % 8)) & 1


@kept_on_disk(forceinline=True)
def word_of(bits: Array, place: int) -> Any:
    """Return a word of a row of bits, with zeros where the row has no more."""
    byte = place * BYTES
    if byte + BYTES <= bits.shape[0]:
        return word_at(bits, byte)
    word = np.uint64(0)
    for rest in range(byte, bits.shape[0]):
        word |= np.uint64(bits[rest]) << np.uint64(8 * (rest - byte))
    return word


@kept_on_disk(forceinline=True)
def count_of_bits(bits: Array) -> int:
    """Return how many bits are set."""
    found = 0
    for place in range((bits.shape[0] + BYTES - 1) // BYTES):
        found += count_ones(word_of(bits, place))
    return found


@kept_on_disk(forceinline=True)
def list_word(word: Any, first: int, places: Array, found: Any) -> Any:
    """Write the places of the bits of a number, which stands for those from `first` on; return how many there are.

    Four are written at a time, whether they are there or not, so that a branch is seldom guessed wrongly: `places` has
    room for three more.
    """
    count = count_ones(word)
    for place in range(found, found + count, 4):
        for each in range(4):
            places[place + each] = first + first_bit(word)
            word &= word - np.uint64(1)
    return found + count


@kept_on_disk(forceinline=True)
def list_bits(bits: Array, places: Array) -> int:
    """Write the places of the bits that are set, in an array with room for three more; return how many there are."""
    found = 0
    for place in range((bits.shape[0] + BYTES - 1) // BYTES):
        found = list_word(word_of(bits, place), LANES * place, places, found)
    return found


@kept_on_disk()
def note_events(flags: Array, events: Array) -> int:
    """Write what is not 0 as a list, in an array with room for three more; return how many there are."""
    n, place, found = flags.shape[0], 0, 0
    while place + LANES <= n:
        found = list_word(not_zero(flags, place), place, events, found)
        place += LANES
    while place + 8 <= n:
        found = list_word(eight_not_zero(flags, place), place, events, found)
        place += 8
    for rest in range(place, n):
        if flags[rest] != 0:
            events[found] = rest
            found += 1
    return found


@kept_on_disk(forceinline=True)
def turned_square(bits: Array, word: int, place: int, square: Array) -> None:
    """Write 64 columns of bits, as words: 64 rows from the `word`-th 64 on, of the `place`-th 64 columns of them."""
    for lane in range(LANES):
        row = word * LANES + lane
        square[lane] = word_of(bits[row], place) if row < bits.shape[0] else np.uint64(0)
    turn_words(square)


@kept_on_disk()
def turn_over(first: int, last: int, bits: Array, turned: Array) -> None:
    """Write the bits of rows, (row, byte), as those of columns, a word for 64 rows: some words of (word, column)."""
    columns = turned.shape[1]
    square = np.empty(LANES, np.uint64)
    for word in range(first, last):
        for place in range((columns + LANES - 1) // LANES):
            turned_square(bits, word, place, square)
            begin = place * LANES
            for lane in range(min(LANES, columns - begin)):
                turned[word, begin + lane] = square[lane]


@kept_on_disk()
def count_bits(first: int, last: int, bits: Array, counts: Array) -> None:
    """Write how many bits of each row are set, (row,)."""
    for row in range(first, last):
        counts[row] = count_of_bits(bits[row])


@kept_on_disk()
def find_bits(first: int, last: int, bits: Array, start: Array, column: Array) -> None:
    """Write the columns of the bits that are set in each row, from ``start[row]`` on."""
    places = np.empty(8 * bits.shape[1] + 3, np.int32)
    for row in range(first, last):
        begin = start[row]
        for event in range(list_bits(bits[row], places)):
            column[begin + event] = places[event]


@kept_on_disk()
def note_rows(first: int, last: int, rows: Array, bits: Array, counts: Array) -> None:
    """Write what is not 0 in each row as bits, and how many are not 0, and how many of these not 1, (2, row)."""
    for row in range(first, last):
        counts[0, row], counts[1, row] = note_and_count(rows[row], bits[row])


@kept_on_disk()
def take_values(first: int, last: int, rows: Array, start: Array, column: Array, value: Array) -> None:
    """Write what stands at each event of the rows."""
    for row in range(first, last):
        line = rows[row]
        for event in range(start[row], start[row + 1]):
            value[event] = line[column[event]]
