"""Connectivity between groups of neurons: modules, columns, ensembles."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neurosim.circuit.connectivity import Connectivity
from neurosim.circuit.edge_sampling import EdgeArrays, Indices, edges_of_cells, in_blocks
from neurosim.circuit.positions import Positions
from neurosim.errors import CircuitError
from neurosim.random import Stream

_Places = tuple[Positions | None, Positions | None]


@dataclass(frozen=True, eq=False)
class Grouped(Connectivity, readable=True):
    """Rules between groups: both sides are cut into the same number of groups, each of neighbouring indices.

    Neurons 0 .. n/groups - 1 are group 0, and so on. A rule sees only the neurons of the two groups that it joins:
    ``FixedInDegree(3)`` between groups means three partners from each group that is joined.

    Parameters
    ----------
    groups
        Number of groups; both sizes must be multiples of it.
    within
        The rule from each group to the group of the same number; ``None`` for no such edges.
    between
        The rule from each group to the others; ``None`` for no such edges.
    pairs
        Which groups (pre, post) `between` joins, all by default.

    Examples
    --------
    Sixteen dense modules with sparse bundles between them:

    >>> from neurosim.circuit import AllToAll, FixedProbability
    >>> rule = Grouped(16, AllToAll(), between=FixedProbability(0.15))
    """

    groups: int
    within: Connectivity | None
    between: Connectivity | None = None
    pairs: tuple[tuple[int, int], ...] | None = None
    _places: ClassVar[_Places] = (None, None)

    def __post_init__(self) -> None:
        """Check the parameters."""
        groups = _index(self.groups)
        if groups < 1:
            raise CircuitError(f"Grouped: groups={self.groups!r} must be a whole number, 1 or more.")
        object.__setattr__(self, "groups", groups)
        for name in ("within", "between"):
            rule: Any = getattr(self, name)
            if rule is not None and (not isinstance(rule, Connectivity) or rule.arrays()):
                raise CircuitError(
                    f"Grouped: {name}={rule!r} must be a rule such as AllToAll() or FixedProbability(0.1), or None."
                )
        if self.within is None and self.between is None:
            raise CircuitError("Grouped: give a rule within the groups, between them, or both.")
        if self.pairs is not None:
            if self.between is None:
                raise CircuitError("Grouped: pairs say which groups between= joins; give that rule too.")
            object.__setattr__(self, "pairs", self._checked_pairs(self.pairs))

    def _checked_pairs(self, pairs: Iterable[Any]) -> tuple[tuple[int, int], ...]:
        checked = []
        for pair in pairs:
            ends = tuple(_index(end) for end in pair) if isinstance(pair, Iterable) else ()
            if len(ends) != 2 or ends[0] == ends[1] or not all(0 <= end < self.groups for end in ends):
                raise CircuitError(
                    f"Grouped: {pair!r} is no pair (pre, post) of two of the groups 0 to {self.groups - 1}; "
                    "within= joins a group to itself."
                )
            checked.append((ends[0], ends[1]))
        if len(set(checked)) != len(checked):
            raise CircuitError("Grouped: a pair of groups is given twice.")
        return tuple(sorted(checked))

    def placed(self, pre: Positions | None, post: Positions | None) -> Connectivity:
        """Return the rule for neurons at these positions."""
        copy = Grouped(self.groups, self.within, self.between, self.pairs)
        object.__setattr__(copy, "_places", (pre, post))
        return copy

    def check_fit(self, n_pre: int, n_post: int, same: bool) -> None:
        """Refuse sizes that the groups do not divide, and rules that do not fit a group."""
        for side, n in (("presynaptic", n_pre), ("postsynaptic", n_post)):
            if n % self.groups:
                raise CircuitError(f"{self!r}: the {n} {side} neurons cannot be cut into {self.groups} equal groups.")
        done = set()
        for first, second, rule in self._blocks():
            if id(rule) not in done:
                self._placed_block(rule, first, second, n_pre, n_post).check_fit(
                    n_pre // self.groups, n_post // self.groups, same and first == second
                )
                done.add(id(rule))

    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        pre_size, post_size = n_pre // self.groups, n_post // self.groups
        parts: list[Indices] = [np.empty(0, dtype=np.int64)]
        for first, second, rule in self._blocks():
            rows, columns = self._placed_block(rule, first, second, n_pre, n_post).realise(
                pre_size, post_size, same and first == second, stream.child(f"{first}/{second}")
            )
            parts.append((rows + first * pre_size) * n_post + (columns + second * post_size))
        cells = np.concatenate(parts)
        parts.clear()
        cells.sort()
        return edges_of_cells(in_blocks(cells), n_pre, n_post, False)

    def _blocks(self) -> list[tuple[int, int, Connectivity]]:
        """Return the groups that are joined, and by which rule."""
        everything = range(self.groups)
        blocks = [(g, g, self.within) for g in everything if self.within is not None]
        if self.between is not None:
            pairs = [(g, h) for g in everything for h in everything if g != h] if self.pairs is None else self.pairs
            blocks += [(g, h, self.between) for g, h in pairs]
        return blocks

    def _placed_block(self, rule: Connectivity, first: int, second: int, n_pre: int, n_post: int) -> Connectivity:
        chosen = []
        for place, group, n in zip(self._places, (first, second), (n_pre, n_post), strict=True):
            size = n // self.groups
            here = slice(group * size, (group + 1) * size)
            chosen.append(None if place is None else Positions(place.values[here], place.unit))
        return rule.placed(chosen[0], chosen[1])

    def to_dict(self) -> dict[str, Any]:
        """Return the rule's parameters and the rules inside it as JSON-ready values."""
        return {
            "rule": "Grouped",
            "groups": self.groups,
            "within": None if self.within is None else self.within.to_dict(),
            "between": None if self.between is None else self.between.to_dict(),
            "pairs": None if self.pairs is None else [list(pair) for pair in self.pairs],
        }

    @classmethod
    def _from_data(cls, values: dict[str, Any]) -> dict[str, Any]:
        inner = {
            name: Connectivity.from_dict(values[name]) if isinstance(values[name], Mapping) else values[name]
            for name in ("within", "between")
        }
        return {**values, **inner}


def _index(value: Any) -> int:
    """Return a whole number, -1 for what is none."""
    if isinstance(value, (bool, np.bool)):
        return -1
    try:
        return operator.index(value)
    except TypeError:
        return -1
