from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.circuits.brunel.activity import Activity, measure
from neurosim.circuits.brunel.circuit import REGIMES
from neurosim.circuits.brunel.theory import stationary_rate
from neurosim.errors import CircuitError, RecordError
from neurosim.units import ms, mV, second

#: The paper's table 1: simulated and calculated rate, and simulated frequency of the summed activity; hertz.
PUBLISHED = {"fast": (60.7, 55.8, 180.0), "asynchronous": (37.7, 38.0, None), "slow": (5.5, 6.5, 22.0)}


def test_it_is_the_published_network() -> None:
    circuit = ns.circuits.build("brunel", scale=0.2)
    assert circuit.dt == 1e-4
    assert {name: part.n for name, part in circuit.populations.items()} == {"exc": 2000, "inh": 500}
    expected = {"tau_mem": 0.02, "v_threshold": 0.02, "v_reset": 0.01, "v_leak": 0.0, "tau_ref": 0.002}
    for name in circuit.populations:
        assert {key: circuit.parameter(name, key) for key in expected} == pytest.approx(expected)
    for name, inputs, weight in (("exc_to_inh", 1000, 1e-4), ("inh_to_inh", 250, -5e-4)):
        pre, post, w, delay = circuit.edges(name)
        assert np.all(np.bincount(post) == inputs)
        assert (w.min(), w.max()) == pytest.approx((weight, weight))
        assert delay.max() == pytest.approx(1.5e-3)
        pairs = pre * 500 + post
        assert len(np.unique(pairs)) == len(pairs)
        assert name == "exc_to_inh" or not np.any(pre == post)
    for name, background in circuit.poisson_inputs.items():
        assert background.count == 1000
        assert circuit.rate(name) == pytest.approx(20.0)  # twice the threshold rate of 10 Hz
        assert background.weight == pytest.approx(1e-4)
    full = ns.circuits.build("brunel")
    assert {name: part.n for name, part in full.populations.items()} == {"exc": 10_000, "inh": 2500}


def test_every_constant_is_a_parameter() -> None:
    circuit = ns.circuits.build(
        "brunel", g=4.0, external=1.5, n_exc=400, n_inh=100, connectivity=0.2, weight=0.2 * mV, delay=2 * ms,
        tau_mem=10 * ms, v_threshold=15 * mV, v_reset=5 * mV, tau_ref=1 * ms,
    )  # fmt: skip
    assert np.all(np.bincount(circuit.edges("exc_to_exc").post) == 80)
    assert circuit.edges("inh_to_exc").weight.mean() == pytest.approx(-8e-4)
    assert circuit.edges("inh_to_exc").delay.max() == pytest.approx(2e-3)
    assert circuit.rate("external_inh") == pytest.approx(1.5 * 15e-3 / (80 * 0.2e-3 * 10e-3))
    assert [circuit.parameter("inh", name) for name in ("tau_mem", "v_threshold", "v_reset", "tau_ref")] == (
        pytest.approx([0.01, 0.015, 0.005, 0.001])
    )


def test_errors() -> None:
    with pytest.raises(CircuitError, match=r"unknown regime 'asynchronus'. Did you mean 'asynchronous'"):
        ns.circuits.build("brunel", regime="asynchronus")
    with pytest.raises(CircuitError, match="leaves a neuron without inputs"):
        ns.circuits.build("brunel", connectivity=0.0)


@pytest.mark.parametrize("regime", PUBLISHED)
def test_theory_gives_the_rates_that_the_paper_calculates(regime: str) -> None:
    assert stationary_rate(*REGIMES[regime]) == pytest.approx(PUBLISHED[regime][1], abs=0.06)


def trains(times: np.ndarray, neurons: np.ndarray, n: int, duration: float) -> ns.Recording:
    return ns.Recording(spikes={"cells": ns.SpikeTrains(times, neurons, n, duration=duration)})


def test_measures_of_independent_poisson_neurons() -> None:
    rng = np.random.default_rng(1)
    counts = rng.poisson(20 * 4, 200)
    found = measure(trains(rng.uniform(0, 4, counts.sum()), np.repeat(np.arange(200), counts), 200, 4.0), start=0 * ms)
    assert found.rate == pytest.approx(20, rel=0.03)
    assert found.cv == pytest.approx(1, abs=0.03)
    assert found.synchrony < 0.1
    assert found.regime == "asynchronous"


def test_measures_of_a_clock_and_of_a_common_rhythm() -> None:
    steps, neurons = np.meshgrid(np.arange(0, 2, 0.0125), np.arange(50))
    clock = measure(trains(steps.ravel(), neurons.ravel(), 50, 2.0), start=200 * ms)
    assert clock.regime == "synchronous-regular"
    assert (clock.rate, clock.cv) == pytest.approx((80.0, 0.0), abs=0.3)
    rng = np.random.default_rng(2)
    drawn = rng.uniform(0, 2, 100_000)
    kept = drawn[rng.random(drawn.size) < (1 + np.sin(2 * np.pi * 150 * drawn)) / 2]
    sine = measure(trains(kept, rng.integers(1000, size=kept.size), 1000, 2.0), start=0 * ms)
    # A bin of 1 ms is a good part of the period: what is left of a sine is sin(x)/x with x = pi*f*width.
    x = np.pi * 150 * 1e-3
    assert sine.synchrony == pytest.approx(np.sqrt(0.5) * np.sin(x) / x, rel=0.03)
    assert sine.frequency == pytest.approx(150, abs=1)
    assert sine.rhythm > 0.9
    assert sine.regime == "fast"


def test_what_cannot_be_measured() -> None:
    silent = trains(np.array([0.05]), np.array([0]), 2, 1.0)
    with pytest.raises(RecordError, match="no neuron spikes"):
        measure(silent)
    with pytest.raises(RecordError, match=r"0\.1 s remain"):
        measure(silent, start=900 * ms)
    assert np.isnan(measure(silent, start=0 * ms).cv)
    trials = ns.Recording(spikes={"cells": ns.SpikeTrains([0.3], [0], 1, n_trials=2, duration=1.0)})
    with pytest.raises(RecordError, match="several trials"):
        measure(trials)


@pytest.mark.parametrize("regime", REGIMES)
def test_regimes_of_a_small_network(regime: str) -> None:
    """A tenth of the neurons, almost all connected: more synchronous than the paper's, and yet told apart."""
    circuit = ns.circuits.build("brunel", regime=regime, scale=0.1)
    found = measure(ns.simulate(circuit, 300 * ms, seed=1), start=100 * ms)
    assert found.regime == regime
    low, high = {"synchronous-regular": (300, 320), "fast": (50, 80), "asynchronous": (35, 60), "slow": (3, 15)}[regime]
    assert low < found.rate < high


def test_both_backends() -> None:
    circuit = ns.circuits.build("brunel", regime="fast", scale=0.03)
    report = ns.verify(circuit, 30 * ms, seed=1)
    assert report.identical
    assert "IDENTICAL" in str(report)


@pytest.mark.slow
@pytest.mark.parametrize("regime", REGIMES)
def test_regimes_at_full_size(regime: str) -> None:
    circuit = ns.circuits.build("brunel", regime=regime)
    found = full(circuit, regime)
    assert found.regime == regime
    if regime == "synchronous-regular":
        assert found.rate > 300
        assert found.cv < 0.01
        return
    rate, _, frequency = PUBLISHED[regime]
    assert found.rate == pytest.approx(rate, rel=0.1)
    assert found.cv > 0.3
    if frequency is None:
        assert found.synchrony < 0.6
    else:
        assert found.frequency == pytest.approx(frequency, rel=0.2)
        assert found.synchrony > 0.8


def full(circuit: ns.Circuit, regime: str) -> Activity:
    seconds = {"synchronous-regular": 0.3, "slow": 2.2}.get(regime, 0.7)
    start = (100 if regime == "synchronous-regular" else 200) * ms
    return measure(ns.simulate(circuit, seconds * second, seed=1), start=start)
