"""Regions of an image in NWB files that others wrote: whose fluorescence a series holds."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.recording.exchange.nwb_columns import plain_values

if TYPE_CHECKING:
    import pandas

#: What the interface says that holds a series.
_MODALITIES = {"DfOverF": "dF/F", "Fluorescence": "fluorescence"}
_OURS = ("population", "neuron", "id", "identified")
_CELL = "iscell"  # as suite2p has it: whether accepted, and how probable

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Regions:
    """The regions of one series.

    Parameters
    ----------
    name
        Of the series.
    units
        A row for each of its columns.
    about
        What the file says of how they were imaged, for the attributes of the trace.
    """

    name: str
    units: pandas.DataFrame
    about: dict[str, str]


def is_of_regions(series: Any) -> bool:
    """Tell whether the columns of a series are regions of an image."""
    return getattr(series, "rois", None) is not None and hasattr(series.rois, "table")


def by_time(series: Any) -> NDArray[Any]:
    """Return the data of a series with time first, also where a file of regions has them first, which is an error."""
    data = np.asarray(series.data[:])
    if is_of_regions(series) and data.ndim == 2:
        n, stamps = len(series.rois.data), series.timestamps
        if data.shape[0] == n != data.shape[1] and (stamps is None or len(stamps) == data.shape[1]):
            _log.warning(
                "%s: its data are (region, time), the standard says (time, region); they are turned", series.name
            )
            return data.T
    return data


def regions_of(name: str, series: Any) -> Regions | None:
    """Return what a file says of the regions of a series; None if its columns are something else."""
    if not is_of_regions(series):
        return None
    import pandas

    table, rows = series.rois.table, np.asarray(series.rois.data[:], dtype=np.int64)
    columns: dict[str, Any] = {
        "population": name,
        "neuron": np.arange(rows.size),
        "id": np.asarray(table.id[:])[rows],
        "identified": False,  # a number in this movie
    }
    for column in table.colnames:
        values = plain_values(table[column])
        if values is not None and column not in _OURS:
            columns[column] = values[rows]
        elif column == _CELL and np.shape(table[column].data)[1:] == (2,):
            cells = np.asarray(table[column].data[:])[rows]
            columns |= {"accepted": cells[:, 0] > 0.5, "probability": cells[:, 1].astype(np.float64)}
    return Regions(name, pandas.DataFrame(columns), _about(series, table))


def _about(series: Any, table: Any) -> dict[str, str]:
    plane = getattr(table, "imaging_plane", None)
    said = {
        "modality": _MODALITIES.get(type(getattr(series, "parent", None)).__name__, ""),
        "indicator": getattr(plane, "indicator", None),
        "location": getattr(plane, "location", None),
    }
    return {key: str(value) for key, value in said.items() if value}
