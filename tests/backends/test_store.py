"""Long runs in a store: the same as without, bounded in memory, and going on after any kind of end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.backends import streaming
from neurosim.backends.interruption import Stop
from neurosim.errors import CircuitError, FileFormatError, RecordError
from neurosim.recording.parts import part_folders
from neurosim.units import ms, mV, second

STEPS = 200
DURATION = STEPS * 0.5 * ms
BACKENDS = ("brian2", "snntorch")
RECORD: dict[str, Any] = {
    "cells": ["spikes", "v", ns.Record("fast", every=1.5 * ms, reduce="mean")],
    "map": ["spikes", ns.Record("u", neurons=[3, 1], every=45 * ms), ns.Record("rate", bin=11 * ms)],
    "cells_to_cells": "w",
}
CURRENT = 0.1 * np.random.default_rng(1).random((STEPS, 6))


def network(weight: float = 3.0) -> ns.Circuit:
    circuit = ns.Circuit("long", dt=0.5 * ms, seed=2)
    cell = ns.models.lif(
        tau_mem=10 * ms, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV, tau_ref=2 * ms,
        receptors={"fast": 5 * ms},
    )  # fmt: skip
    cells = circuit.population("cells", 6, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    circuit.population("map", 5, ns.models.izhikevich_map(noise_std=6.0))
    circuit.connect(
        "cells", "cells", ns.FixedProbability(0.5), receptor="fast", weight=weight * mV,
        delay=ns.Uniform(0 * ms, 4 * ms),
    )  # fmt: skip
    circuit.inject("bias", cells, "i_ext", ns.Step(12 * mV))
    circuit.inject("given", cells, "i_ext")
    return circuit


def arguments(trials: int = 1) -> dict[str, Any]:
    return {"inputs": {"given": CURRENT * mV}, "record": RECORD, "seed": 3, "trials": trials}


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PART_SECONDS", 1e-9)
    monkeypatch.setattr(streaming, "PART_STEPS", 70)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(("backend", "trials"), [("brian2", 1), ("snntorch", 2)])
def test_a_stored_run_is_the_run(backend: str, trials: int, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    stored = ns.simulate(
        network(), DURATION, backend=backend, store=tmp_path / "run.zarr",
        progress=lambda done, total: told.append((done, total)), **arguments(trials),
    )  # fmt: skip
    whole = ns.simulate(network(), DURATION, backend=backend, **arguments(trials))
    assert len(part_folders(tmp_path / "run.zarr")) == 3
    assert len(whole.spikes["cells"]) > 20
    assert len(whole.spikes["map"]) > 5
    assert stored == whole
    assert ns.Recording.load(tmp_path / "run.zarr") == whole
    assert {total // STEPS for _, total in told} <= {1, trials}
    assert [done / total for done, total in told] == sorted(done / total for done, total in told)
    assert told[-1][0] == told[-1][1]
    stored.save(tmp_path / "copy.zarr")
    assert ns.Recording.load(tmp_path / "copy.zarr") == whole


@pytest.mark.usefixtures("small_parts")
def test_it_goes_on_from_a_state(backend: str, tmp_path: Path) -> None:
    first = ns.simulate(network(), 20 * ms, backend=backend, record=RECORD, seed=3)
    options: dict[str, Any] = {"backend": backend, "record": RECORD, "seed": 3, "state": first.state}
    rest = ns.simulate(network(), 50 * ms, store=tmp_path / "rest.zarr", **options)
    assert len(part_folders(tmp_path / "rest.zarr")) == 2
    assert rest == ns.simulate(network(), 50 * ms, **options)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(("backend", "asked"), [("brian2", 1), ("brian2", 141), ("snntorch", 141)])
def test_ctrl_c_and_on(backend: str, asked: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0

    def requested(stop: Any) -> bool:
        nonlocal count
        count += 1
        if count == asked:
            signal.raise_signal(signal.SIGINT)
        return bool(stop.__dict__["requested"])

    def keep(stop: Any, value: bool) -> None:
        stop.__dict__["requested"] = value

    simulator = ns.compile(network(), backend=backend, **({} if backend == "brian2" else {"dtype": "float64"}))
    with monkeypatch.context() as patched:
        patched.setattr(Stop, "requested", property(requested, keep), raising=False)
        with pytest.raises(KeyboardInterrupt) as caught:
            simulator.run(DURATION, store=tmp_path / "run.zarr", **arguments())
    if asked > 1:
        stopped = caught.value
        assert isinstance(stopped, ns.RunInterrupted)
        assert str(stopped).endswith("run.zarr holds them, go on by the same call with resume=True")
        done = stopped.recording.metadata["n_steps"]
        assert 0 < done < STEPS
        assert done + stopped.remaining == STEPS
        assert stopped.recording.state is not None
        assert stopped.recording.state.step == done
    resumed = simulator.run(DURATION, store=tmp_path / "run.zarr", resume=True, **arguments())
    assert resumed == simulator.run(DURATION, **arguments())


CHILD = """
import sys
sys.path.insert(0, {tests!r})
import test_store
from neurosim.backends import streaming
import neurosim as ns
streaming.PART_SECONDS, streaming.PART_STEPS = 1e-9, 10
ns.simulate(test_store.network(), {steps} * 0.5 * test_store.ms, backend={backend!r}, seed=3, record=test_store.RECORD,
            store={store!r})
"""


@pytest.mark.parametrize("backend", ["brian2", pytest.param("snntorch", marks=pytest.mark.slow)])
def test_a_killed_run_goes_on_as_if_nothing_had_been(backend: str, tmp_path: Path) -> None:
    """SIGKILL, wherever it hits; then to the end, and once more, which has nothing left to do."""
    store, steps = tmp_path / "run.zarr", 1000
    code = CHILD.format(tests=str(Path(__file__).parent), steps=steps, backend=backend, store=str(store))
    with subprocess.Popen([sys.executable, "-c", code]) as child:
        wait_for(lambda: count(store) >= 3 or child.poll() is not None)
        assert child.poll() is None, "the run ended before it could be killed"
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert 3 <= count(store) < steps / 10
    options: dict[str, Any] = {"backend": backend, "seed": 3, "record": RECORD}
    resumed = ns.simulate(network(), steps * 0.5 * ms, store=store, resume=True, **options)
    assert resumed == ns.simulate(network(), steps * 0.5 * ms, **options)
    before = contents(store)
    assert not [name for name in before if ".partial" in name]
    assert ns.simulate(network(), steps * 0.5 * ms, store=store, resume=True, **options) == resumed
    assert contents(store) == before


def count(store: Path) -> int:
    return len(list((store / "parts").glob("[0-9]*")))


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_without_a_store_there_is_nothing_to_resume() -> None:
    with pytest.raises(CircuitError, match=r"resume=True goes on with the run in a store: give store="):
        ns.simulate(network(), 5 * ms, resume=True)


def test_resume_begins_where_there_is_nothing(tmp_path: Path) -> None:
    found = ns.simulate(network(), 5 * ms, store=tmp_path / "run.zarr", resume=True)
    assert found == ns.simulate(network(), 5 * ms)


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "seed": ({"seed": 4}, "seed 3 there, 4 here"),
    "trials": ({"trials": 2}, "trials 1 there, 2 here"),
    "duration": ({"duration": 60 * ms}, "n_steps 100 there, 120 here"),
    "circuit": ({"circuit": network(weight=3.5)}, 'circuit_digest ".* there'),
    "record": ({"record": {"cells": "spikes"}}, "record .* there"),
    "inputs": ({"inputs": {"given": 0.2 * mV}}, "inputs .* there"),
    "backend": ({"backend": "snntorch"}, 'backend "brian2" there, "snntorch" here'),
    "state": ({"state": True}, "start_step 0 there, 10 here"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_run_is_refused_before_anything_is_touched(what: str, tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "circuit": network(), "duration": 50 * ms, "seed": 3, "record": RECORD, "inputs": {"given": 0.1 * mV},
        "store": tmp_path / "run.zarr",
    }  # fmt: skip
    changes, message = OTHERS[what]
    if "state" in changes:
        changes = {"state": ns.simulate(network(), 5 * ms, seed=3).state}
    ns.simulate(**given)
    before = contents(tmp_path)
    with pytest.raises(FileFormatError, match=f"run.zarr holds another run, .*{message}"):
        ns.simulate(**{**given, **changes, "resume": True})
    with pytest.raises(FileFormatError, match=r"exists already. Give resume=True to go on"):
        ns.simulate(**given)
    assert contents(tmp_path) == before


def test_trained_values_make_another_run(tmp_path: Path) -> None:
    circuit = network().replace({"cells_to_cells.weight": ns.Trainable(3 * mV)})
    module = ns.compile(circuit, dtype="float64")
    module.run(5 * ms, store=tmp_path / "run.zarr")
    module.part("cells_to_cells").weight.data += 0.1
    with pytest.raises(FileFormatError, match=r"holds another run, .*: parameters"):
        module.run(5 * ms, store=tmp_path / "run.zarr", resume=True)


def test_what_is_no_store_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "text").write_text("mine")
    ns.simulate(network(), 5 * ms).save(tmp_path / "recording.zarr")
    before = contents(tmp_path)
    for name in ("notes", "recording.zarr"):
        with pytest.raises(FileFormatError, match="exists already"):
            ns.simulate(network(), 5 * ms, store=tmp_path / name)
        with pytest.raises(FileFormatError, match="is no store of a run in parts"):
            ns.simulate(network(), 5 * ms, store=tmp_path / name, resume=True)
    with pytest.raises(FileFormatError, match=r"to a folder, such as run.zarr, not a file"):
        ns.simulate(network(), 5 * ms, store=tmp_path / "run.zarr.zip")
    with pytest.raises(FileFormatError, match="is not a folder; create it first"):
        ns.simulate(network(), 5 * ms, store=tmp_path / "none" / "run.zarr")
    assert contents(tmp_path) == before


def test_two_processes_do_not_write_to_one_store(tmp_path: Path) -> None:
    store = tmp_path / "run.zarr"
    ns.simulate(network(), 5 * ms, store=store)
    code = (
        f"import fcntl, sys; held = open({str(store / '.lock')!r}, 'w'); fcntl.flock(held, fcntl.LOCK_EX);"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(FileFormatError, match=r"run.zarr is being written to by another process"):
            ns.simulate(network(), 5 * ms, store=store, resume=True)
        other.communicate()
    ns.simulate(network(), 5 * ms, store=store, resume=True)


def test_a_run_too_large_for_memory_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The estimate counts a part, not the run; the traces of all of it must fit on the disk."""
    monkeypatch.setattr("neurosim.recording.planning.available_bytes", lambda: 1_000_000)
    monkeypatch.setattr(streaming, "PART_BYTES", 200_000)
    sizes: list[int] = []
    builder = streaming.RecordingBuilder

    def watched(plan: Any) -> Any:
        sizes.append(plan.bytes)
        return builder(plan)

    monkeypatch.setattr(streaming, "RecordingBuilder", watched)
    circuit = ns.Circuit("wide", dt=1 * ms)
    circuit.population("cells", 200, ns.models.leaky_integrator(tau_mem=10 * ms))
    with pytest.raises(RecordError, match=r"stream it to disk \(store='run.zarr'\)"):
        ns.simulate(circuit, 2 * second, record={"cells": "v"})
    recording = ns.simulate(circuit, 2 * second, record={"cells": "v"}, store=tmp_path / "run.zarr")
    assert max(sizes) <= 256 * 200 * 8
    assert sum(sizes) == 2000 * 200 * 8
    assert recording["cells"]["v"].shape == (1, 2000, 200)
    monkeypatch.setattr(streaming.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1_000_000))
    with pytest.raises(RecordError, match=r"would take 3.2 MB, but .* has 1 MB left"):
        ns.simulate(circuit, 2 * second, record={"cells": "v"}, store=tmp_path / "more.zarr")
    assert not (tmp_path / "more.zarr").exists()


def test_memory_of_a_run_and_of_a_stored_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run takes little more than what it records, a stored one a few times its parts, however long it is."""
    circuit = ns.Circuit("wide", dt=1 * ms)
    circuit.population("cells", 500, ns.models.leaky_integrator(tau_mem=10 * ms))
    simulator, recorded = ns.compile(circuit, "brian2"), 4000 * 500 * 8
    simulator.run(5 * ms, record={"cells": "v"})
    simulator.run(5 * ms, record={"cells": "v"}, store=tmp_path / "first.zarr")
    monkeypatch.setattr(streaming, "PART_BYTES", recorded // 16)
    peaks = []
    for options in ({}, {"store": tmp_path / "run.zarr"}):
        tracemalloc.start()
        try:
            simulator.run(4 * second, record={"cells": "v"}, **options)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert recorded < peaks[0] < 1.4 * recorded
    assert peaks[1] < 0.5 * recorded
