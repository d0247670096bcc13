"""How well expected counts predict the spikes that came: the Poisson likelihood, in bits a spike and as deviance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import AnalysisError

Floats = NDArray[np.float64]


def poisson_log_likelihood(counts: Any, expected: Any) -> Floats:
    r"""Return the logarithm of the probability of each unit's counts, :math:`\sum_t y \ln\lambda - \lambda - \ln y!`.

    Parameters
    ----------
    counts : array_like, shape (bin, unit)
        How many spikes there were; an array or :class:`neurosim.analysis.Features`.
    expected : array_like, shape (bin, unit)
        How many were expected, 0 or more: spikes in the bin, not hertz.

    Returns
    -------
    numpy.ndarray, shape (unit,)
        In nats; -inf where there was a spike although none was expected.

    Raises
    ------
    AnalysisError
        If the shapes differ, counts are no counts, or something is expected that is no mean of counts.
    """
    from scipy.special import gammaln

    y, means = _checked(counts, expected)
    return np.asarray((_surprise(y, means) - gammaln(y + 1)).sum(0))


def bits_per_spike(counts: Any, expected: Any, *, baseline: ArrayLike | None = None) -> Floats:
    r"""Return how many bits a spike the expected counts know beyond a constant rate.

    .. math:: (\ln L(\lambda) - \ln L(\bar\lambda)) / (n \ln 2), \qquad n = \textstyle\sum_t y

    Parameters
    ----------
    counts, expected
        As in :func:`poisson_log_likelihood`.
    baseline : array_like, optional
        The constant that each unit is held against, in spikes a bin; by default the mean of these very counts, which is
        the best of all constants: a model gets nothing for knowing how active a unit is on the whole.

    Returns
    -------
    numpy.ndarray, shape (unit,)
        NaN for a unit without spikes; 0 for what is no better than the constant.

    Raises
    ------
    AnalysisError
        As :func:`poisson_log_likelihood`, or if a baseline is not above 0.

    References
    ----------
    J. W. Pillow et al.: Spatio-temporal correlations and visual signalling in a complete neuronal population. Nature
    454, 995-999 (2008). F. Pei, J. Ye et al.: Neural latents benchmark '21. NeurIPS datasets and benchmarks (2021).
    """
    y, means = _checked(counts, expected)
    number = y.sum(0)
    fired = number > 0
    constant = y.mean(0) if baseline is None else np.broadcast_to(np.asarray(baseline, dtype=np.float64), number.shape)
    if not (constant[fired] > 0).all():
        raise AnalysisError("bits_per_spike: a baseline must be above 0 for each unit that fires.")
    constant = np.where(fired, constant, 1.0)
    gained = (_surprise(y, means) - _surprise(y, np.broadcast_to(constant, y.shape))).sum(0)
    return np.asarray(np.divide(gained, number * np.log(2), out=np.full(number.shape, np.nan), where=fired))


def deviance_explained(counts: Any, expected: Any) -> Floats:
    r"""Return the share of the deviance that expected counts explain, :math:`1 - D(\lambda)/D(\bar\lambda)`.

    It is the pseudo-R2 of Poisson models: 1 where every count was expected exactly, 0 for the mean of the counts.

    Parameters
    ----------
    counts, expected
        As in :func:`poisson_log_likelihood`.

    Returns
    -------
    numpy.ndarray, shape (unit,)
        NaN for a unit whose count never changes.

    References
    ----------
    A. C. Cameron, F. A. G. Windmeijer: An R-squared measure of goodness of fit for some common nonlinear regression
    models. J. Econometrics 77, 329-342 (1997).
    """
    y, means = _checked(counts, expected)
    best = _surprise(y, y).sum(0)
    whole = best - _surprise(y, np.broadcast_to(y.mean(0), y.shape)).sum(0)
    left = best - _surprise(y, means).sum(0)
    changes = y.min(0) < y.max(0)
    return np.asarray(1 - np.divide(left, whole, out=np.full(whole.shape, np.nan), where=changes))


def _surprise(y: Floats, means: Floats) -> Floats:
    """Return the log-likelihood of each bin but for the factorial of its count, which no model changes."""
    from scipy.special import xlogy

    return np.asarray(xlogy(y, means) - means)


def _checked(counts: Any, expected: Any) -> tuple[Floats, Floats]:
    y, means = (np.asarray(values, dtype=np.float64) for values in (counts, expected))
    if y.ndim != 2 or y.shape != means.shape or not y.size:
        raise AnalysisError(f"counts and expected counts: (bin, unit) both, got shapes {y.shape} and {means.shape}.")
    if not (np.isfinite(y) & (y >= 0)).all():
        raise AnalysisError("counts must be 0 or more, without NaN.")
    if not (np.isfinite(means) & (means >= 0)).all():
        raise AnalysisError("expected counts must be finite and 0 or more; clip a prediction that is not.")
    return y, means
