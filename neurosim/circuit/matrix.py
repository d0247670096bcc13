"""Edges and weights from a matrix, dense or sparse."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.circuit.connectivity import Connectivity, Edges
from neurosim.circuit.values import Trainable
from neurosim.errors import CircuitError, UnitError
from neurosim.units import DIMENSIONLESS, canonical, is_quantity, quantity, to_si, unit_of

_DIMS = (("pre", "post"), ("post", "pre"))
_HINT = 'wrap it as ns.Matrix(w, dims=("pre", "post")) or dims=("post", "pre"), so that it is clear what the rows are'


class Matrix:
    """A matrix of weights, or of truth values, between two populations.

    In the place of a connectivity rule, every entry that is not zero is an edge, with the entry as its weight (a matrix
    of truth values says only which edges there are). As ``weight=``, every edge of the rule takes its entry, zeros
    included.

    Parameters
    ----------
    w
        Shape (pre, post) or (post, pre): an array, a quantity, or a ``scipy.sparse`` matrix or array (entries stored
        twice are added up, stored zeros are zeros).
    dims
        What rows and columns are: ``("pre", "post")`` or ``("post", "pre")``.
    unit
        Unit of the entries where `w` carries none, a sparse matrix for instance: a quantity (``nS``) or a unit text.

    Attributes
    ----------
    shape : tuple of int
        Numbers of presynaptic and postsynaptic neurons.
    pre, post : numpy.ndarray
        Where the entries that are not zero are, int64, shape (entry,), sorted by pre, then post.
    values : numpy.ndarray
        These entries in SI, shape (entry,).

    Raises
    ------
    CircuitError
        If `dims` is missing or unknown, `w` is no matrix, or an entry is not finite.
    UnitError
        If a unit is given twice.
    """

    def __init__(self, w: Any, *, dims: Any = None, unit: Any = None) -> None:
        if dims is None or tuple(dims) not in _DIMS:
            raise CircuitError(f"Matrix: dims={dims!r} must say what rows and columns are: {_DIMS[0]} or {_DIMS[1]}.")
        rows, columns, values, shape, given = _entries(w)
        self.mask = values.dtype == np.bool_
        if self.mask and unit is not None:
            raise UnitError("Matrix: truth values have no unit; give weight= beside the matrix.")
        scale, self.unit = _scale(unit, given)
        if tuple(dims) == _DIMS[1]:
            rows, columns, shape = columns, rows, (shape[1], shape[0])
        order = np.lexsort((columns, rows))
        self.shape = shape
        self.pre, self.post = rows[order], columns[order]
        self.values = np.asarray(values[order], dtype=np.float64) * scale
        if not np.all(np.isfinite(self.values)):
            count = int(np.sum(~np.isfinite(self.values)))
            raise CircuitError(f"Matrix: {count} entries are not finite numbers.")

    def __repr__(self) -> str:
        """Show the shape and the number of entries."""
        return f"Matrix(<{self.shape[0]} x {self.shape[1]}, {self.values.size} entries>)"

    def check_shape(self, n_pre: int, n_post: int, where: str) -> None:
        """Refuse a matrix that does not have one row for each presynaptic and one column for each other neuron."""
        if self.shape != (n_pre, n_post):
            turned = " Turn its dims round." if self.shape == (n_post, n_pre) else ""
            raise CircuitError(
                f"{where}: the matrix is for {self.shape[0]} presynaptic and {self.shape[1]} postsynaptic neurons, but "
                f"there are {n_pre} and {n_post}.{turned}"
            )

    def at(self, pre: np.ndarray, post: np.ndarray) -> Any:
        """Return the entries of some pairs, with their unit; shape (edge,)."""
        cells, wanted = self.pre * self.shape[1] + self.post, pre.astype(np.int64) * self.shape[1] + post
        found = np.searchsorted(cells, wanted)
        values = np.zeros(wanted.size)
        inside = found < cells.size
        inside[inside] = cells[found[inside]] == wanted[inside]
        values[inside] = self.values[found[inside]]
        return quantity(values, self.unit)


def edges_of_matrix(connectivity: Any, weight: Any, n_pre: int, n_post: int, where: str) -> tuple[Connectivity, Any]:
    """Return the rule and the weights that a connection stands for; a matrix becomes its edges and entries.

    Raises
    ------
    CircuitError
        If there is no rule, a bare array in its place, or weights beside a matrix of weights.
    """
    if isinstance(connectivity, Matrix):
        connectivity.check_shape(n_pre, n_post, where)
        if not connectivity.mask:
            entries = quantity(connectivity.values, connectivity.unit)
            if weight is None:
                weight = entries
            elif isinstance(weight, Trainable) and weight.initial is None:
                weight = weight.with_initial(entries)
            else:
                raise CircuitError(
                    f"{where}: the matrix holds the weights; leave weight= out, mark them by weight=Trainable(), or "
                    "give a matrix of truth values."
                )
        return Edges(connectivity.pre, connectivity.post), weight
    if not isinstance(connectivity, Connectivity):
        hint = f" A matrix must say what its rows are: {_HINT}." if _is_matrix(connectivity) else ""
        raise CircuitError(
            f"{where}: connectivity must be one of AllToAll(), OneToOne(), ..., got "
            f"{type(connectivity).__name__ if hint else repr(connectivity)}.{hint}"
        )
    return connectivity, weight


def matrix_in(weight: Any, where: str) -> Matrix | None:
    """Return the matrix that a weight is or starts from, if any.

    Raises
    ------
    CircuitError
        If it is a bare matrix, or one of truth values.
    """
    inner = weight.initial if isinstance(weight, Trainable) else weight
    if isinstance(inner, Matrix):
        if inner.mask:
            raise CircuitError(f"{where}: a matrix of truth values holds no weights; connect by it instead.")
        return inner
    if _is_matrix(inner):
        raise CircuitError(f"{where}: weight= is a bare matrix; {_HINT}, or give one value per edge.")
    return None


def _is_matrix(value: Any) -> bool:
    return hasattr(value, "tocoo") or (isinstance(value, (np.ndarray, list)) and np.ndim(value) == 2)


def _entries(w: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int], str]:
    """Return rows, columns and values of the entries that are not zero, the shape, and the unit that `w` carries."""
    if hasattr(w, "tocoo"):
        if len(w.shape) != 2:
            raise CircuitError(f"Matrix: w must have two axes, got shape {w.shape}.")
        table = w.tocoo(copy=True)
        table.sum_duplicates()
        rows, columns, values = (np.asarray(part) for part in (table.row, table.col, table.data))
        kept = values != 0
        rows, columns, values = rows[kept], columns[kept], values[kept]
        given = DIMENSIONLESS
        if values.dtype != np.bool_:
            values = np.asarray(to_si(values, given, "Matrix: w"))
    else:
        given = unit_of(w)
        bare = None if is_quantity(w) else np.asarray(w)
        array = bare if bare is not None and bare.dtype == np.bool_ else np.asarray(to_si(w, given, "Matrix: w"))
        if array.ndim != 2:
            raise CircuitError(f"Matrix: w must have two axes, got shape {array.shape}.")
        rows, columns = np.nonzero(array)
        values, w = array[rows, columns], array
    return rows.astype(np.int64), columns.astype(np.int64), values, (int(w.shape[0]), int(w.shape[1])), given


def _scale(unit: Any, given: str) -> tuple[float, str]:
    """Return what turns the entries into SI, and the text of their unit."""
    if unit is None:
        return 1.0, given
    if given != DIMENSIONLESS:
        raise UnitError(f"Matrix: w is in {given} already; leave unit= out.")
    if isinstance(unit, str):
        text = canonical(unit)
        return 1.0, text
    text = unit_of(unit)
    scale = to_si(unit, text, "Matrix: unit")
    if not isinstance(scale, float):
        raise UnitError("Matrix: unit must be one unit such as nS.")
    return scale, text
