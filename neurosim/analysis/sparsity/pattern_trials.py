"""The same by trial: patterns are drawn, segments made on them, and what they answer is counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import AnalysisError
from neurosim.random import Stream

#: Cells of all patterns that are held at once.
_AT_ONCE = 1 << 24


@dataclass(frozen=True)
class Counted:
    """How often something happened.

    Parameters
    ----------
    hits, trials
        Whole numbers.
    """

    hits: int
    trials: int

    @property
    def rate(self) -> float:
        """The share of trials."""
        return self.hits / self.trials

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return the interval of Clopper and Pearson for the probability."""
        from scipy.stats import beta

        tail = (1.0 - confidence) / 2.0
        low = beta.ppf(tail, self.hits, self.trials - self.hits + 1) if self.hits else 0.0
        high = beta.ppf(1.0 - tail, self.hits + 1, self.trials - self.hits) if self.hits < self.trials else 1.0
        return float(low), float(high)


def draw_patterns(n: int, a: int, count: int, stream: Stream) -> NDArray[np.bool_]:
    """Draw patterns, all equally likely.

    Parameters
    ----------
    n, a
        Cells, and active ones.
    count
        How many patterns.
    stream
        Of random numbers.

    Returns
    -------
    numpy.ndarray of bool, shape (pattern, cell)

    References
    ----------
    J. Bentley, R. Floyd: Programming pearls: a sample of brilliance. Commun. ACM 30:754 (1987).
    """
    if not 0 <= a <= n or count < 1:
        raise AnalysisError(f"draw_patterns: {a} of {n} cells, {count} times: cannot be drawn.")
    drawn = np.zeros((count, n), dtype=bool)
    rows = np.arange(count)
    for step, last in enumerate(range(n - a, n)):
        chosen = np.minimum(stream.uniform(count, offset=step * count) * (last + 1), last).astype(np.int64)
        drawn[rows, np.where(drawn[rows, chosen], last, chosen)] = True
    return drawn


def simulate_false_positive(
    n: int,
    a: int,
    s: int,
    threshold: int,
    *,
    patterns: int = 1,
    dendrites: bool = True,
    trials: int = 10_000,
    seed: int = 0,
) -> Counted:
    """Count how often a neuron answers to a random pattern.

    Parameters
    ----------
    n, a, s, threshold
        As of :func:`~neurosim.analysis.sparsity.patterns.false_positive`.
    patterns
        How many it has stored, which are drawn, and `s` cells of each for the synapses.
    dendrites
        Whether each is on a segment of its own, or all synapses are on one.
    trials
        How many random patterns are shown; one neuron, drawn anew, sees a hundred of them.
    seed
        Of everything that is drawn.

    Notes
    -----
    Where neurons differ much (few synapses, or many patterns on one segment), what one of them answers to a hundred
    patterns is not a hundred trials: the interval of the result is then too narrow.
    """
    neurons, shown = -(-trials // 100), min(trials, 100)
    stream = Stream(seed, f"sparsity/false positive/{n}/{a}/{s}/{patterns}")
    hits = 0
    at_once = max(1, _AT_ONCE // (n * max(patterns, shown)))
    for first in range(0, neurons, at_once):
        count = min(at_once, neurons - first)
        part = stream.child(str(first))
        segments = _segments(n, a, s, count * patterns, part.child("stored")).reshape(count, patterns, n)
        random = draw_patterns(n, a, count * shown, part.child("random")).reshape(count, shown, n)
        held = segments if dendrites else np.asarray(segments.any(axis=1, keepdims=True))
        # one byte would overflow; whole numbers below 2**24 are exact in single precision
        overlap = random.astype(np.float32) @ held.astype(np.float32).transpose(0, 2, 1)
        hits += int(np.count_nonzero((overlap >= threshold).any(axis=2)))
    return Counted(hits, neurons * shown)


def simulate_false_negative(
    n: int, a: int, s: int, threshold: int, replaced: int, *, trials: int = 10_000, seed: int = 0
) -> Counted:
    """Count how often a segment misses its own pattern with noise.

    Parameters
    ----------
    n, a, s, threshold
        As of :func:`simulate_false_positive`.
    replaced
        How many active cells become silent; as many of those that were silent become active.
    trials
        How many times pattern, segment and noise are drawn.
    seed
        Of everything that is drawn.
    """
    if not 0 <= replaced <= min(a, n - a):
        raise AnalysisError(f"simulate_false_negative: {replaced} of {a} cells cannot be replaced by {n - a} others.")
    stream = Stream(seed, f"sparsity/false negative/{n}/{a}/{s}/{replaced}")
    hits, at_once = 0, max(1, _AT_ONCE // n)
    for first in range(0, trials, at_once):
        count = min(at_once, trials - first)
        part = stream.child(str(first))
        pattern = draw_patterns(n, a, count, part.child("pattern"))
        segment = _within(pattern, s, part.child("synapses"))
        gone = _within(pattern, replaced, part.child("silent"))
        come = _within(~pattern, replaced, part.child("instead"))
        overlap = np.count_nonzero(((pattern & ~gone) | come) & segment, axis=1)
        hits += int(np.count_nonzero(overlap < threshold))
    return Counted(hits, trials)


def _segments(n: int, a: int, s: int, count: int, stream: Stream) -> NDArray[np.bool_]:
    """Draw patterns, and of each the cells on which a segment has synapses: (segment, cell)."""
    return _within(draw_patterns(n, a, count, stream.child("pattern")), s, stream.child("synapses"))


def _within(patterns: NDArray[np.bool_], size: int, stream: Stream) -> NDArray[np.bool_]:
    """Draw some active cells of patterns that have equally many."""
    count, _ = patterns.shape
    places = np.nonzero(patterns)[1].reshape(count, -1)
    if size > places.shape[1]:
        raise AnalysisError(f"{size} synapses on a pattern of {places.shape[1]} active cells: there are not as many.")
    chosen = draw_patterns(places.shape[1], size, count, stream)
    drawn = np.zeros_like(patterns)
    drawn[np.nonzero(chosen)[0], places[chosen]] = True
    return drawn
