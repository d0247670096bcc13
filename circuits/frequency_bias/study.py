"""Networks that differ in one operator, trained alike: what each tells apart, and which frequencies its maps hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analysis.frequency import SpatialSpectrum, spatial_spectrum
from neurosim.circuit import Circuit
from neurosim.circuits.frequency_bias.circuit import build
from neurosim.circuits.frequency_bias.learning import answers, feature_maps, train
from neurosim.datasets.textures import Textures, texture_images

#: Images whose maps are looked at.
SHOWN = 48


@dataclass(frozen=True)
class Study:
    """What is trained on what.

    Parameters
    ----------
    size, channels
        Of the images and of the first maps.
    training, test
        Numbers of images.
    epochs, batch, learning_rate
        Of the training.
    noise
        Of the textures.
    """

    size: int = 10
    channels: int = 8
    training: int = 240
    test: int = 80
    epochs: int = 6
    batch: int = 24
    learning_rate: float = 0.02
    noise: float = 0.5

    def images(self, seed: int) -> tuple[Textures, Textures]:
        """Return the images to train on, and others to test with."""
        drawn = [
            texture_images(count, size=self.size, noise=self.noise, seed=2 * seed + place)
            for place, count in enumerate((self.training, self.test))
        ]
        return drawn[0], drawn[1]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one network.

    Parameters
    ----------
    circuit
        Trained.
    low, high
        Part of the test images that it tells right, of each band of spatial frequency.
    spectra
        Of the maps of each stage, by name: ``maps_1`` before the mixer, ``mixed_1`` behind it, ``cells_1`` the counts
        of spikes.
    """

    circuit: Circuit
    low: float
    high: float
    spectra: Mapping[str, SpatialSpectrum]

    @property
    def accuracy(self) -> float:
        """Part of all test images that it tells right; the bands have as many."""
        return (self.low + self.high) / 2


def outcome(
    study: Study,
    mixers: str,
    *,
    embedding: str = "original",
    seed: int = 0,
    backend: str = "brian2",
    options: Mapping[str, Any] | None = None,
) -> Outcome:
    """Train a network and look at it.

    Parameters
    ----------
    study
        On what.
    mixers, embedding
        As for :func:`~neurosim.circuits.frequency_bias.circuit.build`.
    seed
        Of weights, images and their order.
    backend, options
        What simulates the trained network.
    """
    circuit = build(mixers=mixers, embedding=embedding, size=study.size, channels=study.channels, seed=seed)
    shown, unseen = study.images(seed)
    learned = train(
        circuit, shown.images, shown.labels, epochs=study.epochs, batch=study.batch,
        learning_rate=study.learning_rate, seed=seed,
    )  # fmt: skip
    right = answers(learned, unseen.images, backend=backend, options=options) == unseen.labels
    maps = feature_maps(learned, unseen.images[:SHOWN], backend=backend, options=options)
    spectra = {name: spatial_spectrum(values) for name, values in maps.items() if min(values.shape[-2:]) >= 4}
    return Outcome(learned, float(right[~unseen.high].mean()), float(right[unseen.high].mean()), spectra)


def mean_accuracy(found: Sequence[Outcome]) -> float:
    """Return the mean over seeds."""
    return float(np.mean([one.accuracy for one in found]))


def mean_ratio(found: Sequence[Outcome], stage: str) -> float:
    """Return the mean over seeds of the high-frequency ratio of a stage's maps."""
    return float(np.mean([one.spectra[stage].high_frequency_ratio for one in found]))
