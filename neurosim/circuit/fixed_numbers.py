"""Connectivity with exact numbers: edges per postsynaptic neuron, per presynaptic neuron, or in all."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.circuit.connectivity import Connectivity, cells_to_edges, check_flags, row_length
from neurosim.circuit.edge_sampling import EdgeArrays, Indices, distinct_cells, distinct_partners, divide
from neurosim.errors import CircuitError
from neurosim.random import Stream


@dataclass(frozen=True, eq=False)
class _FixedDegree(Connectivity):
    """What both rules of k edges per neuron hold."""

    k: int
    autapses: bool = True
    multapses: bool = False

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_flags(self, "autapses", "multapses")
        object.__setattr__(self, "k", _whole(self, "k", self.k))


@dataclass(frozen=True, eq=False)
class FixedInDegree(_FixedDegree, readable=True):
    """Every postsynaptic neuron receives from k presynaptic ones, all sets of k equally likely.

    Parameters
    ----------
    k
        Edges per postsynaptic neuron.
    autapses
        Whether a neuron may connect to itself where both sides are the same population.
    multapses
        Whether the same partner may be drawn more than once: k draws with replacement.
    """

    def check_fit(self, n_pre: int, n_post: int, same: bool) -> None:
        """Refuse more partners than there are."""
        _check_partners(self, self.k, n_post, n_pre, same, self.autapses, self.multapses, "postsynaptic")

    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        without_self = same and not self.autapses
        post, pre = _partners(n_post, n_pre, self.k, without_self, self.multapses, stream)
        return _sorted_edges(pre, post, n_post)


@dataclass(frozen=True, eq=False)
class FixedOutDegree(_FixedDegree, readable=True):
    """Every presynaptic neuron sends to k postsynaptic ones, all sets of k equally likely.

    Parameters
    ----------
    k
        Edges per presynaptic neuron.
    autapses
        Whether a neuron may connect to itself where both sides are the same population.
    multapses
        Whether the same partner may be drawn more than once: k draws with replacement.
    """

    def check_fit(self, n_pre: int, n_post: int, same: bool) -> None:
        """Refuse more partners than there are."""
        _check_partners(self, self.k, n_pre, n_post, same, self.autapses, self.multapses, "presynaptic")

    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        without_self = same and not self.autapses
        pre, post = _partners(n_pre, n_post, self.k, without_self, self.multapses, stream)
        return _sorted_edges(pre, post, n_post)


@dataclass(frozen=True, eq=False)
class FixedTotalNumber(Connectivity, readable=True):
    """Exactly n edges, all choices of n equally likely.

    Parameters
    ----------
    n
        Number of edges.
    autapses
        Whether a neuron may connect to itself where both sides are the same population.
    multapses
        Whether a pair may be drawn more than once: n draws with replacement. Otherwise all pairs are distinct.
    """

    n: int
    autapses: bool = True
    multapses: bool = False

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_flags(self, "autapses", "multapses")
        object.__setattr__(self, "n", _whole(self, "n", self.n))

    def check_fit(self, n_pre: int, n_post: int, same: bool) -> None:
        """Refuse more edges than there are pairs."""
        without_self = same and not self.autapses
        n_pairs = n_pre * row_length(n_post, without_self)
        if self.n > n_pairs and not (self.multapses and n_pairs):
            hint = "lower n, or allow multapses" if n_pairs else "lower n"
            raise CircuitError(
                f"{self!r}: there are only {n_pairs} possible pairs{' (autapses excluded)' if without_self else ''}: "
                f"{hint}."
            )

    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        without_self = same and not self.autapses
        n_columns = row_length(n_post, without_self)
        if not self.n:
            cells: Indices = np.empty(0, dtype=np.int64)
        elif self.multapses:
            pre = stream.child("pre").integers(n_pre, self.n)
            cells = np.sort(pre * n_columns + stream.child("post").integers(n_columns, self.n))
        else:
            cells = distinct_cells(n_pre, n_columns, self.n, stream)
        return cells_to_edges(cells, n_post, without_self)


def _whole(rule: Connectivity, name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0 or isinstance(value, (bool, np.bool)):
        raise CircuitError(f"{type(rule).__name__}: {name}={value!r} must be a whole number, 0 or more.")
    return number


def _check_partners(
    rule: Connectivity, k: int, n: int, n_others: int, same: bool, autapses: bool, multapses: bool, side: str
) -> None:
    without_self = same and not autapses
    n_partners = row_length(n_others, without_self)
    if n and k > n_partners and not (multapses and n_partners):
        hint = "lower k, or allow multapses" if n_partners else "lower k"
        raise CircuitError(
            f"{rule!r}: each {side} neuron has only {n_partners} possible partners"
            f"{' (itself excluded)' if without_self else ''}: {hint}."
        )


def _partners(n: int, n_others: int, k: int, without_self: bool, multapses: bool, stream: Stream) -> EdgeArrays:
    """Choose k partners for each of n neurons; returns (neuron, partner)."""
    n_partners = row_length(n_others, without_self)
    if multapses:
        neuron = np.repeat(np.arange(n), k)
        partner = stream.integers(n_partners, neuron.size) if neuron.size else neuron
    else:
        neuron, partner = distinct_partners(n, n_partners, k, stream)
    if without_self:
        partner += partner >= neuron
    return neuron, partner


def _sorted_edges(pre: Indices, post: Indices, n_post: int) -> EdgeArrays:
    """Return edges sorted by pre, then post; in the memory of the arrays given."""
    pre *= n_post
    pre += post
    pre.sort()
    return divide(pre, n_post)
