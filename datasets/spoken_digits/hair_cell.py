"""Inner hair cells: from the velocity of the membrane to the probability that a fibre of the auditory nerve fires.

Transmitter moves between a free pool, the cleft and a store (Meddis 1986, 1988). The step is explicit, with the old
values on the right of every equation and amounts floored at zero, as in the converter of Cramer et al. (2022).

References
----------
R. Meddis: Simulation of mechanical to neural transduction in the auditory receptor. J. Acoust. Soc. Am. 79:702 (1986).

R. Meddis: Simulation of auditory-neural transduction: further studies. J. Acoust. Soc. Am. 83:1056 (1988).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.datasets.spoken_digits.compiled import compiled

Floats = NDArray[np.float64]

# Rates a second, amounts relative to a full pool.
_REPLENISH = 5.05  # y
_RELEASE = 2000.0  # g
_LOSS = 2500.0  # l
_UPTAKE = 6580.0  # r
_REPROCESS = 66.3  # x
_OFFSET = 5.0  # A, in the units of the velocity
_HALF = 300.0  # B
_FIRING = 50_000.0  # h
_FULL = 1.0  # M


def _release(velocity: Any, step: Any) -> Any:
    """Return which part of the free pool is released in a step."""
    drive = max(velocity + _OFFSET, 0.0)
    return step * _RELEASE * drive / (drive + _HALF)


release = compiled(_release, inline="always")


def _scan(velocity: Floats, step: Any, out: Floats) -> None:
    """Fill `out`, (time, place), from velocities (place, time), all places of a block abreast."""
    n_places = velocity.shape[0]
    rest = _RELEASE * _OFFSET / (_OFFSET + _HALF)
    rest_cleft = _FULL * _REPLENISH * rest / (_LOSS * rest + _REPLENISH * (_LOSS + _UPTAKE))
    pool, cleft, store = np.empty(n_places), np.empty(n_places), np.empty(n_places)
    cleft[:] = rest_cleft
    pool[:] = rest_cleft * (_LOSS + _UPTAKE) / rest
    store[:] = rest_cleft * _UPTAKE / _REPROCESS
    for time in range(out.shape[0]):
        for place in range(n_places):
            q, c, w = pool[place], cleft[place], store[place]
            ejected = release(velocity[place, time], step) * q
            reprocessed = step * _REPROCESS * w
            pool[place] = max(q + step * _REPLENISH * max(_FULL - q, 0.0) - ejected + reprocessed, 0.0)
            cleft[place] = max(c + ejected - step * (_LOSS + _UPTAKE) * c, 0.0)
            store[place] = max(w + step * _UPTAKE * c - reprocessed, 0.0)
            out[time, place] = _FIRING * step * cleft[place]


scan = compiled(_scan, nogil=True)


def firing_probability(velocity: Floats, rate: int, n_steps: int | None = None) -> Floats:
    """Return the probability that a fibre fires in each sample, starting from silence.

    Parameters
    ----------
    velocity
        Of the membrane, shape (place, time).
    rate
        Samples a second.
    n_steps
        How many samples are wanted; all by default.

    Returns
    -------
    numpy.ndarray
        Shape (time, place); the values of a place stand a stride apart, because places are computed abreast.
    """
    out = np.empty((velocity.shape[1] if n_steps is None else n_steps, velocity.shape[0]))
    scan(velocity, 1.0 / rate, out)
    return out


def rest_rate() -> float:
    """Return how often a fibre fires in silence, a second."""
    rest = _RELEASE * _OFFSET / (_OFFSET + _HALF)
    return _FIRING * _FULL * _REPLENISH * rest / (_LOSS * rest + _REPLENISH * (_LOSS + _UPTAKE))
