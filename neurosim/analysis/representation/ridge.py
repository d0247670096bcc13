"""Ridge regression for many penalties at the cost of one, and how much of a series is predicted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import AnalysisError

Floats = NDArray[np.float64]
#: Penalties to choose from, of standardised regressors.
PENALTIES = tuple(float(10.0**power) for power in range(-2, 6))


class Ridge:
    """Least squares with a penalty on the squares of the weights, of standardised regressors.

    Parameters
    ----------
    x : numpy.ndarray, shape (row, regressor)
        What is predicted from; standardised by these rows.
    y : numpy.ndarray, shape (row, target)
        What is predicted.
    """

    def __init__(self, x: Floats, y: Floats) -> None:
        self._mean, spread = x.mean(0), x.std(0)
        self._scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-12 * np.abs(self._mean))
        self._offset = y.mean(0)
        scaled, moved = (x - self._mean) * self._scale, y - self._offset
        self._wide = x.shape[1] > x.shape[0]
        gram = scaled @ scaled.T if self._wide else scaled.T @ scaled
        values, self._vectors = np.linalg.eigh(gram)
        self._values = np.clip(values, 0, None)
        self._seen = scaled
        self._wanted = self._vectors.T @ (moved if self._wide else scaled.T @ moved)

    def weights(self, penalty: float) -> Floats:
        """Return the weights of standardised regressors, shape (regressor, target)."""
        if penalty <= 0:
            raise AnalysisError(f"penalties must be positive, got {penalty:g}.")
        solved = self._vectors @ (self._wanted / (self._values + penalty)[:, np.newaxis])
        return np.asarray(self._seen.T @ solved if self._wide else solved)

    def predict(self, x: Floats, penalty: float) -> Floats:
        """Return predictions for other rows, shape (row, target)."""
        return np.asarray(((x - self._mean) * self._scale) @ self.weights(penalty) + self._offset)


class Model(Protocol):
    """What predicts, for every value of a setting: a penalty, a number of components."""

    def predict(self, x: Floats, setting: float, /) -> Floats:
        """Return predictions for rows, shape (row, target)."""


def best_settings(
    fit: Callable[[Floats, Floats], Model],
    x: Floats,
    y: Floats,
    folds: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
    settings: Sequence[float],
) -> Floats:
    """Return the setting that predicts each target best in cross-validation, shape (target,)."""
    errors = np.zeros((len(settings), y.shape[1]))
    for train, test in folds:
        model = fit(x[train], y[train])
        for number, setting in enumerate(settings):
            errors[number] += ((y[test] - model.predict(x[test], setting)) ** 2).sum(0)
    return np.asarray(np.asarray(settings, dtype=np.float64)[errors.argmin(0)])


def predict_each(model: Model, x: Floats, settings: Floats) -> Floats:
    """Return predictions in which every target has its own setting, shape (row, target)."""
    result = np.empty((x.shape[0], settings.size))
    for setting in np.unique(settings):
        chosen = settings == setting
        result[:, chosen] = model.predict(x, float(setting))[:, chosen]
    return result


def explained(y: Floats, predicted: Floats) -> Floats:
    """Return 1 - error / variance of each target; NaN of a target that never changes."""
    variance = ((y - y.mean(0)) ** 2).sum(0)
    error = ((y - predicted) ** 2).sum(0)
    return np.asarray(1 - np.divide(error, variance, out=np.full_like(variance, np.nan), where=variance > 0))


def correlation(y: Floats, predicted: Floats) -> Floats:
    """Return the correlation of each target with its prediction; NaN where one never changes."""
    one, other = y - y.mean(0), predicted - predicted.mean(0)
    norm = np.sqrt((one**2).sum(0) * (other**2).sum(0))
    return np.asarray(np.divide((one * other).sum(0), norm, out=np.full_like(norm, np.nan), where=norm > 0))
