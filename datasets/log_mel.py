"""Sound as the energy in mel bands, in decibel: what the networks for speech commands read.

Bands lie below half the sampling rate, always: a band above it would be an input that never changes. Spectra are padded
to a resolution at which no band is empty.

References
----------
S. S. Stevens, J. Volkmann, E. B. Newman: A scale for the measurement of the psychological magnitude pitch. Journal of
the Acoustical Society of America 8:185 (1937); the formula is that of D. O'Shaughnessy, Speech communication (1987).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import CircuitError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LogMel:
    """Mel bands of sounds of one sampling rate.

    Parameters
    ----------
    rate
        Samples a second.
    n_bands
        Number of bands.
    hop, window
        Seconds from frame to frame, and of sound that a frame sees (weighted by a Hann window).
    lowest, highest
        Of the bands, in hertz; the highest at most half the rate, which is the default.
    floor
        Energies below this part of a full-scale sine's are set to it, in decibel.

    Raises
    ------
    CircuitError
        If the bands do not lie between 0 and half the rate.
    """

    rate: int
    n_bands: int = 140
    hop: float = 0.01
    window: float = 0.025
    lowest: float = 50.0
    highest: float | None = None
    floor: float = -100.0

    def __post_init__(self) -> None:
        """Check the parameters."""
        if min(self.rate, self.n_bands) < 1 or min(self.hop, self.window) * self.rate < 1:
            raise CircuitError(f"{self}: rate and bands must be positive, hop and window a sample at least.")
        if not 0 <= self.lowest < self.upper <= self.rate / 2:
            raise CircuitError(
                f"LogMel: bands from {self.lowest:g} to {self.upper:g} Hz do not lie below half the rate of {self.rate}"
                " Hz: what lies above is in no sound."
            )

    @property
    def upper(self) -> float:
        """The end of the highest band in hertz."""
        return self.rate / 2 if self.highest is None else self.highest

    @property
    def _size(self) -> int:
        """Samples of a padded frame: a power of two, fine enough for the narrowest band to hold two frequencies."""
        narrowest = float(np.diff(self.edges)[0])
        return 1 << int(np.ceil(np.log2(max(self.window * self.rate, self.rate / narrowest))))

    @cached_property
    def edges(self) -> Floats:
        """Frequencies at which bands begin, peak and end, shape (n_bands + 2,): evenly spaced in mel."""
        first, last = (2595 * np.log10(1 + frequency / 700) for frequency in (self.lowest, self.upper))
        mels = np.linspace(first, last, self.n_bands + 2)
        return np.asarray(700 * (10 ** (mels / 2595) - 1))

    @cached_property
    def filters(self) -> Floats:
        """Weights of the frequencies of a spectrum in the bands, shape (frequency, band): triangles of area 1."""
        frequencies = np.fft.rfftfreq(self._size, 1 / self.rate)[:, None]
        left, peak, right = self.edges[:-2], self.edges[1:-1], self.edges[2:]
        triangles = np.minimum((frequencies - left) / (peak - left), (right - frequencies) / (right - peak)).clip(min=0)
        return np.asarray(triangles / triangles.sum(axis=0))

    def __call__(self, sound: ArrayLike, n_frames: int | None = None) -> NDArray[np.float32]:
        """Return the bands of a sound.

        Parameters
        ----------
        sound
            Shape (sample,), full scale at 1.
        n_frames
            How many frames; by default one for each hop begun. The sound is cut, or followed by silence.

        Returns
        -------
        numpy.ndarray
            Shape (frame, band): the mean power of the frequencies of a band, in decibel; a full-scale sine has 0 at its
            own. Frame k is centred on ``k * hop``.
        """
        samples = np.asarray(sound, dtype=float)
        hop, length = round(self.hop * self.rate), round(self.window * self.rate)
        frames = -(-samples.size // hop) if n_frames is None else n_frames
        padded = np.zeros((frames - 1) * hop + length)
        before = length // 2
        used = samples[: padded.size - before]
        padded[before : before + used.size] = used
        window = np.hanning(length + 1)[:-1]
        seen = np.lib.stride_tricks.sliding_window_view(padded, length)[::hop] * window
        power = np.abs(np.fft.rfft(seen, self._size)) ** 2 / (window.sum() / 2) ** 2
        energy: Any = power @ self.filters
        return np.asarray(10 * np.log10(np.maximum(energy, 10 ** (self.floor / 10))), dtype=np.float32)
