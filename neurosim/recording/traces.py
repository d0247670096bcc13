"""Traces: samples with labelled axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import RecordError
from neurosim.recording.values import read_only

if TYPE_CHECKING:
    import xarray


def trace_array(
    values: np.ndarray,
    *,
    variable: str,
    unit: str,
    time: np.ndarray,
    dimension: str = "neuron",
    columns: np.ndarray | None = None,
    reduce: str | None = None,
) -> xarray.DataArray:
    """Build a trace with its labels.

    Parameters
    ----------
    values : numpy.ndarray, shape (trial, time, column), or (trial, time) where `reduce` is given
        The samples.
    variable, unit : str
        Name and unit text.
    time : numpy.ndarray, shape (time,)
        Time of each sample in seconds.
    dimension : str
        Name of the last axis, "neuron" or "edge".
    columns : numpy.ndarray of int, shape (column,), optional
        Index of each neuron (or edge) in its object; by default counted from 0.
    reduce : str, optional
        How the last axis was reduced; noted in the attributes.
    """
    import xarray

    coords: dict[str, Any] = {"trial": np.arange(values.shape[0]), "time": ("time", time, {"units": "second"})}
    attributes = {"units": unit}
    dimensions: tuple[str, ...] = ("trial", "time")
    if reduce is None:
        dimensions = (*dimensions, dimension)
        coords[dimension] = np.arange(values.shape[2]) if columns is None else columns
    else:
        attributes["reduce"] = f"{reduce} over {dimension}s"
    return xarray.DataArray(values, dims=dimensions, coords=coords, name=variable, attrs=attributes)


def checked_trace(name: str, variable: str, trace: Any) -> xarray.DataArray:
    """Return a trace that cannot be written to, or say what it lacks."""
    import xarray

    where = f"Recording: traces[{name!r}][{variable!r}]"
    if not isinstance(trace, xarray.DataArray):
        raise RecordError(f"{where} must be an xarray.DataArray, got {type(trace).__name__}.")
    if trace.dims[:2] != ("trial", "time"):
        raise RecordError(f"{where} must begin with the dimensions (trial, time), got {trace.dims}.")
    if "time" not in trace.coords:
        raise RecordError(f"{where} needs a coordinate 'time', in seconds.")
    if "units" not in trace.attrs:
        raise RecordError(f"{where} needs its unit in attrs['units'], for instance 'volt' or '1'.")
    return trace.copy(deep=False, data=read_only(trace.values))
