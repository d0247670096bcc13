"""The Brian2 backend as a guest: preferences, names, the magic network and the log stay as they were."""

from __future__ import annotations

import gc
import logging
from typing import Any

import brian2
import numpy as np
import pytest

import neurosim as ns
from neurosim.backends.brian2 import prepared
from neurosim.backends.brian2.prepared import Prepared, preferences
from neurosim.errors import BackendError, UnsupportedError
from neurosim.program.lowering import lower
from neurosim.units import Mohm, ms, mV, nS, pA

CELL = {
    "tau_mem": 20 * ms, "r": 100 * Mohm, "v_threshold": -50 * mV, "v_reset": -60 * mV, "v_leak": -49 * mV,
    "tau_ref": 2 * ms,
}  # fmt: skip


def everything() -> ns.Circuit:
    """Return a small circuit with every kind of part."""
    circuit = ns.Circuit("every kind", dt=0.1 * ms, seed=2)
    circuit.source("in", ns.SpikeSource(3))
    circuit.source("level", ns.SignalSource(2, unit=pA))
    cell = circuit.population(
        "cell", 5, ns.models.lif(**CELL, receptors={"ampa": 5 * ms}), initial={"v": ns.Uniform(-60 * mV, -50 * mV)},
        parameters={"tau_mem": ns.Uniform(15 * ms, 25 * ms)},
    )  # fmt: skip
    circuit.population("graded", 4, ns.models.graded())
    circuit.population("unit", 2, ns.models.rate_unit())
    noisy = ns.NeuronModel(
        "dv/dt = -v/tau + 0.5*xi*tau**-0.5 : 1", threshold="v > 0.5", reset="v = 0.1*rand()", method="euler",
        parameters={"tau": 5 * ms},
    )  # fmt: skip
    circuit.population("noisy", 3, noisy)
    circuit.connect("in", "cell", ns.AllToAll(), receptor="ampa", weight=30 * pA, delay=0.3 * ms)
    circuit.connect(
        cell, cell, ns.FixedProbability(0.5), receptor="ampa", weight=20 * pA, delay=ns.Uniform(0 * ms, 2 * ms)
    )
    circuit.connect("level", "cell", ns.AllToAll(), receptor="i_ext", weight=0.5)
    circuit.connect("graded", "graded", ns.FixedProbability(0.5), synapse=ns.models.gap_junction(), weight=0.1 * nS)
    circuit.connect("graded", "unit", ns.AllToAll(), receptor="x", weight=2 / ns.units.volt)
    circuit.connect("noisy", "cell", ns.FixedProbability(0.0), receptor="ampa", weight=1 * pA, name="nothing")
    circuit.inject("push", cell[:2], "i_ext", ns.Step(50 * pA))
    return circuit


def preference_values() -> dict[str, Any]:
    return {name: brian2.prefs[name] for name in brian2.prefs}


# -- preferences --------------------------------------------------------------------------------------------------


def test_preferences_are_as_they_were_after_a_run() -> None:
    before = preference_values()
    ns.simulate(everything(), 2 * ms, backend="brian2")
    assert preference_values() == before


def test_preferences_are_as_they_were_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> None:
        assert brian2.prefs["codegen.target"] == "numpy"
        raise RuntimeError("broken")

    before = preference_values()
    monkeypatch.setattr(prepared, "build", broken)
    with pytest.raises(RuntimeError, match="broken"):
        ns.simulate(everything(), 2 * ms, backend="brian2")
    assert preference_values() == before


def test_the_users_own_preferences_are_kept_and_not_used() -> None:
    before = brian2.prefs["codegen.target"], brian2.prefs["codegen.loop_invariant_optimisations"]
    try:
        brian2.prefs["codegen.target"] = "cython"
        with preferences("numpy"):
            assert brian2.prefs["codegen.target"] == "numpy"
            assert brian2.prefs["codegen.loop_invariant_optimisations"] is False
        assert brian2.prefs["codegen.target"] == "cython"
    finally:
        brian2.prefs["codegen.target"], brian2.prefs["codegen.loop_invariant_optimisations"] = before


def test_the_default_clock_is_the_users() -> None:
    before = brian2.defaultclock.dt
    ns.simulate(everything(), 2 * ms, backend="brian2")
    assert brian2.defaultclock.dt == before


# -- names --------------------------------------------------------------------------------------------------------


def names_of(circuit: ns.Circuit) -> list[str]:
    network = Prepared(circuit, lower(circuit), "numpy").network
    return sorted(item.name for item in network.sorted_objects)


def test_objects_are_named_after_the_parts_of_the_circuit_and_alike_every_time() -> None:
    """Brian2's names enter the code of its cython target, and so its cache."""
    first = names_of(everything())
    second = names_of(everything())
    assert first == second
    assert {"cell", "cell_to_cell", "graded_to_graded", "noisy_stateupdater", "cell_spike_thresholder"} <= set(first)
    parts = tuple(everything().parts)
    assert all(name.startswith(parts) for name in first)


def test_a_circuit_of_any_name() -> None:
    for name in ("7 cells, noisy", "ünicode", "a-b", "_x"):
        circuit = ns.Circuit(name, dt=1 * ms)
        circuit.population("p", 1, ns.models.leaky_integrator(tau_mem=10 * ms), initial={"v": 1.0})
        state = ns.simulate(circuit, 1 * ms, backend="brian2", record={"p": "v"}).state
        assert state.variables["p"]["v"].item() == pytest.approx(np.exp(-0.1))


COUNTING = ns.NeuronModel("v : 1\nx : 1", update="v = v + 1", threshold="v > 3", reset="v = 0")


def test_parts_may_be_called_like_what_updates_another() -> None:
    circuit = ns.Circuit("c", dt=1 * ms)
    for name in ("cell", "cell_update", "c_clock", "defaultclock", "lambda", "N", "i"):
        circuit.population(name, 2, COUNTING)
    assert {len(train.times) for train in ns.simulate(circuit, 9 * ms, backend="brian2").spikes.values()} == {4}


@pytest.mark.parametrize("name", ["cell_stateupdater", "cell_spike_resetter", "loop_pre"])
def test_parts_that_brian2_could_not_tell_apart_are_refused(name: str) -> None:
    circuit = ns.Circuit("c", dt=1 * ms)
    circuit.population("cell", 2, COUNTING)
    circuit.population(name, 2, COUNTING)
    circuit.connect("cell", "cell", ns.OneToOne(), receptor="v", weight=0.5, name="loop")
    with pytest.raises(UnsupportedError, match=f"two parts of the circuit would share a name in Brian2: {name}"):
        ns.simulate(circuit, 1 * ms, backend="brian2")


def test_variables_that_brian2_would_take_for_each_other_are_refused() -> None:
    """Brian2 calls both arrays ``_array_a_b_v``, and a synapse between them would read one twice."""
    circuit = ns.Circuit("c", dt=1 * ms)
    circuit.population("a", 2, ns.NeuronModel("b_v : 1", update="b_v = b_v + 1"))
    circuit.population("a_b", 2, COUNTING)
    synapse = ns.SynapseModel("x_post = w*(b_v_pre - v_post) : 1 (summed)")
    circuit.connect("a", "a_b", ns.OneToOne(), synapse=synapse, weight=1.0)
    with pytest.raises(UnsupportedError, match=r"would share a name in Brian2: a_b_v"):
        ns.simulate(circuit, 1 * ms, backend="brian2")


# -- the user's own Brian2 ----------------------------------------------------------------------------------------


def test_a_users_own_network_does_not_take_ours_and_ours_goes_on() -> None:
    before = brian2.prefs["codegen.target"]
    brian2.prefs["codegen.target"] = "numpy"
    try:
        simulator = ns.compile(everything(), "brian2")
        first = simulator.run(3 * ms)
        group = brian2.NeuronGroup(2, "dx/dt = 1*Hz : 1", method="euler", name="cell")
        brian2.run(1 * ms)
        assert [item.name for item in brian2.collect()] == ["cell"]
        np.testing.assert_allclose(group.x, 1e-3)
        brian2.start_scope()
        second = simulator.run(3 * ms)
        assert second.state == first.state
        assert np.array_equal(second.spikes["cell"].times, first.spikes["cell"].times)
        assert brian2.collect() == set(), "nothing is left in scope, and nothing of ours came into it"
    finally:
        brian2.prefs["codegen.target"] = before
        brian2.start_scope()


# -- the log ------------------------------------------------------------------------------------------------------


def test_nothing_is_logged_as_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        ns.simulate(everything(), 2 * ms, backend="brian2")
        gc.collect()
    assert [record.getMessage() for record in caplog.records] == []


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(BackendError, match=r"Brian2 target 'cyton' is unknown. Did you mean 'cython'"):
        ns.compile(everything(), "brian2", target="cyton")


# -- runs ---------------------------------------------------------------------------------------------------------


def test_trials_are_independent_and_each_is_a_run_of_its_own() -> None:
    random = np.random.default_rng(1)
    inputs = {"in": random.random((50, 3, 3)) < 0.1, "level": random.normal(100, 30, (50, 3, 2)) * pA}
    simulator = ns.compile(everything(), "brian2")
    together = simulator.run(5 * ms, inputs=inputs, trials=3, seed=4, record={"cell": ["v", "spikes"], "noisy": "v"})
    alone = simulator.run(
        5 * ms, inputs={"in": inputs["in"][:, 0], "level": inputs["level"][:, 0]}, seed=4,
        record={"cell": ["v", "spikes"], "noisy": "v"},
    )  # fmt: skip
    for name in ("cell", "noisy"):
        values = together[name]["v"].values
        np.testing.assert_array_equal(values[0], alone[name]["v"].values[0])
        assert not np.array_equal(values[1], values[0])
    assert together.state.trial(0).variables["cell"]["v"].tolist() == alone.state.variables["cell"]["v"].tolist()
    assert [len(together.spikes["cell"].times[together.spikes["cell"].trials == trial]) for trial in range(3)] != [
        0
    ] * 3


def test_a_simulator_keeps_nothing_from_one_run_to_the_next() -> None:
    simulator = ns.compile(everything(), "brian2")
    inputs = {"in": np.ones((60, 3))}
    first = simulator.run(6 * ms, inputs=inputs)
    simulator.run(4 * ms, inputs={"in": np.zeros((40, 3))}, seed=9)
    second = simulator.run(6 * ms, inputs=inputs)
    assert second.state == first.state
    for name in first.spikes:
        assert np.array_equal(first.spikes[name].times, second.spikes[name].times)


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    ns.simulate(
        everything(), 30 * ms, backend="brian2", trials=2, progress=lambda done, total: told.append((done, total))
    )
    assert told[-1] == (600, 600)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_variables_of_edges_and_algebraic_values_are_recorded() -> None:
    circuit = everything()
    record = {"cell_to_cell": "w", "unit": ["r", "x"], "graded": ["phi", "v"], "cell": "i_ext"}
    recording = ns.simulate(circuit, 1 * ms, backend="brian2", record=record)
    np.testing.assert_array_equal(recording["cell_to_cell"]["w"].values[0, 3], circuit.edges("cell_to_cell").weight)
    np.testing.assert_array_equal(recording["unit"]["r"], np.tanh(recording["unit"]["x"]))
    np.testing.assert_allclose(recording["cell"]["i_ext"].values[0, 0], [50e-12, 50e-12, 0, 0, 0])
    assert recording.metadata["backend"] == "brian2"
    assert recording.metadata["target"] == "numpy"


@pytest.mark.cython
def test_the_cython_target_has_the_spikes_of_the_numpy_target() -> None:
    """A refractory neuron, delays of all lengths, and a run in two parts."""
    circuit = ns.Circuit("compiled", dt=0.1 * ms, seed=1)
    cell = circuit.population(
        "cell", 20, ns.models.lif(**CELL, receptors={"ampa": 5 * ms}), initial={"v": ns.Uniform(-60 * mV, -50 * mV)}
    )
    delays = ns.Uniform(1 * ms, 3 * ms)
    circuit.connect(cell, cell, ns.FixedProbability(0.2), receptor="ampa", weight=20 * pA, delay=delays)
    before = preference_values()
    compiled = ns.compile(circuit, "brian2", target="cython")
    first = compiled.run(60 * ms)
    second = compiled.run(40 * ms, state=first.state)
    assert preference_values() == before
    whole = ns.simulate(circuit, 100 * ms, backend="brian2")
    times = np.concatenate([part.spikes["cell"].times for part in (first, second)])
    assert np.array_equal(times, whole.spikes["cell"].times)
    assert len(times) > 20
    assert second.state.equal(whole.state, tolerance=1e-9)
    assert second.metadata["target"] == "cython"
