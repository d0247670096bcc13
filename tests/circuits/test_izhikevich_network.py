from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import CircuitError
from neurosim.units import second


def test_it_is_the_published_network() -> None:
    circuit = ns.circuits.build("izhikevich-network")
    assert circuit.dt == 1e-3
    assert {name: part.n for name, part in circuit.populations.items()} == {"exc": 800, "inh": 200}
    r = np.sqrt((circuit.parameter("exc", "c") + 65) / 15)
    assert 0 <= r.min() < 0.01 < 0.99 < r.max() < 1
    assert circuit.parameter("exc", "d") == pytest.approx(8 - 6 * r**2)
    assert (circuit.parameter("exc", "a"), circuit.parameter("exc", "b")) == (0.02, 0.2)
    assert (circuit.parameter("exc", "noise_std"), circuit.parameter("inh", "noise_std")) == (5.0, 2.0)


def test_one_number_sets_both_parameters_of_an_inhibitory_neuron() -> None:
    circuit = ns.circuits.build("izhikevich-network")
    r = (circuit.parameter("inh", "a") - 0.02) / 0.08
    assert circuit.parameter("inh", "b") == pytest.approx(0.25 - 0.05 * r)
    assert (circuit.parameter("inh", "c"), circuit.parameter("inh", "d")) == (-65.0, 2.0)
    assert r[:5] != pytest.approx(np.sqrt((circuit.parameter("exc", "c")[:5] + 65) / 15))


def test_all_to_all_with_autapses() -> None:
    circuit = ns.circuits.build("izhikevich-network")
    for name, low, high in (
        ("exc_to_exc", 0, 0.5),
        ("exc_to_inh", 0, 0.5),
        ("inh_to_exc", -1, 0),
        ("inh_to_inh", -1, 0),
    ):
        pre, post, weight, delay = circuit.edges(name)
        ends = circuit.projections[name]
        assert len(pre) == circuit.populations[ends.pre].n * circuit.populations[ends.post].n
        assert low <= weight.min() < weight.max() <= high
        assert weight.mean() == pytest.approx((low + high) / 2, abs=0.01)
        assert not delay.any()
    assert np.any(pre == post)


def test_it_starts_at_minus_65() -> None:
    circuit = ns.circuits.build("izhikevich-network", scale=0.1)
    assert np.array_equal(circuit.initial("inh", "v"), np.full(20, -65.0))
    assert np.array_equal(circuit.initial("inh", "u"), circuit.parameter("inh", "b") * -65.0)


def test_a_smaller_network_keeps_its_mean_input() -> None:
    small = ns.circuits.build("izhikevich-network", scale=0.1).edges("exc_to_inh").weight
    assert 80 * small.mean() == pytest.approx(800 * 0.25, rel=0.05)


def test_schemes() -> None:
    updates = {}
    for scheme in ("published", "euler"):
        circuit = ns.circuits.build("izhikevich-network", scale=0.01, scheme=scheme)
        updates[scheme] = circuit.populations["exc"].model.update
    assert "v_half" in updates["published"]
    assert "v_half" not in updates["euler"]
    with pytest.raises(CircuitError, match="unknown scheme"):
        ns.circuits.build("izhikevich-network", scheme="half")


def activity(seed: int, scheme: str = "published") -> tuple[float, float, float, np.ndarray]:
    """Return the rates of both populations in hertz, the lowest v, and the spikes per millisecond, of one second."""
    circuit = ns.circuits.build("izhikevich-network", seed=seed, scheme=scheme)
    recording = ns.simulate(circuit, 1 * second, seed=seed, record={name: ("spikes", "v") for name in ("exc", "inh")})
    rates = [recording.spikes[name].mean_rate() for name in ("exc", "inh")]
    lowest = min(float(recording.traces[name]["v"].min()) for name in ("exc", "inh"))
    counts = sum(np.bincount(train.to_steps(1e-3), minlength=1000) for train in recording.spikes.values())
    return rates[0], rates[1], lowest, counts


def test_landmarks_of_a_second() -> None:
    exc, inh, lowest, _ = activity(0)
    assert exc == pytest.approx(7.7, abs=1.0)
    assert inh == pytest.approx(7.3, abs=1.5)
    assert -100 < lowest < -85


@pytest.mark.slow
def test_landmarks_of_six_networks() -> None:
    """Rates of the published scheme and of Euler's; a slow rhythm near 8 Hz."""
    found = [activity(seed) for seed in range(6)]
    assert np.mean([row[0] for row in found]) == pytest.approx(7.7, abs=0.25)
    assert np.mean([row[1] for row in found]) == pytest.approx(7.3, abs=0.5)
    assert np.median([row[2] for row in found]) == pytest.approx(-92, abs=2)
    power = np.mean([np.abs(np.fft.rfft(counts - counts.mean())) ** 2 for *_, counts in found], axis=0)
    assert 5 <= np.argmax(power[:30]) <= 11  # 1 Hz a line
    euler = [activity(seed, "euler") for seed in range(6)]
    assert np.mean([row[0] for row in euler]) == pytest.approx(9.3, abs=0.4)
    assert np.mean([row[1] for row in euler]) == pytest.approx(9.8, abs=0.7)
