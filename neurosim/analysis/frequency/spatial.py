"""Spatial spectra of images and feature maps: which frequencies over space, per pixel, are in them.

Two numbers go together. The *high-frequency ratio* is the part of the power, without the mean, at and above a radius of
the plane of frequencies. The *relative log amplitude* is the logarithm of the amplitude by that of the mean; what
raises the mean lowers it, as maximum pooling does, even where more of the power lies high.

References
----------
N. Park, S. Kim: How do vision transformers work? ICLR 2022, arXiv:2202.06709 (relative log amplitude).
W. Fang et al.: Spiking neural networks need high-frequency information. NeurIPS 2025, arXiv:2505.18608.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import AnalysisError

Floats = NDArray[np.float64]

#: Keeps the logarithm of an amplitude of nothing finite.
_SMALLEST = 1e-6


@dataclass(frozen=True, eq=False)
class SpatialSpectrum:
    """The spectrum of maps over space.

    Parameters
    ----------
    frequency
        Cycles per pixel along each axis, from the mean to the corner of the plane, shape (frequency,).
    relative_log_amplitude
        Along the diagonal of the plane: natural logarithm of the amplitude by that at frequency 0, shape (frequency,).
    radius
        Cycles per pixel, shape (ring,): one pixel of the plane wide, without 0.
    power
        Mean power of each ring, shape (ring,), as the part of all power but the mean's.
    high_frequency_ratio
        Part of the power, without the mean's, at radii of at least `above`.
    above
        Cycles per pixel.
    n_maps, shape
        How many maps were averaged, and their height and width.
    """

    frequency: Floats
    relative_log_amplitude: Floats
    radius: Floats
    power: Floats
    high_frequency_ratio: float
    above: float
    n_maps: int
    shape: tuple[int, int]
    axis: Literal["spatial"] = "spatial"

    @property
    def end(self) -> float:
        """Relative log amplitude at the highest frequency."""
        return float(self.relative_log_amplitude[-1])


def spatial_spectrum(maps: Any, *, above: float = 0.25) -> SpatialSpectrum:
    """Return the spectrum over space of square or rectangular maps, averaged over all of them.

    Parameters
    ----------
    maps
        Shape (..., height, width): images, or feature maps of any number of channels, trials and steps, as a module
        returns them of a population of shape (channel, height, width). Of a recording, what :func:`maps_of` returns.
    above
        From which radius frequencies are high, in cycles per pixel.

    Returns
    -------
    SpatialSpectrum
        The spectrum is that of the discrete Fourier transform, for which a map goes on at its opposite edge.

    Raises
    ------
    AnalysisError
        If the maps are smaller than 4 pixels, are not finite, or do not vary over space.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(1).normal(size=(64, 32, 32))
    >>> round(spatial_spectrum(noise).high_frequency_ratio, 1)
    0.8
    """
    values = np.asarray(maps, dtype=np.float64)
    if values.ndim < 2 or min(values.shape[-2:], default=0) < 4 or not values.size:
        raise AnalysisError(f"spatial_spectrum: maps must be (..., height, width), 4 or more each; got {values.shape}.")
    if not np.all(np.isfinite(values)):
        raise AnalysisError("spatial_spectrum: the maps hold NaN or infinite values.")
    height, width = values.shape[-2:]
    maps_in_a_row = values.reshape(-1, height, width)
    amplitude = np.abs(np.fft.fft2(maps_in_a_row))
    logarithm = np.fft.fftshift(np.log(amplitude + _SMALLEST).mean(axis=0))
    steps = min(height - height // 2, width - width // 2)
    diagonal = logarithm[height // 2 + np.arange(steps), width // 2 + np.arange(steps)]
    power = (amplitude**2).mean(axis=0)
    power[0, 0] = 0.0
    if power.sum() <= 1e-20 * max(float((amplitude[:, 0, 0] ** 2).mean()), 1e-280):
        raise AnalysisError("spatial_spectrum: the maps do not vary over space; they have no frequencies.")
    power = power / power.sum()
    distance = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    if not 0 < above <= distance.max():
        raise AnalysisError(f"spatial_spectrum: above must be between 0 and {distance.max():.3g} cycles per pixel.")
    pixel = 1 / max(height, width)
    ring = np.round(distance / pixel).astype(np.int64)
    rings = np.bincount(ring.ravel(), power.ravel())[1:] / np.maximum(np.bincount(ring.ravel())[1:], 1)
    return SpatialSpectrum(
        np.arange(steps) / max(height, width),
        diagonal - diagonal[0],
        np.arange(1, rings.size + 1) * pixel,
        rings,
        float(power[distance >= above - 1e-12].sum()),
        above,
        maps_in_a_row.shape[0],
        (height, width),
    )
