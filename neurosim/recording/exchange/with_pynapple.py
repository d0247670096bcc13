"""Pynapple: a group of spike trains for each population, a frame for each trace, on one line of time."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import RecordError
from neurosim.recording.exchange.extras import extra
from neurosim.recording.exchange.facts import (
    describe,
    observed_from,
    plain_column,
    recording_from,
    trace_from,
    whole_table,
)
from neurosim.recording.exchange.layout import Layout
from neurosim.recording.recording import Recording
from neurosim.recording.spikes import SpikeTrains
from neurosim.recording.support import Support
from neurosim.recording.traces import trace_array

if TYPE_CHECKING:
    import pandas

PURPOSE = "Exchange with pynapple"

_log = logging.getLogger(__name__)


class PynappleObjects(dict[str, Any]):
    """Pynapple's objects by name, and what of the recording they have no place for."""

    def __init__(self, objects: Mapping[str, Any], facts: Mapping[str, Any], layout: Layout) -> None:
        super().__init__(objects)
        self.facts = facts
        self.layout = layout


def to_pynapple(recording: Recording) -> PynappleObjects:
    """Return pynapple's objects; see `Recording.to_pynapple`."""
    nap, layout = extra("pynapple", PURPOSE), Layout.of(recording)
    objects: dict[str, Any] = {}
    for name, trains in recording.spikes.items():
        if trains.n:
            units = recording.units
            objects[name] = _group(nap, trains, units[units["population"] == name], layout)
    for name, group in recording.traces.items():
        for variable, trace in group.items():
            objects[_free(objects, f"{name}.{variable}")] = _frame(nap, trace, layout)
    if recording.support is not None:
        objects[_free(objects, "support")] = _epochs(nap, recording.support, layout)
    for name, table in recording.intervals.items():
        objects[_free(objects, name)] = _intervals(nap, layout.table(table))
    for name, table in recording.events.items():
        objects[_free(objects, name)] = _moments(nap, layout.table(table)["time"].to_numpy())
    facts = describe(recording)
    for kind in ("intervals", "events"):
        facts[kind] = {name: whole_table(table) for name, table in getattr(recording, kind).items()}
    return PynappleObjects(objects, facts, layout)


def from_pynapple(source: Any) -> Recording:
    """Return the recording of pynapple's objects; see `Recording.from_pynapple`."""
    nap = extra("pynapple", PURPOSE)
    if isinstance(source, PynappleObjects):
        return _own(source)
    if isinstance(source, nap.TsGroup):
        return _foreign(nap, {"units": source})
    if not hasattr(source, "keys"):
        raise RecordError(f"from_pynapple takes a TsGroup, or pynapple's objects by name; got {type(source).__name__}.")
    return _foreign(nap, {str(name): source[name] for name in source.keys()})


def _group(nap: Any, trains: SpikeTrains, units: pandas.DataFrame, layout: Layout) -> Any:
    order = np.argsort(trains.neurons, kind="stable")
    laid = layout.laid(trains.times[order], trains.trials[order])
    edges = np.searchsorted(trains.neurons[order], np.arange(trains.n + 1))
    known = {
        name: plain_column(units[name])
        for name in units.columns.drop(["population", "neuron"])
        if not hasattr(nap.TsGroup, name) and name != "rate"
    }
    support = trains.support
    if support is None:
        end = float(trains.times.max(initial=trains.start)) + 1e-6  # pynapple knows no train without a time
        support = Support(trains.start, end, n_trials=trains.n_trials)
    epochs = _epochs(nap, support, layout)
    return nap.TsGroup(
        {neuron: nap.Ts(laid[edges[neuron] : edges[neuron + 1]], time_support=epochs) for neuron in range(trains.n)},
        time_support=epochs,
        metadata=known if len(units) else {},
    )


def _moments(nap: Any, times: NDArray[np.float64]) -> Any:
    span = (times.min(), times.max() + 1e-6) if times.size else (0.0, 1e-6)  # an instant is no interval there
    return nap.Ts(times, time_support=nap.IntervalSet(*span))


def _frame(nap: Any, trace: Any, layout: Layout) -> Any:
    times, trials = trace["time"].values, trace.sizes["trial"]
    stamps = layout.laid(np.tile(times, trials), np.repeat(np.arange(trials), times.size))
    values = np.concatenate(list(trace.values))
    if values.ndim == 1:
        return nap.Tsd(t=stamps, d=values)
    return nap.TsdFrame(t=stamps, d=values, columns=trace[trace.dims[2]].values)


def _epochs(nap: Any, support: Support, layout: Layout) -> Any:
    return nap.IntervalSet(*(layout.laid(edges, support.trials) for edges in (support.starts, support.stops)))


def _intervals(nap: Any, table: pandas.DataFrame) -> Any:
    """Return intervals with what is known of them; pynapple joins those that overlap, which are then of no one row."""
    starts, stops = table["start"].to_numpy(), table["stop"].to_numpy()
    apart = Support(starts, stops)
    if len(apart) < len(table):
        _log.warning("Intervals that overlap or touch are joined in pynapple, and what is known of each is lost there.")
        return nap.IntervalSet(apart.starts, apart.stops)
    known = {
        name: plain_column(table[name])
        for name in table.columns.drop(["start", "stop", "row"])
        if not hasattr(nap.IntervalSet, name)
    }
    return nap.IntervalSet(starts, stops, metadata=known)


def _free(objects: Mapping[str, Any], name: str) -> str:
    while name in objects:
        name += "_"
    return name


# -- read again ------------------------------------------------------------------------------------------------------


def _own(source: PynappleObjects) -> Recording:
    facts, layout = source.facts, source.layout
    dt = facts["metadata"].get("dt")
    spikes = {}
    for name, one in facts["populations"].items():
        laid = [np.asarray(source[name][neuron].t) for neuron in range(one["n"])]
        times = np.concatenate([np.empty(0), *laid])
        trials = layout.trials_of(times)
        spikes[name] = SpikeTrains(
            layout.own(times, trials, dt),
            np.repeat(np.arange(one["n"]), [part.size for part in laid]),
            one["n"],
            trials,
            facts["n_trials"],
            **observed_from(one),
        )
    traces = {
        name: {variable: _read_frame(source[f"{name}.{variable}"], one) for variable, one in group.items()}
        for name, group in facts["traces"].items()
    }
    return recording_from(
        spikes,
        traces,
        facts,
    )


def _read_frame(frame: Any, facts: Mapping[str, Any]) -> Any:
    shape = facts["shape"]
    return trace_from(np.asarray(frame.values).reshape(shape if len(shape) == 3 else (*shape, 1)), facts)


def _foreign(nap: Any, objects: Mapping[str, Any]) -> Recording:
    import pandas

    spikes: dict[str, SpikeTrains] = {}
    traces: dict[str, dict[str, Any]] = {}
    intervals: dict[str, pandas.DataFrame] = {}
    events: dict[str, pandas.DataFrame] = {}
    units = []
    for name, item in objects.items():
        if isinstance(item, nap.TsGroup):
            spikes[name], known = _population(name, item)
            units.append(known)
        elif isinstance(item, nap.IntervalSet):
            columns = {"start": np.asarray(item.start), "stop": np.asarray(item.end)}
            intervals[name] = pandas.DataFrame({**_known(item), **columns})
        elif isinstance(item, nap.Ts):
            events[name] = pandas.DataFrame({"time": np.asarray(item.t)})
        elif isinstance(item, nap.Tsd | nap.TsdFrame):
            values = np.asarray(item.values).reshape(1, len(item), -1)
            traces[name] = {"data": trace_array(values, variable="data", unit="1", time=np.asarray(item.t))}
        else:
            _log.warning("%s is a %s, which a recording has no place for; it is left out.", name, type(item).__name__)
    known_units = pandas.concat(units, ignore_index=True) if units else None
    return Recording(spikes, traces, intervals=intervals, events=events, units=known_units)


def _population(name: str, group: Any) -> tuple[SpikeTrains, pandas.DataFrame]:
    import pandas

    keys = list(group.keys())
    times = [np.asarray(group[key].t) for key in keys]
    trains = SpikeTrains(
        np.concatenate([np.empty(0), *times]),
        np.repeat(np.arange(len(keys)), [one.size for one in times]),
        len(keys),
        support=Support(np.asarray(group.time_support.start), np.asarray(group.time_support.end)),
    )
    known = {key: values for key, values in _known(group).items() if key not in ("rate", "population", "neuron", "id")}
    rows: dict[str, Any] = {"population": name, "neuron": np.arange(len(keys)), "id": keys, **known}
    return trains, pandas.DataFrame(rows)


def _known(item: Any) -> dict[str, NDArray[Any]]:
    """Return those metadata of pynapple's that a table can hold."""
    held = {str(name): item.metadata[name].to_numpy() for name in item.metadata_columns}
    return {
        name: values
        for name, values in held.items()
        if values.dtype.kind in "biuf" or all(isinstance(value, str) for value in values)
    }
