"""A run in two parts equals one run: on the same backend, on the other, and in a fresh process from a saved state."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import neurosim as ns
from neurosim.recording import concatenate
from neurosim.units import Mohm, ms, mV, nS, pA

WHOLE, FIRST = 30, 13
BACKENDS = ("brian2", "snntorch")


def network() -> ns.Circuit:
    """Return refractory neurons with delays, noise, graded input, a map and both kinds of sources."""
    circuit = ns.Circuit("split", dt=0.1 * ms, seed=3)
    cell = ns.models.lif(
        tau_mem=10 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-55 * mV, tau_ref=1.5 * ms,
        receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV)},
    )  # fmt: skip
    exc = circuit.population("exc", 40, cell, initial={"v": ns.Uniform(-60 * mV, -50 * mV)})
    circuit.population("map", 10, ns.models.izhikevich_map(noise_std=6.0))
    circuit.population("graded", 3, ns.models.rate_unit(gain=2.0))
    circuit.source("in", ns.SpikeSource(8))
    circuit.connect(
        "in", "exc", ns.FixedProbability(0.5), receptor="ampa", weight=5 * nS, delay=ns.Uniform(0 * ms, 2 * ms)
    )
    circuit.connect(
        "exc", "exc", ns.FixedProbability(0.2), receptor="ampa", weight=1 * nS, delay=ns.Uniform(1 * ms, 4 * ms)
    )
    circuit.connect("exc", "map", ns.FixedProbability(0.3), receptor="i_syn", weight=9.0, delay=2.5 * ms)
    circuit.connect("map", "map", ns.AllToAll(autapses=False), receptor="i_syn", weight=-1.0)
    circuit.source("signal", ns.SignalSource(2))
    circuit.connect("signal", "graded", ns.AllToAll(), receptor="x", weight=0.5)
    circuit.inject("stimulus", exc[:20], "i_ext", ns.Step(70 * pA, start=5 * ms))
    return circuit


SPIKES = ns.SpikeTrains(
    np.random.default_rng(0).choice(np.arange(300), 200, replace=False) * 1e-4, np.arange(200) % 8, 8
)
RECORD = {"exc": ["spikes", "v"], "map": ["spikes", ns.Record("u", every=0.3 * ms)], "graded": "r", "in": "spikes"}


def run(circuit: ns.Circuit, backend: str, steps: slice, state: ns.State | None = None) -> ns.Recording:
    waves = np.sin(np.arange(10 * WHOLE)[:, None] / np.array([5.0, 9.0]))
    inputs = {"in": SPIKES, "signal": waves[steps]}
    length = len(range(10 * WHOLE)[steps])
    return ns.simulate(
        circuit, length * 0.1 * ms, backend=backend, inputs=inputs, record=RECORD, seed=4, trials=2, state=state
    )


@pytest.fixture(scope="module")
def whole() -> ns.Recording:
    recording = run(network(), "brian2", slice(None))
    assert len(recording.spikes["exc"]) > 100
    assert len(recording.spikes["map"]) > 10
    return recording


@pytest.mark.parametrize("second", BACKENDS)
@pytest.mark.parametrize("first", BACKENDS)
def test_two_parts_equal_one(first: str, second: str, whole: ns.Recording) -> None:
    circuit = network()
    start = run(circuit, first, slice(0, 10 * FIRST))
    assert start.state is not None
    assert whole.state is not None
    rest = run(circuit, second, slice(10 * FIRST, None), start.state)
    assert rest.state is not None
    joined = concatenate(start, rest)
    assert joined.spikes == whole.spikes
    assert all(largest == 0 for largest, _ in rest.state.max_differences(whole.state).values())
    for name, traces in whole.traces.items():
        for variable, trace in traces.items():
            assert np.array_equal(trace.values, joined.traces[name][variable].values)


def test_running_twice_gives_the_same(whole: ns.Recording) -> None:
    """A run is pure: the simulator is as before, whatever ran in between."""
    simulator = ns.compile(network(), backend="brian2")
    other = {"inputs": {"signal": np.ones((7, 2))}}
    simulator.run(0.7 * ms, **other)
    again = simulator.run(0.7 * ms, **other)
    assert again == simulator.run(0.7 * ms, **other)


def test_state_carried_to_a_fresh_process(tmp_path: Path, whole: ns.Recording) -> None:
    circuit = network()
    circuit.save(tmp_path / "split.json")
    start = run(circuit, "brian2", slice(0, 10 * FIRST))
    assert start.state is not None
    start.state.save(tmp_path / "state.zarr")
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_split_runs as here
import neurosim as ns
from pathlib import Path
folder = Path({str(tmp_path)!r})
circuit = ns.Circuit.load(folder / "split.json")
state = ns.State.load(folder / "state.zarr")
here.run(circuit, "brian2", slice(10 * here.FIRST, None), state).save(folder / "rest.zarr")
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    rest = ns.Recording.load(tmp_path / "rest.zarr")
    assert concatenate(start, rest).spikes == whole.spikes
    assert rest.state is not None
    assert whole.state is not None
    assert all(largest == 0 for largest, _ in rest.state.max_differences(whole.state).values())


def test_a_state_of_another_circuit_is_refused(whole: ns.Recording) -> None:
    other = ns.Circuit("other", dt=0.1 * ms)
    other.population("exc", 5, ns.models.izhikevich())
    with pytest.raises(ns.CircuitError, match="does not fit"):
        ns.simulate(other, 1 * ms, state=whole.state, trials=2)
    with pytest.raises(ns.CircuitError, match="trials=2"):
        ns.simulate(network(), 1 * ms, state=whole.state)
