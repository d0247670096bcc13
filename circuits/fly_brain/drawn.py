"""A graph of the size of a fly's brain, from random numbers: for timing and for tests where the real wiring is not.

It has as many neurons and edges as version 630 of FlyWire, and about as many synapses. How many partners a neuron has
and how many synapses an edge has is drawn from distributions with heavy tails; whom it meets is left to chance. So that
a drive has an effect like that of sugar, which reaches some four hundred neurons, the first `SENSORY` neurons send
strong edges to the `SECOND` neurons after them: how strong was chosen such that all neurons together spike as often as
in the published example (17,052 times a second, 200 Hz). Everything else about it is not that of a fly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.datasets.fly_wiring import PUBLISHED, FlyWiring
from neurosim.errors import CircuitError

#: Neurons that are driven, and neurons that they reach by strong edges.
SENSORY, SECOND = 21, 380
#: Strong inputs of each of the second, and the least and largest number of synapses of such an edge.
STRONG_INPUTS, STRONG_SYNAPSES = 6, (2, 11)
#: Part of the neurons that excite.
EXCITATORY = 0.6
#: Exponent and scale of the Lomax distribution whose whole part is the number of synapses beyond the first (its mean is
#: that of the published edges), and the largest number.
TAIL, TAIL_SCALE, MOST_SYNAPSES = 2.2, 3.68, 2000
#: Standard deviation of the logarithm of how attractive a neuron is to others, and others to it.
SPREAD = 0.8


def draw_wiring(scale: float = 1.0, *, seed: int = 0) -> FlyWiring:
    """Draw a graph.

    Parameters
    ----------
    scale
        Factor of the number of neurons. Each has as many edges as in the whole, or a twentieth of the possible ones if
        these are fewer.
    seed
        Of the random numbers.

    Returns
    -------
    FlyWiring
        Version ``"drawn"``; neurons are numbered from 0, edges sorted by the neuron that sends, then the one that
        receives. No pair occurs twice, and no neuron meets itself.

    Raises
    ------
    CircuitError
        If fewer than 200 neurons remain.
    """
    neurons, edges, _ = PUBLISHED["630"]
    n = round(scale * neurons) if scale > 0 else 0
    if n < 200:
        raise CircuitError(f"fly-brain: scale={scale!r} leaves {n} neurons; give one that leaves 200 or more.")
    total = round(n * min(edges / neurons, n / 20))
    random = np.random.default_rng([seed, n])
    strong = _strong_pairs(n, random)
    pairs = _other_pairs(n, total - strong.size, strong, random)
    places = np.searchsorted(pairs, strong)
    pairs = np.insert(pairs, places, strong)
    places += np.arange(strong.size)
    pre = (pairs // n).astype(np.int32)
    post = (pairs - pre.astype(np.int64) * n).astype(np.int32)
    del pairs
    synapses = np.minimum(TAIL_SCALE * random.pareto(TAIL, total), MOST_SYNAPSES - 1).astype(np.int32) + 1
    synapses[places] = random.integers(*STRONG_SYNAPSES, size=strong.size, endpoint=True)
    sign = np.where(random.random(n) < EXCITATORY, 1, -1).astype(np.int32)
    sign[:SENSORY] = 1
    synapses *= sign[pre]
    return FlyWiring(
        np.arange(n), pre, post, synapses, "drawn", "Apache-2.0 (part of neurosim)",
        "Drawn by neurosim; nothing was measured",
        ("Drawn from random numbers; only its numbers of neurons and edges are those of a fly's brain.",),
    )  # fmt: skip


def _strong_pairs(n: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return the edges from sensory to second neurons as ``pre * n + post``, sorted."""
    second = min(SECOND, n // 5)
    order = np.argsort(random.random((second, SENSORY)), axis=1)[:, :STRONG_INPUTS]
    return np.sort((order * n + SENSORY + np.arange(second)[:, None]).ravel())


def _other_pairs(n: int, total: int, taken: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """Return so many other pairs, sorted: each end is drawn by how attractive it is, pairs that repeat drawn again."""
    sending, receiving = random.lognormal(0.0, SPREAD, (2, n))
    found = np.empty(0, np.int64)
    while found.size < total:
        missing = round(1.05 * (total - found.size)) + 100  # some will repeat: then there is no second round
        pairs = np.repeat(np.arange(n) * n, random.multinomial(missing, sending / sending.sum()))
        targets = np.repeat(np.arange(n, dtype=np.int32), random.multinomial(missing, receiving / receiving.sum()))
        random.shuffle(targets)
        pairs += targets
        pairs = pairs[targets != pairs // n]
        del targets
        found = np.concatenate([found, pairs])
        found.sort()
        found = found[np.append(True, found[1:] != found[:-1])]
        found = np.delete(found, np.searchsorted(found, taken)[np.isin(taken, found, assume_unique=True)])
    return np.delete(found, random.choice(found.size, found.size - total, replace=False, shuffle=False))
