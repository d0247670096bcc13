"""The dynamic functional connectome: who is active with whom, when, in which animals, in which communities.

After Dyballa et al. (2024), arXiv:2402.14102, with two stand-ins: affinities are correlations in sliding windows, and
communities maximise modularity (Louvain), where the paper fits a nested stochastic block model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.analysis.representation.arrays import matrix, numpy_of, pair_indices
from neurosim.analysis.representation.dissimilarity import conditions_of, symmetric
from neurosim.analysis.representation.factors import Factors, nonnegative_factors
from neurosim.errors import AnalysisError
from neurosim.extras import optional

Floats = NDArray[np.float64]


def windowed_affinity(x: Any, width: int, step: int | None = None) -> Floats:
    """Return how much each pair of neurons goes together in sliding windows: their correlation, 0 where it is negative.

    Parameters
    ----------
    x : array_like, shape (time, neuron)
        Traces or counts.
    width, step
        Rows of a window, and from one window to the next; by default half of the width.

    Returns
    -------
    numpy.ndarray, shape (window, pair)
        Pairs (0, 1), (0, 2), ..., (1, 2), ...; a neuron that does not change in a window goes with none.
    """
    values = numpy_of(matrix(x)).astype(np.float64)
    stride = max(1, width // 2) if step is None else step
    if not 2 <= width <= values.shape[0] or stride < 1 or values.shape[1] < 2:
        raise AnalysisError(
            f"windows of {width} rows every {stride} do not fit {values.shape[0]} rows of {values.shape[1]} neurons."
        )
    rows, columns = pair_indices(values.shape[1])
    found = []
    for begin in range(0, values.shape[0] - width + 1, stride):
        window = values[begin : begin + width]
        moved = window - window.mean(0)
        lengths = np.sqrt((moved**2).sum(0))
        unit = np.divide(
            moved, lengths, out=np.zeros_like(moved), where=lengths > 1e-12 * np.abs(window).max(initial=0)
        )
        found.append(np.maximum(0.0, (unit.T @ unit)[rows, columns]))
    return np.array(found)


@dataclass(frozen=True, eq=False)
class DynamicConnectome:
    """Components of who goes together, each with its times, its animals and its communities.

    Parameters
    ----------
    factors : Factors
        Axes (window, animal, pair).
    communities : numpy.ndarray of int, shape (component, neuron)
        The community of each neuron in each component, the largest being 0.
    """

    factors: Factors
    communities: NDArray[np.int64]

    def affinity(self, component: int) -> Floats:
        """Return who goes with whom in a component, shape (neuron, neuron)."""
        return np.asarray(symmetric(self.factors.modes[2][:, component]))


def dynamic_connectome(
    animals: Sequence[Any], rank: int, *, width: int, step: int | None = None, seed: int = 0, **options: Any
) -> DynamicConnectome:
    """Return the components of the affinities of the same neurons in several animals, or in several sessions.

    Parameters
    ----------
    animals : sequence of array_like, shape (time, neuron)
        Traces of the same neurons in the same order, equally long.
    rank
        How many components; see `error_by_rank`.
    width, step
        See `windowed_affinity`.
    seed
        Of the factors and of the communities.
    **options
        Of `nonnegative_factors`.
    """
    if not len(animals):
        raise AnalysisError("dynamic_connectome: there is no animal.")
    affinities = [windowed_affinity(one, width, step) for one in animals]
    if len({one.shape for one in affinities}) > 1:
        raise AnalysisError("dynamic_connectome: animals need the same neurons, and recordings of one length.")
    found = nonnegative_factors(np.stack(affinities, axis=1), rank, seed=seed, **options)
    groups = np.array([communities(pairs, seed=seed) for pairs in found.modes[2].T])
    return DynamicConnectome(found, groups)


def communities(affinity: Any, *, resolution: float = 1.0, seed: int = 0) -> NDArray[np.int64]:
    """Return the community of each neuron, such that affinities lie within communities as far as can be.

    Parameters
    ----------
    affinity : array_like, shape (pair,) or (neuron, neuron)
        Not negative, symmetric; the diagonal does not matter.
    resolution
        Above 1, smaller communities.
    seed
        Of the order in which neurons are looked at.

    Returns
    -------
    numpy.ndarray of int, shape (neuron,)
        The largest community is 0. A neuron without affinity is alone.
    """
    networkx = optional("networkx", "finding communities", extra="analysis", error=AnalysisError)
    values = numpy_of(affinity).astype(np.float64)
    if values.ndim == 1:
        conditions_of(values)
        values = np.asarray(symmetric(values))
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not np.allclose(values, values.T):
        raise AnalysisError(f"affinity: a symmetric matrix, or a vector of all pairs; got shape {values.shape}.")
    if not np.isfinite(values).all() or values.min() < 0:
        raise AnalysisError("affinity holds NaN, or something negative.")
    values = values - np.diag(np.diag(values))
    graph = networkx.from_numpy_array(values)
    parts = networkx.community.louvain_communities(graph, weight="weight", resolution=resolution, seed=seed)
    result = np.empty(values.shape[0], dtype=np.int64)
    for number, members in enumerate(sorted(parts, key=lambda part: (-len(part), min(part)))):
        result[sorted(members)] = number
    return result


def mutual_information(first: ArrayLike, second: ArrayLike) -> float:
    """Return the mutual information of two divisions, over the mean of their entropies: 1 if they are the same.

    Parameters
    ----------
    first, second : array_like, shape (neuron,)
        The community of each neuron. If both are one community each, they are the same: 1.
    """
    one, other = (np.unique(np.asarray(side), return_inverse=True)[1].reshape(-1) for side in (first, second))
    if one.size != other.size or not one.size:
        raise AnalysisError(f"mutual_information: the same neurons in both, got {one.size} and {other.size}.")
    joint = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(joint, (one, other), 1 / one.size)
    entropies = [_entropy(joint.sum(1)), _entropy(joint.sum(0)), _entropy(joint.reshape(-1))]
    mean = (entropies[0] + entropies[1]) / 2
    return 1.0 if mean == 0 else max(0.0, (entropies[0] + entropies[1] - entropies[2]) / mean)


def _entropy(shares: Floats) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log(positive)).sum())
