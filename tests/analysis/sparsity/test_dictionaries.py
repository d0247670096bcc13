from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neurosim as ns
from neurosim.analysis.sparsity import Cel0, Soft, cut_patches, learn, penalty, weight_for, whiten
from neurosim.errors import AnalysisError

IMAGES = whiten(ns.datasets.dead_leaves(6, 64, seed=3))


def test_whitening() -> None:
    pictures = ns.datasets.dead_leaves(6, 64, seed=3)
    assert IMAGES.shape == pictures.shape
    np.testing.assert_allclose(IMAGES.mean(axis=(1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(IMAGES.var(axis=(1, 2)), 0.1)
    np.testing.assert_allclose(whiten(3 * pictures + 7), IMAGES, atol=1e-12)
    frequency = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.rfftfreq(64)[None, :])

    def low_over_middle(images: np.ndarray) -> float:
        power = np.mean(np.abs(np.fft.rfft2(images - images.mean(axis=(1, 2), keepdims=True))) ** 2, axis=0)
        low, middle = (power[(frequency > edge) & (frequency < 2 * edge)].mean() for edge in (0.05, 0.15))
        return float(low / middle)

    assert low_over_middle(pictures) > 5
    assert 0.5 < low_over_middle(IMAGES) < 2


def test_a_filter_acts_on_each_frequency_alone() -> None:
    x = np.arange(32)
    wave, slow = np.cos(2 * np.pi * x * 8 / 32), np.cos(2 * np.pi * x / 32)
    picture = np.tile(wave + slow, (32, 1))[None]
    spectrum = np.abs(np.fft.rfft2(whiten(picture, cutoff=0.4))[0, 0])
    expected = (8 * np.exp(-((0.25 / 0.4) ** 4))) / np.exp(-((1 / 32 / 0.4) ** 4))
    assert spectrum[8] / spectrum[1] == pytest.approx(expected)


def test_patches_are_cut_from_images() -> None:
    image = np.arange(2 * 6 * 7, dtype=float).reshape(2, 6, 7)
    patches = cut_patches(image, 500, 3, seed=1)
    assert patches.shape == (500, 9)
    np.testing.assert_allclose(patches.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(patches[:, 1] - patches[:, 0], 1)
    np.testing.assert_allclose(patches[:, 3] - patches[:, 0], 7)
    places = cut_patches(image**2, 500, 3, seed=1)
    assert len({tuple(row) for row in places.round(6).tolist()}) == 2 * 4 * 5  # every place is met
    np.testing.assert_array_equal(cut_patches(image, 500, 3, seed=1), patches)


def test_the_dictionary_is_found_that_patches_were_made_of() -> None:
    random = np.random.default_rng(0)
    true = random.normal(size=(16, 20))
    true /= np.linalg.norm(true, axis=0)
    codes = np.where(random.random((4000, 20)) < 0.08, random.choice([-1.0, 1.0], (4000, 20)), 0.0)
    found = learn(codes @ true.T, 20, Soft(0.1), batches=400, batch_size=50, rate=4.0)
    likeness = np.abs(found.columns.T @ true).max(axis=0)
    assert likeness.min() > 0.95
    assert found.error[-20:].mean() < 0.3 * found.error[:5].mean()


def test_learning_explains_more_of_patches_that_were_not_seen() -> None:
    patches, unseen = cut_patches(IMAGES[:5], 4000, 8, seed=1), cut_patches(IMAGES[5:], 150, 8, seed=2)
    kinds = {"soft": 0.3, "cel0": 0.08}
    errors = {}
    for kind, weight in kinds.items():
        found = learn(patches, 64, penalty(kind, weight), batches=80, batch_size=50, rate=5.0, active=6)
        assert np.linalg.norm(found.columns, axis=0) == pytest.approx(np.ones(64))
        assert found.active[-20:].mean() == pytest.approx(6, rel=0.15)
        before = learn(patches, 64, penalty(kind, weight), batches=1, batch_size=1, rate=1e-12)
        errors[kind], untrained = (
            weight_for(6, unseen, item.columns, item.penalty)[1].relative_error(unseen) for item in (found, before)
        )
        assert errors[kind] < 0.9 * untrained
    assert errors["soft"] > 1.7 * errors["cel0"]


def test_a_weight_may_stay_and_a_dictionary_may_be_given() -> None:
    patches = cut_patches(IMAGES, 100, 4)
    found = learn(patches, 16, Soft(0.1), batches=3, batch_size=10, start=np.eye(16))
    assert found.penalty == Soft(0.1)
    code = found.encode(patches[:5])
    assert code.codes.shape == (5, 16)
    np.testing.assert_array_equal(
        found.columns, learn(patches, 16, Soft(0.1), batches=3, batch_size=10, start=np.eye(16)).columns
    )


@pytest.mark.slow
@pytest.mark.parametrize(("units", "ratio"), [(64, 2.7), (192, 3.9)])
def test_counting_prices_on_photographs(units: int, ratio: float) -> None:
    """Parts of two photographs, one part held out: how much less error CEL0 leaves than l1, six units active."""
    datasets = pytest.importorskip("sklearn.datasets")
    pytest.importorskip("PIL")
    grey = np.stack([photograph.mean(axis=2) for photograph in datasets.load_sample_images().images])
    parts = grey[:, :384, :576].reshape(2, 2, 192, 3, 192).transpose(0, 1, 3, 2, 4).reshape(-1, 192, 192)
    parts = (parts - parts.mean(axis=(1, 2), keepdims=True)) / parts.std(axis=(1, 2), keepdims=True)
    white = whiten(parts)
    patches, unseen = cut_patches(white[1:], 20_000, 8, seed=0), cut_patches(white[:1], 200, 8, seed=1)
    errors = []
    for price in (Soft(0.3), Cel0(0.08)):
        learned = learn(patches, units, price, batches=200, batch_size=100, rate=5.0, active=6)
        code = weight_for(6, unseen, learned.columns, learned.penalty)[1]
        assert code.active == pytest.approx(6, abs=0.25)
        errors.append(code.relative_error(unseen))
    assert errors[0] / errors[1] == pytest.approx(ratio, rel=0.15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: whiten(np.ones((2, 4, 4))), "one brightness"),
        (lambda: whiten(IMAGES, cutoff=0.0), "cutoff"),
        (lambda: whiten(np.ones((4, 4))), "image, y, x"),
        (lambda: cut_patches(IMAGES, 1, 65), "cannot be cut from 64 x 64"),
        (lambda: learn(np.ones(3), 2, Soft(1.0)), "patch, pixel"),
        (lambda: learn(np.ones((3, 2)), 2, Soft(1.0), active=2), "below the number of units"),
        (lambda: learn(np.ones((3, 2)), 2, Soft(1.0), start=np.ones((3, 2))), "start has shape"),
        (lambda: learn(np.ones((3, 2)), 2, Soft(1.0), start=np.zeros((2, 2))), "a column is 0"),
    ],
)
def test_what_cannot_be_learned(call: Any, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        call()
