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


def published_loop(
    circuit: ns.Circuit, chosen: np.ndarray, plastic: bool = False
) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Run the program's loop: find spikes, learn, deliver what arrives now, integrate; change weights once a second.

    Parameters
    ----------
    circuit
        Where the edges are taken from.
    chosen
        The driven neuron of each iteration, -1 for none.
    plastic
        Whether the weights of the excitatory edges learn.

    Returns
    -------
    tuple
        The spikes (iteration, neuron), and the weights at the end, excitatory edges first.
    """
    a, d = (np.asarray(circuit.parameter("cells", name)) for name in "ad")
    tables = [circuit.edges(name) for name in ("excitation", "inhibition")]
    pre, post, weight, delay = (np.concatenate(parts) for parts in zip(*tables, strict=True))
    delay = np.rint(delay * 1000).astype(int) + 1  # as the program counts: 1 acts at once
    learns = np.arange(pre.size) < tables[0].pre.size
    tendency = np.zeros(pre.size)
    v, u = np.full(a.size, -65.0), np.full(a.size, 0.2 * -65.0)
    trace = np.zeros((a.size, chosen.size + 21))  # column t + 20 is that of iteration t
    firings: list[tuple[int, int]] = []
    for t, driven in enumerate(chosen):
        current = np.zeros(a.size)
        if driven >= 0:
            current[driven] = 20.0
        fired = np.flatnonzero(v >= 30)
        v[fired] = -65.0
        u[fired] += d[fired]
        trace[fired, t + 20] = 0.1
        caused = np.isin(post, fired) & learns
        tendency[caused] += trace[pre[caused], t + 20 - delay[caused]]
        firings += [(t, int(neuron)) for neuron in fired]
        for when, neuron in firings[::-1]:
            if t - when >= 20:
                break
            now = (pre == neuron) & (delay == t - when + 1)
            np.add.at(current, post[now], weight[now])
            now &= learns
            tendency[now] -= 1.2 * trace[post[now], t + 20]
        v = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        v = v + 0.5 * (0.04 * v**2 + 5 * v + 140 - u + current)
        u = u + a * (0.2 * v - u)
        trace[:, t + 21] = 0.95 * trace[:, t + 20]
        if plastic and t % 1000 == 999:
            weight = np.where(learns, np.clip(0.01 + weight + tendency, 0, 10), weight)
            tendency = 0.9 * tendency
    return firings, weight


def run(circuit: ns.Circuit, milliseconds: int, backend: str = "snntorch") -> tuple[ns.Recording, np.ndarray]:
    """Return a recording of the spikes, and the neuron that was driven in each step, -1 in the first."""
    recording = ns.simulate(
        circuit, milliseconds * ms, backend=backend, seed=4, record={"cells": "spikes", "thalamus": "chosen"}
    )
    drawn = recording.traces["thalamus"]["chosen"].values[0, :, 0]
    assert (drawn.min(), drawn.max()) == (0, circuit.populations["cells"].n - 1)
    assert np.all(drawn == np.floor(drawn))
    return recording, np.concatenate([[-1], drawn[:-1]]).astype(int)


def spikes_of_the_program(recording: ns.Recording, iterations: int) -> list[tuple[int, int]]:
    """Return spikes as the program stamps them, one step later, up to a number of iterations."""
    train = recording.spikes["cells"]
    listed = zip((train.to_steps(1e-3) + 1).tolist(), train.neurons.tolist(), strict=True)
    return [spike for spike in listed if spike[0] < iterations]


def test_it_runs_the_published_loop() -> None:
    circuit = ns.circuits.build("polychronous", scale=0.1, seed=2)
    recording, chosen = run(circuit, 500)
    expected, _ = published_loop(circuit, chosen)
    assert spikes_of_the_program(recording, 500) == expected
    assert len(expected) > 100


@pytest.mark.parametrize("backend", ["brian2", "snntorch"])
def test_it_learns_as_the_published_loop(backend: str) -> None:
    """Spikes and weights to the last bit, over the first change of the weights."""
    circuit = ns.circuits.build("polychronous", plastic=True, scale=0.1, seed=2)
    recording, chosen = run(circuit, 1100, backend)
    expected, weight = published_loop(circuit, chosen, plastic=True)
    assert spikes_of_the_program(recording, 1100) == expected
    found = np.asarray(recording.state.variables["excitation"]["w"])[0]
    assert np.array_equal(found, weight[: found.size])
    assert np.sum(found > 6.05) > 100
    assert np.sum(found < 5.95) > 100
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
def test_weights_stay_within_their_bounds_as_they_learn() -> None:
    recording = ns.simulate(ns.circuits.build("polychronous", plastic=True), 10 * second)
    weights = np.asarray(recording.state.variables["excitation"]["w"])[0]
    assert 0 <= weights.min() < 5
    assert 7 < weights.max() <= 10
    rate = recording.spikes["cells"].mean_rate()
    assert 2 < rate < 15


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
