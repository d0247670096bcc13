"""Joining the recordings of a run that was split in two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import RecordError
from neurosim.recording.counting import joined_rates
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.values import same

if TYPE_CHECKING:
    import pandas
    import xarray

_EXTENT = ("start_step", "n_steps", "start", "duration")
_ONE_CIRCUIT = ("dt", "trials", "circuit_digest")


def concatenate(first: Recording, second: Recording) -> Recording:
    """Join the recordings of two runs, the second of which went on from the first.

    The result equals the recording of one run over both stretches, exactly. Entries of the metadata that differ between
    the two (a run may go on in another backend) are left out, and both originals are kept under ``"parts"``.

    Parameters
    ----------
    first, second
        The recordings, in order.

    Raises
    ------
    RecordError
        If the second does not begin where the first ended, or they do not record the same things of the same circuit.
    """
    metadata = _joined_metadata(first.metadata, second.metadata)
    for kind in ("spikes", "traces"):
        left, right = getattr(first, kind), getattr(second, kind)
        if left.keys() != right.keys():
            odd = ", ".join(sorted(left.keys() ^ right.keys()))
            raise RecordError(f"Only one of the two recordings holds {kind} of: {odd}. Record the same in both runs.")
    if not same(first.units, second.units):
        raise RecordError("The two recordings hold different units; they are not of the same circuit.")
    return Recording(
        spikes={
            name: _joined_spikes(name, trains, second.spikes[name], metadata) for name, trains in first.spikes.items()
        },
        traces={
            name: _joined_group(name, group, second.traces[name], metadata["dt"])
            for name, group in first.traces.items()
        },
        state=second.state,
        metadata=metadata,
        intervals=_joined_tables(first.intervals, second.intervals),
        events=_joined_tables(first.events, second.events),
        units=first.units,
    )


def _joined_metadata(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    for name in (*_EXTENT, "dt", "trials"):
        if name not in first or name not in second:
            raise RecordError(f"Only recordings of simulations can be joined; {name!r} is missing from the metadata.")
    for name in _ONE_CIRCUIT:
        if first.get(name) != second.get(name):
            raise RecordError(f"The recordings differ in {name}: {first.get(name)!r} and {second.get(name)!r}.")
    end = first["start_step"] + first["n_steps"]
    if second["start_step"] != end:
        raise RecordError(
            f"The second recording begins at step {second['start_step']}, but the first ends before step {end}. Run "
            "the second part with state= of the first, and give them in order."
        )
    extent = {
        "n_steps": first["n_steps"] + second["n_steps"],
        "start_step": first["start_step"],
        "start": first["start"],
    }
    extent["duration"] = extent["n_steps"] * first["dt"]
    shared = {name: value for name, value in first.items() if name in second and same(value, second[name])}
    names = (first.keys() | second.keys()) - {*_EXTENT, "parts"}
    if names <= shared.keys() and "parts" not in first and "parts" not in second:
        return {**shared, **extent}
    parts = [part for metadata in (first, second) for part in metadata.get("parts", [dict(metadata)])]
    shared.pop("parts", None)
    return {**shared, **extent, "parts": parts}


def _joined_spikes(name: str, first: SpikeTrains, second: SpikeTrains, metadata: Mapping[str, Any]) -> SpikeTrains:
    if first.n != second.n:
        raise RecordError(f"{name!r} has {first.n} neurons in one recording and {second.n} in the other.")
    return SpikeTrains(
        np.concatenate([first.times, second.times]),
        np.concatenate([first.neurons, second.neurons]),
        first.n,
        np.concatenate([first.trials, second.trials]),
        first.n_trials,
        metadata["duration"],
        first.start,
    )


def _joined_tables(
    first: Mapping[str, pandas.DataFrame], second: Mapping[str, pandas.DataFrame]
) -> dict[str, pandas.DataFrame]:
    """Return the tables of both, rows of the second after those of the first."""
    import pandas

    tables = dict(first) | {name: table for name, table in second.items() if name not in first}
    for name in first.keys() & second.keys():
        if list(first[name]) != list(second[name]):
            raise RecordError(f"The table {name!r} has other columns in the second recording than in the first.")
        tables[name] = pandas.concat([first[name], second[name]], ignore_index=True)
    return tables


def _joined_group(
    name: str, first: Mapping[str, xarray.DataArray], second: Mapping[str, xarray.DataArray], dt: float
) -> dict[str, xarray.DataArray]:
    if first.keys() != second.keys():
        odd = ", ".join(sorted(f"{name}.{variable}" for variable in first.keys() ^ second.keys()))
        raise RecordError(f"Only one of the two recordings holds: {odd}. Record the same in both runs.")
    return {
        variable: _joined_trace(f"{name}.{variable}", trace, second[variable], dt) for variable, trace in first.items()
    }


def _joined_trace(address: str, first: xarray.DataArray, second: xarray.DataArray, dt: float) -> xarray.DataArray:
    import xarray

    fixed = [one.isel(time=slice(0, 0)).drop_vars(["time", "observed"], errors="ignore") for one in (first, second)]
    if not fixed[0].identical(fixed[1]):
        raise RecordError(f"{address} was not recorded of the same neurons, in the same unit, in both runs.")
    if "observed" in first.coords:
        return joined_rates(first, second, dt)
    time = np.concatenate([first["time"].values, second["time"].values])
    coords = {name: coordinate for name, coordinate in first.coords.items() if name != "time"}
    return xarray.DataArray(
        np.concatenate([first.values, second.values], axis=1),
        dims=first.dims,
        coords={**coords, "time": ("time", time, first["time"].attrs)},
        name=first.name,
        attrs=first.attrs,
    )
