"""How many dimensions activity fills: the participation ratio of its covariance's spectrum, at once or streamed."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.analysis.representation.arrays import Array, Number, centred, library, like, matrix, not_zero, scalar
from neurosim.errors import AnalysisError


def participation_ratio(x: Any) -> Number:
    """Return ``(sum of the eigenvalues)^2 / (sum of their squares)`` of the covariance of units.

    1 if all units do the same, n if n units do as they like and equally much. It falls with the number of conditions
    (see `expected_participation_ratio`) and grows with that of units: compare it at equal numbers of both.

    Parameters
    ----------
    x : array_like, shape (condition, unit)
        A tensor gives a tensor, with its gradient.
    """
    values = centred(matrix(x))
    wide = values.shape[1] > values.shape[0]
    gram = values @ values.T if wide else values.T @ values
    return scalar(_ratio(gram))


def spectrum_ratio(eigenvalues: Any) -> Number:
    """Return the participation ratio of eigenvalues that are known.

    Parameters
    ----------
    eigenvalues : array_like, shape (dimension,)
        None of them negative.
    """
    values = matrix(np.atleast_2d(np.asarray(eigenvalues, dtype=np.float64)), "eigenvalues", least_rows=1)[0]
    if float(values.min()) < 0 or not float(values.sum()) > 0:
        raise AnalysisError("eigenvalues of a covariance are not negative, and not all 0.")
    return scalar(values.sum() ** 2 / (values**2).sum())


def expected_participation_ratio(dimensions: float, conditions: int) -> float:
    """Return what to expect of so many conditions where activity fills so many dimensions evenly.

    ``1 / PR = 1 / dimensions + 1 / (conditions - 1)``, to within a few per cent.
    """
    if dimensions <= 0 or conditions < 2:
        raise AnalysisError("dimensions must be positive, and conditions at least 2.")
    return 1 / (1 / dimensions + 1 / (conditions - 1))


class RunningCovariance:
    """The covariance of data that arrive in batches, and its participation ratio.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(90, 4))
    >>> running = RunningCovariance()
    >>> for rows in np.split(x, 3):
    ...     running.update(rows)
    >>> bool(np.allclose(running.compute(), np.cov(x.T)))
    True
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._number = 0
        self._mean: Array = None
        self._scatter: Array = None

    def update(self, x: Any) -> None:
        """Take a batch (condition, unit)."""
        values = matrix(x, least_rows=1)
        mean = values.mean(0)
        scatter = (values - mean).T @ (values - mean)
        rows = values.shape[0]
        if self._mean is None:
            self._number, self._mean, self._scatter = rows, mean, scatter
            return
        if mean.shape != self._mean.shape:
            raise AnalysisError(f"a batch has {mean.shape[0]} units, the first had {self._mean.shape[0]}.")
        # Chan et al. (1983), Am Stat 37:242: the sums of both parts, and what lies between their means.
        gap, total = mean - self._mean, self._number + rows
        self._scatter = self._scatter + scatter + gap[:, None] * gap[None, :] * (self._number * rows / total)
        self._mean = self._mean + gap * (rows / total)
        self._number = total

    def compute(self) -> Array:
        """Return the covariance, divided by the number of conditions less one, shape (unit, unit)."""
        return self._seen() / (self._number - 1)

    def participation_ratio(self) -> Number:
        """Return the participation ratio of all that was seen."""
        return scalar(_ratio(self._seen()))

    def _seen(self) -> Array:
        if self._number < 2:
            raise AnalysisError("RunningCovariance has seen fewer than 2 conditions.")
        return self._scatter


def _ratio(gram: Array) -> Array:
    trace = (gram * like(np.eye(gram.shape[0]), gram)).sum()
    return library(gram).square(not_zero(trace, "x")) / (gram * gram).sum()
