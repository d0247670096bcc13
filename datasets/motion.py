"""Textures that move, seen by a sensor of events: ON where it gets lighter, OFF where it gets darker.

The task is that of Grimaldi and Perrinet: 12 directions at 3 speeds, each a class. They move crops of whitened natural
images. The textures here are drawn: they have the mean spectrum of natural images (amplitude falling with frequency),
none of their objects, and close on themselves.

References
----------
A. Grimaldi, L. U. Perrinet: Learning heterogeneous delays in a layer of spiking neurons for fast motion detection.
Biological Cybernetics (2023), doi:10.1007/s00422-023-00975-8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import CircuitError
from neurosim.random import Stream

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MotionMovies:
    """Events of moving textures.

    Parameters
    ----------
    events
        Shape (time, movie, 2, y, x), bool: ON, OFF.
    labels
        Which motion is shown, shape (time, movie).
    """

    events: NDArray[np.bool_]
    labels: NDArray[np.int64]


def motion_velocities(n_directions: int = 12, n_speeds: int = 3) -> Floats:
    """Return the velocities of the classes.

    Parameters
    ----------
    n_directions, n_speeds
        Class ``speed * n_directions + direction``.

    Returns
    -------
    numpy.ndarray
        Pixels a step along x and y, shape (class, 2). Speeds are 0.25 times powers of 2**(2/3): 0.25, 0.397 and 0.630.
        The directions of every second speed lie between those of the others.
    """
    if min(n_directions, n_speeds) < 1:
        raise CircuitError(f"motion_velocities: {n_directions} directions and {n_speeds} speeds must be 1 at least.")
    speed, direction = np.divmod(np.arange(n_directions * n_speeds), n_directions)
    angle = 2 * np.pi * (direction + 0.5 * (speed % 2)) / n_directions
    return np.asarray((0.25 * 2 ** (2 * speed / 3))[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1))


def motion_movies(
    velocities: Floats,
    *,
    n_movies: int,
    size: int = 16,
    steps: int = 32,
    switch: float = 0.0,
    exponent: float = 1.0,
    threshold: float = 1.0,
    noise: float = 1e-3,
    seed: int = 0,
) -> MotionMovies:
    """Draw movies.

    Parameters
    ----------
    velocities
        Of the classes, pixels a step along x and y, shape (class, 2).
    n_movies
        Number of movies; movie i begins with motion i, modulo the number of motions.
    size
        Of the square field in pixels.
    steps
        Length.
    switch
        Probability that another motion begins in a step (it may be the same); the paper's is 1/24.
    exponent
        Amplitudes of the texture fall with this power of the frequency.
    threshold
        Change of light that makes an event, in standard deviations of all changes in the movie.
    noise
        Probability that an event is added, or missing, at a pixel in a step.
    seed
        Of the draw.

    Returns
    -------
    MotionMovies
        Events as the paper makes them: a change of light above the threshold is an event, and the threshold, with its
        sign, is taken off the change in the next step.

    Raises
    ------
    CircuitError
        If a size is not positive, or a probability outside 0 to 1.
    """
    if min(n_movies, size, steps) < 1 or not 0 <= switch <= 1 or not 0 <= noise <= 1 or threshold <= 0:
        raise CircuitError(
            f"motion_movies: n_movies={n_movies}, size={size}, steps={steps} and threshold={threshold} must be "
            f"positive, switch={switch} and noise={noise} probabilities."
        )
    stream = Stream(seed, "motion")
    labels = _motions(stream, len(velocities), n_movies, steps, switch)
    light = _moved(stream, velocities[labels], size, exponent)
    change = np.diff(light, axis=0)
    level = threshold * change.std(axis=(0, 2, 3))[:, None, None]
    events = np.zeros((steps, n_movies, 2, size, size), dtype=bool)
    taken = np.zeros_like(change[0])
    for step in range(steps):
        left = change[step] - taken
        events[step, :, 0], events[step, :, 1] = left > level, left < -level
        taken = level * (events[step, :, 0].astype(float) - events[step, :, 1])
    if noise:
        events ^= stream.child("noise").uniform(events.size).reshape(events.shape) < noise
    return MotionMovies(events, labels[1:])


def _motions(stream: Stream, n_motions: int, n_movies: int, steps: int, switch: float) -> NDArray[np.int64]:
    """Return the motion of every step and of the one before the first, shape (steps + 1, movie)."""
    labels = np.empty((steps + 1, n_movies), dtype=np.int64)
    labels[0] = np.arange(n_movies) % n_motions
    switches = stream.child("switch").uniform(steps * n_movies).reshape(steps, n_movies) < switch
    others = stream.child("motion").integers(n_motions, steps * n_movies).reshape(steps, n_movies)
    for step in range(steps):
        labels[step + 1] = np.where(switches[step], others[step], labels[step])
    return labels


def _moved(stream: Stream, velocities: Floats, size: int, exponent: float) -> Floats:
    """Return the light of textures moved by velocities (time, movie, 2), shape (time, movie, y, x).

    A shift by any part of a pixel is a phase of each frequency. Frequencies above half a cycle a pixel in any direction
    are left out, and so is the mean.
    """
    n_movies = velocities.shape[1]
    along_y, along_x = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]
    frequency = np.hypot(along_x, along_y)
    amplitude = np.where((frequency > 0) & (frequency < 0.5), np.maximum(frequency, 1e-9) ** -exponent, 0.0)
    drawn = stream.child("texture").normal(n_movies * size * size).reshape(n_movies, size, size)
    texture = np.fft.rfft2(drawn) * amplitude
    place = np.cumsum(velocities, axis=0)[..., None, None]
    phase = np.exp(-2j * np.pi * (place[:, :, 0] * along_x + place[:, :, 1] * along_y))
    return np.asarray(np.fft.irfft2(texture * phase, s=(size, size)))
