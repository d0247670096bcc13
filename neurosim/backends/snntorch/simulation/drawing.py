"""Random numbers drawn inside the loop over steps: noise, counts of Poisson inputs, spikes of Poisson sources.

The generator is that of :mod:`neurosim.philox`, the bits are those of :func:`neurosim.random.noise`. Counts invert the
distribution function as :func:`neurosim.backends.poisson.poisson_counts` does; a coarse table says where to begin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.backends.poisson import TABLES, distribution
from neurosim.backends.snntorch.simulation.operating import ALL, FIELDS, carray, compiled_function
from neurosim.backends.snntorch.simulation.pointers import at_address
from neurosim.philox import draw_pairs, normal_pairs, philox_words, uniform_pairs

#: Entries of the coarse table.
COARSE = 1024

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_UPPER_53 = np.uint64(11)


def _draw(raw: Any, first: int, step: int, trial: int, key_0: int, key_1: int) -> None:
    """Draw 64 bits for each of some neurons from an even one on; the loop is one that compilers vectorise."""
    late, later, which = np.uint64(step) & _LOW, np.uint64(step) >> _HALF, np.uint64(trial) & _LOW
    k0, k1 = np.uint64(key_0) & _LOW, np.uint64(key_1) & _LOW
    for pair in range(raw.size // 2):
        block = np.uint64(first // 2 + pair) & _LOW
        w0, w1, w2, w3 = philox_words(block, which, late, later, k0, k1)
        raw[2 * pair], raw[2 * pair + 1] = w0 | w1 << _HALF, w2 | w3 << _HALF


def _uniform(bits: Any) -> float:
    return np.float64(np.int64(bits >> _UPPER_53)) * 2.0**-53


def _noise_pairs(line: Any, home: Any, step: int, normal: bool) -> None:
    """Fill a variable with noise: normal numbers or uniform ones."""
    op, memory = carray(line, FIELDS), carray(home, ALL)
    base, offset, stride, width, n = op[3], op[4], op[5], op[6], op[9]
    k0, k1, trial = np.uint64(op[11]), np.uint64(op[12]), np.uint64(op[13])
    raw, blocks = carray(at_address(op[14]), width, np.uint64), carray(at_address(op[15]), (n + 1) // 2, np.uint64)
    for block in range(op[7], op[8]):
        some = blocks[block * width // 2 : (block + 1) * width // 2]
        first, second = raw[: some.size], raw[some.size : 2 * some.size]
        draw_pairs(first, second, some, np.uint64(step), trial, k0, k1)
        place = base + block * stride + offset
        if normal:
            normal_pairs(first, second, memory[place : place + width])
        else:
            uniform_pairs(first, second, memory[place : place + width])


draw, uniform, noise_pairs = (compiled_function(item) for item in (_draw, _uniform, _noise_pairs))


def uniform_noise(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Fill a variable with numbers between 0 and 1."""
    noise_pairs(line, home, step, False)


def normal_noise(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Fill a variable with normal numbers."""
    noise_pairs(line, home, step, True)


def count(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Add weight times a Poisson count to a variable, where neurons are not refractory."""
    op, memory = carray(line, FIELDS), carray(home, ALL)
    base, offset, stride, width, first, last, n, active = op[3], op[4], op[5], op[6], op[7], op[8], op[9], op[10]
    raw = carray(at_address(op[14]), width, np.uint64)
    which = carray(at_address(op[15]), n, np.int32)
    weights = carray(at_address(op[16]), n, np.float64)
    tables = carray(at_address(op[1]), (op[2], op[17]), np.float64)
    coarse = carray(at_address(op[18]), (op[2], COARSE), np.int32)
    for block in range(first, last):
        place, begin = base + block * stride, block * width
        draw(raw, begin, step, op[13], op[11], op[12])
        variable = memory[place + offset : place + offset + min(width, n - begin)]
        awake = memory[place + max(active, 0) : place + max(active, 0) + width]
        kinds, sizes = which[begin : begin + variable.size], weights[begin : begin + variable.size]
        for lane in range(variable.size):
            number, kind = uniform(raw[lane]), np.uint64(kinds[lane])
            found = np.uint64(coarse[kind, np.uint64(number * COARSE)])
            while tables[kind, found] < number:
                found += np.uint64(1)
            old = variable[lane]
            new = old + np.float64(found) * sizes[lane]
            variable[lane] = new if active < 0 or awake[lane] != 0.0 else old


def count_some(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Add weight times a Poisson count to a variable of some neurons only, where they are not refractory."""
    op, memory = carray(line, FIELDS), carray(home, ALL)
    base, offset, stride, width, active, n = op[3], op[4], op[5], op[6], op[10], op[20]
    first, last = op[7], op[8]
    raw = carray(at_address(op[14]), width, np.uint64)
    which = carray(at_address(op[15]), n, np.int32)
    weights = carray(at_address(op[16]), n, np.float64)
    tables = carray(at_address(op[1]), (op[2], op[17]), np.float64)
    coarse = carray(at_address(op[18]), (op[2], COARSE), np.int32)
    chosen = carray(at_address(op[19]), n, np.int64)
    for begin in range(op[21], op[22], width):
        draw(raw, begin, step, op[13], op[11], op[12])
        for lane in range(min(width, n - begin)):
            block = chosen[begin + lane] // width
            if block < first or block >= last:
                continue
            number, kind = uniform(raw[lane]), np.uint64(which[begin + lane])
            found = np.uint64(coarse[kind, np.uint64(number * COARSE)])
            while tables[kind, found] < number:
                found += np.uint64(1)
            place = base + block * stride + chosen[begin + lane] % width
            if active < 0 or memory[place + active] != 0.0:
                memory[place + offset] += np.float64(found) * weights[begin + lane]


def emit(line: Any, home: Any, column: int, step: int, start: int, time: float) -> None:
    """Note which neurons of a Poisson source spike."""
    op = carray(line, FIELDS)
    n, width = op[9], op[6]
    raw = carray(at_address(op[14]), width, np.uint64)
    chances = carray(at_address(op[15]), n, np.float64)
    spikes = carray(at_address(op[16]), op[18], np.int32)
    bounds = carray(at_address(op[17]), column + 2, np.int64)
    found = bounds[column]
    for begin in range(0, n, width):
        draw(raw, begin, step, op[13], op[11], op[12])
        for lane in range(min(width, n - begin)):
            if uniform(raw[lane]) < chances[begin + lane]:
                spikes[found] = begin + lane
                found += 1
    bounds[column + 1] = found


def count_tables(means: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32]] | None:
    """Return what counts are inverted with, ``None`` where there are too many different means.

    Parameters
    ----------
    means
        Mean count of each neuron, (n,).

    Returns
    -------
    tuple
        Distribution functions (table, count); the first count whose function reaches each 1024th, (table, 1024); and
        the table of each neuron, (n,).
    """
    values, which = np.unique(means, return_inverse=True)
    if len(values) > TABLES:
        return None
    functions = [distribution(value) if value > 0 else np.ones(1) for value in values]
    tables = np.ones((len(values), max(len(function) for function in functions) + 1))
    for table, function in zip(tables, functions, strict=True):
        table[: len(function)] = function
    steps = np.arange(COARSE) / COARSE
    coarse = np.array([np.searchsorted(table, steps, side="left") for table in tables])
    return tables, coarse.astype(np.int32), which.reshape(-1).astype(np.int32)
