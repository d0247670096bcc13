from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import CircuitError
from neurosim.units import ms, second
from parity.scripts import vogels_abbott
from parity.test_against_brian2_by_hand import own_preferences

__all__ = ["own_preferences"]

SHARED = {
    "tau_mem": 0.02,
    "tau_ampa": 0.005,
    "tau_gaba": 0.01,
    "tau_ref": 0.005,
    "v_threshold": -0.05,
    "v_reset": -0.06,
}
OWN = {
    "conductance": {"v_leak": -0.06, "reversal_ampa": 0.0, "reversal_gaba": -0.08},
    "current": {"v_leak": -0.049},
}


@pytest.mark.parametrize("kind", OWN)
def test_it_is_the_documented_network(kind: str) -> None:
    circuit = ns.circuits.build("coba", kind=kind)
    assert circuit.dt == 1e-4
    assert {name: part.n for name, part in circuit.populations.items()} == {"exc": 3200, "inh": 800}
    expected = SHARED | OWN[kind]
    for name in circuit.populations:
        assert {key: circuit.parameter(name, key) for key in expected} == pytest.approx(expected)
    for name, projection in circuit.projections.items():
        pre, _, weight, delay = circuit.edges(name)
        assert weight.mean() == pytest.approx(vogels_abbott.WEIGHTS[kind][not name.startswith("exc")])
        assert not delay.any()
        pairs = circuit.populations[projection.pre].n * circuit.populations[projection.post].n
        assert pre.size == pytest.approx(0.02 * pairs, abs=5 * np.sqrt(0.02 * pairs))


def test_where_conductances_start() -> None:
    circuit = ns.circuits.build("coba")
    for variable, mean, std in (("v", -65e-3, 5e-3), ("ampa", 4.0, 1.5), ("gaba", 20.0, 12.0)):
        drawn = circuit.initial("exc", variable)
        assert drawn.mean() == pytest.approx(mean, abs=5 * std / np.sqrt(3200))
        assert drawn.std() == pytest.approx(std, rel=0.06)


def test_currents_are_the_balanced_network() -> None:
    ours = ns.circuits.build("coba", kind="current", seed=2)
    assert dict(ours.parts) == dict(ns.circuits.build("balanced-network", seed=2).parts)


def test_unknown_kind() -> None:
    with pytest.raises(CircuitError, match=r"unknown kind 'conductances'. Did you mean 'conductance'"):
        ns.circuits.build("coba", kind="conductances")


def rates(kind: str, seed: int, seconds: float = 1.1, scale: float = 1.0, after: float = 0.1) -> list[float]:
    """Return the rates of both populations from `after` on, as the script does."""
    recording = ns.simulate(ns.circuits.build("coba", kind=kind, scale=scale, seed=seed), seconds * second)
    trains = recording.spikes.values()
    return [np.sum(train.times >= after - 1e-9) / train.n / (seconds - after) for train in trains]


def check(kind: str, seeds: int, spread: float, **options: float) -> None:
    """Check that the mean rates of ten networks lie within the spread of those of plain Brian2, and the other way."""
    ours = np.array([rates(kind, seed, **options) for seed in range(seeds)])
    theirs = np.array([vogels_abbott.rates(kind, 100 + seed, **options) for seed in range(seeds)])
    for one, other in ((ours, theirs), (theirs, ours)):
        assert np.all(other.min(axis=0) - spread <= one.mean(axis=0))
        assert np.all(one.mean(axis=0) <= other.max(axis=0) + spread)


@pytest.mark.usefixtures("own_preferences")
def test_rates_of_half_the_network() -> None:
    options = {"seconds": 0.25, "scale": 0.5}
    check("conductance", seeds=1, spread=5.0, **options)
    assert min(rates("conductance", 0, **options)) > 10


@pytest.mark.slow
@pytest.mark.usefixtures("own_preferences")
@pytest.mark.parametrize("kind", OWN)
def test_rates_of_ten_networks_are_within_the_spread_of_brian2(kind: str) -> None:
    check(kind, seeds=10, spread=0.0)


def test_both_backends() -> None:
    assert ns.verify(ns.circuits.build("coba", scale=0.05), 30 * ms).identical
