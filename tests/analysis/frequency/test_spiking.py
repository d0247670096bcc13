"""Neurons that spike: rate and response against closed forms, and the same on both backends and in a plain loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.analysis.frequency import (
    Response,
    TransferFunction,
    broadband,
    leaky_fire_response,
    leaky_rate,
    leaky_response,
    line_frequencies,
    measure_response,
    multi_sine,
    population_coherence,
    response_of,
    through_depth,
    transfer_function,
)
from neurosim.errors import AnalysisError
from neurosim.random import Stream
from neurosim.units import Hz, ms, second

TAU = 0.02


# --- populations ---


def noisy_leaky(n: int, sigma: float, dt: float) -> ns.Circuit:
    """Return neurons whose noise is integrated exactly over a step."""
    decay = float(np.exp(-dt / TAU))
    model = ns.NeuronModel(
        "v : 1\ni_ext : 1",
        update="v = decay*v + (1 - decay)*i_ext + spread*randn()",
        threshold="v > 1",
        reset="v = 0",
        parameters={"decay": decay, "spread": float(sigma * np.sqrt((1 - decay**2) / 2))},
    )
    circuit = ns.Circuit("noisy", dt=dt * second)
    circuit.population("cells", n, model, initial={"v": ns.Uniform(0, 1)})
    circuit.inject("drive", "cells", "i_ext")
    return circuit


def measured_leaky(
    frequency: Any, mu: float, sigma: float, *, n: int, duration: float, dt: float, amplitude: float, **options: Any
) -> TransferFunction:
    drive = multi_sine(frequency, duration, dt, lead=0.3)
    circuit = noisy_leaky(n, sigma, dt)
    return measure_response(circuit, "drive", drive, amplitude, ["cells.spikes"], mean=mu, **options)["cells.spikes"]


def test_population_follows_far_above_the_cut_off_of_its_membrane() -> None:
    frequency = [2.5, 10.5, 20.5, 36.5, 50.5, 101.5]
    found = measured_leaky(frequency, 0.8, 0.4, n=1500, duration=4.0, dt=1e-3, amplitude=0.1)
    theory = leaky_fire_response(frequency, mu=0.8, sigma=0.4, tau=TAU, dt=1e-3)
    assert found.facts.rate == pytest.approx(leaky_rate(mu=0.8, sigma=0.4, tau=TAU, dt=1e-3), rel=0.03)
    assert np.all(np.abs(found.gain - np.abs(theory)) < 3.5 * found.error + 0.01 * np.abs(theory))
    assert found.gain[-1] / found.gain[0] == pytest.approx(0.42, abs=0.1)  # a membrane's: 0.079
    assert 25 < found.cut_off((2, 3)) < 50  # a membrane's: 8
    # A spike is stamped with the start of its step, in the middle of which its input came on average.
    early = found.phase - np.angle(theory)
    assert np.all(early > -4 * found.error / found.gain)
    assert np.all(early < 4 * found.error / found.gain + 2 * np.pi * found.frequency * 0.5e-3)


def test_population_with_little_noise_prefers_its_own_rate() -> None:
    frequency = [2.5, 10.5, 25.5, 44.5, 101.5, 251.5]
    found = measured_leaky(frequency, 1.5, 0.2, n=1000, duration=2.0, dt=5e-4, amplitude=0.05)
    theory = np.abs(leaky_fire_response(frequency, mu=1.5, sigma=0.2, tau=TAU, dt=5e-4))
    place, ratio = found.peak((2, 3))
    assert place == 44.5
    assert ratio == pytest.approx(theory[3] / theory[0], rel=0.15)
    assert 1.5 < ratio < 2.3
    assert np.isnan(found.cut_off((2, 3)))


@pytest.mark.slow
def test_population_as_published() -> None:
    """4,000 neurons for 10 s at 0.1 ms: two minutes."""
    frequency = [1.1, 5.3, 9.9, 20.3, 29.9, 37.7, 43.1, 50.9, 100.7, 155.9, 200.3, 320.3, 500.3]
    found = measured_leaky(frequency, 0.8, 0.4, n=4000, duration=10.0, dt=1e-4, amplitude=0.05)
    theory = np.abs(leaky_fire_response(frequency, mu=0.8, sigma=0.4, tau=TAU, dt=1e-4))
    assert found.facts.rate == pytest.approx(leaky_rate(mu=0.8, sigma=0.4, tau=TAU, dt=1e-4), rel=0.01)
    assert np.all(np.abs(found.gain - theory) < 3 * found.error + 0.01 * theory)
    assert found.cut_off((1, 6)) == pytest.approx(38, abs=4)
    assert found.gain[frequency.index(100.7)] / found.gain[0] == pytest.approx(0.42, abs=0.03)
    assert found.slope((100, 501)) == pytest.approx(-1.04, abs=0.1)


@pytest.mark.slow
def test_resonance_as_published() -> None:
    frequency = [2.1, 9.9, 20.3, 30.1, 40.7, 47.9, 55.3, 70.1, 100.7, 200.3, 390.1]
    found = measured_leaky(frequency, 1.5, 0.2, n=2000, duration=10.0, dt=1e-4, amplitude=0.03)
    place, ratio = found.peak((2, 10))
    assert place == pytest.approx(47.9, abs=8)
    assert ratio == pytest.approx(2.02, abs=0.2)
    assert np.isnan(found.cut_off((2, 10)))


# --- the same drive everywhere ---


def test_frozen_drive_gives_the_same_spikes_and_the_same_analysis_everywhere() -> None:
    snntorch = pytest.importorskip("snntorch")
    import torch

    n, steps, decay = 200, 1000, 0.95
    drive = broadband(0.9, 1e-3, lead=0.1, seed=8)
    private = 2.2 * Stream(8, "private").normal(steps * n).reshape(steps, n)
    current = 0.9 + 0.3 * drive.values[:, None] + private
    model = ns.NeuronModel(
        "v : 1\ni_ext : 1", update="v = decay*v + fed*i_ext", threshold="v > 1", reset="v = 0",
        parameters={"decay": decay, "fed": 1 - decay},
    )  # fmt: skip
    circuit = ns.Circuit("frozen", dt=1 * ms)
    circuit.population("cells", n, model)
    circuit.inject("drive", "cells", "i_ext")

    v, loop = np.zeros(n), np.zeros((steps, n), dtype=bool)
    for step in range(steps):
        v = decay * v + (1 - decay) * current[step]
        loop[step] = v > 1
        v[loop[step]] = 0
    layer = snntorch.Leaky(beta=decay, reset_mechanism="zero", reset_delay=False)
    membrane, plain = torch.zeros(n, dtype=torch.float64), np.zeros((steps, n), dtype=bool)
    layer.beta = torch.tensor(decay, dtype=torch.float64)
    with torch.no_grad():
        for step in range(steps):
            spikes, membrane = layer(torch.from_numpy((1 - decay) * current[step]), membrane)
            plain[step] = spikes.numpy() > 0
    assert loop.sum() > 1000
    np.testing.assert_array_equal(plain, loop)

    reference = transfer_function(drive, loop.mean(axis=1) * 1000, segment=0.1)
    for backend in ("brian2", "snntorch"):
        run = ns.simulate(circuit, 1 * second, backend=backend, inputs={"drive": current}, record={"cells": "spikes"})
        np.testing.assert_array_equal(run.spikes["cells"].to_dense(1e-3, steps)[:, 0], loop)
        found = transfer_function(drive, run, of="cells.spikes", segment=0.1)
        np.testing.assert_allclose(found.response, reference.response, rtol=1e-12)
        np.testing.assert_allclose(found.coherence, reference.coherence, rtol=1e-12)
        assert found.facts.rate == pytest.approx(loop[100:].mean() * 1000)


# --- soft reset ---


def soft(n: int, decay: float, threshold: float = 1.0, noise: float = 0.0) -> ns.Circuit:
    model = ns.NeuronModel(
        "v : 1\ni_ext : 1",
        update="v = decay*v + fed*(i_ext + noise*randn())",
        threshold="v >= v_threshold",
        reset="v -= v_threshold",
        parameters={"decay": decay, "fed": 1 - decay if decay < 1 else 1.0, "v_threshold": threshold, "noise": noise},
    )
    circuit = ns.Circuit("soft", dt=1 * ms)
    circuit.population("cells", n, model, initial={"v": ns.Uniform(0, threshold)})
    circuit.inject("drive", "cells", "i_ext")
    return circuit


def test_soft_reset_writes_the_input_into_spikes_and_what_is_left() -> None:
    drive = broadband(0.5, 1e-3, seed=1)
    run = ns.simulate(
        soft(5, 0.7), 500 * ms, inputs={"drive": drive.signal(0.5, 0.8)}, record={"cells": ["spikes", "v"]}
    )
    v = run["cells"]["v"].values[0]
    spikes = run.spikes["cells"].to_dense(1e-3, 500)[:, 0]
    given = 0.8 + 0.5 * drive.values[1:, None]
    np.testing.assert_allclose(spikes[1:] * 1.0, 0.3 * given + 0.7 * v[:-1] - v[1:], atol=2e-15)
    assert spikes.sum() > 100


def test_perfect_integrators_without_noise_are_flat() -> None:
    drive = broadband(10.0, 1e-3, lead=0.2, seed=2)
    found = measure_response(soft(200, 1.0, 0.5), "drive", drive, 0.05, ["cells.spikes"], mean=0.15, segment=0.1)
    for low, high in ((10, 30), (80, 120), (230, 270), (450, 490)):
        inside = (found["cells.spikes"].frequency >= low) & (found["cells.spikes"].frequency <= high)
        assert np.mean(found["cells.spikes"].gain[inside]) == pytest.approx(1 / 0.5 / 1e-3, rel=0.05)


CASES = {  # decay, mean: gain at 0.1, 0.25 and 0.475 cycles a step by that at 0.012, then the coherence at all four
    (0.5, 0.8): (0.97, 0.84, 0.73, 0.89, 0.87, 0.78, 0.70),
    (0.5, 1.5): (1.00, 1.06, 1.17, 0.92, 0.91, 0.87, 0.82),
    (0.9, 0.8): (0.47, 0.31, 0.24, 0.83, 0.42, 0.25, 0.16),
    (0.9, 1.5): (1.82, 1.17, 1.08, 0.91, 0.54, 0.45, 0.40),
}


@pytest.mark.parametrize(
    ("case", "row"),
    [
        next(iter(CASES.items())),
        *(pytest.param(*item, marks=pytest.mark.slow) for item in list(CASES.items())[1:]),
    ],
)
def test_coherence_falls_where_the_gain_need_not(case: tuple[float, float], row: tuple[float, ...]) -> None:
    decay, mean = case
    drive = broadband(20.0, 1e-3, lead=0.2, seed=3)
    found = measure_response(
        soft(200, decay, noise=0.6), "drive", drive, 0.15, ["cells.spikes"], mean=mean, segment=0.16
    )["cells.spikes"]
    bands = [(6, 18), (90, 110), (235, 265), (460, 490)]
    assert found.coherence is not None
    inside = [(found.frequency >= low) & (found.frequency <= high) for low, high in bands]
    gain = [float(found.gain[band].mean()) for band in inside]
    coherence = [float(found.coherence[band].mean()) for band in inside]
    np.testing.assert_allclose(np.array(gain[1:]) / gain[0], row[:3], rtol=0.1, atol=0.03)
    np.testing.assert_allclose(coherence, row[3:], atol=0.05)
    assert coherence == sorted(coherence, reverse=True)


def test_a_spike_has_all_frequencies_and_the_stage_behind_has_not() -> None:
    steps = np.arange(1000)
    sines = sum(np.sin(2 * np.pi * frequency * steps * 1e-3) for frequency in (100, 200, 300)) / 3
    circuit = soft(1, 0.5, 0.25)
    circuit = circuit.replace({"cells.v": 0.0})
    run = ns.simulate(circuit, 1 * second, inputs={"drive": sines[:, None]}, record={"cells": "spikes"})
    spikes = run.spikes["cells"].to_dense(1e-3, 1000)[:, 0, 0] * 1.0
    behind = Response(spikes[None], 1e-3, "cells.spikes", "1", "spikes").filtered(1e-3 / np.log(2))

    def relative(course: np.ndarray) -> np.ndarray:
        amplitude = np.abs(np.fft.rfft(course))[[100, 200, 300]]
        return np.asarray(amplitude / amplitude[0])

    np.testing.assert_allclose(relative(np.maximum(sines, 0)), [1, 0.817, 0.903], atol=2e-3)
    np.testing.assert_allclose(relative(spikes), [1, 1, 1], atol=1e-2)
    np.testing.assert_allclose(relative(behind.values[0]), [1, 0.685, 0.532], atol=1e-2)


# --- populations that are driven through synapses, and layers ---


def test_modulated_poisson_spikes() -> None:
    circuit = ns.Circuit("poisson", dt=1 * ms)
    circuit.source("afferents", ns.PoissonSource(100, 20 * Hz))
    drive = broadband(30.0, 1e-3, band=(0.5, 200), seed=6)
    found = measure_response(circuit, "afferents", drive, 5 * Hz, ["afferents.spikes"], mean=20 * Hz, segment=0.5)[
        "afferents.spikes"
    ]
    assert found.coherence is not None
    inside, outside = (found.frequency > 4) & (found.frequency < 150), found.frequency > 210
    assert found.gain[inside].mean() == pytest.approx(1, rel=0.05)  # by the rate that was fed: 5 Hz for 5 Hz
    assert found.output_power[outside].mean() == pytest.approx(2 * 20 / 100, rel=0.05)
    expected = float(population_coherence(1.0, 25 / 199.5, rate=20, n_cells=100))
    expected += (1 - expected) / found.facts.effective_segments  # what chance adds
    assert found.coherence[inside].mean() == pytest.approx(expected, rel=0.06)
    assert np.polyfit(found.frequency[inside], found.coherence[inside], 1)[0] * 150 == pytest.approx(0, abs=0.06)
    assert found.facts.n_cells == 100
    assert found.facts.rate == pytest.approx(20, rel=0.02)


def test_modulated_background_is_the_same_on_both_backends() -> None:
    circuit = ns.Circuit("background", dt=1 * ms)
    cell = ns.models.lif(tau_mem=20 * ms, v_threshold=1.0, v_reset=0.0, v_leak=0.0)
    circuit.population("cells", 20, cell)
    circuit.poisson("afferents", "cells", receptor="v", count=50, rate=20 * Hz, weight=0.06)
    drive = broadband(1.0, 1e-3, band=(2, 100), lead=0.1, seed=6)
    found = [
        measure_response(
            circuit, "afferents", drive, 4 * Hz, ["cells.spikes", "cells.v"], mean=20 * Hz, segment=0.1,
            backend=backend, trials=2, seed=3,
        )
        for backend in ("brian2", "snntorch")
    ]  # fmt: skip
    for one, other in zip(found[0].values(), found[1].values(), strict=True):
        assert one.facts.n_trials == 2
        np.testing.assert_array_equal(one.response, other.response)
    low = found[0]["cells.v"].frequency < 30
    assert np.all(found[0]["cells.v"].significant[low])


def chain() -> ns.Circuit:
    circuit = ns.Circuit("chain", dt=1 * ms)
    cell = ns.models.leaky_integrator(tau_mem=5 * ms, v_leak=0.0)
    follow = ns.SynapseModel("i_ext_post = w*v_pre : 1 (summed)")
    for layer in ("one", "two", "three"):
        circuit.population(layer, 1, cell)
    circuit.inject("drive", "one", "i_ext")
    circuit.connect("one", "two", ns.OneToOne(), synapse=follow, weight=1.0)
    circuit.connect("two", "three", ns.OneToOne(), synapse=follow, weight=1.0)
    return circuit


def test_bias_through_depth_is_a_product_of_gains() -> None:
    drive = multi_sine(line_frequencies(1, 200, 15, 1.0), 1.0, 1e-3, lead=0.1)
    found = measure_response(chain(), "drive", drive, 1.0, ["one.v", "two.v", "three.v"], backend="snntorch")
    for depth, measured in enumerate(found.values(), start=1):
        expected = leaky_response(measured.frequency, 5 * ms, dt=1 * ms) ** depth
        late = np.exp(-2j * np.pi * measured.frequency * 1e-3 * (depth - 1))  # a layer reads what the step before left
        np.testing.assert_allclose(measured.response, expected * late, atol=1e-6)
    profile = through_depth(found, low=(1, 5), high=(100, 200))
    np.testing.assert_allclose([layer.bias_db for layer in profile.layers], profile.expected_db, atol=1e-5)
    assert profile.layers[2].cut_off < profile.layers[1].cut_off < profile.layers[0].cut_off
    assert profile.layers[0].axis == "temporal"
    assert "temporal frequency" in str(profile)
    assert "in brackets" not in str(profile)


def test_report_tells_the_bias_behind_spikes_and_says_so() -> None:
    drive = broadband(4.0, 1e-3, lead=0.2, seed=5)
    found = measure_response(
        soft(100, 0.8, noise=0.6), "drive", drive, 0.15, ["cells.spikes"], mean=1.0, after=5 * ms,
        segment=0.2, check_linearity=True,
    )  # fmt: skip
    assert list(found) == ["cells.spikes", "cells.spikes, filtered"]
    raw, behind = found.values()
    passed = np.abs(leaky_response(raw.frequency, 5 * ms, dt=1 * ms))
    np.testing.assert_allclose(behind.gain[3:] / raw.gain[3:], passed[3:], rtol=0.35)
    assert behind.bias_db((5, 30), (200, 400)) < raw.bias_db((5, 30), (200, 400)) - 10
    text = str(through_depth(found, (5, 30), (200, 400)))
    assert "(in brackets: raw spikes are sharp" in text
    assert "(<: " not in text
    unheard = dict.fromkeys(["cells.v"], transfer_function(drive, drive.values[::-1].copy(), segment=0.2))
    profile = through_depth(unheard, (5, 30), (200, 400))
    assert profile.layers[0].lost
    assert "<" in str(profile).splitlines()[2]
    assert "(<: the coherence" in str(profile)
    assert set(found.linear) == set(found)
    assert found.linear["cells.spikes"].linear
    with pytest.raises(AnalysisError, match="was not measured"):
        found["cells.v"]


def test_a_drive_that_silences_neurons_is_not_linear() -> None:
    drive = multi_sine([2, 7, 23], 2.0, 1e-3, lead=0.2)
    found = measure_response(
        soft(200, 0.8, noise=0.1), "drive", drive, 0.8, ["cells.spikes"], mean=0.6, check_linearity=True
    )
    assert not found.linear["cells.spikes"].linear


@pytest.mark.parametrize(
    ("into", "responses", "message"),
    [
        ("driven", ["cells.spikes"], "Did you mean 'drive'"),
        ("drive", ["cell.spikes"], "Did you mean 'cells'"),
        ("drive", [], "at least one response"),
        ("drive", ["cells"], "population.spikes"),
    ],
)
def test_places_that_do_not_exist_are_named(into: str, responses: list[str], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        measure_response(soft(2, 0.5), into, broadband(1.0, 1e-3), 0.1, responses)


def test_recordings_that_do_not_fit_are_refused() -> None:
    drive = broadband(0.2, 1e-3)
    with pytest.raises(AnalysisError, match=r"steps of 0\.0001 s"):
        measure_response(soft(2, 0.5), "drive", broadband(0.2, 1e-4), 0.1, ["cells.spikes"])
    run = ns.simulate(soft(2, 0.5), 200 * ms, record={"cells": ["spikes", ns.Record("v", every=2 * ms)]})
    with pytest.raises(AnalysisError, match="record at every step"):
        transfer_function(drive, run, of="cells.v")
    with pytest.raises(AnalysisError, match="say what of the recording"):
        transfer_function(drive, run)
    with pytest.raises(AnalysisError, match="was not recorded"):
        transfer_function(drive, run, of="cells.u")


def test_measured_spikes_are_counted_in_bins() -> None:
    drive = broadband(1.0, 1e-3, lead=0.1, seed=7)
    run = ns.simulate(soft(20, 0.5), 1.1 * second, inputs={"drive": drive.signal(0.2, 0.9)})
    measured = ns.Recording(dict(run.spikes), metadata={"licence": "CC0-1.0"})
    expected = transfer_function(drive, run, of="cells.spikes", segment=0.1)
    found = transfer_function(drive, measured, of="cells.spikes", segment=0.1)
    np.testing.assert_allclose(found.response, expected.response, rtol=1e-9)
    later = measured.restrict((0.1, 1.1))
    by_bins = transfer_function(drive.measured, later, of="cells.spikes", dt=1 * ms, segment=0.1)
    np.testing.assert_allclose(by_bins.response, expected.response, rtol=1e-9)
    with pytest.raises(AnalysisError, match="width of bins"):
        transfer_function(drive.values, measured, of="cells.spikes")
    halves = measured.select("cells", neurons=slice(10))
    some = transfer_function(drive, response_of(measured, "cells.spikes", neurons=slice(10), bin=1e-3), segment=0.1)
    np.testing.assert_array_equal(some.gain, transfer_function(drive, halves, of="cells.spikes", segment=0.1).gain)
