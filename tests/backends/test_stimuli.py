"""Ramps, waves, pulses and filtered noise in runs: the same values on every backend, however a run is cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import CircuitError
from neurosim.random import noise
from neurosim.units import Hz, Mohm, ms, mV, nA, pA, us


def driven(signal: object = None) -> ns.Circuit:
    circuit = ns.Circuit("driven", dt=0.1 * ms)
    cell = ns.models.lif(
        tau_mem=10 * ms, r=100 * Mohm, v_threshold=-50 * mV, v_reset=-60 * mV, v_leak=-60 * mV, receptors={"x": 3 * ms}
    )
    cells = circuit.population("cells", 6, cell)
    circuit.inject("stimulus", cells[1:5], "i_ext", signal)  # type: ignore[arg-type]
    circuit.connect(cells, cells, ns.OneToOne(), receptor="x", weight=0.02 * nA, delay=0.5 * ms)
    return circuit


NOISE = ns.FilteredNoise(120 * pA, 60 * pA, 5 * ms)
SIGNALS = {
    "ramp": ns.Ramp(0 * pA, 300 * pA, start=5 * ms, stop=25 * ms),
    "sine": ns.Sine(200 * pA, 40 * Hz, offset=100 * pA),
    "pulses": ns.Pulses(400 * pA, width=3 * ms, period=10 * ms),
    "noise": NOISE,
    "shared": ns.FilteredNoise(120 * pA, [10, 20, 60, 90] * pA, 5 * ms, shared=True),
}


@pytest.mark.parametrize("name", SIGNALS)
def test_both_backends_agree(name: str) -> None:
    report = ns.verify(driven(SIGNALS[name]), 40 * ms, trials=2)
    assert report.identical, report
    recording = ns.simulate(driven(SIGNALS[name]), 40 * ms, record=["cells.i_ext", "cells.spikes"])
    assert len(recording.spikes["cells"])
    current = recording["cells"]["i_ext"].values[0]
    assert not current[:, [0, 5]].any()
    assert current[:, 1:5].std() > 0


def current(**options: object) -> np.ndarray:
    """Return the injected current of a run, (trial, time, neuron)."""
    recording = ns.simulate(driven(NOISE), 40 * ms, record=["cells.i_ext"], **options)  # type: ignore[arg-type]
    values: np.ndarray = recording["cells"]["i_ext"].values
    return values[..., 1:5]


@pytest.mark.parametrize("backend", ["brian2", "snntorch"])
def test_trials_are_independent_and_of_themselves(backend: str) -> None:
    many, one = current(backend=backend, trials=3, seed=4), current(backend=backend, seed=4)
    np.testing.assert_array_equal(many[:1], one)
    correlations = np.corrcoef(many.transpose(0, 2, 1).reshape(12, 400))
    assert np.abs(correlations - np.eye(12)).max() < 0.9
    assert not np.any(many[0] == many[1])
    assert not np.any(one == current(backend=backend, seed=5))


def test_noise_follows_seed_and_path() -> None:
    circuit = driven(NOISE)
    circuit.inject("other", circuit.populations["cells"][1:5], "i_ext", NOISE)
    both = ns.simulate(circuit, 40 * ms, record=["cells.i_ext"])["cells"]["i_ext"].values[..., 1:5]
    second = both - current()
    assert abs(np.corrcoef(second.ravel(), current().ravel())[0, 1]) < 0.5
    given = ns.simulate(driven(), 40 * ms, inputs={"stimulus": NOISE}, record=["cells.i_ext"])
    np.testing.assert_array_equal(given["cells"]["i_ext"].values[..., 1:5], current())


@pytest.mark.parametrize("backend", ["brian2", "snntorch"])
def test_a_split_run_and_a_loop_equal_the_whole(backend: str) -> None:
    circuit = driven(NOISE)
    whole = ns.simulate(circuit, 40 * ms, backend=backend, seed=2)
    first = ns.simulate(circuit, 12.3 * ms, backend="brian2", seed=2)
    rest = ns.simulate(circuit, 27.7 * ms, backend=backend, seed=2, state=first.state)
    assert rest.state == whole.state
    options = {"dtype": "float64"} if backend == "snntorch" else {}
    loop = ns.compile(circuit, backend=backend, **options).session(seed=2)
    for _ in range(16):
        loop.step(n=25)
    assert loop.state == whole.state


def test_noise_into_a_source_and_as_a_rate() -> None:
    circuit = ns.Circuit("sources", dt=0.1 * ms)
    circuit.source("analogue", ns.SignalSource(3))
    circuit.source("spikes", ns.PoissonSource(200, 5 * Hz))
    circuit.population("cells", 3, ns.models.leaky_integrator(tau_mem=5 * ms))
    circuit.connect("analogue", "cells", ns.OneToOne(), receptor="i_ext", weight=1.0)
    circuit.connect("spikes", "cells", ns.AllToAll(), receptor="v", weight=0.01)
    rate = ns.FilteredNoise(100 * Hz, 15 * Hz, 5 * ms, shared=True)
    inputs = {"analogue": ns.FilteredNoise(0.0, 1.0, 5 * ms), "spikes": rate}
    record = ["analogue.signal", "spikes.spikes", "cells.v"]
    runs = [
        ns.simulate(circuit, 50 * ms, backend=backend, inputs=inputs, record=record)
        for backend in ("brian2", "snntorch")
    ]
    assert runs[0].state == runs[1].state
    assert runs[0].spikes == runs[1].spikes
    assert runs[0]["analogue"]["signal"].values.std() > 0.5
    assert 700 < len(runs[0].spikes["spikes"]) < 1300
    with pytest.raises(CircuitError, match="'spikes': rates must be finite and not negative"):
        ns.simulate(circuit, 50 * ms, inputs={"spikes": ns.FilteredNoise(0 * Hz, 15 * Hz, 5 * ms)})


def test_a_noisy_rate_and_its_spikes_draw_apart() -> None:
    circuit = ns.Circuit("source", dt=0.1 * ms)
    circuit.source("spikes", ns.PoissonSource(20, 5 * Hz))
    rate = ns.FilteredNoise(5000 * Hz, 1000 * Hz, 1 * us)  # independent in every step
    recording = ns.simulate(circuit, 20 * ms, inputs={"spikes": rate}, seed=6, record=["spikes.spikes"])
    span: dict[str, Any] = {"trials": (0, 1), "steps": (0, 200), "neurons": 20}
    chance = (5000 + 1000 * noise(6, "spikes", site=1, **span)[:, 0]) * 1e-4
    steps, neurons = np.nonzero(noise(6, "spikes", kind="uniform", **span)[:, 0] < chance)
    assert recording.spikes["spikes"].to_steps(1e-4).tolist() == steps.tolist()
    assert np.asarray(recording.spikes["spikes"].neurons).tolist() == neurons.tolist()
    # With the same numbers for both, nearly all spikes would come where the rate is low.
    assert abs(chance[steps, neurons].mean() - (0.5 + 0.1**2 / 0.5)) < 0.01


def test_a_signal_of_another_size_is_refused_before_the_run() -> None:
    noise = ns.FilteredNoise([1, 2, 3] * pA, 1 * pA, 5 * ms)
    with pytest.raises(CircuitError, match="injection 'stimulus': FilteredNoise: mean has 3 values, the target has 4"):
        driven(noise)
    with pytest.raises(CircuitError, match="inputs: 'stimulus': FilteredNoise: mean has 3 values, the target has 4"):
        ns.simulate(driven(), 1 * ms, inputs={"stimulus": noise})
