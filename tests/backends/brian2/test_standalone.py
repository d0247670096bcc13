"""C++ programs: what they compute is what the other targets do, and nothing of them stays in this process."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.backends.brian2.project import Project
from neurosim.errors import BackendError, FileFormatError, UnsupportedError
from neurosim.units import Hz, Mohm, ms, mV, nS, pA

STEPS = 200
DURATION = STEPS * 0.1 * ms
RECORD: dict[str, Any] = {
    "exc": ["spikes", "v", ns.Record("i_ext", neurons=[7, 2], every=0.5 * ms), ns.Record("rate", bin=2 * ms)],
    "in": "spikes",
    "exc_to_exc": ns.Record("w", every=10 * ms),
}


def small() -> ns.Circuit:
    """Return few objects, which compile in few seconds, with noise, fed spikes, a fed current, and delays."""
    circuit = ns.Circuit("program", dt=0.1 * ms, seed=3)
    cell = ns.NeuronModel(
        "dv/dt = (v_0 - v + r*i_ext)/tau + sigma*xi*tau**-0.5 : volt (unless refractory)\ni_ext : amp",
        threshold="v > top", reset="v = v_0", refractory=1.5 * ms, method="euler",
        parameters={"v_0": -60 * mV, "r": 100 * Mohm, "tau": 10 * ms, "sigma": 2 * mV, "top": -50 * mV},
        initial={"v": "v_0"},
    )  # fmt: skip
    exc = circuit.population("exc", 20, cell)
    circuit.source("in", ns.SpikeSource(8))
    circuit.connect("in", "exc", ns.FixedProbability(0.5), receptor="v", weight=3 * mV, delay=1 * ms)
    circuit.connect(
        "exc", "exc", ns.FixedProbability(0.3), receptor="v", weight=ns.Uniform(0 * mV, 1 * mV),
        delay=ns.Uniform(0 * ms, 2 * ms),
    )  # fmt: skip
    circuit.inject("stimulus", exc[:15], "i_ext", ns.Step(60 * pA, start=2 * ms))
    circuit.inject("bias", exc[5:], "i_ext")
    return circuit


def inputs(seed: int) -> dict[str, Any]:
    return {"in": np.random.default_rng(seed).random((STEPS, 2, 8)) < 0.05, "bias": 40 * pA}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return ns.compile(small(), "brian2", target="cpp_standalone", directory=tmp_path_factory.mktemp("built") / "here")


@pytest.mark.cython
def test_a_program_is_the_run_of_the_numpy_target(simulator: Any) -> None:
    """To the last bit: no operation of these equations differs between numpy and C++; and it is built only once."""
    from brian2 import get_device, prefs

    before = {name: prefs[name] for name in ("codegen.target", "codegen.cpp.extra_compile_args_gcc")}
    told: list[tuple[int, int]] = []
    for seed in (4, 5):
        given: dict[str, Any] = {"inputs": inputs(seed), "record": RECORD, "seed": seed, "trials": 2}
        found = simulator.run(DURATION, progress=lambda done, total: told.append((done, total)), **given)
        expected = ns.simulate(small(), DURATION, **given)
        assert len(expected.spikes["exc"]) > 50
        assert found.spikes == expected.spikes
        assert found.traces == expected.traces
        assert found.state == expected.state
        assert {**found.metadata, "target": "numpy"} == dict(expected.metadata)
    assert found.metadata["target"] == "cpp_standalone"
    assert told[-1] == (2 * STEPS, 2 * STEPS)
    assert [folder.name for folder in simulator._project.folder.iterdir()] == ["build-0"]
    assert (simulator._project.folder / "build-0" / "project" / "main.cpp").is_file()
    assert type(get_device()).__name__ == "RuntimeDevice"
    assert {name: prefs[name] for name in before} == before
    rest = ns.simulate(small(), 5 * ms, state=found.state, trials=2, seed=5)
    assert rest.state == ns.simulate(small(), 5 * ms, state=expected.state, trials=2, seed=5).state


@pytest.mark.cython
def test_a_program_that_fails_says_why(simulator: Any) -> None:
    given: dict[str, Any] = {"inputs": inputs(4), "record": RECORD, "trials": 2}
    simulator.run(DURATION, **given)
    program = simulator._project.folder / "build-0" / "project" / "main"
    content = program.read_bytes()
    try:
        program.unlink()
        program.write_text("#!/bin/sh\necho out of luck >&2\nexit 7\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        with pytest.raises(BackendError, match=r"the C\+\+ program ended with 7:\nout of luck"):
            simulator.run(DURATION, **given)
        program.write_text("#!/bin/sh\nsleep 60 & sleep 60\n")
        simulator._project.timeout = 0.3
        with pytest.raises(BackendError, match=r"running the C\+\+ program took longer than timeout=0.3 s"):
            simulator.run(DURATION, **given)
        assert left_in(program.parent) == []
    finally:
        simulator._project.timeout = None
        program.unlink()
        program.write_bytes(content)
        program.chmod(0o755)
    simulator.run(DURATION, **given)


def processes_in(folder: Path) -> list[str]:
    """Return the processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(process / "cwd")).is_relative_to(folder):
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


def left_in(folder: Path) -> list[str]:
    """Return the processes that still work in a folder when the killed ones have had time to go."""
    end = time.monotonic() + 10
    while (left := processes_in(folder)) and time.monotonic() < end:
        time.sleep(0.02)
    return left


@pytest.mark.slow
@pytest.mark.cython
def test_ctrl_c_ends_the_compiler_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulator = ns.compile(small(), "brian2", target="cpp_standalone", directory=tmp_path / "built")
    look, compiling = Project._look, []

    def watched(self: Project, stop: Any, started: float, what: str) -> None:
        compiling[:] = [line for line in processes_in(tmp_path) if "cc1plus" in line]
        if compiling:
            signal.raise_signal(signal.SIGINT)
        look(self, stop, started, what)

    monkeypatch.setattr(Project, "_look", watched)
    with pytest.raises(KeyboardInterrupt) as caught:
        simulator.run(DURATION)
    assert not isinstance(caught.value, ns.RunInterrupted)
    assert compiling
    assert left_in(tmp_path) == []


@pytest.mark.slow
@pytest.mark.cython
def test_a_compiler_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "make").write_text("#!/bin/sh\necho no room for objects >&2\nexit 2\n")
    (tmp_path / "make").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(
        BackendError, match=r"cannot be built: RuntimeError: Project compilation failed(.|\n)*no room for objects"
    ):
        ns.simulate(small(), DURATION, target="cpp_standalone")


def test_what_a_program_cannot_do(tmp_path: Path) -> None:
    simulator = ns.compile(small(), "brian2", target="cpp_standalone", directory=tmp_path / "built")
    state = ns.simulate(small(), 1 * ms).state
    with pytest.raises(UnsupportedError, match="runs from the initial state to the end: state= needs target='numpy'"):
        simulator.run(DURATION, state=state)
    with pytest.raises(UnsupportedError, match="runs from the initial state to the end: store= needs target='numpy'"):
        simulator.run(DURATION, store=tmp_path / "run.zarr")
    with pytest.raises(UnsupportedError, match=r"cannot be stepped: session\(\) needs target='numpy'"):
        simulator.session()
    assert list(tmp_path.iterdir()) == []


def test_options_of_programs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileFormatError, match="exists already and is not an empty folder"):
        ns.compile(small(), "brian2", target="cpp_standalone", directory=tmp_path)
    with pytest.raises(BackendError, match="directory= is an option of target='cpp_standalone', not of 'numpy'"):
        ns.compile(small(), "brian2", directory=tmp_path / "other")
    with pytest.raises(BackendError, match="timeout= must be a positive number of seconds, got 0"):
        ns.compile(small(), "brian2", target="cpp_standalone", timeout=0)
    with pytest.raises(BackendError, match=r"Brian2 target 'cpp_standalon' is unknown. Did you mean 'cpp_standalone'"):
        ns.compile(small(), "brian2", target="cpp_standalon")


def test_building_in_time(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"building the C\+\+ program took longer than timeout=0.2 s and was ended"):
        ns.simulate(small(), DURATION, target="cpp_standalone", directory=tmp_path / "built", timeout=0.2)
    assert left_in(tmp_path) == []


def test_a_temporary_folder_goes_with_its_simulator() -> None:
    simulator = ns.compile(small(), "brian2", target="cpp_standalone")
    folder = simulator._project.folder
    assert folder.is_dir()
    del simulator
    assert not folder.exists()


def everything() -> ns.Circuit:
    """Return every kind of part: sources, injections, background, graded and plastic synapses, a map."""
    circuit = ns.Circuit("everything", dt=0.1 * ms, seed=3)
    cell = ns.models.lif(
        tau_mem=10 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-55 * mV, tau_ref=1.5 * ms,
        receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV)},
    )  # fmt: skip
    exc = circuit.population("exc", 30, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    circuit.population("map", 10, ns.models.izhikevich_map(noise_std=6.0))
    circuit.population("graded", 3, ns.models.rate_unit(gain=2.0))
    circuit.source("background", ns.PoissonSource(12, 80 * Hz))
    circuit.source("signal", ns.SignalSource(2))
    delays = ns.Uniform(0 * ms, 2 * ms)
    facilitating = ns.SynapseModel(
        "du/dt = -u/tau_f : 1 (event-driven)", on_pre="u += U*(1 - u); ampa_post += w*u",
        parameters={"tau_f": 100 * ms, "U": 0.2},
    )  # fmt: skip
    circuit.connect("background", "exc", ns.FixedProbability(0.5), receptor="ampa", weight=5 * nS)
    circuit.connect("exc", "exc", ns.FixedProbability(0.2), synapse=facilitating, weight=2 * nS, delay=delays)
    circuit.connect("exc", "map", ns.FixedProbability(0.3), receptor="i_syn", weight=9.0, delay=2.5 * ms)
    circuit.connect("map", "exc", ns.FixedProbability(0.0), receptor="ampa", weight=1 * nS, name="nothing")
    circuit.connect("signal", "graded", ns.AllToAll(), receptor="x", weight=0.5)
    circuit.poisson("drive", exc[:10], receptor="ampa", count=100, rate=10 * Hz, weight=0.5 * nS)
    circuit.inject("stimulus", exc[:20], "i_ext", ns.Step(70 * pA, start=2 * ms))
    return circuit


@pytest.mark.slow
@pytest.mark.cython
def test_programs_of_networks() -> None:
    """Spikes are the same; states to the last bit where the equations hold no exponential, else within 1e-12."""
    wave = {"signal": np.sin(np.arange(300)[:, None] / np.array([5.0, 9.0]))}
    record = {"exc": ["spikes", "v"], "graded": "r", "exc_to_exc": ["w", ns.Record("u", neurons=[40, 3], every=1 * ms)]}
    cases: list[tuple[str, ns.Circuit, Any, dict[str, Any], float]] = [
        ("balanced-network", ns.circuits.build("balanced-network", scale=0.1), 200 * ms, {}, 0.0),
        ("izhikevich-network", ns.circuits.build("izhikevich-network", scale=0.2), 300 * ms, {}, 0.0),
        (
            "everything",
            everything(),
            30 * ms,
            {"inputs": wave, "record": record},
            1e-12,
        ),
    ]
    for name, circuit, duration, given, tolerance in cases:
        seconds = {}
        found = {}
        for target in ("numpy", "cpp_standalone", "again"):
            if target != "again":
                simulator = ns.compile(circuit, "brian2", target=target)
            start = time.perf_counter()
            found[target] = simulator.run(duration, seed=2, **given)
            seconds[target] = round(time.perf_counter() - start, 2)
        print(f"{name}: {seconds} s, { ({key: len(trains) for key, trains in found['numpy'].spikes.items()}) } spikes")
        assert sum(map(len, found["numpy"].spikes.values())) > 100
        assert found["cpp_standalone"].spikes == found["numpy"].spikes
        assert found["cpp_standalone"] == found["again"]
        differences = found["cpp_standalone"].state.max_differences(found["numpy"].state)
        assert max(relative for _, relative in differences.values()) <= tolerance, differences
        for group, traces in found["numpy"].traces.items():
            for variable, trace in traces.items():
                assert np.allclose(found["again"][group][variable].values, trace.values, rtol=1e-10, atol=1e-12)
