"""Networks that differ in one operator, trained alike: what each tells apart, and which frequencies its maps hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.frequency import SpatialSpectrum, spatial_spectrum
from neurosim.circuit import Circuit
from neurosim.circuits.frequency_bias.circuit import build
from neurosim.circuits.frequency_bias.learning import answers, feature_maps, train
from neurosim.datasets.digit_images import load_digit_images
from neurosim.datasets.textures import ORIENTATIONS, texture_images
from neurosim.random import Stream

#: Images whose maps are looked at.
SHOWN = 48


Labelled = tuple[NDArray[np.float64], NDArray[np.int64]]


@dataclass(frozen=True)
class Study:
    """What is trained on what: textures.

    Parameters
    ----------
    size, channels, kernel, classes, readout
        Of the images and of the network, as for :func:`~neurosim.circuits.frequency_bias.circuit.build`.
    training, test
        Numbers of images.
    epochs, batch, learning_rate
        Of the training.
    noise
        Of the textures.
    """

    size: int = 10
    channels: int = 8
    kernel: int = 5
    classes: int = 8
    readout: str = "average"
    training: int = 240
    test: int = 80
    epochs: int = 6
    batch: int = 24
    learning_rate: float = 0.02
    noise: float = 0.5

    def images(self, seed: int) -> tuple[Labelled, Labelled]:
        """Return images to train on, and others to test with, each with their labels."""
        shown, unseen = (
            texture_images(count, size=self.size, noise=self.noise, seed=2 * seed + place)
            for place, count in enumerate((self.training, self.test))
        )
        return (shown.images, shown.labels), (unseen.images, unseen.labels)

    def parts(self, labels: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
        """Return which images belong to a part of them that is told apart, by what it is called."""
        return {"low frequency": labels < ORIENTATIONS, "high frequency": labels >= ORIENTATIONS}


@dataclass(frozen=True)
class DigitStudy(Study):
    """What is trained on handwritten digits, whose classes differ in where the ink is."""

    size: int = 8
    kernel: int = 3
    classes: int = 10
    readout: str = "place"
    training: int = 1200
    test: int = 500
    epochs: int = 4
    batch: int = 32

    def images(self, seed: int) -> tuple[Labelled, Labelled]:
        """Return images to train on, and others to test with, drawn anew for each seed."""
        digits = load_digit_images()
        order = Stream(seed, "digits").permutation(len(digits.labels))
        parts = [digits.chosen(one) for one in np.split(order, [self.training, self.training + self.test])[:2]]
        return (parts[0].images, parts[0].labels), (parts[1].images, parts[1].labels)

    def parts(self, labels: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
        """Return no parts."""
        return {}


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one network.

    Parameters
    ----------
    circuit
        Trained.
    accuracy
        Part of the test images that it tells right.
    parts
        The same of parts of them, by what they are called.
    spectra
        Of the maps of each stage, by name: ``maps_1`` before the mixer, ``mixed_1`` behind it, ``cells_1`` the counts
        of spikes.
    """

    circuit: Circuit
    accuracy: float
    parts: Mapping[str, float]
    spectra: Mapping[str, SpatialSpectrum]


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
    circuit = build(
        mixers=mixers, embedding=embedding, readout=study.readout, size=study.size, channels=study.channels,
        kernel=study.kernel, classes=study.classes, seed=seed,
    )  # fmt: skip
    (shown, named), (unseen, labels) = study.images(seed)
    learned = train(
        circuit, shown, named, epochs=study.epochs, batch=study.batch, learning_rate=study.learning_rate, seed=seed
    )
    right = answers(learned, unseen, backend=backend, options=options) == labels
    maps = feature_maps(learned, unseen[:SHOWN], backend=backend, options=options)
    spectra = {name: spatial_spectrum(values) for name, values in maps.items() if min(values.shape[-2:]) >= 4}
    parts = {name: float(right[chosen].mean()) for name, chosen in study.parts(labels).items()}
    return Outcome(learned, float(right.mean()), parts, spectra)


def mean_accuracy(found: Sequence[Outcome]) -> float:
    """Return the mean over seeds."""
    return float(np.mean([one.accuracy for one in found]))


def mean_part(found: Sequence[Outcome], part: str) -> float:
    """Return the mean over seeds of the accuracy for a part of the images."""
    return float(np.mean([one.parts[part] for one in found]))


def mean_ratio(found: Sequence[Outcome], stage: str) -> float:
    """Return the mean over seeds of the high-frequency ratio of a stage's maps."""
    return float(np.mean([one.spectra[stage].high_frequency_ratio for one in found]))
