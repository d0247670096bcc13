"""The tempotron against its closed forms, against simulations of what it learned, and at its load."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import neurosim as ns
from neurosim.errors import CircuitError, TrainingError, UnsupportedError
from neurosim.training.local import Tempotron
from neurosim.training.local.linear import above_threshold
from neurosim.units import Hz, Mohm, ms, mV, pA

Floats = NDArray[np.float64]
TAU, TAU_S = 15.0, 3.75
LIF = {"tau_mem": TAU * ms, "v_threshold": 1.0, "v_reset": 0.0, "v_leak": 0.0}
CELL = ns.models.lif(**LIF, receptors={"x": TAU_S * ms})


def network(inputs: int, weight: Any = None, cell: Any = CELL, n: int = 1, **options: Any) -> ns.Circuit:
    circuit = ns.Circuit("tempotron", dt=1 * ms, seed=2)
    circuit.source("in", ns.SpikeSource(inputs))
    circuit.population("cell", n, cell)
    given = ns.Normal(0, 0.05) if weight is None else weight
    circuit.connect("in", "cell", ns.AllToAll(), receptor="x", weight=given, **options)
    return circuit


def latencies(inputs: int, patterns: int, seed: int, steps: int = 500) -> tuple[Floats, NDArray[np.bool_]]:
    """Return patterns in which each input fires once at a random time, (time, pattern, input), and random labels."""
    rng = np.random.default_rng(seed)
    spikes = np.zeros((steps, patterns, inputs))
    spikes[rng.integers(0, steps, (patterns, inputs)), np.arange(patterns)[:, None], np.arange(inputs)] = 1
    return spikes, rng.permutation(np.arange(patterns) % 2).astype(bool)


def simulated(circuit: ns.Circuit, spikes: Floats, backend: str) -> NDArray[np.bool_]:
    """Return whether each neuron fires at each pattern, (pattern, neuron)."""
    steps, patterns, _ = spikes.shape
    recording = ns.simulate(
        circuit, steps * ms, backend=backend, inputs={"in": spikes}, trials=patterns, record={"cell": "spikes"}
    )
    fired = np.zeros((patterns, circuit.populations["cell"].n), dtype=bool)
    found = recording.spikes["cell"]
    fired[found.trials, found.neurons] = True
    return fired


def response(steps: int) -> Floats:
    """Return the voltage k steps after a pulse of 1 on an exponential current, solved by hand."""
    time = np.arange(steps)
    found: Floats = TAU_S / (TAU - TAU_S) * (np.exp(-time / TAU) - np.exp(-time / TAU_S))
    return found


def test_the_response_is_a_difference_of_exponentials() -> None:
    module = ns.compile(network(1, 1.0), dtype="float64", training=False)
    rest, kernel = above_threshold(module, "cell", "x", 60)
    np.testing.assert_allclose(kernel[:, 0], response(60), rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(rest, -np.ones((60, 1)))


@pytest.mark.parametrize("fire", [True, False])
def test_one_correction_by_hand(fire: bool) -> None:
    """Two spikes before the highest voltage and one after it; the weights before decide the sign."""
    spikes = np.zeros((80, 1, 3))
    spikes[[10, 14, 60], 0, [0, 1, 2]] = 1
    start = np.full(3, 1.0 if fire else 6.0)
    voltage = np.convolve(spikes.sum(2)[:, 0], response(80))[:80] * start[0]
    best = int(np.argmax(voltage))
    assert 14 < best < 60
    assert (voltage[best] > 1) is not fire
    run = Tempotron(network(3, start), "in_to_cell").learn(spikes, [fire], epochs=1, rate=0.1, momentum=0.5)
    kernel = response(80)
    expected = np.array([kernel[best - 10], kernel[best - 14], 0.0]) * 0.1 / kernel.max() ** 2
    np.testing.assert_allclose(
        run.circuit.edges("in_to_cell").weight - start, expected if fire else -expected, rtol=1e-9, atol=1e-12
    )
    assert run.errors == (1.0,)
    assert not run.learned


def test_it_learns_as_many_patterns_as_it_has_inputs_and_both_backends_agree() -> None:
    spikes, labels = latencies(40, 40, seed=0, steps=300)
    untrained = network(40)
    run = Tempotron(untrained, "in_to_cell").learn(spikes, labels)
    assert run.learned
    assert run.errors[0] > 0.3
    assert np.array_equal(Tempotron(run.circuit, "in_to_cell").fires(spikes)[:, 0], labels)
    for backend in ("brian2", "snntorch"):
        assert np.array_equal(simulated(run.circuit, spikes, backend)[:, 0], labels)
    weight = run.circuit.edges("in_to_cell").weight
    again = Tempotron(untrained, "in_to_cell").learn(spikes, labels)
    assert np.array_equal(again.circuit.edges("in_to_cell").weight, weight)
    other = Tempotron(untrained, "in_to_cell").learn(spikes, labels, seed=1)
    assert other.learned
    assert not np.array_equal(other.circuit.edges("in_to_cell").weight, weight)


@pytest.mark.slow
def test_load_two() -> None:
    """200 patterns for 100 inputs."""
    errors = []
    for seed in range(3):
        spikes, labels = latencies(100, 200, seed)
        run = Tempotron(network(100), "in_to_cell").learn(spikes, labels, epochs=1000)
        errors.append(min(run.errors))
    print(errors)
    assert sum(error == 0 for error in errors) >= 2
    assert max(errors) <= 0.03


PHYSICAL = ns.models.lif(
    tau_mem=ns.Uniform(10 * ms, 20 * ms),
    r=100 * Mohm,
    v_leak=-60 * mV,
    v_threshold=-50 * mV,
    v_reset=-60 * mV,
    tau_ref=5 * ms,
    receptors={"x": ns.DoubleExponential(2 * ms, 6 * ms)},
    method="euler",
)
CELLS = {
    "delays": (CELL, ns.Normal(0.5, 1.0), {"delay": ns.Uniform(0 * ms, 20 * ms)}),
    "a double exponential current in physical units, unequal neurons": (PHYSICAL, ns.Normal(25 * pA, 55 * pA), {}),
    "pulses on the membrane": (ns.models.lif(**LIF, receptors={"x": ns.Delta()}), ns.Normal(0.15, 0.2), {}),
}


@pytest.mark.parametrize("title", CELLS)
def test_its_decisions_are_those_of_the_circuit(title: str) -> None:
    cell, weight, options = CELLS[title]
    circuit = network(30, weight, cell, n=3, **options)
    spikes, _ = latencies(30, 40, seed=4, steps=120)
    fired = simulated(circuit, spikes, "snntorch")
    assert 0.1 < fired.mean() < 0.9
    assert np.array_equal(Tempotron(circuit, "in_to_cell").fires(spikes), fired)


def test_each_neuron_learns_its_own_labels_in_units() -> None:
    spikes, labels = latencies(30, 12, seed=5, steps=200)
    both = np.stack([labels, np.roll(labels, 1), ~labels], axis=1)
    run = Tempotron(network(30, 10 * pA, PHYSICAL, n=3), "in_to_cell").learn(spikes, both)
    assert run.learned
    assert np.array_equal(simulated(run.circuit, spikes, "snntorch"), both)


def test_bounds_and_signs_hold() -> None:
    spikes, labels = latencies(20, 10, seed=6)
    for mark, low, high in (
        (ns.Trainable(3.0, bounds=(-0.5, 4.0)), -0.5, 4.0),
        (ns.Trainable(3.0, sign=1), 0.0, np.inf),
    ):
        run = Tempotron(network(20, mark), "in_to_cell").learn(spikes, labels, epochs=30, rate=0.05)
        weight = run.circuit.edges("in_to_cell").weight
        assert weight.min() == low
        assert weight.max() <= high
        assert run.circuit.trainables()["in_to_cell.weight"].bounds == mark.bounds


def test_what_it_cannot_learn_is_listed() -> None:
    circuit = network(2, ns.Trainable(0.1, per="all"), ns.models.stochastic_lif(
        **LIF, softness=0.1, receptors={"x": TAU_S * ms}
    ))  # fmt: skip
    circuit.inject("drive", "cell", "i_ext")
    circuit.poisson("noise", "cell", receptor="x", count=1, rate=5 * Hz, weight=0.1)
    circuit.connect("cell", "cell", ns.AllToAll(autapses=True), receptor="x", weight=0.1)
    with pytest.raises(UnsupportedError) as refused:
        Tempotron(circuit, "in_to_cell")
    for part in ("draws random numbers", "also hears cell_to_cell, drive, noise", "share weights (per='all')"):
        assert part in str(refused.value)
    with pytest.raises(UnsupportedError, match="'cell' is no spike source"):
        Tempotron(circuit, "cell_to_cell")
    conductance = ns.models.lif(**LIF, receptors={"x": ns.Exponential(TAU_S * ms, reversal=2.0)})
    with pytest.raises(UnsupportedError, match="not linear"):
        Tempotron(network(2, 0.1, conductance), "in_to_cell")
    curved = ns.NeuronModel(
        "dv/dt = -v/tau : 1", threshold="v**2 > 1", parameters={"tau": 5 * ms}, receptors={"x": "v"}
    )
    with pytest.raises(UnsupportedError, match="threshold is not linear"):
        Tempotron(network(2, 0.1, curved), "in_to_cell")
    with pytest.raises(CircuitError, match="Did you mean 'in_to_cell'"):
        Tempotron(circuit, "in_to_cel")


def test_arguments_that_do_not_fit() -> None:
    rule = Tempotron(network(2, 0.1), "in_to_cell")
    spikes = np.zeros((5, 3, 2))
    with pytest.raises(TrainingError, match=r"expected \(time, pattern, 2\)"):
        rule.fires(np.zeros((5, 3, 4)))
    with pytest.raises(TrainingError, match=r"labels have shape \(2, 1\); expected \(3, 1\)"):
        rule.learn(spikes, [0, 1])
    for wrong in ({"epochs": 0}, {"rate": 0.0}, {"momentum": 1.0}):
        with pytest.raises(TrainingError, match="expected epochs"):
            rule.learn(spikes, [0, 1, 0], **wrong)
    restless = ns.models.lif(**{**LIF, "v_leak": 20.0}, receptors={"x": TAU_S * ms})
    with pytest.raises(TrainingError, match="fires without any spike"):
        Tempotron(network(2, 0.1, restless), "in_to_cell").fires(spikes)
