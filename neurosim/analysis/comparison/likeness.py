"""How alike two populations represent the same conditions: neurons may differ, conditions may not.

References
----------
N. Kriegeskorte, M. Mur, P. Bandettini: Representational similarity analysis. Front. Syst. Neurosci. 2:4 (2008). S.
Kornblith et al.: Similarity of neural network representations revisited. ICML 97:3519 (2019). A. H. Williams et al.:
Generalized shape metrics on neural representations. NeurIPS 34:4738 (2021).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.comparison.resampling import LEAST_NEURONS, Estimate, centre, interval
from neurosim.analysis.comparison.responses import Responses, Trials
from neurosim.analysis.comparison.result import Line
from neurosim.analysis.representation import angular_distance, cka, compare_rdms, rdm
from neurosim.errors import AnalysisError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Fewer conditions have too few pairs to be compared, and too few orders for a null.
LEAST_CONDITIONS = 4
#: Fewer bins make no course in time.
LEAST_BINS = 4


@dataclass(frozen=True)
class Likeness:
    """One way to compare what two populations do in the same conditions.

    Parameters
    ----------
    name, unit
        What it is called, and measured in.
    distance
        Of two arrays (condition, bin, neuron) of mean rates.
    compared
        What of each is held against the other, for a figure: numbers that belong together.
    null
        What is lost in the null, in words.
    axis
        What `compared` gives, in words.
    """

    name: str
    unit: str
    distance: Callable[[Floats, Floats], float]
    compared: Callable[[Floats, Floats], tuple[Floats, Floats]]
    null: str
    axis: str

    def line(
        self,
        names: tuple[str, str],
        sides: tuple[Responses, Responses],
        resamples: int,
        surrogates: int,
        splits: int,
        confidence: float,
        draw: np.random.Generator,
    ) -> Line:
        """Compare.

        Parameters
        ----------
        names
            Of the simulated and the recorded population.
        sides
            What they did, with the same conditions.
        resamples, surrogates, splits
            How many are drawn for the interval, the null and the ceiling.
        confidence
            Of intervals.
        draw
            From which they are drawn.

        Raises
        ------
        AnalysisError
            If there are too few conditions or neurons, or patterns do not differ.
        """
        one, other = (side.means() for side in sides)
        distance = self.distance(one, other)
        draws = [_redrawn(side, resamples, draw) for side in sides]
        apart = np.array([self._known(*pair) for pair in zip(*draws, strict=False)])
        if (~np.isnan(apart)).sum() >= 2:  # draws hold some neurons twice, which moves them all alike
            apart += distance - np.nanmean(apart)
        own = [
            centre(np.array([self._known(*halves) for halves in _halves(side, splits, draw)]), confidence)
            for side in sides
        ]
        chance = np.array([self._known(mixed(one, draw), other) for _ in range(surrogates)])
        nothing = Estimate(float("nan"), float("nan"), float("nan"))
        around = interval(distance, np.maximum(apart, 0.0), confidence)
        return Line(
            *names, self.name, self.unit, own[0], own[1], nothing, distance, own[1], centre(chance, confidence),
            self.null, *self.compared(one, other), "likeness", None, self.axis, around.low, around.high,
        )  # fmt: skip

    def _known(self, one: Floats, other: Floats) -> float:
        try:
            return self.distance(one, other)
        except AnalysisError:  # of what was drawn, patterns do not differ
            return float("nan")


def mixed(means: Floats, draw: np.random.Generator) -> Floats:
    """Return the conditions in random order, each moved round in time by a part that is drawn for it."""
    conditions, bins = means.shape[:2]
    ordered = means[draw.permutation(conditions)]
    turns = draw.integers(0, bins, size=(conditions,))
    return np.stack([np.roll(one, int(by), axis=0) for one, by in zip(ordered, turns, strict=True)])


def _redrawn(side: Responses, number: int, draw: np.random.Generator) -> list[Floats]:
    """Return mean responses with neurons drawn anew; of a few neurons, with trials drawn anew, if there are enough."""
    n = side.rates.shape[2]
    if n >= LEAST_NEURONS:
        means = side.means()
        return [means[:, :, draw.integers(0, n, n)] for _ in range(number)]
    trials = Trials(side)
    return [one.means() for one in trials.resampled(number, draw)] if trials.enough else []


def _halves(side: Responses, number: int, draw: np.random.Generator) -> list[tuple[Floats, Floats]]:
    """Return mean responses of random halves of the trials, and of different neurons where there are enough."""
    trials, n = Trials(side), side.rates.shape[2]
    if not trials.enough:
        return []
    found = []
    for _ in range(number):
        one, other = trials.halves(draw)
        if n >= 2 * LEAST_NEURONS:
            order = draw.permutation(n)
            one, other = one.neurons(order[: n // 2]), other.neurons(order[n // 2 : 2 * (n // 2)])
        found.append((one.means(), other.means()))
    return found


def _patterns(means: Floats) -> Floats:
    """Return the mean over time, shape (condition, neuron)."""
    if len(means) < LEAST_CONDITIONS:
        number = len(means) if len(means) > 1 else "no"
        raise AnalysisError(
            f"at least {LEAST_CONDITIONS} labelled conditions are needed (label=); both sides have {number}."
        )
    return np.asarray(means.mean(axis=1))


def _dissimilarities(means: Floats) -> Floats:
    patterns = _patterns(means)
    if patterns.shape[1] < 2:
        raise AnalysisError("dissimilarities of patterns need two neurons at least.")
    return np.asarray(rdm(patterns, "correlation"))


def _rsa(one: Floats, other: Floats) -> float:
    return 1.0 - float(compare_rdms(_dissimilarities(one), _dissimilarities(other), "spearman"))


def _alignment(one: Floats, other: Floats) -> float:
    return 1.0 - float(cka(_patterns(one), _patterns(other)))


def _grams(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    found = []
    for means in (one, other):
        patterns = _patterns(means)
        moved = patterns - patterns.mean(axis=0)
        gram = moved @ moved.T
        found.append(gram[np.triu_indices(len(gram), 1)] / np.linalg.norm(gram))
    return found[0], found[1]


def _course(means: Floats) -> Floats:
    """Return all bins of all conditions in as few coordinates as hold them, shape (condition * bin, coordinate)."""
    if means.shape[1] < LEAST_BINS:
        raise AnalysisError(f"a course in time needs {LEAST_BINS} bins at least; there are {means.shape[1]}.")
    rows = means.reshape(-1, means.shape[2])
    rows = rows - rows.mean(axis=0)
    # A rotation changes no angle: no more coordinates than rows are needed.
    return np.asarray(np.asarray(np.linalg.qr(rows.T, mode="r")).T) if rows.shape[1] > rows.shape[0] else rows


def _angle(one: Floats, other: Floats) -> float:
    return float(angular_distance(_course(one), _course(other)))


def _rotated(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Return the coordinates of the second course along its axes, and those of the first after the best rotation."""
    first, second = (_course(side) for side in (one, other))
    first, second = first / np.linalg.norm(first), second / np.linalg.norm(second)
    axes = np.linalg.svd(second, full_matrices=False)[2]
    second = second @ axes.T
    u, _, vh = np.linalg.svd(first.T @ second, full_matrices=False)
    return (first @ u @ vh).reshape(-1), second.reshape(-1)


LIKENESSES: Mapping[str, Likeness] = {
    one.name: one
    for one in (
        Likeness("rsa", "1 - rho", _rsa, lambda one, other: (_dissimilarities(one), _dissimilarities(other)),
                 "conditions in random order", "dissimilarity of two conditions"),
        Likeness("cka", "1 - cka", _alignment, _grams, "conditions in random order", "product of two conditions"),
        Likeness("trajectory", "rad", _angle, _rotated, "conditions in random order, each shifted in time",
                 "coordinate after the best rotation"),
    )
}  # fmt: skip
