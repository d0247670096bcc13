"""Columns of parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.datasets.cache import staged
from neurosim.datasets.extras import extra
from neurosim.errors import FileFormatError, nearest


def read_columns(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return columns of single values as arrays, text as objects.

    Raises
    ------
    FileFormatError
        If the file cannot be read, or lacks a column.
    """
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    for batch in read_batches(path, names, rows=1 << 20):
        for name in names:
            parts[name].append(batch.column(name).to_numpy(zero_copy_only=False))
    return {name: np.concatenate(some) if some else np.empty(0) for name, some in parts.items()}


def read_batches(path: Path, names: Sequence[str], rows: int) -> Iterator[Any]:
    """Yield ``pyarrow.RecordBatch`` of some columns, so that a file need not fit into memory."""
    parquet, arrow = (extra(module, "Reading parquet files") for module in ("pyarrow.parquet", "pyarrow"))
    try:
        with parquet.ParquetFile(path) as file:
            held = file.schema_arrow.names
            for name in names:
                if name not in held:
                    raise FileFormatError(f"{path}: there is no column {name!r}.{nearest(name, held)}")
            yield from file.iter_batches(batch_size=rows, columns=list(names))
    except (OSError, arrow.ArrowException) as error:
        raise FileFormatError(f"{path}: cannot be read as a parquet file ({error}).") from None


def write_columns(path: Path, columns: dict[str, tuple[Any, str]], *, compression: str = "zstd") -> None:
    """Write columns; the file appears whole or not at all.

    Parameters
    ----------
    path
        Where.
    columns
        By name: values, and their type as Arrow writes it: ``"int32"``, ``"string"``, ``"list<float>"``.
    compression
        Of the file.
    """
    parquet, arrow = (extra(module, "Writing parquet files") for module in ("pyarrow.parquet", "pyarrow"))
    kinds = {"list<float>": arrow.list_(arrow.float32())}
    arrays = {
        name: arrow.array(values, type=kinds.get(kind) or arrow.type_for_alias(kind))
        for name, (values, kind) in columns.items()
    }
    with staged(path) as partial:
        parquet.write_table(arrow.table(arrays), partial, compression=compression)
