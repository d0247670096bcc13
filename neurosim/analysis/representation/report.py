"""Similarities with all that is needed to read them: sizes, correction, null, ceiling, seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.features import features
from neurosim.analysis.representation.arrays import matrices, numpy_of
from neurosim.analysis.representation.canonical import cca, pwcca, svcca
from neurosim.analysis.representation.comparison import compare_rdms, ssm_similarity
from neurosim.analysis.representation.dissimilarity import rdm
from neurosim.analysis.representation.kernels import cka
from neurosim.analysis.representation.matching import match_units
from neurosim.analysis.representation.predictivity import regression_r2
from neurosim.analysis.representation.shapes import nuclear_cosine
from neurosim.errors import AnalysisError, nearest

if TYPE_CHECKING:
    import pandas

Floats = NDArray[np.float64]
Measure = Callable[[Any, Any], Any]
NullKind = Literal["permute", "shift"]
NULLS = ("permute", "shift")


@dataclass(frozen=True)
class Metric:
    """A measure of similarity: what it computes, its variant, and how it corrects for the number of conditions."""

    compute: Measure
    variant: str
    correction: str


#: The measures that reports know by name.
METRICS: dict[str, Metric] = {
    "cka": Metric(lambda x, y: cka(x, y, debiased=False), "linear", "none"),
    "debiased cka": Metric(cka, "linear", "U-statistic"),
    "rbf cka": Metric(lambda x, y: cka(x, y, kernel="rbf"), "Gaussian, width 1 x the median distance", "U-statistic"),
    "rsa": Metric(
        lambda x, y: compare_rdms(rdm(x, "correlation"), rdm(y, "correlation"), "spearman"),
        "correlation distances, Spearman",
        "none",
    ),
    "rsa whitened": Metric(
        lambda x, y: compare_rdms(rdm(x), rdm(y), "whitened_correlation"), "squared distances, correlation", "none"
    ),
    "ssm": Metric(ssm_similarity, "Pearson, Spearman", "none"),
    "cca": Metric(cca, "mean correlation", "none"),
    "svcca": Metric(svcca, "99 % of the variance", "none"),
    "pwcca": Metric(pwcca, "weighted by x", "none"),
    "procrustes": Metric(nuclear_cosine, "cosine of the angle", "none"),
    "regression": Metric(regression_r2, "R2 of y from x, in sample", "none"),
    "units": Metric(lambda x, y: match_units(x, y, held_out=True).mean, "one to one", "held-out half"),
}


@dataclass(frozen=True)
class Line:
    """One similarity and what it was measured with.

    Parameters
    ----------
    metric, variant, correction : str
        What was computed, and how it corrects for bias.
    value : float
        The similarity.
    conditions, units_x, units_y : int
        What it was computed from, after masking.
    masked_x, masked_y : int
        How many units were left out because they never change.
    null, null_mean, null_sd : str, float, float
        The similarity without any correspondence of conditions: how that was made, its mean and standard deviation.
    p_value : float
        The share of nulls that reach the value, which is counted among them.
    ceiling : float or None
        The similarity of one half of the repeats of y with the other, None without repeats.
    seed : int
        Of the null and of the halves.
    """

    metric: str
    variant: str
    correction: str
    value: float
    conditions: int
    units_x: int
    units_y: int
    masked_x: int
    masked_y: int
    null: str
    null_mean: float
    null_sd: float
    p_value: float
    ceiling: float | None
    seed: int


@dataclass(frozen=True)
class Report:
    """Similarities of two representations, a line for each measure."""

    lines: tuple[Line, ...]

    def __getitem__(self, metric: str) -> Line:
        for line in self.lines:
            if line.metric == metric:
                return line
        raise AnalysisError(f"the report has no {metric!r}.{nearest(metric, [line.metric for line in self.lines])}")

    def table(self) -> pandas.DataFrame:
        """Return the lines as a table."""
        import pandas

        return pandas.DataFrame([asdict(line) for line in self.lines])

    def to_json(self) -> str:
        """Return the lines as JSON."""
        return json.dumps([asdict(line) for line in self.lines], indent=1)

    def __str__(self) -> str:
        """Return a table for reading."""
        first = self.lines[0]
        masked = f" ({first.masked_x} and {first.masked_y} silent left out)" if first.masked_x + first.masked_y else ""
        text = [
            f"{first.conditions} conditions, {first.units_x} and {first.units_y} units{masked}; null: {first.null}, "
            f"seed {first.seed}"
        ]
        width = max(len(line.metric) for line in self.lines)
        for line in self.lines:
            ceiling = "" if line.ceiling is None else f"  ceiling {line.ceiling:.3f}"
            corrected = "" if line.correction == "none" else f", {line.correction}"
            text.append(
                f"{line.metric:<{width}}  {line.value:6.3f}  null {line.null_mean:6.3f} ± {line.null_sd:.3f}{ceiling}"
                f"  ({line.variant}{corrected})"
            )
        return "\n".join(text)


def similarity_report(
    x: Any,
    y: Any,
    metrics: Iterable[str] = ("debiased cka", "rsa", "svcca", "procrustes"),
    *,
    nulls: int = 100,
    null: NullKind = "permute",
    least_shift: int = 1,
    repeats: Any = None,
    seed: int = 0,
) -> Report:
    """Measure how alike two representations are, and print beside it what chance and noise would give.

    Parameters
    ----------
    x, y : array_like, shape (condition, unit)
        Two representations of the same conditions. Units that never change are left out, and counted.
    metrics
        Names in `METRICS`.
    nulls
        How many nulls are drawn.
    null
        ``"permute"``: the conditions of y in random order. ``"shift"``: y moved round in time by a random part, at
        least by `least_shift` rows, for series whose neighbours are alike.
    repeats : array_like, shape (repeat, condition, unit), optional
        Repeated measurements of y: the similarity of halves is the ceiling.
    seed
        Of all that is drawn.
    """
    names = list(metrics)
    if not names:
        raise AnalysisError("similarity_report: there is no metric.")
    for name in names:
        if name not in METRICS:
            raise AnalysisError(f"similarity_report: there is no metric {name!r}.{nearest(name, METRICS)}")
    if null not in NULLS or nulls < 2:
        raise AnalysisError(f"similarity_report: null is one of {NULLS}, at least 2 of them; got {null!r}, {nulls}.")
    first, second = (numpy_of(side).astype(np.float64) for side in matrices(x, y))
    one, other = features(first).varying().values, features(second).varying().values
    if not one.size or not other.size:
        raise AnalysisError("similarity_report: no unit of one side ever changes.")
    rows = one.shape[0]
    if null == "shift" and not 1 <= least_shift <= rows // 2:
        raise AnalysisError(f"least_shift must lie between 1 and half of the {rows} rows, got {least_shift}.")
    orders = _orders(np.random.default_rng(seed), rows, nulls, null, least_shift)
    kind = f"{nulls} permutations" if null == "permute" else f"{nulls} shifts by {least_shift} rows or more"
    lines = []
    for name in names:
        metric = METRICS[name]
        value = float(metric.compute(one, other))
        chance = np.array([float(metric.compute(one, other[order])) for order in orders])
        lines.append(
            Line(
                name,
                metric.variant,
                metric.correction,
                value,
                rows,
                one.shape[1],
                other.shape[1],
                first.shape[1] - one.shape[1],
                second.shape[1] - other.shape[1],
                kind,
                float(chance.mean()),
                float(chance.std(ddof=1)),
                float((1 + (chance >= value).sum()) / (1 + nulls)),
                None if repeats is None else half_ceiling(repeats, metric.compute, seed=seed),
                seed,
            )
        )
    return Report(tuple(lines))


def half_ceiling(repeats: Any, measure: Measure, *, splits: int = 10, seed: int = 0) -> float:
    """Return the similarity of the mean of one half of the repeats with that of the other, over random halves.

    Parameters
    ----------
    repeats : array_like, shape (repeat, condition, unit)
        Repeated measurements.
    measure
        Takes two representations.
    splits
        How many random halves.
    seed
        Of the halves.
    """
    values = numpy_of(repeats).astype(np.float64)
    if values.ndim != 3 or values.shape[0] < 2:
        raise AnalysisError(f"repeats have the shape (repeat, condition, unit), two of them; got {values.shape}.")
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(splits):
        order, half = draw.permutation(values.shape[0]), values.shape[0] // 2
        found.append(float(measure(values[order[:half]].mean(0), values[order[half : 2 * half]].mean(0))))
    return float(np.mean(found))


def _orders(draw: np.random.Generator, rows: int, nulls: int, kind: str, least: int) -> list[NDArray[np.int64]]:
    if kind == "permute":
        return [draw.permutation(rows) for _ in range(nulls)]
    return [np.roll(np.arange(rows), int(draw.integers(least, rows - least + 1))) for _ in range(nulls)]
