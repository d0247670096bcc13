"""How well the units of one system predict those of another, held out, beside how well they could be predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.analysis.representation.arrays import Number, basis, centred, matrices, numpy_of, scalar
from neurosim.analysis.representation.partial_least_squares import COMPONENTS, PartialLeastSquares
from neurosim.analysis.representation.ridge import (
    PENALTIES,
    Model,
    Ridge,
    best_settings,
    correlation,
    explained,
    predict_each,
)
from neurosim.analysis.representation.splits import group_splits
from neurosim.errors import AnalysisError, nearest

Method = Literal["ridge", "pls"]
METHODS = ("ridge", "pls")


@dataclass(frozen=True, eq=False)
class Predictivity:
    """How well each neuron is predicted.

    Parameters
    ----------
    r, r2 : numpy.ndarray, shape (neuron,)
        Correlation with the held-out prediction; one minus its squared error over the variance. NaN of a neuron that
        never changes.
    normalised : numpy.ndarray, shape (neuron,)
        r over the square root of the neuron's reliability, the highest that is to be had; NaN where it is not positive,
        or not known.
    settings : numpy.ndarray, shape (fold, neuron)
        The penalties that were chosen, or the numbers of components.
    method : str
        ``"ridge"`` or ``"pls"``.
    conditions, units, folds, seed : int
        What it was measured with: conditions, units that predict.
    """

    r: NDArray[np.float64]
    r2: NDArray[np.float64]
    normalised: NDArray[np.float64]
    settings: NDArray[np.float64] = field(repr=False)
    method: str
    conditions: int
    units: int
    folds: int
    seed: int

    @property
    def median(self) -> float:
        """The median of r over neurons."""
        return float(np.nanmedian(self.r))


def predictivity(
    x: Any,
    y: Any,
    *,
    method: Method = "ridge",
    folds: int = 5,
    inner_folds: int = 4,
    groups: ArrayLike | None = None,
    penalties: Sequence[float] = PENALTIES,
    components: Sequence[int] = COMPONENTS,
    reliability: ArrayLike | None = None,
    seed: int = 0,
) -> Predictivity:
    """Predict each unit of y from all of x by linear regression, in nested cross-validation over conditions.

    Not symmetric: what x predicts of y may be much of y and little of x.

    Parameters
    ----------
    x : array_like, shape (condition, unit)
        What predicts: the units of a model.
    y : array_like, shape (condition, neuron)
        What is predicted.
    method
        ``"ridge"``: a penalty on the squares of weights. ``"pls"``: partial least squares, on components of x that are
        common to all neurons.
    folds, inner_folds
        In how many parts conditions are tested in turn, and how many choose the setting within what is learned from.
    groups : array_like, shape (condition,), optional
        Conditions that belong together are tested together.
    penalties, components
        Of which the best is chosen for each neuron and fold: of ridge regression; numbers of components of PLS.
    reliability : array_like, shape (neuron,), optional
        Of the neurons (see `split_half_reliability`).
    seed
        Of the folds.
    """
    first, second = (numpy_of(side).astype(np.float64) for side in matrices(x, y))
    rows = first.shape[0]
    names = np.arange(rows) if groups is None else np.asarray(groups)
    if names.shape != (rows,):
        raise AnalysisError(f"groups: one for each of the {rows} conditions, got shape {names.shape}.")
    known = np.full(second.shape[1], np.nan) if reliability is None else np.asarray(reliability, dtype=np.float64)
    if known.shape != (second.shape[1],):
        raise AnalysisError(f"reliability: one for each of the {second.shape[1]} neurons, got shape {known.shape}.")
    if method not in METHODS:
        raise AnalysisError(f"predictivity: there is no method {method!r}.{nearest(str(method), METHODS)}")
    settings = [float(value) for value in (penalties if method == "ridge" else components)]
    if not settings:
        raise AnalysisError(f"predictivity: there is no {'penalty' if method == 'ridge' else 'number of components'}.")
    if method == "pls" and (min(settings) < 1 or any(value % 1 for value in settings)):
        raise AnalysisError(f"predictivity: components are whole numbers from 1 on, got {list(components)}.")

    def fit(regressors: NDArray[np.float64], targets: NDArray[np.float64]) -> Model:
        if method == "ridge":
            return Ridge(regressors, targets)
        return PartialLeastSquares(regressors, targets, int(max(settings)))

    predicted, chosen = np.empty_like(second), []
    for train, test in group_splits(names, folds, seed=seed):
        if len(settings) > 1:
            inner = group_splits(names[train], inner_folds, seed=seed + 1)
            chosen.append(best_settings(fit, first[train], second[train], inner, settings))
        else:
            chosen.append(np.full(second.shape[1], settings[0]))
        predicted[test] = predict_each(fit(first[train], second[train]), first[test], chosen[-1])
    r = correlation(second, predicted)
    positive = np.where(known > 0, known, np.nan)
    return Predictivity(
        r, explained(second, predicted), r / np.sqrt(positive), np.array(chosen), method, rows, first.shape[1], folds,
        seed,
    )  # fmt: skip


def regression_r2(x: Any, y: Any) -> Number:
    """Return how much of the variance of y a linear regression on x explains, in sample.

    It says how y's variance lies in the space of x, not how well y is predicted: with as many units as conditions it is
    1, whatever the data. `predictivity` holds conditions out.

    Parameters
    ----------
    x, y : array_like, shape (condition, unit)
        What predicts, what is predicted.
    """
    first, second = matrices(x, y)
    second = centred(second)
    basis(second)  # refuses what does not vary
    shared = basis(centred(first))[0].T @ second
    return scalar((shared * shared).sum() / (second * second).sum())
