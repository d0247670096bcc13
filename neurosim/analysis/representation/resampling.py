"""Similarities of dissimilarity matrices whose conditions were drawn anew, for many draws at once.

A pair of conditions drawn a and b times makes ``a b`` equal entries, and two draws of one condition none. Nothing needs
to be copied: sums over entries become quadratic forms in the numbers of draws, ranks cumulative sums in sorted order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.compiled import Compiled
from neurosim.analysis.representation.arrays import pair_indices
from neurosim.analysis.representation.dissimilarity import conditions_of, symmetric
from neurosim.analysis.representation.ordering import new_value, tau_a
from neurosim.errors import AnalysisError

Floats = NDArray[np.float64]


class Resampler:
    """The similarities of models with subjects under draws of conditions.

    Parameters
    ----------
    models : numpy.ndarray, shape (model, pair)
        Dissimilarities.
    subjects : numpy.ndarray, shape (subject, pair)
        Dissimilarities.
    method
        One of `neurosim.analysis.representation.inference.RESAMPLED`.
    """

    def __init__(self, models: Floats, subjects: Floats, method: str) -> None:
        self.models, self.subjects, self.method = models, subjects, method

    def scores(self, counts: Floats) -> Floats:
        """Return the similarity in each draw.

        Parameters
        ----------
        counts : numpy.ndarray, shape (draw, condition)
            How often each condition was drawn.

        Returns
        -------
        numpy.ndarray, shape (draw, model, subject)
        """
        if self.method in ("spearman", "rho_a"):
            return self._of_ranks(counts)
        if self.method == "tau_a":
            return self._of_order(counts)
        return self._of_moments(counts)

    def _of_moments(self, counts: Floats) -> Floats:
        models, subjects = self.models, self.subjects
        if self.method == "pearson":  # a shift changes nothing, and keeps digits
            models = models - models.mean(1, keepdims=True)
            subjects = subjects - subjects.mean(1, keepdims=True)
        cross = np.array([[_weighted(counts, model * subject) for subject in subjects] for model in models])
        squares = [np.array([_weighted(counts, row * row) for row in rows]) for rows in (models, subjects)]
        if self.method == "pearson":
            number = _weighted(counts, np.ones(models.shape[1]))
            sums = [np.array([_weighted(counts, row) for row in rows]) for rows in (models, subjects)]
            cross = cross - sums[0][:, np.newaxis] * sums[1][np.newaxis] / number
            squares = [square - one * one / number for square, one in zip(squares, sums, strict=True)]
        norm = np.sqrt(squares[0][:, np.newaxis] * squares[1][np.newaxis])
        return _divided(cross, norm).transpose(2, 0, 1)

    def _of_ranks(self, counts: Floats) -> Floats:
        rows, columns = pair_indices(conditions_of(self.models[0]))
        everything = np.concatenate([self.models, self.subjects])
        order = np.argsort(everything, axis=1, kind="stable")
        ordered = np.take_along_axis(everything, order, axis=1)
        # Where each run of equal entries ends, in sorted order.
        ends = np.ones(order.shape, dtype=np.bool_)
        ends[:, :-1] = new_value(ordered)
        found = _rank_products(counts, rows, columns, order, ends, self.models.shape[0], self.method == "rho_a")
        return _divided(found[..., 0], found[..., 1])

    def _of_order(self, counts: Floats) -> Floats:
        first, second = pair_indices(conditions_of(self.models[0]))
        found = np.empty((counts.shape[0], self.models.shape[0], self.subjects.shape[0]))
        for number, count in enumerate(counts):
            entries = np.repeat(np.arange(first.size), (count[first] * count[second]).astype(np.int64))
            found[number] = tau_a(self.models[:, entries], self.subjects[:, entries])
        return found


def _weighted(counts: Floats, entries: Floats) -> Floats:
    """Return the sum of the entries in each draw."""
    return np.asarray(((counts @ symmetric(entries)) * counts).sum(1) / 2)


def _divided(cross: Floats, norm: Floats) -> Floats:
    if not bool((norm > 0).all()):
        raise AnalysisError(
            "in some draw of conditions all dissimilarities of an RDM are the same; use more conditions, or factors="
            "('subjects',)."
        )
    return np.asarray(cross / norm)


def _rank_products_of(
    counts: Floats,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    order: NDArray[np.int64],
    ends: NDArray[np.bool_],
    models: int,
    untied: bool,
) -> Floats:
    """Return the covariance of ranks and what divides it, shape (draw, model, subject, 2)."""
    draws, pairs, series = counts.shape[0], rows.size, order.shape[0]
    result = np.zeros((draws, models, series - models, 2))
    ranks = np.zeros((series, pairs))
    weights = np.zeros(pairs)
    for draw in range(draws):
        total = 0.0
        for pair in range(pairs):
            weights[pair] = counts[draw, rows[pair]] * counts[draw, columns[pair]]
            total += weights[pair]
        squares = np.zeros(series)
        for one in range(series):
            below, begin, inside = 0.0, 0, 0.0
            for place in range(pairs):
                inside += weights[order[one, place]]
                if ends[one, place]:
                    # The mean of the ranks below + 1 ... below + inside, less the mean of all, (total + 1) / 2.
                    rank = below + inside / 2 - total / 2
                    squares[one] += inside * rank * rank
                    for member in range(begin, place + 1):
                        ranks[one, order[one, member]] = rank
                    below, begin, inside = below + inside, place + 1, 0.0
        for model in range(models):
            for subject in range(models, series):
                product = 0.0
                for pair in range(pairs):
                    product += weights[pair] * ranks[model, pair] * ranks[subject, pair]
                result[draw, model, subject - models, 0] = product
                if untied:
                    result[draw, model, subject - models, 1] = (total**3 - total) / 12
                else:
                    result[draw, model, subject - models, 1] = np.sqrt(squares[model] * squares[subject])
    return result


_rank_products = Compiled(_rank_products_of)
