"""Rates that are counted while a run goes on: the same on both backends, however the run is cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.recording import concatenate
from neurosim.units import Hz, Mohm, ms, mV, nA

WHAT = {"exc": ns.Record("rate", bin=5 * ms), "noise": ns.Record("rate", bin=2 * ms)}


@pytest.fixture(scope="module")
def circuit() -> ns.Circuit:
    circuit = ns.Circuit("rates", dt=0.1 * ms, seed=2)
    cell = ns.models.lif(
        tau_mem=10 * ms,
        r=100 * Mohm,
        v_leak=-60 * mV,
        v_threshold=-50 * mV,
        v_reset=-60 * mV,
        receptors={"ampa": 5 * ms},
    )
    circuit.source("noise", ns.PoissonSource(30, rate=80 * Hz))
    circuit.population("exc", 20, cell)
    circuit.connect("noise", "exc", ns.FixedProbability(0.5), receptor="ampa", weight=0.05 * nA, delay=1.5 * ms)
    circuit.connect("exc", "exc", ns.FixedProbability(0.2), receptor="ampa", weight=0.02 * nA, delay=30 * ms)
    return circuit


def run(circuit: ns.Circuit, backend: str, steps: float = 70, **options: Any) -> ns.Recording:
    return ns.simulate(circuit, steps * ms, backend=backend, seed=4, record=WHAT, **options)


@pytest.mark.parametrize("backend", ["brian2", "snntorch"])
@pytest.mark.parametrize("trials", [1, 3])
def test_rates_are_those_of_the_spikes(circuit: ns.Circuit, backend: str, trials: int) -> None:
    counted = run(circuit, backend, trials=trials)
    kept = ns.simulate(circuit, 70 * ms, backend=backend, seed=4, trials=trials, record=["exc.spikes", "noise.spikes"])
    assert list(counted.spikes) == []
    assert counted.state == kept.state
    for name, width in (("exc", 5 * ms), ("noise", 2 * ms)):
        expected = kept.population_rate(name, width)
        assert expected.values.max() > 0
        assert np.array_equal(counted[name]["rate"].values, expected.values)


def test_both_backends_and_all_ways_of_cutting_agree(circuit: ns.Circuit) -> None:
    whole = run(circuit, "brian2", trials=2)
    other = run(circuit, "snntorch", trials=2)
    for name in ("exc", "noise"):
        assert whole[name]["rate"].identical(other[name]["rate"])
    first = run(circuit, "snntorch", 33.3, trials=2)
    second = run(circuit, "brian2", 36.7, trials=2, state=first.state)
    joined = concatenate(first, second)
    assert joined.traces == whole.traces
    assert joined.state == whole.state


def test_a_session_has_no_bins(circuit: ns.Circuit) -> None:
    for backend in ("brian2", "snntorch"):
        with pytest.raises(ns.RecordError, match=r"session: exc\.rate is asked for in bins"):
            ns.compile(circuit, backend=backend).session(record=WHAT)
