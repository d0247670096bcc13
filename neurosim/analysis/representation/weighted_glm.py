"""Generalised linear models of choices and counts with weighted trials and a Gaussian prior, by Newton's method."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Family = Literal["bernoulli", "poisson"]
FAMILIES = ("bernoulli", "poisson")
_STEPS, _HALVINGS = 50, 30
_LARGEST = 500.0  # of a drive whose exponential is taken


def log_probability(x: Floats, y: Floats, weights: Floats, family: Family) -> Floats:
    """Return the logarithm of the probability of each outcome.

    Parameters
    ----------
    x : numpy.ndarray, shape (trial, input)
        Inputs.
    y : numpy.ndarray, shape (trial,)
        Outcomes.
    weights : numpy.ndarray, shape (state, input)
        Of each state.
    family
        What outcomes are.

    Returns
    -------
    numpy.ndarray, shape (trial, state)
    """
    drive = x @ weights.T
    if family == "bernoulli":
        return np.asarray(y[:, np.newaxis] * drive - np.logaddexp(0, drive))
    from scipy.special import gammaln

    return np.asarray(y[:, np.newaxis] * drive - np.exp(np.minimum(drive, _LARGEST)) - gammaln(y + 1)[:, np.newaxis])


def mean_outcome(x: Floats, weights: Floats, family: Family) -> Floats:
    """Return the mean outcome in each state, shape (trial, state)."""
    drive = x @ weights.T
    if family == "bernoulli":
        return np.asarray(np.exp(-np.logaddexp(0, -drive)))
    return np.asarray(np.exp(np.minimum(drive, _LARGEST)))


def fit_weights(x: Floats, y: Floats, share: Floats, start: Floats, family: Family, scale: float) -> Floats:
    """Return the weights at the maximum of the weighted log-likelihood and log-prior.

    Parameters
    ----------
    x, y
        As in `log_probability`.
    share : numpy.ndarray, shape (trial,)
        How much each trial counts.
    start : numpy.ndarray, shape (input,)
        Where to begin; what is returned is never worse.
    family
        What outcomes are.
    scale
        Standard deviation of the prior of each weight, around 0.
    """
    weights, value = start, _objective(x, y, share, start, family, scale)
    for _ in range(_STEPS):
        mean = mean_outcome(x, weights[np.newaxis], family)[:, 0]
        slope = x.T @ (share * (y - mean)) - weights / scale**2
        curvature = share * (mean * (1 - mean) if family == "bernoulli" else mean)
        step = np.linalg.solve((x.T * curvature) @ x + np.eye(x.shape[1]) / scale**2, slope)
        for _ in range(_HALVINGS):
            tried = _objective(x, y, share, weights + step, family, scale)
            if tried >= value:
                break
            step = step / 2
        else:
            return weights
        weights, gained, value = weights + step, tried - value, tried
        if gained <= 1e-12 * (1 + abs(value)):
            break
    return weights


def _objective(x: Floats, y: Floats, share: Floats, weights: Floats, family: Family, scale: float) -> float:
    known = share @ log_probability(x, y, weights[np.newaxis], family)[:, 0]
    return float(known - 0.5 * (weights @ weights) / scale**2)
