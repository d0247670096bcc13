"""The compiled generator gives the bits of the one in numpy, whoever draws how many on how many threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neurosim as ns
from neurosim import philox
from neurosim.cache_folder import compiled
from neurosim.interop.brian2_script.running import normal_pairs
from neurosim.random import _key, _two_draws, noise, philox_words, uniform_from_bits
from neurosim.units import ms


def by_numpy(
    seed: int, path: str, *, trials: tuple[int, int], steps: tuple[int, int], neurons: Any, site: int, kind: str
) -> np.ndarray:
    """Return what `noise` returns, from the generator in numpy."""
    indices = np.asarray(np.arange(neurons) if np.ndim(neurons) == 0 else neurons, dtype=np.uint64)
    step = np.array(range(*steps), dtype=np.uint64)[:, None, None]
    trial = np.arange(*trials, dtype=np.uint64)[:, None]
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    words = philox_words(
        indices >> np.uint64(1), trial, step & low, step >> half, *_key(b"neurosim.noise", seed, path, site)
    )
    first, second = _two_draws(*words)
    if kind == "uniform":
        return uniform_from_bits(np.where(indices & np.uint64(1), second, first))
    both = normal_pairs(np.stack([first.ravel(), second.ravel()], axis=1)).reshape(*first.shape, 2)
    return np.where(indices & np.uint64(1), both[..., 1], both[..., 0])


@given(
    seed=st.integers(0, 2**64 - 1),
    path=st.text(max_size=5),
    trial=st.integers(0, 2**32 - 4),
    step=st.one_of(st.integers(0, 2**64 - 8), st.sampled_from([2**32 - 3, 2**64 - 8])),
    neurons=st.one_of(st.integers(0, 9), st.lists(st.integers(0, 2**32 - 1), max_size=9)),
    site=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["normal", "uniform"]),
)
def test_the_bits_of_numpy(seed: int, path: str, trial: int, step: int, neurons: Any, site: int, kind: str) -> None:
    where: dict[str, Any] = {
        "trials": (trial, trial + 3), "steps": (step, step + 7), "neurons": neurons, "site": site, "kind": kind,
    }  # fmt: skip
    found = noise(seed, path, **where)
    expected = by_numpy(seed, path, **where)
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_many_draws_have_the_bits_of_numpy(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for several threads, and more neurons than are drawn at once."""
    monkeypatch.setattr(philox, "DRAWS_OF_A_THREAD", 2**16)
    where: dict[str, Any] = {"trials": (2, 5), "steps": (7, 107), "neurons": range(3, 1004), "site": 1, "kind": kind}
    found = noise(3, "exc", **where)
    assert found.size > 4 * philox.DRAWS_OF_A_THREAD
    assert found.tobytes() == by_numpy(3, "exc", **where).tobytes()


@pytest.mark.parametrize("threads", [1, 2, 3, 64])
@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_threads_change_nothing(threads: int, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where: dict[str, Any] = {"trials": (0, 3), "steps": (5, 16), "neurons": 40, "kind": kind}
    alone = noise(1, "exc", **where)
    monkeypatch.setattr(philox, "DRAWS_OF_A_THREAD", 10)
    monkeypatch.setattr(philox.numba.config, "NUMBA_NUM_THREADS", threads)
    filled: set[int] = set()
    fill = philox.fill

    def watched(*arguments: Any) -> None:
        filled.add(arguments[1])
        fill(*arguments)

    monkeypatch.setattr(philox, "fill", watched)
    assert noise(1, "exc", **where).tobytes() == alone.tobytes()
    assert len(filled) == min(threads, 33)  # one stretch of rows a thread


def test_threads_of_the_caller_change_nothing() -> None:
    expected = noise(1, "exc", trials=(0, 2), steps=(0, 50), neurons=200)
    found: list[bytes] = []

    def draw() -> None:
        found.append(noise(1, "exc", trials=(0, 2), steps=(0, 50), neurons=200).tobytes())

    callers = [threading.Thread(target=draw) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert found == [expected.tobytes()] * 4


def test_a_forked_process_draws(tmp_path: Path) -> None:
    """As the workers of torch's loaders do; OpenMP's threads would end it."""
    code = f"""
import os
from pathlib import Path
from neurosim import philox
from neurosim.cache_folder import compiled
from neurosim.random import noise
philox.DRAWS_OF_A_THREAD = 10
where = dict(trials=(0, 2), steps=(0, 50), neurons=20)
expected = noise(1, "exc", **where).tobytes()
child = os.fork()
if child == 0:
    Path({str(tmp_path / "drawn")!r}).write_bytes(noise(1, "exc", **where).tobytes())
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert Path({str(tmp_path / "drawn")!r}).read_bytes() == expected
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_machine_code_is_kept_on_disk(tmp_path: Path) -> None:
    code = (
        "from neurosim.random import noise; from neurosim import philox;"
        "noise(1, 'exc', trials=(0, 1), steps=(0, 1), neurons=2);"
        "print(sum(philox.fill.stats.cache_hits.values()), sum(philox.fill.stats.cache_misses.values()))"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        ).stdout.split()
        for _ in range(2)
    ]  # fmt: skip
    assert told == [["0", "1"], ["1", "0"]]


def test_machine_code_need_not_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba refuses to keep any where neither the package's folder nor the user's own can be written to."""
    njit = philox.numba.njit

    def nowhere(function: Any, **options: Any) -> Any:
        if options.pop("cache", False):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(function, **options)

    monkeypatch.setattr(philox.numba, "njit", nowhere)
    assert compiled(lambda number: 2 * number, nogil=True)(3) == 6


def test_only_a_run_that_draws_loads_numba() -> None:
    code = """
import sys
import neurosim as ns
from neurosim.units import ms
circuit = ns.Circuit("quiet", dt=1 * ms)
circuit.population("cells", 2, ns.models.izhikevich())
ns.simulate(circuit, 3 * ms)
before = "numba" in sys.modules
circuit = ns.Circuit("noisy", dt=1 * ms)
circuit.population("cells", 2, ns.models.izhikevich_map(noise_std=5.0))
ns.simulate(circuit, 3 * ms)
sys.exit(10 * before + ("numba" in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr


@pytest.mark.parametrize("backend", ["brian2", "snntorch"])
def test_noise_of_a_run_depends_on_nothing_else(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither on threads, nor on the other trials, nor on what is recorded, nor on where the run is parted."""
    circuit = ns.Circuit("noisy", dt=1 * ms)
    circuit.population("cells", 30, ns.models.izhikevich_map(noise_std=6.0))
    whole = ns.simulate(circuit, 60 * ms, backend=backend, seed=4, trials=3, record={"cells": ["spikes", "v"]})
    monkeypatch.setattr(philox, "DRAWS_OF_A_THREAD", 10)
    monkeypatch.setattr(philox.numba.config, "NUMBA_NUM_THREADS", 3)
    first = ns.simulate(circuit, 23 * ms, backend=backend, seed=4, trials=3, record={"cells": "v"})
    rest = ns.simulate(circuit, 37 * ms, backend=backend, seed=4, trials=3, record=[], state=first.state)
    alone = ns.simulate(circuit, 60 * ms, backend=backend, seed=4, record={"cells": ["spikes", "v"]})
    assert rest.state == whole.state
    assert len(whole.spikes["cells"]) > 20
    assert np.array_equal(first["cells"]["v"].values, whole["cells"]["v"].values[:, :23])
    assert np.array_equal(alone["cells"]["v"].values[0], whole["cells"]["v"].values[0])
    assert np.array_equal(alone.spikes["cells"].times, whole.spikes["cells"].of_trial(0).times)
