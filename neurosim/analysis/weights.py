"""Weights as matrices, before, during and after a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.circuit.circuit import Circuit
from neurosim.circuit.synapse_model import WEIGHT
from neurosim.errors import CircuitError, nearest
from neurosim.recording import Recording
from neurosim.units import seconds

if TYPE_CHECKING:
    import xarray as xr


def weight_matrix(
    circuit: Circuit, projection: str, recording: Recording | None = None, *, time: Any = None, trial: int = 0
) -> xr.DataArray:
    """Return the weights of a projection as a matrix.

    Parameters
    ----------
    circuit
        Where the projection belongs.
    projection
        Its name.
    recording
        A run of the circuit: the weights at its end, or, with `time`, as they were recorded
        (``record={projection: "w"}``). By default the weights at the start.
    time
        A time of the recording; the sample at or before it.
    trial
        Which trial.

    Returns
    -------
    xarray.DataArray
        Dimensions ``post`` and ``pre``, in SI (``attrs["units"]``); NaN where there is no edge, the sum where there are
        several.

    Raises
    ------
    CircuitError
        If the circuit has no such projection, or the recording no such weights.
    """
    import xarray as xr

    if projection not in circuit.projections:
        raise CircuitError(f"circuit {circuit.name!r} has no projection {projection!r}."
                           f"{nearest(projection, circuit.projections)}")  # fmt: skip
    part = circuit.projections[projection]
    edges = circuit.edges(projection)
    values = _values(circuit, projection, recording, time, trial)
    shape = (circuit.populations[part.post].n, circuit.populations[part.pre].n)
    matrix = np.zeros(shape)
    np.add.at(matrix, (edges.post, edges.pre), values)
    connected = np.zeros(shape, dtype=bool)
    connected[edges.post, edges.pre] = True
    matrix[~connected] = np.nan
    return xr.DataArray(matrix, dims=("post", "pre"), name=projection, attrs={"units": part.weight_unit})


def _values(circuit: Circuit, projection: str, recording: Recording | None, time: Any, trial: int) -> np.ndarray:
    if recording is None:
        return circuit.edges(projection).weight
    if time is None:
        found = variables(recording)
        if projection not in found or WEIGHT not in found[projection]:
            return circuit.edges(projection).weight  # a static projection
        weights: np.ndarray = np.array(found[projection][WEIGHT])[trial]
        return weights
    if projection not in recording.traces or WEIGHT not in recording.traces[projection]:
        raise CircuitError(
            f"the recording holds no weights of {projection!r} over time; run with record={{{projection!r}: 'w'}}."
        )
    trace = recording.traces[projection][WEIGHT]
    when = seconds(time, "time")
    before = np.flatnonzero(trace["time"].values <= when + 1e-9)
    if not before.size:
        raise CircuitError(f"the weights of {projection!r} are recorded from {float(trace['time'][0]):g} s on.")
    return np.array(trace.values[trial, before[-1]])


def variables(recording: Recording) -> Mapping[str, Mapping[str, Any]]:
    """Return the variables of the state that a run ended in.

    Raises
    ------
    CircuitError
        If the recording has no state: it was measured, cut or read from elsewhere.
    """
    if recording.state is None:
        raise CircuitError("the recording has no final state; give what simulate() returned.")
    return recording.state.variables
