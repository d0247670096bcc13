"""Compiled loops on several threads: how they are compiled, and how their rows are shared out.

Where torch computes with OpenMP, loops run on torch's own threads. These wait for the next operation by looking for it
all the time, so that a second set of threads would have to fight them for the processors.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

from neurosim.cache_folder import compiled

_WORK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
#: OpenMP's threads do not survive a fork, and its runtime does not notice.
_forked = Event()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked.set)


def kept_on_disk(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function with numba, without Python's lock, and keep the result on disk where that can be done."""
    return lambda function: compiled(function, nogil=True, **options)


def in_parts(kernel: Callable[..., None], rows: int, threads: int, *arguments: Any, begin: int = 0) -> None:
    """Run ``kernel(first, last, ...)`` over rows from `begin`, as many parts of them at a time as there are threads.

    Another thread begins some 30 microseconds after this one, 2 of which are OpenMP's: each needs Python's lock before
    its loop. What takes no longer is not worth sharing.
    """
    parts = max(1, min(threads, rows))
    if parts == 1:
        kernel(begin, begin + rows, *arguments)
        return
    edges = [begin + rows * part // parts for part in range(parts + 1)]
    waiting, errors = deque(pairwise(edges)), list[BaseException]()

    def work(_: object = None) -> None:
        while True:
            try:
                first, last = waiting.popleft()
            except IndexError:
                return
            try:
                kernel(first, last, *arguments)
            except BaseException as error:  # an interruption, too, must wait for the other threads
                errors.append(error)

    _run_together(work, parts)
    if errors:
        raise errors[0]


def _run_together(work: Callable[..., None], threads: int) -> None:
    """Call a function on several threads, one of them this one, and return when all calls have."""
    parallel = None if _forked.is_set() else _openmp()
    if parallel is not None:
        parallel(_WORK(work), None, threads, 0)
        return
    helping = [_helpers(os.getpid(), threads - 1).submit(work) for _ in range(threads - 1)]
    work()
    for helper in helping:
        helper.result()


def thread_count() -> int:
    """Return how many threads a run may take: torch's, or as many as torch would have if it were loaded."""
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    given = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(given) if given.isdecimal() and int(given) else _processors()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _openmp() -> Any:
    """Return what starts a parallel region of torch's OpenMP, ``None`` where torch is not loaded or has none."""
    torch = sys.modules.get("torch")
    return None if torch is None else _parallel(*torch.__path__)


@cache
def _parallel(folder: str) -> Any:
    """Return what starts a parallel region of the OpenMP of a torch, ``None`` where there is none like GNU's."""
    for library in sorted((Path(folder) / "lib").glob("libtorch_cpu.*")):
        try:
            parallel = ctypes.CDLL(
                str(library)
            ).GOMP_parallel  # found among the libraries that torch itself is linked to
        except (OSError, AttributeError):
            continue
        parallel.argtypes, parallel.restype = [_WORK, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint], None
        return parallel
    return None


@cache
def _helpers(process: int, count: int) -> ThreadPoolExecutor:
    """Return threads that wait for work; those of the parent are not there in a process that was forked."""
    return ThreadPoolExecutor(count, thread_name_prefix=f"neurosim-{process}")
