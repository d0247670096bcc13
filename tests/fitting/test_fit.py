"""A circuit's own simulation is fitted back: what was simulated with is found again."""

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import CircuitError, RecordError, TrainingError, UnitError
from neurosim.fitting import Trials, losses
from neurosim.recording import Recording
from neurosim.training.interruption import TrainingInterrupted
from neurosim.units import Mohm, ms, mV, pA, second

LEVELS = [ns.Step(level * pA, start=20 * ms, stop=220 * ms) for level in (170, 210, 260, 320)]


def neuron(tau: Any, r: Any, *, dt: float = 0.5) -> ns.Circuit:
    circuit = ns.Circuit("cell", dt=dt * ms)
    model = ns.models.lif(tau_mem=tau, r=r, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-70 * mV, tau_ref=2 * ms)
    circuit.population("cell", 1, model)
    circuit.inject("drive", "cell", "i_ext")
    return circuit


def to_fit(**kwargs: Any) -> ns.Circuit:
    tau = ns.Trainable(20 * ms, bounds=(5 * ms, 60 * ms))
    return neuron(tau, ns.Trainable(200 * Mohm, bounds=(50 * Mohm, 500 * Mohm)), **kwargs)


def recorded(circuit: ns.Circuit, signals: list[ns.Step] = LEVELS, duration: Any = 250 * ms) -> Recording:
    n_steps = round(float(duration) / circuit.dt)
    rows = np.stack([signal.sample(np.arange(n_steps), circuit.dt, 1) for signal in signals], axis=1)
    return ns.simulate(
        circuit, duration, backend="snntorch", inputs={"drive": rows * ns.units.quantity(1.0, "amp")},
        trials=len(signals), record={"cell": ["spikes", "v", "i_ext"]},
    )  # fmt: skip


@pytest.fixture(scope="module")
def recording() -> Recording:
    return recorded(neuron(30 * ms, 160 * Mohm))


def test_evolution_finds_what_was_simulated(recording: Recording) -> None:
    found = ns.fit(
        to_fit(), recording, inputs={"drive": LEVELS}, method="cma-es", held_out=Trials([2]), steps=25,
        loss=losses.van_rossum(20 * ms),
    )  # fmt: skip
    assert float(found["cell.tau_mem"]) == pytest.approx(30e-3, rel=0.03)
    assert float(found["cell.r"]) == pytest.approx(160e6, rel=0.02)
    assert found.history[-1]["loss"] < 0.5 * found.history[0]["loss"]
    trial = next(score for score in found.held_out if score.what == "trial 2")
    assert trial.measures["recorded"] == trial.measures["simulated"] == recording.spikes["cell"].counts()[2].item()
    assert found.circuit.trainables().keys() == {"cell.tau_mem", "cell.r"}  # written back, and still marked


def test_descent_finds_what_was_simulated(recording: Recording) -> None:
    found = ns.fit(
        to_fit(), recording, inputs={"drive": "cell.i_ext"}, held_out=Trials([2]), steps=80, learning_rate=0.03,
        loss=losses.trace("cell.v") + losses.van_rossum(20 * ms),
    )  # fmt: skip
    assert float(found["cell.tau_mem"]) == pytest.approx(30e-3, rel=0.05)
    assert float(found["cell.r"]) == pytest.approx(160e6, rel=0.05)
    best = min(row["loss"] for row in found.history)
    fitted = next(score for score in found.fitted if score.what == "all")
    assert fitted.measures["loss"] == pytest.approx(best, rel=1e-3)  # the best values were kept, not the last
    assert best < 0.2 * found.history[0]["before"]


def test_copies_do_what_each_of_them_does_alone(recording: Recording) -> None:
    """The loss of candidates that are simulated at once is that of each by itself."""
    from neurosim.fitting.evolution import Runner
    from neurosim.fitting.held_out import Time
    from neurosim.fitting.simulated import loss_of, simulated
    from neurosim.fitting.task import make_task
    from neurosim.fitting.values import FreeNumbers

    circuit = to_fit()
    task = make_task(
        circuit, recording, inputs={"drive": LEVELS}, pairs=None, loss=losses.van_rossum(20 * ms) + losses.counts(),
        held_out=Time(), repeats=2,
    )  # fmt: skip
    numbers = FreeNumbers.of(circuit)
    candidates = np.array([[15e-3, 150e6], [30e-3, 160e6], [40e-3, 300e6]])
    together = Runner(task, numbers, 3, seed=0).losses(candidates)
    part = task.split.fitted
    alone = [
        float(loss_of(task, simulated(task, numbers.in_circuit(circuit, one), part, seed=0), part)[0])
        for one in candidates
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-6)
    assert together[1] == 0.0  # what was simulated with


def _few(recording: Recording, **kwargs: Any) -> ns.fitting.Fit:
    given = {"inputs": {"drive": LEVELS}, "steps": 3, "show_progress": False, **kwargs}
    return ns.fit(to_fit(), recording, **given)


@pytest.mark.parametrize("method", ["cma-es", "gradient"])
def test_a_fit_that_was_stopped_goes_on_as_if_it_had_not_been(
    recording: Recording, tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _few(recording, method=method)
    measure, calls = losses.VanRossum.measure, 0

    def interrupted(self: Any, spikes: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            signal.raise_signal(signal.SIGINT)
        return measure(self, spikes)

    with monkeypatch.context() as patch:
        patch.setattr(losses.VanRossum, "measure", interrupted)
        with pytest.raises(TrainingInterrupted, match="resume=True"):
            _few(recording, method=method, folder=tmp_path / "fit")
    rest = _few(recording, method=method, folder=tmp_path / "fit", resume=True)
    assert rest.to_dict() == whole.to_dict()
    with pytest.raises(TrainingError, match="seed is 0 there, 1 here"):
        _few(recording, method=method, folder=tmp_path / "fit", resume=True, seed=1)
    with pytest.raises(TrainingError, match="holds a training run already"):
        _few(recording, method=method, folder=tmp_path / "fit")


def test_another_recording_is_another_fit(recording: Recording, tmp_path: Path) -> None:
    _few(recording, method="cma-es", folder=tmp_path / "fit", steps=1)
    other = recorded(neuron(31 * ms, 160 * Mohm))
    with pytest.raises(TrainingError, match="data is"):
        _few(other, method="cma-es", folder=tmp_path / "fit", steps=1, resume=True)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"method": "simplex"}, TrainingError, "method='simplex' is unknown"),
        ({"steps": 0}, TrainingError, "steps must be a whole number from 1"),
        ({"repeats": 1.5}, TrainingError, "repeats must be a whole number"),
        ({"loss": "counts"}, TrainingError, r"one of neurosim\.fitting\.losses"),
        ({"resume": True}, TrainingError, "give folder="),
        ({"pairs": {"cel": "cell"}}, RecordError, "Did you mean 'cell'"),
        ({"inputs": {"drove": LEVELS}}, CircuitError, "Did you mean 'drive'"),
        ({"inputs": {"drive": LEVELS[:2]}}, CircuitError, "2 signals for 'drive', but 4 trials"),
        ({"inputs": {"drive": "cell.v"}}, RecordError, "'drive' is in amp, the trace 'cell.v' in volt"),
        ({"inputs": {"drive": np.zeros((500, 4, 1))}}, UnitError, "amp"),
        ({"candidates": 8}, TrainingError, "has no option 'candidates'"),
        ({"method": "cma-es", "candidates": 2}, TrainingError, "at least 4"),
        ({"loss": losses.counts("other")}, RecordError, "compares 'other'"),
    ],
)
def test_what_does_not_fit_is_refused(
    recording: Recording, given: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        _few(recording, **given)


def test_a_circuit_without_anything_trainable_is_refused(recording: Recording) -> None:
    with pytest.raises(TrainingError, match="nothing of circuit 'cell' is marked"):
        ns.fit(neuron(20 * ms, 100 * Mohm), recording, inputs={"drive": LEVELS})


def test_evolution_needs_its_package(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosim.extras.importlib.util.find_spec", lambda name: None)
    with pytest.raises(TrainingError, match=r"pip install 'neurosim-circuits\[fitting\]'"):
        _few(recording, method="cma-es")


def test_neurons_are_held_out() -> None:
    """Three neurons share their time constant: what two of them tell of it is right for the third."""
    circuit = ns.Circuit("three", dt=0.5 * ms)
    model = ns.models.lif(
        tau_mem=ns.Trainable(20 * ms, bounds=(5 * ms, 60 * ms)), v_threshold=1.0, v_reset=0.0, v_leak=0.0
    )
    circuit.population("cell", 3, model)
    circuit.inject("drive", "cell", "i_ext")
    drive = np.tile([1.2, 1.5, 1.3], (500, 1))
    run = ns.simulate(circuit.replace({"cell.tau_mem": 12 * ms}), 250 * ms, inputs={"drive": drive}, trials=2)
    found = ns.fit(
        circuit, run, inputs={"drive": drive}, method="cma-es", steps=8, held_out=ns.fitting.Neurons([2]),
        loss=losses.counts() + losses.van_rossum(20 * ms),
    )  # fmt: skip
    number = np.count_nonzero((run.spikes["cell"].neurons == 2) & (run.spikes["cell"].trials == 0))
    measures = {score.what: score.measures for score in found.held_out}
    assert measures["trial 0"]["recorded"] == number
    assert abs(measures["trial 1"]["count_error"]) < 0.1
    fitted = {score.what: score.measures for score in found.fitted}
    assert fitted["trial 0"]["recorded"] == np.count_nonzero(run.spikes["cell"].trials == 0) - number
    assert float(found["cell.tau_mem"]) == pytest.approx(12e-3, rel=0.1)


def test_evolution_needs_limits(recording: Recording) -> None:
    circuit = neuron(ns.Trainable(20 * ms), ns.Trainable(100 * Mohm, bounds=(10 * Mohm, 500 * Mohm)))
    with pytest.raises(TrainingError, match=r"bounds=\(low, high\)\) to: cell\.tau_mem\."):
        ns.fit(circuit, recording, inputs={"drive": LEVELS}, method="cma-es")


def test_trials_begin_at_zero() -> None:
    moved = Recording({"cell": ns.SpikeTrains([-0.1, 0.1], [0, 0], 1, start=-0.2, duration=0.5)})
    with pytest.raises(RecordError, match="per_trial"):
        ns.fit(to_fit(), moved)


def test_a_recording_is_needed() -> None:
    with pytest.raises(TrainingError, match="a Recording is needed, not int"):
        ns.fit(to_fit(), 3)  # type: ignore[arg-type]


def test_noise_is_told_from_signal_by_repeats() -> None:
    """A circuit with noise: the rate over repeats predicts the spikes of one run beyond a constant rate."""
    circuit = ns.Circuit("noisy", dt=0.5 * ms)
    model = ns.NeuronModel(
        "dv/dt = (gain*s - v)/tau + sigma*xi*tau**-0.5 : 1\ns : 1", threshold="v > 1", reset="v = 0", method="euler",
        parameters={"gain": ns.Trainable(1.0, bounds=(0.1, 5.0)), "tau": 10 * ms, "sigma": 0.3},
    )  # fmt: skip
    circuit.population("cell", 1, model)
    circuit.inject("drive", "cell", "s")
    wave = (1 + np.sin(2 * np.pi * 4 * np.arange(2000) * 0.5e-3))[:, np.newaxis]
    run = ns.simulate(circuit.replace({"cell.gain": 1.5}), 1 * second, backend="snntorch", seed=4,
                      inputs={"drive": wave})  # fmt: skip
    found = ns.fit(
        circuit, run, inputs={"drive": wave}, method="cma-es", repeats=8, steps=8, held_out=0.5,
        loss=losses.likelihood(5 * ms, smooth=10 * ms),
    )  # fmt: skip
    held_out = next(score for score in found.held_out if score.what == "all")
    assert held_out.measures["bits_per_spike"] > 0.2
    assert held_out.measures["correlation"] > 0.3
    assert float(found["cell.gain"]) == pytest.approx(1.5, rel=0.3)
