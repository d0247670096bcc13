"""Poisson sources: the same spikes on every backend, at the rate that was asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare, poisson

import neurosim as ns
from neurosim.units import Hz, ms, mV

CELL = ns.models.lif(tau_mem=10 * ms, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV, receptors={"x": 5 * ms})


def driven(rate: object = 60 * Hz, n: int = 40) -> ns.Circuit:
    circuit = ns.Circuit("driven", dt=0.5 * ms, seed=2)
    circuit.source("background", ns.PoissonSource(n, rate))
    circuit.population("cells", 20, CELL)
    circuit.connect("background", "cells", ns.FixedProbability(0.5), receptor="x", weight=6 * mV, delay=1 * ms)
    return circuit


RECORD = ["background.spikes", "cells.spikes"]


def test_both_backends_draw_the_same_spikes() -> None:
    first, second = (
        ns.simulate(driven(), 100 * ms, backend=name, record=RECORD, seed=9, trials=2)
        for name in ("brian2", "snntorch")
    )
    assert len(first.spikes["background"]) > 100
    assert len(first.spikes["cells"]) > 10
    assert first.spikes == second.spikes
    assert all(largest == 0 for largest, _ in first.state.max_differences(second.state).values())  # type: ignore[union-attr]


def test_trials_parts_and_seeds() -> None:
    """Trial 0 of three is trial 0 alone; two parts are the whole; another seed is another realisation."""
    circuit = driven()
    whole = ns.simulate(circuit, 40 * ms, record=RECORD, seed=1, trials=3)
    alone = ns.simulate(circuit, 40 * ms, record=RECORD, seed=1)
    assert np.array_equal(whole.spikes["background"].of_trial(0).times, alone.spikes["background"].times)
    assert len(whole.spikes["background"].of_trial(1)) > 0
    assert not np.array_equal(whole.spikes["background"].of_trial(1).times, alone.spikes["background"].times)
    start = ns.simulate(circuit, 17 * ms, record=RECORD, seed=1)
    rest = ns.simulate(circuit, 23 * ms, record=RECORD, seed=1, state=start.state, backend="snntorch")
    joined = np.concatenate([start.spikes["background"].times, rest.spikes["background"].times])
    assert np.array_equal(joined, alone.spikes["background"].times)
    other = ns.simulate(circuit, 40 * ms, record=RECORD, seed=2)
    assert not np.array_equal(other.spikes["background"].times, alone.spikes["background"].times)


@pytest.mark.parametrize("rate", [2.0, 160.0])
def test_counts_are_those_of_a_poisson_process(rate: float) -> None:
    """Counts per neuron in 200 steps are binomial, close to Poisson for a small chance per step."""
    n, steps = 3000, 200
    circuit = ns.Circuit("counts", dt=0.1 * ms)
    circuit.source("background", ns.PoissonSource(n, rate * Hz))
    recording = ns.simulate(circuit, steps * 0.1 * ms, record=["background.spikes"], seed=3, backend="snntorch")
    counts = np.bincount(recording.spikes["background"].neurons, minlength=n)
    mean = rate * steps * 1e-4
    largest = int(poisson.isf(5 / n, mean)) + 1
    observed = np.bincount(np.minimum(counts, largest), minlength=largest + 1)
    expected = poisson.pmf(np.arange(largest), mean)
    expected = n * np.append(expected, 1 - expected.sum())
    assert chisquare(observed, expected).pvalue > 1e-3


def test_rates_given_at_run_time() -> None:
    circuit = driven(0 * Hz)
    assert len(ns.simulate(circuit, 50 * ms, record=RECORD).spikes["background"]) == 0
    late = ns.simulate(circuit, 50 * ms, record=RECORD, inputs={"background": ns.Step(500 * Hz, start=20 * ms)})
    assert len(late.spikes["background"]) > 50
    assert late.spikes["background"].times.min() >= 0.020
    half = np.where(np.arange(40) < 20, 500.0, 0.0) * Hz
    some = ns.simulate(circuit, 50 * ms, record=RECORD, inputs={"background": half})
    assert set(some.spikes["background"].neurons) <= set(range(20))
    table = np.zeros((100, 40))
    table[60:, 3] = 900.0
    one = ns.simulate(circuit, 50 * ms, record=RECORD, inputs={"background": table * Hz}, backend="snntorch")
    assert set(one.spikes["background"].neurons) == {3}
    assert one.spikes["background"].times.min() >= 0.030


def test_rates_drawn_with_the_structure() -> None:
    rates = driven(ns.Uniform(10 * Hz, 90 * Hz)).rate("background")
    assert isinstance(rates, np.ndarray)
    assert rates.shape == (40,)
    assert np.all((rates >= 10) & (rates < 90))


def test_files_and_listing(tmp_path: Path) -> None:
    for rate in (60 * Hz, np.arange(40) * Hz, ns.Normal(50 * Hz, 5 * Hz, low=0 * Hz)):
        circuit = driven(rate)
        circuit.save(tmp_path / "driven.json", overwrite=True)
        assert ns.Circuit.load(tmp_path / "driven.json") == circuit
        assert ns.Circuit.load(tmp_path / "driven.json").digest() == circuit.digest()
    assert "background: 40, Poisson spikes\n  rate = 60 Hz" in str(driven())


def test_a_module_draws_and_takes_spikes() -> None:
    import torch

    module = ns.compile(driven(), dtype="float64")
    drawn, _ = module(steps=200, record=RECORD, seed=9)
    same = ns.simulate(driven(), 100 * ms, backend="brian2", record=RECORD, seed=9)
    assert int(drawn["background"]["spikes"].sum()) == len(same.spikes["background"])
    given, _ = module({"background": torch.zeros(200, 1, 40)}, record=RECORD)
    assert int(given["background"]["spikes"].sum()) == 0


@pytest.mark.parametrize(
    ("rate", "error", "message"),
    [
        (-1 * Hz, ns.CircuitError, "not negative"),
        (5, ns.UnitError, "hertz"),
        (np.ones(3) * Hz, ns.CircuitError, r"shape \(3,\)"),
        (ns.Trainable(5 * Hz), ns.CircuitError, "not trainable"),
    ],
)
def test_rates_that_are_refused(rate: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        driven(rate)


def test_more_than_one_spike_a_step_is_refused() -> None:
    with pytest.raises(ns.CircuitError, match="smaller dt"):
        ns.simulate(driven(), 5 * ms, inputs={"background": 3000 * Hz})
