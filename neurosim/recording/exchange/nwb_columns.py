"""Columns of tables in NWB files that others wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas


def plain_values(column: Any) -> NDArray[Any] | None:
    """Return a column of single values: numbers, truth values, text, or the names of what it refers to; else None."""
    if hasattr(column, "target") or len(getattr(column.data, "shape", (0,))) != 1:
        return None  # lists, and arrays such as the mean waveform of a unit or the mask of a region
    values = np.asarray(column.data[:])
    if values.ndim != 1:
        return None
    if values.dtype.kind in "biuf":
        return values
    if all(isinstance(value, str | bytes) for value in values):
        return np.array([value.decode() if isinstance(value, bytes) else value for value in values], dtype=object)
    if all(hasattr(value, "name") for value in values):
        return np.array([str(value.name) for value in values], dtype=object)
    return None


def joined(tables: list[pandas.DataFrame]) -> pandas.DataFrame | None:
    """Return the rows of all tables; what one does not have is missing, and truth values become numbers for that."""
    import pandas

    if not tables:
        return None
    columns = dict.fromkeys(name for table in tables for name in table)
    partial = {name for name in columns if any(name not in table for table in tables)}
    numbers = [
        table.astype({name: np.float64 for name in partial & set(table) if table[name].dtype == np.bool_})
        for table in tables
    ]
    return pandas.concat(numbers, ignore_index=True)
