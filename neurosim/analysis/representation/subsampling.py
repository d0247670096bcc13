"""How a similarity depends on how many units and conditions were recorded, and what a model gives at the same numbers.

Shi et al. (2019), NeurIPS 32:5764.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from neurosim.analysis.representation.arrays import matrices, numpy_of
from neurosim.analysis.representation.kernels import cka
from neurosim.analysis.representation.report import METRICS, Measure
from neurosim.errors import AnalysisError, nearest

if TYPE_CHECKING:
    import pandas

Side = Literal["x", "y", "both"]


@dataclass(frozen=True)
class Sample:
    """A similarity at some numbers of units and conditions: mean and spread over draws, and of shuffled conditions."""

    conditions: int
    units_x: int
    units_y: int
    mean: float
    sd: float
    null_mean: float
    null_sd: float


@dataclass(frozen=True)
class Subsampling:
    """Similarities by numbers of units and conditions.

    Parameters
    ----------
    metric : str
        What was computed.
    side : str
        Whose units were drawn.
    repeats, seed : int
        How many draws there are of each size, and their seed.
    samples : tuple of Sample
        In the order of conditions, then of units.
    """

    metric: str
    side: str
    repeats: int
    seed: int
    samples: tuple[Sample, ...]

    def table(self) -> pandas.DataFrame:
        """Return the samples as a table."""
        import pandas

        return pandas.DataFrame([vars(sample) for sample in self.samples])

    def __str__(self) -> str:
        """Return a table for reading."""
        drawn = {"x": "units of x", "y": "units of y", "both": "units of both"}[self.side]
        lines = [f"{self.metric}; {self.repeats} draws of {drawn} and of conditions, seed {self.seed}"]
        lines += [
            f"{one.conditions:5d} conditions {one.units_x:5d} x {one.units_y:<5d} units {one.mean:7.3f} ± {one.sd:.3f}"
            f"  shuffled {one.null_mean:7.3f} ± {one.null_sd:.3f}"
            for one in self.samples
        ]
        return "\n".join(lines)


def subsampling_report(
    x: Any,
    y: Any,
    units: Sequence[int],
    conditions: Sequence[int] | None = None,
    *,
    metric: str | Measure = cka,
    side: Side = "x",
    repeats: int = 10,
    seed: int = 0,
) -> Subsampling:
    """Measure a similarity at smaller numbers of units and conditions, drawn without replacement.

    Give data and a model, and then two models, at the numbers of the data: what the first lacks of the second is not
    due to sampling.

    Parameters
    ----------
    x, y : array_like, shape (condition, unit)
        Two representations of the same conditions.
    units
        How many units are drawn.
    conditions
        How many conditions are drawn; by default all.
    metric
        A name in `METRICS`, or a function of two representations.
    side
        Whose units are drawn: ``"x"``, ``"y"``, or ``"both"``.
    repeats
        How many draws of each size; each is also measured with its conditions shuffled.
    seed
        Of the draws.
    """
    if side not in ("x", "y", "both"):
        raise AnalysisError(f"side is 'x', 'y' or 'both', got {side!r}.")
    if isinstance(metric, str) and metric not in METRICS:
        raise AnalysisError(f"there is no metric {metric!r}.{nearest(metric, METRICS)}")
    name = metric if isinstance(metric, str) else getattr(metric, "__name__", "similarity")
    measure = METRICS[metric].compute if isinstance(metric, str) else metric
    first, second = (numpy_of(one).astype(np.float64) for one in matrices(x, y))
    rows = first.shape[0]
    sizes = [rows] if conditions is None else list(conditions)
    most = {"x": first.shape[1], "y": second.shape[1], "both": min(first.shape[1], second.shape[1])}[side]
    if not units or not sizes or min(*units, *sizes) < 1 or max(units) > most or max(sizes) > rows or repeats < 1:
        raise AnalysisError(f"there are {most} units and {rows} conditions to draw from; got {units!r} and {sizes!r}.")
    draw = np.random.default_rng(seed)
    samples = []
    for size in sizes:
        for number in units:
            found = np.empty((repeats, 2))
            for repeat in range(repeats):
                kept = draw.choice(rows, size, replace=False)
                one, other = (
                    values[np.ix_(kept, draw.choice(values.shape[1], number, replace=False))]
                    if side in (which, "both")
                    else values[kept]
                    for which, values in (("x", first), ("y", second))
                )
                found[repeat] = measure(one, other), measure(one, other[draw.permutation(size)])
            spread = found.std(0, ddof=1) if repeats > 1 else np.full(2, np.nan)
            means = found.mean(0)
            samples.append(
                Sample(
                    size,
                    one.shape[1],
                    other.shape[1],
                    float(means[0]),
                    float(spread[0]),
                    float(means[1]),
                    float(spread[1]),
                )
            )
    return Subsampling(name, side, repeats, seed, tuple(samples))
