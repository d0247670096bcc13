"""Statistics of spike counts, and of predictions of them, that come batch by batch, in memory that does not grow."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.spikes.intervals import spike_counts
from neurosim.analysis.spikes.prediction import poisson_log_likelihood
from neurosim.errors import AnalysisError

Floats = NDArray[np.float64]


class CountStatistics:
    """Mean, variance, Fano factor and correlations of spike counts over all batches.

    Examples
    --------
    >>> import numpy as np
    >>> stream = CountStatistics()
    >>> stream.update(np.array([[1.0, 0.0], [3.0, 2.0]])).update(np.array([[2.0, 1.0]])).compute()["fano"].tolist()
    [0.5, 1.0]
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._n = 0
        self._mean: Floats | None = None
        self._products: Floats | None = None

    def update(self, source: Any, population: str | None = None, *, window: Any = None) -> Self:
        """Take in counts (sample, neuron), or what :func:`neurosim.analysis.spikes.fano` takes.

        Raises
        ------
        AnalysisError
            If batches differ in their number of neurons.
        """
        counts = spike_counts(source, population, window)
        if not len(counts):
            return self
        mean = counts.mean(axis=0)
        centred = counts - mean
        products = centred.T @ centred
        if self._mean is None or self._products is None:
            self._n, self._mean, self._products = len(counts), mean, products
            return self
        if mean.shape != self._mean.shape:
            raise AnalysisError(f"CountStatistics: a batch of {mean.size} neurons after one of {self._mean.size}.")
        total = self._n + len(counts)
        apart = mean - self._mean
        self._products = self._products + products + np.outer(apart, apart) * (self._n * len(counts) / total)
        self._mean = self._mean + apart * (len(counts) / total)
        self._n = total
        return self

    def compute(self) -> dict[str, Floats]:
        """Return ``mean``, ``variance``, ``fano`` (neuron,) and ``correlation`` (neuron, neuron) so far.

        Raises
        ------
        AnalysisError
            Before there are two samples.
        """
        if self._mean is None or self._products is None or self._n < 2:
            raise AnalysisError("CountStatistics: two samples are needed; call update() first.")
        variance = np.diag(self._products) / (self._n - 1)
        spread = np.where(variance > 0, np.sqrt(np.diag(self._products)), np.nan)
        fano = np.full(variance.shape, np.nan)
        np.divide(variance, self._mean, out=fano, where=self._mean > 0)
        correlation = np.clip(self._products / np.outer(spread, spread), -1.0, 1.0)
        return {"mean": self._mean, "variance": variance, "fano": fano, "correlation": correlation}


class PredictionScore:
    """Bits a spike (see :func:`neurosim.analysis.spikes.bits_per_spike`) of predictions that come batch by batch.

    Examples
    --------
    >>> import numpy as np
    >>> score = PredictionScore()
    >>> score.update(np.array([[0.0], [2.0]]), np.array([[1.0], [1.0]])).compute().tolist()
    [0.0]
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._bins = 0
        self._sums: Floats | None = None

    def update(self, counts: Any, expected: Any) -> Self:
        """Take in counts and expected counts, (bin, unit) both.

        Raises
        ------
        AnalysisError
            If they cannot be compared, or batches differ in their number of units.
        """
        y = np.asarray(counts, dtype=np.float64)
        known = poisson_log_likelihood(y, expected)
        # of a constant c the log-likelihood is known but for c: sum(y) ln(c) - c bins - sum(ln y!)
        factorials = poisson_log_likelihood(y, np.ones(y.shape)) + len(y)
        batch = np.stack([known - factorials, y.sum(0)])
        if self._sums is not None and self._sums.shape != batch.shape:
            raise AnalysisError(f"PredictionScore: a batch of {y.shape[1]} units after one of {self._sums.shape[1]}.")
        self._sums = batch if self._sums is None else self._sums + batch
        self._bins += len(y)
        return self

    def compute(self) -> Floats:
        """Return the bits a spike of each unit so far, held against its mean so far; NaN of one without spikes.

        Raises
        ------
        AnalysisError
            Before there is a batch.
        """
        if self._sums is None:
            raise AnalysisError("PredictionScore: there is no batch yet; call update() first.")
        known, number = self._sums
        fired = number > 0
        share = np.divide(number, self._bins, out=np.ones_like(number), where=fired)
        constant = number * np.log(share) - number
        bits = (known - constant) / (np.where(fired, number, 1.0) * np.log(2))
        return np.where(fired, bits, np.nan)
