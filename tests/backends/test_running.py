"""Compiling and running on either backend: what may be given, in which form, and what is refused."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.backends.states import initial_state
from neurosim.errors import BackendError, CircuitError, UnitError
from neurosim.program.lowering import lower
from neurosim.units import mA, ms, pA

BACKENDS = ("brian2", "snntorch")


def small() -> ns.Circuit:
    circuit = ns.Circuit("small", dt=1 * ms)
    circuit.source("in", ns.SpikeSource(3))
    circuit.source("level", ns.SignalSource((2, 2), unit=pA))
    circuit.population("p", 3, ns.models.leaky_integrator(tau_mem=10 * ms), initial={"v": 0.5})
    circuit.population("q", 4, ns.NeuronModel("i : amp"))
    circuit.connect("in", "p", ns.OneToOne(), receptor="v", weight=1.0)
    circuit.connect("level", "q", ns.OneToOne(), receptor="i", weight=1.0)
    circuit.inject("push", "p", "i_ext", ns.Step(2.0, start=2 * ms))
    return circuit


def traces(backend: str, inputs: dict[str, Any], trials: int = 1) -> dict[str, np.ndarray]:
    recording = ns.simulate(
        small(), 4 * ms, backend=backend, inputs=inputs, trials=trials, record={"p": ["v", "i_ext"], "q": "i"}
    )
    return {"v": recording["p"]["v"].values, "i_ext": recording["p"]["i_ext"].values, "i": recording["q"]["i"].values}


# -- forms of input -----------------------------------------------------------------------------------------------

DENSE = np.array([[1, 0, 0], [0, 0, 0], [0, 1, 1], [0, 0, 1]])
TRAINS = ns.SpikeTrains([0.0, 0.002, 0.002, 0.003], [0, 1, 2, 2], n=3)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("value", [DENSE, DENSE.astype(bool), DENSE.astype(float), DENSE[:, None], TRAINS])
def test_spikes_may_be_given_in_several_forms(backend: str, value: Any) -> None:
    found = traces(backend, {"in": value})["v"][0]
    v = np.full(3, 0.5)
    for step in range(4):
        current = 2.0 if step >= 2 else 0.0
        v = current + (v - current) * np.exp(-0.1) + DENSE[step]
        np.testing.assert_allclose(found[step], v, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_inputs_without_a_trial_axis_are_those_of_every_trial(backend: str) -> None:
    found = traces(backend, {"in": TRAINS}, trials=3)["v"]
    assert np.array_equal(found[0], found[2])
    different = np.stack([DENSE, 0 * DENSE], axis=1)
    found = traces(backend, {"in": different}, trials=2)["v"]
    assert not np.array_equal(found[0], found[1])
    in_trials = ns.SpikeTrains([0.0, 0.001], [0, 1], n=3, trials=[0, 1], n_trials=2)
    found = traces(backend, {"in": in_trials}, trials=2)["v"]
    assert found[0, 0].tolist() == pytest.approx([0.5 * np.exp(-0.1) + 1, *[0.5 * np.exp(-0.1)] * 2])
    assert found[1, 1].argmax() == 1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5 * pA, [5e-12] * 4),
        (np.arange(16).reshape(4, 4) * pA, [8e-12, 9e-12, 10e-12, 11e-12]),
        (np.arange(16).reshape(4, 2, 2) * pA, [8e-12, 9e-12, 10e-12, 11e-12]),
        (np.arange(16).reshape(4, 1, 2, 2) * pA, [8e-12, 9e-12, 10e-12, 11e-12]),
        (ns.Step([1, 2, 3, 4] * pA, start=1 * ms), [1e-12, 2e-12, 3e-12, 4e-12]),
        (ns.Signal(np.array([1.0, 2.0]) * pA, 2 * ms), [2e-12] * 4),
    ],
)
def test_signals_may_be_given_in_several_forms(backend: str, value: Any, expected: list[float]) -> None:
    found = traces(backend, {"level": value})["i"][0]
    np.testing.assert_allclose(found[2], expected, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_injection_has_its_own_signal_unless_another_is_given(backend: str) -> None:
    assert traces(backend, {})["i_ext"][0, :, 0].tolist() == [0.0, 0.0, 2.0, 2.0]
    assert traces(backend, {"push": 3.0})["i_ext"][0, :, 0].tolist() == [3.0] * 4


# -- refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ({"inn": DENSE}, CircuitError, r"'inn' is no source or injection of the circuit. Did you mean 'in'"),
        ({"p": DENSE}, CircuitError, r"'p' is no source or injection"),
        ({"in": DENSE[:3]}, CircuitError, r"'in' has 3 rows, the run has 4 steps"),
        ({"in": DENSE[:, :2]}, CircuitError, r"'in' has shape \(4, 1, 2\); expected \(time, 3\)"),
        ({"in": np.ones((4, 2, 3))}, CircuitError, r"'in' has shape \(4, 2, 3\); expected \(time, 3\)"),
        ({"in": ns.SpikeTrains([], [], n=4)}, CircuitError, "'in' has 3 neurons, the spike trains have 4"),
        (
            {"in": ns.SpikeTrains([], [], n=3, n_trials=2)}, CircuitError,
            "'in': 2 trials of spikes for a run of 1",
        ),
        ({"level": 5.0}, UnitError, "'level'.*amp"),
        ({"level": 5 * ms}, UnitError, "'level'"),
        ({"level": ns.Step(3.0)}, CircuitError, "'level' must be in amp, the signal is in 1"),
        ({"push": 5 * mA}, UnitError, "'push'"),
        ({"push": np.full((4, 3), np.nan)}, CircuitError, "'push' holds NaN"),
    ],
)  # fmt: skip
def test_inputs_that_do_not_fit_are_refused(
    backend: str, inputs: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ns.simulate(small(), 4 * ms, backend=backend, inputs=inputs)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("duration", "options", "message"),
    [
        (1.5 * ms, {}, "the duration must be a positive multiple of dt = 0.001 s"),
        (0 * ms, {}, "the duration must be a positive multiple"),
        (-1 * ms, {}, "the duration must be a positive multiple"),
        (1 * ms, {"trials": 0}, "trials must be a positive integer"),
        (1 * ms, {"trials": 1.5}, "trials must be a positive integer"),
        (1 * ms, {"trials": True}, "trials must be a positive integer"),
    ],
)
def test_runs_that_cannot_be_are_refused(backend: str, duration: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        ns.simulate(small(), duration, backend=backend, **options)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_duration_needs_a_unit(backend: str) -> None:
    with pytest.raises(UnitError, match="duration"):
        ns.simulate(small(), 0.1, backend=backend)


def state_of(**options: Any) -> ns.State:
    circuit = ns.Circuit("other", dt=options.get("dt", 1 * ms))
    circuit.population("p", options.get("n", 3), ns.models.leaky_integrator(tau_mem=10 * ms))
    trials = options.get("trials", 1)
    return ns.simulate(circuit, 2 * ms, backend="snntorch", trials=trials, record={"p": "v"}).state


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dt": 0.5 * ms}, r"taken at dt = 0.0005 s, the circuit runs at 0.001 s"),
        ({"trials": 2}, r"holds 2 trials, the run asks for 1; pass trials=2"),
        ({"n": 4}, r"'p.v' has shape \(1, 4\), circuit 'other' needs \(1, 3\)"),
    ],
)
def test_a_state_of_another_circuit_is_refused(options: dict[str, Any], message: str) -> None:
    circuit = ns.Circuit("other", dt=1 * ms)
    circuit.population("p", 3, ns.models.leaky_integrator(tau_mem=10 * ms))
    for backend in BACKENDS:
        with pytest.raises(CircuitError, match=message):
            ns.simulate(circuit, 2 * ms, backend=backend, state=state_of(**options), record={"p": "v"})


# -- compiling ----------------------------------------------------------------------------------------------------


def test_another_step_than_the_circuits() -> None:
    for backend in BACKENDS:
        recording = ns.simulate(small(), 4 * ms, backend=backend, dt=0.5 * ms, record={"p": "v"})
        assert recording["p"]["v"].shape == (1, 8, 3)
        assert recording.metadata["dt"] == 0.0005


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("brain2",), {}, r"unknown backend 'brain2'. Did you mean 'brian2'"),
        (("brian2",), {"dtype": "float32"}, r"backend 'brian2' has no option 'dtype'"),
        (("snntorch",), {"target": "numpy"}, r"backend 'snntorch' has no option 'target'"),
    ],
)
def test_backends_and_options_that_do_not_exist_are_refused(
    arguments: tuple[str, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(BackendError, match=message):
        ns.compile(small(), *arguments, **options)


def test_a_backend_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[ns.compile.__module__]

    def nothing(name: str) -> None:
        return None

    monkeypatch.setattr(module, "find_spec", nothing)
    with pytest.raises(BackendError, match=r"needs the package 'brian2', which is not installed: pip install brian2"):
        ns.compile(small(), "brian2")


def test_only_a_circuit_can_be_compiled() -> None:
    with pytest.raises(CircuitError, match=r"compile needs a Circuit, got str"):
        ns.compile("small")


def test_what_a_recording_says_about_its_run() -> None:
    circuit = small()
    for backend in BACKENDS:
        metadata = ns.simulate(circuit, 4 * ms, backend=backend, seed=5, trials=2, record={"p": "v"}).metadata
        assert (metadata["backend"], metadata["seed"], metadata["trials"]) == (backend, 5, 2)
        assert (metadata["circuit"], metadata["circuit_digest"]) == ("small", circuit.digest())
        assert metadata["methods"] == {"p": "exact"}
        assert metadata["semantics"].startswith("graded input, integrate, threshold")
        assert {"python", "numpy", "brian2"} <= set(metadata["versions"])


def test_runs_share_the_state_that_they_start_from() -> None:
    circuit = small()
    program = lower(circuit)
    first, second = (initial_state(circuit, program, seed, 2) for seed in (1, 2))
    assert (first.seed, second.seed) == (1, 2)
    assert first.variables["p"]["v"] is second.variables["p"]["v"]
    assert not first.variables["p"]["v"].flags.writeable
    assert initial_state(circuit, program, 1, 3).variables["p"]["v"].shape[0] == 3
