"""Linear classifiers: shrunk discriminant analysis in closed form, and logistic regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.representation.dissimilarity import shrunk_covariance
from neurosim.errors import AnalysisError, nearest

Kind = Literal["discriminant", "logistic"]
KINDS = ("discriminant", "logistic")
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearClassifier:
    """Scores of classes: ``x @ weights + offsets``, the largest of which decides.

    Parameters
    ----------
    names : numpy.ndarray, shape (class,)
        The classes.
    weights : numpy.ndarray, shape (unit, class)
        Of values as they are: the scaling of the training part is folded in.
    offsets : numpy.ndarray, shape (class,)
        Added to the sums.
    """

    names: NDArray[Any]
    weights: Floats
    offsets: Floats

    def predict(self, x: Floats) -> NDArray[Any]:
        """Return the class of each row."""
        return np.asarray(self.names[(x @ self.weights + self.offsets).argmax(1)])


def fit_classifier(
    x: Floats, labels: NDArray[Any], kind: Kind = "discriminant", penalty: float = 1.0
) -> LinearClassifier:
    """Fit a linear classifier in which every class counts the same, however many rows it has.

    Parameters
    ----------
    x : numpy.ndarray, shape (row, unit)
        What to learn from; units are standardised, by these rows.
    labels : numpy.ndarray, shape (row,)
        The class of each row, two classes at least.
    kind
        ``"discriminant"``: Gaussian classes of one covariance, which is shrunk (Ledoit and Wolf 2004); ``"logistic"``:
        multinomial regression.
    penalty
        Of the squares of the weights of ``"logistic"``.
    """
    if kind not in KINDS:
        raise AnalysisError(f"there is no classifier {kind!r}.{nearest(kind, KINDS)}")
    names, place = np.unique(labels, return_inverse=True)
    if names.size < 2:
        raise AnalysisError("a classifier needs rows of two classes to learn from.")
    share = 1 / (names.size * np.bincount(place))[place]  # of a row: classes weigh the same
    mean = share @ x
    spread = np.sqrt(share @ (x - mean) ** 2)
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-12 * np.abs(mean).max(initial=1e-300))
    scaled = (x - mean) * scale
    if kind == "discriminant":
        weights, offsets = _discriminant(scaled, place, names.size)
    else:
        weights, offsets = _logistic(scaled, place, names.size, share, penalty)
    weights = weights * scale[:, np.newaxis]
    return LinearClassifier(names, weights, offsets - mean @ weights)


def _discriminant(x: Floats, place: NDArray[np.int64], classes: int) -> tuple[Floats, Floats]:
    sums = np.zeros((classes, x.shape[1]))
    np.add.at(sums, place, x)
    means = sums / np.bincount(place)[:, np.newaxis]
    covariance = shrunk_covariance(x - means[place])
    level = np.trace(covariance) / x.shape[1]
    # Where rows of a class are all alike there is no noise, and any direction will do.
    covariance += np.eye(x.shape[1]) * (1e-9 * level if level > 0 else 1.0)
    weights = np.asarray(np.linalg.solve(covariance, means.T), dtype=np.float64)
    return weights, -0.5 * np.einsum("cn,nc->c", means, weights)


def _logistic(
    x: Floats, place: NDArray[np.int64], classes: int, share: Floats, penalty: float
) -> tuple[Floats, Floats]:
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    if penalty <= 0:
        raise AnalysisError(f"penalty must be positive, got {penalty:g}.")
    rows, units = x.shape
    wanted = np.zeros((rows, classes))
    wanted[np.arange(rows), place] = 1
    weight = share * rows

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights, offsets = flat[: units * classes].reshape(units, classes), flat[units * classes :]
        scores = x @ weights + offsets
        total = logsumexp(scores, axis=1)
        value = weight @ (total - scores[np.arange(rows), place]) + 0.5 * penalty * np.sum(weights**2)
        error = weight[:, np.newaxis] * (np.exp(scores - total[:, np.newaxis]) - wanted)
        slope = np.concatenate([(x.T @ error + penalty * weights).reshape(-1), error.sum(0)])
        return float(value), slope

    found = minimize(loss, np.zeros((units + 1) * classes), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return found.x[: units * classes].reshape(units, classes), found.x[units * classes :]
