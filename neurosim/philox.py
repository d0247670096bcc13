"""Philox4x32-10 as numba compiles it: the loop that fills an array with the noise of a run.

`neurosim.random` says what is drawn and defines the generator in numpy; this is its twin for many numbers. Import it
only where it is used: numba takes half a second to load, and machine code is kept on disk from the first use on.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from neurosim.cache_folder import compiled

Words = NDArray[np.uint64]
Floats = NDArray[np.float64]

#: Numbers that a thread should have to draw: some thousandths of a second's work, so that it pays when others work too.
DRAWS_OF_A_THREAD = 2**19

_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ONE = np.uint64(1)
_NONE = np.uint64(2**64 - 1)
_UPPER_53 = np.uint64(11)
_UPPER_52 = np.uint64(12)


def _words(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    for _ in range(10):
        product_0, product_1 = _MULTIPLIER_0 * c0, _MULTIPLIER_1 * c2
        c0, c1 = (product_1 >> _HALF) ^ c1 ^ k0, product_1 & _LOW
        c2, c3 = (product_0 >> _HALF) ^ c3 ^ k1, product_0 & _LOW
        k0, k1 = (k0 + _WEYL_0) & _LOW, (k1 + _WEYL_1) & _LOW
    return c0, c1, c2, c3


philox_words = compiled(_words, inline="always")


def _fill(
    out: Floats, row: int, neurons: Words, step: Any, trial: Any, trials: int, k0: Any, k1: Any, normal: bool
) -> None:
    for line in range(out.shape[0]):
        this_step = step + np.uint64((row + line) // trials)
        this_trial = trial + np.uint64((row + line) % trials)
        known = _NONE
        first = second = np.uint64(0)
        for column in range(neurons.size):
            block = neurons[column] >> _ONE
            if block != known:  # neighbours share a block
                w0, w1, w2, w3 = philox_words(block, this_trial, this_step & _LOW, this_step >> _HALF, k0, k1)
                first, second, known = w0 | w1 << _HALF, w2 | w3 << _HALF, block
            bits = second if neurons[column] & _ONE else first
            if normal:
                out[line, column] = (np.float64(np.int64(bits >> _UPPER_52)) + 0.5) * 2.0**-52
            else:
                out[line, column] = np.float64(np.int64(bits >> _UPPER_53)) * 2.0**-53


fill = compiled(_fill, nogil=True)


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
    Compiled are whole numbers and exact arithmetic only. What is not exact, the inverse distribution function of normal
    draws, is scipy's on every path: a compiler's own logarithm differs in the last bit from machine to machine.

    The threads are Python's, and end with the call. Numba's own would stay, and end a process that was forked from
    this one, as the workers of torch's loaders are.
    """
    n_rows = len(out)
    config: Any = numba.config  # which numba fills from the environment
    threads = config.NUMBA_NUM_THREADS if threads is None else threads
    parts = max(1, min(threads, n_rows, out.size // DRAWS_OF_A_THREAD))
    edges = [n_rows * part // parts for part in range(parts + 1)]

    def draw(first: int, last: int) -> None:
        rows = out[first:last]
        fill(rows, first, neurons, np.uint64(step), np.uint64(trial), trials, *key, normal)
        if normal:
            from scipy.special import ndtri

            ndtri(rows, out=rows)

    if parts == 1:
        draw(0, n_rows)
        return
    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(draw, edges[:-1], edges[1:]))
