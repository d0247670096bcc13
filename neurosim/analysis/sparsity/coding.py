"""Sparse codes of patches in a dictionary, by iterative thresholding.

References
----------
A. Beck, M. Teboulle: A fast iterative shrinkage-thresholding algorithm for linear inverse problems. SIAM J. Imaging
Sci. 2:183 (2009), and their monotone version in IEEE Trans. Image Process. 18:2419 (2009). V. Rentzeperis et al.:
Beyond l1 sparse coding in V1. PLoS Comput. Biol. 19:e1011459 (2023).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.analysis.sparsity.penalties import Penalty
from neurosim.errors import AnalysisError

Floats = NDArray[np.float64]

#: What keeps the relative change finite while all is silent, and where it ends.
TOLERANCE = 1e-2


@dataclass(frozen=True, eq=False)
class SparseCode:
    """Codes, and how they came about.

    Parameters
    ----------
    codes : numpy.ndarray, shape (patch, unit)
        The coefficients.
    objective : numpy.ndarray, shape (iteration + 1,)
        Half the squared error and the penalty, mean over patches, before each iteration and at the end. It never rises;
        with several stages it may, before the last, since it always counts the last weight.
    residual : numpy.ndarray, shape (patch, pixel)
        What the codes do not explain.
    converged
        Whether the codes came to rest before the iterations ran out.
    """

    codes: Floats
    objective: Floats
    residual: Floats
    converged: bool

    @property
    def active(self) -> float:
        """Active units in a patch, on average."""
        return float(np.count_nonzero(self.codes) / len(self.codes))

    @property
    def error(self) -> float:
        """Mean squared error of a pixel."""
        return float(np.mean(np.square(self.residual)))

    def relative_error(self, patches: ArrayLike) -> float:
        """Return the squared error relative to the squares of the patches."""
        return float(np.square(self.residual).sum() / np.square(patches).sum())


def encode(
    patches: ArrayLike,
    dictionary: ArrayLike,
    penalty: Penalty,
    *,
    step: float | None = None,
    start: ArrayLike | None = None,
    tolerance: float = TOLERANCE,
    limit: int = 5000,
    accelerated: bool = False,
    stages: int = 1,
) -> SparseCode:
    r"""Return the codes of patches.

    Parameters
    ----------
    patches : array_like, shape (patch, pixel)
        What is to be explained.
    dictionary : array_like, shape (pixel, unit)
        A column for each unit.
    penalty
        The price of activity.
    step
        :math:`\mu`. By default 0.9 over the largest eigenvalue of :math:`\Phi^T \Phi`; above 1 over it, the objective
        may rise.
    start : array_like, shape (patch, unit), optional
        Where the codes begin; by default at 0.
    tolerance
        The end: codes change by less than this fraction of their norm (and itself), all patches together.
    limit
        The largest number of iterations (of each stage).
    accelerated
        Go on in the direction of the last change, as FISTA does, as long as the objective falls.
    stages
        In how many stages the weight falls, by equal factors, from where nothing is active to the penalty's own. What
        prices the number of active units ends in better minima in ten than in one.

    Raises
    ------
    AnalysisError
        If shapes do not fit, values are not finite, or a number is out of range.
    """
    x, phi = _matrices(patches, dictionary)
    lipschitz = float(np.linalg.norm(phi, 2) ** 2)
    length = 0.9 / lipschitz if step is None else float(step)
    penalty.check_step(length)
    if not tolerance > 0 or limit < 1 or stages < 1:
        raise AnalysisError(f"encode: tolerance={tolerance}, limit={limit} and stages={stages} must be positive.")
    codes = np.zeros((len(x), phi.shape[1])) if start is None else np.array(start, dtype=np.float64)
    if codes.shape != (len(x), phi.shape[1]):
        raise AnalysisError(f"encode: start has shape {codes.shape}, not (patch, unit) = {(len(x), phi.shape[1])}.")
    objective: list[float] = []
    for weight in _weights(penalty, float(np.abs(x @ phi).max()), length, stages):
        descent = _Descent(x, phi, penalty.weighing(weight), length, penalty)
        codes, residual, trace, converged = descent.run(codes, tolerance, limit, accelerated)
        objective.extend(trace if not objective else trace[1:])
    return SparseCode(codes, np.array(objective), residual, converged)


def weight_for(
    active: float,
    patches: ArrayLike,
    dictionary: ArrayLike,
    penalty: Penalty,
    *,
    iterations: int = 25,
    within: float = 0.02,
    **options: float | bool | None,
) -> tuple[Penalty, SparseCode]:
    """Return a penalty of the weight with which so many units are active in a patch, and the codes that it gives.

    Parameters
    ----------
    active
        Units, on average over patches.
    patches, dictionary, **options
        As of :func:`encode`.
    penalty
        Of which kind; its own weight is where the search begins.
    iterations
        How often the weight is halved or doubled, and then the interval halved.
    within
        The relative difference that is near enough.

    Returns
    -------
    Penalty, SparseCode
        The nearest that was found: activity may jump with the weight.
    """
    if not 0 < active < np.shape(dictionary)[-1]:
        raise AnalysisError(f"weight_for: active={active} must be above 0 and below the number of units.")
    low, high = 0.0, math.inf  # too many are active at the first, too few at the second
    weight, best = penalty.weight, None
    for _ in range(iterations):
        code = encode(patches, dictionary, penalty.weighing(weight), **options)  # type: ignore[arg-type]
        if best is None or abs(code.active - active) < abs(best[1].active - active):
            best = (penalty.weighing(weight), code)
        if abs(code.active - active) <= within * active:
            break
        low, high = (weight, high) if code.active > active else (low, weight)
        weight = 2 * low if math.isinf(high) else high / 2 if low == 0 else math.sqrt(low * high)
    if best is None:
        raise AnalysisError(f"weight_for: iterations must be 1 at least, got {iterations}.")
    return best


def _weights(penalty: Penalty, largest: float, step: float, stages: int) -> list[float]:
    """Return the weights of the stages, from where the first step leaves nothing active to the penalty's own."""
    if stages == 1:
        return [penalty.weight]
    high = penalty.weight
    while high < 1e12 * penalty.weight and penalty.weighing(high).shrink([largest * step], step)[0] != 0:
        high *= 2.0
    return [float(weight) for weight in np.geomspace(high, penalty.weight, stages)]


class _Descent:
    """Iterative thresholding of one weight."""

    def __init__(self, x: Floats, phi: Floats, penalty: Penalty, step: float, final: Penalty) -> None:
        self.x, self.phi, self.penalty, self.step, self.final = x, phi, penalty, step, final

    def run(
        self, codes: Floats, tolerance: float, limit: int, accelerated: bool
    ) -> tuple[Floats, Floats, list[float], bool]:
        """Return codes, residual, the objectives with the final weight, and whether they came to rest."""
        residual = self.x - codes @ self.phi.T
        value = self._objective(codes, residual)
        trace, momentum, before = [self._shown(codes, residual, value)], 1.0, codes
        for _ in range(limit):
            further = (1.0 + math.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
            ahead = codes + (momentum - 1.0) / further * (codes - before) if accelerated else codes
            after, rest, worth = self._advance(ahead, self.x - ahead @ self.phi.T if accelerated else residual)
            momentum = further
            if accelerated and worth > value:
                after, rest, worth = self._advance(codes, residual)
                momentum = 1.0
            change, size = np.linalg.norm(after - codes), np.linalg.norm(codes)
            before, codes, residual, value = codes, after, rest, worth
            trace.append(self._shown(codes, residual, value))
            if change / (tolerance + size) < tolerance:
                return codes, residual, trace, True
        return codes, residual, trace, False

    def _advance(self, codes: Floats, residual: Floats) -> tuple[Floats, Floats, float]:
        after = self.penalty.shrink(codes + self.step * (residual @ self.phi), self.step)
        rest = self.x - after @ self.phi.T
        return after, rest, self._objective(after, rest)

    def _objective(self, codes: Floats, residual: Floats) -> float:
        return _objective(codes, residual, self.penalty)

    def _shown(self, codes: Floats, residual: Floats, value: float) -> float:
        return value if self.penalty == self.final else _objective(codes, residual, self.final)


def _objective(codes: Floats, residual: Floats, penalty: Penalty) -> float:
    return float((0.5 * np.square(residual).sum() + penalty.cost(codes).sum()) / len(codes))


def _matrices(patches: ArrayLike, dictionary: ArrayLike) -> tuple[Floats, Floats]:
    x, phi = np.asarray(patches, dtype=np.float64), np.asarray(dictionary, dtype=np.float64)
    if x.ndim != 2 or phi.ndim != 2 or x.shape[1] != phi.shape[0] or 0 in x.shape or 0 in phi.shape:
        raise AnalysisError(
            f"patches (patch, pixel) of shape {x.shape} do not fit a dictionary (pixel, unit) of shape {phi.shape}."
        )
    if not (np.isfinite(x).all() and np.isfinite(phi).all()):
        raise AnalysisError("patches and dictionary must be finite numbers.")
    if not phi.any():
        raise AnalysisError("the dictionary is 0 everywhere.")
    return x, phi
