"""A cochlea: from a sound to the spikes of 700 bushy cells, as the Heidelberg digits were made from recordings.

The parts are `membrane`, `hair_cell` and `bushy_cell`; what they compute is what the converter of Cramer et al. (2022,
package ``lauscher``) computes, with the probability that a fibre fires equal to rounding, and spikes that are equal in
distribution: the package draws from numpy's global generator, here every place of every sample has its own stream.

Spikes come at half the rate of the sound. Give it 48 kHz: below 20 kHz the hair cell's step is too coarse for its
fastest rate, and the amounts of transmitter are clipped (at the 8 kHz of sounds of 16 kHz they are in every step).
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

from neurosim.datasets.spoken_digits.bushy_cell import bushy_spikes
from neurosim.datasets.spoken_digits.hair_cell import firing_probability
from neurosim.datasets.spoken_digits.membrane import Membrane, Spectrum, membrane, places
from neurosim.errors import CircuitError

Floats = NDArray[np.float64]

_LEVEL = 0.3  # root mean square of a sound before it is windowed
_ABREAST = 7  # places computed together: what they need stays in a core's second-level cache


class Cochlea:
    """The cochlea for sounds up to a length; its transfer functions are computed once, which takes seconds.

    Parameters
    ----------
    longest
        Seconds that the longest sound takes. It is rounded up to a length that is quick to transform.
    rate
        Samples a second.
    n_places
        How many evenly spaced places have a bushy cell. With 140 the cochlea is a coarser one: its spikes are not sums
        over groups of 5 of the 700.

    Raises
    ------
    CircuitError
        If a number is not positive, or the rate is not even.

    Attributes
    ----------
    places : numpy.ndarray
        Positions, cm from the base (where high frequencies are heard), shape (place,).
    membrane : Membrane
        The transfer functions.

    Notes
    -----
    One cochlea may be used by several threads at a time. For 700 places and 0.9 s it holds 150 MB.
    """

    def __init__(self, longest: float, *, rate: int = 48_000, n_places: int = 700) -> None:
        if not (longest > 0 and rate > 0 and n_places > 0) or rate % 2:
            raise CircuitError(
                f"Cochlea: longest={longest!r}, rate={rate!r} and n_places={n_places!r} must be positive, "
                "the rate even."
            )
        frequencies = scipy.fft.next_fast_len(int(np.ceil(longest * rate)) // 2 + 1, real=True)
        self.rate = rate
        self.places: Floats = places(n_places)
        self.membrane: Membrane = membrane(self.places, 2 * (frequencies - 1), rate)

    @property
    def spike_rate(self) -> int:
        """Samples of the output a second."""
        return self.rate // 2

    def firing_probability(self, sound: ArrayLike, first: int = 0, last: int | None = None) -> Floats:
        """Return the probability that a fibre of each place fires, in each sample.

        Parameters
        ----------
        sound
            Shape (sample,), of any loudness.
        first, last
            Range of places; all by default.

        Returns
        -------
        numpy.ndarray
            Shape (time, place); times are apart by 1 / `spike_rate` and last as long as the sound.
        """
        heard = prepared(sound)
        return self._probability(self._spectrum(heard), heard.size, first, self.places.size if last is None else last)

    def spikes(self, sound: ArrayLike, *, seed: int, sample: int = 0) -> tuple[Floats, NDArray[np.int64]]:
        """Turn a sound into spikes.

        Parameters
        ----------
        sound
            Shape (sample,), of any loudness.
        seed
            0 .. 2**64 - 1.
        sample
            Number of the sound in its set: each (seed, sample, place) has random numbers of its own.

        Returns
        -------
        times, units : numpy.ndarray
            Seconds and places (0 hears the highest frequencies), by time, then place; shape (spike,).

        Raises
        ------
        CircuitError
            If the sound is longer than this cochlea is made for, silent, or no row of finite numbers.
        """
        heard = prepared(sound)
        spectrum = self._spectrum(heard)
        steps, units = [], []
        for first in range(0, self.places.size, _ABREAST):
            chance = self._probability(spectrum, heard.size, first, min(first + _ABREAST, self.places.size))
            drawn = bushy_spikes(chance, self.spike_rate, seed=seed, sample=sample, first_place=first)
            steps.append(drawn[0])
            units.append(drawn[1])
        step, unit = np.concatenate(steps), np.concatenate(units)
        order = np.argsort(step, kind="stable")
        return step[order] / self.spike_rate, unit[order]

    def _spectrum(self, heard: Floats) -> Spectrum:
        if heard.size > self.membrane.n_samples:
            raise CircuitError(
                f"Cochlea: the sound takes {heard.size / self.rate:.3f} s, this cochlea is made for "
                f"{self.membrane.n_samples / self.rate:.3f} s. Give a larger `longest`."
            )
        return self.membrane.spectrum(heard)

    def _probability(self, spectrum: Spectrum, n_samples: int, first: int, last: int) -> Floats:
        velocity = self.membrane.velocity(spectrum, first, last)
        return firing_probability(velocity, self.spike_rate, n_samples // 2 + 1)


def prepared(sound: ArrayLike) -> Floats:
    """Return a sound at the loudness at which it is heard, faded in over its first half and out over its second.

    The root mean square is 0.3 before fading. Shape (sample,).

    Raises
    ------
    CircuitError
        If it is silent, or no row of finite numbers.
    """
    samples = np.array(sound, dtype=np.float64)
    if samples.ndim != 1 or samples.size < 2 or not np.isfinite(samples).all():
        raise CircuitError(f"Cochlea: a sound is a row of finite numbers, not an array of shape {samples.shape}.")
    loudness = np.sqrt(np.mean(samples**2))
    if loudness == 0:
        raise CircuitError("Cochlea: the sound is silent; its loudness cannot be set.")
    samples *= _LEVEL / loudness
    half = samples.size // 2
    rise = np.hanning(2 * half)[:half]
    samples[:half] *= rise
    samples[samples.size - half :] *= rise[::-1]
    return samples
