from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.circuits.delay_snn.motif_circuit import build, summing_neuron
from neurosim.circuits.delay_snn.motif_experiment import HITS_BY_DELAYS, hits_by_spikes, reproduce, slope_of_learned
from neurosim.circuits.delay_snn.motif_learning import learn_kernels
from neurosim.circuits.delay_snn.motifs import baseline_kernels, hit_rate, scores
from neurosim.datasets import motif_kernels, motif_rasters
from neurosim.errors import CircuitError
from neurosim.units import ms


@pytest.mark.parametrize("delays", [7, 15, 31])
def test_more_delays_find_more(delays: int) -> None:
    kernels = motif_kernels(55, 128, delays)
    rasters = motif_rasters(kernels, trials=20)
    assert 100 * hit_rate(kernels, rasters.spikes, rasters.onsets) == pytest.approx(HITS_BY_DELAYS[delays], abs=2)


def test_other_kernels_find_less() -> None:
    kernels = motif_kernels(64)
    rasters = motif_rasters(kernels, trials=3)
    probability, binary, unrelated = (
        hit_rate(used, rasters.spikes, rasters.onsets)
        for used in (baseline_kernels(kernels), baseline_kernels(kernels, "binary"), motif_kernels(64, seed=1))
    )
    assert hit_rate(kernels, rasters.spikes, rasters.onsets) > 0.93
    assert binary < probability < 0.88
    assert unrelated < 0.02
    assert baseline_kernels(np.zeros((1, 1, 1)))[0, 0, 0] == pytest.approx(1e-3)
    with pytest.raises(CircuitError, match="Did you mean 'binary'"):
        baseline_kernels(kernels, "binry")  # type: ignore[arg-type]


def test_the_circuit_computes_the_scores() -> None:
    kernels = motif_kernels(3, 64, 9)
    rasters = motif_rasters(kernels, steps=80, trials=2, onset_rate=0.02)
    recording = ns.simulate(
        build(kernels=kernels, threshold=3.0),
        80 * ms,
        trials=2,
        inputs={"raster": rasters.spikes},
        record={"detectors": ["score", "spikes"]},
    )
    expected = scores(kernels, rasters.spikes)
    found = np.asarray(recording.traces["detectors"]["score"]).swapaxes(0, 1)
    assert np.abs(found[9:] - expected[:-1]).max() < 1e-12
    assert recording.spikes["detectors"].counts().sum() == (found > 3.0).sum() > 3


def test_backends_agree_to_the_last_bit() -> None:
    circuit = build(n_motifs=6, n_inputs=64, n_delays=15, threshold=2.0)
    report = ns.verify(circuit, 200 * ms)
    assert report.identical, str(report)
    assert report.spikes["brian2"] > 20
    pairs = np.stack([circuit.edges("delayed").pre, circuit.edges("delayed").post])
    assert len(np.unique(pairs, axis=1).T) < pairs.shape[1] / 1.5, "several edges from an input to a detector"


def test_spikes_hit_as_often_as_scores() -> None:
    kernels = motif_kernels(8, 64, 15)
    rasters = motif_rasters(kernels, steps=400, trials=3, onset_rate=4e-3)
    by_scores = hit_rate(kernels, rasters.spikes, rasters.onsets)
    assert hits_by_spikes(kernels, rasters, backend="snntorch") == by_scores
    assert 0.5 < by_scores < 1


def test_kernels_are_learned_from_onsets() -> None:
    kernels = motif_kernels(4, 16, 11, density=0.1, seed=3)
    learned = learn_kernels(
        kernels, iterations=60, learning_rate=0.25, steps=512, trials=24, onset_rate=5e-3, background=1e-2
    )
    assert slope_of_learned(kernels, learned) == pytest.approx(1.0, abs=0.15)
    speaking = kernels > 0
    assert np.corrcoef(learned[speaking], kernels[speaking])[0, 1] > 0.97
    fresh = motif_rasters(kernels, steps=512, trials=40, onset_rate=5e-3, background=1e-2, seed=999)
    known, found = (hit_rate(used, fresh.spikes, fresh.onsets) for used in (kernels, learned))
    assert found == pytest.approx(known, abs=0.04)
    assert found > 3 * hit_rate(motif_kernels(4, 16, 11, density=0.1), fresh.spikes, fresh.onsets)


def test_what_does_not_fit() -> None:
    with pytest.raises(CircuitError, match=r"\(2, 3\) must be"):
        build(kernels=np.ones((2, 3)))
    with pytest.raises(CircuitError, match="leak"):
        summing_neuron(leak=1.0)
    with pytest.raises(CircuitError, match="too few for 9 delays"):
        scores(np.ones((1, 1, 9)), np.zeros((8, 1, 1), dtype=bool))


@pytest.mark.slow
def test_the_published_values() -> None:
    found = reproduce(quick=False, backend="snntorch", options={})
    assert found.ok, found.rows
    assert len(found.rows) == 10
