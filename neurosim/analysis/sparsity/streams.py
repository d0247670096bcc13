"""Sparseness of responses that come batch by batch, in memory that does not grow with them."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.features import features
from neurosim.analysis.sparsity.forms import Sparseness, population_sparseness
from neurosim.analysis.sparsity.measures import Negative, measure_named, without_negatives
from neurosim.errors import AnalysisError, nearest

#: What sums over samples are enough for.
_BY_SUMS = ("treves_rolls", "willmore_tolhurst", "vinje_gallant", "hoyer", "participation_ratio")


class PopulationSparseness:
    """Population sparseness, averaged over all samples of all batches.

    Parameters
    ----------
    measure
        Any of ``MEASURES``.
    negative
        What is done about responses below 0.

    Examples
    --------
    >>> stream = PopulationSparseness("gini")
    >>> stream.update([[1, 0], [0, 0]]).update([[1, 1]]).compute()
    Sparseness(measure='gini', form='population', mean=0.25, n=2, excluded=1)
    """

    def __init__(self, measure: str = "treves_rolls", *, negative: Negative = "refuse") -> None:
        measure_named(measure)
        self.measure, self.negative = measure, negative
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._total, self._n, self._excluded = 0.0, 0, 0

    def update(self, source: Any, **where: Any) -> Self:
        """Take in a batch of responses (see :func:`population_sparseness`)."""
        found = population_sparseness(source, self.measure, negative=self.negative, **where)
        if found.n:
            self._total += found.mean * found.n
        self._n += found.n
        self._excluded += found.excluded
        return self

    def compute(self) -> Sparseness:
        """Return the mean so far; NaN before there is anything."""
        mean = self._total / self._n if self._n else float("nan")
        return Sparseness(self.measure, "population", mean, self._n, self._excluded)


class LifetimeSparseness:
    """Lifetime sparseness of each neuron over all samples of all batches.

    Parameters
    ----------
    measure
        One that sums over samples are enough for: ``"active_fraction"`` or what follows from Treves and Rolls'. The
        Gini index needs all responses at once; kurtosis too, here.
    negative
        What is done about responses below 0.

    Raises
    ------
    AnalysisError
        If the measure needs all responses at once, or batches differ in their number of neurons.
    """

    def __init__(self, measure: str = "treves_rolls", *, negative: Negative = "refuse") -> None:
        measure_named(measure)
        if measure not in (*_BY_SUMS, "active_fraction"):
            raise AnalysisError(
                f"LifetimeSparseness: {measure} needs all responses at once: keep them, and call "
                f"lifetime_sparseness().{nearest(measure, (*_BY_SUMS, 'active_fraction'))}"
            )
        self.measure, self.negative = measure, negative
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._sums: NDArray[np.float64] | None = None

    def update(self, source: Any, **where: Any) -> Self:
        """Take in a batch of responses (see :func:`lifetime_sparseness`)."""
        responses = features(source, **where).values
        if self.measure != "active_fraction":
            responses = without_negatives(responses, self.negative, self.measure)
        known = ~np.isnan(responses)
        batch = np.stack(
            [
                known.sum(axis=0),
                np.nansum(responses, axis=0),
                np.nansum(np.square(responses), axis=0),
                (responses > 0).sum(axis=0),
            ]
        )
        if self._sums is None:
            self._sums = np.zeros(batch.shape)
        if self._sums.shape != batch.shape:
            raise AnalysisError(
                f"LifetimeSparseness: a batch of {batch.shape[1]} neurons after one of {self._sums.shape[1]}."
            )
        self._sums += batch
        return self

    def compute(self) -> Sparseness:
        """Return the measure of each neuron so far, and the mean.

        Raises
        ------
        AnalysisError
            Before there is anything.
        """
        if self._sums is None:
            raise AnalysisError("LifetimeSparseness: there are no responses yet; call update() first.")
        n, total, squares, active = self._sums
        nothing = np.full(n.shape, np.nan)
        if self.measure == "active_fraction":
            return Sparseness.of(np.divide(active, n, out=nothing, where=n > 0), self.measure, "lifetime")
        a = np.minimum(np.divide(total**2, squares * n, out=nothing, where=squares > 0), 1.0)
        return Sparseness.of(_from_concentration(self.measure, a, n), self.measure, "lifetime")


def _from_concentration(measure: str, a: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a measure by Treves and Rolls' of n values."""
    enough = np.where(n > 1, n, np.nan)
    values: NDArray[np.float64]
    match measure:
        case "treves_rolls":
            values = a
        case "willmore_tolhurst":
            values = 1.0 - a
        case "vinje_gallant":
            values = (1.0 - a) / (1.0 - 1.0 / enough)
        case "hoyer":
            values = (1.0 - np.sqrt(a)) / (1.0 - 1.0 / np.sqrt(enough))
        case _:
            values = n * a
    return values
