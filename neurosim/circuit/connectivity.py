"""Which neuron connects to which: rules that are realised once, from the circuit's seed, into arrays of edges."""

from __future__ import annotations

import numbers
import operator
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from neurosim.circuit.edge_sampling import EdgeArrays, Indices, cells_with_probability, distinct_partners, divide
from neurosim.circuit.edge_table import name_columns, positions
from neurosim.errors import CircuitError, FileFormatError, nearest
from neurosim.random import Stream


@dataclass(frozen=True, eq=False)
class Connectivity(ABC):
    """A rule, or a list, that says which presynaptic neuron connects to which postsynaptic one.

    Rules are frozen, compare by value (arrays included) and realise to the same edges for the same stream.
    """

    array_fields: ClassVar[tuple[str, ...]] = ()

    def realise(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        """Return the edges.

        Parameters
        ----------
        n_pre, n_post
            Numbers of neurons on both sides.
        same
            Whether both sides are the same population; only then is an edge from i to i an autapse.
        stream
            Where random rules draw from; the edges are a function of it and of the sizes alone.

        Returns
        -------
        tuple of numpy.ndarray
            ``(pre, post)``, int64, shape (edge,), sorted by pre, then post (``Edges``: in the order given).

        Raises
        ------
        CircuitError
            The rule does not fit the sizes.
        """
        if same and n_pre != n_post:
            raise CircuitError(
                f"{self!r}: {n_pre} presynaptic and {n_post} postsynaptic neurons cannot be the same population."
            )
        return self._edges(n_pre, n_post, same, stream)

    @abstractmethod
    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays: ...

    def to_dict(self) -> dict[str, Any]:
        """Return the rule's name and parameters as JSON-ready values; arrays are in ``arrays``."""
        parameters = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in self.array_fields}
        return {"rule": type(self).__name__, **parameters}

    def arrays(self) -> dict[str, Indices]:
        """Return the rule's arrays by name (none but for ``Edges``)."""
        return {name: getattr(self, name) for name in self.array_fields}

    @staticmethod
    def from_dict(data: Mapping[str, Any], arrays: Mapping[str, ArrayLike] | None = None) -> Connectivity:
        """Build a rule from what ``to_dict`` and ``arrays`` returned.

        Raises
        ------
        FileFormatError
            An unknown rule, a parameter or array that is unknown, missing or not valid.
        """
        given: Any = data  # read from a file, so of any type
        name = given.get("rule") if isinstance(given, Mapping) else given
        rule = _RULES.get(name) if isinstance(name, str) else None
        if rule is None:
            raise FileFormatError(f"There is no connectivity rule {name!r}.{nearest(str(name), _RULES)}")
        values = {**{key: value for key, value in data.items() if key != "rule"}, **(arrays or {})}
        expected = [f.name for f in fields(rule)]
        for key in values:
            if key not in expected:
                raise FileFormatError(f"Connectivity rule {name} has no parameter {key!r}.{nearest(key, expected)}")
        if missing := [key for key in expected if key not in values]:
            raise FileFormatError(f"Connectivity rule {name} lacks {', '.join(missing)}: the file is not complete.")
        try:
            return rule(**values)
        except CircuitError as error:
            raise FileFormatError(f"Connectivity rule {name} is not valid: {error}") from error

    def __eq__(self, other: object) -> bool:
        """Compare rule, parameters and arrays."""
        if not isinstance(other, Connectivity) or type(self) is not type(other):
            return NotImplemented
        mine, theirs = self.arrays(), other.arrays()
        return self.to_dict() == other.to_dict() and all(np.array_equal(mine[key], theirs[key]) for key in mine)


@dataclass(frozen=True, eq=False)
class AllToAll(Connectivity):
    """Every presynaptic neuron to every postsynaptic one.

    Parameters
    ----------
    autapses
        Whether a neuron connects to itself where both sides are the same population.
    """

    autapses: bool = True

    def __post_init__(self) -> None:
        """Check the parameters."""
        _check_flags(self, "autapses")

    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        without_self = same and not self.autapses
        return _cells_to_edges(np.arange(_row_length(n_post, without_self) * n_pre), n_post, without_self)


@dataclass(frozen=True, eq=False)
class OneToOne(Connectivity):
    """Neuron i to neuron i; both sides have the same size."""

    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        if n_pre != n_post:
            raise CircuitError(
                f"OneToOne() needs as many presynaptic as postsynaptic neurons, got {n_pre} and {n_post}: "
                "connect a slice, or use another rule."
            )
        return np.arange(n_pre), np.arange(n_post)


@dataclass(frozen=True, eq=False)
class FixedProbability(Connectivity):
    """Each possible edge exists with probability p, independently of the others.

    The distances from edge to edge through the table of possible edges are drawn (geometric skipping), so time and
    memory go with the number of edges, not of pairs.

    Parameters
    ----------
    p
        Probability, 0 to 1.
    autapses
        Whether a neuron may connect to itself where both sides are the same population.

    References
    ----------
    V. Batagelj, U. Brandes: Efficient generation of large random networks. Physical Review E 71, 036113 (2005).
    """

    p: float
    autapses: bool = True

    def __post_init__(self) -> None:
        """Check the parameters."""
        _check_flags(self, "autapses")
        p: Any = self.p
        if isinstance(p, (bool, np.bool)) or not isinstance(p, numbers.Real) or not 0 <= float(p) <= 1:
            raise CircuitError(f"FixedProbability: p={p!r} must be a number from 0 to 1.")
        object.__setattr__(self, "p", float(p))

    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        without_self = same and not self.autapses
        n_cells = _row_length(n_post, without_self) * n_pre
        return _cells_to_edges(cells_with_probability(n_cells, self.p, stream), n_post, without_self)


@dataclass(frozen=True, eq=False)
class FixedInDegree(Connectivity):
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

    k: int
    autapses: bool = True
    multapses: bool = False

    def __post_init__(self) -> None:
        """Check the parameters."""
        _check_flags(self, "autapses", "multapses")
        try:
            k = operator.index(self.k)
        except TypeError:
            k = -1
        if k < 0 or isinstance(self.k, (bool, np.bool)):
            raise CircuitError(f"FixedInDegree: k={self.k!r} must be a whole number, 0 or more.")
        object.__setattr__(self, "k", k)

    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        without_self = same and not self.autapses
        n_partners = _row_length(n_pre, without_self)
        possible = self.k <= n_partners or (self.multapses and n_partners > 0)
        if n_post and not possible:
            hint = "lower k, or allow multapses" if n_partners else "lower k"
            raise CircuitError(
                f"{self!r}: each postsynaptic neuron has only {n_partners} possible partners"
                f"{' (itself excluded)' if without_self else ''}: {hint}."
            )
        if self.multapses:
            post = np.repeat(np.arange(n_post), self.k)
            partner = stream.integers(n_partners, post.size) if post.size else post
        else:
            post, partner = distinct_partners(n_post, n_partners, self.k, stream)
        if without_self:
            partner = partner + (partner >= post)
        return divide(np.sort(partner * n_post + post), n_post)


@dataclass(frozen=True, eq=False, repr=False)
class Edges(Connectivity):
    """The edges themselves, in the order given; the same pair may occur more than once.

    Parameters
    ----------
    pre, post
        Indices of the neurons on both sides, shape (edge,), whole numbers; kept as read-only int64 copies.
    """

    pre: Indices
    post: Indices
    array_fields: ClassVar[tuple[str, ...]] = ("pre", "post")

    def __post_init__(self) -> None:
        """Check and copy the arrays."""
        for name in self.array_fields:
            object.__setattr__(self, name, _checked_indices(name, getattr(self, name)))
        if self.pre.size != self.post.size:
            raise CircuitError(
                f"Edges: pre has {self.pre.size} entries and post {self.post.size}: every edge needs one of each."
            )

    def __repr__(self) -> str:
        """Show the number of edges, not the arrays."""
        return f"Edges(<{self.pre.size} edges>)"

    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        for name, side, values, n in (
            ("pre", "presynaptic", self.pre, n_pre),
            ("post", "postsynaptic", self.post, n_post),
        ):
            outside = np.flatnonzero(values >= n)
            if outside.size:
                raise CircuitError(
                    f"Edges: {name}[{outside[0]}] = {values[outside[0]]}, but the {side} side has {n} neurons"
                    f"{f' (0 to {n - 1})' if n else ''}; {outside.size} entries are out of range."
                )
        return self.pre, self.post

    @classmethod
    def from_table(
        cls,
        rows: Any,
        pre_names: Sequence[str],
        post_names: Sequence[str],
        *,
        pre_column: str = "pre",
        post_column: str = "post",
    ) -> Edges:
        """Build edges from a table of neuron names.

        Parameters
        ----------
        rows
            Pairs (pre, post) of names, or a mapping of columns, or a data frame.
        pre_names, post_names
            The names of the neurons on both sides, in the order of the populations.
        pre_column, post_column
            Which columns of a mapping or data frame hold the names.

        Raises
        ------
        CircuitError
            A column that does not exist, a row that is no pair, names that are unknown or not unique.

        Examples
        --------
        >>> Edges.from_table([("b", "x"), ("a", "x")], ["a", "b"], ["x"]).pre
        array([1, 0])
        """
        pre, post = name_columns(rows, pre_column, post_column)
        return cls(
            np.array(positions("presynaptic", pre, pre_names), dtype=np.int64),
            np.array(positions("postsynaptic", post, post_names), dtype=np.int64),
        )


_RULES: dict[str, type[Connectivity]] = {
    rule.__name__: rule for rule in (AllToAll, OneToOne, FixedProbability, FixedInDegree, Edges)
}


def _check_flags(rule: Connectivity, *names: str) -> None:
    for name in names:
        if not isinstance(value := getattr(rule, name), bool):
            raise CircuitError(f"{type(rule).__name__}: {name}={value!r} must be True or False.")


def _row_length(n: int, without_self: bool) -> int:
    return n - 1 if without_self and n else n


def _cells_to_edges(cells: Indices, n_post: int, without_self: bool) -> EdgeArrays:
    """Return the edges of these cells of the (pre, post) table, numbered row by row, without its diagonal if asked."""
    pre, post = divide(cells, _row_length(n_post, without_self))
    return pre, (post + (post >= pre) if without_self else post)


def _checked_indices(name: str, values: Any) -> Indices:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise CircuitError(f"Edges: {name} is not a list of whole numbers: {error}") from error
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise CircuitError(
            f"Edges: {name} must be whole numbers of shape (edge,), got type {array.dtype} and shape {array.shape}."
        )
    outside = np.flatnonzero((array < 0) | (array > np.iinfo(np.int64).max))
    if outside.size:
        raise CircuitError(f"Edges: {name}[{outside[0]}] = {array[outside[0]]} is no index: they start at 0.")
    copy: Indices = array.astype(np.int64)
    copy.setflags(write=False)
    return copy
