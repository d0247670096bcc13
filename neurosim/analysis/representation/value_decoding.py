"""Values read from a population by ridge regression, on stretches of time that it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.analysis.representation.arrays import matrix, numpy_of
from neurosim.analysis.representation.ridge import PENALTIES, Ridge, best_settings, explained, predict_each
from neurosim.analysis.representation.splits import Split, block_splits, checked_splits
from neurosim.errors import AnalysisError


@dataclass(frozen=True, eq=False)
class ValueDecoding:
    """How well values were read.

    Parameters
    ----------
    r2 : numpy.ndarray, shape (target,)
        One minus the squared error over the variance, of all tested rows together.
    null : numpy.ndarray, shape (shuffle, target)
        The same with the targets shifted in time.
    predicted : numpy.ndarray, shape (row, target)
        Held-out predictions; NaN in rows that were not tested.
    penalties : numpy.ndarray, shape (split, target)
        Those that were chosen.
    conditions, units, seed : int
        What it was measured with.
    """

    r2: NDArray[np.float64]
    null: NDArray[np.float64] = field(repr=False)
    predicted: NDArray[np.float64] = field(repr=False)
    penalties: NDArray[np.float64] = field(repr=False)
    conditions: int
    units: int
    seed: int


def decode_values(
    x: Any,
    targets: Any,
    *,
    folds: int = 5,
    gap: int = 0,
    splits: Sequence[tuple[ArrayLike, ArrayLike]] | None = None,
    penalties: Sequence[float] = PENALTIES,
    shuffles: int = 0,
    seed: int = 0,
) -> ValueDecoding:
    """Read values that change in time by ridge regression, on stretches that it did not learn from.

    Parameters
    ----------
    x : array_like, shape (row, unit)
        What is read, in the order of time; `lagged` adds what was before.
    targets : array_like, shape (row,) or (row, target)
        What should be told.
    folds, gap, splits
        Contiguous blocks that are tested in turn, with a gap around each (see `block_splits`); or splits of one's own.
    penalties
        Of which the best is chosen for each target, by blocks within what is learned from.
    shuffles
        How often to repeat with the targets shifted against x by a random part of the time.
    seed
        Of the shifts.
    """
    values = numpy_of(matrix(x, least_rows=4))
    wanted = numpy_of(targets).astype(np.float64)
    wanted = numpy_of(matrix(wanted[:, np.newaxis] if wanted.ndim == 1 else wanted, "targets"))
    rows = values.shape[0]
    if wanted.shape[0] != rows:
        raise AnalysisError(f"x has {rows} rows and targets {wanted.shape[0]}.")
    if not penalties:
        raise AnalysisError("decode_values: there is no penalty.")
    parts = block_splits(rows, folds, gap=gap) if splits is None else checked_splits(splits, rows)
    predicted, chosen = _predictions(values, wanted, parts, penalties, folds, gap)
    draw = np.random.default_rng([seed, 2])
    null = []
    for _ in range(shuffles):
        moved = np.roll(wanted, int(draw.integers(rows // 10 + 1, rows - rows // 10)), axis=0)
        null.append(_scores(moved, _predictions(values, moved, parts, penalties, folds, gap)[0]))
    return ValueDecoding(
        _scores(wanted, predicted),
        np.array(null).reshape(shuffles, wanted.shape[1]),
        predicted,
        chosen,
        rows,
        values.shape[1],
        seed,
    )


def lagged(x: Any, lags: int) -> NDArray[np.float64]:
    """Return what units do in each row and did in those before, side by side, shape (row, lags * unit).

    Parameters
    ----------
    x : array_like, shape (row, unit)
        In the order of time.
    lags
        How many rows, the present one included; before the first there is 0.
    """
    values = numpy_of(matrix(x, least_rows=1))
    if not 1 <= lags <= values.shape[0]:
        raise AnalysisError(f"lags must lie between 1 and the {values.shape[0]} rows, got {lags}.")
    past = [np.concatenate([np.zeros((lag, values.shape[1])), values[: values.shape[0] - lag]]) for lag in range(lags)]
    return np.concatenate(past, axis=1)


def _predictions(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    parts: list[Split],
    penalties: Sequence[float],
    folds: int,
    gap: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    predicted, chosen = np.full(y.shape, np.nan), []
    for train, test in parts:
        if len(penalties) > 1:
            inner = block_splits(train.size, max(2, folds), gap=gap)
            chosen.append(best_settings(Ridge, x[train], y[train], inner, penalties))
        else:
            chosen.append(np.full(y.shape[1], float(penalties[0])))
        predicted[test] = predict_each(Ridge(x[train], y[train]), x[test], chosen[-1])
    return predicted, np.array(chosen)


def _scores(y: NDArray[np.float64], predicted: NDArray[np.float64]) -> NDArray[np.float64]:
    tested = ~np.isnan(predicted).any(axis=1)
    return explained(y[tested], predicted[tested])
