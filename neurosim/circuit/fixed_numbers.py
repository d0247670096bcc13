"""Connectivity with exact numbers: edges per postsynaptic neuron, per presynaptic neuron, or in all."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.circuit.connectivity import Connectivity, check_flags
from neurosim.circuit.edge_sampling import (
    EdgeArrays,
    Indices,
    distinct_cells,
    edges_of_cells,
    in_blocks,
    partners,
    repeated_cells,
    row_length,
)
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
        return edges_of_cells(in_blocks(self._cells(n_pre, n_post, without_self, stream)), n_pre, n_post, False)

    def _cells(self, n_pre: int, n_post: int, without_self: bool, stream: Stream) -> Indices:
        """Return the edges as pre * n_post + post, sorted."""
        n_partners = row_length(n_pre, without_self)
        cells, first = np.empty(n_post * self.k, dtype=np.int64), 0
        for keys in partners(n_post, n_partners, self.k, stream, distinct=not self.multapses):
            post = keys // n_partners
            pre = keys - post * n_partners
            if without_self:
                pre += pre >= post
            cells[first : first + keys.size] = pre * n_post + post
            first += keys.size
        cells.sort()
        return cells


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
        n_partners = row_length(n_post, without_self)
        cells = partners(n_pre, n_partners, self.k, stream, distinct=not self.multapses)
        return edges_of_cells(cells, n_pre, n_post, without_self)


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
        return edges_of_cells(in_blocks(self._cells(n_pre, n_post, without_self, stream)), n_pre, n_post, without_self)

    def _cells(self, n_pre: int, n_post: int, without_self: bool, stream: Stream) -> Indices:
        """Return the cells of the edges in a table whose rows lack the neuron itself if asked, sorted."""
        n_columns = row_length(n_post, without_self)
        if not self.n:
            return np.empty(0, dtype=np.int64)
        if self.multapses:
            return repeated_cells(n_pre, n_columns, self.n, stream.child("pre"), stream.child("post"))
        return distinct_cells(n_pre, n_columns, self.n, stream)


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
