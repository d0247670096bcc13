"""Patches of images as the visual system may see them: whitened, cut out, without their mean.

References
----------
B. A. Olshausen, D. J. Field: Sparse coding with an overcomplete basis set: a strategy employed by V1? Vision Res.
37:3311 (1997). V. Rentzeperis et al.: Beyond l1 sparse coding in V1. PLoS Comput. Biol. 19:e1011459 (2023).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import AnalysisError
from neurosim.random import Stream

Floats = NDArray[np.float64]


def whiten(images: ArrayLike, *, cutoff: float = 0.4, variance: float = 0.1) -> Floats:
    r"""Flatten the spectra of images up to a cut-off.

    Each image is given mean 0 and variance 1, filtered by :math:`\rho\, e^{-(\rho / \rho_0)^4}`, and scaled.

    Parameters
    ----------
    images : array_like, shape (image, y, x)
        Of any brightness; none may be of one brightness throughout.
    cutoff
        :math:`\rho_0` in cycles a pixel.
    variance
        Of each image in the end.

    Returns
    -------
    numpy.ndarray, shape (image, y, x)
    """
    pictures = _images(images)
    if not cutoff > 0 or not variance > 0:
        raise AnalysisError(f"whiten: cutoff={cutoff} and variance={variance} must be above 0.")
    spread = pictures.std(axis=(1, 2), keepdims=True)
    if not (spread > 0).all():
        raise AnalysisError("whiten: an image is of one brightness throughout.")
    pictures = (pictures - pictures.mean(axis=(1, 2), keepdims=True)) / spread
    height, width = pictures.shape[1:]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    gain = frequency * np.exp(-((frequency / cutoff) ** 4))
    flat = np.fft.irfft2(np.fft.rfft2(pictures) * gain, s=(height, width))
    return np.asarray(flat * np.sqrt(variance) / flat.std(axis=(1, 2), keepdims=True))


def cut_patches(images: ArrayLike, count: int, size: int = 16, *, seed: int = 0) -> Floats:
    """Cut patches out of images, at random places, and take off the mean of each.

    Parameters
    ----------
    images : array_like, shape (image, y, x)
        Of any kind.
    count
        How many patches.
    size
        Of the square, in pixels.
    seed
        Of the places.

    Returns
    -------
    numpy.ndarray, shape (patch, size * size)
    """
    pictures = _images(images)
    number, height, width = pictures.shape
    if count < 1 or not 1 <= size <= min(height, width):
        raise AnalysisError(f"cut_patches: {count} patches of {size} pixels cannot be cut from {height} x {width}.")
    stream = Stream(seed, "sparsity/patches")
    image = stream.child("image").integers(number, count)
    top = stream.child("top").integers(height - size + 1, count)
    left = stream.child("left").integers(width - size + 1, count)
    within = np.arange(size)
    rows, columns = top[:, None, None] + within[:, None], left[:, None, None] + within
    patches = pictures[image[:, None, None], rows, columns].reshape(count, size * size)
    return np.asarray(patches - patches.mean(axis=1, keepdims=True))


def _images(images: ArrayLike) -> Floats:
    pictures = np.asarray(images, dtype=np.float64)
    if pictures.ndim != 3 or 0 in pictures.shape or not np.isfinite(pictures).all():
        raise AnalysisError(f"images must be finite numbers (image, y, x), got shape {pictures.shape}.")
    return pictures
