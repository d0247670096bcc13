"""Dictionaries that are learned: units that explain patches with as few active at once as their price lets them.

References
----------
B. A. Olshausen, D. J. Field: Emergence of simple-cell receptive field properties by learning a sparse code for natural
images. Nature 381:607 (1996). V. Rentzeperis et al.: Beyond l1 sparse coding in V1. PLoS Comput. Biol. 19:e1011459
(2023).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.analysis.sparsity.coding import SparseCode, encode
from neurosim.analysis.sparsity.penalties import Penalty
from neurosim.errors import AnalysisError
from neurosim.random import Stream

Floats = NDArray[np.float64]

#: By how much the weight follows activity that is away from what is asked for: the power of their ratio.
_FOLLOW = 0.2


@dataclass(frozen=True, eq=False)
class Dictionary:
    """What was learned.

    Parameters
    ----------
    columns : numpy.ndarray, shape (pixel, unit)
        A unit each, of length 1.
    penalty
        With the weight that it had in the end.
    error : numpy.ndarray, shape (batch,)
        Mean squared error of each batch, before it was learned from.
    active : numpy.ndarray, shape (batch,)
        Active units in a patch, mean of each batch.
    """

    columns: Floats
    penalty: Penalty
    error: Floats
    active: Floats

    def encode(self, patches: ArrayLike, **options: Any) -> SparseCode:
        """Return the codes of patches (see :func:`neurosim.analysis.sparsity.encode`)."""
        return encode(patches, self.columns, self.penalty, **options)


def learn(
    patches: ArrayLike,
    units: int,
    penalty: Penalty,
    *,
    batches: int = 400,
    batch_size: int = 250,
    rate: float = 1.0,
    active: float | None = None,
    start: ArrayLike | None = None,
    seed: int = 0,
    **options: Any,
) -> Dictionary:
    r"""Learn a dictionary: code a batch, follow the gradient of the squared error, and make columns of length 1 again.

    .. math:: \Phi \leftarrow \Phi + \eta\, \langle (x - \Phi r)\, r^T \rangle

    Parameters
    ----------
    patches : array_like, shape (patch, pixel)
        What is learned from, in random order, again from the beginning where there are too few.
    units
        How many columns.
    penalty
        The price of activity.
    batches, batch_size
        How many batches, of how many patches.
    rate
        :math:`\eta`, for the mean over a batch: about 5 for patches of variance 0.1; it goes with the inverse of that.
    active
        How many units are to be active in a patch: the weight then follows what is found. By default it is constant.
    start : array_like, shape (pixel, unit), optional
        Where it begins; by default random columns.
    seed
        Of the start, and of the order.
    **options
        As of :func:`neurosim.analysis.sparsity.encode`.
    """
    x = np.asarray(patches, dtype=np.float64)
    if x.ndim != 2 or 0 in x.shape or not np.isfinite(x).all():
        raise AnalysisError(f"learn: patches must be finite numbers (patch, pixel), got shape {x.shape}.")
    if units < 1 or batches < 1 or batch_size < 1 or not rate > 0 or (active is not None and not 0 < active < units):
        raise AnalysisError(
            f"learn: units={units}, batches={batches}, batch_size={batch_size}, rate={rate} and active={active} "
            "must be positive, the last below the number of units."
        )
    stream = Stream(seed, "sparsity/dictionary")
    if start is None:
        phi = stream.child("start").normal(x.shape[1] * units).reshape(x.shape[1], units)
    else:
        phi = np.array(start, dtype=np.float64)
    if phi.shape != (x.shape[1], units):
        raise AnalysisError(f"learn: start has shape {phi.shape}, not (pixel, unit) = {(x.shape[1], units)}.")
    phi = _normalised(phi)
    errors, found = np.empty(batches), np.empty(batches)
    order = np.resize(stream.child("order").permutation(len(x)), batches * batch_size)
    for number, chosen in enumerate(order.reshape(batches, batch_size)):
        code = encode(x[chosen], phi, penalty, **options)
        errors[number], found[number] = code.error, code.active
        phi = _normalised(phi + rate / batch_size * code.residual.T @ code.codes)
        if active is not None:
            ratio = min(max(code.active / active, 0.1), 10.0)
            penalty = penalty.weighing(penalty.weight * math.pow(ratio, _FOLLOW))
    return Dictionary(phi, penalty, errors, found)


def _normalised(phi: Floats) -> Floats:
    lengths = np.linalg.norm(phi, axis=0)
    if not (lengths > 0).all():
        raise AnalysisError("learn: a column is 0.")
    return np.asarray(phi / lengths)
