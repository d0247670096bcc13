"""Partial least squares: regression on the directions of the regressors that go most with the targets.

H. Wold (1975), in Perspectives in Probability and Statistics; A. Höskuldsson (1988), J Chemom 2:211.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import AnalysisError

Floats = NDArray[np.float64]
#: Numbers of components to choose from.
COMPONENTS = (1, 2, 3, 5, 8, 13, 25)
#: A direction along which less than this part of the regressors is left is rounding.
_LEAST = 1e-10


class PartialLeastSquares:
    """Regression of all targets on common components of the regressors, for every number of components at once.

    Parameters
    ----------
    x : numpy.ndarray, shape (row, regressor)
        What is predicted from; standardised by these rows.
    y : numpy.ndarray, shape (row, target)
        What is predicted; standardised, so that every target counts the same in the choice of components.
    most
        How many components are looked for at most; there are fewer where no more of the regressors is left.
    """

    def __init__(self, x: Floats, y: Floats, most: int) -> None:
        if most < 1:
            raise AnalysisError(f"partial least squares needs one component at least, got {most}.")
        self._mean, self._scale = x.mean(0), _inverse_spread(x)
        self._offset, inverse = y.mean(0), _inverse_spread(y)
        left, wanted = (x - self._mean) * self._scale, (y - self._offset) * inverse
        spread = np.divide(1.0, inverse, out=np.zeros_like(inverse), where=inverse > 0)
        whole = float(np.square(left).sum())
        weights, loadings, answers = [], [], []
        for _ in range(min(most, x.shape[1], x.shape[0] - 1)):
            weight = _leading(left.T @ wanted)
            scores = left @ weight
            length = float(scores @ scores)
            if not length > _LEAST * whole:
                break
            weights.append(weight)
            loadings.append(left.T @ scores / length)
            answers.append(wanted.T @ scores / length)
            left = left - np.outer(scores, loadings[-1])
            wanted = wanted - np.outer(scores, answers[-1])
        self.components = len(weights)
        if weights:
            taken, given = np.stack(weights, axis=1), np.stack(loadings, axis=1)
            # From regressors to scores, without taking off what came before.
            self._rotation = taken @ np.linalg.inv(given.T @ taken)
            self._answers = np.stack(answers) * spread
        else:
            self._rotation, self._answers = np.zeros((x.shape[1], 0)), np.zeros((0, y.shape[1]))

    def predict(self, x: Floats, components: float) -> Floats:
        """Return predictions for other rows by so many components, shape (row, target)."""
        first = min(int(components), self.components)
        scores = ((x - self._mean) * self._scale) @ self._rotation[:, :first]
        return np.asarray(scores @ self._answers[:first] + self._offset)


def _inverse_spread(values: Floats) -> Floats:
    spread = values.std(0)
    varies = spread > 1e-12 * np.abs(values.mean(0))
    return np.asarray(np.divide(1.0, spread, out=np.zeros_like(spread), where=varies))


def _leading(products: Floats) -> Floats:
    """Return the direction of the regressors (regressor,) whose products with the targets are largest together."""
    if products.shape[1] == 1:
        return np.asarray(products[:, 0] / max(float(np.linalg.norm(products)), float(np.finfo(np.float64).tiny)))
    return np.asarray(np.linalg.svd(products, full_matrices=False)[0][:, 0])
