"""Textures whose classes differ in orientation, at a low or at a high spatial frequency: made here, of any number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import CircuitError
from neurosim.random import Stream

Floats = NDArray[np.float64]

ORIENTATIONS = 4
#: Cycles per pixel of both bands.
LOW, HIGH = 0.125, 0.375


@dataclass(frozen=True, eq=False)
class Textures:
    """Images and what they show.

    Parameters
    ----------
    images
        Shape (image, size, size): gratings of amplitude 1 and random phase, with noise.
    labels
        Shape (image,): orientation, plus 4 where the frequency is high.
    """

    images: Floats
    labels: NDArray[np.int64]

    @property
    def high(self) -> NDArray[np.bool_]:
        """Which have the high frequency, shape (image,)."""
        return self.labels >= ORIENTATIONS


def texture_images(count: int, *, size: int = 12, noise: float = 0.5, seed: int = 0) -> Textures:
    """Draw textures, the classes in equal numbers.

    Parameters
    ----------
    count
        How many; a multiple of 8 has all classes alike.
    size
        Pixels of a side.
    noise
        Standard deviation of the noise of a pixel.
    seed
        Which ones.

    Examples
    --------
    >>> drawn = texture_images(16, seed=1)
    >>> drawn.images.shape, drawn.labels[:9].tolist(), int(drawn.high.sum())
    ((16, 12, 12), [0, 1, 2, 3, 4, 5, 6, 7, 0], 8)
    """
    if count < 1 or size < 4 or noise < 0:
        raise CircuitError(
            f"texture_images: count ({count}) and noise ({noise}) must be positive, size ({size}) 4 or more."
        )
    labels = np.arange(count) % (2 * ORIENTATIONS)
    angle = np.pi * (labels % ORIENTATIONS) / ORIENTATIONS
    stream = Stream(seed, "textures")
    phase = 2 * np.pi * stream.child("phase").uniform(count)
    frequency = np.where(labels < ORIENTATIONS, LOW, HIGH)
    rows, columns = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    along = np.cos(angle)[:, None, None] * columns + np.sin(angle)[:, None, None] * rows
    images = np.cos(2 * np.pi * frequency[:, None, None] * along + phase[:, None, None])
    images = images + noise * stream.child("noise").normal(count * size * size).reshape(images.shape)
    return Textures(images, labels)
