"""Philox4x32-10 as numba compiles it: the loops that fill arrays with the noise of a run.

`neurosim.random` says what is drawn and defines the generator in numpy; this is its twin for many numbers. Import it
only where it is used: numba takes half a second to load, and machine code is kept on disk from the first use on.

Normal numbers come in pairs, as the coordinates of a point whose distance from 0 and whose direction are drawn (Box and
Muller). Logarithm, sine and cosine are polynomials of this file, the best ones of their degree: additions,
multiplications, divisions and roots that IEEE arithmetic fixes to the last bit, without branches and without calls, so
that compilers vectorise them and every machine gives the same numbers.

References
----------
G. E. P. Box, M. E. Muller: A note on the generation of random normal deviates. Annals of Mathematical Statistics 29,
610-611 (1958), doi:10.1214/aoms/1177706645.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import core
from numba.extending import intrinsic
from numpy.typing import NDArray

from neurosim.cache_folder import compiled

Words = NDArray[np.uint64]
Floats = NDArray[np.float64]

#: Numbers that a thread should have to draw: some thousandths of a second's work, so that it pays when others work too.
DRAWS_OF_A_THREAD = 2**19

#: Pairs of neurons whose numbers are computed at once; what is kept in between stays in the first cache.
PAIRS_AT_ONCE = 256

_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ZERO, _ONE, _TWO = np.uint64(0), np.uint64(1), np.uint64(2)
_UPPER_53 = np.uint64(11)
_UPPER_52 = np.uint64(12)
_SIGN = np.uint64(63)

# The bits of a float: its exponent, its fraction, and those of 1, of the number after it, of 2**52, of sqrt(1/2).
_EXPONENT = np.uint64(52)
_FRACTION = np.uint64(2**52 - 1)
_BITS_OF_ONE = np.uint64(0x3FF0000000000000)
_BITS_OF_NEXT = np.uint64(0x3FF0000000000001)
_BITS_OF_LARGE = np.uint64(0x4330000000000000)
_BITS_OF_ROOT = np.uint64(0x3FE6A09E667F3BCD)
_LARGE_AND_BIAS = 2.0**52 + 1023.0

_core: Any = core


def _float_of(typing: Any, bits: Any) -> Any:
    """Return the float of 64 bits."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return _core.types.float64(_core.types.uint64), code


def _bits_of(typing: Any, number: Any) -> Any:
    """Return the 64 bits of a float."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return _core.types.uint64(_core.types.float64), code


float_of: Any = intrinsic(_float_of)
bits_of: Any = intrinsic(_bits_of)


def _words(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    for _ in range(10):
        product_0, product_1 = _MULTIPLIER_0 * c0, _MULTIPLIER_1 * c2
        c0, c1 = (product_1 >> _HALF) ^ c1 ^ k0, product_1 & _LOW
        c2, c3 = (product_0 >> _HALF) ^ c3 ^ k1, product_0 & _LOW
        k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    return c0, c1, c2, c3


philox_words = compiled(_words, inline="always")


def _draw_pairs(first: Words, second: Words, blocks: Words, step: Any, trial: Any, k0: Any, k1: Any) -> None:
    """Write both draws of 64 bits of some blocks."""
    late, later = step & _LOW, step >> _HALF
    for pair in range(blocks.size):
        w0, w1, w2, w3 = philox_words(blocks[pair], trial, late, later, k0, k1)
        first[pair], second[pair] = w0 | w1 << _HALF, w2 | w3 << _HALF


def _uniform_pairs(first: Words, second: Words, values: Floats) -> None:
    """Write two uniform numbers for each two draws."""
    for pair in range(first.size):
        values[2 * pair] = np.float64(np.int64(first[pair] >> _UPPER_53)) * 2.0**-53
        values[2 * pair + 1] = np.float64(np.int64(second[pair] >> _UPPER_53)) * 2.0**-53


def _normal_pairs(first: Words, second: Words, values: Floats) -> None:
    """Write two normal numbers for each two draws (see `neurosim.random`)."""
    for pair in range(first.size):
        # The distance, sqrt(-2 log(u)). With u = m * 2**e, log(m) is 2 artanh(s) for s = (m - 1)/(m + 1).
        u = float_of((first[pair] >> _UPPER_52) | _BITS_OF_ONE) - (1.0 - 2.0**-53)
        parts = bits_of(u) + (_BITS_OF_ONE - _BITS_OF_ROOT)
        halvings = _LARGE_AND_BIAS - float_of((parts >> _EXPONENT) | _BITS_OF_LARGE)  # -e
        m = float_of((parts & _FRACTION) + _BITS_OF_ROOT)
        s = (m - 1.0) / (m + 1.0)
        square = s * s
        series = 0.2959189962055388 * square + 0.3062810108414364
        series = (series * square + 0.3636712865290759) * square + 0.44444397146360004
        series = (series * square + 0.5714285748477527) * square + 0.7999999999882935
        series = (series * square + 1.3333333333333468) * square + 4.0
        distance = np.sqrt(halvings * 1.3862943611198906 - s * series)
        # The direction, pi/2 g: a quarter of the plane to both sides of an axis. Two bits say of which one.
        g = float_of((second[pair] >> _UPPER_52) | _BITS_OF_NEXT) - 1.5
        square = g * g
        series = 5.633938485968788e-08 * square - 3.598643388267427e-06
        series = (series * square + 0.00016044115075211507) * square - 0.004681754132342263
        series = (series * square + 0.07969262624604308) * square - 0.6459640975062443
        across = distance * (g * (series * square + 1.5707963267948966))
        series = -6.321892428417524e-09 * square + 4.7106156574779583e-07
        series = (series * square - 2.520203699152642e-05) * square + 0.0009192602742250312
        series = (series * square - 0.020863480763315442) * square + 0.2536695079010469
        along = distance * ((series * square - 1.2337005501361697) * square + 1.0)
        along = float_of(bits_of(along) ^ (second[pair] << _SIGN))
        turned = (second[pair] & _TWO) != _ZERO
        values[2 * pair] = across if turned else along
        values[2 * pair + 1] = along if turned else across


draw_pairs, uniform_pairs, normal_pairs = (
    compiled(item, nogil=True, error_model="numpy") for item in (_draw_pairs, _uniform_pairs, _normal_pairs)
)


def _fill(
    out: Floats, row: int, blocks: Words, taken: Any, step: Any, trial: Any, trials: int, k0: Any, k1: Any, normal: bool
) -> None:
    """Fill rows with the numbers of blocks that are taken, in ascending order, some blocks at a time."""
    most = min(blocks.size, PAIRS_AT_ONCE)
    first, second, values = np.empty(most, np.uint64), np.empty(most, np.uint64), np.empty(2 * most)
    for line in range(out.shape[0]):
        this_step = step + np.uint64((row + line) // trials)
        this_trial = trial + np.uint64((row + line) % trials)
        column = 0
        for begin in range(0, blocks.size, PAIRS_AT_ONCE):
            some = blocks[begin : begin + PAIRS_AT_ONCE]
            draw_pairs(first, second, some, this_step, this_trial, k0, k1)
            if normal:
                normal_pairs(first[: some.size], second[: some.size], values)
            else:
                uniform_pairs(first[: some.size], second[: some.size], values)
            while column < taken.size and taken[column] < 2 * (begin + some.size):
                out[line, column] = values[taken[column] - 2 * begin]
                column += 1


fill = compiled(_fill, nogil=True, error_model="numpy")


def _blocks_of(neurons: Words) -> tuple[Words, NDArray[np.int64]]:
    """Return the blocks to draw, and which of their numbers are those of the neurons, ascending."""
    own = neurons >> _ONE
    if neurons.size and np.array_equal(neurons, np.arange(neurons[0], neurons[0] + neurons.size, dtype=np.uint64)):
        begin = int(neurons[0] & _ONE)
        return np.arange(own[0], own[-1] + _ONE, dtype=np.uint64), np.arange(begin, begin + neurons.size)
    return own, 2 * np.arange(neurons.size) + (neurons & _ONE).astype(np.int64)


def fill_noise(
    out: Floats,
    neurons: Words,
    *,
    step: int,
    trial: int,
    trials: int,
    key: tuple[np.uint64, np.uint64],
    normal: bool,
    threads: int | None = None,
) -> None:
    """Fill an array with the noise of a run, on several threads where there is enough of it.

    Parameters
    ----------
    out
        Rows by step, then trial, shape (step * trial, neuron), float64, contiguous.
    neurons
        Indices of the neurons, in any order, shape (neuron,).
    step, trial
        Of the first row.
    trials
        Rows of one step.
    key
        Both words of the key.
    normal
        Normal numbers instead of uniform ones.
    threads
        At most; by default as many as numba would use (``NUMBA_NUM_THREADS``, else the cores of this process).

    Notes
    -----
    The threads are Python's, and end with the call. Numba's own would stay, and end a process that was forked from
    this one, as the workers of torch's loaders are.
    """
    n_rows = len(out)
    config: Any = numba.config  # which numba fills from the environment
    threads = config.NUMBA_NUM_THREADS if threads is None else threads
    parts = max(1, min(threads, n_rows, out.size // DRAWS_OF_A_THREAD))
    edges = [n_rows * part // parts for part in range(parts + 1)]
    blocks, taken = _blocks_of(neurons)

    def draw(first: int, last: int) -> None:
        rows = out[first:last]
        fill(rows, first, blocks, taken, np.uint64(step), np.uint64(trial), trials, *key, normal)

    if parts == 1:
        draw(0, n_rows)
        return
    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(draw, edges[:-1], edges[1:]))
