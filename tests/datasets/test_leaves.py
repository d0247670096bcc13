from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.datasets import leaves
from neurosim.errors import CircuitError

PICTURES = ns.datasets.dead_leaves(6, 64, seed=1)


def test_pictures_are_a_function_of_their_seed() -> None:
    assert PICTURES.shape == (6, 64, 64)
    assert 0 <= PICTURES.min() < PICTURES.max() < 1
    np.testing.assert_array_equal(ns.datasets.dead_leaves(2, 64, seed=1), PICTURES[:2])
    assert (ns.datasets.dead_leaves(1, 64, seed=2) != PICTURES[0]).any()


def test_areas_with_edges_between() -> None:
    """Neighbours are mostly of one leaf; where they are not, they may be anything."""
    change = np.abs(np.diff(PICTURES, axis=2))
    assert 0.5 < np.mean(change == 0) < 0.9
    assert np.mean(change[change > 0]) > 0.2
    assert np.mean(change**4) / np.mean(change**2) ** 2 > 6  # a texture of random phase has 3


def test_amplitudes_fall_with_frequency_as_in_natural_images() -> None:
    centred = PICTURES - PICTURES.mean(axis=(1, 2), keepdims=True)
    power = np.mean(np.abs(np.fft.rfft2(centred)) ** 2, axis=0)
    frequency = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.rfftfreq(64)[None, :])
    band = (frequency > 0.04) & (frequency < 0.3)
    slope = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)[0]
    assert slope == pytest.approx(-2.0, abs=0.3)  # -2 on average over natural images


def test_few_specks_are_covered_as_many_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaves, "_FEW", 10**9)
    at_once = leaves.dead_leaves(1, 32, seed=1)
    monkeypatch.setattr(leaves, "_FEW", 0)
    np.testing.assert_array_equal(leaves.dead_leaves(1, 32, seed=1), at_once)


@pytest.mark.parametrize(
    "arguments", [{"n_images": 0}, {"size": 0}, {"radii": (4.0, 2.0)}, {"radii": (0.0, 2.0)}, {"exponent": 1.0}]
)
def test_what_cannot_be_drawn(arguments: dict[str, Any]) -> None:
    with pytest.raises(CircuitError, match="dead_leaves"):
        ns.datasets.dead_leaves(**arguments)
