"""What the machine can do: bytes a second in its caches and in memory, and the rate of a product of matrices.

Bandwidth is that of arrays that are updated in place, as simulations update their state: every byte that is read is
written back, and nothing else moves. A triad would move more than it counts, as the lines that it overwrites are
fetched first. Between caches the two directions do not share a way; to memory they do.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

#: Numbers in each of three arrays: together 384 KiB, and 384 MiB.
CACHED, STREAMED = 2**14, 2**24
#: Numbers between two arrays: what is read is then not taken for what was just written a multiple of 4 KiB away.
APART = 72
#: Bytes of a line of the cache: an array begins with one, so that no vector lies on two.
LINE = 64
#: Rows of the matrices.
SIZE = 1024


@numba.njit
def _part(a: Any, b: Any, c: Any, factor: float, times: int) -> None:
    for _ in range(times):
        for place in range(a.size):
            a[place] *= factor
            b[place] *= factor
            c[place] *= factor


@numba.njit(parallel=True)
def scale(a: Any, b: Any, c: Any, factor: float, times: int, parts: int) -> None:
    """Multiply three arrays by a factor, again and again, each thread its own part."""
    n = a.size // parts
    for part in numba.prange(parts):
        here = slice(part * n, (part + 1) * n)
        _part(a[here], b[here], c[here], factor, times)


def three(n: int) -> list[NDArray[np.float64]]:
    """Return three arrays of ones."""
    memory = np.ones(3 * (n + APART) + LINE // 8)
    first = -memory.ctypes.data % LINE // 8
    return [memory[begin : begin + n] for begin in range(first, first + 3 * (n + APART), n + APART)]


class Side:
    """The measurements."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.threads = int(settings["threads"])
        self.found: dict[str, Any] = {}

    def bandwidth(self, size: int) -> float:
        """Return bytes read per second while as many are written back, the best of several."""
        n = size * self.threads if size == CACHED else size
        a, b, c = three(n)
        times = max(1, 2**26 // n)
        scale(a, b, c, 1.0, 1, self.threads)
        best = np.inf
        for _ in range(5):
            start = time.perf_counter()
            scale(a, b, c, 1.0, times, self.threads)
            best = min(best, time.perf_counter() - start)
        return float(3 * a.nbytes * times / best)

    def run(self) -> None:
        """Measure."""
        import torch

        torch.set_num_threads(self.threads)
        matrix = torch.rand(SIZE, SIZE)
        matrix @ matrix
        best = np.inf
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(5):
                matrix @ matrix
            best = min(best, time.perf_counter() - start)
        self.found = {
            "cache_bandwidth": self.bandwidth(CACHED), "memory_bandwidth": 2 * self.bandwidth(STREAMED),
            "flops": 5 * 2 * SIZE**3 / best,
        }  # fmt: skip

    def result(self) -> dict[str, Any]:
        """Return what was measured."""
        return {name: np.asarray(value) for name, value in self.found.items()}
