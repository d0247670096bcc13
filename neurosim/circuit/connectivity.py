"""Which neuron connects to which: rules that are realised once, from the circuit's seed, into arrays of edges."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.circuit.edge_sampling import (
    EdgeArrays,
    Indices,
    cells_with_probability,
    edges_of_cells,
    numbered,
    row_length,
)
from neurosim.circuit.edge_table import name_columns, positions
from neurosim.circuit.positions import Positions
from neurosim.circuit.realised_edges import Ascending
from neurosim.errors import CircuitError, FileFormatError, nearest
from neurosim.random import Stream


@dataclass(frozen=True, eq=False)
class Connectivity(ABC):
    """A rule, or a list, that says which presynaptic neuron connects to which postsynaptic one.

    Rules are frozen, compare by value (arrays included) and realise to the same edges for the same stream.
    """

    array_fields: ClassVar[tuple[str, ...]] = ()
    library: ClassVar[dict[str, type[Connectivity]]] = {}

    def __init_subclass__(cls, *, readable: bool = False) -> None:
        """Register a rule of the library; only those can be read back from a file."""
        if readable:
            Connectivity.library[cls.__name__] = cls

    def realise(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> tuple[Indices, Indices]:
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
        pre, post = self.edges(n_pre, n_post, same, stream)
        pre = pre.column() if isinstance(pre, Ascending) else pre
        return pre.astype(np.int64, copy=False), post.astype(np.int64, copy=False)

    def edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        """Return the edges as :meth:`realise` does, in few bytes: of any type, sorted neurons by where they begin."""
        if same and n_pre != n_post:
            raise CircuitError(
                f"{self!r}: {n_pre} presynaptic and {n_post} postsynaptic neurons cannot be the same population."
            )
        self.check_fit(n_pre, n_post, same)
        return self._edges(n_pre, n_post, same, stream)

    def check_fit(self, n_pre: int, n_post: int, same: bool) -> None:  # noqa: B027
        """Raise :class:`CircuitError` where the rule cannot hold between these numbers of neurons; draws nothing."""

    def placed(self, pre: Positions | None, post: Positions | None) -> Connectivity:
        """Return the rule for neurons at these positions; another one only where a rule reads positions."""
        return self

    def shaped(self, pre: tuple[int, ...] | None, post: tuple[int, ...] | None) -> Connectivity:
        """Return the rule for populations of these shapes (``None``: a view), where it reads them."""
        return self

    @property
    def kernel_shape(self) -> tuple[int, ...] | None:
        """Shape of the weights where edges share them; ``None`` where every edge has its own."""
        return None

    def elements(self) -> np.ndarray | None:
        """Return which of the shared weights, in flat order, each edge has, shape (edge,); ``None`` without sharing."""
        return None

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
        rule = Connectivity.library.get(name) if isinstance(name, str) else None
        if rule is None:
            raise FileFormatError(f"There is no connectivity rule {name!r}.{nearest(str(name), Connectivity.library)}")
        values = {**{key: value for key, value in data.items() if key != "rule"}, **(arrays or {})}
        expected = [f.name for f in fields(rule)]
        for key in values:
            if key not in expected:
                raise FileFormatError(f"Connectivity rule {name} has no parameter {key!r}.{nearest(key, expected)}")
        if missing := [key for key in expected if key not in values]:
            raise FileFormatError(f"Connectivity rule {name} lacks {', '.join(missing)}: the file is not complete.")
        try:
            return rule(**rule._from_data(values))
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(f"Connectivity rule {name} is not valid: {error}") from error

    @classmethod
    def _from_data(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of the rule for values as they stand in a file."""
        return values

    def __eq__(self, other: object) -> bool:
        """Compare rule, parameters and arrays."""
        if not isinstance(other, Connectivity) or type(self) is not type(other):
            return NotImplemented
        mine, theirs = self.arrays(), other.arrays()
        return self.to_dict() == other.to_dict() and all(np.array_equal(mine[key], theirs[key]) for key in mine)


@dataclass(frozen=True, eq=False)
class AllToAll(Connectivity, readable=True):
    """Every presynaptic neuron to every postsynaptic one.

    Parameters
    ----------
    autapses
        Whether a neuron connects to itself where both sides are the same population.
    """

    autapses: bool = True

    def __post_init__(self) -> None:
        """Check the parameters."""
        check_flags(self, "autapses")

    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        without_self = same and not self.autapses
        return edges_of_cells(numbered(row_length(n_post, without_self) * n_pre), n_pre, n_post, without_self)


@dataclass(frozen=True, eq=False)
class OneToOne(Connectivity, readable=True):
    """Neuron i to neuron i; both sides have the same size."""

    def check_fit(self, n_pre: int, n_post: int, same: bool) -> None:
        """Refuse sides of different sizes."""
        if n_pre != n_post:
            raise CircuitError(
                f"OneToOne() needs as many presynaptic as postsynaptic neurons, got {n_pre} and {n_post}: "
                "connect a slice, or use another rule."
            )

    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        return np.arange(n_pre), np.arange(n_post)


@dataclass(frozen=True, eq=False)
class FixedProbability(Connectivity, readable=True):
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
        check_flags(self, "autapses")
        p: Any = self.p
        if isinstance(p, (bool, np.bool)) or not isinstance(p, numbers.Real) or not 0 <= float(p) <= 1:
            raise CircuitError(f"FixedProbability: p={p!r} must be a number from 0 to 1.")
        object.__setattr__(self, "p", float(p))

    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
        without_self = same and not self.autapses
        n_cells = row_length(n_post, without_self) * n_pre
        return edges_of_cells(cells_with_probability(n_cells, self.p, stream), n_pre, n_post, without_self)


@dataclass(frozen=True, eq=False, repr=False)
class Edges(Connectivity, readable=True):
    """The edges themselves, in the order given; the same pair may occur more than once.

    Parameters
    ----------
    pre, post
        Indices of the neurons on both sides, shape (edge,), whole numbers; kept as read-only copies, int32 where all
        are small enough for that, else int64.
    """

    pre: NDArray[Any]
    post: NDArray[Any]
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

    def check_fit(self, n_pre: int, n_post: int, same: bool) -> None:
        """Refuse indices that neither side has."""
        for name, side, values, n in (
            ("pre", "presynaptic", self.pre, n_pre),
            ("post", "postsynaptic", self.post, n_post),
        ):
            if values.max(initial=-1) >= n:
                outside = np.flatnonzero(values >= n)
                raise CircuitError(
                    f"Edges: {name}[{outside[0]}] = {values[outside[0]]}, but the {side} side has {n} neurons"
                    f"{f' (0 to {n - 1})' if n else ''}; {outside.size} entries are out of range."
                )

    def _edges(self, n_pre: int, n_post: int, same: bool, stream: Stream) -> EdgeArrays:
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
        >>> Edges.from_table([("b", "x"), ("a", "x")], ["a", "b"], ["x"]).pre.tolist()
        [1, 0]
        """
        pre, post = name_columns(rows, pre_column, post_column)
        return cls(
            np.array(positions("presynaptic", pre, pre_names), dtype=np.int64),
            np.array(positions("postsynaptic", post, post_names), dtype=np.int64),
        )


def check_flags(rule: Connectivity, *names: str) -> None:
    """Refuse flags that are neither true nor false."""
    for name in names:
        if not isinstance(value := getattr(rule, name), bool):
            raise CircuitError(f"{type(rule).__name__}: {name}={value!r} must be True or False.")


def _checked_indices(name: str, values: Any) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise CircuitError(f"Edges: {name} is not a list of whole numbers: {error}") from error
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise CircuitError(
            f"Edges: {name} must be whole numbers of shape (edge,), got type {array.dtype} and shape {array.shape}."
        )
    largest = array.max(initial=0)
    if array.min(initial=0) < 0 or largest > np.iinfo(np.int64).max:
        outside = np.flatnonzero((array < 0) | (array > np.iinfo(np.int64).max))
        raise CircuitError(f"Edges: {name}[{outside[0]}] = {array[outside[0]]} is no index: they start at 0.")
    copy: NDArray[Any] = array.astype(np.int32 if largest <= np.iinfo(np.int32).max else np.int64)
    copy.setflags(write=False)
    return copy
