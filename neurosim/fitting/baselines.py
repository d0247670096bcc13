"""What a fitted model of spike counts has to beat: a unit's own past, and the other units in the same bin.

Both take the rows that may be fitted and return what is expected in every row, so that the others are held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy

from neurosim.analysis.features import Features
from neurosim.analysis.representation.ridge import Ridge
from neurosim.analysis.representation.weighted_glm import fit_weights, mean_outcome
from neurosim.errors import AnalysisError

Floats = NDArray[np.float64]
#: Of standardised regressors, a row: penalties are these times the number of rows.
PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
#: Shares of a unit's mean that a linear prediction is clipped to from below.
FLOORS = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0)


def own_past(counts: Any, fitted: ArrayLike, *, reach: int = 64, scale: float = 10.0) -> Floats:
    r"""Return what each unit's own recent counts let expect: a Poisson regression on its past.

    The regressors are the mean counts of the last bin, of the one before, and of stretches that double in length:
    bins 1, 2, 3-4, 5-8, ... before. Beyond the largest value that was fitted they count as that one.

    Parameters
    ----------
    counts : array_like, shape (row, unit)
        Bins in the order of time: a matrix, or :class:`neurosim.analysis.Features`, whose trials and gaps are kept
        apart. What was before the first bin counts as the unit's mean.
    fitted : array_like of bool, shape (row,)
        Which rows may be fitted.
    reach
        How many bins the past goes back.
    scale
        Standard deviation of the Gaussian prior of the weights of standardised regressors.

    Returns
    -------
    numpy.ndarray, shape (row, unit)
        Expected counts in every row; of a unit that was silent in the fitted rows next to nothing.

    Raises
    ------
    AnalysisError
        If there are no counts, or no row is fitted.

    References
    ----------
    W. Truccolo et al.: A point process framework for relating neural spiking activity to spiking history, neural
    ensemble, and extrinsic covariate effects. J. Neurophysiol. 93, 1074-1089 (2005).
    """
    y, rows = _checked(counts, fitted)
    if reach < 1 or scale <= 0:
        raise AnalysisError(f"own_past: reach must be at least 1 bin and scale above 0, got {reach} and {scale}.")
    means = y[rows].mean(0)
    expected = np.empty(y.shape)
    pieces = _pieces(counts, len(y))
    for unit in range(y.shape[1]):
        if means[unit] == 0:
            expected[:, unit] = 0.5 / rows.sum()  # half a spike in all that was seen
            continue
        past = np.concatenate([_past(y[piece, unit], means[unit], reach) for piece in pieces])
        x = _standardised(past, rows)
        start = np.append(np.zeros(x.shape[1] - 1), np.log(means[unit]))
        weights = fit_weights(x[rows], y[rows, unit], np.ones(int(rows.sum())), start, "poisson", scale)
        expected[:, unit] = mean_outcome(x, weights[np.newaxis], "poisson")[:, 0]
    return expected


def same_bin_ridge(
    seen: Any,
    counts: Any,
    fitted: ArrayLike,
    *,
    penalties: Sequence[float] = PENALTIES,
    floors: Sequence[float] = FLOORS,
    folds: int = 5,
) -> Floats:
    """Return what other units let expect in the same bin: a ridge regression, clipped to what is positive.

    Penalty and clipping are chosen for each unit by the Poisson likelihood, in a cross-validation over stretches of
    the fitted rows; so the baseline is as good as a linear one gets.

    Parameters
    ----------
    seen : array_like, shape (row, other unit)
        What is predicted from.
    counts : array_like, shape (row, unit)
        What is predicted.
    fitted : array_like of bool, shape (row,)
        Which rows may be fitted.
    penalties
        To choose from: times the number of fitted rows, of standardised regressors.
    floors
        To choose from: the least expected count, as a share of the unit's mean.
    folds
        Of the cross-validation.

    Returns
    -------
    numpy.ndarray, shape (row, unit)
        Expected counts in every row.

    Raises
    ------
    AnalysisError
        If rows do not match, no row is fitted, or there is nothing to choose from.
    """
    y, rows = _checked(counts, fitted)
    x = np.asarray(seen, dtype=np.float64)
    if x.ndim != 2 or len(x) != len(y) or not np.isfinite(x).all():
        raise AnalysisError(f"same_bin_ridge: what is seen must be finite, ({len(y)}, unit); got shape {x.shape}.")
    if not len(penalties) or min(penalties) <= 0 or not len(floors) or min(floors) <= 0:
        raise AnalysisError("same_bin_ridge: give penalties and floors above 0.")
    chosen = np.flatnonzero(rows)
    if not 2 <= folds <= chosen.size:
        raise AnalysisError(f"same_bin_ridge: {folds} folds of {chosen.size} rows are not possible.")
    scores = np.zeros((len(penalties), len(floors), y.shape[1]))
    for test in np.array_split(chosen, folds):
        train = np.setdiff1d(chosen, test, assume_unique=True)
        model, least = Ridge(x[train], y[train]), _least(y[train])
        for number, penalty in enumerate(penalties):
            predicted = model.predict(x[test], penalty * len(train))
            for place, floor in enumerate(floors):
                means = np.maximum(predicted, floor * least)
                scores[number, place] += (xlogy(y[test], means) - means).sum(0)
    best = scores.reshape(-1, y.shape[1]).argmax(0)
    model, least = Ridge(x[chosen], y[chosen]), _least(y[chosen])
    expected = np.empty(y.shape)
    for number, penalty in enumerate(penalties):
        units = np.flatnonzero(best // len(floors) == number)
        if units.size:
            clipped = np.asarray(floors)[best[units] % len(floors)] * least[units]
            expected[:, units] = np.maximum(model.predict(x, penalty * chosen.size)[:, units], clipped)
    return expected


def _least(y: Floats) -> Floats:
    """Return the mean of each unit; of a silent one half a spike in all that was seen."""
    return np.asarray(np.maximum(y.mean(0), 0.5 / len(y)))


def _past(y: Floats, mean: float, reach: int) -> Floats:
    """Return the mean count of stretches of the past, (bin, stretch)."""
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([np.full(reach, mean), y]))])
    now = np.arange(len(y)) + reach
    columns, near = [], 0
    while near < reach:
        far = min(reach, max(near + 1, 2 * near))
        columns.append((sums[now - near] - sums[now - far]) / (far - near))
        near = far
    return np.stack(columns, axis=1)


def _standardised(past: Floats, rows: NDArray[np.bool_]) -> Floats:
    """Return regressors of mean 0 and variance 1 in the fitted rows, none above its largest there, and a constant."""
    past = np.minimum(past, past[rows].max(0))
    spread = past[rows].std(0)
    scaled = (past - past[rows].mean(0)) / np.where(spread > 0, spread, 1.0)
    return np.column_stack([scaled, np.ones(len(past))])


def _pieces(counts: Any, rows: int) -> list[slice]:
    """Return stretches of rows that follow each other without a gap, within a trial."""
    if not isinstance(counts, Features) or counts.times is None:
        return [slice(0, rows)]
    steps = np.diff(counts.times)
    width = float(np.median(steps)) if steps.size else 0.0
    apart = np.abs(steps - width) > 1e-6 * max(1.0, abs(width))
    if counts.groups is not None:
        apart |= np.diff(counts.groups) != 0
    edges = [0, *(np.flatnonzero(apart) + 1).tolist(), rows]
    return [slice(one, other) for one, other in pairwise(edges)]


def _checked(counts: Any, fitted: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    y, rows = np.asarray(counts, dtype=np.float64), np.asarray(fitted)
    if y.ndim != 2 or not y.size or not np.isfinite(y).all() or y.min() < 0:
        raise AnalysisError("baselines: counts must be 0 or more, without NaN, (row, unit).")
    if rows.dtype != np.bool_ or rows.shape != (len(y),) or not rows.any():
        raise AnalysisError(f"baselines: fitted= needs a truth value for each of the {len(y)} rows, one of them true.")
    return y, rows
