from __future__ import annotations

import numpy as np
import pytest

from neurosim.datasets import motif_kernels, motif_rasters
from neurosim.errors import CircuitError


def test_kernels_are_what_the_paper_defines() -> None:
    kernels = motif_kernels(20, 64, 31, seed=2)
    assert kernels.shape == (20, 64, 31)
    assert np.array_equal(kernels, motif_kernels(20, 64, 31, seed=2))
    assert not np.array_equal(kernels, motif_kernels(20, 64, 31, seed=3))
    time = np.linspace(0, 1, 31)
    envelope = 4 * np.exp(-time / 0.4) * (1 - np.exp(-time / 0.05))
    # A number z at delay d that has no neighbours leaves z*e, -0.8*z*e and -0.2*z*e at d - 1, d and d + 1.
    before, here, after = (kernels[..., start : start + 28] for start in (0, 1, 2))
    alone = (before > 0) & np.isclose(here, -0.8 * before) & np.isclose(after, -0.2 * before)
    numbers = (before / envelope[1:29])[alone]
    assert numbers.size > 0.6 * 0.05 * before.size
    assert 1.6448 <= numbers.min() < 1.65, "kept above the 95th percentile of the normal distribution"
    assert 0.035 < (kernels[..., :-1] > 0).mean() < 0.052


def test_rasters_fire_with_the_probability_of_their_evidence() -> None:
    kernels = np.zeros((1, 2, 3))
    kernels[0, 0, 1] = np.log(999)  # even odds, one step after the onset
    drawn = motif_rasters(kernels, steps=500, trials=20, onset_rate=0.1, background=1e-3, seed=1)
    assert drawn.spikes.shape == (500, 20, 2)
    assert not drawn.onsets[-2:].any(), "all of a motif fits"
    after = np.roll(drawn.onsets[..., 0], 1, axis=0)
    for chosen, expected in (
        (drawn.spikes[after, 0], 0.5),
        (drawn.spikes[~after, 0], 1e-3),
        (drawn.spikes[..., 1], 1e-3),
    ):
        assert abs(chosen.mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / chosen.size)
    assert abs(drawn.onsets[:-2].mean() - 0.1) < 0.01


def test_what_does_not_fit() -> None:
    for arguments, message in (((0, 4, 5), "0 motifs"), ((2, 4, 2), "2 delays")):
        with pytest.raises(CircuitError, match=message):
            motif_kernels(*arguments)
    with pytest.raises(CircuitError, match="density"):
        motif_kernels(1, 1, 3, density=1.0)
    with pytest.raises(CircuitError, match="does not fit into steps=4"):
        motif_rasters(np.ones((1, 1, 5)), steps=4)
    with pytest.raises(CircuitError, match="background"):
        motif_rasters(np.ones((1, 1, 5)), background=0.0)
