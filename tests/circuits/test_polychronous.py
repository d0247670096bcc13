from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import welch

import neurosim as ns
from neurosim.errors import CircuitError
from neurosim.units import ms, second


def test_it_is_the_published_network() -> None:
    circuit = ns.circuits.build("polychronous")
    assert circuit.dt == 1e-3
    assert {name: part.n for name, part in circuit.populations.items()} == {"cells": 1000, "thalamus": 1}
    a, d = circuit.parameter("cells", "a"), circuit.parameter("cells", "d")
    assert np.array_equal(a, np.repeat([0.02, 0.1], [800, 200]))
    assert np.array_equal(d, np.repeat([8.0, 2.0], [800, 200]))
    assert [circuit.parameter("cells", name) for name in ("b", "c", "v_peak")] == [0.2, -65.0, 30.0]
    assert np.array_equal(circuit.initial("cells", "u"), np.full(1000, -13.0))


@pytest.mark.parametrize(("name", "senders", "receivers", "sent"), [
    ("excitation", (0, 800), 1000, 6.0), ("inhibition", (800, 1000), 800, -5.0)
])  # fmt: skip
def test_edges(name: str, senders: tuple[int, int], receivers: int, sent: float) -> None:
    pre, post, weight, delay = ns.circuits.build("polychronous", seed=3).edges(name)
    numbers = np.bincount(pre, minlength=1000)
    assert np.all(numbers[slice(*senders)] == 100)
    assert numbers.sum() == 100 * (senders[1] - senders[0])
    assert not np.any(pre == post)
    assert len(np.unique(pre * 1000 + post)) == pre.size
    received = np.bincount(post, minlength=1000)
    assert not received[receivers:].any()
    expected = pre.size / receivers
    assert received[:receivers].var() == pytest.approx(expected * (1 - expected / (senders[1] - senders[0])), rel=0.25)
    assert np.all(weight == sent)
    if name == "inhibition":
        assert not delay.any()
        return
    steps = np.rint(delay * 1000).astype(int)
    for sender in (0, 799):
        assert np.array_equal(np.bincount(steps[pre == sender]), np.full(20, 5))
    assert abs(np.corrcoef(steps, post)[0, 1]) < 0.02  # 80,000 edges: 0.0035 by chance


def published_loop(circuit: ns.Circuit, chosen: np.ndarray) -> list[tuple[int, int]]:
    """Run the program's loop: find spikes, deliver what arrives now, integrate. Return (iteration, neuron).

    `chosen` is the driven neuron of each iteration, -1 for none. Delays count as in the program: 1 acts at once.
    """
    a, d = (np.asarray(circuit.parameter("cells", name)) for name in "ad")
    n = a.size
    edges = [
        np.concatenate(both) for both in zip(*(circuit.edges(x) for x in ("excitation", "inhibition")), strict=True)
    ]
    pre, post, weight, delay = edges
    delay = np.rint(delay * 1000).astype(int) + 1
    v, u = np.full(n, -65.0), np.full(n, 0.2 * -65.0)
    firings: list[tuple[int, int]] = []
    for t, driven in enumerate(chosen):
        current = np.zeros(n)
        if driven >= 0:
            current[driven] = 20.0
        fired = np.flatnonzero(v >= 30)
        v[fired] = -65.0
        u[fired] += d[fired]
        firings += [(t, int(neuron)) for neuron in fired]
        for when, neuron in firings[::-1]:
            if t - when >= 20:
                break
            now = (pre == neuron) & (delay == t - when + 1)
            np.add.at(current, post[now], weight[now])
        v = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        v = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        u = u + a * (0.2 * v - u)
    return firings


def test_it_runs_the_published_loop() -> None:
    """Spikes are those of the program, stamped one step earlier."""
    circuit = ns.circuits.build("polychronous", scale=0.2, seed=2)
    recording = ns.simulate(circuit, 500 * ms, seed=4, record={"cells": "spikes", "thalamus": "chosen"})
    drawn = recording.traces["thalamus"]["chosen"].values[0, :, 0]
    assert (drawn.min(), drawn.max()) == (0, 199)
    assert np.all(drawn == np.floor(drawn))
    chosen = np.concatenate([[-1], drawn[:-1]]).astype(int)
    train = recording.spikes["cells"]
    found = list(zip((train.to_steps(1e-3) + 1).tolist(), train.neurons.tolist(), strict=True))
    expected = published_loop(circuit, chosen)
    assert [spike for spike in found if spike[0] < 500] == expected
    assert len(expected) > 200


@pytest.mark.parametrize("backend", ["brian2", "snntorch"])
def test_thalamus_drives_every_neuron_alike(backend: str) -> None:
    circuit = ns.circuits.build("polychronous", scale=0.025)
    recording = ns.simulate(circuit, 2 * second, backend=backend, record={"thalamus": "chosen"})
    counts = np.bincount(recording.traces["thalamus"]["chosen"].values.ravel().astype(int), minlength=25)
    assert counts.size == 25
    assert np.sum((counts - 80) ** 2 / 80) < 52  # chi-square, 24 degrees of freedom: one in a thousand is above


def rhythm(seed: int, seconds: int) -> tuple[float, float, float]:
    """Return the rates of both kinds of neurons and the peak of the spectrum of all spikes, in hertz."""
    recording = ns.simulate(ns.circuits.build("polychronous", seed=seed), seconds * second, seed=seed)
    train = recording.spikes["cells"]
    counts = np.bincount(train.to_steps(1e-3), minlength=1000 * seconds)
    frequencies, power = welch(counts, fs=1000, nperseg=2000)
    exc = train.neurons < 800
    return exc.sum() / 800 / seconds, (~exc).sum() / 200 / seconds, frequencies[1 + np.argmax(power[1:])]


def test_it_begins_with_a_delta_rhythm() -> None:
    """The paper: large oscillations of 2 to 4 Hz before the synapses have learnt."""
    exc, inh, peak = rhythm(0, 4)
    assert 2 <= peak <= 4
    assert 3 < exc < 7
    assert 3 < inh / exc < 4


@pytest.mark.slow
def test_the_rhythm_is_there_for_every_seed() -> None:
    found = np.array([rhythm(seed, 10) for seed in range(5)])
    assert np.all((found[:, 2] >= 2) & (found[:, 2] <= 4))
    assert np.all((found[:, 0] > 3) & (found[:, 0] < 6))


def test_both_backends() -> None:
    assert ns.verify(ns.circuits.build("polychronous", scale=0.1), 300 * ms).identical


def test_too_small() -> None:
    with pytest.raises(CircuitError, match="leaves 20 neurons"):
        ns.circuits.build("polychronous", scale=0.02)
