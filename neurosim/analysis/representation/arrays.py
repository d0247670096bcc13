"""What the measures take: matrices of numpy or torch, checked once, and the operations that differ between the two."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis import products
from neurosim.analysis.features import Features, features
from neurosim.errors import AnalysisError
from neurosim.recording import Recording

#: A numpy array or a torch tensor; results are of the kind of the arguments.
Array: TypeAlias = Any
#: A float, or a tensor without dimensions where the arguments are tensors.
Number: TypeAlias = Any


def is_tensor(value: Any) -> bool:
    """Tell whether this is a torch tensor, without importing torch for it."""
    return type(value).__module__.partition(".")[0] == "torch" and hasattr(value, "requires_grad")


def library(value: Array) -> Any:
    """Return the module whose functions take this array: numpy or torch."""
    if is_tensor(value):
        import torch

        return torch
    return np


def matrix(source: Any, name: str = "x", *, least_rows: int = 2) -> Array:
    """Return a matrix (condition, unit) of finite numbers: a tensor stays one, anything else becomes float64.

    Parameters
    ----------
    source
        An array, a tensor, `Features`, or a `Recording` (which is taken as ``features(recording)``).
    name
        How it is called in the error message.
    least_rows
        How many conditions are needed.

    Raises
    ------
    AnalysisError
        If it is no matrix, has too few rows, no column, or holds NaN.
    """
    if isinstance(source, Recording):
        source = features(source)
    if isinstance(source, Features):
        source = source.values
    if is_tensor(source):
        values = source if source.is_floating_point() else source.double()
    else:
        values = np.asarray(source)
        if values.dtype.kind not in "fiub":
            raise AnalysisError(f"{name}: numbers are needed, got {values.dtype}.")
        values = values.astype(np.float64, copy=False)
    if values.ndim != 2:
        raise AnalysisError(f"{name} must be a matrix (condition, unit); got shape {tuple(values.shape)}.")
    rows, columns = values.shape
    if rows < least_rows or columns < 1:
        raise AnalysisError(
            f"{name} has {rows} conditions and {columns} units; at least {least_rows} and 1 are needed."
        )
    return finite(values, name)


def finite(values: Array, name: str) -> Array:
    """Return the values, or say where they are not finite."""
    if not is_tensor(values):
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(values.sum()):  # no sum with NaN or infinity in it is finite
                return values
    good = library(values).isfinite(values)
    if not bool(good.all()):
        rows = sorted({int(row) for row in numpy_of(~good).nonzero()[0]})
        shown = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
        raise AnalysisError(f"{name} holds NaN or infinite values in row {shown}; leave these conditions or units out.")
    return values


def matrices(x: Any, y: Any, *, least_rows: int = 2) -> tuple[Array, Array]:
    """Return two matrices over the same conditions, of one library and precision (see `matrix`).

    Raises
    ------
    AnalysisError
        If they have different numbers of conditions.
    """
    first, second = matrix(x, "x", least_rows=least_rows), matrix(y, "y", least_rows=least_rows)
    if first.shape[0] != second.shape[0]:
        raise AnalysisError(
            f"x has {first.shape[0]} conditions and y {second.shape[0]}; both need the same ones, in the same order."
        )
    return alike(first, second)


def alike(first: Array, second: Array) -> tuple[Array, Array]:
    """Return two arrays of one library: where one is a tensor, the other becomes one of its kind."""
    if is_tensor(first) and not is_tensor(second):
        return first, like(second, first)
    if is_tensor(second) and not is_tensor(first):
        return like(first, second), second
    if is_tensor(first) and first.dtype != second.dtype:
        return first.double(), second.double()
    return first, second


def like(values: Any, example: Array) -> Array:
    """Return values as an array of the library, precision and device of another."""
    if not is_tensor(example):
        return np.asarray(numpy_of(values), dtype=np.float64)
    import torch

    return torch.as_tensor(values, dtype=example.dtype, device=example.device)


def numpy_of(values: Array) -> NDArray[Any]:
    """Return a numpy array; of a tensor, the numbers without their gradient."""
    return np.asarray(values.detach().cpu().numpy() if is_tensor(values) else values)


def scalar(value: Any) -> Number:
    """Return a float, or the tensor that it is."""
    return value if is_tensor(value) else float(value)


def centred(x: Array) -> Array:
    """Return the columns minus their means."""
    return x - x.mean(0)


def detached(values: Array) -> Array:
    """Return a tensor without its gradient, an array as it is."""
    return values.detach() if is_tensor(values) else values


def basis(x: Array) -> tuple[Array, Array, Array]:
    """Return the singular value decomposition (u, s, vh) of a matrix, without directions that are only rounding."""
    u, s, vh = library(x).linalg.svd(x, full_matrices=False)
    known = numpy_of(s)
    small = max(x.shape) * float(np.finfo(known.dtype).eps) * float(known.max(initial=0.0))
    rank = int((known > small).sum())
    if rank == 0:
        raise AnalysisError("a representation is the same in all conditions; it cannot be compared.")
    return u[:, :rank], s[:rank], vh[:rank]


def not_zero(value: Array, name: str) -> Array:
    """Return a positive number, or say that the representation does not vary."""
    if not float(detached(value)) > 0:
        raise AnalysisError(f"{name} is the same in all conditions; it cannot be compared.")
    return value


def squared_distances(x: Array) -> Array:
    """Return the squared Euclidean distances between rows, shape (row, row); the diagonal is 0 up to rounding."""
    shifted = centred(x)
    lengths = library(x).einsum("mn,mn->m", shifted, shifted)
    return library(x).clip(lengths[:, None] + lengths[None, :] - 2 * (shifted @ shifted.T), 0, None)


def pair_distances(x: Array) -> Array:
    """Return the squared Euclidean distances of all pairs of rows, shape (pair,)."""
    if not is_tensor(x):
        return products.pair_distances(x)
    shifted = centred(x)
    gram = shifted @ shifted.T
    lengths = library(x).diagonal(gram)
    rows, columns = pair_indices(x.shape[0])
    # Of the pairs alone: half of the arithmetic.
    return library(x).clip(lengths[rows] + lengths[columns] - 2 * gram[rows, columns], 0, None)


@lru_cache(maxsize=8)
def pair_indices(conditions: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows and columns of the entries above the diagonal, in the order of condensed distances."""
    rows, columns = np.triu_indices(conditions, 1)
    return rows, columns
