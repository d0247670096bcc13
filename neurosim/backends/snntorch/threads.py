"""Compiled loops on several threads: how they are compiled, and how their rows are shared out."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import numba


def kept_on_disk(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function with numba, without Python's lock, and keep the result on disk where that can be done."""

    def compile_it(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(function, cache=True, nogil=True, **options)
        except RuntimeError:  # no folder to keep it in
            return numba.njit(function, nogil=True, **options)

    return compile_it


def in_parts(kernel: Callable[..., None], rows: int, threads: int, *arguments: Any) -> None:
    """Run ``kernel(first, last, ...)`` over all rows, the first part of them here and the others on helping threads."""
    parts = max(1, min(threads, rows))
    if parts == 1:
        kernel(0, rows, *arguments)
        return
    edges = [rows * part // parts for part in range(parts + 1)]
    helpers = _helpers(os.getpid(), parts - 1)
    others = [helpers.submit(kernel, first, last, *arguments) for first, last in pairwise(edges[1:])]
    try:
        kernel(0, edges[1], *arguments)
    finally:
        for other in others:
            other.result()


@cache
def _helpers(process: int, count: int) -> ThreadPoolExecutor:
    """Return threads that wait for work; those of the parent are not there in a process that was forked."""
    return ThreadPoolExecutor(count, thread_name_prefix=f"neurosim-{process}")
