"""Circuits fitted to populations: what is known of drawn ones is found, of motor cortex more than baselines find."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import neurosim as ns
from fitting.population_data import STEP, rates, slow, white
from neurosim.analysis.spikes import bits_per_spike
from neurosim.datasets import recordings
from neurosim.errors import AnalysisError, CircuitError, TrainingError
from neurosim.fitting import Neurons, PopulationFit, Stimuli, Trials, fit_population, rate_network
from neurosim.recording import Recording
from neurosim.units import ms
from reference_data import reference_folder

QUICK: dict[str, Any] = {
    "epochs": 15, "window": 20, "lead": 4, "batch_size": 8, "learning_rate": 0.05, "weight_decay": 0.1,
    "show_progress": False,
}  # fmt: skip


def fitted(seen: Recording, others: Recording, **options: Any) -> PopulationFit:
    circuit = rate_network(seen.spikes["units"].n, rates(others), dt=STEP, hidden=10, tau=50 * ms)
    chosen = {"latency": STEP, **QUICK, **options}
    return fit_population(circuit, others, {"out.rate": "units"}, inputs={"seen": seen}, **chosen)


def test_what_is_seen_is_used_in_its_own_bin() -> None:
    seen, others, means = white(start=12.591)
    found = fitted(seen, others)
    rows = slice(900, 1200)  # the last quarter
    counts = found.recorded.values
    assert found.recorded.times == pytest.approx(12.591 + 0.05 * np.arange(900, 1200))
    truth = float(np.median(bits_per_spike(counts, means[0, rows])))
    assert truth > 0.1
    assert found.median().value > 0.6 * truth
    assert abs(found.median("own past").value) < 0.03
    too_early = fitted(seen, others, latency=0 * ms, epochs=3)  # asks for rates that what was seen had not reached yet
    assert too_early.median().value < 0.03


def test_a_population_predicts_another() -> None:
    seen, others = slow()
    found = fitted(seen, others)
    assert found.median().value > 0.2
    assert found.gain("own past").value > 0
    assert {score.part for score in found.scores} == {"fitted", "held out"}
    # the circuit that is returned does in a simulation what it was scored for, on both backends
    counts = np.histogram2d(
        seen.spikes["units"].times, seen.spikes["units"].neurons, [np.arange(1201) * 0.05, np.arange(25)]
    )[0]
    values = found.scalings["seen"](counts)
    for backend in ("snntorch", "brian2"):
        run = ns.simulate(found.circuit, 1200 * STEP, inputs={"seen": values}, record={"out": "rate"}, backend=backend)
        rate = run["out"]["rate"].values[0]
        assert 0.05 * rate[901:] == pytest.approx(found.expected["circuit"][:-1], rel=1e-4)


def test_a_fit_is_a_function_of_its_seed() -> None:
    seen, others, _ = white(200)
    first, again, other = (fitted(seen, others, seed=seed, epochs=2).expected["circuit"] for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_some_neurons_stand_for_those_recorded() -> None:
    seen, others, _ = white(600)
    circuit = rate_network(6, np.full(9, 12.0), dt=STEP, hidden=6)
    chosen = [8, 1, 2, 6, 4]
    found = fit_population(
        circuit, others, {"out.rate": "units"}, inputs={"seen": seen}, neurons={"out": chosen}, latency=STEP,
        **{**QUICK, "epochs": 8},
    )  # fmt: skip
    (offsets,) = (value for value in found.values if value.address == "out.c")
    free = np.setdiff1d(np.arange(9), chosen)
    assert np.array_equal(offsets.fitted[free], offsets.initial[free])
    assert (offsets.fitted[chosen] != offsets.initial[chosen]).all()
    assert found.recorded.shape == (150, 5)
    assert found.median().value > found.median("own past").value


def test_trials_bins_of_several_steps_and_spiking_inputs() -> None:
    seen, others, _ = white(200, trials=4)
    circuit = ns.Circuit("spiking", dt=25 * ms, seed=1)
    circuit.source("in", ns.SpikeSource(6))
    circuit.population("out", 5, ns.models.leaky_integrator(tau_mem=40 * ms, v_leak=ns.Trainable(np.full(5, -1.2))))
    circuit.connect("in", "out", ns.AllToAll(), receptor="v", weight=ns.Trainable(ns.Normal(0.0, 0.1)))
    found = fit_population(
        circuit, others, {"out.v": "units"}, inputs={"in": seen.spikes["units"]}, log=True, bin=STEP,
        latency=25 * ms, held_out=Trials([3]), **QUICK,
    )  # fmt: skip
    assert set(found.recorded.groups.tolist()) == {3}
    assert found.recorded.shape == (200, 5)
    assert found.median().value > 0.05 > found.median("own past").value


def test_stimuli_are_held_out() -> None:
    import pandas

    seen, others, _ = white(400)
    table = pandas.DataFrame({"start": [0.0, 5.02, 12.0], "stop": [5.0, 9.0, 19.0], "image": ["a", "b", "a"]})
    session = Recording(dict(others.spikes), intervals={"images": table})
    found = fitted(seen, session, held_out=Stimuli("images", "image", "b"), epochs=2)
    # bins that begin in 5.0 s and 9.0 s: the first is not whole, and nothing of the table lies from 9 to 12 s
    assert found.recorded.times == pytest.approx(5.05 + 0.05 * np.arange(79))


def test_inputs_may_be_arrays() -> None:
    seen, others, _ = white(300)
    first = fitted(seen, others, epochs=2)
    counts = np.histogram2d(
        seen.spikes["units"].times, seen.spikes["units"].neurons, [np.arange(301) * 0.05, np.arange(7)]
    )[0]
    values = first.scalings["seen"](counts)
    circuit = rate_network(6, rates(others), dt=STEP, hidden=10, tau=50 * ms)
    found = fit_population(
        circuit, others, {"out.rate": "units"}, inputs={"seen": values}, latency=STEP, **{**QUICK, "epochs": 2}
    )
    assert found.expected["circuit"] == pytest.approx(first.expected["circuit"], rel=1e-5)
    assert not found.scalings


def test_what_a_fit_says() -> None:
    seen, others, _ = white(300)
    found = fitted(seen, others, epochs=2)
    content = json.loads(found.to_json())
    assert content["bits"]["circuit"] == pytest.approx(found.bits["circuit"].tolist())
    assert content["settings"]["latency"] == pytest.approx(0.05)
    assert found.table().columns.tolist() == ["unit", "spikes", "circuit", "own past", "ridge of the same bin"]
    gain = found.bits["circuit"] - found.bits["own past"]
    assert found.gain("own past").value == pytest.approx(np.median(gain))
    assert found.gain("own past").low <= np.median(gain) <= found.gain("own past").high
    lines = [line for line in str(found).splitlines() if line.startswith("held out")]
    assert [line[10:40].split("  ")[0] for line in lines] == [
        "circuit", "own past", "ridge of the same bin", "circuit less own past", "circuit less ridge of the same",
    ]  # fmt: skip
    with pytest.raises(AnalysisError, match="Did you mean 'own past'"):
        found.median("own pats")


def test_through_the_one_door() -> None:
    seen, others, _ = white(200)
    circuit = rate_network(6, rates(others), dt=STEP, hidden=10, tau=50 * ms)
    common: dict[str, Any] = {"pairs": {"out.rate": "units"}, "inputs": {"seen": seen}, "loss": "poisson"}
    found = ns.fit(circuit, others, **common, latency=STEP, **{**QUICK, "epochs": 2})
    direct = fitted(seen, others, epochs=2)
    assert isinstance(found, PopulationFit)
    assert np.array_equal(found.expected["circuit"], direct.expected["circuit"])
    for wrong, message in (
        ({"method": "cma-es"}, "takes no method='cma-es'"),
        ({"steps": 5}, "epochs="),
        ({"latencies": STEP}, "Did you mean 'latency'"),
    ):
        with pytest.raises(TrainingError, match=message):
            ns.fit(circuit, others, **common, **wrong)
    with pytest.raises(AnalysisError, match="names nothing"):
        ns.fit(circuit, others, inputs={"seen": seen}, loss="poisson")


def test_figures() -> None:
    pytest.importorskip("matplotlib")
    import matplotlib as mpl

    mpl.use("Agg")
    seen, others, _ = white(300)
    found = fitted(seen, others, epochs=1)
    axes = found.plot_bits()
    assert [label.get_text() for label in axes.get_yticklabels()] == list(found.bits)
    axes = found.plot_activity([3, 0], start=12.0, duration=1.0)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["units[3]", "units[0]"]
    assert len(axes.lines[0].get_xdata()) == 20
    assert len(found.plot_activity().lines) == 5
    with pytest.raises(AnalysisError, match="nothing was held out from 1 to 3 s"):
        found.plot_activity(start=1.0, duration=2.0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"pairs": {}}, AnalysisError, "names nothing"),
        ({"pairs": {"aut.rate": "units"}}, AnalysisError, "Did you mean 'out'"),
        ({"pairs": {"out.rat": "units"}}, AnalysisError, "Did you mean 'rate'"),
        ({"pairs": {"hidden.tau": "units"}}, AnalysisError, "in second"),
        ({"pairs": {"out.rate": "unit"}}, AnalysisError, "Did you mean 'units'"),
        ({"pairs": {"hidden.r": "units"}}, AnalysisError, "10 neurons and 5 units"),
        ({"log": True}, AnalysisError, "logarithm"),
        ({"neurons": {"out": [0, 1, 2, 3, 3]}}, AnalysisError, "5 different numbers"),
        ({"neurons": {"out": [0, 1, 2, 3, 5]}}, AnalysisError, "0 to 4"),
        ({"neurons": {"hidden": [0]}}, AnalysisError, "in no pair"),
        ({"inputs": {}}, AnalysisError, "sees nothing"),
        ({"inputs": {"sen": np.zeros((300, 6))}}, AnalysisError, "Did you mean 'seen'"),
        ({"inputs": {"seen": np.zeros((300, 5))}}, AnalysisError, "6 channels"),
        ({"inputs": {"seen": np.zeros((299, 6))}}, AnalysisError, "300 steps"),
        ({"inputs": {"seen": np.full((300, 6), np.nan)}}, AnalysisError, "finite"),
        ({"bin": 70 * ms}, AnalysisError, "no whole number"),
        ({"bin": 100 * 50 * ms * 4}, AnalysisError, "longer than"),
        ({"latency": 20 * ms}, AnalysisError, "no whole number"),
        ({"epochs": 0}, AnalysisError, "at least 1"),
        ({"held_out": Neurons([0])}, AnalysisError, "time, trials or stimuli"),
    ],
)
def test_refusals(options: dict[str, Any], error: type[Exception], message: str) -> None:
    seen, others, _ = white(300)
    circuit = rate_network(6, rates(others), dt=STEP, hidden=10)
    chosen: dict[str, Any] = {"pairs": {"out.rate": "units"}, "inputs": {"seen": seen}, **options}
    with pytest.raises(error, match=message):
        fit_population(circuit, others, **chosen)


def test_refusals_of_what_does_not_fit() -> None:
    seen, others, _ = white(300)
    still = ns.Circuit("still", dt=STEP)
    still.source("seen", ns.SignalSource(6))
    still.population("out", 5, ns.NeuronModel("rate = exp(x)*Hz : hertz\nx : 1"))
    with pytest.raises(AnalysisError, match="nothing in the circuit is trainable"):
        fit_population(still, others, {"out.rate": "units"}, inputs={"seen": seen})
    both = Recording({"a": seen.spikes["units"], "b": seen.spikes["units"]})
    circuit = rate_network(6, rates(others), dt=STEP)
    with pytest.raises(AnalysisError, match="select one"):
        fit_population(circuit, others, {"out.rate": "units"}, inputs={"seen": both})
    trials = white(300, trials=2)[0]
    with pytest.raises(AnalysisError, match="2 trials"):
        fit_population(circuit, others, {"out.rate": "units"}, inputs={"seen": trials})
    for wrong in ([-1.0], [[1.0]], []):
        with pytest.raises(AnalysisError, match="rate in hertz"):
            rate_network(6, wrong, dt=STEP)
    with pytest.raises(CircuitError):
        rate_network(0, [1.0], dt=STEP)


def motor_cortex() -> tuple[Recording, np.ndarray]:
    """Return the units of motor cortex, and an order in which they are divided."""
    session = recordings.load("macaque-m1-reaching", folder=reference_folder("macaque_m1_reaching"))
    return session.select("m1"), np.random.default_rng(0).permutation(171)


def predicted_from_others(session: Recording, some: np.ndarray, others: np.ndarray, **options: Any) -> PopulationFit:
    share = options["held_out"]
    seen, wanted = session.select(neurons=np.sort(some)), session.select(neurons=np.sort(others))
    start, stop = wanted.support.start, wanted.support.stop
    known = wanted.restrict((start, start + (1 - share) * (stop - start))).spikes["m1"].rates().values.mean(0)
    circuit = rate_network(len(some), known, dt=STEP, hidden=options.pop("hidden"))
    return fit_population(circuit, wanted, {"out.rate": "m1"}, inputs={"seen": seen}, latency=STEP, **options)


def test_some_units_of_motor_cortex() -> None:
    session, order = motor_cortex()
    start = session.support.start
    session = session.restrict((start, start + 120))
    found = predicted_from_others(session, order[:50], order[50:75], hidden=20, held_out=0.2, **QUICK)
    assert found.recorded.shape == (480, 25)
    assert found.median().value > 0.01
    assert found.gain("ridge of the same bin").value > 0


@pytest.mark.slow
def test_half_of_motor_cortex_predicts_the_other_half() -> None:
    session, order = motor_cortex()
    found = predicted_from_others(session, order[:86], order[86:], hidden=64, held_out=0.2, show_progress=False)
    print(found)
    assert found.recorded.shape == (3107, 85)
    assert np.isfinite(found.bits["circuit"]).sum() == 82  # three units fire in the first four fifths only
    assert found.median().low > found.median("own past").high
    assert found.median().value > 0.05
    assert found.gain("ridge of the same bin").low > 0
