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
    word_at,
)

Array = NDArray[Any]


@kept_on_disk(forceinline=True)
def note_bits(flags: Array, bits: Array) -> None:
    """Write what is not 0 as bits."""
    n, place = flags.shape[0], 0
    while place + LANES <= n:
        put_word(bits, place // 8, not_zero(flags, place))
        place += LANES
    while place + 8 <= n:
        bits[place // 8] = eight_not_zero(flags, place)
        place += 8
    if place < n:
        byte = 0
        for rest in range(place, n):
            byte |= (flags[rest] != 0) << (rest - place)
        bits[place // 8] = byte


@kept_on_disk(forceinline=True)
def count_others(numbers: Array) -> int:
    """Return how many numbers are neither 0 nor 1."""
    n, place, found = numbers.shape[0], 0, 0
    while place + LANES <= n:
        found += count_ones(not_zero(numbers, place) & not_one(numbers, place))
        place += LANES
    while place + 8 <= n:
        found += count_ones(eight_not_zero(numbers, place) & eight_not_one(numbers, place))
        place += 8
    for rest in range(place, n):
        found += (numbers[rest] != 0) & (numbers[rest] != 1)
    return found


@kept_on_disk()
def read_bits(bits: Array, flags: Array) -> None:
    """Write bits as flags."""
    n, place = flags.shape[0], 0
    while place + LANES <= n:
        put_flags(flags, place, word_at(bits, place // 8))
        place += LANES
    for rest in range(place, n):
        flags[rest] = (bits[rest // 8] >> (rest % 8)) & 1


@kept_on_disk(forceinline=True)
def count_of_bits(bits: Array) -> int:
    """Return how many bits are set."""
    whole, found = bits.shape[0] - bits.shape[0] % BYTES, 0
    for byte in range(0, whole, BYTES):
        found += count_ones(word_at(bits, byte))
    for byte in range(whole, bits.shape[0]):
        found += count_ones(np.uint64(bits[byte]))
    return found


@kept_on_disk(forceinline=True)
def list_word(word: Any, first: int, places: Array, found: int) -> int:
    """Write the places of the bits of a number, which stands for those from `first` on; return how many there are."""
    while word != 0:
        places[found] = first + first_bit(word)
        word &= word - np.uint64(1)
        found += 1
    return found


@kept_on_disk(forceinline=True)
def list_bits(bits: Array, places: Array) -> int:
    """Write the places of the bits that are set; return how many there are."""
    whole, found = bits.shape[0] - bits.shape[0] % BYTES, 0
    for byte in range(0, whole, BYTES):
        found = list_word(word_at(bits, byte), 8 * byte, places, found)
    for byte in range(whole, bits.shape[0]):
        found = list_word(np.uint64(bits[byte]), 8 * byte, places, found)
    return found


@kept_on_disk()
def note_events(flags: Array, events: Array) -> int:
    """Write what is not 0 as a list; return how many there are."""
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


@kept_on_disk()
def count_bits(first: int, last: int, bits: Array, counts: Array) -> None:
    """Write how many bits of each row are set, (row,)."""
    for row in range(first, last):
        counts[row] = count_of_bits(bits[row])


@kept_on_disk()
def find_bits(first: int, last: int, bits: Array, start: Array, column: Array) -> None:
    """Write the columns of the bits that are set in each row, from ``start[row]`` on."""
    for row in range(first, last):
        list_bits(bits[row], column[start[row] :])


@kept_on_disk()
def note_rows(first: int, last: int, rows: Array, bits: Array, counts: Array) -> None:
    """Write what is not 0 in each row as bits, and how many are not 0, and how many of these not 1, (row, 2)."""
    for row in range(first, last):
        note_bits(rows[row], bits[row])
        counts[row, 0], counts[row, 1] = count_of_bits(bits[row]), count_others(rows[row])


@kept_on_disk()
def take_values(first: int, last: int, rows: Array, start: Array, column: Array, value: Array) -> None:
    """Write what stands at each event of the rows."""
    for row in range(first, last):
        line = rows[row]
        for event in range(start[row], start[row + 1]):
            value[event] = line[column[event]]
