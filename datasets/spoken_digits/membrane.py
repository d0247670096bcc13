"""The basilar membrane: how fast each place of the cochlea moves when a sound arrives.

A sound is taken to its spectrum, multiplied with the transfer function of every place, and taken back. The transfer
functions are those of a long, narrow channel of fluid with a membrane whose stiffness falls from base to apex (Sieroka
et al. 2006), in closed form; they depend on the length of the record and on its rate alone.

Conventions are those of the converter that made the Heidelberg digits (Cramer et al. 2022, the package ``lauscher``):
700 places from 0 (base, high frequencies) to 3.5 cm (apex), frequencies counted from 1 Hz to half the rate, and the
real part of the inverse transform of the non-negative half of the spectrum, which halves the rate.

References
----------
N. Sieroka, H. G. Dosch, A. Rupp: Semirealistic models of the cochlea. J. Acoust. Soc. Am. 120:297 (2006).

B. Cramer, Y. Stradmann, J. Schemmel, F. Zenke: The Heidelberg spiking data sets for the systematic evaluation of
spiking neural networks. IEEE Trans. Neural Netw. Learn. Syst. 33:2744 (2022), doi:10.1109/TNNLS.2020.3044364.

https://github.com/electronicvisions/lauscher
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.special
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Spectrum = NDArray[np.complex128]

#: Length of the membrane, cm.
LENGTH = 3.5

# In centimetres, grams and seconds.
_STIFFNESS = 1e9  # C0, at the base
_STIFFNESS_OFFSET = 3500.0  # a
_DECAY = 3.0  # alpha, per cm
_DENSITY = 1.0  # rho
_HEIGHT = 0.1  # h, of the channel
_MASS = 0.05  # m
_DAMPING = 0.15 * np.sqrt(_STIFFNESS * _MASS)  # R0

# What is smaller than this, relative to the peak of its place, is taken for zero; the sound of a place then differs by
# less than 1e-10 of its largest value, and half of the transfer functions need not be computed, kept or multiplied.
_NEGLIGIBLE = 1e-12
_COARSE = 64  # every how many frequencies it is looked up where that begins


@dataclass(frozen=True, slots=True)
class Membrane:
    """Transfer functions of some places, for sounds of at most ``n_samples`` samples.

    Attributes
    ----------
    n_samples
        Length of the record that is transformed; shorter sounds are followed by silence.
    transfer
        One array for each place: from sound to velocity at the lowest frequencies, as many as are not negligible.
    """

    n_samples: int
    transfer: tuple[Spectrum, ...]

    @property
    def n_frequencies(self) -> int:
        """How many frequencies a spectrum has, and a velocity samples."""
        return self.n_samples // 2 + 1

    def spectrum(self, sound: Floats) -> Spectrum:
        """Return the spectrum of a sound of at most `n_samples` samples; shape (frequency,)."""
        found: Spectrum = scipy.fft.rfft(sound, self.n_samples)
        return found

    def velocity(self, spectrum: Spectrum, first: int, last: int) -> Floats:
        """Return the velocity of places ``first .. last - 1`` at half the rate; shape (place, n_frequencies).

        Notes
        -----
        Asked for is Re(ifft(y)), where y has the ``n`` non-negative frequencies and is read as a whole spectrum. That
        is the inverse of a real transform of (y[k] + conj(y[n - k])) / 2, which costs half.
        """
        n = self.n_frequencies
        half = n // 2 + 1
        folded = np.zeros((last - first, half), dtype=np.complex128)
        for row, transfer in zip(folded, self.transfer[first:last], strict=True):
            low = min(half, transfer.size)
            np.multiply(transfer[:low], spectrum[:low], out=row[:low])
            high = n - half + 1  # frequency n - k from here on belongs to a k that is kept
            if transfer.size > high:
                mirrored = (transfer[high:] * spectrum[high : transfer.size]).conj()[::-1]
                row[n - transfer.size + 1 : n - high + 1] += mirrored
            row[0] *= 2  # its own mirror image; the inverse transform ignores the imaginary part
        folded *= 0.5
        velocity: Floats = scipy.fft.irfft(folded, n, axis=1, overwrite_x=True)
        return velocity


def places(count: int) -> Floats:
    """Return the positions of evenly spaced places from base to apex, cm; shape (place,)."""
    return np.linspace(0.0, LENGTH, count)


def frequencies(n_samples: int, rate: int) -> Floats:
    """Return the angular frequencies that the converter gives to the bins of a spectrum, rad/s; shape (frequency,)."""
    return 2 * np.pi * np.linspace(1.0, rate // 2, n_samples // 2 + 1)


def membrane(position: Floats, n_samples: int, rate: int) -> Membrane:
    """Compute the transfer functions of some places.

    Parameters
    ----------
    position
        Of the places, cm from the base, shape (place,).
    n_samples
        Length of the longest sound.
    rate
        Samples a second.
    """
    omega = frequencies(n_samples, rate)
    base = _base_factor(omega)
    rows = []
    for one in position:
        coarse = np.abs(transfer_function(omega[::_COARSE], float(one), base[::_COARSE]))
        audible = int(np.flatnonzero(coarse > _NEGLIGIBLE * coarse.max())[-1])
        kept = min(omega.size, (audible + 1) * _COARSE)
        rows.append(transfer_function(omega[:kept], float(one), base[:kept]))
    return Membrane(n_samples, tuple(rows))


def transfer_function(omega: Floats, position: float, base: Spectrum | None = None) -> Spectrum:
    """Return the velocity of the membrane at a place for a unit of sound at each frequency.

    Parameters
    ----------
    omega
        Angular frequencies, rad/s, shape (frequency,).
    position
        Of the place, cm from the base.
    base
        What depends on the frequency alone, where it is known.
    """
    base = _base_factor(omega) if base is None else base
    found: Spectrum = 2 * omega / _impedance(omega, position) * _pressure(omega, position) * base
    return found


def best_frequency(position: float) -> float:
    """Return the frequency at which a place moves most, Hz, looked for from 20 Hz to 24 kHz in steps of 0.1 %."""
    hertz = np.geomspace(20.0, 24e3, 7100)
    return float(hertz[np.abs(transfer_function(2 * np.pi * hertz, position)).argmax()])


def _base_factor(omega: Floats) -> Spectrum:
    """Return the input impedance of the channel over the pressure at the base."""
    argument = 2 * omega / _DECAY * np.sqrt(2 / (_HEIGHT * _STIFFNESS))
    j0, y0 = scipy.special.j0(argument), scipy.special.y0(argument)
    j1, y1 = scipy.special.j1(argument), scipy.special.y1(argument)
    impedance = np.sqrt(2 * _STIFFNESS / _HEIGHT) * (1j * j0 + y0) / (j1 - 1j * y1)
    found: Spectrum = impedance / _pressure(omega, 0.0)
    return found


def _impedance(omega: Floats, position: float) -> Spectrum:
    """Return that of the membrane, times i omega: stiffness, inertia and friction."""
    stiffness = _STIFFNESS * np.exp(-_DECAY * position) - _STIFFNESS_OFFSET
    friction = _DAMPING * np.exp(-_DECAY * position / 2)
    found: Spectrum = stiffness - _MASS * omega**2 - 1j * omega * friction
    return found


def _wave_number(omega: Floats, position: float) -> Spectrum:
    found: Spectrum = omega * np.sqrt(_DENSITY / (_HEIGHT * _impedance(omega, position)))
    return found


def _pressure(omega: Floats, position: float) -> Spectrum:
    """Return the pressure of the travelling wave: a Hankel function of the phase that has been collected."""
    phase = 2 * _wave_number(omega, 0.0) / _DECAY - _phase_factor(omega) * _phase_logarithm(omega, position)
    found: Spectrum = np.sqrt(phase / _wave_number(omega, position)) * scipy.special.hankel1(0, phase)
    return found


def _phase_factor(omega: Floats) -> Spectrum:
    root = np.sqrt(2 * _HEIGHT * (_MASS * omega**2 + _STIFFNESS_OFFSET))
    found: Spectrum = 2j * np.sqrt(2.0) * omega / (_DECAY * root)
    return found


def _phase_logarithm(omega: Floats, position: float) -> Spectrum:
    """Return the integral of the wave number from the base to a place, up to its factor."""
    friction = _DAMPING * np.exp(-_DECAY * position / 2)
    root = np.sqrt(_STIFFNESS_OFFSET + _MASS * omega**2)
    here = -2 * np.sqrt(_impedance(omega, position))
    here = here + 1j * (2 * _STIFFNESS_OFFSET + omega * (2 * _MASS * omega + 1j * friction)) / root
    there = -_DECAY * np.sqrt(_impedance(omega, 0.0))
    inner = 2 * _STIFFNESS_OFFSET + omega * (2 * _MASS * omega + 1j * _DAMPING)
    there = there + 1j * _DECAY * inner / (2 * root)
    found: Spectrum = np.log(there / (_DECAY / 2 * np.exp(_DECAY * position / 2) * here))
    return found
