"""Distances between spike trains: by kernels, by the cost of moving spikes, by intervals and by nearest spikes.

References
----------
M. C. W. van Rossum: A novel spike distance. Neural Comput. 13:751 (2001). C. Houghton, T. Kreuz: On the efficient
calculation of van Rossum distances. Network 23:48 (2012). J. D. Victor, K. P. Purpura: Nature and precision of temporal
coding in visual cortex. J. Neurophysiol. 76:1310 (1996). T. Kreuz et al.: Measuring spike train synchrony. J. Neurosci.
Methods 165:151 (2007), intervals. T. Kreuz et al.: Monitoring spike train synchrony. J. Neurophysiol. 109:1457 (2013),
nearest spikes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.spikes.trains import times_of
from neurosim.errors import AnalysisError
from neurosim.recording.times import one_time

Floats = NDArray[np.float64]


def van_rossum(first: Any, second: Any, *, tau: Any) -> float:
    r"""Return the distance of van Rossum.

    .. math:: D^2 = \frac{1}{\tau} \int (f - g)^2\, \mathrm{d}t, \qquad
        f(t) = \sum_k \Theta(t - t_k)\, e^{-(t - t_k)/\tau}

    Parameters
    ----------
    first, second
        Times in seconds, of any number of spikes.
    tau
        :math:`\tau`: short ones compare times of spikes, long ones their number.

    Notes
    -----
    One spike against none is :math:`\sqrt{1/2}`, against one that is :math:`\Delta` away
    :math:`\sqrt{1 - e^{-\Delta/\tau}}`. `training.losses.van_rossum` is the square of it, with gradients.
    """
    scale = one_time(tau, "tau")
    if not scale > 0:
        raise AnalysisError(f"van_rossum: tau must be above 0, got {scale:g} s.")
    a, b = times_of(first), times_of(second)
    times, signs = np.concatenate([a, b]), np.repeat([1.0, -1.0], [a.size, b.size])
    order = np.argsort(times, kind="stable")
    square, trace, before = 0.0, 0.0, math.inf
    for time, sign in zip(times[order].tolist(), signs[order].tolist(), strict=True):
        trace *= math.exp(min(before - time, 0.0) / scale)
        square += 0.5 + sign * trace
        trace, before = trace + sign, time
    return math.sqrt(max(square, 0.0))


def victor_purpura(first: Any, second: Any, *, cost: float) -> float:
    """Return the least price at which one train becomes the other.

    Parameters
    ----------
    first, second
        Times in seconds.
    cost
        Of moving a spike, per second, 0 or more; adding and removing one costs 1 each. With 0 it is the difference of
        their numbers; spikes further apart than ``2 / cost`` are never moved onto each other.
    """
    if not 0 <= cost < math.inf:
        raise AnalysisError(f"victor_purpura: cost must be 0 or more, and finite, got {cost}.")
    a, b = times_of(first), times_of(second)
    columns = np.arange(b.size + 1, dtype=np.float64)
    row = columns.copy()
    for time in a:
        reached = row + 1.0
        reached[1:] = np.minimum(reached[1:], row[:-1] + cost * np.abs(b - time))
        row = np.minimum.accumulate(reached - columns) + columns  # spikes of the second train may be added
    return float(row[-1])


def isi_distance(first: Any, second: Any, *, start: float, stop: float) -> float:
    r"""Return the mean over time of :math:`|I_1 - I_2| / \max(I_1, I_2)` of the intervals that time lies in.

    Parameters
    ----------
    first, second
        Times in seconds.
    start, stop
        The observed time. The interval before the first spike, and that after the last, is taken to be at least as long
        as its neighbour.

    Returns
    -------
    float
        From 0, of the same rhythm, up to 1.
    """
    trains = [_inside(train, start, stop, "isi_distance") for train in (first, second)]
    edges = np.unique(np.concatenate([[start, stop], *trains]))
    middle = (edges[1:] + edges[:-1]) / 2
    one, other = (_interval(train, middle, start, stop) for train in trains)
    return float((np.diff(edges) * np.abs(one - other) / np.maximum(one, other)).sum() / (stop - start))


def spike_distance(first: Any, second: Any, *, start: float, stop: float) -> float:
    """Return the mean over time of how far the surrounding spikes are from the nearest ones of the other train.

    Parameters
    ----------
    first, second
        Times in seconds.
    start, stop
        The observed time, at whose ends each train is given a spike (as Kreuz et al. 2013 do).

    Returns
    -------
    float
        From 0, of the same spikes, up to 1.

    Notes
    -----
    Between two spikes of either train it is a line over time, and the integral exact.
    """
    bare = [_inside(train, start, stop, "spike_distance") for train in (first, second)]
    trains = [np.unique(np.concatenate([[start], train, [stop]])) for train in bare]
    edges = np.unique(np.concatenate(trains))
    begin, end = edges[:-1], edges[1:]
    middle = (begin + end) / 2
    at = [_surroundings(train, other, middle) for train, other in (trains, trains[::-1])]
    lengths = [follows - precedes for precedes, follows, _, _ in at]
    mean = (lengths[0] + lengths[1]) / 2
    total = np.zeros(begin.shape)
    for time in (begin, end):
        one, other = (
            (before * (follows - time) + after * (time - precedes)) / length
            for (precedes, follows, before, after), length in zip(at, lengths, strict=True)
        )
        total += (one * lengths[1] + other * lengths[0]) / (2 * mean * mean) * (end - begin) / 2
    return float(total.sum() / (stop - start))


def distance_matrix(trains: Sequence[Any], distance: Callable[..., float], **options: Any) -> Floats:
    """Return the distance between each two trains.

    Parameters
    ----------
    trains
        Times of each in seconds.
    distance
        One of this module, or any that is symmetric.
    **options
        Of the distance.

    Returns
    -------
    numpy.ndarray, shape (train, train)
        With zeros on the diagonal.
    """
    held = [times_of(train) for train in trains]
    matrix = np.zeros((len(held), len(held)))
    for row in range(len(held)):
        for column in range(row):
            matrix[row, column] = matrix[column, row] = distance(held[row], held[column], **options)
    return matrix


def _inside(train: Any, start: float, stop: float, name: str) -> Floats:
    if not start < stop:
        raise AnalysisError(f"{name}: start={start} must be before stop={stop}.")
    times = np.unique(times_of(train))
    if times.size and (times[0] < start or times[-1] > stop):
        raise AnalysisError(f"{name}: spikes lie outside {start:g} s to {stop:g} s.")
    return times


def _interval(train: Floats, at: Floats, start: float, stop: float) -> Floats:
    """Return the length of the interval of a train that each time lies in."""
    if not train.size:
        return np.full(at.shape, stop - start)
    lengths = np.concatenate([[train[0] - start], np.diff(train), [stop - train[-1]]])
    if train.size > 1:
        lengths[0], lengths[-1] = max(lengths[0], lengths[1]), max(lengths[-1], lengths[-2])
    return np.asarray(lengths[np.searchsorted(train, at)])


def _surroundings(train: Floats, other: Floats, at: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the spikes before and after each time, and how far those are from the nearest ones of the other train."""
    place = np.searchsorted(train, at)
    right = np.clip(np.searchsorted(other, train), 1, other.size - 1)
    apart = np.minimum(np.abs(train - other[right - 1]), np.abs(train - other[right]))
    return train[place - 1], train[place], apart[place - 1], apart[place]
