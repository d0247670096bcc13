"""What the machine can do: bandwidth of a triad in its caches and in memory, and the rate of a product of matrices."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numba
import numpy as np

#: Numbers in each of three arrays: together 384 KiB, and 384 MiB.
CACHED, STREAMED = 2**14, 2**24
#: Rows of the matrices.
SIZE = 1024


@numba.njit(fastmath=True)
def _part(a: Any, b: Any, c: Any, times: int) -> None:
    for _ in range(times):
        for place in range(a.size):
            a[place] = b[place] + 3.0 * c[place]


@numba.njit(parallel=True)
def triad(a: Any, b: Any, c: Any, times: int, parts: int) -> None:
    """Do ``a = b + 3*c`` again and again, each thread with its own part."""
    n = a.size // parts
    for part in numba.prange(parts):
        here = slice(part * n, (part + 1) * n)
        _part(a[here], b[here], c[here], times)


class Side:
    """The measurements."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.threads = int(settings["threads"])
        self.found: dict[str, Any] = {}

    def bandwidth(self, size: int) -> float:
        """Return bytes per second, the best of several."""
        n = size * self.threads if size == CACHED else size
        a, b, c = (np.full(n, value) for value in (0.0, 1.0, 2.0))
        times = max(1, 2**27 // n)
        triad(a, b, c, 1, self.threads)
        best = np.inf
        for _ in range(5):
            start = time.perf_counter()
            triad(a, b, c, times, self.threads)
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
            "cache_bandwidth": self.bandwidth(CACHED), "memory_bandwidth": self.bandwidth(STREAMED),
            "flops": 5 * 2 * SIZE**3 / best,
        }  # fmt: skip

    def result(self) -> dict[str, Any]:
        """Return what was measured."""
        return {name: np.asarray(value) for name, value in self.found.items()}
