"""Closed loops: any parting of the steps equals one run, bit for bit, on both backends."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.units import Hz, Mohm, ms, mV, nS, pA

STEPS, TRIALS, SEED = 120, 2, 4
BACKENDS = ("brian2", "snntorch")
OPTIONS: dict[str, dict[str, Any]] = {"brian2": {}, "snntorch": {"dtype": "float64", "training": False}}
RECORD = {"exc": ["spikes", "v"], "map": ["spikes", ns.Record("u", neurons=[3, 1])], "graded": "r", "exc_to_exc": "w"}


def network() -> ns.Circuit:
    """Return refractory neurons with delays, noise, graded input, every kind of source and two injections."""
    circuit = ns.Circuit("loop", dt=0.1 * ms, seed=3)
    cell = ns.models.lif(
        tau_mem=10 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-55 * mV, tau_ref=1.5 * ms,
        receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV)},
    )  # fmt: skip
    exc = circuit.population("exc", 30, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    circuit.population("map", 10, ns.models.izhikevich_map(noise_std=6.0))
    circuit.population("graded", 3, ns.models.rate_unit(gain=2.0))
    circuit.source("in", ns.SpikeSource(8))
    circuit.source("background", ns.PoissonSource(12, 80 * Hz))
    circuit.source("signal", ns.SignalSource(2))
    delays = ns.Uniform(0 * ms, 2 * ms)
    circuit.connect("in", "exc", ns.FixedProbability(0.5), receptor="ampa", weight=5 * nS, delay=delays)
    circuit.connect("background", "exc", ns.FixedProbability(0.5), receptor="ampa", weight=5 * nS)
    circuit.connect("exc", "exc", ns.FixedProbability(0.2), receptor="ampa", weight=1 * nS, delay=delays)
    circuit.connect("exc", "map", ns.FixedProbability(0.3), receptor="i_syn", weight=9.0, delay=2.5 * ms)
    circuit.connect("map", "map", ns.AllToAll(autapses=False), receptor="i_syn", weight=-1.0)
    circuit.connect("signal", "graded", ns.AllToAll(), receptor="x", weight=0.5)
    circuit.inject("stimulus", exc[:20], "i_ext", ns.Step(70 * pA, start=2 * ms))
    circuit.inject("loop", exc[20:], "i_ext")
    return circuit


GENERATOR = np.random.default_rng(1)
SPIKES = GENERATOR.random((STEPS, TRIALS, 8)) < 0.05
WAVES = np.sin(np.arange(STEPS)[:, None] / np.array([5.0, 9.0]))
CURRENT = 150 * GENERATOR.random((STEPS, TRIALS, 10))


def inputs(steps: slice) -> dict[str, Any]:
    return {"in": SPIKES[steps], "signal": WAVES[steps], "loop": CURRENT[steps] * pA}


@pytest.fixture(scope="module", params=BACKENDS)
def simulator(request: pytest.FixtureRequest) -> Any:
    return ns.compile(network(), backend=request.param, **OPTIONS[request.param])


@pytest.fixture(scope="module")
def whole() -> ns.Recording:
    recording = ns.simulate(
        network(), STEPS * 0.1 * ms, inputs=inputs(slice(None)), record=RECORD, seed=SEED, trials=TRIALS
    )
    assert len(recording.spikes["exc"]) > 20
    assert len(recording.spikes["map"]) > 5
    return recording


def raster(recording: ns.Recording, name: str) -> np.ndarray:
    trains = recording.spikes[name]
    dense = np.zeros((STEPS, TRIALS, trains.n), dtype=bool)
    dense[np.rint(trains.times / 1e-4).astype(int), trains.trials, trains.neurons] = True
    return dense


def check_end(state: ns.State, whole: ns.Recording) -> None:
    assert state == whole.state


@pytest.mark.parametrize("chunk", [1, 3, 10])
def test_chunks_equal_a_run(simulator: Any, whole: ns.Recording, chunk: int) -> None:
    loop = simulator.session(seed=SEED, trials=TRIALS, record=RECORD)
    spikes: dict[str, list[np.ndarray]] = {"exc": [], "map": []}
    for first in range(0, STEPS, chunk):
        out = loop.step(inputs(slice(first, first + chunk)), n=chunk)
        last = first + chunk - 1
        for name, rows in spikes.items():
            rows.append(out[name]["spikes"])
        for name, variable in (("exc", "v"), ("map", "u"), ("graded", "r"), ("exc_to_exc", "w")):
            assert np.array_equal(out[name][variable], whole[name][variable].values[:, last]), (name, variable, last)
    assert loop.step_number == STEPS
    assert loop.time == STEPS * 1e-4
    for name, rows in spikes.items():
        assert np.array_equal(np.concatenate(rows), raster(whole, name))
    check_end(loop.state, whole)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_goes_on_from_a_session(simulator: Any, whole: ns.Recording, backend: str) -> None:
    """Also while spikes of before the session are under way: the longest delay is 25 steps."""
    loop = simulator.session(seed=SEED, trials=TRIALS)
    loop.step(inputs(slice(0, 47)), n=47)
    again = simulator.session(seed=SEED, trials=TRIALS, state=loop.state)
    again.step(inputs(slice(47, 52)), n=5)
    rest = ns.simulate(
        network(), (STEPS - 52) * 0.1 * ms, backend=backend, inputs=inputs(slice(52, None)), seed=SEED, trials=TRIALS,
        state=again.state,
    )  # fmt: skip
    assert rest.state is not None
    check_end(rest.state, whole)


def test_reset_begins_anew(simulator: Any) -> None:
    start = simulator.run(1 * ms, seed=SEED).state
    loop = simulator.session(seed=SEED, state=start)
    first = loop.step({"loop": 200 * pA}, n=60)
    loop.reset()
    assert loop.step_number == start.step
    assert loop.state == start
    assert loop.step({"loop": 200 * pA}, n=60) == first
    assert first["exc"]["spikes"].any()
    loop.reset()
    assert loop.step({"loop": 0 * pA}, n=60) != first


def test_one_value_and_one_row_are_held(simulator: Any) -> None:
    row = np.linspace(0, 300, 10) * pA
    loop = simulator.session(trials=TRIALS, record={"exc": "v"})
    held = loop.step({"loop": row, "background": 40 * Hz}, n=30)
    loop.reset()
    rows = {"loop": np.tile(np.linspace(0, 300, 10), (30, TRIALS, 1)) * pA, "background": np.full((30, 12), 40.0) * Hz}
    assert loop.step(rows, n=30) == held
    loop.reset()
    assert (
        loop.step({"loop": np.linspace(0, 300, 10)[None, None].repeat(TRIALS, 1) * pA, "background": 40 * Hz}, n=30)
        == held
    )
    loop.reset()
    by_one = [loop.step({"loop": row, "background": 40 * Hz}) for _ in range(30)]
    assert by_one[-1] == held
    loop.reset()
    assert loop.step({"background": 40 * Hz}, n=30) != held


def test_sessions_and_runs_do_not_disturb_each_other(simulator: Any) -> None:
    """The world may also write into what it was given."""
    alone = simulator.session(seed=1, record={"exc": ["v", "spikes"]})
    expected = [alone.step({"loop": 300 * pA}, n=5) for _ in range(6)]
    loop, other = (simulator.session(seed=1, record={"exc": ["v", "spikes"]}) for _ in range(2))
    for number in range(6):
        out = loop.step({"loop": 300 * pA}, n=5)
        assert out == expected[number]
        out["exc"]["v"][:] = 0
        other.step({"loop": -100 * pA}, n=3)
        simulator.run(0.5 * ms)


def test_feedback(simulator: Any) -> None:
    """A controller holds the mean membrane potential of ten neurons near its goal."""
    loop = simulator.session(record={"exc": ns.Record("v", neurons=range(20, 30), reduce="mean")})
    current, goal = 0.0, -0.056
    for _ in range(400):
        out = loop.step({"loop": current * pA, "background": 0 * Hz, "stimulus": 0 * pA})
        assert out["exc"]["v"].shape == (1,)
        current += 2e3 * (goal - float(out["exc"]["v"][0]))
    assert abs(float(out["exc"]["v"][0]) - goal) < 1e-3


@pytest.mark.parametrize(
    ("given", "n", "error", "message"),
    [
        ({"loops": 1 * pA}, 1, ns.CircuitError, "Did you mean 'loop'"),
        ({"loop": 1.0}, 1, ns.UnitError, "amp"),
        ({"loop": np.zeros((4, 10)) * pA}, 3, ns.CircuitError, "4 rows, the run has 3 steps"),
        ({"loop": np.zeros(9) * pA}, 1, ns.CircuitError, "expected"),
        ({"in": np.ones(8, dtype=bool)}, 3, ns.CircuitError, "give 3 rows"),
        ({"background": 1e6 * Hz}, 1, ns.CircuitError, "smaller dt"),
        ({}, 0, ns.CircuitError, "positive integer"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_step(
    simulator: Any, given: dict[str, Any], n: int, error: type[Exception], message: str
) -> None:
    loop = simulator.session()
    before = loop.state
    with pytest.raises(error, match=message):
        loop.step(given, n=n)
    assert loop.step_number == 0
    assert loop.state == before


def test_refused_at_the_start(simulator: Any) -> None:
    with pytest.raises(ns.RecordError, match="leave every= out"):
        simulator.session(record={"exc": ns.Record("v", every=1 * ms)})
    with pytest.raises(ns.CircuitError, match="trials"):
        simulator.session(trials=0)
    with pytest.raises(ns.CircuitError, match="trials=2"):
        simulator.session(state=simulator.session(trials=2).state)
    with pytest.raises(ns.RecordError, match="spikes"):
        simulator.session(record={"exc": "v"}).step()["exc"]["spikes"]


@pytest.fixture(scope="module")
def overhead() -> Any:
    file = Path(__file__).parents[2] / "benchmarks" / "session_overhead.py"
    spec = importlib.util.spec_from_file_location("session_overhead", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_step_costs_at_most_half_more_than_one_of_a_run(overhead: Any, backend: str) -> None:
    """In computing time, the quickest of runs and sessions that take turns; a busy machine gets more turns."""
    quickest: dict[str, float] = {"run": np.inf, "session": np.inf}
    for _ in range(6):
        found = overhead.measure(300, backend, steps=150, repeats=3)
        assert found["spikes"]["run"] == found["spikes"]["session"] > 0
        quickest = {name: min(seconds, found["seconds"][name]) for name, seconds in quickest.items()}
        if quickest["session"] <= 1.5 * quickest["run"]:
            return
    pytest.fail(f"a step of a session costs {quickest['session'] / quickest['run']:.2f} times one of a run")
