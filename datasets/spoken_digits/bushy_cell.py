"""Bushy cells: each place's fibres of the auditory nerve meet in one leaky integrate-and-fire neuron.

In every sample each of 40 fibres fires with the probability that the hair cell gives it; fibre spikes closer than 1 ms
are dropped. Each that remains adds 1 to a current of its own, which decays with 0.5 ms; the membrane decays with 1 ms,
collects 13,000 / 40 times the sum of the currents, fires at 1, and rests for 1 ms (Cramer et al. 2022).

Fibres fire seldom: in silence 65 times in the 24,000 samples of a second. So it is not asked of each fibre in each
sample whether it fires, but drawn where the next spike is: trials follow each other fibre by fibre and sample by
sample, and the chance that none of them has fired yet falls by (1 - p) with each. The next spike is the first trial at
which that product is no longer above a uniform number. This is exact, costs one random number for each spike instead of
one for each trial, and needs only products, so that no compiler's logarithm decides a spike.

Random numbers are those of `neurosim.random`'s generator. Each (seed, sample, place) has a stream of its own: the key
is made from the seed, the counter holds block, place and sample.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.datasets.spoken_digits.compiled import compiled
from neurosim.philox import philox_words
from neurosim.random import Stream

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

#: Fibres that meet in a bushy cell.
FIBRES = 40

_TAU_CURRENT = 0.5e-3  # seconds
_TAU_MEMBRANE = 1e-3
_REFRACTORY = 1e-3  # of fibres and of the cell
_WEIGHT = 13_000.0 / FIBRES  # per second
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_UPPER_53 = np.uint64(11)


def _uniform(block: Any, place: Any, sample: Any, k0: Any, k1: Any, second: Any) -> Any:
    """Draw one of the two uniform numbers of a block, above 0 and at most 1."""
    w0, w1, w2, w3 = philox_words(block, place, sample & _LOW, sample >> _HALF, k0, k1)
    bits = w2 | w3 << _HALF if second else w0 | w1 << _HALF
    return (np.float64(np.int64(bits >> _UPPER_53)) + 1.0) * 2.0**-53


uniform = compiled(_uniform, inline="always")


def _fibre_spikes(chance: Floats, refractory: Any, place: Any, sample: Any, k0: Any, k1: Any, count: Any) -> Any:
    """Add to `count`, (time,), how many fibres fire in each sample; return how many there were."""
    last = np.full(FIBRES, -refractory)
    drawn = 0
    silent = 1.0  # chance that no trial has fired since the last spike
    until = uniform(np.uint64(0), place, sample, k0, k1, False)
    total = 0
    for time in range(chance.size):
        one = max(1.0 - chance[time], 0.0)
        two = one * one
        four = two * two
        eight = four * four
        sixteen = eight * eight
        after_all = silent * (sixteen * sixteen * eight)
        if after_all > until:
            silent = after_all
            continue
        for fibre in range(FIBRES):
            silent *= one
            if silent <= until:
                if time - last[fibre] >= refractory:
                    last[fibre] = time
                    count[time] += 1
                    total += 1
                drawn += 1
                until = uniform(np.uint64(drawn >> 1), place, sample, k0, k1, drawn & 1 == 1)
                silent = 1.0
    return total


fibre_spikes = compiled(_fibre_spikes, nogil=True)


def _integrate(count: Any, decay_current: Any, decay_membrane: Any, gain: Any, refractory: Any, spikes: Any) -> Any:
    """Write the samples at which the cell fires to `spikes`; return how many there are."""
    current = membrane = 0.0
    resting = 0
    found = 0
    for time in range(count.size):
        current = current * decay_current + count[time]
        if resting > 0:
            resting -= 1
            continue
        membrane = membrane * decay_membrane + current * gain
        if membrane >= 1.0:
            spikes[found] = time
            found += 1
            membrane = 0.0
            resting = refractory
    return found


integrate = compiled(_integrate, nogil=True)


def _block(
    chance: Floats,
    first_place: Any,
    sample: Any,
    k0: Any,
    k1: Any,
    refractory: Any,
    decay_current: Any,
    decay_membrane: Any,
    gain: Any,
    times: Any,
    units: Any,
) -> Any:
    """Write the spikes of a block of places, `chance` (time, place), to `times` and `units`; return their number."""
    steps, n_places = chance.shape
    row = np.empty(steps)
    count = np.empty(steps, dtype=np.int64)
    spikes = np.empty(steps // (refractory + 1) + 1, dtype=np.int64)
    found = 0
    for column in range(n_places):
        row[:] = chance[:, column]
        count[:] = 0
        place = np.uint64(first_place + column)
        fibre_spikes(row, refractory, place, sample, k0, k1, count)
        number = integrate(count, decay_current, decay_membrane, gain, refractory, spikes)
        times[found : found + number] = spikes[:number]
        units[found : found + number] = first_place + column
        found += number
    return found


block = compiled(_block, nogil=True)


def bushy_spikes(chance: Floats, rate: int, *, seed: int, sample: int = 0, first_place: int = 0) -> tuple[Whole, Whole]:
    """Draw the fibres' spikes and return those of the bushy cells.

    Parameters
    ----------
    chance
        Probability that a fibre fires in each sample, shape (time, place); what is above 1 is certain.
    rate
        Samples a second.
    seed
        0 .. 2**64 - 1.
    sample
        Which sample of a set this is, 0 .. 2**64 - 1: each has its own random numbers.
    first_place
        Number of the first column's place.

    Returns
    -------
    steps, places : numpy.ndarray
        In which sample of time and at which place, by place, then time; shape (spike,).
    """
    key = Stream(seed, "cochlea/bushy").integers(2**32, 2).astype(np.uint64)
    refractory = math.ceil(_REFRACTORY * rate - 1e-9)
    most = chance.shape[1] * (chance.shape[0] // (refractory + 1) + 1)
    times, units = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    found = block(
        np.ascontiguousarray(chance),
        first_place,
        np.uint64(sample),
        key[0],
        key[1],
        refractory,
        math.exp(-1 / (rate * _TAU_CURRENT)),
        math.exp(-1 / (rate * _TAU_MEMBRANE)),
        _WEIGHT / rate,
        times,
        units,
    )
    return times[:found].copy(), units[:found].copy()
