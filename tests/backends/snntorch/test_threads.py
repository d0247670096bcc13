"""Rows are shared out over threads, all of them once, also in a process that was forked."""

from __future__ import annotations

import multiprocessing
import sys
import threading

import numpy as np
import pytest

from neurosim.backends.snntorch import threads as threads_module
from neurosim.backends.snntorch.threads import in_parts


@pytest.fixture(params=["torch's threads", "threads of its own"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "threads of its own":
        monkeypatch.setattr(threads_module, "_openmp", lambda: None)
    elif threads_module._openmp() is None:
        pytest.skip("torch was not built with OpenMP here")


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(("rows", "threads"), [(0, 1), (1, 2), (7, 1), (7, 2), (7, 3), (2, 5)])
def test_every_row_is_done_once(rows: int, threads: int) -> None:
    done = np.zeros(rows, np.int64)
    parts: list[tuple[int, int]] = []

    def kernel(first: int, last: int, into: np.ndarray) -> None:
        parts.append((first, last))
        into[first:last] += 1

    in_parts(kernel, rows, threads, done)
    assert (done == 1).all()
    assert len(parts) == max(1, min(rows, threads))


@pytest.mark.usefixtures("either")
def test_an_error_of_any_part_is_raised_after_all_have_ended() -> None:
    ended = threading.Event()

    def kernel(first: int, last: int) -> None:
        if first == 0:
            raise ZeroDivisionError
        ended.set()

    with pytest.raises(ZeroDivisionError):
        in_parts(kernel, 4, 2)
    assert ended.is_set()

    def other(first: int, last: int) -> None:
        if first:
            raise KeyError(first)

    with pytest.raises(KeyError):
        in_parts(other, 4, 2)


@pytest.mark.usefixtures("either")
def test_parts_run_at_the_same_time() -> None:
    barrier = threading.Barrier(2, timeout=20)
    in_parts(lambda first, last: barrier.wait() and None, 2, 2)
    assert not barrier.broken


def _share(queue: multiprocessing.Queue[int]) -> None:
    done = np.zeros(6, np.int64)

    def kernel(first: int, last: int) -> None:
        done[first:last] += 1

    in_parts(kernel, 6, 2)
    queue.put(int(done.sum()))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    in_parts(lambda first, last: None, 6, 2)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_share, args=(queue,))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    assert queue.get(timeout=5) == 6
