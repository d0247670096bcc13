"""Traces that stay on disk: what is indexed is read, from the parts that hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray
from xarray.backends import BackendArray
from xarray.core import indexing

from neurosim.recording.store import read_arrays

#: Where a part lies, and its description.
Source = tuple[Path, Mapping[str, Any]]


class PartedArray(BackendArray):
    """An array in parts along its second axis, time.

    Parameters
    ----------
    sources
        The parts in order.
    name
        Path of the array in each.
    """

    def __init__(self, sources: Sequence[Source], name: str) -> None:
        self.sources = tuple(sources)
        self.name = name
        facts = [description["arrays"][name] for _, description in sources]
        self.edges = np.concatenate([[0], np.cumsum([fact["shape"][1] for fact in facts])])
        self.shape = (facts[0]["shape"][0], int(self.edges[-1]), *facts[0]["shape"][2:])
        self.dtype = np.dtype(facts[0]["dtype"])

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Return what xarray asks for."""
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._read)

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        """Read by a slice or a number for each axis; only the parts that hold the times are opened."""
        rows = np.atleast_1d(np.arange(self.shape[1])[key[1]])
        part_of_row = np.searchsorted(self.edges, rows, side="right") - 1
        found = [np.empty((self.shape[0], 0, *self.shape[2:]), self.dtype)]
        for number in dict.fromkeys(part_of_row.tolist()):
            path, description = self.sources[number]
            block = read_arrays(path, description, [self.name])[0]
            found.append(block[:, rows[part_of_row == number] - self.edges[number]])
        whole = np.concatenate(found, axis=1)
        return whole[(key[0], slice(None) if isinstance(key[1], slice) else 0, *key[2:])]


def joined_trace(
    sources: Sequence[Source], values: str, coordinates: Mapping[str, str], facts: Mapping[str, Any]
) -> xarray.DataArray:
    """Return a trace in parts as one, its values on disk.

    Parameters
    ----------
    sources
        The parts in order.
    values
        Path of the values in each.
    coordinates
        Path of each coordinate.
    facts
        Of the trace, as `Recording.save` notes them: name, dims, coords, attrs.
    """
    held = {}
    for label, path in coordinates.items():
        given = facts["coords"][label]
        along_time = "time" in given["dims"]
        arrays = [
            read_arrays(part, description, [path])[0] for part, description in (sources if along_time else sources[:1])
        ]
        held[label] = (given["dims"], np.concatenate(arrays), given["attrs"])
    lazy = indexing.LazilyIndexedArray(PartedArray(sources, values))
    variable = xarray.Variable(facts["dims"], lazy, attrs=facts["attrs"])
    return xarray.DataArray(variable, coords=held, name=facts["name"])
