r"""Sparse distributed representations: how often a dendritic segment, or a neuron, answers to the wrong pattern.

A pattern is a set of :math:`a` active cells out of :math:`n`. A segment has :math:`s` synapses on cells of one pattern
and answers where at least :math:`\theta` of them are active (the threshold of an NMDA spike). A neuron with active
dendrites answers if any of its segments does; one without adds up the synapses of all that it has stored.

All functions take arrays, which broadcast against each other, and return floats for numbers.

References
----------
S. Ahmad, J. Hawkins: How do neurons operate on sparse distributed representations? arXiv:1601.00720 (2016). S. Ahmad,
J. Hawkins: Properties of sparse distributed representations. arXiv:1503.07469 (2015). J. Hawkins, S. Ahmad: Why neurons
have thousands of synapses. Front. Neural Circuits 10:23 (2016).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import AnalysisError


def overlap_count(n: int, a: int, s: int, b: int) -> int:
    r"""Return how many patterns of `a` of `n` cells overlap with `s` given cells in exactly `b`.

    .. math:: |\Omega(n, a, s, b)| = \binom{s}{b} \binom{n - s}{a - b}

    Examples
    --------
    >>> sum(overlap_count(20, 5, 4, b) for b in range(5)) == math.comb(20, 5)
    True
    """
    _checked(n, a, s)
    return math.comb(s, b) * math.comb(n - s, a - b) if 0 <= b <= a else 0


def false_positive(n: ArrayLike, a: ArrayLike, s: ArrayLike, threshold: ArrayLike, patterns: ArrayLike = 1) -> Any:
    r"""Return the probability that a random pattern makes a segment answer.

    .. math:: P = \sum_{b=\theta}^{\min(s, a)} \binom{s}{b} \binom{n - s}{a - b} \Big/ \binom{n}{a}

    Parameters
    ----------
    n, a
        Cells, and active ones.
    s
        Synapses of the segment; with ``s == a``, a match of whole patterns.
    threshold
        Active synapses from which on it answers.
    patterns
        How many segments the neuron has, each with a pattern of its own: the sum of their probabilities, which is an
        upper bound, and 1 at most.

    Returns
    -------
    float or numpy.ndarray

    Raises
    ------
    AnalysisError
        If a number is negative, or `a` or `s` above `n`.

    Examples
    --------
    >>> f"{false_positive(10_000, 300, 24, 12):.6e}"
    '8.375845e-13'
    """
    from scipy.stats import hypergeom

    cells, active, synapses = _checked(n, a, s)
    probability = hypergeom.sf(_counted("threshold", threshold) - 1, cells, synapses, active)
    return np.minimum(probability * _counted("patterns", patterns), 1.0)[()]


def false_negative(a: ArrayLike, s: ArrayLike, threshold: ArrayLike, replaced: ArrayLike) -> Any:
    r"""Return the probability that a segment misses its own pattern, some cells of which are replaced by others.

    .. math:: P = \sum_{b=s-\theta+1}^{\min(s, v)} \binom{s}{b} \binom{a - s}{v - b} \Big/ \binom{a}{v}

    Parameters
    ----------
    a
        Active cells of the pattern.
    s, threshold
        Synapses of the segment, all on cells of the pattern, and what it needs.
    replaced
        :math:`v`, how many of the cells are silent; others are active in their place, none of which has a synapse.

    Raises
    ------
    AnalysisError
        If a number is negative, or `s` or `replaced` above `a`.

    Notes
    -----
    It does not depend on the number of cells, and is 0 as long as `replaced` is not above ``s - threshold``.
    """
    from scipy.stats import hypergeom

    active, synapses, noise = _checked(a, s, replaced, names=("a", "s", "replaced"))
    return hypergeom.sf(synapses - _counted("threshold", threshold), active, synapses, noise)[()]


def union_synapses(n: ArrayLike, s: ArrayLike, patterns: ArrayLike) -> Any:
    r"""Return the expected number of different synapses of `patterns` patterns, :math:`n (1 - (1 - s/n)^M)`.

    Parameters
    ----------
    n
        Cells.
    s
        Synapses for each pattern.
    patterns
        :math:`M`.
    """
    cells, synapses, _ = _checked(n, s, s)
    return (cells * _ever(synapses / cells, _counted("patterns", patterns)))[()]


def union_false_positive(n: ArrayLike, a: ArrayLike, s: ArrayLike, threshold: ArrayLike, patterns: ArrayLike) -> Any:
    """Return the probability that a random pattern makes one segment answer that has stored several patterns.

    Parameters
    ----------
    n, a, threshold
        See :func:`false_positive`.
    s
        Synapses for each pattern.
    patterns
        How many patterns the one segment holds. It still answers to each of them.

    Notes
    -----
    The segment is taken to have the expected number of synapses, rounded; a neuron without active dendrites is one such
    segment.
    """
    return false_positive(n, a, np.rint(union_synapses(n, s, patterns)), threshold)


@dataclass(frozen=True)
class VectorUnion:
    """Whole patterns joined by OR.

    Parameters
    ----------
    active
        Expected number of active bits of the union.
    false_positive
        Probability that a random pattern lies in it, all of its bits being active.
    """

    active: float
    false_positive: float


def vector_union(n: int, w: int, patterns: int) -> VectorUnion:
    """Return what is known of a union of whole patterns.

    Parameters
    ----------
    n
        Bits.
    w
        Active bits of each pattern.
    patterns
        How many are joined.

    Examples
    --------
    >>> vector_union(2048, 20, 50)
    VectorUnion(active=794.19..., false_positive=5.9149...e-09)
    """
    cells, bits, _ = _checked(n, w, w)
    on = _ever(bits / cells, _counted("patterns", patterns))
    return VectorUnion(float(cells * on), float(on**bits))


def threshold_for(error: float, n: int, a: int, s: int, patterns: int = 1) -> int | None:
    """Return the lowest threshold with which random patterns are answered no more often than that.

    Parameters
    ----------
    error
        The largest probability of a false positive.
    n, a, s, patterns
        See :func:`false_positive`.

    Returns
    -------
    int or None
        None if not even all `s` synapses are enough.
    """
    thresholds = np.arange(s + 1)
    fine = np.flatnonzero(false_positive(n, a, s, thresholds, patterns) <= error)
    return int(fine[0]) if fine.size else None


@dataclass(frozen=True)
class Operating:
    """A threshold with the errors that it makes.

    Parameters
    ----------
    threshold
        Active synapses that a segment needs.
    false_positive
        Probability that a random pattern is answered.
    false_negative
        Probability that a stored pattern with noise is missed.
    """

    threshold: int
    false_positive: float
    false_negative: float

    @property
    def error(self) -> float:
        """Both together."""
        return self.false_positive + self.false_negative


def operating_points(
    n: int, a: int, s: int, *, replaced: int = 0, patterns: int = 1, dendrites: bool = True
) -> tuple[Operating, ...]:
    """Return the errors of a neuron that has stored patterns, for every threshold from 1 to `s`.

    Parameters
    ----------
    n, a
        Cells, and active ones.
    s
        Synapses for each pattern.
    replaced
        How many cells of a stored pattern are replaced when it comes again.
    patterns
        How many it has stored.
    dendrites
        Whether each pattern is on a segment of its own (active dendrites), or all synapses are added up.
    """
    thresholds = np.arange(1, s + 1)
    wrong = (false_positive if dendrites else union_false_positive)(n, a, s, thresholds, patterns)
    missed = false_negative(a, s, thresholds, replaced)
    return tuple(
        Operating(int(number), float(positive), float(negative))
        for number, positive, negative in zip(thresholds, wrong, missed, strict=True)
    )


def best_threshold(
    n: int, a: int, s: int, *, replaced: int = 0, patterns: int = 1, dendrites: bool = True
) -> Operating:
    """Return the threshold with the least error, false positives and negatives added; parameters see above.

    Parameters
    ----------
    n, a, s, replaced, patterns, dendrites
        See :func:`operating_points`.

    Examples
    --------
    >>> best_threshold(10_000, 200, 25, replaced=50, patterns=100).threshold
    9
    >>> best_threshold(10_000, 200, 25, replaced=50, patterns=100, dendrites=False).error > 0.99
    True
    """
    return min(
        operating_points(n, a, s, replaced=replaced, patterns=patterns, dendrites=dendrites),
        key=lambda point: point.error,
    )


def _ever(each: Any, times: Any) -> NDArray[np.float64]:
    """Return the probability that something of probability `each` happens at least once in `times`."""
    with np.errstate(divide="ignore", invalid="ignore"):  # certainty has a logarithm of -inf, and -expm1 of that is 1
        return np.asarray(np.where(np.asarray(times) == 0, 0.0, -np.expm1(times * np.log1p(-np.asarray(each)))))


def _checked(
    whole: ArrayLike, *parts: ArrayLike, names: tuple[str, ...] = ("n", "a", "s")
) -> tuple[NDArray[np.float64], ...]:
    """Return a number of things and those of some of its parts, which are not larger."""
    found = tuple(_counted(name, value) for name, value in zip(names, (whole, *parts), strict=True))
    for name, value in zip(names[1:], found[1:], strict=True):
        if (value > found[0]).any():
            raise AnalysisError(f"{name} must not be above {names[0]}: got {name}={value!r}, {names[0]}={found[0]!r}.")
    return found


def _counted(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return whole numbers, 0 or more."""
    number = np.asarray(value, dtype=np.float64)
    if not (np.isfinite(number).all() and (number == np.floor(number)).all() and (number >= 0).all()):
        raise AnalysisError(f"{name} must be whole numbers, 0 or more; got {value!r}.")
    return number
