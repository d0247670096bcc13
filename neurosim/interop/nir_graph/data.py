"""Spikes and values over time in the form of NIR's data (``nir.NIRGraphData``), and back.

A node has observables by name: spikes as events (a row of times and neurons for each trial, filled up with -1 and
infinity), values as an array (trial, time, neuron) with the time between samples.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from neurosim.errors import FileFormatError, UnsupportedError
from neurosim.interop.nir_graph.convention import library
from neurosim.interop.script_files import check_free
from neurosim.recording import Recording, SpikeTrains
from neurosim.recording.traces import trace_array

if TYPE_CHECKING:
    import xarray

SPIKES = "spikes"
#: How far samples may lie from their grid, in parts of its step.
_OFF_GRID = 1e-6


def to_nir_data(recording: Recording, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write the spikes and traces of a recording as NIR data, for the graph that :func:`to_nir` writes.

    Parameters
    ----------
    recording
        Observed without a gap from time 0 on; traces of all neurons at even times from 0 on. Node names are those of
        populations, with ``.`` for ``/``.
    path
        The file.
    overwrite
        Whether a file that exists may be replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    UnsupportedError
        If NIR data cannot hold something of the recording, with the whole list; if nir is not installed.
    FileFormatError
        If the file exists already.
    """
    target = Path(path)
    check_free(target, overwrite=overwrite)
    nir = library("to_nir_data")
    problems: list[str] = []
    nodes: dict[str, dict[str, Any]] = {}
    for name, trains in recording.spikes.items():
        if trains.duration is None or trains.start != 0 or trains.has_gaps:
            problems.append(f"spikes of {name!r}: they are not observed without a gap from time 0 on")
        else:
            nodes.setdefault(name, {})[SPIKES] = _events(nir, trains, trains.duration)
    for name, group in recording.traces.items():
        for variable, trace in group.items():
            problem, every = _grid(trace)
            if problem:
                problems.append(f"{variable!r} of {name!r}: {problem}")
            else:
                nodes.setdefault(name, {})[variable] = nir.TimeGriddedData(np.array(trace.values), every)
    if problems:
        listed = "\n".join(f"- {problem}" for problem in problems)
        raise UnsupportedError(f"this recording cannot be written as NIR data:\n{listed}")
    data = nir.NIRGraphData({name.replace("/", "."): nir.NIRNodeData(values) for name, values in nodes.items()})
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        nir.write_data(staged, data)
        os.replace(staged, target)
    finally:
        staged.unlink(missing_ok=True)
    return target


def from_nir_data(path: str | Path, *, units: Mapping[str, str] | None = None) -> Recording:
    """Return the recording of a file of NIR data.

    Parameters
    ----------
    path
        The file.
    units
        Units of values, such as ``{"v": "volt"}``; the file says none, and plain numbers are taken.

    Raises
    ------
    FileFormatError
        If the file is none of NIR data.
    UnsupportedError
        If it holds data of inner graphs, or events with values; if nir is not installed.
    """
    nir = library("from_nir_data")
    source = Path(path)
    if not source.is_file():
        raise FileFormatError(f"there is no file {source}.")
    try:
        data = nir.read_data(source)
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise FileFormatError(f"{source} cannot be read as NIR data: {error}") from error
    spikes: dict[str, SpikeTrains] = {}
    traces: dict[str, dict[str, xarray.DataArray]] = {}
    for name, node in data.nodes.items():
        if not isinstance(node, nir.NIRNodeData):
            raise UnsupportedError(f"{source}: {name!r} is a graph in the graph, which a recording has no place for.")
        for variable, values in node.observables.items():
            where = f"{source}: {variable!r} of {name!r}"
            if isinstance(values, nir.TimeGriddedData) and values.data.dtype == np.bool_:
                spikes[name] = SpikeTrains.from_dense(np.moveaxis(values.data, 0, 1), float(values.dt))
            elif isinstance(values, nir.TimeGriddedData):
                time = np.arange(values.data.shape[1]) * float(values.dt)
                unit = (units or {}).get(variable, "1")
                traces.setdefault(name, {})[variable] = trace_array(
                    values.data, variable=variable, unit=unit, time=time
                )
            elif type(values) is nir.EventData and variable == SPIKES:
                spikes[name] = _trains(values)
            else:
                raise UnsupportedError(f"{where} are events with values, or other than spikes.")
    return Recording(spikes, traces)


def _events(nir: Any, trains: SpikeTrains, duration: float) -> Any:
    counts = np.bincount(trains.trials, minlength=trains.n_trials)
    longest = int(counts.max(initial=0))
    neurons = np.full((trains.n_trials, longest), -1)
    times = np.full((trains.n_trials, longest), np.inf)
    places = np.concatenate([np.arange(count) for count in counts]) if counts.size else np.zeros(0, dtype=int)
    neurons[trains.trials, places], times[trains.trials, places] = trains.neurons, trains.times
    return nir.EventData(neurons, times, trains.n, duration)


def _trains(events: Any) -> SpikeTrains:
    trials, places = np.nonzero(events.idx != -1)
    return SpikeTrains(
        events.time[trials, places], events.idx[trials, places], int(events.n_neurons), trials,
        n_trials=events.idx.shape[0], duration=float(events.t_max),
    )  # fmt: skip


def _grid(trace: xarray.DataArray) -> tuple[str, float]:
    """Return what is in the way of an even grid from 0 on (nothing: ``""``), and the time between samples."""
    if trace.dims != ("trial", "time", "neuron"):
        return f"it has dimensions {', '.join(map(str, trace.dims))}", 0.0
    time = trace["time"].values
    every = float(time[-1] / (time.size - 1)) if time.size > 1 else 0.0
    if every <= 0 or np.any(np.abs(time - np.arange(time.size) * every) > _OFF_GRID * every):
        return "its times are not even from 0 on", 0.0
    if not np.array_equal(trace["neuron"].values, np.arange(trace.sizes["neuron"])):
        return "it is of some neurons alone", 0.0
    return "", every
