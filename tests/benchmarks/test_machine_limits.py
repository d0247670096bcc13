"""What the machine's limits are measured with."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.benchmarks.sides import machine_limits


def test_bandwidth_counts_what_is_read_of_three_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(machine_limits, "scale", lambda *given: calls.append(given))
    clock = iter(np.arange(10) * 0.5)
    monkeypatch.setattr(machine_limits.time, "perf_counter", lambda: next(clock))
    side = machine_limits.Side({"threads": 2})
    bandwidth = side.bandwidth(machine_limits.CACHED)
    *arrays, _factor, times, parts = calls[-1]
    assert parts == 2
    assert bandwidth == 3 * 8 * 2 * machine_limits.CACHED * times / 0.5
    assert {array.size for array in arrays} == {2 * machine_limits.CACHED}


def test_arrays_begin_with_a_line_and_lie_apart() -> None:
    first, second, third = machine_limits.three(1000)
    places = [array.ctypes.data for array in (first, second, third)]
    assert all(place % machine_limits.LINE == 0 for place in places)
    assert not np.shares_memory(first, second)
    assert not np.shares_memory(second, third)
    places = [array.ctypes.data for array in machine_limits.three(machine_limits.CACHED)]
    assert np.all(np.diff(places) % 4096 >= machine_limits.LINE)


def test_every_thread_updates_its_part() -> None:
    arrays = machine_limits.three(64)
    machine_limits.scale(*arrays, 2.0, 3, 2)
    assert all(np.array_equal(array, np.full(64, 8.0)) for array in arrays)
