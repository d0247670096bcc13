"""Poisson numbers from uniform ones, the same for every backend."""

from __future__ import annotations

import numpy as np
from scipy.special import pdtr

#: Different means beyond which a table for each costs more than inverting value by value.
TABLES = 64


def poisson_counts(uniform: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return Poisson counts by inverting the distribution function.

    Parameters
    ----------
    uniform
        Uniform numbers on [0, 1).
    mean
        Mean counts, any shape that broadcasts to that of `uniform`.

    Returns
    -------
    numpy.ndarray
        The smallest k whose distribution function reaches the uniform number, float64, in the shape of `uniform`.
    """
    means = np.unique(mean)
    if len(means) > TABLES:
        from scipy.stats import poisson  # half a second to import, and rarely needed

        return np.asarray(np.maximum(poisson.ppf(uniform, mean), 0.0))
    which = np.broadcast_to(np.searchsorted(means, mean), uniform.shape)
    counts = np.zeros(uniform.shape)
    for position, value in enumerate(means):
        if value > 0:
            table = distribution(value)
            chosen = which == position
            counts[chosen] = np.searchsorted(table, uniform[chosen], side="left")
    return counts


def distribution(mean: float) -> np.ndarray:
    """Return the distribution function of Poisson counts, from 0 up to where it is 1 in float64."""
    table: np.ndarray = pdtr(np.arange(int(mean + 12.0 * np.sqrt(mean)) + 40), mean)
    return table
