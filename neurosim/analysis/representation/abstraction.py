"""The geometry of abstraction: parallel codes, generalisation across conditions, how many dichotomies can be read.

Bernardi et al. (2020), Cell 183:954.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.analysis.features import Features, features
from neurosim.analysis.representation.arrays import matrix, numpy_of
from neurosim.analysis.representation.classifiers import Kind, fit_classifier
from neurosim.analysis.representation.decoding import decode
from neurosim.analysis.representation.splits import label_splits
from neurosim.errors import AnalysisError

MOST_PAIRS = 8  # conditions of a class whose pairings are all tried: 8! of them
Scheme = Literal["all", "matched"]


def balanced_dichotomies(conditions: int) -> NDArray[np.bool_]:
    """Return every way to divide an even number of conditions into two classes of the same size.

    Returns
    -------
    numpy.ndarray of bool, shape (dichotomy, condition)
        Condition 0 is in the first class, which is true.
    """
    if conditions < 2 or conditions % 2:
        raise AnalysisError(f"{conditions} conditions cannot be divided into two classes of the same size.")
    others = combinations(range(1, conditions), conditions // 2 - 1)
    found = np.array([np.isin(np.arange(conditions), (0, *rest)) for rest in others])
    return found.reshape(-1, conditions)


def parallelism_score(means: Any, dichotomy: ArrayLike) -> float:
    """Return how parallel the ways from the one class to the other are, 1 at most.

    The conditions of both classes are paired, the vectors between partners compared by their mean cosine, and the
    pairing taken that makes it largest.

    Parameters
    ----------
    means : array_like, shape (condition, unit)
        The mean pattern of each condition.
    dichotomy : array_like of bool, shape (condition,)
        Which conditions are in the first class: half of them.
    """
    return _best_pairing(numpy_of(matrix(means, "means")), _halves(dichotomy, means))[0]


@dataclass(frozen=True, eq=False)
class Generalisation:
    """Decoding of conditions that the decoder has never seen.

    Parameters
    ----------
    accuracy : float
        The mean over choices: the cross-condition generalisation performance.
    scheme : str
        ``"all"`` or ``"matched"`` (see `ccgp`).
    choices : tuple of (train, test)
        Labels of the conditions that were learned from and tested.
    accuracies : numpy.ndarray, shape (choice,)
        Of each choice, mean over the two classes.
    """

    accuracy: float
    scheme: str
    choices: tuple[tuple[tuple[Any, ...], tuple[Any, ...]], ...] = field(repr=False)
    accuracies: NDArray[np.float64] = field(repr=False)

    def __str__(self) -> str:
        """Return the value and what was trained and tested."""
        train, test = self.choices[0]
        return (
            f"CCGP {self.accuracy:.3f}: mean of {len(self.choices)} choices ({self.scheme}), each trained on "
            f"{len(train)} conditions and tested on {len(test)} others"
        )


def ccgp(
    x: Any,
    dichotomy: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    scheme: Scheme = "all",
    classifier: Kind = "discriminant",
) -> Generalisation:
    """Return the cross-condition generalisation performance of a dichotomy.

    A classifier learns the dichotomy from all conditions but one of each class, and is tested on these two.

    Parameters
    ----------
    x : array_like, shape (row, unit)
        Single trials.
    dichotomy : array_like of bool, shape (condition,)
        Which conditions, in the order of their sorted labels, are in the first class: half of them.
    labels : array_like, shape (row,), optional
        The condition of each row; by default those of `Features`.
    scheme
        Which two conditions are left out: ``"all"`` pairs of one of each class, or ``"matched"``, only the partners of
        the pairing that the parallelism score takes. The value depends on it: of a square, 0.75 and 1.
    classifier
        See `fit_classifier`.
    """
    held, given = _trials(x, labels)
    names, place = np.unique(given, return_inverse=True)
    classes = _halves(dichotomy, names)
    if classes[0].size < 2:
        raise AnalysisError("ccgp: a class of one condition leaves none to learn from.")
    if scheme == "all":
        tests = [(int(a), int(b)) for a in classes[0] for b in classes[1]]
    elif scheme == "matched":
        tests = _best_pairing(held.means().values, classes)[1]
    else:
        raise AnalysisError(f"ccgp: scheme is 'all' or 'matched', got {scheme!r}.")
    first = np.isin(place, classes[0])
    choices, accuracies = [], []
    for pair in tests:
        tested = np.isin(place, pair)
        model = fit_classifier(held.values[~tested], first[~tested], classifier)
        right = model.predict(held.values[tested]) == first[tested]
        accuracies.append(float(np.mean([right[place[tested] == one].mean() for one in pair])))
        train = tuple(name for number, name in enumerate(names.tolist()) if number not in pair)
        choices.append((train, tuple(names[list(pair)].tolist())))
    return Generalisation(float(np.mean(accuracies)), scheme, tuple(choices), np.array(accuracies))


@dataclass(frozen=True, eq=False)
class Shattering:
    """How well each balanced dichotomy can be read.

    Parameters
    ----------
    accuracy : float
        The mean over dichotomies: the shattering dimensionality, as a share.
    dichotomies : numpy.ndarray of bool, shape (dichotomy, condition)
        Conditions in the order of their sorted labels.
    accuracies : numpy.ndarray, shape (dichotomy,)
        Held-out decoding of each.
    """

    accuracy: float
    dichotomies: NDArray[np.bool_] = field(repr=False)
    accuracies: NDArray[np.float64] = field(repr=False)


def shattering(
    x: Any, *, labels: ArrayLike | None = None, folds: int = 5, classifier: Kind = "discriminant", seed: int = 0
) -> Shattering:
    """Return the mean decoding accuracy over all balanced dichotomies of the conditions.

    Parameters
    ----------
    x : array_like, shape (row, unit)
        Single trials.
    labels : array_like, shape (row,), optional
        The condition of each row, an even number of conditions; by default those of `Features`.
    folds, classifier, seed
        As in `decode`; every condition has the same share in every fold.
    """
    held, given = _trials(x, labels)
    names, place = np.unique(given, return_inverse=True)
    ways = balanced_dichotomies(names.size)
    splits = label_splits(place, folds, seed=seed)
    found = [decode(held.values, way[place], splits=splits, classifier=classifier, seed=seed).accuracy for way in ways]
    return Shattering(float(np.mean(found)), ways, np.array(found))


def _trials(x: Any, labels: ArrayLike | None) -> tuple[Features, NDArray[Any]]:
    held = features(x, labels=labels)
    matrix(held)
    if held.labels is None:
        raise AnalysisError("give labels=, the condition of each row.")
    return held, held.labels


def _halves(dichotomy: ArrayLike, conditions: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the conditions of the first and of the second class."""
    size = len(conditions)
    chosen = np.asarray(dichotomy)
    if chosen.shape != (size,) or chosen.dtype != np.bool_ or 2 * chosen.sum() != size:
        raise AnalysisError(f"a dichotomy has a truth value for each of the {size} conditions, half of them true.")
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def _best_pairing(
    means: NDArray[np.float64], classes: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[float, list[tuple[int, int]]]:
    """Return the largest mean cosine of the vectors between partners, and the partners."""
    first, second = classes
    size = first.size
    if not 2 <= size <= MOST_PAIRS:
        raise AnalysisError(f"vectors of {size} pairs are to be compared; from 2 to {MOST_PAIRS} can be.")
    # Every vector between the classes, and the cosines of all of them with one another.
    vectors = (means[first][:, np.newaxis] - means[second]).reshape(size * size, -1)
    lengths = np.linalg.norm(vectors, axis=1)
    if not bool((lengths > 0).all()):
        raise AnalysisError("two conditions of different classes have the same mean; no vector leads between them.")
    cosines = (vectors @ vectors.T) / np.outer(lengths, lengths)
    pairs = np.array(list(permutations(range(size))))
    chosen = np.arange(size) * size + pairs
    scores = np.zeros(len(pairs))
    for one, other in combinations(range(size), 2):
        scores += cosines[chosen[:, one], chosen[:, other]]
    best = int(scores.argmax())
    partners = [(int(a), int(second[b])) for a, b in zip(first, pairs[best], strict=True)]
    return float(scores[best] / (size * (size - 1) / 2)), partners
