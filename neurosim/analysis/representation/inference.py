"""Models against the dissimilarities of subjects, with errors from resampling conditions and subjects together.

Schütt et al. (2023), eLife 12:e82566.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.representation.arrays import numpy_of
from neurosim.analysis.representation.ceiling import Ceiling, noise_ceiling
from neurosim.analysis.representation.comparison import Method, check_method, compare_rdms
from neurosim.analysis.representation.dissimilarity import conditions_of, rdm_vectors
from neurosim.analysis.representation.resampling import Resampler
from neurosim.errors import AnalysisError

Factor = Literal["conditions", "subjects"]
FACTORS: tuple[Factor, ...] = ("conditions", "subjects")
#: Comparisons of which resampled conditions make sense: an entry counts as often as its pair was drawn.
RESAMPLED = ("pearson", "spearman", "rho_a", "tau_a", "cosine")
_LEAST = 3  # distinct conditions that a resample needs: fewer have one pair or none


@dataclass(frozen=True, eq=False)
class ModelComparison:
    """How well models predict the dissimilarities of subjects.

    Parameters
    ----------
    names : tuple of str
        The models.
    scores : numpy.ndarray, shape (model, subject)
        The similarity of each model with each subject.
    ceiling : Ceiling, optional
        The noise ceiling; None of a single subject.
    resampled : mapping of str to numpy.ndarray, shape (resample, model)
        Mean scores over subjects when ``"conditions"``, ``"subjects"`` or ``"both"`` are drawn anew.
    method : str
        The comparison.
    conditions : int
        How many conditions there are.
    seed : int
        Of the resampling.
    """

    names: tuple[str, ...]
    scores: NDArray[np.float64]
    ceiling: Ceiling | None
    resampled: Mapping[str, NDArray[np.float64]] = field(repr=False)
    method: str
    conditions: int
    seed: int

    @property
    def mean(self) -> NDArray[np.float64]:
        """The mean score of each model over subjects."""
        return np.asarray(self.scores.mean(1))

    def covariance(self) -> NDArray[np.float64]:
        """Return the covariance of the models' mean scores, shape (model, model).

        Of both factors it is ``2 (V_conditions + V_subjects) - V_both``: the noise of the single measurements is in all
        three, and so counts once; each variance is kept between the larger of the two and that of both together.
        """
        parts = {name: _covariance(values) for name, values in self.resampled.items()}
        if "both" not in parts:
            return next(iter(parts.values()))
        both = parts["both"]
        estimate = 2 * (parts["conditions"] + parts["subjects"]) - both
        low = np.maximum(np.diag(parts["conditions"]), np.diag(parts["subjects"]))
        wanted = np.clip(np.diag(estimate), low, np.maximum(low, np.diag(both)))
        scale = np.sqrt(np.divide(wanted, np.diag(both), out=np.ones_like(wanted), where=np.diag(both) > 0))
        return np.asarray(both * scale * scale[:, np.newaxis])

    @property
    def error(self) -> NDArray[np.float64]:
        """The standard error of each model's mean score."""
        return np.asarray(np.sqrt(np.diag(self.covariance())))

    def interval(self, level: float = 0.95) -> NDArray[np.float64]:
        """Return the confidence interval of each mean score, shape (model, 2), from Student's t."""
        if not 0 < level < 1:
            raise AnalysisError(f"level must lie between 0 and 1, got {level:g}.")
        from scipy.stats import t

        reach = self.error * float(t.ppf(0.5 + level / 2, self.freedom))
        return np.stack([self.mean - reach, self.mean + reach], axis=1)

    def differences(self) -> NDArray[np.float64]:
        """Return the two-sided p value of every difference between two models' mean scores, shape (model, model)."""
        from scipy.stats import t

        covariance = self.covariance()
        variance = np.diag(covariance)[:, np.newaxis] + np.diag(covariance) - 2 * covariance
        gap = self.mean[:, np.newaxis] - self.mean
        error = np.sqrt(np.clip(variance, 0, None))
        ratio = np.divide(gap, error, out=np.where(gap == 0, 0.0, np.inf), where=error > 0)
        return np.asarray(2 * t.sf(np.abs(ratio), self.freedom))

    @property
    def freedom(self) -> int:
        """Degrees of freedom: one less than the fewest of what was drawn anew."""
        drawn = [self.conditions] if "conditions" in self.resampled else []
        drawn += [self.scores.shape[1]] if "subjects" in self.resampled else []
        return min(drawn) - 1

    def __str__(self) -> str:
        """Return a table: a line for each model, and the ceiling."""
        width = max(map(len, (*self.names, "noise ceiling")))
        drawn = "conditions and subjects" if "both" in self.resampled else next(iter(self.resampled))
        count = len(next(iter(self.resampled.values())))
        lines = [
            f"{self.method}, {self.conditions} conditions, {self.scores.shape[1]} subjects; {count} resamples of "
            f"{drawn}, seed {self.seed}"
        ]
        lines += [
            f"{name:<{width}}  {mean:7.4f} ± {error:.4f}"
            for name, mean, error in zip(self.names, self.mean, self.error, strict=True)
        ]
        if self.ceiling is not None:
            lines.append(f"{'noise ceiling':<{width}}  {self.ceiling.lower:7.4f} to {self.ceiling.upper:.4f}")
        return "\n".join(lines)


def compare_models(
    models: Mapping[str, Any],
    subjects: Any,
    method: Method = "cosine",
    *,
    resamples: int = 1000,
    factors: Sequence[Factor] = FACTORS,
    seed: int = 0,
) -> ModelComparison:
    """Compare models' dissimilarities with those of subjects, and say how sure the result is.

    Parameters
    ----------
    models : mapping of str to array_like, shape (pair,)
        What each model predicts.
    subjects : array_like, shape (subject, pair)
        What was measured of each; one row of one subject.
    method
        The comparison (see `compare_rdms`).
    resamples
        How often each factor is drawn anew, with replacement.
    factors
        What the result should hold for: other ``"conditions"``, other ``"subjects"``, or both, which is the default.
        Drawing one alone understates the error of what should hold for both. Two draws of one condition make no pair.
    seed
        Of the draws.

    Raises
    ------
    AnalysisError
        If sizes do not match, or conditions should be resampled for a whitened comparison, which has no such form.
    """
    check_method(method)
    data = numpy_of(rdm_vectors(subjects, "subjects")).astype(np.float64)
    if not models:
        raise AnalysisError("compare_models: there is no model.")
    rows = [numpy_of(rdm_vectors(values, f"models[{name!r}]")) for name, values in models.items()]
    for name, row in zip(models, rows, strict=True):
        if row.shape != (1, data.shape[1]):
            raise AnalysisError(f"models[{name!r}] has the shape {row.shape[-1:]}, the subjects' {data.shape[1:]}.")
    predicted = np.concatenate(rows).astype(np.float64)
    drawn = _checked(factors, method, data.shape[0], resamples)
    scores = np.asarray(compare_rdms(predicted, data, method))
    conditions = conditions_of(data[0])
    draw = np.random.default_rng(seed)
    found: dict[str, NDArray[np.float64]] = {}
    if "conditions" in drawn:
        counts = _condition_counts(draw, conditions, resamples)
        by_subject = Resampler(predicted, data, method).scores(counts)
        found["conditions"] = by_subject.mean(2)
    if "subjects" in drawn:
        chosen = _counts(draw, data.shape[0], resamples) / data.shape[0]
        found["subjects"] = chosen @ scores.T
        if "conditions" in drawn:
            found["both"] = np.einsum("rms,rs->rm", by_subject, chosen)
    ceiling = noise_ceiling(data, method) if data.shape[0] > 1 else None
    return ModelComparison(tuple(models), scores, ceiling, found, method, conditions, seed)


def _checked(factors: Sequence[Factor], method: str, subjects: int, resamples: int) -> set[str]:
    drawn: set[str] = {factors} if isinstance(factors, str) else set(factors)
    if not drawn or drawn - set(FACTORS):
        raise AnalysisError(f"factors: one or both of {FACTORS}, got {factors!r}.")
    if "conditions" in drawn and method not in RESAMPLED:
        raise AnalysisError(
            f"{method} does not say what a condition counts that was drawn twice; use factors=('subjects',), or one of "
            f"{', '.join(RESAMPLED)}."
        )
    if "subjects" in drawn and subjects < 2:
        raise AnalysisError("one subject cannot be resampled; use factors=('conditions',).")
    if resamples < 2:
        raise AnalysisError(f"resamples must be at least 2, got {resamples}.")
    return drawn


def _counts(draw: np.random.Generator, size: int, resamples: int) -> NDArray[np.float64]:
    """Return how often each of some things was drawn, shape (resample, size)."""
    return draw.multinomial(size, np.full(size, 1 / size), size=resamples).astype(np.float64)


def _condition_counts(draw: np.random.Generator, conditions: int, resamples: int) -> NDArray[np.float64]:
    if conditions < _LEAST:
        raise AnalysisError(f"at least {_LEAST} conditions are needed to be drawn anew.")
    counts = _counts(draw, conditions, resamples)
    while (few := np.flatnonzero((counts > 0).sum(1) < _LEAST)).size:
        counts[few] = _counts(draw, conditions, few.size)
    return counts


def _covariance(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.atleast_2d(np.cov(values, rowvar=False))
