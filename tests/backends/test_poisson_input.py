"""Background input: many Poisson neurons for each target, the same pulses on every backend."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare, poisson

import neurosim as ns
from neurosim.backends.poisson import poisson_counts
from neurosim.random import noise
from neurosim.units import Hz, Mohm, ms, mV, nS

CELL = ns.models.lif(
    tau_mem=20 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV, tau_ref=2 * ms,
    receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV), "gaba": ns.Exponential(10 * ms, reversal=-80 * mV)},
)  # fmt: skip


def network(rate: object = 8 * Hz, weight: object = 0.3 * nS) -> ns.Circuit:
    """Return driven neurons; pulses of the background, of v itself, and of spikes arrive in turn."""
    circuit = ns.Circuit("background", dt=0.1 * ms, seed=5)
    cells = circuit.population("cells", 50, CELL)
    circuit.connect(cells, cells, ns.FixedProbability(0.2), receptor="ampa", weight=1 * nS, delay=1 * ms)
    circuit.poisson("background", cells, receptor="ampa", count=1000, rate=rate, weight=weight)
    circuit.poisson("kicks", cells[10:30], receptor="v", rate=100 * Hz, weight=ns.Uniform(0 * mV, 4 * mV))
    circuit.connect(cells, cells, ns.FixedProbability(0.2), receptor="gaba", weight=1 * nS, delay=1 * ms, name="inh")
    return circuit


def test_both_backends_agree_to_the_last_bit() -> None:
    first, second = (ns.simulate(network(), 60 * ms, backend=name, seed=3, trials=2) for name in ("brian2", "snntorch"))
    assert len(first.spikes["cells"]) > 50
    assert first.spikes == second.spikes
    assert first.state is not None
    assert second.state is not None
    assert all(largest == 0 for largest, _ in first.state.max_differences(second.state).values())
    eager = ns.compile(network(), dtype="float64", propagation="ordered").run_eager(60 * ms, seed=3, trials=2)
    assert eager.spikes == first.spikes
    half = ns.simulate(network(), 25 * ms, seed=3, trials=2)
    rest = ns.simulate(network(), 35 * ms, seed=3, trials=2, backend="snntorch", state=half.state)
    assert rest.state is not None
    assert all(largest == 0 for largest, _ in rest.state.max_differences(first.state).values())


def test_equal_to_brian2_by_hand() -> None:
    """The counts, added to the conductance after the threshold test and before the reset, by plain Brian2."""
    import brian2

    circuit = ns.Circuit("drive", dt=0.1 * ms)
    circuit.population("cells", 10, ns.models.leaky_integrator(tau_mem=10 * ms))
    circuit.poisson("drive", "cells", receptor="v", count=100, rate=200 * Hz, weight=0.25)
    counts = poisson_counts(
        noise(4, "drive", trials=(0, 1), steps=(0, 300), neurons=10, kind="uniform")[:, 0], np.array(100 * 200 * 1e-4)
    )
    table = brian2.TimedArray(counts, dt=0.1 * brian2.ms)
    group = brian2.NeuronGroup(
        10, "dv/dt = -v/(10*ms) : 1", method="exact", namespace={"table": table}, dt=0.1 * brian2.ms
    )
    group.run_regularly("v = v + 0.25*table(t, i)", when="synapses", dt=0.1 * brian2.ms)
    brian2.Network(group).run(30 * brian2.ms)
    ours = ns.simulate(circuit, 30 * ms, backend="brian2", seed=4)
    assert ours.state is not None
    assert np.allclose(ours.state.variables["cells"]["v"][0], group.v[:], rtol=1e-12)


@pytest.mark.parametrize("mean", [0.01, 0.8, 2.0, 50.0])
def test_counts_follow_the_poisson_distribution(mean: float) -> None:
    draws = poisson_counts(noise(1, "x", trials=(0, 1), steps=(0, 200), neurons=1000, kind="uniform"), np.array(mean))
    largest = int(poisson.isf(5 / draws.size, mean))
    smallest = int(poisson.ppf(5 / draws.size, mean))
    values = np.clip(draws.ravel(), smallest, largest).astype(int) - smallest
    chances = poisson.pmf(np.arange(smallest, largest + 1), mean)
    chances[0] = poisson.cdf(smallest, mean)
    chances[-1] = poisson.sf(largest - 1, mean)
    assert chisquare(np.bincount(values, minlength=len(chances)), draws.size * chances).pvalue > 1e-3


def test_many_means_equal_one_by_one() -> None:
    uniform = noise(2, "x", trials=(0, 1), steps=(0, 5), neurons=200, kind="uniform")
    means = np.linspace(0.0, 30.0, 200)
    together = poisson_counts(uniform, means)
    apart = np.stack([poisson_counts(uniform[..., i], np.array(mean)) for i, mean in enumerate(means)], axis=-1)
    assert np.array_equal(together, apart)


def test_rates_at_run_time_and_weights_that_train() -> None:
    quiet = network(0 * Hz)
    inputs = {"kicks": 0 * Hz}
    assert len(ns.simulate(quiet, 30 * ms, inputs=inputs).spikes["cells"]) == 0
    late = ns.simulate(quiet, 60 * ms, inputs={**inputs, "background": ns.Step(20 * Hz, start=30 * ms)})
    assert len(late.spikes["cells"]) > 0
    assert late.spikes["cells"].times.min() > 0.030
    module = ns.compile(network(weight=ns.Trainable(0.3 * nS, per="neuron", sign=+1)), dtype="float64")
    out, _ = module(steps=200, record=["cells.ampa"], seed=3)
    out["cells"]["ampa"].sum().backward()
    gradient = module.get_parameter("background.weight").grad
    assert gradient is not None
    assert gradient.shape == (50,)
    assert bool((gradient > 0).all())
    assert module.to_circuit() == network(weight=ns.Trainable(np.full(50, 0.3) * nS, per="neuron", sign=+1))


def test_files_replacing_listing(tmp_path: Path) -> None:
    circuit = network(ns.Uniform(5 * Hz, 9 * Hz))
    circuit.save(tmp_path / "c.json")
    assert ns.Circuit.load(tmp_path / "c.json") == circuit
    stronger = circuit.replace({"background.weight": 0.6 * nS, "background.rate": 4 * Hz})
    assert stronger.poisson_inputs["background"].weight == 0.6e-9
    assert stronger.rate("background") == 4.0
    assert "background: 1000 Poisson neurons -> cells.ampa" in str(circuit)
    assert "kicks: 1 Poisson neurons -> cells (20 of 50).v" in str(circuit)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"receptor": "amp"}, "Did you mean 'ampa'"),
        ({"weight": 3 * mV}, "must be in siemens"),
        ({"rate": 3}, "needs a unit"),
        ({"count": 0}, "positive integer"),
        ({"rate": np.ones(3) * Hz}, "shape"),
    ],
)
def test_refused(changes: dict[str, object], message: str) -> None:
    circuit = network()
    arguments = {"receptor": "ampa", "rate": 1 * Hz, "weight": 1 * nS, **changes}
    with pytest.raises((ns.CircuitError, ns.UnitError), match=message):
        circuit.poisson("more", "cells", **arguments)
    assert "more" not in circuit


def test_in_a_closed_loop() -> None:
    """A session in unequal parts equals the run, and takes another rate for some steps."""
    whole = ns.simulate(network(), 20 * ms, seed=3)
    for backend in ("brian2", "snntorch"):
        options = {"dtype": "float64", "training": False} if backend == "snntorch" else {}
        loop = ns.compile(network(), backend, **options).session(seed=3)
        fired = [loop.step(n=n)["cells"]["spikes"] for n in (1, 60, 139)]
        assert np.concatenate(fired).sum() == len(whole.spikes["cells"])
        loop.reset()
        loud = loop.step({"background": 200 * Hz}, n=200)["cells"]["spikes"].sum()
        assert loud > 2 * len(whole.spikes["cells"])
